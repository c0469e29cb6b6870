"""The wire program (wire.c), its commands and its events."""
import queue
import threading
import time

from .process import Proc


class Wire:
    def __init__(self, ns, binary, delay_ms, cwd, log):
        self.proc = Proc(ns, [binary, "w0", "w1", int(delay_ms * 1000)], cwd, log, pipe=True)
        self.subs, self.lock = [], threading.Lock()
        self.acks = queue.Queue()
        if self.proc.p.stdout.readline().strip() != b"READY":
            raise RuntimeError("wire did not start")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.proc.p.stdout:
            t = time.time()
            w = line.decode().split()
            if w and w[0] == "EV":
                ev = {"t": t, "from": w[1], "flags": w[2], "sport": int(w[3]), "dport": int(w[4]),
                      "seq": int(w[5]), "ack": int(w[6]), "len": int(w[7]), "fate": w[8]}
                with self.lock:
                    subs = list(self.subs)
                for q in subs:
                    q.put(ev)
            elif w and w[0] == "OK":
                self.acks.put(line)

    def cmd(self, line):
        self.proc.p.stdin.write(line.encode() + b"\n")
        self.proc.p.stdin.flush()
        self.acks.get(timeout=2)

    def subscribe(self):
        q = queue.Queue()
        with self.lock:
            self.subs.append(q)
        return q

    def unsubscribe(self, q):
        with self.lock:
            self.subs.remove(q)

    def wait(self, q, pred, timeout):
        end = time.time() + timeout
        while True:
            left = end - time.time()
            if left <= 0:
                return None
            try:
                ev = q.get(timeout=left)
            except queue.Empty:
                return None
            if pred(ev):
                return ev



def is_close(ctx):
    """Whether an event is a FIN or RST of the backend."""
    return lambda e: e["from"] == "B" and e["sport"] == ctx.bport and ("F" in e["flags"] or "R" in e["flags"])
