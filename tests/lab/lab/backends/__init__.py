"""The backends: a module each, named as the cases name it, with PACKAGES (Debian's), KNOWN (its id
in why502 timeouts, where that is not the module's name) and start(ctx, options).

Options that all know: port, ka (idle keep-alive limit in seconds), and where it can, tls. start returns
{"proc", "version"} and, where they apply, "name", "suffix" (of paths) and "warm" (paths that are asked
for before the capture begins).
"""
import importlib


def module(name):
    return importlib.import_module("." + name, __name__)


def start(name, ctx, **o):
    o.setdefault("port", 3000)
    o.setdefault("ka", 2)
    b = module(name).start(ctx, o)
    b.update(name=b.get("name", name), port=o["port"], ka=o["ka"])
    if b.get("proc"):
        ctx.lab.wait_port(ctx.lab.backend, ctx.lab.backend_ip, o["port"], 30, b["proc"])
    for path in b.get("warm", []):  # from the backend's own side
        s = ctx.lab.backend.socket()
        s.settimeout(20)
        s.connect((ctx.lab.backend_ip, o["port"]))
        s.sendall(b"GET %s HTTP/1.0\r\nHost: warm\r\n\r\n" % path.encode())
        while s.recv(65536):
            pass
        s.close()
    return b
