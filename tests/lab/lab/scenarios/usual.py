"""The usual faults, sound requests between them."""
import time

from .faulty import faulty
from .race import keepalive_race


def usual(ctx, steps, refused=("GET",)):
    """The faulty steps; where there is a wire, a keep-alive race by a GET and one by a POST; then the backend is gone."""
    faulty(ctx, steps)
    if ctx.wire:
        keepalive_race(ctx, rounds=1)
    ctx.req("GET", "/ok")
    if refused:
        time.sleep(ctx.backend["ka"] + 1.5)  # no connection is left to be used again
        ctx.stop_backend()
        time.sleep(0.3)
    for method in refused:
        ctx.req(method, "/ok", cause="connection_refused", accept={"connection_refused", "no_attempt"})
        time.sleep(0.2)
