"""The proxies: a module each, named as the cases name it, with PACKAGES (Debian's), KNOWN (its id
in why502 timeouts, where that is not the module's name) and start(ctx, options).

Every proxy listens on port 8080 and writes proxy-access.log and proxy-error.log in the case's folder,
with the request's id (X-Request-Id) in both where it can. Options that all know: servers (a list of
"ip:port"), idle, read, connect (seconds), tls. start returns {"proc", "version"} and, where the
module's name is not the proxy's, "name".
"""
import importlib


def module(name):
    return importlib.import_module("." + name, __name__)


def start(name, ctx, **o):
    ip = ctx.lab.backend_ip
    o.setdefault("servers", [ctx.lab.server or "%s:%d" % ("[%s]" % ip if ":" in ip else ip, ctx.bport)])
    o.setdefault("idle", 60)
    o.setdefault("read", 3)
    o.setdefault("connect", 2)
    p = module(name).start(ctx, o)
    p.update(name=p.get("name", name), o=o)
    ctx.lab.wait_port(ctx.lab.client, *ctx.lab.front, 30, p["proc"])
    return p


def spawn(ctx, argv, log="proxy-stdout.log", env=None, cwd=None):
    return ctx.lab.spawn(ctx.lab.proxy, argv, log, env=env, cwd=cwd)
