"""Go's httputil.ReverseProxy."""
import os

from ..process import sh
from . import spawn

PACKAGES = ("golang-go",)
KNOWN = "go-transport"


def start(ctx, o):
    p = spawn(ctx, [os.path.join(ctx.tools, "labgo"), "proxy", "-to", "%s://%s" % ("https" if o.get("tls") else "http", o["servers"][0]), "-idle", "%gs" % o["idle"],
                     "-connect", "%gs" % o["connect"], "-read", "%gs" % o["read"]])
    return {"proc": p, "name": "Go httputil.ReverseProxy", "version": sh("go", "version").split()[2]}
