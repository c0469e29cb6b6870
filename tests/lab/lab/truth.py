"""Holds the cause that the scenario made against the packets, and writes truth.json."""
import json
import os

from . import observe

# what the verifier may report for a cause that was made on purpose
ACCEPT = {
    # on a busy machine the request may leave just after the FIN arrived: then it is a stale_reuse, and is labelled so
    "keepalive_race": {"keepalive_race", "stale_reuse"},
    "request_limit_close": {"keepalive_race", "stale_reuse", "closed_in_flight"},
    "backend_error_status": {"status_500", "status_502", "status_503", "status_504", "status_413", "status_403"},
    "health_check_failing": {"no_attempt"},
    "path_blackhole": {"path_blackhole"},
    "closed_in_flight": {"closed_in_flight", "reset_in_flight", "closed_before_request"},
    "reset_in_flight": {"reset_in_flight", "closed_before_request"},
    "invalid_response": {"invalid_response", "status_200", "truncated_response", "tls_mismatch", "backend_stalled"},
}
# other causes that a reader of one capture could fairly name
ALSO = {
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
         "backend_slow", "backend_stalled", "path_blackhole", "invalid_response", "backend_error_status", "health_check_failing", "request_limit_close"}
CONN = {"connection_refused", "connect_timeout", "icmp_unreachable"}


def _versions(p):
    return {"name": p["name"], "version": p["version"]}


def finish(case, ctx, d, files):
    opaque = case.get("proxy_opts", {}).get("tls") or case.get("proxy_opts", {}).get("h2")
    keylog = None
    if opaque:
        kl = os.path.join(d, "keylog.txt")
        keylog = kl if os.path.exists(kl) else ""
    ports = {ctx.bport} | set(case.get("ports", []))
    chk = observe.Checker(d, files, ports, keylog, bool(case.get("proxy_opts", {}).get("fastcgi")),
                         bool(case.get("proxy_opts", {}).get("h2")))
    access = ""
    for f in ("proxy-access.log",):
        try:
            with open(os.path.join(d, f), errors="replace") as fh:
                access = fh.read()
        except OSError:
            pass
    backend_log = []
    try:
        with open(os.path.join(d, "backend-access.log"), errors="replace") as fh:
            backend_log = fh.readlines()
    except OSError:
        pass
    bad, problems, causes, bad_streams = 0, [], {}, set()
    for r in ctx.records:
        t0 = r["t_client_sent"] or 0
        att, conns = chk.request(r["id"], r["method"], t0, t0 + (r["latency_s"] or 0))
        seen = {a["observed"] for a in att}
        failed = r["client_status"] is None or r["client_status"] >= 500 or r["client_error"] is not None
        line = next((l for l in access.splitlines() if r["id"] in l), None)
        r["proxy_log"] = line[:400] if line else None
        r["attempts"] = att
        r["connections_without_request"] = conns
        want = r["cause"]
        acc = r.pop("_accept", None) or ACCEPT.get(want, {want})
        r.pop("_thread", None)
        if want == "observed":
            # mixed load: the cause is what the packets show for the last failed attempt
            lost = [a["observed"] for a in att if not a["observed"].startswith("status_2") and a["observed"] not in ("response",)]
            if "closed_before_request" in lost:
                lost = ["closed_in_flight" if x == "closed_before_request" else x for x in lost]
                r["variant"] = "a new connection, closed before the request arrived"
            refused = [c["observed"] for c in conns if c["observed"] in CONN]
            if failed:
                st = [x for x in lost if x.startswith("status_")]
                if lost:
                    r["cause"] = "backend_error_status" if st and lost[-1] == st[-1] else lost[-1]
                else:
                    r["cause"] = refused[-1] if refused else "no_attempt"
                r["verified"] = True
            else:
                if len(att) < 2:
                    lost = []  # one attempt, and the client has its answer: segments captured out of order
                r["cause"] = lost[-1] if lost else (refused[-1] if refused and not att else None)
                r["hidden_by_retry"] = bool(r["cause"])
                r["verified"] = True
        elif want is None:
            r["verified"] = not failed or bool(r.get("ok_to_fail"))
            if failed:
                problems.append("%s meant to be fine, client saw %s %s; packets: %s %s" % (r["id"], r["client_status"], r["client_error"], sorted(seen), [c["observed"] for c in conns]))
        else:
            hit = bool(acc & seen) or bool(acc & {c["observed"] for c in conns}) or (not att and "no_attempt" in acc and not conns)
            if want == "health_check_failing" and not att:
                hit = True  # the connections seen are the probes
                conns = r["connections_without_request"] = []
            if "tls_mismatch" in acc and conns:
                hit = True
            r["verified"] = hit
            if not hit and not failed:
                r["cause"], r["verified"] = None, True
                r["notes"] = (r["notes"] + "; " if r["notes"] else "") + "meant to be %s, did not happen" % want
            elif not hit:
                problems.append("%s meant %s, packets: %s %s" % (r["id"], want, sorted(seen), [c["observed"] for c in conns]))
            elif not failed and want == "invalid_response":
                r["cause"] = None
                r["notes"] = (r["notes"] + "; " if r["notes"] else "") + "malformed, but the proxy put up with it"
            elif not failed and len(att) > 1:
                r["hidden_by_retry"] = True
            elif not failed:
                r["masked"] = True
                r["notes"] = (r["notes"] + "; " if r["notes"] else "") + "no retry: the proxy passed it on as if nothing were wrong"
            kin = ("closed_in_flight", "reset_in_flight") if want in ("closed_in_flight", "reset_in_flight") else ("keepalive_race", "stale_reuse")
            lost = [a["observed"] for a in att if a["observed"] in kin]
            if hit and not att and not conns and want != "health_check_failing":
                r["variant"] = "no attempt: the proxy still held the backend for down"
            if hit and want in kin and lost and want not in lost:
                # the same event (a process dies, a socket is closed) may show as FIN or as RST
                r["cause"] = lost[-1]
                r["notes"] = (r["notes"] + "; " if r["notes"] else "") + "made as %s" % want
        lost = [a["observed"] for a in att if not a["observed"].startswith("status_2") and a["observed"] != "response"]
        r["packet_cause"] = (lost or [c["observed"] for c in conns if c["observed"] in CONN] or [None if att or conns or not failed else "no_attempt"])[-1]
        if r["cause"]:
            ok = {r["cause"]} | set(ALSO.get(r.get("variant"), ())) | ({r["packet_cause"]} & NAMES)
            if r.get("root_cause"):
                ok.add(r["root_cause"])
            near = [abs(a["fin_in"]["dt_ms"]) for a in att if a["observed"] in ("keepalive_race", "stale_reuse") and a.get("fin_in")]
            if near and min(near) < 2:
                ok |= {"keepalive_race", "stale_reuse"}  # less than 2 ms apart: which was first is a matter of taste
            if r["cause"] == "reset_in_flight" and case["scenario"] == "natural_race":
                # sent just when the idle timer was due, acknowledged by the kernel, never read by the backend
                seen_by_backend = any(r["id"] in l for l in backend_log)
                if not seen_by_backend:
                    r["root_cause"] = "keepalive_race"
                    ok.add("keepalive_race")
            r["acceptable_causes"] = sorted(ok)
            k = r["cause"] + (" (hidden)" if r["hidden_by_retry"] else " (masked)" if r.get("masked") else "")
            causes[k] = causes.get(k, 0) + 1
            bad_streams |= {a["stream"] for a in att if not a["observed"].startswith("status_2")}
    o, po = case.get("backend_opts", {}), ctx.proxy["o"]
    truth = {
        "case": case["name"], "scenario": case["scenario"], "description": case.get("about", ""),
        "proxy": _versions(ctx.proxy), "backend": _versions(ctx.backend),
        "backend_addr": "%s:%d" % (ctx.lab.backend_ip, ctx.bport), "proxy_addr": ctx.lab.proxy_ip,
        "other_backends": case.get("other_backends", []),
        "topology": case.get("topology", "wire"), "one_way_delay_ms": case.get("delay_ms", 15) if ctx.wire else 0,
        "tls": bool(po.get("tls")), "http2": bool(po.get("h2")), "captures": files,
        "timeouts": {"backend_keepalive_s": ctx.backend["ka"], "proxy_idle_s": po["idle"], "proxy_read_s": po["read"], "proxy_connect_s": po["connect"]},
        "requests": ctx.records, "benign_closes": chk.idle_closes(bad_streams),
        "problems": problems, "notes": "; ".join([case.get("notes", "")] + ctx.notes).strip("; "),
    }
    truth.update(ctx.truth_extra)
    with open(os.path.join(d, "truth.json"), "w") as f:
        json.dump(truth, f, indent=1)
    with open(os.path.join(d, "client.jsonl"), "w") as f:
        for r in ctx.records:
            f.write(json.dumps({k: r.get(k) for k in ("id", "method", "path", "t_client_sent", "client_status", "client_error", "latency_s", "client_bytes")}) + "\n")
    return truth
