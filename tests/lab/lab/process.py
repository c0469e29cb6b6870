"""Child processes, started in a namespace and stopped as a group."""
import os
import signal
import subprocess


def sh(*argv, check=True, **kw):
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if check and r.returncode:
        raise RuntimeError("%s: %s" % (" ".join(argv), r.stdout.strip()))
    return r.stdout


def tail(path, n=600):
    try:
        with open(path, "rb") as f:
            return f.read()[-n:].decode("utf-8", "replace")
    except OSError:
        return ""


class Proc:
    """A child in its own session; stopping it stops only its own process group."""

    def __init__(self, ns, argv, cwd, log, env=None, stdin=None, stdout=None, pipe=False):
        e = dict(os.environ)
        e.pop("PYTHONPATH", None)
        e.update(env or {})
        full = (["ip", "netns", "exec", ns.name] if ns else []) + [str(a) for a in argv]
        self.log = log
        out = open(log, "ab") if log else subprocess.DEVNULL
        self.p = subprocess.Popen(
            full, cwd=cwd, env=e, start_new_session=True,
            stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipe else out, stderr=out)
        self.pid = self.p.pid

    def alive(self):
        return self.p.poll() is None

    def send_signal(self, sig):
        if self.alive():
            os.kill(self.pid, sig)

    def children(self):
        """All descendants' pids."""
        out, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            try:
                for t in os.listdir("/proc/%d/task" % pid):
                    with open("/proc/%d/task/%s/children" % (pid, t)) as f:
                        kids = [int(x) for x in f.read().split()]
                    out += kids
                    todo += kids
            except OSError:
                pass
        return out

    def stop(self, sig=signal.SIGTERM, wait=2.0):
        kids = self.children()
        if self.alive():
            try:
                os.killpg(self.pid, sig)
            except ProcessLookupError:
                pass
            try:
                self.p.wait(wait)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        for k in kids:
            try:
                os.kill(k, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            self.p.wait(2)
        except subprocess.TimeoutExpired:
            pass
