"""Where and how the capture was taken: families, link types, formats, tunnels, several legs, one host."""
from . import case

CLOSED = [dict(path="/destroy", cause="closed_in_flight", n=2), dict(path="/reset", cause="reset_in_flight", method="POST"), dict(path="/ok", n=2)]
R1 = dict(rounds=1)
# IPv6.
case("ipv6-race-nginx-node", "keepalive_race", "nginx", "node", "IPv6", ipv6=True, params=dict(rounds=2))
case("ipv6-race-haproxy-node", "keepalive_race", "haproxy", "node", "IPv6", ipv6=True, params=dict(rounds=2))
case("ipv6-closed-caddy-node", "faulty", "caddy", "node", "IPv6", ipv6=True, params=dict(steps=CLOSED))
case("ipv6-synloss-nginx", "connect_fail", "nginx", "node", "IPv6: the path drops SYN", ipv6=True, params=dict(cause="connect_timeout", n=1, wire="dropsyn on"))
case("ipv6-fwreset-haproxy", "connect_fail", "haproxy", "node", "IPv6: the firewall answers SYN with RST", ipv6=True, p=dict(retries=0), params=dict(cause="connection_refused", n=2, nft="tcp dport 3000 reject with tcp reset", variant="firewall reset"))
case("ipv6-blackhole-nginx-node", "blackhole", "nginx", "node", "IPv6: an idle connection is forgotten", ipv6=True, b=dict(ka=30), linger=5, params=R1)
case("clean-ipv6-haproxy-node", "clean", "haproxy", "node", "IPv6", ipv6=True)
# Link types and formats.
case("any-v2-haproxy-node", "keepalive_race", "haproxy", "node", "both sides captured with -i any, cooked v2", capture=dict(proxy_any=True, backend_any=True), params=dict(rounds=2))
case("any-v1-nginx-node", "faulty", "nginx", "node", "both sides captured with -i any, cooked v1", capture=dict(proxy_any=True, backend_any=True, link="LINUX_SLL"), params=dict(steps=CLOSED))
case("pcapng-nginx-node", "keepalive_race", "nginx", "node", "pcapng, by dumpcap", capture=dict(kind="dumpcap"), params=R1)
case("nano-nginx-node", "keepalive_race", "nginx", "node", "nanosecond time stamps", capture=dict(nano=True), params=R1)
case("nano-any-haproxy-node", "faulty", "haproxy", "node", "nanoseconds, cooked v2", capture=dict(nano=True, proxy_any=True), params=dict(steps=CLOSED))
case("clean-any-nginx-node", "clean", "nginx", "node", "front leg and backend leg in one cooked capture", capture=dict(proxy_any=True, backend_any=True))
# Both legs in one capture. Which host has which address, Ethernet does not say: the front must be told.
TOLD = ["--front", "10.77.1.1:8080"]
case("legs-nginx-node", "faulty", "nginx", "node", "front leg and backend leg: two interfaces in one pcapng", capture=dict(kind="dumpcap", legs=True), ask=TOLD, params=dict(steps=CLOSED))
case("legs-haproxy-node", "keepalive_race", "haproxy", "node", "front leg and backend leg: two interfaces in one pcapng", capture=dict(kind="dumpcap", legs=True), ask=TOLD, params=dict(rounds=2))
case("clean-legs-caddy-node", "clean", "caddy", "node", "front leg and backend leg: two interfaces in one pcapng", capture=dict(kind="dumpcap", legs=True), ask=TOLD)
# A tunnel, captured outside of it.
TUNNEL = dict(topology="vxlan", note="tunnels_skipped", not_yet="frames inside of VXLAN")
case("vxlan-nginx-node", "faulty", "nginx", "node", "the leg runs through VXLAN, captured outside of the tunnel", params=dict(steps=CLOSED), **TUNNEL)
case("vxlan-refused-haproxy", "connect_fail", "haproxy", "none", "the leg runs through VXLAN, captured outside of the tunnel", p=dict(retries=0), params=dict(cause="connection_refused", n=1), **TUNNEL)
case("clean-vxlan-haproxy-node", "clean", "haproxy", "node", "the leg runs through VXLAN, captured outside of the tunnel", params=dict(idle=False), **TUNNEL)
# Two proxies in a chain: HAProxy before nginx, and HAProxy before nginx on one host.
ODD = [dict(path="/destroy", cause="backend_error_status", n=2, method="POST", variant="a proxy's own 502"), dict(path="/slow", params="s=3", cause="backend_error_status", variant="a proxy's own 504"), dict(path="/ok", n=2)]
case("chain-between-haproxy-nginx", "faulty", "haproxy", "chain", "the leg between two proxies: the second answers 502 and 504 for what fails behind it", p=dict(read=6), params=dict(steps=ODD))
case("chain-race-haproxy-nginx", "keepalive_race", "haproxy", "chain", "the race between two proxies", params=dict(rounds=2))
case("chain-behind-nginx-node", "faulty", "chain", "node", "two proxies on one host, all three legs in one capture: the last one is judged", capture=dict(proxy_any=True), params=dict(steps=CLOSED))
case("chain-behind-race", "keepalive_race", "chain", "node", "the race behind two proxies on one host", capture=dict(proxy_any=True), params=dict(rounds=2))
case("clean-chain-haproxy-nginx", "clean", "haproxy", "chain", "two proxies, nothing wrong")
# Proxy and backend on one host.
case("onehost-any-nginx-node", "faulty", "nginx", "node", "proxy and backend on one host, captured on any: lo and the front leg", topology="loopback", capture=dict(proxy_any=True), params=dict(steps=CLOSED), ask=TOLD)
case("onehost-refused-haproxy", "connect_fail", "haproxy", "none", "proxy and backend on one host: nothing listens", topology="loopback", p=dict(retries=0), params=dict(cause="connection_refused", n=2))
case("clean-onehost-any-caddy-go", "clean", "caddy", "go", "proxy and backend on one host, captured on any", topology="loopback", capture=dict(proxy_any=True))
