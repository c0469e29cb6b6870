"""Holds the program's verdicts on laboratory captures against the truth.

judge --bin PATH --cases DIR [--only SUBSTRING] [--hints] [--auto] [--verbose] [--json OUT]

With --damage each capture is first damaged (drop: 3 % of its frames lost; begin, end: 30 % cut off; dup:
5 % doubled; swap: 5 % exchanged with the next; snap: frames cut to 128 bytes). Then only lies and unsafe
count: damage may cost certainty and answers, never truth.

Each case folder has truth.json and captures of one or two vantages. An attempt (one request on one
connection, or one connection that never carried one) is what is judged. Per capture:
  right   the attempt failed, and the program names an acceptable cause
  wrong   it names another one
  missed  it names none
  soft    it names none, and this vantage need not show the fault
  false   it accuses an attempt or connection that the truth has as sound
  lie     a wrong or false one that it calls proven
  unsafe  it calls a retry safe though the backend's own log shows that this (only) attempt ran
  address where the leg has several addresses: told of one that is none of them
  nofix   a failure without a fix
Exit 0 when every cause (of 5 attempts or more) has right/(right+wrong+missed) >= --need, false <=
--allow-false, and there is no lie, no unsafe, no failure without a fix, and a health case names its
failing probes.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

from .damage import HOW, damaged

# the truth's word for a cause: the program's words for it
WORDS = {
    "keepalive_race": {"keepalive_race"}, "stale_reuse": {"stale_reuse"}, "request_limit_close": {"keepalive_race", "stale_reuse"},
    "closed_in_flight": {"closed_in_flight"}, "closed_before_request": {"closed_in_flight", "reset_in_flight"},
    "reset_in_flight": {"reset_in_flight"}, "truncated_response": {"truncated_response"},
    "connection_refused": {"connection_refused"}, "connect_timeout": {"connect_timeout"}, "icmp_unreachable": {"unreachable"},
    "accept_queue_full": {"accept_queue_full"}, "waiting": {"accept_queue_full"}, "upload_cut_short": {"upload_cut_short"},
    "backend_slow": {"response_timeout", "client_gone"}, "backend_stalled": {"stalled"}, "path_blackhole": {"silent_drop"},
    "client_gone": {"client_gone"}, "proxy_broke_off": {"client_gone", "unproven"},
    "invalid_response": {"invalid_response", "protocol_mismatch", "tls_handshake_failed"},
    "backend_error_status": {"backend_error"}, "status_500": {"backend_error"}, "status_502": {"backend_error"},
    "status_503": {"backend_error"}, "status_504": {"backend_error"}, "health_check_failing": {"health_check_failing"},
}
BAD = ("wrong", "missed", "false", "lie", "unsafe", "address", "nofix", "nonote")
LOADED = ("restart", "rolling", "limit_load")  # scenarios whose connects no client's request asked for


def port(addr):
    return int(addr.rsplit(":", 1)[1]) if addr and ":" in addr else None


def id_of(failure):
    target = ((failure.get("request") or {}).get("target")) or ""
    return target, target.split("id=")[-1].split("&")[0] if "id=" in target else None


def sound_early(r):
    """A request with a body that was answered early, with a reset after that, and whose answer the proxy passed on."""
    reset = r["method"] != "GET" and any(a.get("rst_in") and a["observed"].startswith("status_") for a in r["attempts"])
    return r["cause"] is None and ("early answer" in r["notes"] or reset)


def expected(truth, vantage):
    """Attempts that failed, and (soft) those where this vantage need not show the fault: no frames of it
    there, or bytes that are malformed but that this proxy put up with."""
    failing, seen, back = [], set(), vantage.startswith("backend")
    for r in truth["requests"]:
        words = set().union(*(WORDS.get(c, set()) for c in r.get("acceptable_causes") or []))
        sound = r["cause"] is None and (r["client_status"] or 500) < 400 and not r["hidden_by_retry"] and not r.get("masked")
        odd = "malformed" in r["notes"]
        for a in r["attempts"]:
            o = a["observed"]
            if back and sound_early(r):
                # from there nobody can tell whether the proxy read the answer before the reset
                failing.append({"id": r["id"], "port": a.get("proxy_port"), "observed": o, "cause": None, "ok": {"upload_cut_short"}, "soft": True})
                continue
            lost = o in WORDS
            if sound and not odd and len(r["attempts"]) == 1:
                continue  # answered in full
            if not lost and not odd and not (r["cause"] == "invalid_response" and o == "status_200") and not (r["cause"] == "upload_cut_short" and o == "status_413"):
                continue
            if o == "reset_in_flight" and truth["scenario"] == "natural_race":
                words = words | {"keepalive_race"}  # lost inside the host
            unseen = back and a.get("backend_side", True) is None
            ok = words | WORDS.get(o, set()) | (WORDS["invalid_response"] if odd else set())
            if r["cause"] == "client_gone" and truth.get("front_leg") and not back:
                ok = {"client_gone"}  # the client is seen to leave
            # heads that this proxy refuses, and ends the connection as it does after any answer; two ways of framing, which many take
            quiet = r["cause"] == "invalid_response" and (r.get("variant") == "a length and chunks" or r.get("variant") == "header too big" and (back or o == "status_200"))
            late = r["cause"] == "upload_cut_short" and not back  # there the whole body may have left before the answer came
            failing.append({"id": r["id"], "port": a.get("proxy_port"), "observed": o, "cause": r["cause"], "ok": ok,
                            "soft": odd or unseen or late or quiet or back and o == "proxy_broke_off" or o in ("closed_before_request", "waiting")})
        for c in r.get("connections_without_request") or []:
            o, key = c["observed"], (c.get("stream"), c.get("proxy_port"))
            closed = o == "connected" and r["cause"] == "invalid_response" and not r["attempts"] and c["out_bytes"]  # a TLS hello
            if key in seen or not (o in WORDS or closed):
                continue
            seen.add(key)
            failing.append({"id": None, "port": c.get("proxy_port"), "observed": o, "cause": r["cause"], "ok": words if closed else WORDS[o],
                            "soft": o == "closed_before_request" or o == "connect_timeout" and (back or c.get("syns") == 1)})
    return failing


def judge(failures, failing, truth, case, vantage, ran):
    """Rows (result, case, vantage, what the truth has, what was said)."""
    scenario, rows, used = truth.get("scenario"), [], set()
    by_id = collections.defaultdict(list)
    for i, f in enumerate(failures):
        by_id[(id_of(f)[1], port(f.get("proxy")))].append(i)
    for e in failing:
        cand = [i for i in by_id.get((e["id"], e["port"]), []) if i not in used]
        if not cand:  # nothing readable on the wire: same connection
            cand = [i for i, f in enumerate(failures) if i not in used and port(f.get("proxy")) == e["port"] and "id=" not in id_of(f)[0]]
        if not cand:
            rows.append(("soft" if e["soft"] else "missed", case, vantage, e, None))
            continue
        i = cand[0]
        used.add(i)
        f = failures[i]
        good = f["cause"] in e["ok"]
        rows.append(("right" if good else "wrong", case, vantage, e, f["cause"]))
        if not good and f.get("certainty") == "proven" and not e["soft"]:
            rows.append(("lie", case, vantage, e, f["cause"]))
        if truth.get("places") and not {f["backend"], *(ends["backend"] for ends in f.get("aliases") or ())} & {truth["backend_addr"], *truth["other_backends"]}:
            rows.append(("address", case, vantage, e, "%s of %s" % (f["cause"], f["backend"])))
        if f.get("retry") == "safe" and e["id"] in ran:
            rows.append(("unsafe", case, vantage, e, f["cause"]))
    for i, f in enumerate(failures):
        if i in used:
            continue
        target = id_of(f)[0]
        e = {"id": target, "port": port(f.get("proxy")), "observed": "sound", "cause": None}
        if scenario == "health" and "id=" not in target or f["cause"] == "health_check_failing" and scenario in LOADED + ("connect_fail",):
            continue
        if scenario in LOADED and not f.get("request") and f["cause"] == "connection_refused":
            continue  # the truth lists connects only where a client request asked for them
        rows.append(("false", case, vantage, e, f["cause"]))
        if f.get("certainty") == "proven":
            rows.append(("lie", case, vantage, e, f["cause"]))
    if scenario == "health" and any(r["cause"] == "health_check_failing" for r in truth["requests"]):
        named = any(f["cause"] == "health_check_failing" for f in failures) or failures and not any(f.get("request") for f in failures)  # refused connects, all alike
        rows.append(("right" if named else "missed" if truth.get("probes_steady", True) else "soft", case, vantage, {"id": None, "port": None, "observed": "health_check_failing", "cause": None}, None))
    rows += [("nofix", case, vantage, {"id": None, "port": port(f.get("proxy")), "observed": "", "cause": None}, f["cause"]) for f in failures if not f.get("fix")]
    return rows


def executed(folder, truth):
    """Ids of requests that had one attempt, got no answer, and yet stand in the backend's own log."""
    try:
        log = (folder / "backend-access.log").read_text(errors="replace")
    except OSError:
        return set()
    return {r["id"] for r in truth["requests"] if len(r["attempts"]) == 1 and not r["attempts"][0]["observed"].startswith("status") and r["id"] in log}


def command(program, truth, auto=False, hints=False):
    """How the program is asked: told which side is the backend (unless auto), and the timeouts (hints)."""
    cmd = [program, "analyze", "--format", "json", "--exit-zero", *truth.get("ask", [])]
    for o in [] if auto else [truth["backend_addr"], *(truth.get("other_backends") or [])]:
        cmd += ["--backend", o if isinstance(o, str) else o.get("addr", "")]
    if hints:
        t = truth["timeouts"]
        for k, o in (("backend_keepalive_s", "--backend-keepalive"), ("proxy_idle_s", "--proxy-idle"), ("proxy_read_s", "--proxy-read")):
            if t.get(k):
                cmd += [o, f"{int(t[k]*1000)}ms"]
    return cmd


def ask(cmd, source):
    """The program's report on a capture."""
    return json.loads(subprocess.run([*cmd, str(source)], capture_output=True, timeout=30).stdout)


def judge_case(program, folder, truth, capture, auto=False, hints=False, source=None):
    """The rows of one capture, and the failures that the program told."""
    report = ask(command(program, truth, auto, hints), source or folder / capture)
    told = report.get("failures", [])
    rows = judge(told, expected(truth, capture), truth, folder.name, capture, executed(folder, truth))
    note = truth.get("note")
    if note and note not in [one["code"] for one in report["notes"]]:
        rows.append(("nonote", folder.name, capture, {"id": None, "port": None, "observed": "the note " + note, "cause": None}, None))
    return rows, told


def options():
    p = argparse.ArgumentParser(prog="judge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", required=True)
    p.add_argument("--cases", required=True)
    p.add_argument("--only", default="")
    p.add_argument("--without", help="a file of case names to leave out")
    p.add_argument("--hints", action="store_true", help="tell the timeouts")
    p.add_argument("--auto", action="store_true", help="do not tell which side is the backend")
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--json")
    p.add_argument("--damage", choices=HOW)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--need", type=float, default=0.99)
    p.add_argument("--allow-false", type=int, default=0)
    return p.parse_args()


def show(rows, broken, a):
    """Prints the table, and returns the count of each result and the share of right ones by cause."""
    n = collections.Counter(r[0] for r in rows)
    per = collections.defaultdict(collections.Counter)
    for r in rows:
        if r[0] != "nofix":
            per[r[3]["observed"] if r[0] != "false" else "(sound)"][r[0]] += 1
    columns = ("right", "wrong", "missed", "soft", "false", "lie", "unsafe")
    print(f"{'observed':24}" + "".join(f"{k:>8}" for k in columns))
    for k in sorted(per):
        print(f"{k:24}" + "".join(f"{per[k][c]:8}" for c in columns))
    if a.verbose:
        for r in rows:
            if r[0] in ("lie", "unsafe") or not a.damage and r[0] not in ("right", "soft"):
                print(r[0], r[1], r[2], r[3].get("id"), r[3]["port"], "truth", r[3]["observed"], r[3]["cause"], "said", r[4])
    for b in broken:
        print("broken", *b)
    shares = {k: c["right"] / h for k, c in per.items() if (h := c["right"] + c["wrong"] + c["missed"]) >= 5}
    return n, shares


def main():
    a = options()
    without = set(pathlib.Path(a.without).read_text().split()) if a.without else set()
    rows, broken, scratch = [], [], tempfile.NamedTemporaryFile(suffix=".pcap")
    for folder in sorted(pathlib.Path(a.cases).iterdir()):
        tf = folder / "truth.json"
        if not tf.exists() or a.only not in folder.name or folder.name in without:
            continue
        truth = json.loads(tf.read_text())
        for cap in truth["captures"]:
            source = folder / cap
            if a.damage:
                data = damaged(source, a.damage, a.seed)
                if data is None:
                    continue
                scratch.seek(0)
                scratch.truncate()
                scratch.write(data)
                scratch.flush()
                source = scratch.name
            try:
                rows += judge_case(a.bin, folder, truth, cap, a.auto, a.hints, source)[0]
            except Exception as e:  # any trouble is the program's
                broken.append((folder.name, cap, str(e)[:100]))
    n, shares = show(rows, broken, a)
    if a.json:
        with open(a.json, "w") as f:
            json.dump([{"result": r[0], "case": r[1], "capture": r[2], "truth": {k: v for k, v in r[3].items() if k != "ok"}, "said": r[4]} for r in rows], f)
    hard = n["right"] + n["wrong"] + n["missed"]
    share = n["right"] / hard if hard else 0
    print(f"{n['right']} of {hard} failed attempts judged right ({100*share:.1f} %), {n['wrong']} wrong, {n['missed']} missed, {n['false']} false accusations, {n['lie']} lies, {n['unsafe']} unsafe, {n['nofix']} without a fix, {len(broken)} captures broken")
    worst = min(shares, key=shares.get) if shares else None
    print(f"worst cause: {worst} {100*shares[worst]:.1f} %; mean over causes {100*sum(shares.values())/len(shares):.1f} %; " if worst else "worst cause: none judged; ", end="")
    print(f"{n['false']} false accusations, {n['lie']} lies, {n['unsafe']} unsafe; {n['right']} of {hard} right")
    if a.damage:
        return 1 if n["lie"] or n["unsafe"] or broken else 0
    return 0 if worst and shares[worst] >= a.need and n["false"] <= a.allow_false and not (n["lie"] or n["unsafe"] or n["nofix"] or broken) else 1


if __name__ == "__main__":
    sys.exit(main())
