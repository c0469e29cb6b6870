"""nghttpx. Options: h2."""
from ..daemon import dpkg, write
from . import spawn

PACKAGES = ("nghttp2-proxy",)


def start(ctx, o):
    ip, port = o["servers"][0].rsplit(":", 1)
    argv = ["nghttpx", "--frontend=*,8080;no-tls", "--backend=%s,%s;;%s%s" % (ip, port, "proto=h2" if o.get("h2") else "proto=http/1.1", ";tls" if o.get("tls") else ""),
            "--backend-read-timeout=%ds" % o["read"], "--backend-write-timeout=%ds" % o["read"], "--backend-connect-timeout=%ds" % o["connect"],
            "--backend-keep-alive-timeout=%ds" % o["idle"], "--workers=1", "--single-process", "--log-level=INFO", "--accesslog-file=proxy-access.log",
            "--errorlog-file=proxy-error.log", "--insecure", "--no-ocsp", "--conf=" + write(ctx, "conf/nghttpx.conf", "\n"),
            "--accesslog-format=$time_iso8601 id=$http_x_request_id \"$request\" $status bytes=$body_bytes_sent rt=$request_time be=$backend_host:$backend_port"]
    p = spawn(ctx, argv)
    return {"proc": p, "version": dpkg("nghttp2-proxy")}
