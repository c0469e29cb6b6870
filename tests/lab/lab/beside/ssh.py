"""A real sshd, a login that is refused, and a client that only looks at the banner."""
import os
import time

from ..process import Proc, sh
from . import wait

PACKAGES = ("openssh-server", "openssh-client")


def start(ctx):
    key = os.path.join(ctx.dir, "tmp-hostkey")
    sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    os.makedirs("/run/sshd", exist_ok=True)
    ctx.lab.spawn(ctx.lab.backend, ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", 22, "-h", key], "ssh.log")
    wait(ctx, 22)

    def talk():
        for _ in range(3):
            Proc(ctx.lab.proxy, ["ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "nobody@" + ctx.lab.backend_ip, "true"],
                 "/", os.path.join(ctx.dir, "beside.log")).p.wait(10)
            s = ctx.lab.proxy.socket()
            s.connect((ctx.lab.backend_ip, 22))
            s.recv(100)
            s.close()
            time.sleep(0.3)

    return talk
