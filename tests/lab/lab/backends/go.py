"""Go's net/http. Options: write, tls, h2."""
import os

from ..process import sh

PACKAGES = ("golang-go",)
KNOWN = "go-http"


def start(ctx, o):
    argv = [os.path.join(ctx.tools, "labgo"), "backend", "-addr", ":%d" % o["port"], "-idle", "%gs" % o["ka"]]
    if o.get("write"):
        argv += ["-write", "%gs" % o["write"]]
    if o.get("tls"):
        argv += ["-cert", ctx.tls["cert"], "-key", ctx.tls["key"], "-keylog", "keylog.txt"]
    if o.get("h2"):
        argv += ["-h2"]
    p = ctx.lab.spawn(ctx.lab.backend, argv, "backend-error.log")
    return {"proc": p, "name": "Go net/http", "version": sh("go", "version").split()[2]}
