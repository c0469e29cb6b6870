"""Connecting."""
from . import case

for px in ("nginx", "haproxy", "caddy"):
    case("refused-%s" % px, "connect_fail", px, "none", "no process listens on the port", params=dict(cause="connection_refused", n=2, accept={"connection_refused", "no_attempt"}))
case("refused-nginx-two", "connect_fail", "nginx", "none", "two servers, both refuse; then nginx answers alone (no live upstreams)",
     p=dict(servers=["10.77.2.2:3000", "10.77.2.3:3000"]), other_backends=["10.77.2.3:3000"],
     params=dict(cause="connection_refused", n=3, accept={"connection_refused", "no_attempt"}))
case("synloss-nginx", "connect_fail", "nginx", "node", "the path drops SYN", params=dict(cause="connect_timeout", n=2, wire="dropsyn on"))
case("synloss-caddy", "connect_fail", "caddy", "go", params=dict(cause="connect_timeout", n=1, wire="dropsyn on"))
case("backlog-nginx-raw", "connect_fail", "nginx", "raw", "the listen backlog is full, nobody accepts", b=dict(mode="no_accept"), params=dict(cause="connect_timeout", n=2, fill_backlog=True))
for px, how in (("nginx", "icmp type admin-prohibited"), ("haproxy", "icmp type host-unreachable"), ("apache", "icmp type admin-prohibited")):
    case("icmp-%s" % px, "connect_fail", px, "node", "the firewall answers with %s" % how, params=dict(cause="icmp_unreachable", n=2, nft="tcp dport 3000 reject with " + how, variant=how))
case("fwreset-nginx", "connect_fail", "nginx", "node", "the firewall answers SYN with RST", params=dict(cause="connection_refused", n=2, nft="tcp dport 3000 reject with tcp reset", variant="firewall reset"))
# Every way in which a firewall can refuse, and both families.
CODES = ["icmp type " + code for code in ("net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable", "net-prohibited", "host-prohibited", "admin-prohibited")]
CODES6 = ["icmpv6 type " + code for code in ("no-route", "admin-prohibited", "addr-unreachable", "port-unreachable", "policy-fail", "reject-route")]
for px in ("nginx", "haproxy", "go"):
    case("icmp-codes-%s" % px, "rejected", px, "node", "every ICMP code, and a reset", p=dict(retries=0), params=dict(hows=CODES + ["tcp reset"]))
for px in ("nginx", "caddy"):
    case("icmp6-codes-%s" % px, "rejected", px, "node", "every ICMPv6 code, and a reset", ipv6=True, params=dict(hows=CODES6 + ["tcp reset"]))
for px in ("apache", "varnish", "squid", "h2o", "envoy", "ats", "lighttpd", "nghttpx", "node", "fastify", "go"):
    case("refused-%s" % px, "connect_fail", px, "none", "no process listens on the port", params=dict(cause="connection_refused", n=2, accept={"connection_refused", "no_attempt"}))
for px, be in (("haproxy", "node"), ("envoy", "go"), ("apache", "node"), ("varnish", "node")):
    case("synloss-%s" % px, "connect_fail", px, be, "the path drops SYN", params=dict(cause="connect_timeout", n=1, wire="dropsyn on"))
case("backlog-haproxy-raw", "connect_fail", "haproxy", "raw", "the listen backlog is full, nobody accepts", b=dict(mode="no_accept"), p=dict(retries=0), params=dict(cause="connect_timeout", n=2, fill_backlog=True))
DEAD = dict(ports=[3001], other_backends=["10.77.2.2:3001"])
for px in ("nginx", "haproxy", "caddy"):
    case("onedead-%s-node" % px, "one_dead", px, "node", "two servers, nothing listens on the second: a retry hides it",
         p=dict(servers=["10.77.2.2:3000", "10.77.2.2:3001"], extra={"caddy": "lb_try_duration 3s", "haproxy": "option redispatch 1"}.get(px, "")), **DEAD)
case("clean-synhalf-nginx-node", "connect_fail", "nginx", "node", "every other SYN is lost: TCP sends it again, and nobody is harmed", p=dict(nokeepalive=True),
     params=dict(cause=None, n=3, nft="tcp flags & (syn | ack) == syn tcp dport 3000 numgen inc mod 2 == 0 drop"))
case("clean-synhalf-haproxy-go", "connect_fail", "haproxy", "go", "every other SYN is lost", p=dict(reuse="never"),
     params=dict(cause=None, n=3, nft="tcp flags & (syn | ack) == syn tcp dport 3000 numgen inc mod 2 == 0 drop"))
