"""The queue of connections to be accepted is full."""
from . import case

BUSY = dict(worker="sync", workers=1, backlog=8)
case("queue-haproxy-gunicorn", "accept_queue", "haproxy", "gunicorn", "one busy worker, a backlog of 8, and thirteen connections", b=BUSY, p=dict(read=5, retries=0), params=dict(s=8, linger=8))
case("queue-nginx-gunicorn", "accept_queue", "nginx", "gunicorn", "the same; nginx's FIN cannot leave before the request is acknowledged", b=BUSY, p=dict(read=5), params=dict(s=7, linger=20))
