"""What the proxy's own client does: it leaves, or sends on while the backend has answered."""
import os
import signal
import time


def client_leaves(ctx, waits=(0.7, 1.1), partly=0.9):
    """The client closes while the backend works on its request, and once in the middle of the answer."""
    for wait in waits:
        ctx.req("GET", "/ok")
        _leave(ctx, wait, "/slow", "s=2.5")
        time.sleep(2.6)
    if partly:
        ctx.req("GET", "/ok")
        _leave(ctx, partly, "/chunked", "n=80&ms=30")
        time.sleep(1)
    ctx.req("GET", "/ok")


def _leave(ctx, wait, path, params):
    conn = ctx.prepare()
    ctx.req("GET", path, params=params, cause="client_gone", conn=conn, recv=False, keep=True, notes="the client closed after %g s" % wait)
    time.sleep(wait)
    conn.close()


def upload_cut(ctx, n=24, size=400000, stop=0.025, after=0.004):
    """An upload that the proxy passes on as it comes in, to a backend that answers 413 at once and closes. The
    proxy is stopped for a moment, as a busy event loop is, and goes on sending before it reads."""
    for i in range(n):
        if i % 4 == 0:
            ctx.req("GET", "/ok")
        pids = ctx.proxy["proc"].children()
        ctx.req("POST", "/upload", body=b"u" * size, body_delay=0.012, cause="upload_cut_short", background=True, notes="answered 413 before the body was read")
        time.sleep(after + 0.001 * i)
        for p in pids:
            os.kill(p, signal.SIGSTOP)
        time.sleep(stop)
        for p in pids:
            os.kill(p, signal.SIGCONT)
        ctx.join()
        time.sleep(0.1)
