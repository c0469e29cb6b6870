"""Nothing wrong."""
from . import case

FINE = [dict(path="/ok"), dict(path="/ok", method="HEAD"), dict(path="/ok", params="n=60000"), dict(path="/echo", method="POST", body=60000), dict(path="/chunked"),
        dict(path="/slow", params="s=1"), dict(path="/status", params="c=404"), dict(path="/echo", method="PUT", body=1000, chunked=True)]
NODEFINE = FINE + [dict(path="/nocontent"), dict(path="/notmodified"), dict(path="/close"), dict(path="/eof"), dict(path="/http10"),
                   dict(path="/echo", method="POST", body=50000, expect=True), dict(path="/echo", method="POST", body=4000, body_delay=0.2), dict(path="/ok", version="1.0")]
case("clean-nginx-node", "clean", "nginx", "node", params=dict(paths=NODEFINE))
case("clean-haproxy-node", "clean", "haproxy", "node", params=dict(paths=NODEFINE))
case("clean-caddy-uvicorn", "clean", "caddy", "uvicorn", params=dict(paths=FINE))
case("clean-nginx-tomcat", "clean", "nginx", "tomcat", "maxKeepAliveRequests 5, announced", b=dict(max_keepalive_requests=5))
case("clean-tls-nginx-node", "clean", "nginx", "node", "TLS", b=dict(tls=True), p=dict(tls=True), params=dict(paths=NODEFINE))
case("clean-direct-nginx-node", "clean", "nginx", "node", "offloads on, no delay: segments larger than the MTU", topology="direct", params=dict(paths=FINE + [dict(path="/ok", params="n=400000"), dict(path="/echo", method="POST", body=400000)]))
case("clean-loopback-haproxy-node", "clean", "haproxy", "node", "proxy and backend on one host, captured on lo", topology="loopback", params=dict(paths=FINE + [dict(path="/ok", params="n=400000")]))
