"""What the modules that start a proxy or a backend share."""
import os
import shutil

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


def python_app(ctx):
    """Puts the WSGI and ASGI applications into the case's folder; returns the environment to find them."""
    folder = os.path.join(ctx.dir, "app")
    os.makedirs(folder, exist_ok=True)
    for name in ("wsgi_app.py", "asgi_app.py"):
        shutil.copy(os.path.join(APPS, name), folder)
    return {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
