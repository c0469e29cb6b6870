"""HAProxy. Options: retries, reuse, server_args, extra, h2."""
from ..daemon import dpkg, write
from . import spawn

PACKAGES = ("haproxy",)


def start(ctx, o):
    servers = "\n".join("  server s%d %s %s %s pool-max-conn 32 pool-purge-delay %ds %s" % (
        i, s, "ssl verify none" if o.get("tls") else "", "proto h2" if o.get("h2") else "", int(o["idle"]), o.get("server_args", ""))
        for i, s in enumerate(o["servers"]))
    c = write(ctx, "conf/haproxy.cfg", """
global
  log stdout format raw local0
  maxconn 500
defaults
  mode http
  log global
  option httplog
  timeout client 60s
  timeout connect %(connect)ss
  timeout server %(read)ss
  timeout queue 3s
  retries %(retries)s
  http-reuse %(reuse)s
  %(extra)s
frontend f
  bind :8080
  http-request capture req.hdr(X-Request-Id) len 64
  log-format "%%Ts.%%ms id=%%[capture.req.hdr(0)] %%{+Q}r %%ST term=%%tsc retries=%%rc srv=%%b/%%s conn=%%bi:%%bp T=%%TR/%%Tw/%%Tc/%%Tr/%%Ta bytes=%%B"
  default_backend b
backend b
%(servers)s
""" % dict(o, retries=o.get("retries", 3), reuse=o.get("reuse", "always"), servers=servers, extra=o.get("extra", "")))
    p = spawn(ctx, ["haproxy", "-db", "-f", c], "proxy-access.log")
    return {"proc": p, "version": dpkg("haproxy")}
