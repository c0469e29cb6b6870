"""What container engines and nodes have in common: a bridge, namespaces on it, translated addresses."""


def bridge(host, name, address, filtered):
    """`filtered`: frames that only cross the bridge pass the firewall too, and are translated there, if the machine has
    loaded br_netfilter: that would stay when the laboratory ends."""
    switch = "/proc/sys/net/bridge/bridge-nf-call-iptables"
    host("sh", "-c", "[ ! -e %s ] || echo %d > %s" % (switch, filtered, switch))
    host("ip", "link", "add", name, "type", "bridge", "forward_delay", "0")
    host("ip", "addr", "add", address, "dev", name)
    host("ip", "link", "set", name, "up")
    host.sysctl("net.ipv4.ip_forward", 1)


def client(lab, host, address="10.77.1.1"):
    """The client's link to the host, which it reaches everything by."""
    lab.veth(lab.client, "c0", host, "h0")
    lab.addr(lab.client, "c0", "10.77.1.2")
    lab.addr(host, "h0", address)
    lab.client("ip", "route", "add", "default", "via", address)


def container(lab, host, on, name, address, gateway, wired=False):
    """A namespace with eth0 on a bridge of the host, where its link is `veth-NAME`; `wired`: behind the wire."""
    ns, link = lab.host(name), "veth-" + name
    (lab.wired if wired else lab.veth)(host, link, ns, "eth0")
    host("ip", "link", "set", link, "master", on)
    host("ip", "link", "set", link, "type", "bridge_slave", "hairpin", "on")
    lab.addr(ns, "eth0", address)
    ns("ip", "route", "add", "default", "via", gateway)
    return ns


def translate(host, to, leaving=""):
    """`to`: rules for addresses that are not the real ones; `leaving`: whose own address is hidden."""
    host("nft", "-f", "-", input="""table ip nat {
 chain pre { type nat hook prerouting priority -100; %s
 }
 chain out { type nat hook output priority -100; %s
 }
 chain post { type nat hook postrouting priority 100; %s
 }
}
""" % (to, to, leaving))
