"""Namespaces, the links between them, and the captures at both ends."""
import ctypes
import os
import signal
import socket
import time

from . import topologies
from .process import Proc, sh, tail
from .watch import Watch
from .wire import Wire

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

CLIENT_IP, PROXY_CIP = "10.77.1.2", "10.77.1.1"
PROXY_IP, BACKEND_IP = "10.77.2.1", "10.77.2.2"
BACKEND_IP2, NO_HOST_IP = "10.77.2.3", "10.77.2.99"
PROXY_IP6, BACKEND_IP6 = "fd77:2::1", "fd77:2::2"
PROXY_PORT = 8080


class NS:
    """A network namespace with a name that starts with lab-."""

    def __init__(self, name):
        assert name.startswith("lab-")
        self.name = name
        # A case that failed while its namespaces were made has left some.
        sh("ip", "netns", "del", name, check=False)
        sh("ip", "netns", "add", name)
        self.fd = os.open("/run/netns/" + name, os.O_RDONLY)
        self("ip", "link", "set", "lo", "up")

    def __call__(self, *argv, **kw):
        return sh("ip", "netns", "exec", self.name, *argv, **kw)

    def sysctl(self, key, value):
        self("sh", "-c", "echo %s > /proc/sys/%s" % (value, key.replace(".", "/")))

    def socket(self, family=socket.AF_INET):
        """A TCP socket that lives in this namespace, made from this process."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            if _libc.setns(self.fd, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                return socket.socket(family, socket.SOCK_STREAM)
            finally:
                if _libc.setns(back, CLONE_NEWNET):
                    os._exit(70)
        finally:
            os.close(back)

    def delete(self):
        os.close(self.fd)
        sh("ip", "netns", "del", self.name, check=False)


class Lab:
    """client -- proxy -- wire -- backend, in namespaces of their own.

    topology: "wire" (delayed link, offloads off), "direct" (plain veth, offloads
    on, no delay), "vxlan" (the same, and the two talk through a tunnel, outside of
    which the captures are), "loopback" (proxy and backend in one namespace, on
    127.0.0.1), or one of the package topologies.

    front     where the client finds the proxy
    server    where the proxy finds the backend, as it was told
    leg       all addresses of the backend that a capture may show
    places    further vantages: by name, the namespace and the interface
    """

    def __init__(self, tag, workdir, wire_binary, topology="wire", delay_ms=15, ipv6=False):
        self.topology, self.delay_ms, self.dir = topology, delay_ms, workdir
        self.procs, self.nss, self.caps = [], [], []
        self.wire, self.wire_binary, self.tag = None, wire_binary, tag
        self.front, self.server, self.leg, self.places = (PROXY_CIP, PROXY_PORT), None, None, {}
        self.client = self.host("client")
        if topology in topologies.ALL:
            topologies.ALL[topology](self)
        else:
            self._plain(ipv6)

    def before_proxy(self):
        """The proxy's host, and the client's link to it."""
        self.proxy = self.host("proxy")
        self.veth(self.client, "c0", self.proxy, "p0")
        self.addr(self.client, "c0", CLIENT_IP)
        self.addr(self.proxy, "p0", PROXY_CIP)
        self.proxy_ip, self.backend_ip = PROXY_IP, BACKEND_IP
        self.proxy_if, self.backend_if = "p1", "b0"

    def one_host(self):
        """Proxy and backend in one namespace."""
        self.before_proxy()
        self.backend = self.proxy
        self.proxy_ip = self.backend_ip = "127.0.0.1"
        self.proxy_if, self.backend_if = "lo", "lo"

    def _plain(self, ipv6=False):
        if self.topology == "loopback":
            self.one_host()
            return
        self.before_proxy()
        self.behind_proxy(wired=self.topology == "wire", ipv6=ipv6)
        if self.topology == "vxlan":
            self._tunnel()

    def behind_proxy(self, wired=True, ipv6=False):
        """The backend's host, and the proxy's link to it."""
        self.backend = self.host("backend")
        (self.wired if wired else self.veth)(self.proxy, "p1", self.backend, "b0")
        if ipv6:
            self.proxy_ip, self.backend_ip = PROXY_IP6, BACKEND_IP6
        self.addr(self.proxy, "p1", PROXY_IP, PROXY_IP6 if ipv6 else None)
        self.addr(self.backend, "b0", BACKEND_IP, BACKEND_IP6 if ipv6 else None)
        self.backend("ip", "addr", "add", BACKEND_IP2 + "/24", "dev", "b0")
        pm, bm = self._mac(self.proxy, "p1"), self._mac(self.backend, "b0")
        for ip in [BACKEND_IP, BACKEND_IP2] + ([BACKEND_IP6] if ipv6 else []):
            self.proxy("ip", "neigh", "replace", ip, "lladdr", bm, "dev", "p1", "nud", "permanent")
        for ip in [PROXY_IP] + ([PROXY_IP6] if ipv6 else []):
            self.backend("ip", "neigh", "replace", ip, "lladdr", pm, "dev", "b0", "nud", "permanent")

    def wired(self, a, ai, b, bi):
        """A link with the delaying wire in the middle: `a` is the proxy's side of it."""
        self.wns = self.host("wire")
        self.veth(a, ai, self.wns, "w0")
        self.veth(self.wns, "w1", b, bi)
        for ns, i in ((a, ai), (self.wns, "w0"), (self.wns, "w1"), (b, bi)):
            ns("ethtool", "-K", i, "rx", "off", "tx", "off", "gro", "off", "gso", "off", "tso", "off")
        for i in ("w0", "w1"):
            self.wns("ip", "link", "set", i, "promisc", "on")
        self.wire = Wire(self.wns, self.wire_binary, self.delay_ms, self.dir, os.path.join(self.dir, "wire.log"))
        self.procs.append(self.wire.proc)

    def _tunnel(self):
        self.proxy_ip, self.backend_ip = "10.78.2.1", "10.78.2.2"
        for ns, dev, mine, far in ((self.proxy, "p1", self.proxy_ip, BACKEND_IP), (self.backend, "b0", self.backend_ip, PROXY_IP)):
            ns("ip", "link", "add", "vx0", "type", "vxlan", "id", "502", "remote", far, "dstport", "4789", "dev", dev)
            self.addr(ns, "vx0", mine)
            ns("ip", "link", "set", "vx0", "up")

    def host(self, name):
        ns = NS("lab-%s-%s" % (self.tag, name))
        self.nss.append(ns)
        return ns

    def veth(self, a, ai, b, bi):
        sh("ip", "link", "add", ai, "netns", a.name, "type", "veth", "peer", "name", bi, "netns", b.name)
        for ns, i in ((a, ai), (b, bi)):
            ns("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6" % i)
            ns("ip", "link", "set", i, "up")

    def addr(self, ns, dev, ip4, ip6=None):
        ns("ip", "addr", "add", ip4 + "/24", "dev", dev)
        if ip6:
            ns("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/%s/disable_ipv6; echo 0 > /proc/sys/net/ipv6/conf/%s/accept_dad" % (dev, dev))
            ns("ip", "addr", "add", ip6 + "/64", "dev", dev, "nodad")

    def _mac(self, ns, dev):
        return ns("cat", "/sys/class/net/%s/address" % dev).strip()

    def spawn(self, ns, argv, log, cwd=None, env=None):
        p = Proc(ns, argv, cwd or self.dir, os.path.join(self.dir, log) if log else None, env)
        self.procs.append(p)
        return p

    def wait_port(self, ns, ip, port, timeout=20.0, proc=None):
        fam = socket.AF_INET6 if ":" in ip else socket.AF_INET
        end = time.time() + timeout
        while time.time() < end:
            s = ns.socket(fam)
            s.settimeout(1)
            try:
                s.connect((ip, port))
                s.close()
                return
            except OSError:
                s.close()
                if proc and not proc.alive():
                    break
            time.sleep(0.05)
        raise RuntimeError("nothing answers on %s:%s%s" % (
            ip, port, "" if not proc else " (log tail: %s)" % tail(proc.log)))

    def capture(self, kind="tcpdump", proxy_any=False, nano=False, backend_any=False, link=None, legs=False):
        """Capture at both ends. Returns the file names. `any` is cooked, in version 2 unless `link` says
        otherwise; `legs` puts both links of the proxy into one pcapng file."""
        ext = "pcapng" if kind == "dumpcap" else "pcap"
        names = []
        for name, (ns, dev) in self.vantages(proxy_any, backend_any).items():
            f = "%s.%s" % (name, ext)
            names.append(f)
            log = os.path.join(self.dir, "capture-%s.log" % name)
            if kind == "dumpcap":
                argv = ["dumpcap", "-q", "-i", dev, *(["-i", "p0"] if legs and ns is self.proxy else []), "-w", f, "-B", "32"]
            else:
                argv = ["tcpdump", "-i", dev, "-s", "0", "-U", "-n", "-B", "32768", "-Z", "root", "-w", f]
                if nano:
                    argv.insert(1, "--nano")
                if link and dev == "any":
                    argv += ["-y", link]
            p = Proc(ns, argv, self.dir, log)
            self.caps.append(p)
            end = time.time() + 5
            while time.time() < end:
                t = tail(log, 4000)
                if "listening on" in t or "File:" in t or "Capturing on" in t:
                    break
                time.sleep(0.02)
            else:
                raise RuntimeError("capture did not start: " + tail(log))
        time.sleep(0.3)
        return names

    def vantages(self, proxy_any=False, backend_any=False):
        """Where frames are taken: by name, the namespace and the interface."""
        found = {"proxy-side": (self.proxy, "any" if proxy_any else self.proxy_if)}
        if self.backend is not self.proxy:
            found["backend-side"] = (self.backend, "any" if backend_any else self.backend_if)
        return dict(found, **self.places)

    def watch(self, program, source, listeners, asked, proxy_any=False):
        """`why502 live` where the captures are taken: by a name that begins with the capture's. Where a connection may
        show under several addresses it is both told which are the backend's, and not."""
        told = {"": [] if proxy_any else listeners}  # what is named is all that is captured, and the front leg is wanted
        if self.topology in topologies.ALL:
            told = {"": [], "-told": listeners}
        watches = {}
        for name, (ns, interface) in self.vantages(proxy_any).items():
            for how, named in told.items():
                evidence = os.path.join(self.dir, "evidence-" + name + how)
                watches[name + how] = Watch(name, ns, program, source, interface, named, evidence, asked)
        return watches

    def stop_capture(self):
        time.sleep(1.5)  # the kernel hands over its capture blocks about once a second
        for p in self.caps:
            p.stop(signal.SIGINT)
        self.caps = []

    def close(self):
        for p in self.caps + self.procs[::-1]:
            try:
                p.stop()
            except Exception as e:  # keep cleaning up
                print("stop:", e)
        for ns in self.nss:
            ns.delete()
