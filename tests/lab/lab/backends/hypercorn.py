"""hypercorn. Options: graceful, tls."""
from ..daemon import dpkg, python_app

PACKAGES = ("python3-hypercorn", "python3-h2")


def start(ctx, o):
    argv = ["hypercorn", "-b", "0.0.0.0:%d" % o["port"], "--keep-alive", int(o["ka"]), "--access-logfile", "backend-access.log",
            "--graceful-timeout", o.get("graceful", 3)]
    if o.get("tls"):
        argv += ["--keyfile", ctx.tls["key"], "--certfile", ctx.tls["cert"]]
    p = ctx.lab.spawn(ctx.lab.backend, argv + ["asgi_app:app"], "backend-error.log", env=python_app(ctx))
    return {"proc": p, "version": dpkg("python3-hypercorn")}
