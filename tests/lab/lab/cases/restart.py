"""Restarts."""
import signal

from . import case

case("restart-nginx-node-term", "restart", "nginx", "node", "SIGTERM without a handler, 0.6 s down", params=dict(sig=signal.SIGTERM))
case("restart-nginx-gunicorn-hup", "restart", "nginx", "gunicorn", "gunicorn reload (HUP)", b=dict(workers=2, graceful=2), params=dict(hup=True))
case("restart-apache-go", "restart", "apache", "go", "SIGTERM without a handler", params=dict(sig=signal.SIGTERM, params="s=0"))
case("restart-stuck-nginx-node", "stuck_then_gone", "nginx", "node", "a server that hangs, and then is gone", p=dict(read=1))

# Graceful: the old server goes on with what it has begun. Its idle connections are closed under the proxy.
case("restart-haproxy-node-graceful", "restart", "haproxy", "node", "SIGTERM and server.close()", b=dict(env={"GRACEFUL": "1"}), params=dict(sig=signal.SIGTERM))
case("restart-caddy-puma-term", "restart", "caddy", "puma", "SIGTERM: Puma ends what it has begun", params=dict(sig=signal.SIGTERM))
case("restart-envoy-uvicorn-term", "restart", "envoy", "uvicorn", "SIGTERM", params=dict(sig=signal.SIGTERM))
case("restart-nginx-hypercorn-term", "restart", "nginx", "hypercorn", "SIGTERM", params=dict(sig=signal.SIGTERM))
case("restart-apache-nginx-quit", "restart", "apache", "nginx", "SIGQUIT", params=dict(sig=signal.SIGQUIT, path="/ok", params=""))
# The master stays, its workers are replaced.
case("restart-haproxy-nginx-hup", "restart", "haproxy", "nginx", "nginx reload (HUP)", params=dict(hup=True, path="/ok", params=""))
case("restart-nginx-apache-usr1", "restart", "nginx", "apache", "apachectl graceful (USR1)", params=dict(hup=True, sig=signal.SIGUSR1, path="/ok", params=""))
# At once.
case("restart-haproxy-go-kill", "restart", "haproxy", "go", "SIGKILL", params=dict(sig=signal.SIGKILL, params="s=0"))
case("restart-varnish-gunicorn-kill", "restart", "varnish", "gunicorn", "SIGKILL of the master; its workers end by themselves", params=dict(sig=signal.SIGKILL))
# One after the other: the proxy has a server at all times.
TWO = ["10.77.2.2:3000", "10.77.2.2:3001"]
for px, harmless in (("nginx", True), ("haproxy", False)):
    case("restart-rolling-%s-node" % px, "rolling", px, "node", "two servers, restarted in turn, gracefully", b=dict(env={"GRACEFUL": "1"}), p=dict(servers=TWO),
         ports=[3001], other_backends=TWO[1:], harmless=harmless)  # nginx asks the other one
