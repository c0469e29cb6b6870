"""Two proxies on one host: HAProxy takes the client's requests, nginx behind it talks to the backend. Options: those of
nginx, behind (what HAProxy calls, should that be redirected to nginx)."""
from ..daemon import dpkg, write
from . import nginx, spawn

PACKAGES = ("haproxy", "nginx-light")
KNOWN = "nginx"


def start(ctx, o):
    c = write(ctx, "conf/front-haproxy.cfg", """
global
  log stdout format raw local0
defaults
  mode http
  log global
  timeout client 60s
  timeout connect 2s
  timeout server 30s
  http-reuse always
frontend f
  bind :8080
  default_backend b
backend b
  server s0 %s
""" % o.get("behind", "127.0.0.1:8081"))
    p = nginx.start(ctx, dict(o, listen=8081))
    ctx.lab.wait_port(ctx.lab.proxy, "127.0.0.1", 8081, 20, p["proc"])
    spawn(ctx, ["haproxy", "-db", "-f", c], "front-haproxy.log")
    return {"proc": p["proc"], "name": "nginx", "version": dpkg("nginx")}
