"""The backend closes after so many requests."""
import time

from ..wire import is_close


def limit_race(ctx, limit=3, rounds=4, method="POST"):
    """The backend closes after `limit` requests; the next request crosses that FIN."""
    for i in range(rounds):
        q = ctx.wire.subscribe()
        conn = ctx.prepare()
        ev = None
        for k in range(limit + 1):
            ctx.req("GET", "/ok", background=True)
            # a close that comes with the response: the FIN is seen while the response is on the wire
            ev = ctx.wire.wait(q, is_close(ctx), 0.25)
            if ev:
                break
            ctx.join()
        ctx.join()
        if ev is None:
            conn.close()
            ctx.notes.append("round %d: no close after %d requests" % (i, limit + 1))
        else:
            ctx.req(method, "/ok", cause="request_limit_close", conn=conn, notes="sent when the backend had closed after %d requests" % limit)
        ctx.wire.unsubscribe(q)
        time.sleep(0.3)


def limit_load(ctx, n=60, rate=40, methods=("POST", "GET"), cause="observed"):
    """Steady load on a backend that closes every connection after some requests."""
    t0 = time.time()
    for i in range(n):
        ctx.req(methods[i % len(methods)], "/ok", cause=cause, background=True, notes="steady load; the backend closes after some requests")
        time.sleep(max(0, t0 + (i + 1) / rate - time.time()))
    ctx.join()
