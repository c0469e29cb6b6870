"""A node as kubelet and kube-proxy leave it: pods on a bridge whose frames pass the firewall too (br_netfilter), services
by DNAT."""
from .bridge import bridge, client, container, translate

NODE, PROXY, SERVICE = "10.77.1.1", "10.244.1.2", "10.96.0.20"
SERVED = "\n ip daddr %s tcp dport 80 dnat to %%s:3000" % SERVICE


def _node(lab, name="node"):
    node = lab.host(name)
    bridge(node, "cni0", "10.244.1.1/24", filtered=True)
    return node


def _proxy(lab, node):
    lab.proxy = container(lab, node, "cni0", "proxy", PROXY, "10.244.1.1")
    lab.proxy_ip, lab.proxy_if, lab.backend_if = PROXY, "eth0", "eth0"
    lab.places = {"node-any": (node, "any"), "node-bridge": (node, "cni0"), "node-veth": (node, "veth-proxy")}


def _behind_service(lab, node, backend, leaving=""):
    lab.backend_ip, lab.server = backend, SERVICE + ":80"
    lab.leg = [lab.server, backend + ":3000"]
    lab.front = (NODE, 8080)
    translate(node, "\n ip daddr %s tcp dport 8080 dnat to %s:8080" % (NODE, PROXY) + SERVED % backend, leaving)


def kubernetes(lab):
    """The service's pod is on another node: on the bridge requests go to the pod, and answers come from the service."""
    node = _node(lab)
    client(lab, node, NODE)
    _proxy(lab, node)
    lab.backend = lab.host("backend")
    lab.wired(node, "eth0", lab.backend, "eth0")
    lab.addr(node, "eth0", "10.244.2.1")
    lab.addr(lab.backend, "eth0", "10.244.2.3")
    lab.backend("ip", "route", "add", "default", "via", "10.244.2.1")
    _behind_service(lab, node, "10.244.2.3")


def kubernetes_near(lab):
    """The service's pod is on the same node."""
    node = _node(lab)
    client(lab, node, NODE)
    _proxy(lab, node)
    lab.backend = container(lab, node, "cni0", "backend", "10.244.1.3", "10.244.1.1", wired=True)
    _behind_service(lab, node, "10.244.1.3")


def kubernetes_hairpin(lab):
    """Proxy and backend are one pod, which calls itself by its service: each frame leaves it and comes back."""
    node = _node(lab)
    client(lab, node, NODE)
    _proxy(lab, node)
    lab.backend = lab.proxy
    _behind_service(lab, node, PROXY, "\n ip saddr %s ip daddr %s masquerade" % (PROXY, PROXY))


def nodeport(lab):
    """Clients come in by another node's port, with that node's address; the leg itself is plain."""
    node, other = _node(lab), lab.host("other")
    lab.veth(node, "eth0", other, "eth0")
    lab.addr(node, "eth0", "192.168.50.11")
    lab.addr(other, "eth0", "192.168.50.12")
    client(lab, other, NODE)
    other.sysctl("net.ipv4.ip_forward", 1)
    other("ip", "route", "add", "10.244.1.0/24", "via", "192.168.50.11")
    translate(other, "\n tcp dport 30080 meta mark set 0x4000 dnat to %s:8080" % PROXY, "\n meta mark 0x4000 masquerade")
    _proxy(lab, node)
    lab.backend = container(lab, node, "cni0", "backend", "10.244.1.3", "10.244.1.1", wired=True)
    lab.backend_ip, lab.front = "10.244.1.3", (NODE, 30080)
