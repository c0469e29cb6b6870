"""captures DIR [NAME ...]: makes the captures of captures/ again, from the cases of the laboratory, into DIR.

For each, the causes that why502 finds are compared with those of the shipped one. To replace the shipped
ones, give `captures` itself as DIR; then `WHY502_BLESS=1 cargo test every_capture` makes the expectations
again, and each README's frame numbers are to be looked at.
"""
import argparse
import json
import os
import shutil
import struct
import sys
from types import SimpleNamespace

from . import box, install, judge, main
from .cases import CASES

PROXY, BACKEND = ("proxy-side.pcap",), ("backend-side.pcap",)
BOTH = PROXY + BACKEND
KEPT = "/run/kept"  # in the box


def without_second_fin(data, truth):
    """Takes the FIN that crossed the second lost request out of a capture."""
    lost = [r for r in truth["requests"] if r["cause"] == "keepalive_race"]
    gone = lost[1]["attempts"][0]["fin_in"]["frame"]
    at, number, kept = 24, 0, data[:24]
    while at < len(data):
        size = 16 + struct.unpack_from("<I", data, at + 8)[0]
        number += 1
        kept += b"" if number == gone else data[at:at + size]
        at += size
    return kept


# folder of captures/: the case that makes it, the vantages that are kept, what is done to the captures, other files
TABLE = {
    "accept-queue-full-haproxy-gunicorn": ("queue-haproxy-gunicorn", BOTH),
    "accept-queue-full-nginx-gunicorn": ("queue-nginx-gunicorn", BOTH),
    "backend-error-haproxy-puma": ("status-haproxy-puma", BOTH),
    "clean-haproxy-node": ("clean-haproxy-node", BOTH),
    "client-gone-nginx-node": ("client-gone-nginx-node", PROXY),
    "closed-in-flight-nginx-gunicorn": ("closed-nginx-gunicorn-kill", BOTH),
    "connect-timeout-nginx": ("synloss-nginx", PROXY),
    "connection-refused-after-timeouts-nginx-node": ("restart-stuck-nginx-node", BOTH),
    "connection-refused-haproxy": ("refused-haproxy", BOTH),
    "health-check-failing-haproxy-node": ("health-haproxy-node", BOTH),
    "health-check-failing-haproxy-refused": ("health-haproxy-refused", BOTH),
    "invalid-response-haproxy-node": ("invalid-haproxy-node", BOTH),
    "keepalive-race-loopback-nginx-node": ("natural-loopback-nginx-node", PROXY),
    "keepalive-race-lost-in-host-nginx": ("race-lostinhost-nginx-raw", BOTH, None, {"backend-access.log": "backend.log"}),
    "keepalive-race-nginx-node": ("race-nginx-node-5s", BOTH),
    "keepalive-race-nginx-tomcat": ("race-nginx-tomcat-6s", BOTH),
    "protocol-mismatch-nginx-node": ("tlsmix-nginx-tls-to-400", BOTH),
    "reset-in-flight-nginx-node": ("reset-nginx-node", BOTH),
    "response-timeout-nginx-gunicorn": ("slow-nginx-gunicorn", BOTH),
    "silent-drop-nginx-node": ("blackhole-nginx-node", BOTH),
    "stale-reuse-nginx-node": ("stale-nginx-node", BOTH),
    "stalled-nginx-node": ("stall-nginx-node", BOTH),
    "stalled-zero-window-haproxy": ("noread-haproxy-raw", BOTH),
    "truncated-response-nginx-node": ("trunc-nginx-node", BOTH),
    "unproven-lost-fin": ("race-nginx-node-5s", PROXY, without_second_fin),
    "unreachable-haproxy": ("icmp-haproxy", BOTH),
    "upload-cut-short-nginx": ("upload-nginx-raw", BACKEND),
}


def entry(name):
    case, captures, change, others = (*TABLE[name], None, {})[:4] if len(TABLE[name]) == 2 else (*TABLE[name], {})[:4]
    return case, captures, change, others


def take(name, out):
    """Copies what a folder of captures/ keeps of its case."""
    case, captures, change, others = entry(name)
    made, folder = os.path.join(KEPT, case), os.path.join(out, name)
    with open(os.path.join(made, "truth.json")) as f:
        truth = json.load(f)
    os.makedirs(folder, exist_ok=True)
    for capture in captures:
        with open(os.path.join(made, capture), "rb") as f:
            data = f.read()
        with open(os.path.join(folder, capture), "wb") as f:
            f.write(change(data, truth) if change else data)
    for source, kept in others.items():
        shutil.copy(os.path.join(made, source), os.path.join(folder, kept))
    return captures


def compare(name, out, captures, program):
    """Whether the causes are those of the shipped capture; says so."""
    same = True
    for capture in captures:
        found = judge.ask([program, "analyze", "--format", "json", "--exit-zero"], os.path.join(out, name, capture))["causes"]
        shipped = os.path.join(install.ROOT, "captures", name, capture.replace(".pcap", ".expected.json"))
        try:
            with open(shipped) as f:
                wanted = json.load(f)["causes"]
        except OSError:
            wanted = {}
        # How a natural race shows is luck, but for the cause that the folder is named after.
        alike = set(found) == set(wanted) or "loopback" in name and "keepalive_race" in found
        same &= alike
        print("%-46s %-17s %s%s" % (name, capture, found, "" if alike else " — shipped: %s" % wanted), flush=True)
    return same


def make(names, a, tools, program, out):
    os.makedirs(KEPT)
    cases = [CASES[c] for c in dict.fromkeys(TABLE[n][0] for n in names)]
    code = main.run_all(cases, a, tools, program)
    same = [compare(n, out, take(n, out), program) for n in names if os.path.exists(os.path.join(KEPT, TABLE[n][0], "truth.json"))]
    print("%d of %d captures made, %d with the causes of the shipped ones" % (len(same), len(names), sum(same)))
    return code or (0 if len(same) == len(names) and all(same) else 1)


def cli():
    p = argparse.ArgumentParser(prog="tests/lab/captures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dir", metavar="DIR")
    p.add_argument("names", nargs="*", metavar="NAME")
    p.add_argument("-j", type=int, default=8, metavar="N", help="cases at a time (8)")
    p.add_argument("--bin", metavar="PATH", help="a built why502 (default: it is built)")
    a = p.parse_args()
    names = [n for n in TABLE if not a.names or n in a.names]
    if set(a.names) - set(TABLE):
        sys.exit("no capture is called %s" % ", ".join(set(a.names) - set(TABLE)))
    tools = install.install([CASES[TABLE[n][0]] for n in names])
    program = os.path.abspath(a.bin) if a.bin else install.build()
    out = os.path.abspath(a.dir)
    os.makedirs(out, exist_ok=True)
    return box.run(lambda: make(names, SimpleNamespace(j=a.j, out=KEPT), tools, program, out))


if __name__ == "__main__":
    sys.exit(cli())
