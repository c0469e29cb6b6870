"""A close that had arrived already."""
from . import case

for px in ("nginx", "go"):
    case("stale-%s-node" % px, "stale_reuse", px, "node", "the FIN had arrived, the proxy had not looked", params=dict(rounds=2))
case("stale-varnish-go", "stale_reuse", "varnish", "go", "the FIN had arrived; Varnish looks before it sends", b=dict(ka=1), params=dict(rounds=1), harmless=True)
case("stale-apache-node", "stale_reuse", "apache", "node", "the FIN had arrived; Apache looks before it sends", params=dict(rounds=2), harmless=True)
for px, be in (("haproxy", "gunicorn"), ("caddy", "puma"), ("node", "uvicorn")):
    case("stale-%s-%s" % (px, be), "stale_reuse", px, be, "the FIN had arrived, the proxy had not looked", b=dict(ka=1), params=dict(rounds=1))
