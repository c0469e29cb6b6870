"""A second proxy, nginx, with a Node server behind it on the same host. Options: read (of nginx)."""
import os

from ..daemon import APPS, dpkg, write

PACKAGES = ("nginx-light", "nodejs")
KNOWN = "nginx-backend"


def start(ctx, o):
    os.makedirs(os.path.join(ctx.dir, "tmp"), exist_ok=True)
    c = write(ctx, "conf/backend-chain.conf", """
daemon off; master_process on; worker_processes 1; user root; pid backend-nginx.pid; error_log backend-error.log info;
events { worker_connections 512; }
http {
  log_format lab '$msec id=$arg_id "$request" $status up=$upstream_addr ust=$upstream_status';
  access_log backend-access.log lab;
  client_body_temp_path tmp/b1; proxy_temp_path tmp/b2; fastcgi_temp_path tmp/b3; uwsgi_temp_path tmp/b4; scgi_temp_path tmp/b5;
  keepalive_timeout %(ka)s;
  upstream app { server 127.0.0.1:3002; keepalive 16; }
  server { listen %(port)d; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout %(read)ss; } }
}
""" % dict(ka=o["ka"], port=o["port"], read=o.get("read", 2)))
    ctx.lab.spawn(ctx.lab.backend, ["node", os.path.join(APPS, "node_app.js")], "behind-error.log", env={"PORT": "3002", "HOST": "127.0.0.1", "KEEPALIVE_MS": "60000"})
    ctx.lab.wait_port(ctx.lab.backend, "127.0.0.1", 3002)
    p = ctx.lab.spawn(ctx.lab.backend, ["nginx", "-p", "./", "-e", "backend-error.log", "-c", c], "backend-stderr.log")
    return {"proc": p, "name": "nginx before node", "version": dpkg("nginx")}
