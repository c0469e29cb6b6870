"""Keep-alive race."""
from . import case

R2, R3 = dict(rounds=2), dict(rounds=3)
case("race-nginx-node", "keepalive_race", "nginx", "node", "node's keepAliveTimeout fires while the next request is on its way", params=R3)
case("race-nginx-node-5s", "keepalive_race", "nginx", "node", "node's default of 5 s, 5 ms each way", b=dict(ka=5), delay_ms=5, params=R2)
case("race-nginx-puma", "keepalive_race", "nginx", "puma", params=R2)
case("race-nginx-apache", "keepalive_race", "nginx", "apache", params=R2)
case("race-nginx-nginx", "keepalive_race", "nginx", "nginx", params=R2)
case("race-nginx-go", "keepalive_race", "nginx", "go", params=R2)
case("race-nginx-tomcat", "keepalive_race", "nginx", "tomcat", params=R2)
case("race-nginx-nonidempotent", "keepalive_race", "nginx", "uvicorn", "proxy_next_upstream ... non_idempotent: the POST is sent twice",
     p=dict(extra="proxy_next_upstream error timeout non_idempotent;"), params=R2)
case("race-nginx-rstidle", "keepalive_race", "nginx", "raw", "the backend closes idle connections with RST", b=dict(mode="rst_idle"), params=R2)
case("race-any-nginx-puma", "keepalive_race", "nginx", "puma", "proxy side captured with -i any (cooked, both legs in one file)", capture=dict(proxy_any=True), params=R2)
case("race-haproxy-node", "keepalive_race", "haproxy", "node", "http-reuse always, default retry-on", params=R3)
case("race-haproxy-tomcat", "keepalive_race", "haproxy", "tomcat", params=R2)
case("race-apache-tomcat", "keepalive_race", "apache", "tomcat", params=R2)
case("race-caddy-puma", "keepalive_race", "caddy", "puma", params=R2)
case("race-nodeproxy-uvicorn", "keepalive_race", "node", "uvicorn", "http-proxy with a keepAlive agent", params=R3)
case("race-nodeproxy-go", "keepalive_race", "node", "go", params=R2)
case("race-goproxy-node", "keepalive_race", "go", "node", params=R2)
case("race-burst-nginx-node", "race_burst", "nginx", "node", "eight idle connections close together", params=dict(n=8, rounds=2))
case("race-tls-nginx-node", "keepalive_race", "nginx", "node", "TLS to the backend; close_notify and FIN cross the request", b=dict(tls=True), p=dict(tls=True), params=R3)
case("race-tls-haproxy-go", "keepalive_race", "haproxy", "go", "TLS", b=dict(tls=True), p=dict(tls=True), params=R2)

case("natural-loopback-nginx-node", "natural_race", "nginx", "node", "no added delay, on lo: requests spread over the moment when the idle timers are due", topology="loopback", b=dict(ka=1), params=dict(idle=2.0))

case("race-nginx-tomcat-6s", "keepalive_race", "nginx", "tomcat", "keep-alive of 2 s before an idle timeout of 6 s", p=dict(idle=6), params=R2)
case("race-lostinhost-nginx-raw", "before_timer", "nginx", "raw", "a server whose timer shuts a connection while it runs a request", b=dict(mode="timer_shutdown", ka=5), delay_ms=2)

# Sent before the timer: the request is on its way when the backend closes.
for px, be in (("nginx", "puma"), ("haproxy", "go"), ("envoy", "node"), ("varnish", "uvicorn")):
    case("race-before-%s-%s" % (px, be), "keepalive_race", px, be, "sent just before the backend's timer fires", b=dict(ka=1), params=dict(rounds=2, when="before_fin"))

# A body of many segments: the close crosses its first window; what follows is refused or never sent.
for px, be in (("nginx", "node"), ("haproxy", "gunicorn"), ("caddy", "go"), ("envoy", "uvicorn")):
    case("race-body-%s-%s" % (px, be), "keepalive_race", px, be, "an upload of many segments crosses the close", b=dict(ka=1),
         params=dict(methods=("POST",), rounds=2, path="/echo", body=b"z" * 120000))

# The backend closes its own half only, and goes on reading what it will not answer.
for px in ("nginx", "haproxy", "squid"):
    case("race-half-%s-raw" % px, "keepalive_race", px, "raw", "the backend shuts down its sending side, and reads on", b=dict(mode="half_close", ka=1), params=dict(rounds=2), delay_ms=25)

# Idle connections are closed with RST.
for px in ("haproxy", "node", "varnish"):
    case("race-rstidle-%s-raw" % px, "keepalive_race", px, "raw", "the backend closes idle connections with RST", b=dict(mode="rst_idle", ka=1), params=dict(rounds=2), delay_ms=25)

# Retries of the proxy hide it, or do not.
case("race-retry-haproxy-node", "keepalive_race", "haproxy", "node", "retry-on conn-failure empty-response: GET and POST are sent again", b=dict(ka=1),
     p=dict(extra="retry-on conn-failure empty-response"), params=dict(rounds=2), delay_ms=25)
case("race-retry-envoy-node", "keepalive_race", "envoy", "node", "retry_on reset: sent again", b=dict(ka=1), p=dict(extra='retry_policy: {retry_on: "reset", num_retries: 2}'), params=dict(rounds=2), delay_ms=25)
case("race-noretry-nginx-gunicorn", "keepalive_race", "nginx", "gunicorn", "proxy_next_upstream off: the GET is lost, too", b=dict(ka=1), p=dict(extra="proxy_next_upstream off;"), params=dict(rounds=2), delay_ms=25)

# Many at once.
for px, be in (("haproxy", "gunicorn"), ("envoy", "go"), ("caddy", "puma")):
    case("race-burst-%s-%s" % (px, be), "race_burst", px, be, "six idle connections close together", b=dict(ka=1), params=dict(n=6, rounds=2))

# Without delay and without trigger: by numbers.
case("natural-direct-nginx-go", "natural_race", "nginx", "go", "no added delay, on veth with offloads", topology="direct", b=dict(ka=1), params=dict(idle=1.0))
case("natural-direct-haproxy-node", "natural_race", "haproxy", "node", "no added delay, on veth with offloads", topology="direct", b=dict(ka=1), params=dict(idle=2.0))
case("natural-loopback-envoy-go", "natural_race", "envoy", "go", "no added delay, on lo", topology="loopback", b=dict(ka=1), params=dict(idle=1.0))
