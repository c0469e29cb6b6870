"""A close that had arrived already."""
from . import case

for px, be in (("nginx", "node"), ("go", "node"), ("apache", "node")):
    case("stale-%s-%s" % (px, be), "stale_reuse", px, be, "the FIN had arrived, the proxy had not looked", params=dict(rounds=2))
