"""Varnish, passing everything. Options: health (path of a probe)."""
import os
import time

from ..daemon import dpkg, write
from ..net import PROXY_CIP, PROXY_PORT
from . import spawn

PACKAGES = ("varnish",)


def start(ctx, o):
    ip, port = o["servers"][0].rsplit(":", 1)
    probe = ".probe = { .url = \"%s\"; .interval = 500ms; .timeout = 400ms; .window = 3; .threshold = 2; }" % o["health"] if o.get("health") else ""
    c = write(ctx, "conf/default.vcl", """vcl 4.1;
backend default { .host = "%s"; .port = "%s"; .connect_timeout = %ss; .first_byte_timeout = %ss; .between_bytes_timeout = %ss; %s }
sub vcl_recv { return (%s); }
""" % (ip, port, o["connect"], o["read"], o["read"], probe, "pass"))
    w = os.path.join(ctx.dir, "varnish")
    p = spawn(ctx, ["varnishd", "-F", "-j", "none", "-n", w, "-a", ":8080", "-f", os.path.join(ctx.dir, c), "-T", "none", "-s", "malloc,64m",
                     "-p", "backend_idle_timeout=%s" % o["idle"]])
    ctx.lab.wait_port(ctx.lab.client, PROXY_CIP, PROXY_PORT, 30, p)
    spawn(ctx, ["varnishncsa", "-n", w, "-F", "%{%s}t id=%{X-Request-Id}i \"%r\" %s handling=%{Varnish:handling}x bytes=%b", "-w", "proxy-access.log"])
    spawn(ctx, ["varnishlog", "-n", w, "-g", "request", "-i", "Begin,ReqURL,ReqHeader,BereqURL,BereqHeader,FetchError,BackendOpen,BackendReuse,BackendClose,Debug,RespStatus,BerespStatus,VCL_return,Timestamp", "-w", "proxy-error.vsl"])
    spawn(ctx, ["varnishlog", "-n", w, "-g", "request", "-i", "Begin,ReqURL,BereqURL,FetchError,BackendOpen,BackendReuse,BackendClose,RespStatus,BerespStatus,VCL_call"], "proxy-error.log")
    time.sleep(0.5)
    return {"proc": p, "version": dpkg("varnish")}
