"""No delay, offloads on."""
from . import case

MIX = [dict(path="/destroy", cause="closed_in_flight"), dict(path="/destroy", cause="closed_in_flight", method="POST"), dict(path="/reset", cause="reset_in_flight", method="POST"), dict(path="/truncate", cause="truncated_response"),
       dict(path="/status", params="c=503", cause="backend_error_status"), dict(path="/stall", cause="backend_stalled"), dict(path="/slow", params="s=4", cause="backend_slow"), dict(path="/badstatus", cause="invalid_response")]
case("mix-loopback-haproxy-node", "faulty", "haproxy", "node", "several causes on lo", topology="loopback", p=dict(read=2), params=dict(steps=MIX))
