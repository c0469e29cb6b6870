"""Invalid response."""
from . import case

INV = "invalid_response"
BADS = [dict(path=x, cause=INV) for x in ("/badstatus", "/badheader", "/badlength", "/twolengths", "/badchunk", "/plaintext")]
for px in ("haproxy", "apache", "node"):
    case("invalid-%s-node" % px, "faulty", px, "node", "malformed status line, header, length, chunk", params=dict(steps=BADS))
# What each of the others does with every one of them.
MORE = BADS + [dict(path=x, cause=INV) for x in ("/badversion", "/negative", "/shortchunk", "/http09")] + [dict(path="/bothlengths", cause=INV, variant="a length and chunks")]
HEADS = [dict(path="/bighdr", params="n=%d" % n, cause=INV, variant="header too big") for n in (9000, 70000)]
for px in ("nginx", "envoy", "varnish", "squid", "ats", "lighttpd", "nghttpx", "fastify", "go", "caddy"):
    case("invalid-%s-node" % px, "faulty", px, "node", "malformed status line, header, length, chunk, HTTP/0.9, heads too large", params=dict(steps=[dict(step, timeout=6) for step in MORE + HEADS]))
case("bighdr-nginx-node", "faulty", "nginx", "node", "a response header larger than proxy_buffer_size", params=dict(steps=[dict(path="/bighdr", params="n=9000", cause=INV, variant="header too big", n=2), dict(path="/bighdr", params="n=60000", cause=INV, variant="header too big", n=2)]))
case("bighdr-haproxy-node", "faulty", "haproxy", "node", params=dict(steps=[dict(path="/bighdr", params="n=20000", cause=INV, variant="header too big", n=2)]))
case("tlsmix-nginx-plain-to-tls", "faulty", "nginx", "node", "plain HTTP sent to a TLS port", b=dict(tls=True), params=dict(warm=0, steps=[
    dict(path="/ok", cause=INV, variant="plain HTTP to a TLS port", n=2, accept={"closed_in_flight", "invalid_response", "reset_in_flight"}), dict(path="/ok", method="POST", cause=INV, variant="plain HTTP to a TLS port", n=2, accept={"closed_in_flight", "invalid_response", "reset_in_flight"})]))
HELLO = [dict(path="/ok", method=m, cause=INV, variant="TLS to a plain port", n=2, accept={"tls_mismatch"}) for m in ("GET", "POST")]
case("tlsmix-nginx-tls-to-plain", "faulty", "nginx", "node", "TLS sent to a plain port, which closes without a word", p=dict(tls=True), params=dict(warm=0, steps=HELLO),
     not_yet="a TLS handshake that the backend ends")
case("tlsmix-nginx-tls-to-400", "faulty", "nginx", "node", "TLS sent to a plain port, which says 400 in clear", b=dict(env={"SAYS_400": "1"}), p=dict(tls=True), params=dict(warm=0, steps=HELLO))
# h2o 2.2.5 itself ends at a status line that is none, a header without a colon, a length that is no number.
case("invalid-h2o-node", "faulty", "h2o", "node", "malformed chunk, HTTP/0.9, heads too large", params=dict(steps=[dict(path="/badchunk", cause=INV)] + HEADS))
