"""Each proxy with each of the usual causes: what it makes of them is gathered by behaviours.py."""
from . import case

STEPS = [dict(path="/destroy", cause="closed_in_flight"), dict(path="/reset", cause="reset_in_flight"), dict(path="/truncate", cause="truncated_response"),
         dict(path="/slow", params="s=6", cause="backend_slow"), dict(path="/stall", cause="backend_stalled"), dict(path="/badstatus", cause="invalid_response")]
for proxy in ("nginx", "haproxy", "apache", "varnish", "caddy", "squid", "h2o", "envoy", "ats", "lighttpd", "nghttpx", "node", "fastify", "go"):
    case("every-%s-node" % proxy, "every_cause", proxy, "node", "one cause after the other", b=dict(ka=1), p=dict(read=2, connect=1), params=dict(steps=STEPS), linger=2)
