"""Apache Traffic Server. Options: retries."""
import os
import shutil

from ..daemon import dpkg, write
from ..process import sh
from . import spawn

PACKAGES = ("trafficserver",)


def start(ctx, o):
    root = os.path.join(ctx.dir, "ats")
    for d in ("etc", "var/log", "var/run", "var/cache"):
        os.makedirs(os.path.join(root, d), exist_ok=True)
    for f in os.listdir("/etc/trafficserver"):
        s = os.path.join("/etc/trafficserver", f)
        if os.path.isdir(s):
            shutil.copytree(s, os.path.join(root, "etc", f), dirs_exist_ok=True)
        else:
            shutil.copy(s, os.path.join(root, "etc", f))
    write(ctx, "ats/runroot.yaml", """prefix: %(r)s
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: %(r)s/etc
datadir: /usr/share/trafficserver
includedir: /usr/include
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
localstatedir: %(r)s/var
runtimedir: %(r)s/var/run
logdir: %(r)s/var/log
mandir: /usr/share/man
cachedir: %(r)s/var/cache
""" % dict(r=root))
    write(ctx, "ats/etc/records.config", """
CONFIG proxy.config.http.server_ports STRING 8080
CONFIG proxy.config.admin.user_id STRING trafficserver
CONFIG proxy.config.http.cache.http INT 0
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.http.server_session_sharing.match STRING both
CONFIG proxy.config.http.keep_alive_no_activity_timeout_out INT %(idle)s
CONFIG proxy.config.http.transaction_no_activity_timeout_out INT %(read)s
CONFIG proxy.config.http.connect_attempts_timeout INT %(connect)s
CONFIG proxy.config.http.post_connect_attempts_timeout INT %(connect)s
CONFIG proxy.config.http.connect_attempts_max_retries INT %(retries)s
CONFIG proxy.config.http.parent_proxy.per_parent_connect_attempts INT 1
CONFIG proxy.config.http.down_server.cache_time INT 0
CONFIG proxy.config.http.insert_request_via_str INT 1
CONFIG proxy.config.ssl.client.verify.server.policy STRING DISABLED
CONFIG proxy.config.log.logging_enabled INT 3
CONFIG proxy.config.log.max_secs_per_buffer INT 1
CONFIG proxy.config.dns.resolv_conf STRING NULL
""" % dict(o, retries=o.get("retries", 3)))
    write(ctx, "ats/etc/remap.config", "map / %s://%s/\n" % ("https" if o.get("tls") else "http", o["servers"][0]))
    write(ctx, "ats/etc/storage.config", "%s/var/cache 32M\n" % root)
    write(ctx, "ats/etc/logging.yaml", """logging:
  formats:
  - name: lab
    format: '%<cqts>.%<cqtq> id=%<{X-Request-Id}cqh> "%<cqhm> %<cquuc>" %<pssc> origin=%<sssc> crc=%<crc> sca=%<sca> ms=%<ttms> stms=%<stms>'
  logs:
  - filename: proxy-access
    format: lab
    mode: ascii
""")
    sh("chown", "-R", "trafficserver", root)
    p = spawn(ctx, ["traffic_server", "--run-root=" + root], "proxy-stdout.log", env={"TS_RUNROOT": root})
    ctx.late_logs = {"ats/var/log/proxy-access.log": "proxy-access.log", "ats/var/log/error.log": "proxy-error.log"}
    return {"proc": p, "name": "trafficserver", "version": dpkg("trafficserver")}
