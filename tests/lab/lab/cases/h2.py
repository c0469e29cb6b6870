"""HTTP/2."""
from . import case

H2 = dict(h2=True)
case("h2c-haproxy-hypercorn", "faulty", "haproxy", "hypercorn", p=dict(h2=True, read=2), params=dict(steps=[
    dict(path="/ok", n=3), dict(path="/slow", params="s=4", cause="backend_slow"), dict(path="/crash", cause="closed_in_flight", restart=True)]))
for px in ("haproxy", "caddy"):
    case("h2c-race-%s-nginx" % px, "keepalive_race", px, "nginx", "h2c: nginx's idle GOAWAY and FIN cross the next stream", b=dict(h2=True), p=H2, params=dict(rounds=2))
GOOD = [dict(path="/ok", n=3), dict(path="/ok", method="POST", n=2), dict(path="/slow", params="s=1"), dict(path="/ok", params="n=60000"), dict(path="/chunked")]
for px in ("haproxy", "envoy", "nghttpx", "caddy"):
    case("clean-h2c-%s-hypercorn" % px, "faulty", px, "hypercorn", "h2c, nothing wrong", p=H2, params=dict(steps=GOOD))
for px in ("envoy", "nghttpx"):
    case("h2c-slow-%s-hypercorn" % px, "faulty", px, "hypercorn", "h2c: too slow, then gone", p=dict(h2=True, read=2), params=dict(steps=[
        dict(path="/slow", params="s=4", cause="backend_slow"), dict(path="/crash", cause="closed_in_flight", restart=True, accept={"closed_in_flight", "reset_in_flight", "h2_reset_by_backend", "backend_slow"})]))
case("h2c-refused-envoy", "connect_fail", "envoy", "none", "h2c: nothing listens", p=H2, params=dict(cause="connection_refused", n=1))
case("h2c-plain-haproxy-gunicorn", "faulty", "haproxy", "gunicorn", "an HTTP/2 preface to a server that only speaks HTTP/1", p=H2, params=dict(warm=0, steps=[
    dict(path="/ok", cause="invalid_response", n=2, accept={"closed_in_flight", "invalid_response", "reset_in_flight", "h2_reset_by_backend", "response", "tls_mismatch"})]))
for px in ("envoy", "nginx"):
    case("grpc-%s-python" % px, "grpc_calls", px, "grpc", "gRPC: answers, statuses in trailers, a server that dies", p=dict(h2=True, read=2), params=dict(steps=[
        dict(path="Ok", n=3), dict(path="Stream"), *([dict(path="Slow", cause="backend_slow")] if px == "envoy" else []), dict(path="Die", cause="closed_in_flight")]))
    case("clean-grpc-%s-python" % px, "grpc_calls", px, "grpc", "gRPC: unary calls, a stream, and errors of the application", p=H2, params=dict(steps=[
        dict(path="Ok", n=4), dict(path="Stream", n=2), dict(path="NotFound", n=2)]))
