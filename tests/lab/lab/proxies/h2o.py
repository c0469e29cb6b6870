"""h2o."""
from ..daemon import dpkg, write
from . import spawn

PACKAGES = ("h2o",)


def start(ctx, o):
    scheme = "https" if o.get("tls") else "http"
    c = write(ctx, "conf/h2o.conf", """
listen: { port: 8080 }
num-threads: 1
user: root
error-log: proxy-error.log
access-log: { path: proxy-access.log, format: "%%{%%s}t.%%{msec_frac}t id=%%{X-Request-Id}i \\"%%r\\" %%s bytes=%%b err=%%{error}x" }
proxy.timeout.io: %(r)d
proxy.timeout.keepalive: %(k)d
proxy.ssl.verify-peer: OFF
hosts:
  default:
    paths:
      /:
        proxy.reverse.url: %(scheme)s://%(s)s/
""" % dict(r=int(o["read"] * 1000), k=int(o["idle"] * 1000), scheme=scheme, s=o["servers"][0]))
    p = spawn(ctx, ["h2o", "-m", "worker", "-c", c], "proxy-stdout.log")
    return {"proc": p, "version": dpkg("h2o")}
