"""Health checks."""
from . import case

case("health-haproxy-node", "health", "haproxy", "node", "GET / is 404, so the server is down, and users get 503", b=dict(env={"ROOT_STATUS": "404"}),
     p=dict(extra="option httpchk GET /\n  http-check expect status 200-399", server_args="check inter 1s fall 2 rise 2"), params=dict(n=3, wait=10))
case("health-caddy-gunicorn", "health", "caddy", "gunicorn", b=dict(env={"ROOT_STATUS": "404"}), p=dict(extra="health_uri /\n    health_interval 500ms\n    health_timeout 400ms"), params=dict(n=3))
case("health-haproxy-refused", "health", "haproxy", "none", "TCP checks are refused", p=dict(server_args="check inter 2s fall 2 rise 2"), params=dict(n=3, wait=19))
