"""The backend is restarted under load."""
import os
import signal
import threading
import time

from .. import backends


def restart(ctx, sig=signal.SIGTERM, down=0.6, seconds=5.0, rate=50, path="/slow", params="s=0.05", methods=("GET", "POST"), at=1.5, wait_old=0.0, hup=False):
    """Steady load; the backend is stopped with sig at `at` seconds and started again `down` seconds later. With
    hup its master is told to replace its workers (sig, or SIGHUP), and stays."""
    t0 = time.time()

    def deploy():
        time.sleep(max(0, t0 + at - time.time()))
        if hup:  # the master stays
            os.kill(ctx.backend["proc"].pid, signal.SIGHUP if sig == signal.SIGTERM else sig)
            return
        _end(ctx.backend["proc"], sig)
        time.sleep(down)
        ctx.start_backend()

    _under_load(ctx, deploy, t0, seconds, rate, path, params, methods)


def rolling(ctx, down=0.3, seconds=6.0, rate=50, path="/slow", params="s=0.05", methods=("GET", "POST"), at=1.5, between=1.0):
    """Two servers (the second one port higher), restarted one after the other under steady load."""
    def start(port):
        return backends.start(ctx.case["backend"], ctx, **dict(ctx.case["backend_opts"], port=port))

    servers, t0 = [ctx.backend, start(ctx.bport + 1)], time.time()

    def deploy():
        time.sleep(max(0, t0 + at - time.time()))
        for server in servers:
            _end(server["proc"], signal.SIGTERM)
            time.sleep(down)
            start(server["port"])
            time.sleep(between)

    _under_load(ctx, deploy, t0, seconds, rate, path, params, methods)


def _end(proc, sig):
    """Sends sig, and waits for the process to end by itself, not for ever."""
    if sig != signal.SIGKILL:
        proc.send_signal(sig)
        end = time.time() + 4
        while proc.alive() and time.time() < end:
            time.sleep(0.02)
    proc.stop(signal.SIGKILL)


def _under_load(ctx, deploy, t0, seconds, rate, path, params, methods):
    """Steady load from t0 on, and deploy() beside it."""
    d = threading.Thread(target=deploy)
    d.start()
    i = 0
    while time.time() < t0 + seconds:
        ctx.req(methods[i % len(methods)], path, params=params, cause="observed", background=True, notes="steady load during a restart")
        i += 1
        time.sleep(max(0, t0 + i / rate - time.time()))
    d.join(15)
    ctx.join()


def stuck_then_gone(ctx, fine=3, stuck=4, gone=4):
    """A server that hangs, and then is gone: requests without an answer, a kill, and refused connects."""
    for _ in range(fine):
        ctx.req("GET", "/ok")
    for _ in range(stuck):
        ctx.req("GET", "/slow", params="s=30", cause="backend_slow", notes="the server is stuck")
    time.sleep(0.3)
    ctx.stop_backend()
    time.sleep(0.3)
    for _ in range(gone):
        ctx.req("GET", "/ok", cause="connection_refused", notes="the server is gone")
        time.sleep(0.2)
