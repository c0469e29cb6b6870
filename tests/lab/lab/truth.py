"""Holds the cause that the scenario made against the packets, and writes truth.json."""
import json
import os

from .witness import Witness

# what the verifier may report for a cause that was made on purpose
ACCEPT = {
    # on a busy machine the request may leave just after the FIN arrived: then it is a stale_reuse, and is labelled so
    "keepalive_race": {"keepalive_race", "stale_reuse"},
    "request_limit_close": {"keepalive_race", "stale_reuse", "closed_in_flight"},
    "backend_error_status": {"status_500", "status_502", "status_503", "status_504", "status_413", "status_403"},
    "health_check_failing": {"no_attempt"},
    "client_gone": {"proxy_broke_off", "backend_slow", "backend_stalled", "truncated_response"},
    "upload_cut_short": {"status_413", "reset_in_flight", "truncated_response"},
    "path_blackhole": {"path_blackhole"},
    "closed_in_flight": {"closed_in_flight", "reset_in_flight", "closed_before_request"},
    "reset_in_flight": {"reset_in_flight", "closed_before_request"},
    "invalid_response": {"invalid_response", "status_200", "truncated_response", "tls_mismatch", "backend_stalled"},
}
# other causes that a reader of one capture could fairly name
ALSO = {
    "middle sends RST to the backend": ("reset_in_flight",),
    "middle sends RST to the proxy": ("path_blackhole",),  # from the backend's side: its answer meets nobody
    "middle sends RST": ("path_blackhole", "reset_in_flight"),
    "response lost": ("path_blackhole", "backend_slow"),
    "keep-alive timer of a blocked backend": ("keepalive_race", "reset_in_flight"),
    "plain HTTP to a TLS port": ("closed_in_flight",),
    "closed on accept, before the request arrived": ("closed_in_flight", "reset_in_flight"),
    "reset on accept": ("closed_in_flight", "reset_in_flight"),
    "a new connection, closed before the request arrived": ("closed_in_flight", "reset_in_flight"),
    "firewall reset": ("connection_refused",),
}
NAMES = {"keepalive_race", "stale_reuse", "closed_in_flight", "reset_in_flight", "truncated_response", "connection_refused", "connect_timeout", "icmp_unreachable",
         "backend_slow", "backend_stalled", "path_blackhole", "invalid_response", "backend_error_status", "health_check_failing", "request_limit_close",
         "accept_queue_full", "client_gone", "upload_cut_short", "proxy_broke_off"}
CONN = {"connection_refused", "connect_timeout", "icmp_unreachable"}


def _read(folder, name):
    try:
        with open(os.path.join(folder, name), errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def _note(r, text):
    r["notes"] = (r["notes"] + "; " if r["notes"] else "") + text


def _failed(r):
    """Whether the client saw a failure."""
    return r["client_status"] is None or r["client_status"] >= 500 or r["client_error"] is not None


def _lost(attempts):
    return [a["observed"] for a in attempts if not a["observed"].startswith("status_2") and a["observed"] != "response"]


def _checker(case, ctx, folder, files):
    o, keylog = case["proxy_opts"], None
    if o.get("tls") or o.get("h2"):
        path = os.path.join(folder, "keylog.txt")
        keylog = path if os.path.exists(path) else ""
    more, called = set(case.get("ports", [])), int(ctx.lab.server.rsplit(":", 1)[1]) if ctx.lab.server else ctx.bport
    ends = [f for f in files if f.split(".")[0] in ("proxy-side", "backend-side")]
    return Witness(folder, ends, {"proxy": {called} | more, "backend": {ctx.bport} | more}, keylog, bool(o.get("fastcgi")), bool(o.get("h2")))


def _observed(r):
    """Load: the cause is not made for each request; it is what the packets show for the last failed attempt."""
    lost = _lost(r["attempts"])
    if "closed_before_request" in lost:
        lost = ["closed_in_flight" if x == "closed_before_request" else x for x in lost]
        r["variant"] = "a new connection, closed before the request arrived"
    refused = [c["observed"] for c in r["connections_without_request"] if c["observed"] in CONN]
    r["verified"] = True
    if _failed(r):
        if lost:
            r["cause"] = "backend_error_status" if lost[-1].startswith("status_") else lost[-1]
        else:
            r["cause"] = refused[-1] if refused else "no_attempt"
        return
    if len(r["attempts"]) < 2:
        lost = []  # one attempt, and the client has its answer: segments captured out of order
    r["cause"] = lost[-1] if lost else (refused[-1] if refused and not r["attempts"] else None)
    r["hidden_by_retry"] = bool(r["cause"])


def _made(r, accepted):
    """A cause that was made on purpose: do the packets show it? Returns what does not fit, or None."""
    want, attempts, failed, problem = r["cause"], r["attempts"], _failed(r), None
    seen = {a["observed"] for a in attempts}
    connects = {c["observed"] for c in r["connections_without_request"]}
    hit = bool(accepted & (seen | connects)) or (not attempts and not connects and "no_attempt" in accepted)
    if want == "health_check_failing" and not attempts:
        hit = True  # the connections seen are the probes
        connects = r["connections_without_request"] = []
    if "tls_mismatch" in accepted and connects:
        hit = True
    r["verified"] = hit
    if not hit and not failed:
        r["cause"], r["verified"] = None, True
        _note(r, "meant to be %s, did not happen" % want)
    elif not hit:
        problem = "%s meant %s, packets: %s %s" % (r["id"], want, sorted(seen), sorted(connects))
    elif not failed and want == "invalid_response":
        r["cause"] = None
        _note(r, "malformed, but the proxy put up with it")
    elif not failed and want == "upload_cut_short":
        r["cause"] = None
        _note(r, "the proxy read the early answer and passed it on")
    elif not failed and len(attempts) + len(connects) > 1:
        r["hidden_by_retry"] = True
    elif not failed:
        r["masked"] = True
        _note(r, "no retry: the proxy passed it on as if nothing were wrong")
    if hit and not attempts and not connects and want != "health_check_failing":
        r["variant"] = "no attempt: the proxy still held the backend for down"
    kin = ("closed_in_flight", "reset_in_flight") if want in ("closed_in_flight", "reset_in_flight") else ("keepalive_race", "stale_reuse")
    lost = [a["observed"] for a in attempts if a["observed"] in kin]
    if hit and want in kin and lost and want not in lost:
        # the same event (a process dies, a socket is closed) may show as FIN or as RST
        r["cause"] = lost[-1]
        _note(r, "made as %s" % want)
    return problem


def _acceptable(r, case, backend_log):
    """What a careful reader of one capture may name."""
    ok = {r["cause"]} | set(ALSO.get(r.get("variant"), ())) | ({r["packet_cause"]} & NAMES)
    if r["cause"] == "reset_in_flight" and case["scenario"] == "natural_race" and r["id"] not in backend_log:
        # sent just when the idle timer was due, acknowledged by the kernel, never read by the backend
        r["root_cause"] = "keepalive_race"
    if r.get("root_cause"):
        ok.add(r["root_cause"])
    near = [abs(a["fin_in"]["dt_ms"]) for a in r["attempts"] if a["observed"] in ("keepalive_race", "stale_reuse") and a.get("fin_in")]
    if near and min(near) < 2:
        ok |= {"keepalive_race", "stale_reuse"}  # less than 2 ms apart: which was first is a matter of taste
    return sorted(ok)


def finish(case, ctx, folder, files):
    """Completes the records, and writes truth.json and client.jsonl."""
    checker = _checker(case, ctx, folder, files)
    access, backend_log = _read(folder, "proxy-access.log").splitlines(), _read(folder, "backend-access.log")
    problems, bad_streams = [], set()
    for r in ctx.records:
        begun = r["t_client_sent"] or 0
        r["proxy_log"] = next((l[:400] for l in access if r["id"] in l), None)
        r["attempts"], r["connections_without_request"] = checker.request(r["id"], r["method"], begun, begun + (r["latency_s"] or 0))
        r.pop("_thread", None)
        accepted = r.pop("_accept", None) or ACCEPT.get(r["cause"], {r["cause"]})
        if r["cause"] == "observed":
            _observed(r)
        elif r["cause"] is None:
            r["verified"] = not _failed(r)
            if _failed(r):
                problems.append("%s meant to be fine, client saw %s %s; packets: %s %s" % (
                    r["id"], r["client_status"], r["client_error"], [a["observed"] for a in r["attempts"]],
                    [c["observed"] for c in r["connections_without_request"]]))
        else:
            problem = _made(r, set(accepted))
            problems += [problem] if problem else []
        connects = r["connections_without_request"]
        nothing = None if r["attempts"] or connects or not _failed(r) else "no_attempt"
        r["packet_cause"] = (_lost(r["attempts"]) or [c["observed"] for c in connects if c["observed"] in CONN] or [nothing])[-1]
        if r["cause"]:
            r["acceptable_causes"] = _acceptable(r, case, backend_log)
            bad_streams |= {a["stream"] for a in r["attempts"] if not a["observed"].startswith("status_2")}
    truth = _truth(case, ctx, files, problems, checker.idle_closes(bad_streams))
    if case["scenario"] == "health":
        truth["probes_steady"] = checker.probes_steady()
    with open(os.path.join(folder, "truth.json"), "w") as f:
        json.dump(truth, f, indent=1)
    with open(os.path.join(folder, "client.jsonl"), "w") as f:
        for r in ctx.records:
            f.write(json.dumps({k: r.get(k) for k in CLIENT}) + "\n")
    return truth


CLIENT = ("id", "method", "path", "t_client_sent", "client_status", "client_error", "latency_s", "client_bytes")


def _truth(case, ctx, files, problems, benign_closes):
    po, backend = ctx.proxy["o"], ctx.backend
    truth = {
        "case": case["name"], "scenario": case["scenario"], "description": case["about"],
        "proxy": {"name": ctx.proxy["name"], "version": ctx.proxy["version"]},
        "backend": {"name": backend["name"], "version": backend["version"]},
        "backend_addr": ctx.lab.leg[0] if ctx.lab.leg else ("[%s]:%d" if ":" in ctx.lab.backend_ip else "%s:%d") % (ctx.lab.backend_ip, ctx.bport), "proxy_addr": ctx.lab.proxy_ip,
        "other_backends": (ctx.lab.leg or [])[1:] + case.get("other_backends", []),
        "topology": case.get("topology", "wire"), "one_way_delay_ms": case.get("delay_ms", 15) if ctx.wire else 0,
        "places": sorted(ctx.lab.places),
        "front_leg": bool(set(case.get("capture", {})) & {"proxy_any", "legs"}),
        "tls": bool(po.get("tls")), "http2": bool(po.get("h2")), "captures": files,
        "timeouts": {"backend_keepalive_s": backend["ka"], "proxy_idle_s": po["idle"], "proxy_read_s": po["read"], "proxy_connect_s": po["connect"]},
        "requests": ctx.records, "benign_closes": benign_closes,
        "problems": problems, "notes": "; ".join([case.get("notes", "")] + ctx.notes).strip("; "),
    }
    truth.update(ctx.truth_extra, **{k: case[k] for k in ("ask", "note") if case.get(k)})
    return truth
