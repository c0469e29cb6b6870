"""Faulty requests between ordinary ones."""
import os
import signal
import time


def faulty(ctx, steps, warm=1, gap=0.15, rounds=1):
    """Ordinary requests with faulty ones between them. A step: path, cause, method, params, n, body, restart, wait."""
    for _ in range(rounds):
        for s in steps:
            s = dict(s)
            n, restart, wait = s.pop("n", 1), s.pop("restart", False), s.pop("wait", 0)
            w = s.pop("warm", warm)
            kill = s.pop("kill_after", None)
            kill_sig = s.pop("kill_sig", signal.SIGKILL)
            worker = s.pop("kill_worker", False)
            if isinstance(s.get("body"), int):
                s["body"] = b"z" * s["body"]
            for _ in range(n):
                for _ in range(w):
                    ctx.req("GET", "/ok")
                if kill is not None:
                    ctx.req(background=True, **s)
                    time.sleep(kill)
                    pids = ctx.backend["proc"].children() if worker else [ctx.backend["proc"].pid]
                    for p in pids:
                        os.kill(p, kill_sig)
                    ctx.join()
                else:
                    ctx.req(**s)
                time.sleep(gap)
                if restart:
                    ctx.backend["proc"].stop(signal.SIGKILL)
                    ctx.start_backend()
                    time.sleep(0.2)
            if wait:
                time.sleep(wait)
