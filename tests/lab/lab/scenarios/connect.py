"""New connections fail."""
import time


def connect_fail(ctx, cause, n=3, methods=("GET", "POST"), nft=None, wire=None, warm=0, gap=0.3, variant=None, fill_backlog=False, stop_backend=False, accept=None):
    """Every new connection fails."""
    for _ in range(warm):
        ctx.req("GET", "/ok")
    if warm:
        time.sleep(ctx.backend["ka"] + 1.5)
    if stop_backend:
        ctx.stop_backend()
        time.sleep(0.3)
    if nft:
        ctx.lab.backend("nft", "add table inet lab; add chain inet lab in { type filter hook input priority 0; }; add rule inet lab in " + nft)
    if wire:
        ctx.wire.cmd(wire)
    held = []
    if fill_backlog:
        for _ in range(3):
            s = ctx.lab.backend.socket()
            s.setblocking(False)
            try:
                s.connect((ctx.lab.backend_ip, ctx.bport))
            except OSError:
                pass
            held.append(s)
        time.sleep(0.3)
    for _ in range(n):
        for m in methods:
            ctx.req(m, "/ok", cause=cause, variant=variant, accept=accept)
            time.sleep(gap)
    for s in held:
        s.close()


def rejected(ctx, hows, path="/ok"):
    """The backend's firewall rejects new connections, in one way after the other."""
    for how in hows:
        ctx.lab.backend("nft", "flush ruleset; add table inet lab; add chain inet lab in { type filter hook input priority 0; }; add rule inet lab in tcp dport 3000 reject with " + how)
        reset = how == "tcp reset"
        ctx.req("GET", path, cause="connection_refused" if reset else "icmp_unreachable", variant="firewall reset" if reset else how)
        time.sleep(0.3)


def one_dead(ctx, n=6):
    """One of two servers is gone; which request meets it is the proxy's choice."""
    for i in range(n):
        ctx.req("POST" if i % 3 == 2 else "GET", "/ok", cause="connection_refused", notes="one of two servers is gone")
        time.sleep(0.2)
