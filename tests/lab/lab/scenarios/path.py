"""What is between fails: it drops, forgets or resets."""
import time


def blackhole(ctx, mode="drop", rounds=2, methods=("GET", "POST"), idle=0.6, heal=True, both=False):
    """An idle, established connection is forgotten by the middle."""
    for _ in range(rounds):
        for m in methods:
            ctx.req("GET", "/ok")
            time.sleep(idle)
            ctx.wire.cmd("drop both" if both else "forget " + mode)
            ctx.req(m, "/ok", cause="path_blackhole", variant={"drop": "silent", "rst": "middle sends RST"}[mode],
                    accept={"path_blackhole", "reset_in_flight", "keepalive_race"} if mode == "rst" else None,
                    notes="the middle forgot the idle connection")
            if heal:
                ctx.wire.cmd("pass")
            time.sleep(0.5)


def blackhole_midway(ctx, n=2, s=1.0):
    """The path dies while the backend is working on the request (response lost)."""
    for _ in range(n):
        ctx.req("GET", "/ok")
        ctx.req("GET", "/slow", params="s=%g" % s, cause="path_blackhole", variant="response lost", background=True,
                accept={"backend_slow", "path_blackhole"}, notes="the request was acknowledged, then the middle dropped everything both ways; the backend did answer")
        time.sleep(s * 0.5)
        ctx.wire.cmd("drop both")
        ctx.join()
        ctx.wire.cmd("pass")
        time.sleep(0.5)


def middle_kill(ctx, n=2, end=""):
    """The middle resets an established connection while a request is in flight: both ends, or one."""
    for m in ("GET", "POST") * n:
        ctx.req("GET", "/ok")
        # reset at the backend's end only, the proxy waits for an answer that nobody will send
        lost = end == " b"
        ctx.req(m, "/slow", params="s=1", cause="backend_slow" if lost else "reset_in_flight", background=True,
                variant="middle sends RST to " + {" a": "the proxy", " b": "the backend"}.get(end, "both ends"))
        time.sleep(0.4)
        ctx.wire.cmd("kill" + end)
        ctx.join()
        time.sleep(1.0)


def answer_cut(ctx, n=2, after=0.5):
    """The path dies in the middle of an answer."""
    for _ in range(n):
        ctx.req("GET", "/ok")
        ctx.req("GET", "/chunked", params="n=40&ms=30", cause="backend_stalled", variant="answer cut off by the path", background=True,
                notes="the middle dropped everything both ways from the middle of the answer on")
        time.sleep(after)
        ctx.wire.cmd("drop both")
        ctx.join()
        ctx.wire.cmd("pass")
        time.sleep(0.5)


def idle_reset(ctx, rounds=2):
    """The middle resets idle connections at both ends; the next request comes long after."""
    for _ in range(rounds):
        for m in ("GET", "POST"):
            ctx.req(m, "/ok")
            time.sleep(0.4)
            ctx.wire.cmd("kill")
            time.sleep(0.5)
            ctx.req(m, "/ok")
