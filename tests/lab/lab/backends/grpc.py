"""A gRPC server in Python."""
import os

from ..daemon import APPS, PY, dpkg

PACKAGES = ("python3-grpcio",)


def start(ctx, o):
    p = ctx.lab.spawn(ctx.lab.backend, [PY, os.path.join(APPS, "grpc_app.py"), "serve", o["port"]], "backend-error.log")
    return {"proc": p, "name": "grpcio (Python)", "version": dpkg("python3-grpcio")}
