"""The backend closes an idle connection while, or before, the next request comes."""
import os
import signal
import time

from ..wire import is_close


def keepalive_race(ctx, methods=("GET", "POST"), rounds=4, warm="/ok", path="/ok", when="after_fin", wait=None, gap=0.4,
                   cause="keepalive_race", prepare=True, notes="", keep_warm=0, any_sign=False, **kw):
    """The next request is sent while the backend's FIN is on the wire (after_fin),
    or just before the backend's timer fires, so that it is still on its way then (before_fin)."""
    wait = wait or ctx.backend["ka"] + 5
    measured = None
    D = ctx.lab.delay_ms / 1000
    for i in range(rounds):
        for m in methods:
            q = ctx.wire.subscribe()
            for _ in range(keep_warm):
                ctx.req("GET", warm)
            ctx.req("GET", warm)
            conn = ctx.prepare() if prepare else None
            t_resp = None
            if when == "before_fin" and measured:
                # the last response payload that entered the wire from the backend
                while not q.empty():
                    e = q.get()
                    if e["from"] == "B" and "P" in e["flags"]:
                        t_resp = e["t"]
                time.sleep(max(0, t_resp + measured - D * 0.5 - time.time()))
                ctx.req(m, path, cause=cause, conn=conn, notes=notes or "sent just before the backend's timer", **kw)
            else:
                ev = None
                end = time.time() + wait
                while time.time() < end:
                    e = ctx.wire.wait(q, lambda e: e["from"] == "B" and e["sport"] == ctx.bport, end - time.time())
                    if e is None:
                        break
                    if "F" in e["flags"] or "R" in e["flags"] or (any_sign and t_resp and e["t"] - t_resp > 0.5):
                        ev = e  # any_sign: a GOAWAY or a close_notify counts, too
                        break
                    if "P" in e["flags"]:
                        t_resp = e["t"]
                if ev is None:
                    ctx.notes.append("round %d: the backend closed nothing within %.1f s" % (i, wait))
                    if conn:
                        conn.close()
                    ctx.wire.unsubscribe(q)
                    continue
                if when == "before_fin":
                    measured = ev["t"] - t_resp
                    ctx.truth_extra["measured_backend_idle_s"] = round(measured, 4)
                    if conn:
                        conn.close()
                else:
                    ctx.req(m, path, cause=cause, conn=conn, notes=notes or "sent while the backend's close was on the wire", **kw)
            ctx.wire.unsubscribe(q)
            time.sleep(gap)


def natural_race(ctx, n=24, cycles=10, enough=2, idle=None, step=0.0004, methods=("POST", "GET")):
    """No wire and no trigger: many idle connections, and requests spread over the moment when their idle timers
    are due, again and again until the client has seen enough of them fail."""
    idle = idle or ctx.backend["ka"]
    for c in range(cycles):
        for _ in range(n):
            ctx.req("GET", "/slow", params="s=0.5", background=True)
        ctx.join()
        # the last answers went out about now
        last = max(r["t_client_sent"] + r["latency_s"] for r in ctx.records[-n:])
        conns = [ctx.prepare() for _ in range(n)]
        start = last + idle - step * n * (0.75 if c % 2 else 0.4)
        for i, k in enumerate(conns):
            time.sleep(max(0, start + i * step - time.time()))
            ctx.req(methods[i % 2], "/ok", cause="observed", conn=k, background=True, notes="sent about when the idle timers are due")
        ctx.join()
        if sum(1 for r in ctx.records if r["client_status"] != 200) >= enough:
            break
        time.sleep(0.3)


def race_burst(ctx, n=6, method="POST", rounds=2, warm="/slow", warm_params="s=0.4"):
    """n pooled connections whose idle timers fire together; one request for every FIN."""
    for _ in range(rounds):
        q = ctx.wire.subscribe()
        for _ in range(n):
            ctx.req("GET", warm, params=warm_params, background=True)
        ctx.join()
        conns = [ctx.prepare() for _ in range(n)]
        while not q.empty():
            q.get()
        for c in conns:
            ev = ctx.wire.wait(q, is_close(ctx), ctx.backend["ka"] + 5)
            if ev is None:
                c.close()
                continue
            ctx.req(method, "/ok", cause="observed", conn=c, background=True, notes="one of a burst sent while several FINs were on the wire")
        ctx.join()
        ctx.wire.unsubscribe(q)
        time.sleep(0.5)


def stale_reuse(ctx, rounds=3, methods=("GET", "POST"), pause_all=True):
    """The proxy is stopped (as a busy event loop is); the client's request arrives first, then the backend's FIN;
    then the proxy goes on."""
    for _ in range(rounds):
        for m in methods:
            q = ctx.wire.subscribe()
            ctx.req("GET", "/ok")
            conn = ctx.prepare()
            time.sleep(max(0.1, ctx.backend["ka"] - 0.3))
            pids = [ctx.proxy["proc"].pid] + ctx.proxy["proc"].children()
            for p in pids:
                os.kill(p, signal.SIGSTOP)
            try:
                ctx.req(m, "/ok", cause="stale_reuse", conn=conn, background=True, accept={"stale_reuse"},
                            notes="the proxy's event loop was stopped while the FIN arrived")
                ctx.wire.wait(q, is_close(ctx), ctx.backend["ka"] + 3)
                time.sleep(0.1)
            finally:
                for p in pids[::-1]:
                    os.kill(p, signal.SIGCONT)
            ctx.join()
            ctx.wire.unsubscribe(q)
            time.sleep(0.3)


def blocked_backend(ctx, rounds=3, methods=("POST", "GET")):
    """The backend's process is stopped (as a blocked event loop is) before its idle timer is due; the request arrives
    meanwhile; when it goes on, the timer fires first and the socket is closed with the request unread: RST.
    By its packets a reset of an acknowledged request, by its root a keep-alive race inside the backend."""
    for _ in range(rounds):
        for m in methods:
            ctx.req("GET", "/ok")
            time.sleep(max(0.2, ctx.backend["ka"] - 0.5))
            pid = ctx.backend["proc"].pid
            os.kill(pid, signal.SIGSTOP)
            try:
                ctx.req(m, "/ok", cause="reset_in_flight", background=True, variant="keep-alive timer of a blocked backend",
                        accept={"reset_in_flight", "keepalive_race"}, root="keepalive_race", notes="a keepalive_race by its root")
                time.sleep(2.0)
            finally:
                os.kill(pid, signal.SIGCONT)
            ctx.join()
            time.sleep(0.4)


def before_timer(ctx, early=0.010, warm=3, methods=("GET", "POST", "POST")):
    """Requests that come just before the timer of a server which does not ask whether one has come: it reads
    and runs them, and finds its connection shut when it wants to answer."""
    ka = ctx.backend["ka"]
    for _ in range(warm):
        ctx.req("GET", "/ok")
        time.sleep(ka + 0.5)
    for m in methods:
        r = ctx.req("GET", "/ok")
        conn = ctx.prepare()
        time.sleep(max(0, r["t_client_sent"] + r["latency_s"] + ka - early - time.time()))
        ctx.req(m, "/ok", conn=conn, cause="closed_in_flight", root="keepalive_race", variant="lost in the host",
                notes="a keepalive_race by its root: the timer fired while the request was being run")
        time.sleep(0.5)
