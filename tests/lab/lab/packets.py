"""Reads one capture with tshark: the segments of each connection, what ICMP said, and, where it has the keys,
what TLS and HTTP/2 hide.

Only the truth is checked with this, and never against why502: a case whose packets do not show what
the scenario meant to make is reported, not relabelled.
"""
import re
import subprocess

FIN, SYN, RST, ACK = 1, 2, 4, 16
RST_STREAM = "3"  # HTTP/2's types of frames
HEADERS = "1"

SEGMENT = ["frame.number", "frame.time_epoch", "tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport",
           "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.flags", "tcp.window_size", "tcp.payload", "icmp.type", "icmp.code",
           "icmpv6.type"]
DECODED = ["frame.number", "tcp.stream", "tcp.srcport", "http.request.uri", "http.response.code", "http2.type", "http2.streamid",
           "http2.headers.path", "http2.headers.status", "http2.goaway.last_stream_id"]


def tshark(pcap, fields, only=None, options=(), decode=(), every=False):
    """A list of values for each frame; with `every`, all values of a field that a frame has several times."""
    argv = ["tshark", "-r", pcap, "-n", "-T", "fields", "-E", "separator=|", "-E", "occurrence=" + ("a" if every else "f")]
    for rule in decode:
        argv += ["-d", rule]
    for option in options:
        argv += ["-o", option]
    for field in fields:
        argv += ["-e", field]
    if only:
        argv += ["-Y", only]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return [line.split("|") for line in done.stdout.splitlines()]


def lt(a, b):
    """a < b in sequence space."""
    return ((a - b) & 0xffffffff) > 0x7fffffff


def le(a, b):
    return a == b or lt(a, b)


class View:
    """One capture file.

    flows     by tshark's tcp.stream, the segments in the order of the capture: no (the frame's), t, out (from
              the proxy), pport (the proxy's port), src, dst, seq, ack, len, fl (flags), win, data
    icmp      (when, type, code, port) of each error
    and, where it was decoded:
    requests  by a request's id, (tcp.stream, frame, HTTP/2's stream or None)
    answers   by tcp.stream, (frame, HTTP/2's stream or None, status)
    resets    by tcp.stream, (frame, HTTP/2's stream, whether the proxy sent it)
    goaways   by tcp.stream, (frame, the last stream that the backend will serve)
    """

    def __init__(self, path, backend_ports, keylog=None, h2=False):
        self.flows, self.icmp = {}, []
        self.requests, self.answers, self.resets, self.goaways = {}, {}, {}, {}
        self.h2, self.ports = h2, backend_ports
        for row in tshark(path, SEGMENT, options=("tcp.desegment_tcp_streams:FALSE",)):
            self._segment(dict(zip(SEGMENT, row)))
        if keylog is not None:
            options = ["tls.keylog_file:" + keylog] if keylog else []
            protocols = ["tcp.port==%d,%s" % (port, "tls" if keylog else "http2") for port in backend_ports]
            for row in tshark(path, DECODED, "http or http2", options, protocols, every=True):
                self._decoded(*row)

    def _segment(self, d):
        if d["icmp.type"] or d["icmpv6.type"]:
            if "3" in d["icmp.type"].split(",") or d["icmpv6.type"] == "1":  # unreachable, and not a neighbour's call
                self.icmp.append((float(d["frame.time_epoch"]), d["icmp.type"] or d["icmpv6.type"], d["icmp.code"], d["tcp.srcport"]))
            return
        if not d["tcp.stream"]:
            return
        source, target = int(d["tcp.srcport"]), int(d["tcp.dstport"])
        out = target in self.ports
        if not out and source not in self.ports:
            return  # the front leg
        self.flows.setdefault(int(d["tcp.stream"]), []).append({
            "no": int(d["frame.number"]), "t": float(d["frame.time_epoch"]), "out": out, "pport": source if out else target,
            "src": d["ip.src"] or d["ipv6.src"], "dst": d["ip.dst"] or d["ipv6.dst"],
            "seq": int(d["tcp.seq_raw"]), "ack": int(d["tcp.ack_raw"] or 0), "len": int(d["tcp.len"]), "fl": int(d["tcp.flags"], 16),
            "win": int(d["tcp.window_size"] or 0), "data": bytes.fromhex(d["tcp.payload"])})

    def _decoded(self, no, stream, source, uris, code, types, ids, paths, statuses, last):
        """One frame of HTTP that tshark could read; what it has several of is joined by commas."""
        no, stream, out = int(no), int(stream), int(source) not in self.ports
        for uri in uris.split(","):
            self._request(uri, stream, no, None)
        if last and not out:
            self.goaways.setdefault(stream, []).append((no, int(last.split(",")[0])))
        if code:
            self.answers.setdefault(stream, []).append((no, None, code))
        frames = list(zip(types.split(","), ids.split(",")))
        with_headers = [of for kind, of in frames if kind == HEADERS]
        for of, path in zip(with_headers, paths.split(",") if paths else []):
            self._request(path, stream, no, of)
        for of, status in zip(with_headers, statuses.split(",") if statuses else []):
            self.answers.setdefault(stream, []).append((no, of, status))
        self.resets.setdefault(stream, []).extend((no, of, out) for kind, of in frames if kind == RST_STREAM)

    def _request(self, uri, stream, no, of):
        found = re.search(r"id=([\w-]+)", uri)
        if found:
            self.requests.setdefault(found.group(1), []).append((stream, no, of))
