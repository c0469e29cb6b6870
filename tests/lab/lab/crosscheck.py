"""Does the proxy's own log agree with the truth?

For a request with a cause, the signature that the proxy wrote about it must be one that the cause can
have. Only proxies whose log says why are asked.
"""
import os
import re

CLOSE = {"keepalive_race", "stale_reuse", "closed_in_flight", "reset_in_flight", "request_limit_close", "path_blackhole", "truncated_response", "invalid_response", "upload_cut_short"}
RULES = {
    "nginx": [(r"upstream prematurely closed", CLOSE), (r"\(104: Connection reset", CLOSE), (r"\(111: Connection refused\)", {"connection_refused", "icmp_unreachable"}),
              (r"\((13|92|101|113): ", {"icmp_unreachable"}), (r"timed out\) while connecting", {"connect_timeout"}), (r"timed out\) while reading response header", {"backend_slow", "path_blackhole", "accept_queue_full", "waiting"}),
              (r"timed out\) while reading upstream", {"backend_stalled", "truncated_response"}), (r"timed out\) while sending", {"backend_stalled", "path_blackhole"}), (r"\(32: Broken pipe", CLOSE),
              (r"no live upstreams", {"connection_refused", "no_attempt"}), (r"too big header|invalid header|no valid HTTP|invalid status|invalid chunked|duplicate", {"invalid_response"}),
              (r"SSL_do_handshake|wrong version", {"invalid_response"}), (r"while SSL handshaking", {"keepalive_race", "invalid_response"})],
    "haproxy": [(r" 50[023] term=SH| 502 term=SL", CLOSE), (r" 503 term=SC", {"connection_refused", "icmp_unreachable", "connect_timeout", "no_attempt", "health_check_failing", "invalid_response"}), (r" 503 term=sC", {"connect_timeout", "connection_refused"}), (r" 504 term=sH", {"backend_slow", "backend_stalled", "path_blackhole", "accept_queue_full", "waiting"}), (r"term=C[HD]", {"client_gone"}),
                (r"term=sD", {"backend_stalled"}), (r"term=SD", {"truncated_response", "invalid_response"}), (r" 502 term=PH", {"invalid_response"}), (r"term=----", {"backend_error_status"})],
    "envoy": [(r"flags=UC\b|remote_refused_stream_reset", CLOSE), (r"flags=(UF|UF,URX)\b.*(refused|111)", {"connection_refused", "icmp_unreachable"}), (r"flags=UF.*timeout|connection_timeout", {"connect_timeout", "invalid_response"}), (r"flags=UT", {"backend_slow", "backend_stalled", "path_blackhole"}),
              (r"flags=UH", {"health_check_failing"}), (r"flags=UPE", {"invalid_response", "truncated_response"}), (r"flags=UF.*(TLS|unreach|No route)", {"invalid_response", "icmp_unreachable"}), (r"flags=-", {"backend_error_status"})],
}


def _lines(folder):
    lines = []
    for name in ("proxy-error.log", "proxy-access.log"):
        try:
            with open(os.path.join(folder, name), errors="replace") as f:
                lines += f.read().splitlines()
        except OSError:
            pass
    return lines


def doubts(folder, truth):
    """What in the proxy's log contradicts the truth: a list of sentences."""
    nginx = truth["proxy"]["name"] == "nginx"
    rules = RULES.get(truth["proxy"]["name"])
    found, log = [], _lines(folder) if rules else []
    for r in truth["requests"] if rules else ():
        if not r["cause"] or r["hidden_by_retry"] and not nginx:
            continue
        lines = [l for l in log if r["id"] in l and (not nginx or "[error]" in l or "[crit]" in l or "[alert]" in l)]
        sign = next((p for l in lines for p, _ in rules if re.search(p, l)), None)
        if sign is None:
            if not (nginx and r["cause"] in ("backend_error_status", "client_gone", "proxy_broke_off")):
                found.append("%s is %s, the proxy's log has nothing known: %s" % (r["id"], r["cause"], (lines or [""])[-1][:200]))
        elif r["cause"] not in dict(rules)[sign]:
            found.append("%s is %s, the proxy's log says %s" % (r["id"], r["cause"], sign))
    return found
