"""PostgreSQL, and clients that say goodbye, are idle for too long, or ask for what is not there."""
import os
import time

from ..process import Proc, sh
from . import wait

PACKAGES = ("postgresql-15", "postgresql-client-15")
BIN = "/usr/lib/postgresql/15/bin/"


def start(ctx):
    data = os.path.join(ctx.dir, "tmp-postgres")
    os.makedirs(data)
    sh("chown", "-R", "postgres", data)
    sh("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", BIN + "initdb", "-A", "trust", "-N", "-D", data, cwd="/")
    with open(os.path.join(data, "pg_hba.conf"), "a") as f:
        f.write("host all all 10.77.0.0/16 trust\n")
    ctx.lab.spawn(ctx.lab.backend, ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", BIN + "postgres", "-D", data, "-h", "0.0.0.0", "-k", "",
                                    "-c", "idle_session_timeout=1500", "-c", "fsync=off"], None, cwd="/")
    wait(ctx, 5432)
    dsn = "host=%s user=postgres dbname=postgres sslmode=disable" % ctx.lab.backend_ip

    def psql(*words):
        return Proc(ctx.lab.proxy, ["psql", "-X", dsn, *words], "/", os.path.join(ctx.dir, "beside.log"))

    def talk():
        idle = psql("-c", "select 1", "-c", "\\! sleep 3", "-c", "select 2")  # the server closes it meanwhile
        for _ in range(4):
            psql("-c", "select count(*) from pg_class", "-c", "select pg_sleep(0.3)", "-c", "select no_such_column").p.wait(10)
            time.sleep(0.2)
        idle.p.wait(10)

    return talk
