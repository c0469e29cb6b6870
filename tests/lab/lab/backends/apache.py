"""Apache httpd (event). Options: max_keepalive_requests."""
import os

from ..daemon import dpkg, write

PACKAGES = ("apache2",)
KNOWN = "apache-httpd"


def start(ctx, o):
    os.makedirs(os.path.join(ctx.dir, "www"), exist_ok=True)
    for n in ("ok", "index.html"):
        write(ctx, "www/" + n, "ok from apache\n")
    write(ctx, "www/big", "b" * 2000000)
    write(ctx, "www/slow.cgi", "#!/bin/sh\nsleep ${QUERY_STRING##*s=}\nprintf 'Content-Type: text/plain\\n\\nok\\n'\n")
    os.chmod(os.path.join(ctx.dir, "www/slow.cgi"), 0o755)
    c = write(ctx, "conf/backend-apache.conf", """
ServerRoot "${LABDIR}"
PidFile backend-apache.pid
Listen %(port)d
ServerName backend
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
TypesConfig /dev/null
LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
ScriptSock backend-cgid.sock
DocumentRoot "${LABDIR}/www"
KeepAlive On
KeepAliveTimeout %(ka)s
MaxKeepAliveRequests %(max)d
Timeout 10
User www-data
Group www-data
ErrorLog backend-error.log
LogLevel info
LogFormat "%%{sec}t.%%{msec_frac}t id=%%{X-Request-Id}i \\"%%r\\" %%>s %%B ka=%%k port=%%{remote}p" lab
CustomLog backend-access.log lab
AddHandler cgi-script .cgi
<Directory "${LABDIR}/www">
  Options +ExecCGI
  Require all granted
</Directory>
""" % dict(port=o["port"], ka=("%dms" % int(o["ka"] * 1000)), max=o.get("max_keepalive_requests", 100)))
    p = ctx.lab.spawn(ctx.lab.backend, ["apache2", "-DFOREGROUND", "-d", ctx.dir, "-f", c], "backend-stderr.log", env={"LABDIR": ctx.dir})
    return {"proc": p, "name": "apache2 (event)", "version": dpkg("apache2")}
