"""The backend is restarted under load."""
import os
import signal
import threading
import time


def restart(ctx, sig=signal.SIGTERM, down=0.6, seconds=5.0, rate=50, path="/slow", params="s=0.05", methods=("GET", "POST"), at=1.5, wait_old=0.0, hup=False):
    """Steady load; the backend is stopped with sig at `at` seconds and started again `down` seconds later."""
    t0 = time.time()

    def deploy():
        time.sleep(max(0, t0 + at - time.time()))
        if hup:
            os.kill(ctx.backend["proc"].pid, signal.SIGHUP)
            return
        p = ctx.backend["proc"]
        if sig == signal.SIGKILL:
            p.stop(sig)
        else:
            p.send_signal(sig)
            end = time.time() + 4
            while p.alive() and time.time() < end:
                time.sleep(0.02)
            p.stop(signal.SIGKILL)
        time.sleep(down)
        ctx.start_backend()

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
