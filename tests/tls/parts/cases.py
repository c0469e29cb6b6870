"""The cases: who is in front of whom, what is wrong, and what the first connection to the backend must say.

`alerts` are those of the connection in order: by whom, and the reason, or `hidden`.
"""


def case(name, proxy, backend, right, p=None, b=None, requests=1, gap=0.1, most=20_000):
    return dict(name=f"{name}-{proxy}-{backend}", proxy=proxy, backend=backend, right=right, p=p or {}, b=b or {}, requests=requests, gap=gap, most=most)


def both(version):
    return dict(p=dict(tls=version), b=dict(tls=version))


def refused(by, reason, **more):
    return dict(handshake="open", alerts=[f"{by} {reason}"], **more)


EXPIRED = dict(subject="backend.example", issuer="Example CA", not_after="2021-01-01")
MANY = dict(requests=12, gap=0.02, most=80_000)
WRONG = dict(subject="other.example", dns=["other.example"])
UNKNOWN = dict(issuer="Unknown CA")


def with_cert(name, version, both_ends=True):
    o = both(version)
    o["b"] = dict(o["b"], cert=name)
    return o


CASES = [
    # The proxy refuses the certificate. nginx and Node verify after the handshake, or end it without a word; what
    # OpenSSL refuses in TLS 1.3 it refuses in clear, as its own keys are not in use yet.
    case("expired-12", "haproxy", "nginx", refused("client", "certificate_expired", **EXPIRED), **with_cert("expired", "1.2")),
    case("expired-12", "apache", "nginx", refused("client", "certificate_expired", **EXPIRED), **with_cert("expired", "1.2")),
    case("expired-12", "nginx", "go", dict(handshake="done", first_request=False, **EXPIRED), **with_cert("expired", "1.2")),
    case("expired-12", "go", "nginx", refused("client", "bad_certificate", **EXPIRED), **with_cert("expired", "1.2")),
    case("expired-12", "node", "openssl", dict(handshake="done", first_request=False, **EXPIRED), **with_cert("expired", "1.2")),
    case("expired-13", "nginx", "nginx", dict(handshake="done", first_request=False), **with_cert("expired", "1.3")),
    case("expired-13", "haproxy", "node", refused("client", "certificate_expired"), **with_cert("expired", "1.3")),
    case("expired-13", "caddy", "go", refused("client", "hidden"), b=dict(cert="expired")),
    case("expired-13", "node", "java", dict(handshake="open", alerts=[]), **with_cert("expired", "1.3")),
    case("wrong-name-12", "haproxy", "nginx", refused("client", "internal_error", **WRONG), **with_cert("wrong", "1.2")),
    case("wrong-name-12", "go", "nginx", refused("client", "bad_certificate", **WRONG), **with_cert("wrong", "1.2")),
    case("wrong-name-12", "apache", "go", dict(first_request=False, **WRONG), **with_cert("wrong", "1.2")),
    case("wrong-name-12", "node", "go", dict(first_request=False, **WRONG), **with_cert("wrong", "1.2")),
    case("wrong-name-13", "nginx", "nginx", dict(handshake="done", first_request=False), **with_cert("wrong", "1.3")),
    case("wrong-name-13", "caddy", "nginx", refused("client", "hidden"), b=dict(cert="wrong", tls="1.3")),
    case("unknown-issuer-12", "nginx", "nginx", dict(handshake="done", first_request=False, **UNKNOWN), **with_cert("unknown", "1.2")),
    case("unknown-issuer-12", "haproxy", "go", refused("client", "unknown_ca", **UNKNOWN), **with_cert("unknown", "1.2")),
    case("unknown-issuer-12", "caddy", "node", refused("client", "bad_certificate", **UNKNOWN), b=dict(cert="unknown", tls="1.2")),
    case("unknown-issuer-13", "apache", "nginx", refused("client", "unknown_ca"), **with_cert("unknown", "1.3")),
    case("unknown-issuer-13", "go", "gunicorn", refused("client", "hidden"), b=dict(cert="unknown")),
    case("unknown-issuer-13", "node", "nginx", dict(handshake="open", alerts=[]), **with_cert("unknown", "1.3")),
    case("missing-intermediate-12", "haproxy", "nginx", refused("client", "unknown_ca", issuer="Example Intermediate"), **with_cert("leaf_alone", "1.2")),
    # The backend refuses the hello.
    case("sni-missing", "nginx", "nginx", dict(handshake="hello", alerts=["server unrecognized_name"]), p=dict(sni=False), b=dict(only_name=True)),
    case("sni-missing", "haproxy", "haproxy", dict(handshake="hello"), p=dict(sni=False), b=dict(only_name=True)),
    case("sni-missing", "nginx", "go", dict(handshake="hello"), p=dict(sni=False), b=dict(only_name=True)),
    case("no-version", "nginx", "nginx", dict(handshake="hello", offered="TLS 1.2", alerts=["server protocol_version"]), p=dict(tls="1.2"), b=dict(tls="1.3")),
    case("no-version", "haproxy", "go", dict(handshake="hello", offered="TLS 1.3", alerts=["server protocol_version"]), p=dict(tls="1.3"), b=dict(tls="1.2")),
    case("no-version", "go", "openssl", dict(handshake="hello", offered="TLS 1.2", alerts=["server protocol_version"]), p=dict(tls="1.2"), b=dict(tls="1.3")),
    case("no-version", "node", "java", dict(handshake="hello", offered="TLS 1.2", alerts=[]), p=dict(tls="1.2"), b=dict(tls="1.3")),
    case("no-alpn", "haproxy", "node", dict(handshake="hello", alpn_offered=["http/1.1"], alerts=["server no_application_protocol"]), p=dict(alpn="http/1.1"), b=dict(alpn="h2")),
    case("no-alpn", "go", "node", dict(handshake="hello", alpn_offered=["http/1.1"], alerts=["server no_application_protocol"]), p=dict(alpn="http/1.1"), b=dict(alpn="h2")),
    # The backend wants a certificate of the proxy. Java closes without an alert, and
    # HAProxy says goodbye, or is too late.
    case("client-cert-12", "nginx", "openssl", dict(handshake="open", requested=True, client_certificate=False, alerts=["server handshake_failure"]), p=dict(tls="1.2"), b=dict(tls="1.2", asks=True)),
    case("client-cert-12", "haproxy", "go", dict(handshake="open", requested=True, client_certificate=False), p=dict(tls="1.2"), b=dict(tls="1.2", asks=True)),
    case("client-cert-12", "apache", "haproxy", dict(handshake="open", requested=True, client_certificate=False, alerts=["server handshake_failure"]), p=dict(tls="1.2"), b=dict(tls="1.2", asks=True)),
    case("client-cert-12", "node", "gunicorn", dict(requested=True, client_certificate=False), p=dict(tls="1.2"), b=dict(asks=True)),
    case("client-cert-13", "nginx", "openssl", dict(handshake="done", client_certificate=False, alerts=["server hidden"]), p=dict(tls="1.3"), b=dict(tls="1.3", asks=True)),
    case("client-cert-13", "haproxy", "go", dict(handshake="done", client_certificate=False), p=dict(tls="1.3"), b=dict(tls="1.3", asks=True)),
    case("client-cert-13", "haproxy", "java", dict(handshake="done", client_certificate=False), p=dict(tls="1.3"), b=dict(tls="1.3", asks=True)),
    case("client-cert-13", "go", "node", dict(handshake="done", client_certificate=False), b=dict(tls="1.3", asks=True)),
    case("client-cert-13", "nginx", "nginx", dict(handshake="done", client_certificate=False, answered=True), p=dict(tls="1.3"), b=dict(tls="1.3", asks=True)),
    case("client-cert-unknown-12", "haproxy", "go", dict(handshake="open", client_certificate=True), p=dict(tls="1.2", shows="client_unknown"), b=dict(tls="1.2", asks=True)),
    case("client-cert-unknown-13", "haproxy", "go", dict(handshake="done", client_certificate=True, alerts=["server hidden"]), p=dict(tls="1.3", shows="client_unknown"), b=dict(tls="1.3", asks=True)),
    # One speaks TLS, the other does not.
    case("plain-to-tls", "nginx", "nginx", None, p=dict(plain=True)),
    case("plain-to-tls", "haproxy", "go", None, p=dict(plain=True)),
    case("plain-to-tls", "nginx", "haproxy", None, p=dict(plain=True)),
    case("plain-to-tls", "go", "node", None, p=dict(plain=True)),
    case("plain-to-tls", "node", "gunicorn", None, p=dict(plain=True)),
    case("plain-to-tls", "caddy", "java", None, p=dict(plain=True)),
    case("tls-to-plain", "haproxy", "nginx", dict(handshake="hello", lost=True), b=dict(plain=True)),
    case("tls-to-plain", "nginx", "gunicorn", dict(handshake="hello"), b=dict(plain=True)),
    case("tls-to-plain", "go", "go", dict(handshake="hello", lost=True), b=dict(plain=True)),
    case("tls-to-plain", "apache", "node", dict(handshake="hello", lost=True), b=dict(plain=True)),
    # No word.
    case("closed", "nginx", "raw", dict(handshake="hello", alerts=[]), b=dict(does="close")),
    case("closed", "haproxy", "raw", dict(handshake="hello", alerts=[]), b=dict(does="close")),
    case("reset", "go", "raw", dict(handshake="hello", alerts=[]), b=dict(does="reset")),
    case("reset", "apache", "raw", dict(handshake="hello", alerts=[]), b=dict(does="reset")),
    case("silent", "nginx", "raw", dict(handshake="hello", alerts=[]), b=dict(does="silent")),
    case("silent", "haproxy", "raw", dict(handshake="hello", alerts=[]), b=dict(does="silent")),
    case("silent", "go", "raw", dict(handshake="hello", alerts=[]), b=dict(does="silent")),
    # Nothing is wrong. Go sends its ticket with its first records, or none: then its answer may be one by its looks.
    case("sound-12", "nginx", "nginx", dict(handshake="done", resumed=False, turns=1, answered=True, chain_in_order=True), requests=2, **with_cert("chain", "1.2")),
    case("sound-13", "nginx", "nginx", dict(handshake="done", turns=3, answered=True), p=dict(tls="1.3", keepalive=True), b=dict(tls="1.3"), requests=3),
    case("sound-13", "haproxy", "go", dict(handshake="done", turns=1, answered=True), p=dict(tls="1.3"), requests=2),
    case("sound-13", "node", "java", dict(handshake="done", turns=2, answered=True), requests=2),
    case("sound-13", "go", "gunicorn", dict(handshake="done", turns=1, answered=True)),
    case("sound-13", "caddy", "node", dict(handshake="done", turns=2, answered=True), requests=2),
    case("sound-13", "apache", "haproxy", dict(handshake="done", turns=1, answered=True)),
    case("client-cert-sound-13", "haproxy", "nginx", dict(handshake="done", client_certificate=True, turns=1, answered=True), p=dict(tls="1.3", shows="client"), b=dict(tls="1.3", asks=True)),
    case("client-cert-sound-13", "go", "go", dict(handshake="done", client_certificate=True, turns=1, answered="perhaps"), p=dict(tls="1.3", shows="client"), b=dict(asks=True)),
    case("client-cert-sound-12", "node", "node", dict(handshake="done", client_certificate=True, turns=1, answered=True), p=dict(tls="1.2", shows="client"), b=dict(asks=True)),
    # Nothing is wrong, but what handshakes cost: one for each request, of a session that goes on or not; of a pool; of
    # probes.
    case("full-each-13", "nginx", "nginx", dict(handshake="done", resumed=False, turns=1), p=dict(tls="1.3", reuse=False), b=dict(tls="1.3"), **MANY),
    case("full-each-12", "haproxy", "go", dict(handshake="done", resumed=False, turns=1), p=dict(tls="1.2", reuse=False, keepalive=False), **MANY),
    case("resumed-each-13", "nginx", "nginx", dict(handshake="done", resumed=False, turns=1), p=dict(tls="1.3"), b=dict(tls="1.3"), **MANY),
    case("kept-13", "haproxy", "nginx", dict(handshake="done", resumed=False, turns=12), p=dict(tls="1.3", keepalive=True), b=dict(tls="1.3"), **MANY),
    case("probed-13", "haproxy", "nginx", dict(handshake="done", resumed=False, turns=1), p=dict(tls="1.3", reuse=False, probes=True), b=dict(tls="1.3"), requests=11, gap=0.7, most=80_000),
    # Envoy (BoringSSL) refuses in TLS 1.3 with keys in use already; Tomcat.
    case("expired-12", "envoy", "nginx", refused("client", "certificate_expired", **EXPIRED), **with_cert("expired", "1.2")),
    case("wrong-name-12", "envoy", "go", refused("client", "certificate_unknown", **WRONG), **with_cert("wrong", "1.2")),
    case("unknown-issuer-13", "envoy", "nginx", refused("client", "hidden"), **with_cert("unknown", "1.3")),
    case("expired-13", "haproxy", "tomcat", refused("client", "certificate_expired"), **with_cert("expired", "1.3")),
    case("no-version", "envoy", "tomcat", dict(handshake="hello", offered="TLS 1.2", alerts=["server protocol_version"]), p=dict(tls="1.2"), b=dict(tls="1.3")),
    case("client-cert-13", "envoy", "tomcat", dict(handshake="done", client_certificate=False), p=dict(tls="1.3"), b=dict(tls="1.3", asks=True), most=30_000),
    case("client-cert-12", "nginx", "tomcat", dict(handshake="open", requested=True, client_certificate=False), p=dict(tls="1.2"), b=dict(tls="1.2", asks=True)),
    case("plain-to-tls", "envoy", "tomcat", None, p=dict(plain=True)),
    case("tls-to-plain", "envoy", "tomcat", dict(handshake="hello", lost=True), b=dict(plain=True)),
    case("sound-13", "envoy", "tomcat", dict(handshake="done", turns=2, answered=True), p=dict(tls="1.3"), b=dict(tls="1.3"), requests=2),
    case("sound-12", "apache", "tomcat", dict(handshake="done", turns=1, answered=True), **both("1.2")),
]
