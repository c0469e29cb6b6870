"""gRPC calls."""
import json
import os
import signal

from ..daemon import APPS, PY
from ..net import PROXY_CIP, PROXY_PORT
from ..process import Proc

# As what a client counts them: what the application says is no failure of the path.
FINE = ("OK", "NOT_FOUND")


def grpc_calls(ctx, steps):
    """A gRPC client in the client's namespace makes the calls, one after the other. Where a step has a cause, the
    server is started again after it."""
    for step in steps:
        for _ in range(step.get("n", 1)):
            ctx.n += 1
            rid = "%s-%03d-%06x" % (ctx.case["name"][:12].strip("-"), ctx.n, ctx.rng.getrandbits(24))
            method, log = "/lab.Echo/%s?id=%s" % (step["path"], rid), os.path.join(ctx.dir, "grpc-%s.jsonl" % rid)
            Proc(ctx.lab.client, [PY, os.path.join(APPS, "grpc_app.py"), "call", "%s:%d" % (PROXY_CIP, PROXY_PORT), method], ctx.dir, log).p.wait(30)
            with open(log) as f:
                said = json.loads([line for line in f if line.startswith("{")][-1])
            ctx.records.append({"id": rid, "method": "POST", "path": method, "t_client_sent": said["sent"], "client_status": 200 if said["code"] in FINE else 503,
                                "client_error": None, "latency_s": said["took"], "cause": step.get("cause"), "hidden_by_retry": False, "notes": "gRPC status " + said["code"],
                                **({"_accept": {"closed_in_flight", "reset_in_flight", "backend_slow", "h2_reset_by_backend"}} if step.get("cause") else {})})
        if step["path"] == "Die":
            ctx.backend["proc"].stop(signal.SIGKILL)
            ctx.start_backend()
