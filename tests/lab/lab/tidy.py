"""What a case leaves: its folder without work files, links and the machine's paths."""
import os
import shutil

def tidy(d, tools):
    """Remove work files; take the machine's paths out of text files; open up permissions."""
    for n in ("tmp", "varnish", "ats/var/cache", "tomcat/work", "tomcat/temp", "jetty", "caddy", "app", "wire.log", ".config", ".local", "config.ru",
              "backend-cgid.sock", "www", "mutex-cache", "tmp-postgres", "tmp-hostkey", "tmp-hostkey.pub"):
        p = os.path.join(d, n)
        if os.path.isdir(p):
            shutil.rmtree(p, ignore_errors=True)
        elif os.path.lexists(p):
            os.unlink(p)
    if os.path.isdir(os.path.join(d, "ats")):
        for f in ("records.config", "remap.config"):
            shutil.copy(os.path.join(d, "ats/etc", f), os.path.join(d, "conf"))
        shutil.rmtree(os.path.join(d, "ats"), ignore_errors=True)
    if os.path.isdir(os.path.join(d, "tomcat")):
        shutil.copy(os.path.join(d, "tomcat/conf/server.xml"), os.path.join(d, "conf")) if os.path.isdir(os.path.join(d, "conf")) else None
        for f in os.listdir(os.path.join(d, "tomcat/logs")):
            if f.startswith("access"):
                shutil.copy(os.path.join(d, "tomcat/logs", f), os.path.join(d, "backend-access.log"))
        shutil.rmtree(os.path.join(d, "tomcat"), ignore_errors=True)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for root, _, fs in os.walk(d):
        for f in fs:
            p = os.path.join(root, f)
            if f.endswith((".pcap", ".pcapng", ".vsl")) or os.path.islink(p) or not os.path.isfile(p):
                if not os.path.isfile(p):
                    try:
                        os.unlink(p)
                    except OSError:
                        pass
                continue
            if os.path.getsize(p) == 0 or f.endswith(".pid"):
                os.unlink(p)
                continue
            with open(p, "rb") as fh:
                b = fh.read()
            n = b.replace(d.encode(), b".").replace(here.encode(), b"LAB").replace(os.path.realpath(tools).encode(), b"TOOLS").replace(tools.encode(), b"TOOLS")
            if n != b:
                with open(p, "wb") as fh:
                    fh.write(n)
