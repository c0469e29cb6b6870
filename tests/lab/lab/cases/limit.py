"""Request limits."""
from . import case

case("limit-nginx-raw", "limit_race", "nginx", "raw", "closes 40 ms after the third answer without saying so", b=dict(mode="silent_limit", linger_ms=40), params=dict(limit=3, rounds=4))
case("limitload-haproxy-raw", "limit_load", "haproxy", "raw", "closes 10 ms after every third answer, under load", b=dict(mode="silent_limit", linger_ms=10), params=dict(n=120, rate=60))
case("clean-silentlimit-nginx-raw", "limit_load", "nginx", "raw", "closes at once after every third answer, unannounced: the FIN comes with the answer and harms nobody", b=dict(mode="silent_limit"), params=dict(n=80, rate=60))
case("maxreq-haproxy-gunicorn", "limit_load", "haproxy", "gunicorn", b=dict(max_requests=10, ka=5, workers=2), params=dict(n=300, rate=60))
case("maxreq-nginx-uvicorn", "limit_load", "nginx", "uvicorn", "uvicorn --limit-max-requests 40: the process ends", b=dict(limit_max=40), params=dict(n=80, rate=25))

# Unannounced: each close may meet the next request.
case("limitload-caddy-node", "limit_load", "caddy", "node", "closes 10 ms after every fifth answer", b=dict(env={"REQ_CLOSE": "5", "REQ_CLOSE_DELAY_MS": "10"}), params=dict(n=120, rate=60))
case("limitload-envoy-node", "limit_load", "envoy", "node", "closes 10 ms after every fifth answer", b=dict(env={"REQ_CLOSE": "5", "REQ_CLOSE_DELAY_MS": "10"}), params=dict(n=120, rate=60))
case("limitload-varnish-raw", "limit_load", "varnish", "raw", "closes 10 ms after every third answer", b=dict(mode="silent_limit", linger_ms=10), params=dict(n=120, rate=60))
case("maxreq-nginx-gunicorn", "limit_load", "nginx", "gunicorn", "gunicorn --max-requests 10: each worker ends after ten", b=dict(max_requests=10, ka=5, workers=2), params=dict(n=200, rate=50))
case("maxreq-envoy-gunicorn", "limit_load", "envoy", "gunicorn", "gunicorn --max-requests 10", b=dict(max_requests=10, ka=5, workers=2), params=dict(n=200, rate=50))
case("maxreq-haproxy-uvicorn", "limit_load", "haproxy", "uvicorn", "uvicorn --limit-max-requests 40: the process ends", b=dict(limit_max=40), params=dict(n=60, rate=25))
case("age-nginx-raw", "limit_load", "nginx", "raw", "closes each connection 0.5 s after it was accepted", b=dict(mode="silent_age", ka=0.5), params=dict(n=240, rate=60))
case("age-haproxy-raw", "limit_load", "haproxy", "raw", "closes each connection 0.5 s after it was accepted", b=dict(mode="silent_age", ka=0.5), params=dict(n=240, rate=60))

# Announced with Connection: close: nothing is lost.
case("clean-limit-haproxy-nginx", "limit_load", "haproxy", "nginx", "keepalive_requests 5", b=dict(keepalive_requests=5), params=dict(n=80, rate=60, cause=None))
case("clean-limit-envoy-apache", "limit_load", "envoy", "apache", "MaxKeepAliveRequests 5", b=dict(max_keepalive_requests=5), params=dict(n=80, rate=60, cause=None))
case("clean-limit-caddy-lighttpd", "limit_load", "caddy", "lighttpd", "server.max-keep-alive-requests 5", b=dict(max_requests=5), params=dict(n=80, rate=60, cause=None))
case("clean-limit-nginx-node", "limit_load", "nginx", "node", "maxRequestsPerSocket 5", b=dict(env={"MAX_REQS": "5"}), params=dict(n=80, rate=60, cause=None))
case("clean-age-haproxy-nginx", "limit_load", "haproxy", "nginx", "keepalive_time 1 s", b=dict(keepalive_time="1s"), params=dict(n=200, rate=60, cause=None))
