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
