"""One case: laboratory up, daemons up, capture, scenario; then the check of what came of it."""
import os
import random
import shutil
import signal
import threading
import time
import traceback

from . import backends, beside, crosscheck, proxies, scenarios
from .client import ClientConn, Result
from .net import Lab
from .tidy import tidy
from .truth import finish
from .watch import differences


class Ctx:
    def __init__(self, case, d, slot, tools):
        self.case, self.dir, self.tools, self.slot = case, d, tools, slot
        self.records, self.lock = [], threading.Lock()
        self.bport = case.get("backend_opts", {}).get("port", 3000)
        self.notes, self.late_logs, self.truth_extra = [], {}, {}
        self.threads = []
        self.envoy = os.path.join(tools, "envoy")
        self.tls = {"key": os.path.join(tools, "tls.key"), "cert": os.path.join(tools, "tls.crt")}
        self.lab = Lab(slot, d, os.path.join(tools, "wire"), case.get("topology", "wire"), case.get("delay_ms", 15), case.get("ipv6", False))
        self.wire = self.lab.wire
        self.n = 0
        self.rng = random.Random(case["name"])

    # -- daemons
    def start_backend(self):
        self.backend = backends.start(self.case["backend"], self, **self.case.get("backend_opts", {}))
        return self.backend

    def stop_backend(self, sig=signal.SIGKILL):
        self.backend["proc"].stop(sig, 5)

    # -- requests
    def prepare(self, timeout=25):
        return ClientConn(self.lab.client, self.lab.front, timeout)

    def req(self, method="GET", path="/ok", cause=None, notes="", params="", body=None, conn=None, background=False, timeout=25,
            variant=None, headers=(), keep=False, accept=None, recv=True, root=None, **kw):
        with self.lock:
            self.n += 1
            rid = "%s-%03d-%06x" % (self.case["name"][:12].strip("-"), self.n, self.rng.getrandbits(24))
        full = path + (self.backend.get("suffix", "") if "." not in path and path != "/" else "") + "?id=" + rid + (("&" + params) if params else "")
        if method in ("POST", "PUT", "PATCH") and body is None:
            body = b"payload for " + rid.encode() + b"\n"
        rec = {"id": rid, "method": method, "path": full, "t_client_sent": None, "client_status": None, "client_error": None, "latency_s": None,
               "cause": cause, "hidden_by_retry": False, "notes": notes}
        if variant:
            rec["variant"] = variant
        if root:
            rec["root_cause"] = root
        if accept:
            rec["_accept"] = accept
        with self.lock:
            self.records.append(rec)
        try:
            c = conn or self.prepare(timeout)
        except OSError as e:
            rec["client_error"] = "proxy connect: %s" % e
            return rec
        hs = [("X-Request-Id", rid)] + list(headers)

        def go():
            t0 = time.time()
            try:
                rec["t_client_sent"] = t0 = c.send(method, full, hs, body, **kw)
                r = c.recv(method) if recv else Result()
            except OSError as e:
                r = Result(status=None, error=str(e))
            rec["client_status"], rec["client_error"], rec["latency_s"] = r.status, r.error, round(time.time() - t0, 4)
            rec["client_bytes"] = r.length
            rec["t_client_sent"] = round(t0, 6)
            if not keep:
                c.close()

        if background:
            t = threading.Thread(target=go, daemon=True)
            t.start()
            self.threads.append(t)
            rec["_thread"] = t
        else:
            go()
        return rec

    def join(self, timeout=40):
        end = time.time() + timeout
        for t in self.threads:
            t.join(max(0.1, end - time.time()))
        self.threads = []


def _make(case, folder, slot, tools, live):
    """Runs the scenario; returns what is left of it, the captures' names, and what live watches beside them said."""
    ctx, watches = None, {}
    try:
        ctx = Ctx(case, folder, slot, tools)
        ctx.start_backend()
        ctx.proxy = proxies.start(case["proxy"], ctx, **case["proxy_opts"])
        talks = [beside.module(name).start(ctx) for name in case.get("beside", ())]
        time.sleep(case.get("settle", 0.3))
        if live:
            watches = ctx.lab.watch(*live, listeners(ctx), case.get("ask", ()), case.get("capture", {}).get("proxy_any", False))
        files = ctx.lab.capture(**case.get("capture", {}))
        talking = [threading.Thread(target=talk, daemon=True) for talk in talks]
        for talk in talking:
            talk.start()
        scenarios.ALL[case["scenario"]](ctx, **case.get("params", {}))
        for talk in talking:
            talk.join(30)
        ctx.join()
        time.sleep(case.get("linger", 0.3))
        ctx.lab.stop_capture()
        told = {name: (watch, watch.stop()) for name, watch in watches.items()}
        time.sleep(case.get("log_wait", 0.2))
    finally:
        for watch in watches.values():
            watch.p.kill()
        if ctx:
            ctx.lab.close()
    for made, kept in ctx.late_logs.items():
        if os.path.exists(os.path.join(folder, made)):
            shutil.copy(os.path.join(folder, made), os.path.join(folder, kept))
    return ctx, files, told


def listeners(ctx):
    """The backends of a case, as why502 is told of them."""
    own = ["%s:%d" % (("[%s]" if ":" in ctx.lab.backend_ip else "%s") % ctx.lab.backend_ip, ctx.bport)]
    return (ctx.lab.leg or own) + ctx.case.get("other_backends", [])


def run_case(case, out, slot, tools, live=None):
    """One case in a folder of its own: {"truth"}, and "trouble" where the machine did not do what was meant. With
    `live`, a why502 and its source of frames, also "live": by watch, what it said live that it does not say of the capture, and how late; and "watched": by watch, the
    capture, the failures that it told, and how many it took back."""
    folder = os.path.join(out, case["name"])
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chmod(folder, 0o777)
    truth, trouble, compared, watched = None, [], {}, {}
    try:
        ctx, files, told = _make(case, folder, slot, tools, live)
        for name, (watch, failures) in told.items():
            capture = next(f for f in files if f.startswith(watch.place))
            watch.save(os.path.join(folder, name + ".live.jsonl"))
            watched[name] = {"capture": capture, "failures": [failure for _, failure in failures.values()], "retracted": watch.retracted}
            compared[name] = differences(watch, failures, live[0], os.path.join(folder, capture))
        truth = finish(case, ctx, folder, files)
        trouble = list(truth["problems"])
        if not trouble and meant_to_fail(case) and not any(r["cause"] for r in truth["requests"]):
            trouble = ["the fault did not happen"]
    except Exception as e:  # whatever a machine can do wrong; the case is tried again
        with open(os.path.join(folder, "FAILED.txt"), "w") as f:
            f.write(traceback.format_exc())
        trouble = ["%s: %s" % (type(e).__name__, (str(e).strip().splitlines() or [""])[-1][:300])]
    tidy(folder, tools)
    if truth and not trouble:
        trouble = crosscheck.doubts(folder, truth)
    return {"truth": truth, "trouble": trouble, "live": compared, "watched": watched}


def meant_to_fail(case):
    return not (case["name"].startswith("clean-") or case.get("harmless"))
