"""lighttpd as a server. Options: max_requests."""
import os

from ..daemon import dpkg, write

PACKAGES = ("lighttpd",)


def start(ctx, o):
    os.makedirs(os.path.join(ctx.dir, "www"), exist_ok=True)
    write(ctx, "www/ok", "ok from lighttpd\n")
    c = write(ctx, "conf/backend-lighttpd.conf", """
server.modules = ("mod_accesslog")
server.document-root = env.LABDIR + "/www"
server.port = %(port)d
server.errorlog = env.LABDIR + "/backend-error.log"
accesslog.filename = env.LABDIR + "/backend-access.log"
server.max-keep-alive-idle = %(ka)d
server.max-keep-alive-requests = %(n)d
index-file.names = ( "ok" )
mimetype.assign = ( "" => "text/plain" )
""" % dict(port=o["port"], ka=o["ka"], n=o.get("max_requests", 100)))
    p = ctx.lab.spawn(ctx.lab.backend, ["lighttpd", "-D", "-f", c], "backend-stderr.log", env={"LABDIR": ctx.dir})
    return {"proc": p, "version": dpkg("lighttpd")}
