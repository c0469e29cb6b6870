"""Known behaviours as data: what the proxies and backends of a run did, gathered from kept cases.

behaviours DIR [FILE]: writes FILE (src/timeouts/observed.json) from the truth and the captures in DIR.

For each proxy and cause: how many requests of a method met it in a first attempt, how many of them the proxy
sent again by itself, and what the client saw. For each backend and keep-alive timeout that was set: after
how long idle connections were closed, counted at the backend's own side from the last byte of an answer,
and by what: by RST, by FIN, or by closing its own half only (a FIN, after which its host acknowledges a
request that nobody will answer; after a whole close it is reset).
"""
import collections
import json
import os
import pathlib
import statistics
import sys

from . import backends, proxies
from .cases import CASES
from .packets import View

# Scenarios in which nobody but the keep-alive timer closes an idle connection.
TIMED = ("keepalive_race", "clean", "race_burst", "stale_reuse")
# Where connects cannot be told apart by request, or the cause lies with the client.
NOT_ONE_BY_ONE = ("clean", "health", "client_leaves", "restart", "rolling", "limit_load", "natural_race", "accept_queue")
# Settings that change what a proxy does with a lost request.
OPTIONS = ("args", "cluster", "extra", "h2", "nokeepalive", "retries", "server_args", "servers", "tls", "tries")
# The truth's words, where the program has others.
WORDS = {"backend_slow": "response_timeout", "backend_stalled": "stalled", "path_blackhole": "silent_drop", "icmp_unreachable": "unreachable",
         "backend_error_status": "backend_error", "request_limit_close": "keepalive_race", "closed_before_request": "closed_in_flight"}
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../src/timeouts/observed.json")


def known(module):
    """The id by which why502 knows what the module starts."""
    return getattr(module, "KNOWN", module.__name__.rsplit(".", 1)[1])


def _cause(r):
    """The cause of the first attempt that was lost, in the truth's words."""
    lost = [a["observed"] for a in r["attempts"] if not a["observed"].startswith("status_") and a["observed"] != "response"]
    made = not lost or r["cause"] in ("upload_cut_short", "invalid_response")
    return WORDS.get(cause := r["cause"] if made else lost[0], cause)


def _seen(r):
    """What the client saw of it."""
    if r["client_status"] is None:
        return "nothing"
    return "%d%s" % (r["client_status"], ", cut" if r["client_error"] else "")


def of_proxies(truths):
    found = {}
    for case, _, t in truths:
        if case["scenario"] in NOT_ONE_BY_ONE:
            continue
        proxy = found.setdefault((known(proxies.module(case["proxy"])), t["proxy"]["name"], t["proxy"]["version"]), {})
        for r in t["requests"]:
            if not r["cause"] or {r["cause"], _cause(r)} & {"no_attempt", "waiting", "backend_error_status", "proxy_broke_off"}:
                continue
            # A request that fails because the proxy holds the backend for down met nothing.
            tries = len(r["attempts"]) + len([c for c in r["connections_without_request"] if c["observed"] != "connected"])
            if not tries:
                continue
            options = ", ".join("%s=%s" % (k, v) for k, v in sorted(case["proxy_opts"].items()) if k in OPTIONS)
            on = "a reused connection" if r["attempts"] and r["attempts"][0]["reused"] else "a new connection"
            entry = proxy.setdefault((_cause(r), r["method"], on, options), {"requests": 0, "sent_again": 0, "client_saw": collections.Counter()})
            entry["requests"] += 1
            entry["sent_again"] += tries > 1
            entry["client_saw"][_seen(r)] += 1
    return [{"id": i, "name": name, "version": version, "causes": [
        dict(cause=cause, method=method, on=on, options=options, requests=e["requests"], sent_again=e["sent_again"], client_saw=dict(sorted(e["client_saw"].items())))
        for (cause, method, on, options), e in sorted(causes.items())]} for (i, name, version), causes in sorted(found.items()) if causes]


def idle_closes(folder, truth):
    """(seconds idle, how) of each connection that the backend closed idle, at the backend's side."""
    capture = truth["captures"][-1]
    ka, ports = truth["timeouts"]["backend_keepalive_s"], {int(truth["backend_addr"].rsplit(":", 1)[1])}
    for frames in View(str(folder / capture), ports).flows.values():
        close = next((i for i, p in enumerate(frames) if p["fl"] & 5), None)
        if close is None or frames[close]["out"]:
            continue
        payload = [p for p in frames[:close] if p["len"]]
        if not payload or payload[-1]["out"]:
            continue
        idle = frames[close]["t"] - payload[-1]["t"]
        if idle < ka / 2:
            continue
        after = frames[close + 1:]
        late = any(p["out"] and p["len"] for p in after)
        reset = any(not p["out"] and p["fl"] & 4 for p in after)
        yield idle, "RST" if frames[close]["fl"] & 4 else "half close" if late and not reset else "FIN"


def of_servers(truths):
    found = {}
    for case, folder, t in truths:
        if case["scenario"] not in TIMED or t["tls"] or t["http2"] or case["backend"] in ("none", "raw"):
            continue
        key = (known(backends.module(case["backend"])), t["backend"]["name"], t["backend"]["version"], t["timeouts"]["backend_keepalive_s"])
        found.setdefault(key, []).extend(idle_closes(folder, t))
    return [{"id": i, "name": name, "version": version, "configured_s": ka, "closes": len(all_),
             "min_s": round(min(x[0] for x in all_), 3), "median_s": round(statistics.median(x[0] for x in all_), 3), "max_s": round(max(x[0] for x in all_), 3),
             "by": dict(sorted(collections.Counter(x[1] for x in all_).items()))}
            for (i, name, version, ka), all_ in sorted(found.items()) if all_]


def gather(out):
    truths = []
    for path in sorted(pathlib.Path(out).glob("*/truth.json")):
        truth = json.loads(path.read_text())
        if truth["case"] in CASES and not truth["problems"]:
            truths.append((CASES[truth["case"]], path.parent, truth))
    return {"made_by": "tests/lab/behaviours", "cases": len(truths), "proxies": of_proxies(truths), "servers": of_servers(truths)}


def written(found):
    """JSON with a line for each thing that was seen, so that differences can be read."""
    def line(x):
        return json.dumps(x, ensure_ascii=False)

    proxies_ = ",\n".join('{"id": %s, "name": %s, "version": %s, "causes": [\n %s\n]}' % (
        line(p["id"]), line(p["name"]), line(p["version"]), ",\n ".join(line(c) for c in p["causes"])) for p in found["proxies"])
    servers = ",\n".join(line(s) for s in found["servers"])
    return '{"made_by": %s, "cases": %d, "proxies": [\n%s\n], "servers": [\n%s\n]}\n' % (line(found["made_by"]), found["cases"], proxies_, servers)


def main():
    if len(sys.argv) < 2:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    found = gather(sys.argv[1])
    path = sys.argv[2] if len(sys.argv) > 2 else os.path.normpath(FILE)
    with open(path, "w") as f:
        f.write(written(found))
    print("%s: %d cases, %d proxies, %d servers" % (path, found["cases"], len(found["proxies"]), len(found["servers"])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
