"""Node's own http server. Options: env, tls."""
import os

from ..daemon import APPS
from ..process import sh

PACKAGES = ("nodejs",)
KNOWN = "node-pre26"


def start(ctx, o):
    env = {"PORT": str(o["port"]), "KEEPALIVE_MS": str(int(o["ka"] * 1000))}
    if o.get("tls"):
        env.update(TLS_KEY=ctx.tls["key"], TLS_CERT=ctx.tls["cert"], KEYLOG="keylog.txt")
    env.update(o.get("env", {}))
    p = ctx.lab.spawn(ctx.lab.backend, ["node", os.path.join(APPS, "node_app.js")], "backend-error.log", env=env)
    return {"proc": p, "version": sh("node", "--version").strip()}
