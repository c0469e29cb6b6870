"""Where people really capture: bridges of containers, nodes, pods with sidecars, busy machines. One connection shows several
times there, translated, or by halves; each failure is told once, at an address of its backend, and none is taken back."""
from . import case

STEPS = [dict(path="/destroy", cause="closed_in_flight", method="POST"), dict(path="/reset", cause="reset_in_flight", method="POST"), dict(path="/truncate", cause="truncated_response"),
         dict(path="/status", params="c=503", cause="backend_error_status"), dict(path="/slow", params="s=4", cause="backend_slow")]
# max_fails: one refused connect must not hold the backend for down.
NGINX, HAPROXY = dict(read=1, server_args="max_fails=0"), dict(read=1, retries=0)
QUICK_NODE = dict(ka=1)


def topology(name, kind, proxy, about, p, scenario="usual", params=None, **more):
    case("topology-" + name, scenario, proxy, "node", about, topology=kind, b=QUICK_NODE, p=p, params=params or dict(steps=STEPS), linger=2, **more)


topology("docker-nginx", "docker", "nginx", "proxy and backend on a bridge of containers, published by DNAT", NGINX)
topology("docker-haproxy", "docker", "haproxy", "proxy and backend on a bridge of containers, published by DNAT", HAPROXY)
topology("docker-hairpin-nginx", "docker-hairpin", "nginx", "the proxy reaches the backend by the host's published port", NGINX)
topology("clusterip-nginx", "kubernetes", "nginx", "a service whose pod is on another node: halves on the bridge", NGINX)
topology("clusterip-near-haproxy", "kubernetes-near", "haproxy", "a service whose pod is on the same node", HAPROXY)
topology("service-hairpin-nginx", "kubernetes-hairpin", "nginx", "a pod that calls itself by its service", NGINX)
topology("nodeport-haproxy", "nodeport", "haproxy", "clients come by another node's port, with its address", HAPROXY)
FROM_SIDECAR = "127.0.0.6"
topology("sidecar-in-nginx", "sidecar-in", "nginx", "the sidecar takes what comes in, and calls from 127.0.0.6", dict(NGINX, extra="proxy_bind %s;" % FROM_SIDECAR))
topology("sidecar-in-haproxy", "sidecar-in", "haproxy", "the sidecar takes what comes in, and calls from 127.0.0.6", dict(HAPROXY, server_args="source " + FROM_SIDECAR))
topology("sidecar-out", "sidecar-out", "chain", "the sidecar takes what the proxy sends out", dict(NGINX, behind="10.77.2.2:3000", user="www-data"))
topology("two-proxies", "one-machine", "chain", "two proxies in a row and the backend on one host", NGINX)
topology("busy-nginx", "one-machine", "nginx", "a host that calls an API which fails, is scraped, and more", NGINX, beside=["outgoing", "stream", "redis"])
topology("busy-haproxy", "one-machine", "haproxy", "a host that calls an API which fails, and is scraped", HAPROXY, beside=["outgoing"])
for name, kind, proxy, p in (("docker-nginx", "docker", "nginx", {}), ("clusterip-nginx", "kubernetes", "nginx", {}), ("service-hairpin-haproxy", "kubernetes-hairpin", "haproxy", {}),
                             ("sidecar-in-nginx", "sidecar-in", "nginx", dict(extra="proxy_bind %s;" % FROM_SIDECAR)), ("two-proxies", "one-machine", "chain", {})):
    case("clean-topology-" + name, "clean", proxy, "node", "nothing wrong", topology=kind, b=QUICK_NODE, p=p, params=dict(load=8))
case("clean-topology-busy-nginx", "clean", "nginx", "node", "nothing wrong but what is nobody's backend", topology="one-machine", b=QUICK_NODE, params=dict(load=8), beside=["outgoing", "stream"])
