"""Restarts."""
import signal

from . import case

case("restart-nginx-node-term", "restart", "nginx", "node", "SIGTERM without a handler, 0.6 s down", params=dict(sig=signal.SIGTERM))
case("restart-nginx-gunicorn-hup", "restart", "nginx", "gunicorn", "gunicorn reload (HUP)", b=dict(workers=2, graceful=2), params=dict(hup=True))
case("restart-apache-go", "restart", "apache", "go", "SIGTERM without a handler", params=dict(sig=signal.SIGTERM, params="s=0"))
case("restart-stuck-nginx-node", "stuck_then_gone", "nginx", "node", "a server that hangs, and then is gone", p=dict(read=1))
