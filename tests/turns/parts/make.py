"""Makes captures of pools of connections to real databases and caches: `make.py [NAME ...]`, in networks of its own.

What must be said of each is counted here in the packets themselves, by their acknowledgement numbers, and stands in
its `case.toml`.
"""

import datetime
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

from servers import SERVERS, Running, run

HERE = os.path.dirname(os.path.abspath(__file__))
TO = os.path.dirname(HERE)
MOST_BYTES = 80_000
IDLE = 2.0
# One way, in seconds: what is sent within twice that of the server's close crosses it.
DELAY = {"postgresql": 0.015, "mariadb": 0.015, "redis": 0.08, "memcached": 0.08}


def connect_hosts():
    """The pool's host, a link that delays, and the server's host."""
    os.makedirs("/run/netns", exist_ok=True)
    run("mount", "-t", "tmpfs", "none", "/run/netns")
    for name in ("link", "server"):
        run("ip", "netns", "add", name)
    run("ip", "link", "add", "name", "pool0", "type", "veth", "peer", "name", "link0", "netns", "link")
    run("ip", "-n", "link", "link", "add", "name", "link1", "type", "veth", "peer", "name", "server0", "netns", "server")
    run("ip", "addr", "add", "10.77.2.1/24", "dev", "pool0")
    run("ip", "-n", "server", "addr", "add", "10.77.2.2/24", "dev", "server0")
    run("ip", "link", "set", "lo", "up")
    run("ip", "-n", "server", "link", "set", "lo", "up")
    for at, card in (((), "pool0"), (("-n", "link"), "link0"), (("-n", "link"), "link1"), (("-n", "server"), "server0")):
        run("ip", *at, "link", "set", card, "up")
        inside = ("ip", "netns", "exec", at[1]) if at else ()
        subprocess.run([*inside, "ethtool", "-K", card, "tso", "off", "gso", "off", "gro", "off", "tx", "off"], capture_output=True)


def use(kind, idles, leaves, failed):
    """One connection of the pool, which idles for so long before each question, and is left or waits for the end."""
    connection = kind()
    try:
        connection.connect()
        connection.ask()
        for idle in idles:
            time.sleep(idle)
            connection.ask()
    except Exception as error:
        failed.append(type(error).__name__)
        return
    if leaves is not None:
        time.sleep(leaves)
        connection.leave()
    else:
        time.sleep(IDLE + kind.late + 1.0)


def racing(kind):
    """Connections that the server closes, some with a question on its way to it."""
    delay = DELAY[kind.name]
    waits = [([0.1 + 0.1 * number], None) for number in range(6)]
    if kind.late:
        late = [IDLE - delay + kind.late * number / 40 for number in range(40)]
    else:
        late = [IDLE - delay + (number - 3) * delay / 6 for number in range(8)]
    crosses = [([0.2, idle], 0.1) for idle in late]
    after = [([0.3, IDLE + kind.late + 0.7], 0.1) for _ in range(2)]
    return waits + crosses + after


CASES = {}
for kind in SERVERS:
    CASES[f"race-{kind.name}"] = (kind, IDLE, racing(kind))
    CASES[f"clean-{kind.name}"] = (kind, None, [([0.1, 0.4, 1.0, 2.5], 0.2 * number) for number in range(4)])
    CASES[f"recycled-{kind.name}"] = (kind, IDLE + 1, [([0.1, 0.5, 0.9], 1.0) for _ in range(4)])


def segments(path):
    """The segments of a capture of Ethernet, IPv4 and TCP: time, sender's port, receiver's port, flags, first byte, end, ack."""
    data = open(path, "rb").read()
    at = 24
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from("<IIII", data, at)
        frame, at = data[at + 16:at + 16 + length], at + 16 + length
        ip = frame[14:]
        if frame[12:14] != b"\x08\x00" or ip[9] != 6:
            continue
        tcp = ip[(ip[0] & 15) * 4:struct.unpack_from(">H", ip, 2)[0]]
        source, to, first, ack, offset, flags = struct.unpack_from(">HHIIBB", tcp)
        size = len(tcp) - (offset >> 4) * 4
        yield seconds + micros / 1e6, source, to, flags, first, (first + size) & 0xffffffff, ack, size


# Of these clients' words only farewells are as short: PostgreSQL's Terminate, MySQL's COM_QUIT.
FAREWELL = 5


def count(path, port):
    """Connections whose question crosses the server's close, neither knowing of the other; that ask where the server is
    known to have closed; whose server closes with nothing under way."""
    connections = {}
    for segment in segments(path):
        client = segment[2] if segment[1] == port else segment[1]
        connections.setdefault(client, []).append(segment)
    crossed = knew = idle = 0
    for all in connections.values():
        # MariaDB resets.
        close = next((one for one in all if one[1] == port and (one[3] & 1 or one[3] & 20 == 20)), None)
        own = next((one for one in all if one[1] != port and one[3] & 5), None)
        if close is None or own is not None and own[0] < close[0]:
            continue
        asked = [one for one in all if one[1] != port and one[7] > FAREWELL]
        after = [one for one in asked if (one[4] - close[6]) & 0xffffffff < 1 << 31]
        if not after:
            idle += 1
        elif close[3] & 1 and 0 < (after[0][6] - close[5]) & 0xffffffff < 1 << 31:
            knew += 1
        else:
            crossed += 1
    return crossed, knew, idle


def record(name, scratch, wire):
    kind, timeout, uses = CASES[name]
    work = os.path.join(scratch, name)
    os.makedirs(work)
    os.chmod(scratch, 0o755)
    os.chmod(work, 0o755)
    capture = os.path.join(work, "proxy-side.pcap")
    delay = str(int(DELAY[kind.name] * 1e6))
    server = Running(kind, timeout, work)
    link = subprocess.Popen(["ip", "netns", "exec", "link", wire, "link0", "link1", delay], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        dump = subprocess.Popen(["tcpdump", "-i", "pool0", "-U", "--immediate-mode", "-Z", "root", "-w", capture, f"tcp port {kind.port}"],
                                stderr=subprocess.PIPE, text=True)
        dump.stderr.readline()
        time.sleep(0.3)
        failed = []
        threads = [threading.Thread(target=use, args=(kind, *one, failed)) for one in uses]
        for thread in threads:
            thread.start()
            time.sleep(0.01)
        for thread in threads:
            thread.join()
        time.sleep(0.5)
        dump.send_signal(signal.SIGINT)
        dump.wait(5)
        dump.stderr.close()
    finally:
        server.stop()
        link.terminate()
        link.wait()
    size = os.path.getsize(capture)
    assert size <= MOST_BYTES, f"{name}: {size} bytes"
    into = os.path.join(TO, name)
    shutil.rmtree(into, ignore_errors=True)
    os.makedirs(into)
    shutil.copy(capture, into)
    crossed, knew, idle = count(capture, kind.port)
    setting = kind.setting(timeout) if timeout else "no idle timeout"
    with open(os.path.join(into, "case.toml"), "w") as file:
        file.write(f"""# Made by: `tests/turns/make {name}`
server = "{kind.name} {kind.version()}"
made = "{datetime.date.today()}"
setting = "{setting}"
port = {kind.port}
connections = {len(uses)}
calls_failed = {len(failed)}

# Connections, by their packets alone: a question and the server's close crossed; a question was sent where the server
# was known to have closed; the server closed with nothing under way.
[right]
crossed = {crossed}
knew = {knew}
idle = {idle}
""")
    print(name, size, f"crossed {crossed}, knew {knew}, idle {idle}, failed {len(failed)}", flush=True)


def main():
    wanted = sys.argv[1:] or list(CASES)
    unknown = set(wanted) - set(CASES)
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    connect_hosts()
    with tempfile.TemporaryDirectory() as scratch:
        wire = os.path.join(scratch, "wire")
        run("gcc", "-O2", "-o", wire, os.path.join(TO, "../lab/lab/wire.c"))
        for name in wanted:
            record(name, scratch, wire)


main()
