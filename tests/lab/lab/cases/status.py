"""The backend's own error status."""
from . import case

BES = "backend_error_status"
ST = [dict(path="/status", params="c=%d" % c, cause=BES, method=m) for c in (500, 502, 503, 504) for m in ("GET", "POST")]
for px, be in (("haproxy", "puma"), ("caddy", "go"), ("node", "hypercorn")):
    case("status-%s-%s" % (px, be), "faulty", px, be, "the backend itself answers 5xx", params=dict(steps=ST))
