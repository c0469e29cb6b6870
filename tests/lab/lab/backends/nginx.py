"""nginx as a server. Options: keepalive_requests, keepalive_time, code, tls, h2."""
import os

from ..daemon import dpkg, write

PACKAGES = ("nginx-light",)
KNOWN = "nginx-backend"


def start(ctx, o):
    os.makedirs(os.path.join(ctx.dir, "tmp"), exist_ok=True)
    c = write(ctx, "conf/backend-nginx.conf", """
daemon off; master_process on; worker_processes 1; user root; pid backend-nginx.pid; error_log backend-error.log info;
events { worker_connections 512; }
http {
  log_format lab '$msec id=$arg_id "$request" $status $connection $connection_requests port=$remote_port';
  access_log backend-access.log lab;
  client_body_temp_path tmp/b1; proxy_temp_path tmp/b2; fastcgi_temp_path tmp/b3; uwsgi_temp_path tmp/b4; scgi_temp_path tmp/b5;
  keepalive_timeout %(ka)s; keepalive_requests %(n)d; keepalive_time %(age)s;
  server { listen %(port)d%(tls)s%(h2)s; %(cert)s
    location / { default_type text/plain; return 200 "ok $arg_id\\n"; }
    location /status { default_type text/plain; return %(code)s "status\\n"; }
    location /close444 { return 444; }
  }
}
""" % dict(ka=o["ka"], n=o.get("keepalive_requests", 1000), age=o.get("keepalive_time", "1h"), port=o["port"], tls=" ssl" if o.get("tls") else "", h2=" http2" if o.get("h2") else "",
           cert="ssl_certificate %s; ssl_certificate_key %s;" % (ctx.tls["cert"], ctx.tls["key"]) if o.get("tls") else "",
           code=o.get("code", 503)))
    p = ctx.lab.spawn(ctx.lab.backend, ["nginx", "-p", "./", "-e", "backend-error.log", "-c", c], "backend-stderr.log")
    return {"proc": p, "version": dpkg("nginx")}
