"""HTTP/2."""
from . import case

H2 = dict(h2=True)
case("h2c-haproxy-hypercorn", "faulty", "haproxy", "hypercorn", p=dict(h2=True, read=2), params=dict(steps=[
    dict(path="/ok", n=3), dict(path="/slow", params="s=4", cause="backend_slow"), dict(path="/crash", cause="closed_in_flight", restart=True)]))
for px in ("haproxy", "caddy"):
    case("h2c-race-%s-nginx" % px, "keepalive_race", px, "nginx", "h2c: nginx's idle GOAWAY and FIN cross the next stream", b=dict(h2=True), p=H2, params=dict(rounds=2))
