"""What the modules that start a proxy or a backend share."""
import os

from .process import sh

APPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps")
PY = "/usr/bin/python3"


def dpkg(package):
    """The version of an installed package."""
    return sh("dpkg-query", "-W", "-f", "${Version}", package, check=False).strip()


def write(ctx, rel, text):
    """Writes a file of the case's folder, and returns its path in there."""
    path = os.path.join(ctx.dir, rel)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return rel
