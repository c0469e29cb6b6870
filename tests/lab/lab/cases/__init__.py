"""The table of cases, a module for each family. A case is a few lines of data:

    case(NAME, SCENARIO, PROXY, BACKEND, ABOUT, b={options of the backend}, p={options of the proxy},
         params={what the scenario is told}, ...)

Further keys: topology ("wire", "direct", "vxlan", "loopback", or one of lab/topologies), delay_ms (one way, 15), ipv6, capture (kind,
proxy_any, backend_any, link, nano, legs), ports and other_backends (further listeners), settle, linger, notes, harmless (the fault
may do no harm with this proxy), not_yet (what why502 does not read yet: told, not held against it),
ask (what why502 is told besides),
note (the code of a note that must be there), beside (what else runs on these hosts).
"""
import importlib
import pkgutil

CASES = {}
KEYS = {"topology", "delay_ms", "ipv6", "capture", "ports", "other_backends", "settle", "linger", "log_wait", "notes", "params", "harmless", "not_yet", "ask", "note", "beside"}


def case(name, scenario, proxy, backend, about="", b=None, p=None, **more):
    assert name not in CASES, name
    assert not set(more) - KEYS, "%s: what is %s?" % (name, set(more) - KEYS)
    CASES[name] = dict(name=name, scenario=scenario, proxy=proxy, backend=backend, about=about,
                       backend_opts=b or {}, proxy_opts=p or {}, **more)


for _, _name, _ in pkgutil.iter_modules(__path__):
    importlib.import_module("." + _name, __name__)

# What CI runs: about two minutes, with few packages (nginx, HAProxy, Node, gunicorn).
QUICK = (
    "race-nginx-node", "race-haproxy-node", "race-body-nginx-node", "race-half-haproxy-raw", "age-nginx-raw", "restart-rolling-haproxy-node", "stale-nginx-node", "closed-nginx-node", "closed-nginx-gunicorn-kill", "closed-haproxy-nginx444",
    "reset-nginx-node", "reset-middle-nginx-node", "trunc-nginx-node", "refused-haproxy", "synloss-nginx", "icmp-nginx", "fwreset-nginx",
    "slow-nginx-gunicorn", "stall-nginx-node", "noread-haproxy-raw", "blackhole-nginx-node", "invalid-haproxy-node", "bighdr-nginx-node",
    "health-haproxy-node", "limit-nginx-raw", "maxreq-haproxy-gunicorn", "restart-nginx-node-term", "restart-stuck-nginx-node",
    "mix-loopback-haproxy-node", "client-gone-nginx-node", "queue-haproxy-gunicorn", "clean-nginx-node", "clean-haproxy-node",
    "clean-loopback-haproxy-node", "clean-topology-clusterip-nginx",
    "topology-docker-haproxy", "topology-sidecar-in-nginx", "topology-two-proxies",
)
for _name in QUICK:
    CASES[_name]["quick"] = True
