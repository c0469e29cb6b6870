"""The guest: one archive of files in memory, whose /init runs the steps and says what came of each."""
import os
import re
import stat
import subprocess

# What of this host is needed there besides; each with the libraries that it is linked to.
HOSTS = ("setpriv", "tc", "openssl")

INIT = r"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /usr/bin /usr/sbin /sbin
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s
export PATH=/steps/bin:/bin:/sbin:/usr/bin:/usr/sbin
exec </dev/null >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw -echo 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
chmod 1777 /tmp
read up rest </proc/uptime
echo "=== booted $up"
for step in /steps/*.sh; do
    name=${step##*/[0-9][0-9]-}
    cd /tmp
    timeout 120 sh $step >/tmp/out 2>/tmp/err
    status=$?
    killall -q -9 why502 httpd nc
    echo "=== step ${name%.sh} $status"
    for stream in out err facts; do
        [ ! -f /tmp/$stream ] || while IFS= read -r line; do printf '%s|%s\n' $stream "$line"; done </tmp/$stream
        rm -f /tmp/$stream
    done
done
echo "=== end"
sync
poweroff -f
"""

# What the steps share.
COMMON = r"""
fact() { echo "$*" >>/tmp/facts; }

# Begins to watch, with these options, and returns when it does, or could not.
watch() { watch_as "" "$@"; }
watch_as() {
    as=$1; shift
    : >/tmp/watch.err
    read asked rest </proc/uptime
    $as why502 live -i lo --format jsonl --exchanges "$@" 2>/tmp/watch.err & watching=$!
    for turn in $(seq 300); do
        if grep -q ': watching lo for' /tmp/watch.err; then
            read up rest </proc/uptime
            fact began $(dc -e "1k $up $asked - p")
            return 0
        fi
        [ -d /proc/$watching ] || return 1
        usleep 100000
    done
    return 1
}
# Ends the watch in order, and says how it ended.
unwatch() {
    kill -INT $watching 2>/dev/null
    wait $watching
    fact status $?
    cat /tmp/watch.err >&2
}
# Requests: answered; to a server that closes with the request unread; to a port where nobody listens.
# A server starts in its own time.
requests() {
    mkdir -p /tmp/www; echo yes >/tmp/www/ok
    httpd -f -p 127.0.0.1:8080 -h /tmp/www & server=$!; fact pid httpd $server
    nc -ll -p 8081 -e /bin/true & closer=$!; fact pid nc $closer
    until netstat -ltn | grep -q :8080 && netstat -ltn | grep -q :8081; do usleep 50000; done
    for port in 8080 8080 8081 8082; do
        wget -q -O /dev/null http://127.0.0.1:$port/ok 2>/dev/null & asking=$!
        fact pid wget-$port $asking
        wait $asking
    done
    # A connection that was closed is judged after some silence.
    sleep 1
    kill $server $closer; wait $server $closer 2>/dev/null
}
# What the kernel has of eBPF, bpftool's own aside.
programs() { for kind in prog map link; do bpftool $kind show 2>&1 | grep '^[0-9]' | grep -v -e pid_iter -e ' libbpf_' ; done; }
"""


def build(path, program, packages, chosen):
    """Writes the archive: `program`, what is in `packages`, and the steps that were chosen."""
    files = {}
    library = [os.path.join(p, where) for p in packages for where in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")]
    library = [folder for folder in library if os.path.isdir(folder)]
    beside = dict(os.environ, LD_LIBRARY_PATH=":".join(library), PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")

    def add(name, source):
        """A program, and the libraries it is linked to, as the loader finds them."""
        files[name] = (0o755, read_file(source))
        told = subprocess.run(["ldd", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=beside).stdout
        for line in told.splitlines():
            found = re.search(r"(?:(\S+) => )?(/\S+) \(0x", line)
            if found:
                # The interpreter has its path in the program; of libraries the name is what counts.
                at = found.group(2) if not found.group(1) else "/lib/x86_64-linux-gnu/" + found.group(1)
                files.setdefault(at.lstrip("/"), (0o755, read_file(found.group(2))))

    small = path + ".program"
    subprocess.run(["strip", "-o", small, program], check=True)
    add("bin/why502", small)
    os.unlink(small)
    for package in packages:
        for name in ("bin/busybox", "usr/sbin/bpftool"):
            source = os.path.join(package, name)
            if os.path.exists(source):
                add("bin/" + os.path.basename(name), source)
    for name in HOSTS:
        found = subprocess.run(["sh", "-c", "command -v " + name], stdout=subprocess.PIPE, text=True, env=beside).stdout.strip()
        if found:
            add("bin/" + name, os.path.realpath(found))
    files["etc/passwd"] = (0o644, b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    files["etc/group"] = (0o644, b"root:x:0:\nnogroup:x:65534:\n")
    files["init"] = (0o755, INIT.encode())
    for number, step in enumerate(chosen):
        for name, source in step.programs(program).items():
            files["bin/" + name] = (0o644, source)
        files["steps/%02d-%s.sh" % (number, step.name)] = (0o755, (COMMON + step.script).encode())
    folders = {"/".join(name.split("/")[:n]) for name in files for n in range(1, name.count("/") + 1)} | {"dev", "proc", "sys", "tmp"}
    with open(path, "wb") as f:
        # /dev/console has to be there before anything can be mounted.
        entry(f, 1, "dev", stat.S_IFDIR | 0o755, b"")
        entry(f, 2, "dev/console", stat.S_IFCHR | 0o600, b"", (5, 1))
        every = sorted(folders - {"dev"}) + sorted(files)
        for number, name in enumerate(every, 3):
            mode, content = files.get(name, (None, b""))
            entry(f, number, name, stat.S_IFDIR | 0o755 if mode is None else stat.S_IFREG | mode, content)
        entry(f, 0, "TRAILER!!!", 0, b"")


def entry(f, number, name, mode, content, device=(0, 0)):
    """One file of the archive, in cpio's format 'newc'."""
    head = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0)
    record = b"070701" + b"".join(b"%08x" % field for field in head) + name.encode() + b"\0"
    f.write(record + b"\0" * (-len(record) % 4) + content + b"\0" * (-len(content) % 4))


def read_file(path):
    with open(path, "rb") as f:
        return f.read()


class Result:
    """What came of a step: its streams' lines, and the facts that it noted."""

    def __init__(self, status):
        self.status, self.out, self.err, self.facts = status, [], [], []

    def fact(self, *name):
        """What was noted last under this name."""
        name = " ".join(name) + " "
        found = [line[len(name):] for line in self.facts if line.startswith(name)]
        return found[-1] if found else None

    def shown(self):
        lines = [("exit status", [str(self.status)]), ("facts", self.facts), ("standard output", self.out), ("standard error", self.err)]
        return "\n".join("    %s:\n%s" % (what, "\n".join("        " + line[:1500] for line in some)) for what, some in lines if some)


class Results:
    """What a guest said, whole."""

    def __init__(self):
        self.booted, self.steps = 0.0, {}


def read(text):
    """Takes apart what a guest said."""
    results, current = Results(), None
    for line in text.splitlines():
        if line.startswith("=== booted "):
            results.booted = float(line.split()[2])
        elif line.startswith("=== step "):
            _, _, name, status = line.split()
            current = results.steps[name] = Result(int(status))
        elif current is not None:
            stream, _, rest = line.partition("|")
            if stream in ("out", "err", "facts"):
                getattr(current, stream).append(rest)
    return results
