"""The backend's queue of connections to be accepted is full."""
import time


def accept_queue(ctx, waves=(1, 6, 6), gap=0.8, s=8, linger=14):
    """A worker that is busy, and waves of connections that its queue cannot hold. Which of them find it full
    shows in the packets: the SYN+ACK that comes again. The backend's kernel counts them by itself."""
    for size in waves:
        for _ in range(size):
            ctx.req("GET", "/slow", params="s=%g" % s, cause="observed", background=True, notes="the worker is busy", timeout=60)
        time.sleep(gap)
    ctx.join(60)
    time.sleep(linger)
    counters = dict(zip(*[line.split()[1:] for line in ctx.lab.backend("grep", "^TcpExt:", "/proc/net/netstat").splitlines()]))
    ctx.truth_extra["listen_overflows"] = int(counters["ListenOverflows"])
    if not ctx.truth_extra["listen_overflows"]:
        raise RuntimeError("the queue was never full, by the kernel's own count")
