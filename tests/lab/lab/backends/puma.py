"""Puma. Options: workers, max_fast_inline."""
import os
import shutil

from ..daemon import APPS, dpkg, write

PACKAGES = ("puma", "ruby-rack")
KNOWN = "puma-pre7"


def start(ctx, o):
    c = write(ctx, "conf/puma.rb", "bind 'tcp://0.0.0.0:%d'\nthreads 4, 4\npersistent_timeout %d\nfirst_data_timeout 10\n"
               "workers %d\nmax_fast_inline %d\nlog_requests true\nenvironment 'production'\n" % (
                   o["port"], o["ka"], o.get("workers", 0), o.get("max_fast_inline", 10)))
    shutil.copy(os.path.join(APPS, "config.ru"), ctx.dir)
    p = ctx.lab.spawn(ctx.lab.backend, ["puma", "-C", c, "config.ru"], "backend-access.log")
    return {"proc": p, "version": dpkg("puma")}
