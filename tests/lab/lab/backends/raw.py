"""A hand-written socket server, for mechanisms that no stock server produces on demand. Options: mode, linger_ms, tls."""
import os

from ..daemon import APPS, PY

PACKAGES = ()


def start(ctx, o):
    """A hand-written socket server, for mechanisms that no stock server produces on demand."""
    argv = [PY, os.path.join(APPS, "raw_backend.py"), o["port"], o["mode"], str(o["ka"]), str(o.get("linger_ms", 0))]
    if o.get("tls"):
        argv += [ctx.tls["cert"], ctx.tls["key"]]
    p = ctx.lab.spawn(ctx.lab.backend, argv, "backend-access.log")
    return {"proc": p, "name": "raw socket server (%s)" % o["mode"], "version": "python3"}
