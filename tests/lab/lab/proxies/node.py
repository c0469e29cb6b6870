"""http-proxy (npm) with a keep-alive agent. Options: env."""
import os

from ..daemon import APPS
from ..process import sh
from . import spawn

PACKAGES = ("nodejs", "npm")
KNOWN = "node-http-agent"
NPM = ("http-proxy@1.18.1",)


def start(ctx, o):
    env = {"PORT": "8080", "TARGET": "%s://%s" % ("https" if o.get("tls") else "http", o["servers"][0]), "MODULES": ctx.tools + "/node_modules",
           "READ_MS": str(int(o["read"] * 1000))}
    env.update(o.get("env", {}))
    p = spawn(ctx, ["node", os.path.join(APPS, "node_proxy.js")], env=env)
    v = sh("node", "--version").strip()
    return {"proc": p, "name": "node http-proxy", "version": "http-proxy 1.18.1 on node " + v}
