"""Slow, stalled."""
from . import case

SLOW = [dict(path="/slow", params="s=5", cause="backend_slow"), dict(path="/slow", params="s=5", cause="backend_slow", method="POST")]
for px, be in (("nginx", "gunicorn"), ("caddy", "hypercorn"), ("node", "uvicorn")):
    case("slow-%s-%s" % (px, be), "faulty", px, be, "the answer comes after the proxy's read timeout", p=dict(read=2), params=dict(steps=SLOW))
STALL = [dict(path="/stall", cause="backend_stalled", n=2)]
for px, be in (("nginx", "node"), ("apache", "gunicorn")):
    case("stall-%s-%s" % (px, be), "faulty", px, be, "the response stops half-way", p=dict(read=2), params=dict(steps=STALL))
for px in ("nginx", "haproxy"):
    case("noread-%s-raw" % px, "faulty", px, "raw", "the backend accepts and never reads: its window closes", b=dict(mode="never_read"), p=dict(read=2), params=dict(warm=0, steps=[
        dict(path="/ok", cause="backend_stalled", method="POST", body=3000000, n=2, variant="zero window", accept={"backend_stalled", "backend_slow", "path_blackhole"})]))
