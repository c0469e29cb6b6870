"""Closed in flight."""
from . import case

case("closed-nginx-node", "faulty", "nginx", "node", "socket.destroy, process.exit, kill -9, uncaught exception", params=dict(steps=[
    dict(path="/destroy", cause="closed_in_flight", n=2), dict(path="/destroy", cause="closed_in_flight", method="POST", n=2),
    dict(path="/crash", cause="closed_in_flight", method="POST", restart=True), dict(path="/exit", cause="closed_in_flight", restart=True, method="POST"), dict(path="/throw", cause="closed_in_flight", method="POST", restart=True)]))
case("closed-nginx-gunicorn-kill", "faulty", "nginx", "gunicorn", "kill -9 of the worker (as the OOM killer does)", params=dict(steps=[
    dict(path="/slow", params="s=2", cause="closed_in_flight", method="POST", kill_after=0.5, kill_worker=True, wait=1.5, n=2), dict(path="/crash", cause="closed_in_flight", method="POST", wait=1.5)]))
case("closed-apache-go", "faulty", "apache", "go", "panic in the handler", params=dict(steps=[dict(path="/destroy", cause="closed_in_flight", n=2), dict(path="/oops", cause="closed_in_flight", method="POST", n=2)]))
case("closed-goproxy-node", "faulty", "go", "node", params=dict(steps=[dict(path="/destroy", cause="closed_in_flight", n=2), dict(path="/destroy", cause="closed_in_flight", method="POST", n=2)]))
case("closed-nodeproxy-hypercorn", "faulty", "node", "hypercorn", params=dict(steps=[dict(path="/exit", cause="closed_in_flight", wait=1.5, restart=True), dict(path="/crash", cause="closed_in_flight", method="POST", restart=True)]))
case("closed-haproxy-nginx444", "faulty", "haproxy", "nginx", "nginx as backend: return 444", params=dict(steps=[dict(path="/close444", cause="closed_in_flight", n=3), dict(path="/close444", method="POST", cause="closed_in_flight", n=2)]))
case("closed-nginx-acceptclose", "faulty", "nginx", "raw", "accepts and closes at once, without reading", b=dict(mode="close_on_accept"),
     params=dict(steps=[dict(path="/ok", cause="closed_in_flight", n=2, warm=0, accept={"closed_in_flight", "reset_in_flight", "closed_before_request"}, variant="closed on accept, before the request arrived"),
                        dict(path="/ok", cause="closed_in_flight", method="POST", n=2, warm=0, accept={"closed_in_flight", "reset_in_flight", "closed_before_request"}, variant="closed on accept, before the request arrived")]))
