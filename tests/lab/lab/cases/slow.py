"""Slow, stalled."""
from . import case

SLOW = [dict(path="/slow", params="s=5", cause="backend_slow"), dict(path="/slow", params="s=5", cause="backend_slow", method="POST")]
for px, be in (("nginx", "gunicorn"), ("caddy", "hypercorn"), ("node", "uvicorn")):
    case("slow-%s-%s" % (px, be), "faulty", px, be, "the answer comes after the proxy's read timeout", p=dict(read=2), params=dict(steps=SLOW))
STALL = [dict(path="/stall", cause="backend_stalled", n=2)]
for px, be in (("nginx", "node"), ("apache", "gunicorn")):
    case("stall-%s-%s" % (px, be), "faulty", px, be, "the response stops half-way", p=dict(read=2), params=dict(steps=STALL))
# In time, too late, and an answer that stops: in its head, in its body, in its chunks.
PATIENT = [dict(path="/slow", params="s=1.2"), dict(path="/slow", params="s=4", cause="backend_slow")]
STOPS = [dict(path="/headstall", cause="backend_stalled"), dict(path="/stall", cause="backend_stalled"), dict(path="/chunkstall", cause="backend_stalled")]
for px in ("haproxy", "envoy", "varnish", "squid", "h2o", "ats", "lighttpd", "nghttpx", "fastify"):
    case("late-%s-node" % px, "faulty", px, "node", "late, in time, and answers that stop in the head, the body, a chunk", p=dict(read=2), params=dict(steps=PATIENT + STOPS))
for px in ("go", "caddy"):
    case("late-%s-node" % px, "faulty", px, "node", "late, in time; this proxy has no limit within the body", p=dict(read=2), params=dict(steps=PATIENT + STOPS[:1]))
for px in ("nginx", "haproxy"):
    case("noread-%s-raw" % px, "faulty", px, "raw", "the backend accepts and never reads: its window closes", b=dict(mode="never_read"), p=dict(read=2), params=dict(warm=0, steps=[
        dict(path="/ok", cause="backend_stalled", method="POST", body=3000000, n=2, variant="zero window", accept={"backend_stalled", "backend_slow", "path_blackhole"})]))
for px in ("nghttpx", "apache"):
    case("noread-%s-node" % px, "faulty", px, "node", "the backend reads the head of an upload and then no more: its window closes", p=dict(read=2), params=dict(steps=[
        dict(path="/noread", cause="backend_stalled", method="POST", body=8000000, variant="zero window", accept={"backend_stalled", "backend_slow", "path_blackhole"})]))
