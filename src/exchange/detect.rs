//! What a connection speaks, by its first bytes.

use crate::flow::Side;

/// What a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// Nothing: no byte was sent.
    None,
    /// HTTP/1.0 or 1.1 in clear.
    Http1,
    /// HTTP/2 in clear, begun with its preface.
    Http2,
    /// TLS, whatever is inside.
    Tls,
    /// Something else.
    Opaque,
}

impl Protocol {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Tls => "tls",
            Self::Opaque => "opaque",
        }
    }
}

/// RFC 9113, section 3.4.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HTTP1_STATUS: &[u8] = b"HTTP/1.";
/// Longer than any registered method ("UPDATEREDIRECTREF").
const MAX_METHOD: usize = 20;

/// What is spoken, going by the first bytes of either side; `None` when it is too early to say.
pub(super) fn protocol(from: Side, bytes: &[u8]) -> Option<Protocol> {
    let first = *bytes.first()?;
    if is_prefix(bytes, HTTP2_PREFACE) && bytes.len() >= 4 {
        return Some(Protocol::Http2);
    }
    // A TLS record: handshake or alert, application data where the capture begins later; version 3.
    if matches!(first, 0x15..=0x17) && bytes.get(1).is_none_or(|major| *major == 3) {
        return Some(Protocol::Tls);
    }
    let http1 = match from {
        Side::Client => could_be_request(bytes),
        Side::Server => is_status(bytes),
    };
    Some(if http1 { Protocol::Http1 } else { Protocol::Opaque })
}

/// Which side sends payload that begins like this.
pub(super) fn sender_of(payload: &[u8]) -> Option<Side> {
    if payload.starts_with(HTTP1_STATUS) {
        Some(Side::Server)
    } else if is_request(payload) || payload.starts_with(HTTP2_PREFACE) || is_hello(payload, 1) {
        Some(Side::Client)
    } else if is_hello(payload, 2) {
        Some(Side::Server)
    } else {
        None
    }
}

/// A whole request line begins here, or as much of one as there is.
pub(super) fn is_request(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let (Some(method), Some(rest)) = (words.next(), words.next()) else {
        return false;
    };
    let whole_line = line.len() < bytes.len();
    let version = rest.windows(HTTP1_STATUS.len()).any(|window| window == HTTP1_STATUS);
    is_method(method) && (version || !whole_line && rest.starts_with(b"/"))
}

/// A status line begins here, or as much of one as there is.
pub(super) fn is_status(bytes: &[u8]) -> bool {
    !bytes.is_empty() && is_prefix(bytes, HTTP1_STATUS)
}

/// A TLS handshake record with a message of type `kind`: 1 is ClientHello, 2 ServerHello.
fn is_hello(payload: &[u8], kind: u8) -> bool {
    matches!(payload, [0x16, 3, _, _, _, message, ..] if *message == kind)
}

fn could_be_request(bytes: &[u8]) -> bool {
    // Empty lines before a request are to be ignored (RFC 9112, section 2.2).
    let bytes = bytes.trim_ascii_start();
    match bytes.iter().position(|byte| *byte == b' ') {
        Some(space) => {
            bytes.get(..space).is_some_and(is_method)
                && (is_request(bytes) || !bytes.contains(&b'\n'))
        }
        None => bytes.len() <= MAX_METHOD && bytes.iter().all(|byte| is_method_byte(*byte)),
    }
}

fn is_method(word: &[u8]) -> bool {
    !word.is_empty() && word.len() <= MAX_METHOD && word.iter().all(|byte| is_method_byte(*byte))
}

/// Any token will do by the letter of RFC 9110; every method in use is of these.
fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')
}

/// One begins with the other.
fn is_prefix(bytes: &[u8], whole: &[u8]) -> bool {
    let shorter = bytes.len().min(whole.len());
    bytes.get(..shorter) == whole.get(..shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_protocol() {
        let client = |bytes: &[u8]| protocol(Side::Client, bytes);
        assert_eq!(client(b"GET / HTTP/1.1\r\n"), Some(Protocol::Http1));
        assert_eq!(client(b"GE"), Some(Protocol::Http1));
        assert_eq!(client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Some(Protocol::Http2));
        assert_eq!(client(&[0x16, 3, 1, 2, 0, 1]), Some(Protocol::Tls));
        assert_eq!(client(b"SSH-2.0-OpenSSH_9.2\r\n"), Some(Protocol::Opaque));
        assert_eq!(client(&[0, 0, 0, 8, 4, 0xd2]), Some(Protocol::Opaque));
        assert_eq!(client(b""), None);
        assert_eq!(protocol(Side::Server, b"HTTP/1.1 200 OK\r\n"), Some(Protocol::Http1));
        assert_eq!(protocol(Side::Server, b"220 mail ESMTP\r\n"), Some(Protocol::Opaque));
    }

    #[test]
    fn a_side_is_told_by_heads_only() {
        assert_eq!(sender_of(b"POST /pay HTTP/1.1\r\nHost: a\r\n"), Some(Side::Client));
        assert_eq!(sender_of(b"HTTP/1.1 404 Not Found\r\n"), Some(Side::Server));
        assert_eq!(sender_of(b"GET the milk"), None);
        assert_eq!(sender_of(b"{\"a\": 1}"), None);
        assert_eq!(sender_of(&[0x17, 3, 3, 0, 20]), None);
    }
}
