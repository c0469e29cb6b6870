"""php-fpm (FastCGI). Options: children, terminate."""
import os

from ..daemon import dpkg, write

PACKAGES = ("php-fpm",)
KNOWN = "php-fpm"


def start(ctx, o):
    write(ctx, "www/index.php", """<?php
$p = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH); $id = $_GET['id'] ?? '-';
if ($p == '/slow') { sleep((int)($_GET['s'] ?? 1)); }
if ($p == '/crash') { usleep(50000); posix_kill(posix_getpid(), 9); }
if ($p == '/status') { http_response_code((int)$_GET['c']); }
if ($p == '/oops') { throw new Exception('application error'); }
if ($p == '/truncate') { header('Content-Length: 20000'); echo str_repeat('y', 9000); ob_flush(); flush(); usleep(100000); posix_kill(posix_getpid(), 9); }
if ($p == '/bighdr') { header('X-Big: ' . str_repeat('b', (int)($_GET['n'] ?? 20000))); }
echo "ok $id\\n";
""")
    c = write(ctx, "conf/php-fpm.conf", """[global]
error_log = %(d)s/backend-error.log
pid = %(d)s/php-fpm.pid
daemonize = no
[www]
user = root
group = root
listen = 0.0.0.0:%(port)d
chroot = %(d)s
chdir = /
listen.backlog = 8
pm = static
pm.max_children = %(n)d
pm.max_requests = 0
request_terminate_timeout = %(term)s
access.log = %(d)s/backend-access.log
catch_workers_output = yes
""" % dict(d=ctx.dir, port=o["port"], n=o.get("children", 2), term=o.get("terminate", "0")))
    p = ctx.lab.spawn(ctx.lab.backend, ["php-fpm8.2", "-R", "-F", "-y", os.path.join(ctx.dir, c), "-d", "output_buffering=0"], "backend-stderr.log")
    return {"proc": p, "name": "php-fpm", "version": dpkg("php8.2-fpm")}
