"""Reset in flight."""
from . import case

RIF = "reset_in_flight"
RST = [dict(path="/reset", cause=RIF, n=2), dict(path="/reset", cause=RIF, method="POST", n=2)]
for px, be in (("nginx", "node"), ("apache", "node")):
    case("reset-%s-%s" % (px, be), "faulty", px, be, "SO_LINGER 0 close while the request is being worked on", params=dict(steps=RST))
case("reset-nginx-unread", "faulty", "nginx", "node", "the backend closes with request body bytes unread in its receive buffer", params=dict(steps=[
    dict(path="/unread", cause=RIF, method="POST", body=900000, n=3, accept={"reset_in_flight", "closed_in_flight"})]))
case("reset-nginx-blocked", "blocked_backend", "nginx", "node", "node's event loop is blocked when its keep-alive timer is due; the request is already in its receive buffer")
case("reset-middle-nginx-node", "middle_kill", "nginx", "node", "a device in the middle resets both ends", p=dict(read=6), params=dict(n=2))
