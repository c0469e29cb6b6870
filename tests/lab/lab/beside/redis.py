"""Redis: short-lived clients, one that blocks, one that is closed by the server for being idle."""
import os

from ..process import Proc
from . import wait

PACKAGES = ("redis-server", "redis-tools")


def start(ctx):
    ctx.lab.spawn(ctx.lab.backend, ["redis-server", "--port", 6379, "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--timeout", 1], "redis.log")
    wait(ctx, 6379)

    def cli(*words):
        return Proc(ctx.lab.proxy, ["redis-cli", "-h", ctx.lab.backend_ip, *words], "/", os.path.join(ctx.dir, "beside.log"))

    def talk():
        blocked = cli("BLPOP", "nothing", "2")
        cli("-r", 8, "-i", 0.2, "INCR", "hits").p.wait(10)
        cli("-r", 2, "-i", 2, "PING").p.wait(10)  # closed between the two
        cli("SHUTDOWN", "WRONG", "WORDS").p.wait(10)
        blocked.p.wait(10)

    return talk
