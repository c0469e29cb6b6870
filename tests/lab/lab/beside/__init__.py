"""What else runs on these hosts: a module each, named as the cases name it in `beside`, with PACKAGES and
start(ctx), which starts a server in the backend's namespace and returns talk(): a client in the proxy's
namespace, some seconds of its life. Nothing of it is wrong, or a proxy's attempt at a backend, so nothing of it may be
accused.
"""
import importlib


def module(name):
    return importlib.import_module("." + name, __name__)


def wait(ctx, port):
    ctx.lab.wait_port(ctx.lab.proxy, ctx.lab.backend_ip, port, 20)
