"""`why502 live` beside the captures (--live): what it tells while a case runs, and how soon, held against what
`why502 analyze` says of the capture that was taken beside it."""
import datetime
import json
import os
import signal
import subprocess
import threading
import time

# What shows in a body, of which nothing is kept, or on several connections, or only as time passes, which it does
# not in a file that ends.
NOT_ALONE = ("invalid_response", "truncated_response", "backend_error", "client_gone", "health_check_failing", "connect_timeout", "stalled", "protocol_mismatch")
SURE = ("possible", "likely", "proven")
SOON = float(os.environ.get("LAB_SOON", 1))  # seconds after its end that a failure may be told


class Watch:
    """A live watch of one interface of a namespace, from now until it is stopped."""

    def __init__(self, place, ns, program, source, interface, listeners, evidence, asked=()):
        self.place, self.retracted = place, 0
        told = [*asked, *(word for one in listeners for word in ("--backend", one))]
        self.arguments, self.evidence = told, evidence
        # $LAB_LIVE: more options, such as --tls-uprobes.
        argv = ["ip", "netns", "exec", ns.name, program, "live", "-i", interface, "--source", source, "--format", "jsonl", "--keep-evidence", evidence] + told
        argv += os.environ.get("LAB_LIVE", "").split()
        self.p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.records, self.aside = [], []
        self.threads = [threading.Thread(target=self._read, daemon=True), threading.Thread(target=self._listen, daemon=True)]
        for thread in self.threads:
            thread.start()
        end = time.time() + 5
        while not any("watching" in line for line in self.aside):
            if time.time() > end or self.p.poll() is not None:
                raise RuntimeError("why502 live did not start: %s" % self.aside)
            time.sleep(0.02)
        if source == "ebpf" and interface != "any" and not any("eBPF, " in line for line in self.aside):
            raise RuntimeError("why502 live watches with something else: %s" % self.aside)

    def _read(self):
        for line in self.p.stdout:
            self.records.append((time.time(), json.loads(line)))

    def _listen(self):
        for line in self.p.stderr:
            self.aside.append(line.rstrip())

    def stop(self):
        """Ends it; the failures as they were after all revisions, by id, with the time when each was told."""
        ended = time.time()
        os.killpg(self.p.pid, signal.SIGINT)
        self.p.wait(10)
        for thread in self.threads:
            thread.join(5)
        failures = {}
        for at, record in self.records:
            if record["type"] == "failure":
                failures[record["id"]] = (at if at < ended else None, record)
            elif record["type"] == "revision":
                failures[record["id"]][1].update({k: v for k, v in record.items() if k not in ("type", "id")})
        kept = {k: v for k, v in failures.items() if not v[1].get("retracted")}
        self.retracted = len(failures) - len(kept)
        return kept

    def save(self, path):
        """Its records as they came, each with the time when it did."""
        with open(path, "w") as f:
            for at, record in self.records:
                f.write(json.dumps({"told_at": at, **record}) + "\n")


def key(failure):
    if failure["cause"] == "health_check_failing":  # one record of many probes, whichever stands for them
        return failure["cause"], failure["backend"], 0
    return failure["proxy"], failure["backend"], failure["ordinal"]


def differences(watch, failures, program, capture):
    """What the watch and the analysis of the capture do not say alike, in words; and how late the latest was."""
    out = subprocess.run([program, "analyze", "--format", "json", "--exit-zero"] + watch.arguments + [capture], capture_output=True, text=True)
    seen = {key(f): f for f in json.loads(out.stdout)["failures"]}
    told = {key(f): f for _, f in failures.values()}
    # A capture ends before the watch does, and without the time that shows that nothing more comes; the truth judges it.
    odd = ["live says %s of %s, analyze nothing" % (told[k]["cause"], k) for k in told.keys() - seen.keys() if told[k]["cause"] != "connect_timeout"]
    odd += ["analyze says %s of %s, live nothing" % (seen[k]["cause"], k) for k in seen.keys() - told.keys()]
    for k in told.keys() & seen.keys():
        # The kernel's own word goes beyond what packets show; the truth judges it (main.py).
        kernel = "request_read" in told[k]["detail"] or told[k]["process"] and told[k]["retry"] == "safe"
        for field in ("cause", "retry"):
            if told[k][field] != seen[k][field] and not kernel:
                odd.append("%s of %s: live %s, analyze %s" % (field, k, told[k][field], seen[k][field]))
        # A watch knows that time passes; a capture does only as long as frames come.
        if SURE.index(told[k]["certainty"]) < SURE.index(seen[k]["certainty"]) and not kernel:
            odd.append("certainty of %s: live %s, analyze %s" % (k, told[k]["certainty"], seen[k]["certainty"]))
    odd += unproven(watch, failures, program)
    latest = 0.0
    for at, f in failures.values():
        # Giving up a connect shows on no wire, a proxy's FIN alone ends nothing (an answer may still come), and
        # what the end of the watch cut off is told then.
        close = f["close"]
        if at is None or close is None or (close["by"], close["kind"]) == ("proxy", "fin"):
            continue
        late = at - when(close["at"])
        latest = max(latest, late)
        if late > SOON:
            odd.append("%s of %s was told %.2f s after its end" % (f["cause"], key(f), late))
    return odd, latest


def unproven(watch, failures, program):
    """The failures that were told and whose evidence, alone, does not show them."""
    odd, kept = [], {name.rsplit("-", 1)[1].split(".")[0]: name for name in os.listdir(watch.evidence)}
    for at, f in failures.values():
        if at is None or f["cause"] in NOT_ALONE:
            continue
        if f["cause"] == "response_timeout" and not f["detail"]["answered_late"]:
            # Told when the proxy had closed: that nothing came then shows as time passes, too.
            continue
        if f["id"] not in kept:
            odd.append("no evidence is kept of %s" % (key(f),))
            continue
        out = subprocess.run([program, "analyze", "--format", "json", "--exit-zero"] + watch.arguments + [os.path.join(watch.evidence, kept[f["id"]])],
                             capture_output=True, text=True)
        said = {one["cause"] for one in json.loads(out.stdout)["failures"] if one["ordinal"] == f["ordinal"] or one["cause"] == f["cause"]}
        if f["cause"] not in said and "request_read" not in f["detail"]:
            odd.append("the evidence of %s says %s of %s" % (f["cause"], sorted(said) or "nothing", key(f)))
    return odd


def when(stamp):
    whole, nanos = stamp.rstrip("Z").split(".")
    at = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return at + int(nanos) / 1e9
