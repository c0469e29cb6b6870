"""Squid as an accelerator. Options: tries."""
import os

from ..daemon import dpkg, write
from . import spawn

PACKAGES = ("squid",)


def start(ctx, o):
    ip, port = o["servers"][0].rsplit(":", 1)
    c = write(ctx, "conf/squid.conf", """
http_port 8080 accel defaultsite=lab.example no-vhost
cache_peer %(ip)s parent %(port)s 0 no-query no-digest originserver name=app connect-timeout=%(connect)s %(tls)s
http_access allow all
never_direct allow all
cache deny all
cache_effective_user proxy
cache_effective_group proxy
pid_filename %(d)s/squid.pid
coredump_dir %(d)s
logformat lab %%ts.%%03tu id=%%{X-Request-Id}>h "%%rm %%ru" %%>Hs %%Ss err=%%err_code/%%err_detail tr=%%tr
access_log stdio:%(d)s/proxy-access.log lab
cache_log %(d)s/proxy-error.log
debug_options ALL,1 11,3 17,3 48,2
read_timeout %(read)s seconds
request_timeout 30 seconds
pconn_timeout %(idle)s seconds
server_persistent_connections on
shutdown_lifetime 0 seconds
strip_query_terms off
forward_max_tries %(tries)s
netdb_filename none
pinger_enable off
visible_hostname proxy
""" % dict(o, ip=ip, port=port, d=ctx.dir, tls="tls sslflags=DONT_VERIFY_PEER" if o.get("tls") else "", tries=o.get("tries", 25)))
    name = "lab" + ctx.slot
    p = spawn(ctx, ["squid", "-N", "-n", name, "-f", os.path.join(ctx.dir, c)])
    return {"proc": p, "version": dpkg("squid")}
