"""Apache httpd, mod_proxy. Options: args (of ProxyPass), extra, h2."""
import os

from ..daemon import dpkg, write
from . import spawn

PACKAGES = ("apache2",)
KNOWN = "apache-mod-proxy"


def start(ctx, o):
    scheme = "https" if o.get("tls") else "http"
    if o.get("h2"):
        scheme = "h2" if o.get("tls") else "h2c"
    c = write(ctx, "conf/proxy-apache.conf", """
ServerRoot "${LABDIR}"
PidFile proxy-apache.pid
Listen 8080
ServerName proxy
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_http2_module /usr/lib/apache2/modules/mod_proxy_http2.so
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
Mutex file:${LABDIR}/tmp
StartServers 1
ServerLimit 1
ThreadLimit 25
ThreadsPerChild 25
MaxRequestWorkers 25
User www-data
Group www-data
Timeout 30
KeepAlive On
SSLProxyEngine on
SSLProxyVerify none
SSLProxyCheckPeerName off
SSLProxyCheckPeerCN off
SSLProxyCheckPeerExpire off
ErrorLog proxy-error.log
LogLevel info proxy:debug proxy_http:debug
LogFormat "%%{sec}t.%%{msec_frac}t id=%%{X-Request-Id}i \\"%%r\\" %%>s bytes=%%B us=%%D X=%%X log=%%L" lab
CustomLog proxy-access.log lab
ErrorLogFormat "[%%{u}t] [%%-m:%%l] [%%L] %%E: %%M id=%%{X-Request-Id}i"
ProxyRequests Off
%(extra)s
ProxyPass / %(scheme)s://%(server)s/ connectiontimeout=%(connect)s timeout=%(read)s ttl=%(idle)s %(args)s
""" % dict(o, scheme=scheme, server=o["servers"][0], args=o.get("args", "retry=0"), extra=o.get("extra", "")))
    os.makedirs(os.path.join(ctx.dir, "tmp"), exist_ok=True)
    os.chmod(os.path.join(ctx.dir, "tmp"), 0o777)
    p = spawn(ctx, ["apache2", "-DFOREGROUND", "-d", ctx.dir, "-f", c], env={"LABDIR": ctx.dir})
    return {"proc": p, "version": dpkg("apache2")}
