"""The path."""
from . import case

for px, be in (("nginx", "node"), ("node", "go"), ("go", "nginx")):
    case("blackhole-%s-%s" % (px, be), "blackhole", px, be, "an idle connection is forgotten by the middle, silently", b=dict(ka=30), linger=5, params=dict(rounds=1))
for px, be in (("nginx", "gunicorn"),):
    case("middlerst-%s-%s" % (px, be), "blackhole", px, be, "the middle answers the forgotten connection with RST", b=dict(ka=30), linger=5, params=dict(rounds=2, mode="rst"))
case("blackhole-all-nginx-node", "blackhole", "nginx", "node", "the path is cut both ways, new connections too", b=dict(ka=30), linger=5, params=dict(rounds=1, both=True))
for px, be in (("haproxy", "node"), ("envoy", "go"), ("varnish", "node"), ("apache", "node")):
    case("blackhole-%s-%s" % (px, be), "blackhole", px, be, "an idle connection is forgotten by the middle, silently", b=dict(ka=30), p=dict(retries=0), linger=5, params=dict(rounds=1))
for px, be in (("haproxy", "node"), ("caddy", "go")):
    case("middlerst-%s-%s" % (px, be), "blackhole", px, be, "the middle answers the forgotten connection with RST", b=dict(ka=30), linger=5, params=dict(rounds=2, mode="rst"))
case("blackhole-all-haproxy-go", "blackhole", "haproxy", "go", "the path is cut both ways, new connections too", b=dict(ka=30), p=dict(retries=0), linger=5, params=dict(rounds=1, both=True))
for px, be in (("nginx", "node"), ("haproxy", "node")):
    case("midway-%s-%s" % (px, be), "blackhole_midway", px, be, "the path dies while the backend works: its answer is lost", b=dict(ka=30), p=dict(read=3), linger=5, params=dict(n=2))
    case("cutanswer-%s-%s" % (px, be), "answer_cut", px, be, "the path dies in the middle of an answer", b=dict(ka=30), p=dict(read=2), linger=6, params=dict(n=2))
case("oneend-proxy-nginx-node", "middle_kill", "nginx", "node", "a device in the middle resets the proxy's end only", p=dict(read=6), params=dict(n=1, end=" a"))
case("oneend-backend-nginx-node", "middle_kill", "nginx", "node", "a device in the middle resets the backend's end only: its answer meets nobody", p=dict(read=3), params=dict(n=1, end=" b"))
case("oneend-proxy-haproxy-go", "middle_kill", "haproxy", "go", "a device in the middle resets the proxy's end only", p=dict(read=6), params=dict(n=1, end=" a"))
case("idlereset-nginx-node", "idle_reset", "nginx", "node", "a device resets idle connections at both ends, and the next requests come later: nobody is harmed", b=dict(ka=30), harmless=True)
case("idlereset-haproxy-go", "idle_reset", "haproxy", "go", "the same", b=dict(ka=30), harmless=True)
