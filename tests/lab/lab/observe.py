"""What the packets of one attempt show, in the truth's words."""
import re

from .packets import ACK, SYN, le

AT_ONCE = 0.3  # seconds: a proxy that leaves so soon was not waiting for an answer
HELLO = 64  # bytes that a backend may send without having answered: a TLS alert, HTTP/2's settings


def observe(a, b, method, opaque=False, fcgi=False):
    """What one attempt shows; a is the proxy-side view, b the backend-side view (or None). opaque: what the
    connection carries is readable only where it was decoded."""
    seen = _Seen(a, b, method, opaque, fcgi)
    word = seen.queue() or seen.late() or seen.decoded() or seen.broken_off() or seen.unanswered() or seen.answered()
    if word in ("keepalive_race", "stale_reuse") and not a["reused"]:
        return "closed_before_request"  # a new connection: nothing was kept alive
    return word


class _Seen:
    def __init__(self, a, b, method, opaque, fcgi):
        self.a, self.b, self.method, self.opaque, self.fcgi = a, b, method, opaque, fcgi
        self.fin, self.rst = a["fin_in"], a["rst_in"]
        self.closed = min((x["t"] for x in (a["fin_out"], a["rst_out"]) if x), default=None)
        # When the proxy left: its own close, if that came first.
        self.left = self.closed if _first(a, b) == "proxy" else None

    def queue(self):
        """The handshake is done for the proxy, but not for the backend, which has no room for the connection."""
        a = self.a
        if _queue_full(a["pk"]) and (a["acked_t"] is None or a["acked_t"] - a["t_sent"] > 0.9):
            return "accept_queue_full" if self.closed else "waiting"
        return None

    def late(self):
        """The answer came to a connection that was gone."""
        a, fin, rst = self.a, self.fin, self.rst
        if rst and not fin and not self.left and a["resp_t"] and rst["t"] < a["resp_t"]:
            return "reset_in_flight"
        own = a["rst_out"]
        if not fin and own and a["resp_t"] and not a["fin_out"] and 0 <= own["t"] - a["resp_t"] < 0.002 and a["resp_t"] - a["t_sent"] > 1:
            # the proxy had dropped its socket long before, and its kernel refuses the answer
            return "backend_slow" if a["acked_t"] and a["acked_t"] < a["resp_t"] - 0.3 else "path_blackhole"
        return None

    def decoded(self):
        """What TLS or HTTP/2 hid, and tshark could read."""
        a = self.a
        if not self.opaque or "answer" not in a:
            return None
        if a["answer"]:
            return "status_%d" % a["answer"]
        if self._crossed():
            return self._race()
        if a["goaway"]:  # the backend had said goodbye, and this stream is beyond the last one that it will serve
            return "stale_reuse" if a["goaway"] < a["frame"] else "keepalive_race"
        if a["h2_reset"]:
            return "backend_slow" if a["h2_reset"] == "out" else "h2_reset_by_backend"
        a["response_bytes"] = 0  # what came was no answer
        return None

    def broken_off(self):
        """The proxy left at once, in the middle of its own request, or after interim responses."""
        a = self.a
        at_once = self.left and self.left - a["t_sent"] < AT_ONCE
        if at_once and a["cut"] and not a["bytes_before_close"]:
            return "proxy_broke_off"
        interim = a["response_bytes"] and not a["data"]  # all that it waited for
        return "proxy_broke_off" if at_once and interim else None

    def unanswered(self):
        """No byte of an answer, or none before the proxy left: whatever came later, it did not read."""
        a = self.a
        if self.left and not a["bytes_before_close"] and (self.fcgi or not self.opaque or a.get("answer") is None):
            self.a = a = dict(a, response_bytes=0, acked=a["acked_t"] is not None and a["acked_t"] < self.left)
        if a["response_bytes"] > (HELLO if self.opaque and not self.fcgi else 0):
            return None
        if self.b is None and a.get("other_side"):
            return "path_blackhole"  # the backend's side never saw this request
        if self._closed_before_it_came():
            return "keepalive_race"
        if self.left and self.left - a["t_sent"] < AT_ONCE and a.get("h2_reset", "") is None:
            return "proxy_closed"
        if self.left:
            return "backend_stalled" if a["zero_window"] else self._silent()
        if self.fin:
            return self._race() if self._crossed() else "closed_in_flight"
        if self.b and self.b["rst_in"] and self.b["rst_in"]["t"] < self.b["t_sent"]:
            return "keepalive_race"
        if self.rst:
            crossed = self.rst["ack"] and le(self.rst["ack"], a["seq_start"])
            return "keepalive_race" if crossed else "reset_in_flight"
        return "backend_stalled" if a["zero_window"] else self._silent()

    def answered(self):
        """Something of an answer: whole, cut, stalled, or no answer that anybody could read."""
        a, ended = self.a, self.fin or self.rst
        if self.fcgi:
            status = _fcgi_status(a["data"])
            return "status_%d" % status if status else "truncated_response" if ended else "backend_stalled"
        if self.opaque:
            return "response"
        if self.left and a["bytes_before_close"] < a["response_bytes"]:
            # what came after the proxy's close, it did not read
            a = dict(a, response_bytes=a["bytes_before_close"], data=a["data"][:a["bytes_before_close"]], last_in_t=a["last_before_t"])
        if a["status"] is None:
            return "truncated_response" if a["data"][:5] == b"HTTP/" and ended else "invalid_response"
        if _complete(a, self.method):
            return "status_%d" % a["status"]
        waited = self.left and a["last_in_t"] and self.left - a["last_in_t"] > 0.8
        return "truncated_response" if ended and not waited else "backend_stalled"

    def _crossed(self):
        """The backend's FIN acknowledges no byte of the request."""
        return self.fin and le(self.fin["ack"], self.a["seq_start"])

    def _race(self):
        return "stale_reuse" if self.fin["t"] < self.a["t_sent"] else "keepalive_race"

    def _closed_before_it_came(self):
        """At the backend's side the FIN stands before the request; at the proxy's it had not arrived."""
        b, fin = self.b, self.fin
        if b is None or not b["fin_in"] or fin and fin["t"] < self.a["t_sent"]:
            return False
        return le(b["fin_in"]["ack"], b["seq_start"]) and b["fin_in"]["t"] < b["t_sent"]

    def _silent(self):
        return "backend_slow" if self.a["acked"] else "path_blackhole"


def _first(a, b):
    """Who closed first: "proxy", "backend" or None. Closes that cross on the way come in another order at each
    end (close_notify makes a proxy close before the FIN is there); then the backend was first."""
    def closes(view, side):
        return [x["t"] for x in (view["fin_" + side], view["rst_" + side]) if x]

    outs, ins = closes(a, "out"), closes(a, "in")
    if not outs:
        return "backend" if ins else None
    if ins and min(ins) <= min(outs):
        return "backend"
    if ins and b is not None:
        there = closes(b, "in")
        if there and min(there) < min(closes(b, "out"), default=float("inf")):
            return "backend"
    return "proxy"


def _queue_full(pk):
    """The handshake was done for the proxy, and yet the backend's host repeats its SYN+ACK."""
    answers = [p["t"] for p in pk if not p["out"] and p["fl"] & (SYN | ACK) == SYN | ACK]
    return any(t - answers[0] > 0.1 and any(p["out"] and p["t"] < t and p["fl"] & (SYN | ACK) == ACK for p in pk) for t in answers[1:])


def _complete(a, method):
    """The whole of an answer came."""
    data = a["data"]
    if b"\r\n\r\n" not in data:
        return False
    head, body = data.split(b"\r\n\r\n", 1)
    if method == "HEAD" or a["status"] in (204, 304, 101):
        return True
    length = re.search(rb"content-length:\s*(\d+)", head, re.I)
    if length:
        wanted = int(length.group(1))
        return a["response_bytes"] >= len(head) + 4 + wanted or len(body) >= wanted
    if re.search(rb"transfer-encoding:.*chunked", head, re.I):
        return data.rstrip().endswith(b"0") or b"\r\n0\r\n" in data[-64:] or len(data) >= 200000
    return bool(a["fin_in"])


def _fcgi_status(data):
    """The status of a complete FastCGI answer, or None."""
    at, out, end = 0, b"", False
    while at + 8 <= len(data):
        kind, length, padding = data[at + 1], data[at + 4] << 8 | data[at + 5], data[at + 6]
        if kind == 6:
            out += data[at + 8:at + 8 + length]
        end |= kind == 3
        at += 8 + length + padding
    if not end:
        return None
    status = re.search(rb"^Status: (\d+)", out, re.M)
    return int(status.group(1)) if status else 200
