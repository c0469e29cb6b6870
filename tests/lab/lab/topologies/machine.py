"""One machine."""


def one_machine(lab):
    """Proxies and backend on localhost, watched there and on any."""
    lab.one_host()
    lab.places = {"host-any": (lab.proxy, "any")}
