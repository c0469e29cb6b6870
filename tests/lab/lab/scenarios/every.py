"""One cause after the other with one proxy: what does it send again, and what does it tell its client?"""
import time

from .faulty import faulty


def every_cause(ctx, steps, connects=True):
    """The faulty steps, a GET and a POST each; then a path that drops SYN, and a backend that is gone."""
    faulty(ctx, [dict(step, method=method) for step in steps for method in ("GET", "POST")])
    if not connects:
        return
    time.sleep(ctx.backend["ka"] + 1.5)  # no connection is left to be used again
    ctx.wire.cmd("dropsyn on")
    _both(ctx, "connect_timeout")
    ctx.wire.cmd("pass")
    time.sleep(1)
    ctx.stop_backend()
    time.sleep(0.3)
    _both(ctx, "connection_refused")


def _both(ctx, cause):
    for method in ("GET", "POST"):
        ctx.req(method, "/ok", cause=cause, accept={cause, "no_attempt"}, timeout=12)  # some wait for the kernel to give up
        time.sleep(0.2)
