"""uvicorn. Options: workers, limit_concurrency, limit_max, tls."""
from ..daemon import dpkg, python_app

PACKAGES = ("uvicorn",)


def start(ctx, o):
    argv = ["uvicorn", "--host", "0.0.0.0", "--port", o["port"], "--timeout-keep-alive", int(o["ka"]),
            "--log-level", "info", "asgi_app:app"]
    if o.get("workers"):
        argv += ["--workers", o["workers"]]
    if o.get("limit_concurrency"):
        argv += ["--limit-concurrency", o["limit_concurrency"]]
    if o.get("limit_max"):
        argv += ["--limit-max-requests", o["limit_max"]]
    if o.get("tls"):
        argv += ["--ssl-keyfile", ctx.tls["key"], "--ssl-certfile", ctx.tls["cert"]]
    p = ctx.lab.spawn(ctx.lab.backend, argv, "backend-access.log", env=python_app(ctx))
    return {"proc": p, "version": dpkg("uvicorn")}
