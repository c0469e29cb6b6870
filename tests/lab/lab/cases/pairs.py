"""Keep-alive races on pairs of a proxy and a backend: every proxy that keeps connections with at least two
backends, every backend with at least two proxies (race.py has those that are not here). A GET and a POST
each, sent while the backend's close of an idle connection is on the wire: some proxies send the GET again.

Not here: lighttpd asks its backends on a new connection each time, and Debian's hypercorn closes with
each answer, so nothing can cross; php-fpm speaks FastCGI and has no idle timeout.
"""
from . import case

PAIRS = {
    "haproxy": ("gunicorn", "jetty"),
    "apache": ("gunicorn", "lighttpd"),
    "varnish": ("node", "jetty"),
    "caddy": ("gunicorn", "tomcat"),
    "squid": ("uvicorn", "node"),
    "h2o": ("puma", "lighttpd"),
    "envoy": ("gunicorn", "apache"),
    "ats": ("go", "apache"),
    "nghttpx": ("uvicorn", "nginx"),
    "fastify": ("gunicorn", "go"),
    "go": ("nginx", "tomcat"),
}
for proxy, backends in PAIRS.items():
    for backend in backends:
        case("race-%s-%s" % (proxy + "proxy" * (proxy == "go"), backend), "keepalive_race", proxy, backend,
             "the backend's idle timeout of 1 s", b=dict(ka=1), params=dict(rounds=2), delay_ms=25)

for backend in ("node", "uvicorn"):
    case("clean-lighttpd-%s" % backend, "clean", "lighttpd", backend, "lighttpd as a proxy keeps no connection to a backend", b=dict(ka=1),
         params=dict(paths=[dict(path="/ok"), dict(path="/echo", method="POST", body=60000), dict(path="/chunked"), dict(path="/slow", params="s=1")]))
case("clean-caddy-hypercorn", "clean", "caddy", "hypercorn", "a FIN with each answer, unannounced", params=dict(idle=False, load=0, paths=[dict(path="/ok"), dict(path="/echo", method="POST", body=60000), dict(path="/chunked")]))
