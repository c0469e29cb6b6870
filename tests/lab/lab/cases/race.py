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

case("natural-loopback-nginx-node", "natural_race", "nginx", "node", "no added delay, on lo: requests spread over the moment when the idle timers are due", topology="loopback", b=dict(ka=1), params=dict(idle=2.0, cycles=5))

case("race-nginx-tomcat-6s", "keepalive_race", "nginx", "tomcat", "keep-alive of 2 s before an idle timeout of 6 s", p=dict(idle=6), params=R2)
case("race-lostinhost-nginx-raw", "before_timer", "nginx", "raw", "a server whose timer shuts a connection while it runs a request", b=dict(mode="timer_shutdown", ka=5), delay_ms=2)
