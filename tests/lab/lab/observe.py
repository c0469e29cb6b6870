"""What the packets of one attempt show, in the truth's words."""
import os
import re

from .packets import View, le


def complete(a, method):
    d = a["data"]
    if b"\r\n\r\n" not in d:
        return False
    head, body = d.split(b"\r\n\r\n", 1)
    if method == "HEAD" or a["status"] in (204, 304, 101):
        return True
    m = re.search(rb"content-length:\s*(\d+)", head, re.I)
    if m:
        hl = len(head) + 4
        return a["response_bytes"] >= hl + int(m.group(1)) or len(body) >= int(m.group(1))
    if re.search(rb"transfer-encoding:.*chunked", head, re.I):
        return d.rstrip().endswith(b"0") or b"\r\n0\r\n" in d[-64:] or len(d) >= 200000
    return bool(a["fin_in"])


def fcgi_status(d):
    """The status of a complete FastCGI answer, or None."""
    i, out, end = 0, b"", False
    while i + 8 <= len(d):
        typ, n, pad = d[i + 1], d[i + 4] << 8 | d[i + 5], d[i + 6]
        if typ == 6:
            out += d[i + 8:i + 8 + n]
        end |= typ == 3
        i += 8 + n + pad
    if not end:
        return None
    m = re.search(rb"^Status: (\d+)", out, re.M)
    return int(m.group(1)) if m else 200


def observe(a, b, method, opaque=False, fcgi=False):
    """What one attempt shows; a is the proxy-side view, b the backend-side view (or None)."""
    o = _observe(a, b, method, opaque, fcgi)
    if o in ("keepalive_race", "stale_reuse") and not a["reused"]:
        return "closed_before_request"  # a new connection: nothing was kept alive
    return o


def _queue_full(pk):
    """The handshake was done for the proxy, and yet the backend's host repeats its SYN+ACK."""
    answers = [p["t"] for p in pk if not p["out"] and p["fl"] & 0x12 == 0x12]
    return any(t - answers[0] > 0.1 and any(p["out"] and p["t"] < t and p["fl"] & 0x12 == 0x10 for p in pk) for t in answers[1:])


def _observe(a, b, method, opaque, fcgi):
    fin, rst = a["fin_in"], a["rst_in"]
    br = (b or a)["rst_in"]
    outs = [x["t"] for x in (a["fin_out"], a["rst_out"]) if x]
    ins = [x["t"] for x in (fin, rst) if x]
    gave_up = bool(outs) and (not ins or min(outs) < min(ins))
    if gave_up and b is not None and ins:
        # closes that crossed on the way (close_notify makes a proxy close before the FIN is there): the backend was first
        bo, bi = [[x["t"] for x in (b[i], b[j]) if x] for i, j in (("fin_out", "rst_out"), ("fin_in", "rst_in"))]
        if bi and (not bo or min(bi) < min(bo)):
            gave_up = False
    if _queue_full(a["pk"]) and (a["acked_t"] is None or a["acked_t"] - a["t_sent"] > 0.9):
        return "accept_queue_full" if outs else "waiting"
    if rst and not fin and not gave_up and a["resp_t"] and rst["t"] < a["resp_t"]:
        return "reset_in_flight"  # the answer came to a connection that was gone
    if not fin and a["rst_out"] and a["resp_t"] and not a["fin_out"] and 0 <= a["rst_out"]["t"] - a["resp_t"] < 0.002 and a["resp_t"] - a["t_sent"] > 1:
        # the answer came long after the proxy had dropped the socket: its kernel refuses it
        return "backend_slow" if a["acked_t"] and a["acked_t"] < a["resp_t"] - 0.3 else "path_blackhole"
    if opaque and "answer" in a:
        if a["answer"]:
            return "status_%d" % a["answer"]
        if fin and le(fin["ack"], a["seq_start"]):
            return "stale_reuse" if fin["t"] < a["t_sent"] else "keepalive_race"
        if a["goaway"]:
            # the backend had said goodbye, and this stream is beyond the last one it will serve
            return "stale_reuse" if a["goaway"] < a["frame"] else "keepalive_race"
        if a["h2_reset"]:
            return "backend_slow" if a["h2_reset"] == "out" else "h2_reset_by_backend"
        a["response_bytes"] = 0
    if gave_up and a["response_bytes"] and not a["data"] and min(outs) - a["t_sent"] < 0.3:
        return "proxy_broke_off"  # interim responses are all that it waited for
    if gave_up and a["cut"] and not a["bytes_before_close"] and min(outs) - a["t_sent"] < 0.3:
        return "proxy_broke_off"
    if gave_up and not a["bytes_before_close"] and (fcgi or not opaque or a.get("answer") is None):
        # whatever came later, the proxy had closed by then
        a = dict(a, response_bytes=0, acked=a["acked_t"] is not None and a["acked_t"] < min(outs))
    if fcgi and a["response_bytes"]:
        st = fcgi_status(a["data"])
        return "status_%d" % st if st else ("truncated_response" if fin or rst else "backend_stalled")
    if a["response_bytes"] == 0 or (opaque and a["response_bytes"] <= 64):
        if b is None and a.get("other_side"):
            # the backend's side never saw this request
            if rst:
                return "path_blackhole"
            return "path_blackhole"
        bf = (b or a)["fin_in"]
        if bf and b is not None and le(bf["ack"], b["seq_start"]) and bf["t"] < b["t_sent"] and not (fin and fin["t"] < a["t_sent"]):
            return "keepalive_race"
        if gave_up and min(outs) - a["t_sent"] < 0.3 and a["h2_reset"] is None if "h2_reset" in a else False:
            return "proxy_closed"
        if gave_up:
            return "backend_stalled" if a["zero_window"] else ("backend_slow" if a["acked"] else "path_blackhole")
        if fin and le(fin["ack"], a["seq_start"]):
            return "stale_reuse" if fin["t"] < a["t_sent"] else "keepalive_race"
        if fin and le(a["seq_end"], fin["ack"]):
            return "closed_in_flight"
        if fin:
            return "closed_in_flight"
        if br and b is not None and br["t"] < b["t_sent"]:
            return "keepalive_race"
        if rst:
            if rst["ack"] and le(rst["ack"], a["seq_start"]):
                return "keepalive_race"
            return "reset_in_flight"
        if a["zero_window"]:
            return "backend_stalled"
        if a["fin_out"] or a["rst_out"] or True:
            return "backend_slow" if a["acked"] else "path_blackhole"
    if opaque:
        return "response"
    if gave_up and a["bytes_before_close"] < a["response_bytes"]:
        # what came after the proxy's close, it did not read
        a = dict(a, response_bytes=a["bytes_before_close"], data=a["data"][:a["bytes_before_close"]], last_in_t=a["last_before_t"])
    if a["status"] is None:
        if a["data"][:5] == b"HTTP/" and (fin or rst):
            return "truncated_response"
        return "invalid_response"
    if complete(a, method):
        return "status_%d" % a["status"]
    if fin or rst:
        if gave_up and a["last_in_t"] and min(outs) - a["last_in_t"] > 0.8:
            return "backend_stalled"
        return "truncated_response"
    return "backend_stalled"


class Checker:
    def __init__(self, d, files, ports, keylog=None, fcgi=False, h2=False):
        self.v, self.fcgi = {}, fcgi
        for f in files:
            self.v["p" if f.startswith("proxy") else "b"] = View(os.path.join(d, f), ports, keylog, h2)
        self.opaque = keylog is not None

    def request(self, rid, method, t0, t1):
        """-> (list of attempts with 'observed', evidence of connections without a request)."""
        res = []
        bs = self.v["b"].attempts(rid) if "b" in self.v else None
        for a in self.v["p"].attempts(rid):
            b = None
            if bs is not None:
                b = next((x for x in bs if x["proxy_port"] == a["proxy_port"]), None)
                a["other_side"] = True
            o = observe(a, b, method, self.opaque, self.fcgi)
            e = {"stream": a["stream"], "proxy_port": a["proxy_port"], "backend": a["backend"], "frame": a["frame"], "t_sent": round(a["t_sent"], 6), "reused": a["reused"],
                 "observed": o, "acked": a["acked"], "retransmissions": a["retransmissions"], "response_bytes": a["response_bytes"],
                 "seq_start": a["seq_start"], "seq_end": a["seq_end"], "h2_stream": a.get("h2_stream")}
            for k in ("fin_in", "rst_in", "fin_out", "rst_out"):
                if a[k]:
                    e[k] = {"dt_ms": round(1000 * (a[k]["t"] - a["t_sent"]), 3), "ack": a[k]["ack"], "seq": a[k]["seq"], "frame": a[k]["frame"]}
            if b:
                e["backend_side"] = {"frame": b["frame"], "fin_dt_ms": b["fin_in"] and round(1000 * (b["fin_in"]["t"] - b["t_sent"]), 3),
                                     "rst_dt_ms": b["rst_in"] and round(1000 * (b["rst_in"]["t"] - b["t_sent"]), 3)}
            elif bs is not None:
                e["backend_side"] = None
            res.append(e)
        conns = []
        answered = any(x["observed"] == "status_200" for x in res)
        for st, pk in self.v["p"].flows.items():
            syn = [p for p in pk if p["out"] and p["fl"] & 0x12 == 2]
            if not syn or not (t0 - 0.05 <= syn[0]["t"] <= t1 + 0.05):
                continue
            sa = [p for p in pk if not p["out"] and p["fl"] & 0x12 == 0x12]
            rst = [p for p in pk if not p["out"] and p["fl"] & 4]
            if sa:
                if not answered and not any(x["stream"] == st for x in res):
                    conns.append({"stream": st, "proxy_port": pk[0]["pport"], "observed": "connected", "out_bytes": sum(p["len"] for p in pk if p["out"]),
                                  "in_bytes": sum(p["len"] for p in pk if not p["out"]), "rst_in": bool(rst), "fin_in": any(p["fl"] & 1 for p in pk if not p["out"])})
                continue
            ic = [x for x in self.v["p"].icmp if syn[0]["t"] <= x[0] <= t1 + 0.2]
            conns.append({"stream": st, "proxy_port": pk[0]["pport"], "syns": len(syn),
                          "observed": "connection_refused" if rst else ("icmp_unreachable" if ic else "connect_timeout")})
        return res, conns

    def probes_steady(self, side):
        """Whether four of five probes (what carries no id) came within a fiftieth of one period: a busy machine
        makes them irregular, and then nobody can tell them."""
        times = []
        for pk in self.v[side].flows.values():
            asked = [p for p in pk if p["out"] and re.match(rb"[A-Z]+ /", p["data"])]
            if any(b"id=" in p["data"] for p in asked):
                continue
            times += [p["t"] for p in asked] or [pk[0]["t"]]
        times.sort()
        gaps = sorted(b - a for a, b in zip(times, times[1:]))
        near = [g for g in gaps if abs(g - gaps[len(gaps) // 2]) < gaps[len(gaps) // 2] / 50]
        return len(gaps) >= 5 and len(near) * 5 >= len(gaps) * 4

    def idle_closes(self, bad_streams):
        """Backend closes on connections on which nothing was lost."""
        n = 0
        for st, pk in self.v["p"].flows.items():
            if st not in bad_streams and any(not p["out"] and p["fl"] & 1 for p in pk):
                first_in = next(p for p in pk if not p["out"] and p["fl"] & 1)
                fo = next((p for p in pk if p["out"] and p["fl"] & 5), None)
                if fo is None or first_in["t"] < fo["t"]:
                    n += 1
        return n
