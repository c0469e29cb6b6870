"""run [NAME ...]: makes the cases whose names contain a NAME (all without one), asks why502 about their
captures, and holds what it says against the truth."""
import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import sys
import time

from . import box, install, judge, table
from .case import run_case
from .cases import CASES

MODES = {"": {}, "roles found out": {"auto": True}, "timeouts told": {"auto": True, "hints": True}}
LONGEST = 180  # seconds that a case may take


def options():
    p = argparse.ArgumentParser(prog="tests/lab/run", description=__doc__, epilog=(
        "Exit status: 0 all agree, 1 some differ, 2 it could not be done, 3 none differs, but the machine "
        "did not do what was meant in some (each was tried twice)."))
    p.add_argument("names", nargs="*", metavar="NAME")
    p.add_argument("--exact", action="store_true", help="names must match whole")
    p.add_argument("--quick", action="store_true", help="the subset that CI runs")
    p.add_argument("--list", action="store_true", help="list the cases and end")
    p.add_argument("-j", type=int, default=8, metavar="N", help="cases at a time (8)")
    p.add_argument("--bin", metavar="PATH", help="a built why502 (default: it is built)")
    p.add_argument("--out", "--keep", metavar="DIR", help="keep each case's folder in DIR")
    p.add_argument("--live", action="store_true", help="watch each case with `why502 live`, too: it must say what `analyze` says, within a second")
    p.add_argument("--source", choices=("auto", "pcap", "ebpf"), default="auto", help="where the watches of --live get their frames from (eBPF where it can be had)")
    p.add_argument("--no-install", action="store_true", help="install and compile nothing")
    p.add_argument("--possible", action="store_true", help="only say whether it can run here, by the exit status")
    return p.parse_args()


def chosen(a):
    def wanted(c):
        return (not a.quick or c.get("quick")) and (not a.names or any(n == c["name"] if a.exact else n in c["name"] for n in a.names))

    unknown = [n for n in a.names if not any(n == name if a.exact else n in name for name in CASES)]
    if unknown:
        sys.exit("no case is called %s; --list lists them" % ", ".join(unknown))
    return [c for c in CASES.values() if wanted(c)]


class TooLong(Exception):
    pass


def _too_long(_signal, _frame):
    raise TooLong("it took more than %d s" % LONGEST)


def judged(program, folder, truth):
    """What was said at each vantage, the lost attempts, and what does not agree: (mode, kind, capture, truth, said)."""
    said, odd = {}, []
    for capture in truth["captures"]:
        for how, mode in MODES.items():
            try:
                rows, told = judge.judge_case(program, folder, truth, capture, **mode)
            except Exception as e:  # any trouble is the program's
                odd.append((how, "broken: %s" % str(e)[:100], capture, {"id": None, "port": None, "observed": "?"}, None))
                continue
            if not mode:
                said[capture] = [f["cause"] for f in told]
            odd += [(how, r[0], r[2], r[3], r[4]) for r in rows if r[0] in judge.BAD]
    lost = len({(e["id"], e["port"]) for e in judge.expected(truth, truth["captures"][0])})
    return {"said": said, "odd": odd, "lost": lost}


def judged_live(folder, truth, watched):
    """What does not agree of what watches said; and of each, how many failures were made, told, and taken back. The truth goes by packets; that a request lay unread when its connection
    was closed, and so met the close in the host, only the kernel can say."""
    odd, counted, ran = [], {}, judge.executed(folder, truth)
    for name, watch in watched.items():
        capture, failures = watch["capture"], watch["failures"]
        expected = judge.expected(truth, capture)
        unread = {judge.port(f["proxy"]) for f in failures if f["detail"].get("request_read") == "none"}
        for one in expected:
            if one["port"] in unread and one["observed"] in ("reset_in_flight", "closed_in_flight"):
                one["ok"] = one["ok"] | {"keepalive_race"}
        rows = judge.judge(failures, expected, truth, folder.name, capture, ran)
        odd += [("live", r[0], name, r[3], r[4]) for r in rows if r[0] in judge.BAD]
        counted[name] = (sum(not one["soft"] for one in expected), len(failures), watch["retracted"])
        if truth["places"] and watch["retracted"]:
            odd.append(("live", "retracted", name, {"id": None, "port": None, "observed": "%d" % watch["retracted"]}, None))
    return odd, counted


def not_yet(case):
    """What why502 does not read yet: its verdicts there are shown, not held against it."""
    unread = case["backend_opts"].get("tls") and case["proxy_opts"].get("tls") or case["proxy_opts"].get("h2")
    return case.get("not_yet") or unread and not case["name"].startswith("clean-")


def one(case, slot, tools, program, keep, live):
    """A case from its start to its line: twice, where the machine did not do what was meant."""
    started, again = time.time(), False
    while True:
        signal.alarm(LONGEST)
        result = run_case(case, box.WORK, slot, tools, live)
        signal.alarm(0)
        if not result["trouble"] or again:
            break
        again = True
    folder, truth = pathlib.Path(box.WORK, case["name"]), result["truth"]
    if truth:
        result.update(judged(program, folder, truth))
        odd, result["counted"] = judged_live(folder, truth, result["watched"])
        result["odd"] += odd
    if result["trouble"]:
        result["verdict"] = "machine"
    else:
        unread = not_yet(case)
        if unread:  # nothing need be said; what is said must not be false
            result["odd"] = [one for one in result["odd"] if one[1] in ("false", "lie", "unsafe", "nonote") or one[1].startswith("broken")]
        live_odd = not unread and any(odd for odd, _ in result["live"].values())
        result["verdict"] = "DIFFERS" if result["odd"] or live_odd else "not yet" if unread else "agreed"
    result.update(case=case, seconds=time.time() - started)
    if keep:
        shutil.rmtree(os.path.join(keep, case["name"]), ignore_errors=True)
        shutil.copytree(folder, os.path.join(keep, case["name"]))
    shutil.rmtree(folder)
    return result


def worker(slot, queue, results, tools, program, keep, live):
    signal.signal(signal.SIGALRM, _too_long)
    while (case := queue.get()) is not None:
        results.put(one(case, slot, tools, program, keep, live))


def run_all(cases, a, tools, program):
    started, queue, incoming = time.time(), multiprocessing.Queue(), multiprocessing.Queue()
    places = max(1, min(a.j, len(cases)))
    for case in cases + [None] * places:
        queue.put(case)
    for slot in range(places):
        multiprocessing.Process(target=worker, args=(str(slot), queue, incoming, tools, program, a.out, (program, a.source) if a.live else None), daemon=True).start()
    print(table.header(), flush=True)
    results = []
    for _ in cases:
        results.append(incoming.get())
        print(table.row(results[-1]), flush=True)
    print(table.totals(results, time.time() - started))
    if a.out:
        summary(results, a.out)
    verdicts = {r["verdict"] for r in results}
    return 1 if "DIFFERS" in verdicts else 3 if "machine" in verdicts else 0


def summary(results, out):
    """summary.jsonl: a line for each case."""
    with open(os.path.join(out, "summary.jsonl"), "w") as f:
        for r in sorted(results, key=lambda r: r["case"]["name"]):
            f.write(json.dumps({"case": r["case"]["name"], "proxy": r["case"]["proxy"], "backend": r["case"]["backend"], "verdict": r["verdict"],
                                "causes": table.causes(r["truth"]) if r["truth"] else None, "lost": r.get("lost"), "said": r.get("said"),
                                "counted": r.get("counted"), "trouble": r["trouble"], "seconds": round(r["seconds"], 1)}) + "\n")


def main():
    a = options()
    if a.possible:
        return 0 if box.possible() else 2
    cases = chosen(a)
    if a.list:
        for c in cases:
            print("%-34s %-16s %-10s %-10s %-5s %s" % (c["name"], c["scenario"], c["proxy"], c["backend"], "quick" if c.get("quick") else "", c["about"]))
        return 0
    if not box.possible():
        print("the laboratory needs namespaces, and cannot make them here", file=sys.stderr)
        return 2
    tools = install.tools_folder() if a.no_install else install.install(cases)
    program = os.path.abspath(a.bin) if a.bin else install.build()
    if a.out:
        a.out = os.path.abspath(a.out)
        os.makedirs(a.out, exist_ok=True)
    return box.run(lambda: run_all(cases, a, tools, program))


if __name__ == "__main__":
    sys.exit(main())
