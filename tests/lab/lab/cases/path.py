"""The path."""
from . import case

for px, be in (("nginx", "node"), ("node", "go"), ("go", "nginx")):
    case("blackhole-%s-%s" % (px, be), "blackhole", px, be, "an idle connection is forgotten by the middle, silently", b=dict(ka=30), linger=5, params=dict(rounds=1))
for px, be in (("nginx", "gunicorn"),):
    case("middlerst-%s-%s" % (px, be), "blackhole", px, be, "the middle answers the forgotten connection with RST", b=dict(ka=30), linger=5, params=dict(rounds=2, mode="rst"))
case("blackhole-all-nginx-node", "blackhole", "nginx", "node", "the path is cut both ways, new connections too", b=dict(ka=30), linger=5, params=dict(rounds=1, both=True))
