"""Health checks fail."""
import time


def health(ctx, n=4, wait=3.0, methods=("GET", "POST"), path="/ok"):
    """Health checks fail; the proxy answers users by itself."""
    time.sleep(wait)
    for _ in range(n):
        for m in methods:
            ctx.req(m, path, cause="health_check_failing")
            time.sleep(0.2)
