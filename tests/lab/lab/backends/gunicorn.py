"""gunicorn. Options: worker, workers, threads, timeout, graceful, max_requests, backlog, env, tls."""
from ..daemon import dpkg, python_app

PACKAGES = ("gunicorn",)


def start(ctx, o):
    argv = ["gunicorn", "-k", o.get("worker", "gthread"), "-w", o.get("workers", 1), "--threads", 1 if o.get("worker") == "sync" else o.get("threads", 8),
            "-b", "0.0.0.0:%d" % o["port"], "--keep-alive", int(o["ka"]), "--timeout", o.get("timeout", 30),
            "--graceful-timeout", o.get("graceful", 30), "--access-logfile", "backend-access.log",
            "--log-level", "debug", "--worker-tmp-dir", "/dev/shm"]
    if o.get("backlog"):
        argv += ["--backlog", o["backlog"]]
    if o.get("max_requests"):
        argv += ["--max-requests", o["max_requests"]]
    if o.get("tls"):
        argv += ["--certfile", ctx.tls["cert"], "--keyfile", ctx.tls["key"]]
    p = ctx.lab.spawn(ctx.lab.backend, argv + ["wsgi_app:application"], "backend-error.log", env=dict(python_app(ctx), **o.get("env", {})))
    return {"proc": p, "name": "gunicorn (%s)" % o.get("worker", "gthread"), "version": dpkg("gunicorn")}
