"""TLS on the leg, with the keys."""
from . import case

TLS = dict(b=dict(tls=True), p=dict(tls=True))
GOOD = [dict(path="/ok", n=3), dict(path="/ok", method="POST", n=2), dict(path="/slow", params="s=1"), dict(path="/ok", params="n=60000"), dict(path="/chunked")]
for px, be in (("haproxy", "node"), ("apache", "gunicorn"), ("envoy", "go"), ("h2o", "node"), ("ats", "hypercorn"), ("caddy", "uvicorn"), ("squid", "nginx")):
    case("clean-tls-%s-%s" % (px, be), "faulty", px, be, "TLS, nothing wrong, and an idle close that harms nobody", params=dict(steps=GOOD if be != "nginx" else GOOD[:2]), linger=3.5, **TLS)
CLOSED = [dict(path="/destroy", cause="closed_in_flight"), dict(path="/destroy", cause="closed_in_flight", method="POST"), dict(path="/reset", cause="closed_in_flight", method="POST")]
for px in ("nginx", "haproxy", "envoy"):
    case("tls-closed-%s-node" % px, "faulty", px, "node", "TLS: closed in flight, in order and not", params=dict(steps=CLOSED), **TLS)
for px in ("nginx", "caddy"):
    case("tls-slow-%s-node" % px, "faulty", px, "node", "TLS: too slow", b=dict(tls=True), p=dict(tls=True, read=2), params=dict(steps=[dict(path="/slow", params="s=4", cause="backend_slow", n=2)]))
case("tls-refused-nginx", "connect_fail", "nginx", "none", "TLS: nothing listens", p=dict(tls=True), params=dict(cause="connection_refused", n=2))
case("tls-synloss-haproxy", "connect_fail", "haproxy", "node", "TLS: the path drops SYN", b=dict(tls=True), p=dict(tls=True, retries=0), params=dict(cause="connect_timeout", n=1, wire="dropsyn on"))
case("tls-blackhole-nginx-node", "blackhole", "nginx", "node", "TLS: an idle connection is forgotten by the middle", b=dict(tls=True, ka=30), p=dict(tls=True), linger=5, params=dict(rounds=1))
case("tls-race-caddy-go", "keepalive_race", "caddy", "go", "TLS: Go's close crosses the request", params=dict(rounds=2), **TLS)
