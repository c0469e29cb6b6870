"""lighttpd, mod_proxy."""
from ..daemon import dpkg, write
from . import spawn

PACKAGES = ("lighttpd",)


def start(ctx, o):
    ip, port = o["servers"][0].rsplit(":", 1)
    c = write(ctx, "conf/proxy-lighttpd.conf", """
server.modules = ("mod_accesslog", "mod_proxy")
server.document-root = "/var/empty"
server.port = 8080
server.errorlog = env.LABDIR + "/proxy-error.log"
accesslog.filename = env.LABDIR + "/proxy-access.log"
accesslog.format = "%%{begin:sec}t.%%{begin:msec_frac}t id=%%{X-Request-Id}i \\"%%r\\" %%s %%b us=%%D"
proxy.server = ( "" => (( "host" => "%s", "port" => %s, "connect-timeout" => %d, "read-timeout" => %d, "write-timeout" => %d )) )
""" % (ip, port, int(o["connect"]), int(o["read"]), int(o["read"])))
    p = spawn(ctx, ["lighttpd", "-D", "-f", c], env={"LABDIR": ctx.dir})
    return {"proc": p, "version": dpkg("lighttpd")}
