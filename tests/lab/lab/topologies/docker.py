"""A host of containers, as Docker leaves it: a bridge, published ports by DNAT."""
from .bridge import bridge, client, container, translate

HOST, PROXY, BACKEND = "10.77.1.1", "172.17.0.2", "172.17.0.3"


def _host(lab, to):
    host = lab.host("host")
    client(lab, host, HOST)
    bridge(host, "docker0", "172.17.0.1/16", filtered=False)
    translate(host, "\n ip daddr %s tcp dport 8080 dnat to %s:8080" % (HOST, PROXY) + to,
              '\n ip saddr 172.17.0.0/16 oifname != "docker0" masquerade\n ip saddr 172.17.0.0/16 ip daddr 172.17.0.0/16 ct status dnat masquerade')
    lab.proxy = container(lab, host, "docker0", "proxy", PROXY, "172.17.0.1")
    lab.backend = container(lab, host, "docker0", "backend", BACKEND, "172.17.0.1", wired=True)
    lab.proxy_ip, lab.backend_ip, lab.proxy_if, lab.backend_if = PROXY, BACKEND, "eth0", "eth0"
    lab.front = (HOST, 8080)
    lab.places = {"host-any": (host, "any"), "host-bridge": (host, "docker0"), "host-veth": (host, "veth-backend")}
    return host


def docker(lab):
    """Proxy and backend on one bridge; clients come by a published port."""
    _host(lab, "")


def docker_hairpin(lab):
    """The proxy reaches the backend by the host's published port, and so by the bridge's own address."""
    _host(lab, "\n ip daddr %s tcp dport 9090 dnat to %s:3000" % (HOST, BACKEND))
    lab.server = "%s:9090" % HOST
    lab.leg = [lab.server, BACKEND + ":3000"]
