"""Health checks."""
from . import case

case("health-haproxy-node", "health", "haproxy", "node", "GET / is 404, so the server is down, and users get 503", b=dict(env={"ROOT_STATUS": "404"}),
     p=dict(extra="option httpchk GET /\n  http-check expect status 200-399", server_args="check inter 1s fall 2 rise 2"), params=dict(n=3, wait=10))
case("health-caddy-gunicorn", "health", "caddy", "gunicorn", b=dict(env={"ROOT_STATUS": "404"}), p=dict(extra="health_uri /\n    health_interval 500ms\n    health_timeout 400ms"), params=dict(n=3))
case("health-haproxy-refused", "health", "haproxy", "none", "TCP checks are refused", p=dict(server_args="check inter 2s fall 2 rise 2"), params=dict(n=3, wait=19))

# Wrong paths.
NOT_FOUND, DOWN = dict(env={"ROOT_STATUS": "404"}), dict(n=2, wait=5)
HCHECK = """LoadModule proxy_balancer_module /usr/lib/apache2/modules/mod_proxy_balancer.so
LoadModule slotmem_shm_module /usr/lib/apache2/modules/mod_slotmem_shm.so
LoadModule lbmethod_byrequests_module /usr/lib/apache2/modules/mod_lbmethod_byrequests.so
LoadModule proxy_hcheck_module /usr/lib/apache2/modules/mod_proxy_hcheck.so
ProxyHCExpr fine {%%{REQUEST_STATUS} =~ /^[23]/}
<Proxy balancer://app>
  BalancerMember http://10.77.2.2:3000 hcmethod=%s hcuri=/ hcinterval=1 hcfails=1 hcexpr=fine
</Proxy>
ProxyPass / balancer://app/"""
ENVOY = "health_checks: [{timeout: 0.4s, interval: 0.5s, no_traffic_interval: 0.5s, unhealthy_threshold: 2, healthy_threshold: 1, %s}]\n    common_lb_config: {healthy_panic_threshold: {value: 0}}"
ENVOY_ROOT = ENVOY % 'http_health_check: {path: "/"}'
case("health-varnish-node", "health", "varnish", "node", "GET / is 404", b=NOT_FOUND, p=dict(health="/"), params=DOWN)
case("health-envoy-node", "health", "envoy", "node", "GET / is 404", b=NOT_FOUND, p=dict(cluster=ENVOY_ROOT), params=DOWN)
case("health-apache-node", "health", "apache", "node", "mod_proxy_hcheck: GET / is 404", b=NOT_FOUND, p=dict(extra=HCHECK % "GET"), params=dict(n=2, wait=8))
case("health-nodeproxy-node", "health", "node", "node", "a proxy of one's own that probes: GET / is 404", b=NOT_FOUND, p=dict(env={"HEALTH": "/"}), params=DOWN)
case("health-haproxy-500", "health", "haproxy", "node", "GET /status is 500", p=dict(extra="option httpchk GET /status?c=500", server_args="check inter 500 fall 2 rise 2"), params=DOWN)
# Answered, and not as this proxy expects it.
case("health-envoy-redirect", "health", "envoy", "node", "GET / redirects to the login page, and Envoy expects 200", b=dict(env={"ROOT_STATUS": "302"}), p=dict(cluster=ENVOY_ROOT), params=DOWN, ask=["--health-expect", "200"])
case("health-caddy-expect", "health", "caddy", "node", "GET / is 204, and 200 is expected", b=dict(env={"ROOT_STATUS": "204"}), p=dict(extra="health_uri /\n    health_interval 500ms\n    health_timeout 400ms\n    health_status 200"), params=DOWN, ask=["--health-expect", "200"])
# Not in time, or not in HTTP.
case("health-haproxy-timeout", "health", "haproxy", "node", "the probe takes 5 s, and 400 ms are allowed", p=dict(extra="option httpchk GET /slow?s=5\n  timeout check 400ms", server_args="check inter 500 fall 2 rise 2"), params=DOWN)
case("health-varnish-timeout", "health", "varnish", "node", "the probe takes 5 s, and 400 ms are allowed", p=dict(health="/slow?s=5"), params=DOWN)
# Wrong ports.
ELSEWHERE = dict(ports=[3001], other_backends=["10.77.2.2:3001"])
case("health-haproxy-port", "health", "haproxy", "node", "TCP checks of a port where nothing listens", p=dict(server_args="check port 3001 inter 500 fall 2 rise 2"), params=DOWN, **ELSEWHERE)
case("health-caddy-port", "health", "caddy", "node", "probes of a port where nothing listens", p=dict(extra="health_uri /\n    health_port 3001\n    health_interval 500ms\n    health_timeout 400ms"), params=DOWN, **ELSEWHERE)
case("health-envoy-tcp", "health", "envoy", "none", "TCP checks are refused", p=dict(cluster=ENVOY % "tcp_health_check: {}"), params=DOWN)
# Healthy: probes of every kind, and none of them is a fault.
FINE = dict(idle=False, load=30)
case("clean-health-haproxy-node", "clean", "haproxy", "node", "HTTP checks that succeed", p=dict(extra="option httpchk GET /\n  http-check expect status 200-399", server_args="check inter 300"), params=FINE, linger=3)
case("clean-health-haproxy-tcp", "clean", "haproxy", "node", "TCP checks that succeed: a connect, and a reset at once", p=dict(server_args="check inter 300"), params=FINE, linger=3)
case("clean-health-envoy-node", "clean", "envoy", "node", "HTTP checks that succeed", p=dict(cluster=ENVOY_ROOT), params=FINE, linger=3)
case("clean-health-envoy-tcp", "clean", "envoy", "node", "TCP checks that succeed", p=dict(cluster=ENVOY % "tcp_health_check: {}"), params=FINE, linger=3)
case("clean-health-varnish-node", "clean", "varnish", "node", "probes that succeed", p=dict(health="/"), params=FINE, linger=3)
case("clean-health-caddy-gunicorn", "clean", "caddy", "gunicorn", "probes that succeed", p=dict(extra="health_uri /\n    health_interval 500ms"), params=FINE, linger=3)
case("clean-health-apache-node", "clean", "apache", "node", "mod_proxy_hcheck with HEAD, which succeeds", p=dict(extra=HCHECK % "HEAD"), params=FINE, linger=4)
case("clean-health-apache-tcp", "clean", "apache", "node", "mod_proxy_hcheck with TCP, which succeeds", p=dict(extra=(HCHECK % "TCP").replace(" hcexpr=fine", "")), params=FINE, linger=4)
