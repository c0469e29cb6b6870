//! What error messages mean: of nginx, Apache, Go programs (Caddy, Traefik) and Node.

use crate::logs::entry::Says;
use crate::logs::fields::{address, find};
use std::net::SocketAddr;

/// What is in a message, and what it then says; the first that fits counts. Where two must be in it,
/// both stand here.
const MEANINGS: [(&str, &str, Says); 100] = [
    ("read error during body copy", "context canceled", Says::Client),
    ("read error during body copy", "", Says::Truncated),
    ("I/O error (head)", "", Says::Cut),
    ("I/O error (body", "", Says::Truncated),
    ("I/O timeout", "", Says::Timeout),
    ("in request:", "connection failed", Says::ConnectFailed),
    ("in request:", "connection timeout", Says::ConnectTimeout),
    ("failed to parse the response", "", Says::Invalid),
    ("invalid response from upstream", "", Says::Invalid),
    ("Backend connect failed", "errno=111", Says::Refused),
    ("Backend connect failed", "errno=113", Says::Unreachable),
    ("Backend connect failed", "errno=110", Says::ConnectTimeout),
    ("Backend connect failed", "", Says::ConnectFailed),
    ("Connect time out; addr=", "", Says::ConnectTimeout),
    ("connect() to unix:", "failed", Says::UnixSocket),
    ("EHOSTUNREACH", "", Says::Unreachable),
    ("ENETUNREACH", "", Says::Unreachable),
    ("connect ETIMEDOUT", "", Says::ConnectTimeout),
    ("ESOCKETTIMEDOUT", "", Says::Timeout),
    ("transport connection broken", "\\x15\\x03", Says::Protocol),
    ("server gave HTTP response to HTTPS client", "", Says::Protocol),
    ("first record does not look like a TLS handshake", "", Says::Protocol),
    ("invalid http2", "", Says::Protocol),
    ("http2 frame", "", Says::Protocol),
    ("aborting with incomplete response", "context canceled", Says::Client),
    ("aborting with incomplete response", "", Says::Truncated),
    ("malformed MIME header", "", Says::Invalid),
    ("bad Content-Length", "", Says::Invalid),
    ("transport connection broken", "", Says::Invalid),
    ("x509: ", "", Says::TlsFailed),
    ("tls: ", "", Says::TlsFailed),
    ("AH00898", "SSL Handshake", Says::TlsFailed),
    ("AH01110", "timeout specified has expired", Says::Stalled),
    ("AH02429", "", Says::Invalid),
    ("AH02428", "", Says::Invalid),
    ("AH02430", "", Says::Invalid),
    ("AH10404", "", Says::Invalid),
    ("Cannot assign requested address", "", Says::NoPort),
    ("EADDRNOTAVAIL", "", Says::NoPort),
    ("could not be resolved", "", Says::Dns),
    ("no resolver defined", "", Says::Dns),
    ("no such host", "", Says::Dns),
    ("DNS lookup failure", "", Says::Dns),
    ("ENOTFOUND", "", Says::Dns),
    ("EAI_AGAIN", "", Says::Dns),
    ("no live upstreams", "", Says::NoBackend),
    ("no upstreams available", "", Says::NoBackend),
    ("client prematurely closed", "", Says::Client),
    ("client closed connection", "", Says::Client),
    ("client timed out", "", Says::Client),
    ("client sent invalid", "", Says::Client),
    ("context canceled", "", Says::Client),
    ("AH01382", "", Says::Client),
    ("upstream prematurely closed", "reading upstream", Says::Truncated),
    ("upstream prematurely closed", "", Says::Closed),
    ("upstream timed out", "connecting to upstream", Says::ConnectTimeout),
    ("upstream timed out", "SSL handshaking", Says::TlsFailed),
    ("upstream timed out", "reading upstream", Says::Stalled),
    ("upstream timed out", "", Says::Timeout),
    ("too big header", "", Says::HeadTooLarge),
    ("sent invalid", "", Says::Invalid),
    ("sent no valid", "", Says::Invalid),
    ("sent more data", "", Says::Invalid),
    ("sent unexpected", "", Says::Invalid),
    ("sent duplicate header", "", Says::Invalid),
    ("SSL_do_handshake", "", Says::TlsFailed),
    ("SSL handshaking to upstream", "", Says::TlsFailed),
    ("upstream SSL certificate", "", Says::TlsFailed),
    ("AH01084", "", Says::Cut),
    ("AH00940", "", Says::NoBackend),
    ("AH01144", "", Says::Proxy),
    ("AH01170", "", Says::NoBackend),
    ("AH01110", "", Says::Truncated),
    ("AH01106", "", Says::Invalid),
    ("AH01107", "", Says::Invalid),
    ("AH10124", "", Says::Invalid),
    ("AH01102", "timeout", Says::Timeout),
    ("AH01102", "timed out", Says::Timeout),
    ("AH01102", "reset", Says::Reset),
    ("AH01102", "", Says::Closed),
    ("connect", "efused", Says::Refused),
    ("ECONNREFUSED", "", Says::Refused),
    ("connect", "o route to host", Says::Unreachable),
    ("connect", "etwork is unreachable", Says::Unreachable),
    ("connect", "timed out", Says::ConnectTimeout),
    ("connect", "timeout specified has expired", Says::ConnectTimeout),
    ("dial tcp", "i/o timeout", Says::ConnectTimeout),
    ("dial tcp", "", Says::ConnectFailed),
    ("AH01114", "", Says::ConnectFailed),
    ("timeout awaiting response", "", Says::Timeout),
    ("AH00898", "", Says::Cut),
    ("unexpected EOF", "", Says::Truncated),
    ("aborting with incomplete response", "", Says::Truncated),
    ("reset by peer", "reading upstream", Says::Truncated),
    ("reset by peer", "", Says::Reset),
    ("socket hang up", "", Says::Cut),
    ("ECONNRESET", "", Says::Cut),
    ("roken pipe", "", Says::Cut),
    ("malformed HTTP", "", Says::Invalid),
    ("EOF", "", Says::Closed),
];

/// What a message says of the cause; `None` when it is of something else.
pub(super) fn says(message: &[u8]) -> Option<Says> {
    let has = |text: &str| match text {
        "" => true,
        // Three letters are in many words and paths.
        "EOF" => {
            message == b"EOF"
                || message.ends_with(b" EOF")
                || message.ends_with(b"=EOF")
                || message.ends_with(b" EOF\"")
        }
        text => find(message, text.as_bytes()).is_some(),
    };
    let mut meanings = MEANINGS.iter();
    meanings.find(|(first, second, _)| has(first) && has(second)).map(|(.., says)| *says)
}

/// The two ends of a connection, as Go names them: `read tcp 10.0.0.9:41000->10.0.0.1:80: …`.
pub(super) fn ends(message: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let arrow = find(message, b"->")?;
    let from = message.get(..arrow)?.rsplit(|byte| *byte == b' ').next()?;
    let rest = message.get(arrow.saturating_add(2)..)?;
    let to = rest.split(|byte| *byte == b' ').next()?;
    let to = to.strip_suffix(b":").unwrap_or(to);
    let ends = (address(from)?, address(to)?);
    (ends.0.port() != 0 && ends.1.port() != 0).then_some(ends)
}

/// The backend that a failed dial names: `dial tcp 10.0.0.1:80: connect: connection refused`.
pub(super) fn dialed(message: &[u8]) -> Option<SocketAddr> {
    let at = find(message, b"dial tcp ")?.saturating_add(9);
    let word = message.get(at..)?.split(|byte| *byte == b' ').next()?;
    address(word.strip_suffix(b":").unwrap_or(word)).filter(|one| one.port() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_known_proxies_are_understood() {
        for (message, meaning) in [
            (
                "connect() failed (111: Connection refused) while connecting to upstream",
                Says::Refused,
            ),
            (
                "connect() failed (113: No route to host) while connecting to upstream",
                Says::Unreachable,
            ),
            (
                "upstream timed out (110: Connection timed out) while connecting to upstream",
                Says::ConnectTimeout,
            ),
            (
                "upstream timed out (110: Connection timed out) while reading response header from upstream",
                Says::Timeout,
            ),
            ("upstream prematurely closed connection while reading upstream", Says::Truncated),
            (
                "recv() failed (104: Connection reset by peer) while reading response header from upstream",
                Says::Reset,
            ),
            ("dial tcp 10.0.0.1:80: connect: connection refused", Says::Refused),
            (
                "(111)Connection refused: AH00957: HTTP: attempt to connect to 10.0.0.1:80 (10.0.0.1:80) failed",
                Says::Refused,
            ),
            ("net/http: timeout awaiting response headers", Says::Timeout),
            ("EOF", Says::Closed),
            (
                "connect() to 10.0.0.1:80 failed (99: Cannot assign requested address) while connecting to upstream",
                Says::NoPort,
            ),
            ("app.example.com could not be resolved (3: Host not found)", Says::Dns),
            ("dial tcp: lookup app.example.com: no such host", Says::Dns),
        ] {
            assert_eq!(says(message.as_bytes()), Some(meaning), "{message}");
        }
        assert_eq!(says(b"start worker processes"), None);
    }

    #[test]
    fn go_names_both_ends() {
        let message = b"read tcp 10.77.2.1:40000->10.77.2.2:3000: read: connection reset by peer";
        let (from, to) = ends(message).unwrap();
        assert_eq!((from.port(), to.port()), (40000, 3000));
        assert_eq!(ends(b"a->b"), None);
        assert_eq!(dialed(b"dial tcp 10.0.0.1:80: connect: no").unwrap().port(), 80);
    }
}
