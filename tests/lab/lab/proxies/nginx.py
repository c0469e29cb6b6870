"""nginx with an upstream block. Options: server_args, extra, nokeepalive, fastcgi, old_http10, h2 (gRPC), listen,
user."""
import os

from ..daemon import dpkg, write
from . import spawn

PACKAGES = ("nginx-light",)


def start(ctx, o):
    os.makedirs(os.path.join(ctx.dir, "tmp"), exist_ok=True)
    scheme = "https" if o.get("tls") else "http"
    servers = "".join("server %s %s;" % (s, o.get("server_args", "")) for s in o["servers"])
    ka = "" if o.get("nokeepalive") else "keepalive 32; keepalive_timeout %ss;" % o["idle"]
    if o.get("fastcgi"):
        loc = ("fastcgi_pass app; fastcgi_keep_conn %s; fastcgi_read_timeout %ss; fastcgi_connect_timeout %ss;"
               "fastcgi_param SCRIPT_FILENAME /www/index.php; fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;"
               "fastcgi_param QUERY_STRING $query_string; fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param CONTENT_TYPE $content_type;"
               "fastcgi_param HTTP_X_REQUEST_ID $http_x_request_id;"
               % ("on" if not o.get("nokeepalive") else "off", o["read"], o["connect"]))
    else:
        loc = ("proxy_pass %s://app; proxy_http_version 1.1; proxy_set_header Connection $conn_up; proxy_set_header Upgrade $http_upgrade;"
               "proxy_set_header Host $host; proxy_read_timeout %ss; proxy_send_timeout %ss; proxy_connect_timeout %ss; proxy_ssl_verify off; %s"
               % (scheme, o["read"], o["read"], o["connect"], o.get("extra", "")))
        if o.get("old_http10"):
            loc = "proxy_pass http://app; proxy_read_timeout %ss; proxy_connect_timeout %ss;" % (o["read"], o["connect"])
    if o.get("h2"):  # nginx speaks HTTP/2 to a backend for gRPC only
        loc = "grpc_pass grpc://app; grpc_read_timeout %ss; grpc_connect_timeout %ss;" % (o["read"], o["connect"])
    c = write(ctx, "conf/proxy-nginx.conf", """
daemon off; master_process on; worker_processes 1; user %s; pid proxy-nginx.pid; error_log proxy-error.log info;
events { worker_connections 1024; }
http {
  log_format lab '$msec id=$arg_id "$request" $status up=$upstream_addr ust=$upstream_status uct=$upstream_connect_time uht=$upstream_header_time urt=$upstream_response_time rt=$request_time bytes=$body_bytes_sent';
  access_log proxy-access.log lab;
  client_body_temp_path tmp/p1; proxy_temp_path tmp/p2; fastcgi_temp_path tmp/p3; uwsgi_temp_path tmp/p4; scgi_temp_path tmp/p5;
  client_max_body_size 100m;
  map $http_upgrade $conn_up { default upgrade; "" ""; }
  upstream app { %s %s }
  server { listen %d%s; location / { %s } }
}
""" % (o.get("user", "root"), servers, ka, o.get("listen", 8080), " http2" if o.get("h2") else "", loc))
    p = spawn(ctx, ["nginx", "-p", "./", "-e", "proxy-error.log", "-c", c])
    return {"proc": p, "version": dpkg("nginx")}
