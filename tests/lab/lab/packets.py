"""Reads one capture with tshark: its flows, and what became of each request in it.

Only the truth is checked with this, and never against why502: a case whose packets do not show what
the scenario meant to make is reported, not relabelled.
"""
import re
import subprocess

FIELDS = ["frame.number", "frame.time_epoch", "tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport",
          "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.flags", "tcp.window_size", "tcp.payload", "icmp.type", "icmp.code",
          "icmpv6.type", "_ws.col.Protocol"]


def tshark(pcap, fields, flt=None, opts=(), decode=(), every=False):
    argv = ["tshark", "-r", pcap, "-n", "-T", "fields", "-E", "separator=|", "-E", "occurrence=" + ("a" if every else "f")]
    for x in decode:
        argv += ["-d", x]
    for o in ("tcp.desegment_tcp_streams:FALSE",) if flt is None else ():
        argv += ["-o", o]
    for o in opts:
        argv += ["-o", o]
    for f in fields:
        argv += ["-e", f]
    if flt:
        argv += ["-Y", flt]
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return [l.split("|") for l in r.stdout.splitlines()]


def lt(a, b):
    """a < b in sequence space."""
    return ((a - b) & 0xffffffff) > 0x7fffffff


def le(a, b):
    return a == b or lt(a, b)


class View:
    """One capture file."""

    def __init__(self, path_, backend_ports, keylog=None, h2=False):
        self.flows, self.icmp = {}, []
        for row in tshark(path_, FIELDS):
            d = dict(zip(FIELDS, row))
            if d["icmp.type"] or d["icmpv6.type"]:
                if "3" in d["icmp.type"].split(",") or d["icmpv6.type"] == "1":  # unreachable, and not a neighbour's call
                    self.icmp.append((float(d["frame.time_epoch"]), d["icmp.type"] or d["icmpv6.type"], d["icmp.code"], d["tcp.srcport"]))
                continue
            if not d["tcp.stream"]:
                continue
            sp, dp = int(d["tcp.srcport"]), int(d["tcp.dstport"])
            if dp in backend_ports:
                out = True
            elif sp in backend_ports:
                out = False
            else:
                continue
            self.flows.setdefault(int(d["tcp.stream"]), []).append({
                "no": int(d["frame.number"]), "t": float(d["frame.time_epoch"]), "out": out, "pport": sp if out else dp,
                "src": d["ip.src"] or d["ipv6.src"], "dst": d["ip.dst"] or d["ipv6.dst"],
                "seq": int(d["tcp.seq_raw"]), "ack": int(d["tcp.ack_raw"] or 0), "len": int(d["tcp.len"]), "fl": int(d["tcp.flags"], 16),
                "win": int(d["tcp.window_size"] or 0), "data": bytes.fromhex(d["tcp.payload"])})
        self.where, self.answers, self.resets, self.goaways = {}, {}, {}, {}
        self.h2 = h2
        if keylog is not None:
            opts = ["tls.keylog_file:" + keylog] if keylog else []
            dec = ["tcp.port==%d,%s" % (p, "tls" if keylog else "http2") for p in backend_ports]
            fields = ["frame.number", "tcp.stream", "tcp.srcport", "http.request.uri", "http.response.code", "http2.type", "http2.streamid",
                      "http2.headers.path", "http2.headers.status", "http2.goaway.last_stream_id"]
            for no, st, sp, uri, code, typ, sid, path, status, last in tshark(path_, fields, "http or http2", opts, dec, every=True):
                no, st, out = int(no), int(st), int(sp) not in backend_ports
                for u in uri.split(","):
                    self._seen(u, st, no, None)
                if last and not out:
                    self.goaways.setdefault(st, []).append((no, int(last.split(",")[0])))
                if code:
                    self.answers.setdefault(st, []).append((no, None, code))
                frames = list(zip(typ.split(","), sid.split(",")))
                heads = [x[1] for x in frames if x[0] == "1"]
                for sidx, u in zip(heads, path.split(",") if path else []):
                    self._seen(u, st, no, sidx)
                if status:
                    for sidx, c in zip(heads, status.split(",")):
                        self.answers.setdefault(st, []).append((no, sidx, c))
                for t, sidx in frames:
                    if t == "3":
                        self.resets.setdefault(st, []).append((no, sidx, out))

    def _seen(self, uri, st, no, sid):
        m = re.search(r"id=([\w-]+)", uri)
        if m:
            self.where.setdefault(m.group(1), []).append((st, no, sid))

    def attempts(self, rid):
        out = []
        key = rid.encode()
        for st, pk in self.flows.items():
            starts, last = [], None
            if rid in self.where:
                nos = {n: sid for s, n, sid in self.where[rid] if s == st}
                starts = [i for i, p in enumerate(pk) if p["no"] in nos]
            if not starts and not self.where:
                for i, p in enumerate(pk):
                    if p["out"] and p["len"] and key in p["data"]:
                        if last is not None and le(p["seq"], last):
                            continue  # a retransmission
                        starts.append(i)
                        last = p["seq"]
            for i in starts[:1]:
                a = self._attempt(st, pk, i)
                if self.where:
                    sid = nos[pk[i]["no"]]
                    later = min([n for v in self.where.values() for s, n, x in v if s == st and n > a["frame"]] + [1 << 60]) if not self.h2 else 1 << 60
                    ans = [c for n, x, c in self.answers.get(st, []) if a["frame"] < n and n <= later and x == sid and c[0] != "1"]
                    a["answer"] = int(ans[-1]) if ans else None
                    a["h2_stream"] = sid
                    a["goaway"] = next((n for n, l in self.goaways.get(st, []) if sid and l < int(sid)), None)
                    rs = [o for n, x, o in self.resets.get(st, []) if x == sid]
                    a["h2_reset"] = None if not rs else ("out" if rs[0] else "in")
                out.append(a)
        return sorted(out, key=lambda a: a["t_sent"])

    def _attempt(self, st, pk, i):
        p0 = pk[i]
        a = {"stream": st, "proxy_port": p0["pport"], "backend": p0["dst"], "t_sent": p0["t"], "seq_start": p0["seq"],
             "reused": any(p["out"] and p["len"] for p in pk[:i] if p["fl"] & 2 == 0), "frame": p0["no"]}
        end = (p0["seq"] + p0["len"]) & 0xffffffff
        said = re.search(rb"\r\ncontent-length: *(\d+).*?\r\n\r\n", p0["data"], re.I | re.S)
        # the request goes on until the peer's first payload after it
        resp, fin_in, rst_in, fin_out, rst_out, acked, retx, zero, inbytes, last_in = None, None, None, None, None, False, 0, 0, 0, None
        acked_t, before, last_before = None, 0, None  # before: response bytes that came before the proxy closed
        nxt_in = None
        maxend = end
        for p in pk:
            if not p["out"] and p["no"] < p0["no"] and not p["fl"] & 4:
                e = (p["seq"] + p["len"] + (1 if p["fl"] & 3 else 0)) & 0xffffffff
                if nxt_in is None or lt(nxt_in, e):
                    nxt_in = e
                if p["fl"] & 1 and fin_in is None:
                    fin_in = p
        parts = {}
        seen_seq = set()
        for p in pk[i:]:
            if p["out"]:
                if p["len"]:
                    e = (p["seq"] + p["len"]) & 0xffffffff
                    if lt(maxend, e):
                        if resp is None and fin_out is None:
                            maxend = end = e
                        elif resp is not None:
                            # bytes after the response began: same request's body, or the next request
                            if re.match(rb"[A-Z]+ /", p["data"]) and p is not p0:
                                break
                            maxend = end = e
                    elif p is not p0 and le(e, maxend):
                        retx += 1
                if p["fl"] & 1 and fin_out is None:
                    fin_out = p
                if p["fl"] & 4 and rst_out is None:
                    rst_out = p
            else:
                if p["win"] == 0 and not p["fl"] & 4:
                    zero += 1
                if p["fl"] & 0x10 and lt(p0["seq"], p["ack"]) and le(end, p["ack"]) and not p["fl"] & 4:
                    acked = True
                    acked_t = acked_t or p["t"]
                if p["len"] and p["seq"] not in seen_seq:
                    seen_seq.add(p["seq"])
                    if resp is None:
                        resp = p
                    inbytes += p["len"]
                    if not fin_out and not rst_out:
                        before, last_before = before + p["len"], p
                    if inbytes < 220000:
                        parts[p["seq"]] = p["data"]
                    last_in = p
                if p["fl"] & 1 and fin_in is None:
                    fin_in = p
                if p["fl"] & 4 and rst_in is None:
                    rst_in = p
        # segments may arrive out of order
        first = min(parts, key=lambda q: (q - p0["ack"] + 0x40000000) & 0xffffffff) if parts else 0
        data = b"".join(parts[q] for q in sorted(parts, key=lambda q: (q - first) & 0xffffffff))
        # the proxy sent less of the body than its head says
        a["cut"] = bool(said) and (end - p0["seq"]) % (1 << 32) < said.end() + int(said.group(1))
        a.update(seq_end=end, acked=acked, acked_t=acked_t, bytes_before_close=before, retransmissions=retx, zero_window=zero, response_bytes=inbytes, data=data,
                 last_before_t=last_before and last_before["t"], resp_t=resp and resp["t"], last_in_t=last_in and last_in["t"])
        for k, p in (("fin_in", fin_in), ("rst_in", rst_in), ("fin_out", fin_out), ("rst_out", rst_out)):
            a[k] = p and {"t": p["t"], "seq": p["seq"], "ack": p["ack"], "frame": p["no"]}
        a["pk"] = pk
        m = re.match(rb"HTTP/1\.[01] (\d{3})[^\r]*\r\n", data)
        while m and m.group(1)[:1] == b"1" and m.group(1) != b"101" and b"\r\n\r\n" in data:
            data = data.split(b"\r\n\r\n", 1)[1]
            m = re.match(rb"HTTP/1\.[01] (\d{3})[^\r]*\r\n", data)
        a["data"] = data
        a["status"] = int(m.group(1)) if m else None
        return a
