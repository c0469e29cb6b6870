"""The client leaves, or the backend answers an upload early."""
from . import case

case("client-gone-nginx-node", "client_leaves", "nginx", "node", "the client closes before the answer, and in the middle of it; both legs in one capture", capture=dict(proxy_any=True))
case("client-gone-unseen-haproxy-node", "client_leaves", "haproxy", "node", "the same, without the front leg in the capture", p=dict(extra="option abortonclose"))
case("client-gone-upload-nginx-node", "client_leaves_upload", "nginx", "node", "the client leaves in the middle of an upload that nginx passes on", p=dict(extra="proxy_request_buffering off;"))
case("client-gone-upload-haproxy-node", "client_leaves_upload", "haproxy", "node", "the client leaves in the middle of an upload")
case("client-gone-caddy-go", "client_leaves", "caddy", "go", "the client closes before the answer, and in the middle of it; both legs in one capture", capture=dict(proxy_any=True), params=dict(waits=(0.7,)), p=dict(read=10))
case("upload-nginx-raw", "upload_cut", "nginx", "raw", "413 and a reset while nginx passes an upload on", b=dict(mode="early_413"), p=dict(extra="proxy_request_buffering off;"))
HINTS = [dict(path="/early", method=m, cause="proxy_broke_off", accept={"proxy_broke_off", "status_200"}) for m in ("GET", "HEAD")]
case("hints-nginx-node", "faulty", "nginx", "node", "nginx 1.22 takes early hints for the answer, and closes when no body may follow", p=dict(nokeepalive=True), params=dict(steps=HINTS[1:]), harmless=True)
case("hints-varnish-node", "faulty", "varnish", "node", "Varnish 7.1 takes early hints for the answer, and closes", params=dict(steps=HINTS), harmless=True)
