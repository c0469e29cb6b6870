"""@fastify/http-proxy (npm, undici). Options: env."""
import os

from ..daemon import APPS
from ..process import sh
from . import spawn

PACKAGES = ("nodejs", "npm")
KNOWN = "node-undici"
NPM = ("fastify@4", "@fastify/http-proxy@9")


def start(ctx, o):
    env = {"PORT": "8080", "TARGET": "%s://%s" % ("https" if o.get("tls") else "http", o["servers"][0]), "MODULES": ctx.tools + "/node_modules",
           "READ_MS": str(int(o["read"] * 1000))}
    env.update(o.get("env", {}))
    p = spawn(ctx, ["node", os.path.join(APPS, "fastify_proxy.js")], env=env)
    return {"proc": p, "name": "@fastify/http-proxy (undici)", "version": "9.5.0 on node " + sh("node", "--version").strip()}
