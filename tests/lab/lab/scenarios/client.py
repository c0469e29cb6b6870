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


def upload_cut(ctx, n=6, size=400000, stop=0.030):
    """An upload that the proxy passes on as it comes in, to a backend that answers 413 at once and closes. The
    proxy is stopped, as a busy event loop is, while the answer is on the wire: when it goes on, more of the
    upload is first in line, and writing that fails."""
    for _ in range(n):
        ctx.req("GET", "/ok")
        pids, q = ctx.proxy["proc"].children(), ctx.wire.subscribe()
        ctx.req("POST", "/upload", body=b"u" * size, body_delay=0.004, pieces=40, cause="upload_cut_short", background=True, notes="answered 413 before the body was read")
        ctx.wire.wait(q, lambda e: e["from"] == "B" and "P" in e["flags"], 2)
        for p in pids:
            os.kill(p, signal.SIGSTOP)
        time.sleep(stop)
        for p in pids:
            os.kill(p, signal.SIGCONT)
        ctx.join()
        ctx.wire.unsubscribe(q)
        time.sleep(0.1)


def client_leaves_upload(ctx, n=2):
    """The client closes in the middle of an upload."""
    for _ in range(n):
        ctx.req("GET", "/ok")
        conn = ctx.prepare()
        rec = ctx.req("POST", "/echo", body=b"u" * 400000, body_delay=0.15, pieces=20, cause="client_gone", conn=conn, recv=False, keep=True, background=True,
                      notes="the client closed in the middle of its upload")
        time.sleep(1)
        conn.s.shutdown(2)
        conn.close()
        rec["_thread"].join(10)
        time.sleep(0.6)
    ctx.req("GET", "/ok")
