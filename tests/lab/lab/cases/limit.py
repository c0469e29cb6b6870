"""Request limits."""
from . import case

case("limit-nginx-raw", "limit_race", "nginx", "raw", "closes 40 ms after the third answer without saying so", b=dict(mode="silent_limit", linger_ms=40), params=dict(limit=3, rounds=4))
case("limitload-haproxy-raw", "limit_load", "haproxy", "raw", "closes 10 ms after every third answer, under load", b=dict(mode="silent_limit", linger_ms=10), params=dict(n=120, rate=60))
case("clean-silentlimit-nginx-raw", "limit_load", "nginx", "raw", "closes at once after every third answer, unannounced: the FIN comes with the answer and harms nobody", b=dict(mode="silent_limit"), params=dict(n=80, rate=60))
case("maxreq-haproxy-gunicorn", "limit_load", "haproxy", "gunicorn", b=dict(max_requests=10, ka=5, workers=2), params=dict(n=300, rate=60))
case("maxreq-nginx-uvicorn", "limit_load", "nginx", "uvicorn", "uvicorn --limit-max-requests 40: the process ends", b=dict(limit_max=40), params=dict(n=80, rate=25))
