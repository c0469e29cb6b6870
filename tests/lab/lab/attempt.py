"""One attempt: what one capture shows of a request on one connection.

An attempt is a dictionary:
  stream, proxy_port, backend      the connection
  frame, t_sent, seq_start         its first segment
  reused                           the connection had carried something before
  seq_end                          one past the last byte of it that was sent
  cut                              the proxy sent less of the body than the head says
  acked, acked_t                   all that was sent was acknowledged
  retransmissions, zero_window     segments sent again; times the backend said that it has no room
  data, status, resp_t             the answer (its beginning, put in order), its status, when it began
  response_bytes, last_in_t        how much of it came, and when the last of it did
  bytes_before_close, last_before_t  the same, before the proxy closed
  fin_in, rst_in, fin_out, rst_out the first close of each kind and side: t, seq, ack, frame
  pk                               all segments of the connection
and, where TLS or HTTP/2 was decoded: answer (status), h2_stream, h2_reset ("in", "out"), goaway (frame).
"""
import re

from .packets import ACK, FIN, RST, SYN, le, lt

KEPT = 220000  # bytes of an answer that are looked at
FOREVER = 1 << 60
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r]*\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+).*?\r\n\r\n", re.I | re.S)


def attempts(view, rid):
    """The attempts of a request in a capture, in order of time. A connection carries it once at most."""
    found = []
    for stream, frames in view.flows.items():
        begin = _beginning(view, rid, stream, frames)
        if begin is None:
            continue
        a = _follow(stream, frames, begin)
        if view.requests:
            a.update(_decoded(view, rid, a))
        found.append(a)
    return sorted(found, key=lambda a: a["t_sent"])


def _beginning(view, rid, stream, frames):
    """Which of the frames the request begins with: as tshark decoded it, or else by its id in clear."""
    if rid in view.requests:
        numbers = {no for of, no, _ in view.requests[rid] if of == stream}
        return next((i for i, p in enumerate(frames) if p["no"] in numbers), None)
    if view.requests:
        return None
    key = rid.encode()
    return next((i for i, p in enumerate(frames) if p["out"] and p["len"] and key in p["data"]), None)


def _decoded(view, rid, a):
    """What only the decoded capture shows of an attempt."""
    stream, frame = a["stream"], a["frame"]
    of = next(of for at, no, of in view.requests[rid] if at == stream and no == frame)
    end = FOREVER
    if not view.h2:  # the next request on the connection
        end = min([no for seen in view.requests.values() for at, no, _ in seen if at == stream and no > frame] + [FOREVER])
    answers = [status for no, to, status in view.answers.get(stream, []) if frame < no <= end and to == of and status[0] != "1"]
    resets = [out for _, to, out in view.resets.get(stream, []) if to == of]
    goaway = next((no for no, last in view.goaways.get(stream, []) if of and last < int(of)), None)
    return {"answer": int(answers[-1]) if answers else None, "h2_stream": of, "goaway": goaway,
            "h2_reset": None if not resets else "out" if resets[0] else "in"}


def _follow(stream, frames, begin):
    first = frames[begin]
    walk = _Walk(frames, begin)
    said = _LENGTH.search(first["data"])
    data, status = _answer(walk.parts, first["ack"])
    a = {"stream": stream, "proxy_port": first["pport"], "backend": first["dst"], "frame": first["no"], "t_sent": first["t"], "seq_start": first["seq"],
         "reused": any(p["out"] and p["len"] for p in frames[:begin] if not p["fl"] & SYN),
         "seq_end": walk.end, "cut": bool(said) and (walk.end - first["seq"]) % (1 << 32) < said.end() + int(said.group(1)),
         "acked": walk.acked is not None, "acked_t": walk.acked and walk.acked["t"], "retransmissions": walk.again, "zero_window": walk.no_room,
         "data": data, "status": status, "resp_t": walk.answer and walk.answer["t"],
         "response_bytes": walk.received, "last_in_t": walk.last and walk.last["t"],
         "bytes_before_close": walk.received_before, "last_before_t": walk.last_before and walk.last_before["t"], "pk": frames}
    for kind, p in walk.closes.items():
        a[kind] = p and {"t": p["t"], "seq": p["seq"], "ack": p["ack"], "frame": p["no"]}
    return a


def _end(p):
    return (p["seq"] + p["len"]) & 0xffffffff


class _Walk:
    """Goes through the segments of a connection, from a request's first one to the next request."""

    def __init__(self, frames, begin):
        self.first = frames[begin]
        self.end = _end(self.first)
        self.acked = self.answer = self.last = self.last_before = None
        self.again = self.no_room = self.received = self.received_before = 0
        self.parts, self.seen = {}, set()
        self.closes = dict.fromkeys(("fin_in", "rst_in", "fin_out", "rst_out"))
        # A FIN that was there before the request counts: the proxy had not looked.
        self.closes["fin_in"] = next((p for p in frames[:begin] if not p["out"] and p["fl"] & FIN and not p["fl"] & RST), None)
        for p in frames[begin:]:
            if p["out"] and self._is_next_request(p):
                break
            (self._from_proxy if p["out"] else self._from_backend)(p)

    def _is_next_request(self, p):
        return self.answer is not None and p["len"] and lt(self.end, _end(p)) and re.match(rb"[A-Z]+ /", p["data"])

    def _close(self, side, p):
        for flag, kind in ((FIN, "fin_"), (RST, "rst_")):
            if p["fl"] & flag and self.closes[kind + side] is None:
                self.closes[kind + side] = p

    def _from_proxy(self, p):
        if p["len"] and lt(self.end, _end(p)):
            # More of the body, also while an early answer comes in; not after the proxy's own FIN.
            if self.answer is not None or self.closes["fin_out"] is None:
                self.end = _end(p)
        elif p["len"] and p is not self.first:
            self.again += 1
        self._close("out", p)

    def _from_backend(self, p):
        reset = p["fl"] & RST
        if p["win"] == 0 and not reset:
            self.no_room += 1
        if p["fl"] & ACK and not reset and lt(self.first["seq"], p["ack"]) and le(self.end, p["ack"]):
            self.acked = self.acked or p
        old = le(_end(p), self.first["ack"])  # of the answer before, sent again
        if p["len"] and not old and p["seq"] not in self.seen:
            self.seen.add(p["seq"])
            self._take(p)
        self._close("in", p)

    def _take(self, p):
        """New bytes of the answer."""
        self.answer, self.last = self.answer or p, p
        self.received += p["len"]
        if not self.closes["fin_out"] and not self.closes["rst_out"]:
            self.received_before += p["len"]
            self.last_before = p
        if self.received < KEPT:
            self.parts[p["seq"]] = p["data"]


def _answer(parts, expected):
    """The beginning of the answer without interim ones, and its status. Segments may come out of order, and
    somewhat before the sequence number that the request acknowledged."""
    behind = (expected - 0x40000000) & 0xffffffff
    data = b"".join(parts[seq] for seq in sorted(parts, key=lambda seq: (seq - behind) & 0xffffffff))
    line = _STATUS.match(data)
    while line and line.group(1)[:1] == b"1" and line.group(1) != b"101" and b"\r\n\r\n" in data:
        data = data.split(b"\r\n\r\n", 1)[1]
        line = _STATUS.match(data)
    return data, int(line.group(1)) if line else None
