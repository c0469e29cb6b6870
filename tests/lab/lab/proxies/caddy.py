"""Caddy, reverse_proxy. Options: extra, h2."""
from ..daemon import dpkg, write
from . import spawn

PACKAGES = ("caddy",)


def start(ctx, o):
    scheme = "https" if o.get("tls") else ("h2c" if o.get("h2") else "http")
    up = " ".join("%s://%s" % (scheme, s) for s in o["servers"])
    c = write(ctx, "conf/Caddyfile", """{
  admin off
  auto_https off
}
:8080 {
  log {
    output file proxy-access.log
    format json
  }
  reverse_proxy %(up)s {
    %(extra)s
    transport http {
      keepalive %(idle)ss
      dial_timeout %(connect)ss
      response_header_timeout %(read)ss
      %(tls)s
      %(h2)s
    }
  }
}
""" % dict(o, up=up, extra=o.get("extra", ""), tls="tls_insecure_skip_verify" if o.get("tls") else "", h2="versions h2c 2" if o.get("h2") else ""))
    env = {"HOME": ctx.dir, "XDG_DATA_HOME": ctx.dir + "/caddy", "XDG_CONFIG_HOME": ctx.dir + "/caddy"}
    p = spawn(ctx, ["caddy", "run", "--config", c, "--adapter", "caddyfile"], "proxy-error.log", env=env)
    return {"proc": p, "version": dpkg("caddy")}
