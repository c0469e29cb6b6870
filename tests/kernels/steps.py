"""What is done in a guest, and what must hold of it on which kernel.

A step is a shell script (it has what guest.COMMON defines) and a check of what it said: the check yields
pairs of a claim and whether it holds. To add one, write both and put it into ALL.
"""
import glob
import json
import os
import re
import struct


class Kernel:
    """A kernel, by its release."""

    def __init__(self, release):
        self.release = release
        self.version = tuple(int(n) for n in re.findall(r"\d+", release)[:2])

    def since(self, *version):
        return self.version >= version


class Step:
    """Something to do in a guest."""

    def __init__(self, name, what, script, check, programs=lambda program: {}):
        self.name, self.what, self.script, self.check, self.programs = name, what, script, check, programs


def records(result, kind):
    """The records of one type that a watch gave."""
    found = []
    for line in result.out:
        if line.startswith("{"):
            record = json.loads(line)
            if record.get("type") == kind:
                found.append(record)
    return found


def failures(result):
    """Port of the backend -> the failure there."""
    return {record["backend"].rsplit(":", 1)[1]: record for record in records(result, "failure")}


def asides(result, word):
    """The lines with that word on standard error."""
    return [line for line in result.err if word in line]


def seen(result):
    """What every watch must have seen of `requests`."""
    exchanges = [e for e in records(result, "exchange") if e["backend"].endswith(":8080")]
    yield "both answers seen", len(exchanges) == 2 and all(e["status"] == 200 and not e["failed"] for e in exchanges)
    found = failures(result)
    yield "the refused connect is connection_refused", found.get("8082", {}).get("cause") == "connection_refused"
    yield "the close without an answer is a failure", "8081" in found
    yield "nobody else is accused", set(found) <= {"8081", "8082"}
    yield "exit status 1", result.fact("status") == "1"


LONGEST_BEGINNING = 30
WATCHED = "--backend :8080 --backend :8081 --backend :8082"


def began(result):
    """How long a watch took to begin, programs and all, emulated: a verifier that goes astray takes minutes."""
    seconds = result.fact("began")
    yield "began after %s s" % seconds, seconds is not None and float(seconds) < LONGEST_BEGINNING


def with_pcap(_, result):
    yield from seen(result)
    yield from began(result)
    yield "watched with libpcap", len(asides(result, "(libpcap")) == 1
    # At its start a watch says what it watches, what that shows, and what listens here.
    begin = (": watching lo for", ": lo shows ", " on this host")
    yield "nothing else said", not [line for line in result.err if not any(words in line for words in begin)]


def with_ebpf(kernel, result):
    yield from seen(result)
    yield from began(result)
    said = asides(result, "--source ebpf:")
    if kernel.since(6, 6):
        yield "watched with eBPF", len(asides(result, "(eBPF")) == 1 and not said
        yield "one program and its maps while it watches", " sched_cls " in "\n".join(result.facts)
    else:
        wanted = "--source ebpf: it needs Linux 6.6, this is %s: watching with libpcap" % kernel.release
        yield "one line says that tcx needs 6.6", len(said) == 1 and wanted in said[0]
        yield "watched with libpcap", len(asides(result, "(libpcap")) == 1


def objects(program):
    """The segments' programs as the build left them, for bpftool to load: as they are, and told to keep some
    ports only, which is more for the verifier to follow. Name in the guest -> content."""
    found = glob.glob(os.path.join(os.path.dirname(program), "build/why502-*/out/segments.bpf.o"))
    if not found:
        return {}
    with open(max(found, key=os.path.getmtime), "rb") as f:
        every = f.read()
    some = bytearray(every)
    some[where(every, b"some_ports")] = 1
    return {"every.bpf.o": every, "some.bpf.o": bytes(some)}


def where(elf, name):
    """Where in an object file (ELF, 64 bits, little-endian) the variable of that name lies."""
    first, = struct.unpack_from("<Q", elf, 40)
    size, count, _ = struct.unpack_from("<HHH", elf, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, first + n * size) for n in range(count)]
    for _, kind, _, _, at, length, link, _, _, _ in sections:
        if kind == 2:  # the table of symbols
            names = sections[link][4]
            for symbol in range(at, at + length, 24):
                text, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", elf, symbol)
                if elf[names + text:].startswith(name + b"\0"):
                    return sections[section][4] + value
    raise ValueError("no %s in the object" % name.decode())


def loads(kernel, result):
    if kernel.since(5, 17):
        # What cannot be attached before 6.6 can be loaded: 6.6 and 6.7 have the hook, and the verifier that 6.1 has.
        yield "the segments' programs load", result.fact("every") == "2" and result.fact("some") == "2"
    else:
        yield "not before 5.17 (bpf_loop)", result.fact("every") == "0" and result.fact("some") == "0"


def left(kernel, result):
    before, during, after = result.fact("before"), result.fact("during"), result.fact("after")
    yield "it watched", result.fact("watched") == "yes"
    yield "with programs" if kernel.since(6, 6) else "as it could", not kernel.since(6, 6) or int(during or 0) > int(before or 0)
    yield "killed", result.fact("status") == "137"
    yield "no program, map or link more than before", before is not None and before == after
    yield "no qdisc", not [line for line in result.facts if re.match("qdisc.*(clsact|ingress)", line)]


# What is given to a user who is not root, and what has to be said to be lacking: for eBPF's frames, and for
# whose connections are. Newer verifiers let the segments' programs by without CAP_PERFMON.
RIGHTS = (("net_raw", "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN", "CAP_BPF, CAP_PERFMON"),
          ("net_raw,bpf,net_admin", "CAP_PERFMON", "CAP_PERFMON"), ("net_raw,bpf,perfmon,net_admin", None, None))
AS = """
for rights in %s none; do
    plus=+$(echo $rights | sed 's/,/,+/g'); [ $rights != none ] || plus=-all
    watch_as "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,$plus --ambient-caps=-all,$plus" --source ebpf >/dev/null
    kill -INT $watching 2>/dev/null; wait $watching; fact ended $rights $?
    while read -r line; do fact said $rights "$line"; done </tmp/watch.err
done
""" % " ".join(rights for rights, _, _ in RIGHTS)


def rights(kernel, result):
    for given, lacks, untold in RIGHTS:
        said = [line for line in result.facts if line.startswith("said %s " % given)]
        about = [line for line in said if "--source ebpf:" in line]
        whose = [line for line in said if "whose connections are is not told:" in line]
        yield "with %s a watch" % given, any(": watching lo for" in line for line in said)
        if lacks is not None:
            without = given != "net_raw" and not about and any("(eBPF" in line for line in said)
            named = len(about) == 1 and about[0].count("process lacks " + lacks + ": watching with libpcap") == 1
            yield "eBPF without CAP_PERFMON" if without else "one line names %s" % lacks, without or named
            yield "another names %s" % untold, len(whose) == 1 and whose[0].endswith("process lacks " + untold)
            continue
        if kernel.since(6, 6):
            yield "nothing missing", not about
        else:
            yield "one line says that it is too old", len(about) == 1 and "it needs Linux 6.6" in about[0]
        if kernel.since(5, 11):
            yield "processes", not whose
        else:
            yield "another names the limit of locked memory", len(whose) == 1 and "(ulimit -l)" in whose[0]
    said = [line for line in result.facts if line.startswith("said none ")]
    yield "without any of them no watch, and why", result.fact("ended none") == "2" and "cap_net_raw" in said[-1]


def sockets(kernel, result):
    yield from seen(result)
    yield from began(result)
    said = asides(result, "this kernel does not tell")
    wanted = [word for word, since in (("Linux 6.3", (6, 3)), ("Linux 6.10", (6, 10)), ("Linux 5.11", (5, 11))) if not kernel.since(*since)]
    yield "one line says what is missing", len(said) == (1 if wanted else 0)
    yield "missing: %s" % (", ".join(wanted) or "nothing"), all(any(word in line for line in said) for word in wanted)
    yield "tracepoints while it watches", any(" tracing " in line and "inet_sock_set_state" in line for line in result.facts)
    # `nc` runs `true`, which closes with the request unread; who asked is a wget of known number.
    proxy, backend = ends(result, "8081")
    closed = backend.get("closed") or {}
    yield "who asked is named", proxy.get("pid") == number(result, "wget-8081")
    yield "who closed unread is named", (closed.get("by") or {}).get("command") == "true"
    yield "how much was unread", (closed.get("unread_bytes") or 0) > 0
    # It read nothing: to own it would be a guess.
    yield "and nobody who read", backend.get("pid") is None
    reset = backend.get("reset") or {}
    yield "and the reset", reset.get("reason") == ("unread_data" if kernel.since(6, 10) else "untold")


def owner(kernel, result):
    """Who took a request is told by another tracepoint before 6.3."""
    reader = number(result, "reader")
    proxy, backend = ends(result, "8083")
    closed = backend.get("closed") or {}
    yield "who asked is named", proxy.get("pid") == number(result, "wget-8083")
    yield "who read is named", reader is not None and (backend.get("pid"), backend.get("command")) == (reader, "dd")
    yield "and who closed", (closed.get("by") or {}).get("pid") == reader
    yield "with nothing unread", closed.get("unread_bytes") == 0
    # The kernel's maps are asked without privileges, which 5.19 allows.
    yield "when it read", backend.get("last_read") is not None or not kernel.since(5, 19)


def ends(result, port):
    """What is told of the processes at both ends of the failure there."""
    process = failures(result).get(port, {}).get("process") or {}
    return process.get("proxy") or {}, process.get("backend") or {}


def number(result, name):
    """The process number that was noted under this name."""
    noted = result.fact("pid", name)
    return int(noted) if noted else None


def tls(kernel, result):
    if "skipped" in result.facts:
        yield "skipped: this host has no openssl", True
        return
    said = asides(result, "TLS is not read in clear")
    if kernel.since(6, 3):
        yield "OpenSSL is watched", not said and any("libssl.so" in line for line in asides(result, "covers"))
        yield "programs at its functions", any(" kprobe " in line for line in result.facts)
        read = [e for e in records(result, "exchange") if e["backend"].endswith(":9443")]
        yield "what was asked is read", [(e["protocol"], e["target"], e["status"]) for e in read] == [("http1", "/read-in-clear", 200)]
    else:
        yield "one line says that it needs 6.3", len(said) == 1 and "it needs Linux 6.3" in said[0]
        yield "and TLS stays what it is", not records(result, "exchange")


ALL = [
    Step("pcap", "watches with libpcap", "watch --source pcap --processes never %s\nrequests\nunwatch\n" % WATCHED, with_pcap),
    Step("ebpf", "watches with tcx (Linux 6.6), else says so and watches with libpcap",
         "watch --source ebpf %s\nprograms | while read -r line; do fact bpf \"$line \"; done\nrequests\nunwatch\n" % WATCHED, with_ebpf),
    Step("loads", "loads the segments' programs without attaching them", """
for ports in every some; do
    bpftool prog loadall /bin/$ports.bpf.o /sys/fs/bpf/$ports type classifier 2>/tmp/log || tail -12 /tmp/log
    fact $ports $(ls /sys/fs/bpf/$ports 2>/dev/null | wc -l)
    rm -rf /sys/fs/bpf/$ports
done
""", loads, objects),
    Step("sockets", "the kernel's word on whose the ends are", """
watch --source pcap --processes always %s
programs | while read -r line; do fact bpf "$line"; done
requests
unwatch
""" % WATCHED, sockets),
    Step("tls", "OpenSSL's text (Linux 6.3), else says so", """
command -v openssl >/dev/null || { fact skipped; exit; }
mkdir -p /tmp/tls; cd /tmp/tls
printf '[req]\\ndistinguished_name=dn\\n[dn]\\n' >conf
export OPENSSL_CONF=/tmp/tls/conf
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out certificate -subj /CN=x 2>/dev/null
openssl s_server -accept 9443 -cert certificate -key key -WWW >/dev/null 2>&1 & server=$!
printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nyes' >read-in-clear
until netstat -ltn | grep -q :9443; do usleep 50000; done
watch --source pcap --tls-uprobes
programs | while read -r line; do fact bpf "$line "; done
{ printf 'GET /read-in-clear HTTP/1.0\\r\\n\\r\\n'; sleep 2; } | openssl s_client -connect 127.0.0.1:9443 -quiet >/dev/null 2>&1
sleep 1
kill $server
unwatch
""", tls),
    Step("owner", "who took a request and closed without an answer", """
watch --source pcap --processes always --backend :8083
printf '#!/bin/sh\\necho pid reader $$ >>/tmp/facts\\nexec dd bs=4096 count=1 of=/dev/null 2>/dev/null\\n' >/tmp/reads
chmod +x /tmp/reads
nc -ll -p 8083 -e /tmp/reads & closer=$!
until netstat -ltn | grep -q :8083; do usleep 50000; done
wget -q -O /dev/null http://127.0.0.1:8083/ok 2>/dev/null & asking=$!
fact pid wget-8083 $asking
wait $asking
sleep 1
kill $closer; wait $closer 2>/dev/null
unwatch
""", owner),
    Step("rights", "a user with some of the rights, and with none", AS, rights),
    Step("killed", "SIGKILL leaves nothing", """
fact before $(programs | wc -l)
watch --source ebpf %s && fact watched yes
fact during $(programs | wc -l)
requests
kill -KILL $watching; wait $watching; fact status $?
sleep 1
fact after $(programs | wc -l)
programs | while read -r line; do fact stayed "$line"; done
tc qdisc show dev lo | while read -r line; do fact "$line"; done
""" % WATCHED, left),
]
