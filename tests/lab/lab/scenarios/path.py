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


def middle_kill(ctx, n=2):
    """The middle resets an established connection while a request is in flight."""
    for m in ("GET", "POST") * n:
        ctx.req("GET", "/ok")
        ctx.req(m, "/slow", params="s=1", cause="reset_in_flight", variant="middle sends RST to both ends", background=True)
        time.sleep(0.4)
        ctx.wire.cmd("kill")
        ctx.join()
        time.sleep(1.0)
