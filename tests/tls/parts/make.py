"""Makes captures of real handshakes: `make.py [NAME ...]`, in a network and mounts of its own."""

import datetime
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from cases import CASES
from ends import BACKEND, BACKENDS, HERE, NAME, PROXIES, PROXY, Ends, version, wait_for

TO = os.path.dirname(HERE)


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more)


def key(keys, name):
    path = os.path.join(keys, name + ".key")
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    return path


def authority(keys, name, common):
    path = os.path.join(keys, name + ".crt")
    run("openssl", "req", "-x509", "-new", "-key", key(keys, name), "-out", path, "-days", "3650", "-subj", f"/O=Example Ltd/CN={common}")


def leaf(keys, name, common, by, begin="20200101000000Z", end="20491231000000Z", authority=False):
    """A certificate; `openssl ca` alone lets one choose the dates."""
    request = os.path.join(keys, name + ".csr")
    run("openssl", "req", "-new", "-key", key(keys, name), "-out", request, "-subj", f"/CN={common}")
    more = "basicConstraints=critical,CA:true\n" if authority else f"subjectAltName=DNS:{common}\n"
    config = os.path.join(keys, "ca.cnf")
    with open(config, "w") as file:
        file.write(f"[ca]\ndefault_ca=d\n[d]\nnew_certs_dir={keys}\ndatabase={keys}/index\nrand_serial=yes\ndefault_md=sha256\n"
                   f"policy=p\nunique_subject=no\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\n{more}")
    open(os.path.join(keys, "index"), "a").close()
    run("openssl", "ca", "-batch", "-config", config, "-notext", "-in", request, "-out", os.path.join(keys, name + ".crt"), "-cert",
        os.path.join(keys, by + ".crt"), "-keyfile", os.path.join(keys, by + ".key"), "-startdate", begin, "-enddate", end)


def make_keys(keys):
    os.makedirs(keys)
    authority(keys, "ca", "Example CA")
    authority(keys, "unknown_ca", "Unknown CA")
    leaf(keys, "intermediate", "Example Intermediate", "ca", authority=True)
    leaf(keys, "good", NAME, "ca")
    leaf(keys, "expired", NAME, "ca", end="20210101000000Z")
    leaf(keys, "wrong", "other.example", "ca")
    leaf(keys, "unknown", NAME, "unknown_ca")
    leaf(keys, "leaf_alone", NAME, "intermediate")
    leaf(keys, "client", "proxy.example", "ca")
    leaf(keys, "client_unknown", "proxy.example", "unknown_ca")
    shutil.copy(f"{keys}/leaf_alone.key", f"{keys}/chain.key")
    with open(f"{keys}/chain.crt", "w") as file:
        file.write(open(f"{keys}/leaf_alone.crt").read() + open(f"{keys}/intermediate.crt").read())
    run("go", "build", "-o", os.path.join(keys, "ends"), os.path.join(HERE, "main.go"), env={**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "off"})


def ask(number):
    connection = http.client.HTTPConnection("127.0.0.1", PROXY, timeout=9)
    try:
        connection.request("GET", f"/{number}", headers={"Host": NAME})
        answer = connection.getresponse()
        answer.read()
        return str(answer.status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def told(ends):
    """The lines of the logs that are about TLS."""
    wanted = ("ssl", "tls", "certificate", "x509", "handshake", "ERR_", "timeout", "EOF", "reset", "502", "503")
    lines = [line.strip() for line in open(ends.log, errors="replace") if any(word in line for word in wanted)]
    lines = [line for line in lines if not line.startswith(("{\"level\":\"info", "{\"level\":\"warn")) and "AH01914" not in line]
    return [line.replace(ends.work, "DIR")[:300] for line in lines[:4]]


def record(case, scratch):
    work = os.path.join(scratch, "work")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    ends = Ends(work)
    capture = os.path.join(work, "capture.pcap")
    listener = BACKENDS[case["backend"]](ends, case["b"])
    try:
        wait_for(BACKEND, ends)
        if case["backend"] == "tomcat":
            # Java's first handshake takes seconds, for which no proxy waits.
            for _ in range(2):
                subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{BACKEND}"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        PROXIES[case["proxy"]](ends, case["p"])
        wait_for(PROXY, ends)
        time.sleep(0.3)
        dump = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-Z", "root", "-w", capture, f"tcp port {PROXY} or tcp port {BACKEND}"],
                                stderr=subprocess.PIPE, text=True)
        dump.stderr.readline()
        time.sleep(0.3)
        statuses = []
        for number in range(case["requests"]):
            statuses.append(ask(number))
            time.sleep(case["gap"])
        time.sleep(0.4)
        dump.send_signal(signal.SIGINT)
        dump.wait(5)
        dump.stderr.close()
    finally:
        ends.stop()
        if listener:
            # Wakes the thread that accepts: until then the port stays taken.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
    size = os.path.getsize(capture)
    assert size <= case["most"], f"{case['name']}: {size} bytes"
    into = os.path.join(TO, case["name"])
    shutil.rmtree(into, ignore_errors=True)
    os.makedirs(into)
    shutil.copy(capture, into)
    options = ", ".join(f"{side} {name}={value}" for side, o in (("proxy", case["p"]), ("backend", case["b"])) for name, value in o.items())
    lines = [f"# Made by: `tests/tls/make {case['name']}`", f"proxy = {toml(version(case['proxy']))}", f"backend = {toml(version(case['backend']))}",
             f"made = {toml(datetime.date.today())}", f"options = {toml(options)}", f"clients_got = {toml(statuses)}", "logs = ["]
    lines += [f"    {toml(line)}," for line in told(ends)] + ["]"]
    if case["right"] is not None:
        lines += ["", "# The first connection to the backend.", "[right]"] + [f"{name} = {toml(value)}" for name, value in case["right"].items()]
    with open(os.path.join(into, "case.toml"), "w") as file:
        file.write("\n".join(lines) + "\n")
    print(case["name"], size, statuses, flush=True)


def main():
    wanted = sys.argv[1:] or [case["name"] for case in CASES]
    unknown = set(wanted) - {case["name"] for case in CASES}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as scratch:
        hosts = os.path.join(scratch, "hosts")
        with open(hosts, "w") as file:
            file.write(f"127.0.0.1 localhost {NAME}\n")
        run("mount", "--bind", hosts, "/etc/hosts")
        run("ip", "link", "set", "lo", "mtu", "1500", "up")
        for card in ("tso", "gso", "gro"):
            subprocess.run(["ethtool", "-K", "lo", card, "off"], capture_output=True)
        make_keys(os.path.join(scratch, "keys"))
        failed = []
        for case in CASES:
            if case["name"] in wanted:
                try:
                    record(case, scratch)
                except Exception as error:
                    failed.append(case["name"])
                    print(f"{case['name']}: {error}", file=sys.stderr)
    if failed:
        sys.exit(f"not made: {', '.join(failed)}")


main()
