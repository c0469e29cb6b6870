"""Pods whose sidecar takes what comes in, or what goes out, by REDIRECT."""


def sidecar_in(lab):
    """The sidecar takes what comes to the application's own port, and calls it by lo: both legs bear one address."""
    lab.one_host()
    pod = "10.77.1.1"
    lab.proxy("nft", "add table ip nat; add chain ip nat pre { type nat hook prerouting priority -100; }; add rule ip nat pre tcp dport 3000 redirect to :8080")
    lab.backend_ip = lab.proxy_ip = pod
    lab.front = (pod, 3000)
    lab.places = {"pod-any": (lab.proxy, "any")}


def sidecar_out(lab):
    """A proxy's calls are taken by its sidecar, which runs as uid 33 and makes them itself: on lo the requests go to the
    sidecar, and their answers come from the backend's address."""
    lab.before_proxy()
    lab.behind_proxy()
    lab.proxy("nft", "add table ip nat; add chain ip nat out { type nat hook output priority -100; }; "
              "add rule ip nat out ip daddr %s tcp dport 3000 meta skuid != 33 redirect to :8081" % lab.backend_ip)
    lab.places = {"pod-any": (lab.proxy, "any")}
