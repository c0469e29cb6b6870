"""What the captures of a case show of each request: its attempts, and the connections that never carried it."""
import os
import re

from .attempt import attempts
from .observe import observe
from .packets import ACK, FIN, RST, SYN, View

EDGE = 0.05  # seconds by which the client's clock and the capture's may differ


class Witness:
    def __init__(self, folder, files, ports, keylog=None, fcgi=False, h2=False):
        views = {(end := f.split("-")[0]): View(os.path.join(folder, f), ports[end], keylog, h2) for f in files}
        self.proxy, self.backend = views["proxy"], views.get("backend")
        self.opaque, self.fcgi = keylog is not None, fcgi

    def request(self, rid, method, begun, ended):
        """Its attempts with what was observed, and the connections opened meanwhile that never carried it."""
        seen, there = [], None if self.backend is None else attempts(self.backend, rid)
        for a in attempts(self.proxy, rid):
            b = None
            if there is not None:
                b = next((x for x in there if x["proxy_port"] == a["proxy_port"]), None)
                a["other_side"] = True
            seen.append(_record(a, observe(a, b, method, self.opaque, self.fcgi)))
            if there is not None:
                seen[-1]["backend_side"] = b and {"frame": b["frame"], "fin_dt_ms": _after(b, "fin_in"), "rst_dt_ms": _after(b, "rst_in")}
        return seen, self._connects(seen, begun, ended)

    def _connects(self, seen, begun, ended):
        answered = any(x["observed"] == "status_200" for x in seen)
        carried, found = {x["stream"] for x in seen}, []
        for stream, frames in self.proxy.flows.items():
            syns = [p for p in frames if p["out"] and p["fl"] & (SYN | ACK) == SYN]
            if not syns or not begun - EDGE <= syns[0]["t"] <= ended + EDGE:
                continue
            one = {"stream": stream, "proxy_port": frames[0]["pport"]}
            ins = [p for p in frames if not p["out"]]
            reset = any(p["fl"] & RST for p in ins)
            if not any(p["fl"] & (SYN | ACK) == SYN | ACK for p in ins):
                unreachable = any(syns[0]["t"] <= when <= ended + 0.2 for when, *_ in self.proxy.icmp)
                found.append(dict(one, syns=len(syns), observed="connection_refused" if reset else "icmp_unreachable" if unreachable else "connect_timeout"))
            elif not answered and stream not in carried:
                found.append(dict(one, observed="connected", out_bytes=sum(p["len"] for p in frames if p["out"]), in_bytes=sum(p["len"] for p in ins),
                                  rst_in=reset, fin_in=any(p["fl"] & FIN for p in ins)))
        return found

    def probes_steady(self):
        """Whether at each end four of five probes (what carries no id) came within a fiftieth of one period: a
        busy machine makes them irregular, and then nobody can tell them."""
        return all(_steady(view) for view in (self.proxy, self.backend) if view)

    def idle_closes(self, bad_streams):
        """How many connections the backend closed first, of those on which nothing was lost."""
        n = 0
        for stream, frames in self.proxy.flows.items():
            fin = next((p["t"] for p in frames if not p["out"] and p["fl"] & FIN), None)
            own = next((p["t"] for p in frames if p["out"] and p["fl"] & (FIN | RST)), None)
            n += stream not in bad_streams and fin is not None and (own is None or fin < own)
        return n


def _steady(view):
    times = []
    for frames in view.flows.values():
        asked = [p for p in frames if p["out"] and re.match(rb"[A-Z]+ /", p["data"])]
        if not any(b"id=" in p["data"] for p in asked):
            times += [p["t"] for p in asked] or [frames[0]["t"]]
    times.sort()
    gaps = sorted(b - a for a, b in zip(times, times[1:]))
    near = [gap for gap in gaps if abs(gap - gaps[len(gaps) // 2]) < gaps[len(gaps) // 2] / 50]
    return len(gaps) >= 5 and len(near) * 5 >= len(gaps) * 4


def _after(a, kind):
    """Milliseconds from the request to a close, or None."""
    return a[kind] and round(1000 * (a[kind]["t"] - a["t_sent"]), 3)


def _record(a, observed):
    """An attempt as truth.json has it."""
    record = {key: a[key] for key in ("stream", "proxy_port", "backend", "frame")}
    record.update(t_sent=round(a["t_sent"], 6), reused=a["reused"], observed=observed)
    record.update({key: a[key] for key in ("acked", "retransmissions", "response_bytes", "seq_start", "seq_end")}, h2_stream=a.get("h2_stream"))
    for kind in ("fin_in", "rst_in", "fin_out", "rst_out"):
        if a[kind]:
            record[kind] = {"dt_ms": _after(a, kind), "ack": a[kind]["ack"], "seq": a[kind]["seq"], "frame": a[kind]["frame"]}
    return record
