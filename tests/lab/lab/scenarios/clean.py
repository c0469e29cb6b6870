"""Nothing is wrong."""
import time


def clean(ctx, paths=None, idle=True, load=20):
    """Nothing is wrong. Includes idle closes that harm nobody."""
    steps = paths or [dict(path="/ok")]
    for s in steps:
        s = dict(s)
        if isinstance(s.get("body"), int):
            s["body"] = b"z" * s["body"]
        ctx.req(**s)
        time.sleep(0.05)
    for i in range(load):
        ctx.req("POST" if i % 3 == 0 else "GET", "/ok", background=True)
        time.sleep(0.02)
    ctx.join()
    if idle:
        time.sleep(ctx.backend["ka"] + 1.6)
        for _ in range(3):
            ctx.req("GET", "/ok")
        time.sleep(ctx.backend["ka"] + 1.6)


def websocket(ctx, n=3, drop=False):
    for _ in range(n):
        c = ctx.prepare()
        ctx.req("GET", "/ws-drop" if drop else "/ws", conn=c, keep=True,
                    headers=[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")])
        for _ in range(4):
            try:
                c.s.sendall(bytes([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2]))
                c.s.settimeout(2)
                c.s.recv(100)
            except OSError:
                break
            time.sleep(0.25)
        c.close()
        time.sleep(0.2)
