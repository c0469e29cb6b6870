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

# Requests that take their time, or go their own way.
PATIENT = dict(read=20)
WAITS = [dict(path="/slow", params="s=5", background=True) for _ in range(4)] + [dict(path="/chunked", params="n=12&ms=400", background=True) for _ in range(2)]
for px, be in (("nginx", "node"), ("haproxy", "gunicorn"), ("caddy", "go"), ("envoy", "uvicorn")):
    case("clean-patient-%s-%s" % (px, be), "clean", px, be, "long polls, and events that come one by one", p=PATIENT, params=dict(paths=WAITS + [dict(path="/ok")], load=8, idle=False), linger=1)
UPLOADS = [dict(path="/echo", method="POST", body=300000, body_delay=0.4, pieces=8), dict(path="/echo", method="PUT", body=90000, body_delay=0.3, pieces=6, chunked=True),
           dict(path="/echo", method="POST", body=800000), dict(path="/early413", method="POST", body=2000), dict(path="/echo", method="POST", body=50000, expect=True)]
for px, extra in (("nginx", "proxy_request_buffering off;"), ("haproxy", ""), ("envoy", ""), ("apache", ""), ("node", "")):
    case("clean-upload-%s-node" % px, "clean", px, "node", "slow uploads, an early 413 that the proxy reads, 100-continue", p=dict(extra=extra), params=dict(paths=UPLOADS, load=5, idle=False))
case("clean-early413-haproxy-raw", "faulty", "haproxy", "raw", "413 before the body is read, and a reset after it: HAProxy reads the answer first", b=dict(mode="early_413"), params=dict(steps=[dict(path="/upload", method="POST", body=3000, n=4)]))
# Connections of one request, old versions, answers of every form.
FORMS = [dict(path=p, method=m) for m in ("GET", "HEAD") for p in ("/close", "/eof", "/http10", "/nocontent", "/notmodified")] + [dict(path="/ok", version="1.0"), dict(path="/ok", close=True)]
case("clean-forms-nokeepalive", "clean", "nginx", "node", "Connection: close, both ways", p=dict(nokeepalive=True), params=dict(paths=FORMS))
case("clean-forms-http10", "clean", "nginx", "node", "nginx with its old default: HTTP/1.0 to the backend", p=dict(nokeepalive=True, old_http10=True), params=dict(paths=FORMS, idle=False))
for px in ("haproxy", "apache", "caddy", "squid", "varnish", "h2o", "ats", "envoy", "lighttpd", "nghttpx"):
    hints = [] if px == "varnish" else [dict(path="/trailers"), dict(path="/early"), dict(path="/early", method="HEAD")]
    case("clean-forms-%s-node" % px, "clean", px, "node", "bodies until the end, without a body, HTTP/1.0, trailers, early hints", params=dict(paths=FORMS + hints))
# A switch of protocols.
WS = {"apache": dict(args="retry=0 upgrade=websocket")}
for px in ("nginx", "haproxy", "caddy", "envoy", "apache", "node"):
    case("clean-ws-%s-node" % px, "websocket", px, "node", "WebSocket, closed by the client", p=WS.get(px, {}), params=dict(n=2))
for px in ("nginx", "envoy"):
    case("clean-wsdrop-%s-node" % px, "websocket", px, "node", "WebSocket, dropped by the backend: no request is lost with it", params=dict(n=2, drop=True))
# What else speaks to this host, or from it.
case("clean-beside-nginx-node", "clean", "nginx", "node", "PostgreSQL, Redis and ssh beside the leg: goodbyes, sessions closed for idleness, a refused login", beside=["postgres", "redis", "ssh"])
case("clean-beside-haproxy-node", "clean", "haproxy", "node", "a scraper, pipelining, half closes; and a protocol of one's own", beside=["http", "stream"], linger=1)
case("clean-beside-http-go", "clean", "caddy", "go", "a scraper, pipelining, half closes", beside=["http"], linger=1)
