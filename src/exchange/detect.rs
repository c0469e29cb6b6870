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
    /// All of them.
    pub const ALL: [Self; 5] = [Self::None, Self::Http1, Self::Http2, Self::Tls, Self::Opaque];

    /// The protocol's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Tls => "tls",
            Self::Opaque => "opaque",
        }
    }

    /// HTTP, as the bytes say.
    pub const fn is_http(self) -> bool {
        match self {
            Self::Http1 | Self::Http2 => true,
            Self::None | Self::Tls | Self::Opaque => false,
        }
    }

    /// HTTP, or something that HTTP may be inside of.
    pub const fn may_be_http(self) -> bool {
        match self {
            Self::Http1 | Self::Http2 | Self::Tls => true,
            Self::None | Self::Opaque => false,
        }
    }

    /// There may be requests in it, and they are not read here.
    pub const fn hides_requests(self) -> bool {
        match self {
            Self::Http2 | Self::Tls => true,
            Self::None | Self::Http1 | Self::Opaque => false,
        }
    }

    /// Something was sent.
    pub const fn says_something(self) -> bool {
        match self {
            Self::Http1 | Self::Http2 | Self::Tls | Self::Opaque => true,
            Self::None => false,
        }
    }
}

/// RFC 9113, section 3.4.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What of it no other protocol begins with.
const HTTP2_LINE: usize = "PRI * HTTP/2.0".len();
const HTTP1_STATUS: &[u8] = b"HTTP/1.";
/// Longer than any registered method ("UPDATEREDIRECTREF").
const MAX_METHOD: usize = 32;
/// The longest record that RFC 5246 allows, section 6.2.3.
const MAX_RECORD: usize = (1 << 14) + 2_048;
/// A record's type, version and length.
const RECORD_HEADER: usize = 5;

/// What the first bytes of a side come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FirstBytes {
    /// One protocol, and no other.
    Certain(Protocol),
    /// As far as they go they may begin a request.
    Request,
    /// Nothing that is known here.
    Unknown,
    /// Too few to say.
    TooFew,
}

/// What a client speaks that begins a connection with `bytes`; where they were `cut` by the snap length,
/// no more will be known of them.
pub(super) fn opening(bytes: &[u8], cut: bool) -> FirstBytes {
    let more = if cut { FirstBytes::Unknown } else { FirstBytes::TooFew };
    if bytes.is_empty() {
        return FirstBytes::TooFew;
    }
    if is_prefix(bytes, HTTP2_PREFACE) {
        return if bytes.len() >= HTTP2_PREFACE.len() || cut && bytes.len() >= HTTP2_LINE {
            FirstBytes::Certain(Protocol::Http2)
        } else {
            more
        };
    }
    match hello(bytes, CLIENT_HELLO) {
        Some(true) => return FirstBytes::Certain(Protocol::Tls),
        None => return more,
        Some(false) => {}
    }
    // Empty lines before a request are to be ignored (RFC 9112, section 2.2).
    let begin = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = bytes.get(begin..).unwrap_or_default();
    if bytes.is_empty() {
        return more;
    }
    match request_line(bytes) {
        LineLook::Request | LineLook::Odd => FirstBytes::Certain(Protocol::Http1),
        LineLook::Begun if cut && is_well_begun(bytes) => FirstBytes::Certain(Protocol::Http1),
        LineLook::Begun if !cut && bytes.contains(&b' ') => FirstBytes::Request,
        LineLook::Begun => more,
        LineLook::Other => FirstBytes::Unknown,
    }
}

/// What a server speaks whose first bytes are these, in answer to a client of `asked`; `None` where they
/// are too few to say.
pub(super) fn answered(bytes: &[u8], asked: Protocol) -> Option<Protocol> {
    let first = *bytes.first()?;
    if asked == Protocol::Tls && matches!(first, HANDSHAKE | ALERT) {
        let alert = match bytes {
            [ALERT, 3, 0..=4, 0, 2, 1 | 2, ..] => Some(true),
            [ALERT, 3, 0..=4, 0, 2]
            | [ALERT, 3, 0..=4, 0]
            | [ALERT, 3, 0..=4]
            | [ALERT, 3]
            | [ALERT] => None,
            _ => Some(false),
        };
        let told = if first == ALERT { alert } else { hello(bytes, SERVER_HELLO) };
        return told.map(|tls| if tls { Protocol::Tls } else { Protocol::Opaque });
    }
    if is_status(bytes) {
        return (bytes.len() >= HTTP1_STATUS.len()).then_some(Protocol::Http1);
    }
    let tls = matches!(bytes, [HANDSHAKE | ALERT, 3, 0..=4, ..]);
    Some(if tls { Protocol::Tls } else { Protocol::Opaque })
}

/// A segment of `len` bytes that is whole TLS records and nothing else: a TLS connection that began before
/// the capture shows itself so. Of each record the header must be there.
pub(super) fn is_tls_records(bytes: &[u8], len: usize) -> bool {
    let mut at = 0_usize;
    while let Some([0x14..=0x17, 3, 0..=4, high, low, ..]) = bytes.get(at..) {
        let record = usize::from(u16::from_be_bytes([*high, *low]));
        if !(1..=MAX_RECORD).contains(&record) {
            return false;
        }
        at = at.saturating_add(RECORD_HEADER).saturating_add(record);
    }
    at > 0 && at == len
}

/// A client's first record of TLS begins here.
pub(super) fn is_client_hello(bytes: &[u8]) -> bool {
    hello(bytes, CLIENT_HELLO) == Some(true)
}

/// Which side sends payload that begins like this.
pub(super) fn sender_of(payload: &[u8]) -> Option<Side> {
    let is_server_hello = hello(payload, SERVER_HELLO) == Some(true);
    if payload.starts_with(HTTP1_STATUS) {
        Some(Side::Server)
    } else if is_request(payload) || payload.starts_with(HTTP2_PREFACE) || is_client_hello(payload)
    {
        Some(Side::Client)
    } else if is_server_hello {
        Some(Side::Server)
    } else {
        None
    }
}

/// A whole request line begins here (RFC 9112, section 3), or as much of one as there is.
pub(super) fn is_request(bytes: &[u8]) -> bool {
    match request_line(bytes) {
        LineLook::Request => true,
        LineLook::Begun => is_well_begun(bytes),
        LineLook::Odd | LineLook::Other => false,
    }
}

/// A status line begins here, or as much of one as there is.
pub(super) fn is_status(bytes: &[u8]) -> bool {
    !bytes.is_empty() && is_prefix(bytes, HTTP1_STATUS)
}

/// A status line begins here beyond doubt: its version and its status (RFC 9112, section 4), or all of
/// the version where no more was captured.
pub(super) fn is_certain_status(bytes: &[u8], cut: bool) -> bool {
    match bytes.strip_prefix(HTTP1_STATUS) {
        Some([b'0'..=b'9', b' ', rest @ ..]) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            digits >= 3 || cut && digits == rest.len()
        }
        Some([]) | Some([b'0'..=b'9']) => cut,
        _ => false,
    }
}

/// How a line that may be a request's looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LineLook {
    /// Token, space, target, space, version.
    Request,
    /// A token first and a version of HTTP/1 last; what is between is no target, or nothing.
    Odd,
    /// The beginning of what may be one: its end is not here.
    Begun,
    /// None.
    Other,
}

/// Looks at the line with which `bytes` begin.
pub(super) fn request_line(bytes: &[u8]) -> LineLook {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let method = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (method, rest) = line.split_at_checked(method).unwrap_or_default();
    if !is_method(method) {
        return LineLook::Other;
    }
    let rest = rest.trim_ascii_start();
    if end.is_none() {
        let (target, _) = rest.split_at_checked(rest.len().min(1)).unwrap_or_default();
        let begun = target.is_empty() || begins_target(rest);
        return if begun { LineLook::Begun } else { LineLook::Other };
    }
    let version = rest.trim_ascii_end();
    let Some((target, version)) = version.split_at_checked(version.len().saturating_sub(VERSION))
    else {
        return LineLook::Other;
    };
    if !matches!(version, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9']) {
        return LineLook::Other;
    }
    match target.last() {
        Some(b' ') if is_target(target.trim_ascii_end()) => LineLook::Request,
        None | Some(b' ' | b'\t') => LineLook::Odd,
        Some(_) => LineLook::Other,
    }
}

/// `HTTP/1.1`.
const VERSION: usize = 8;

/// Methods that a request line is known by where no more of it was captured.
const METHODS: [&[u8]; 9] =
    [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT", b"TRACE"];

/// The method that `bytes` begin, or begin with, of those that a request line is known by; of fewer than two
/// bytes nothing is said.
pub(super) fn method_begun(bytes: &[u8]) -> Option<&'static [u8]> {
    let word = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    let whole = word.len() < bytes.len();
    let begins = |method: &&&[u8]| if whole { **method == word } else { method.starts_with(word) };
    METHODS.iter().find(begins).copied().filter(|_| word.len() >= 2)
}

/// The line does not end here, and it is as good as certain that it is a request's.
fn is_well_begun(bytes: &[u8]) -> bool {
    let mut words = bytes.splitn(2, |byte| *byte == b' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return false;
    };
    METHODS.contains(&method) && (target.starts_with(b"/") || target.starts_with(b"http"))
}

/// No control characters and no spaces. Bytes beyond ASCII should be percent-encoded; many are sent as
/// they are.
fn is_target(target: &[u8]) -> bool {
    begins_target(target) && target.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
}

/// Paths, `*`, `http://…` and `host:port` begin so (RFC 9112, section 3.2).
fn begins_target(target: &[u8]) -> bool {
    matches!(target, [b'/' | b'*' | b'[' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z', ..])
        && target.iter().all(|byte| *byte >= b' ' && *byte != 0x7f)
}

const HANDSHAKE: u8 = 0x16;
const ALERT: u8 = 0x15;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// A TLS handshake record with a message of type `kind`; `None` where there are too few bytes to say.
fn hello(bytes: &[u8], kind: u8) -> Option<bool> {
    let length = |high: u8, low: u8| usize::from(u16::from_be_bytes([high, low]));
    match *bytes {
        [HANDSHAKE, 3, 0..=4, high, low, message, ..] => {
            Some(message == kind && (4..=MAX_RECORD).contains(&length(high, low)))
        }
        [HANDSHAKE] | [HANDSHAKE, 3] | [HANDSHAKE, 3, 0..=4] => None,
        [HANDSHAKE, 3, 0..=4, ..] if bytes.len() <= RECORD_HEADER => None,
        _ => Some(false),
    }
}

fn is_method(word: &[u8]) -> bool {
    !word.is_empty() && word.len() <= MAX_METHOD && word.iter().all(|byte| is_token_byte(*byte))
}

/// RFC 9110, section 5.6.2.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// One begins with the other.
fn is_prefix(bytes: &[u8], whole: &[u8]) -> bool {
    let shorter = bytes.len().min(whole.len());
    bytes.get(..shorter) == whole.get(..shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP1: FirstBytes = FirstBytes::Certain(Protocol::Http1);

    #[test]
    fn a_request_is_a_token_a_target_and_a_version_at_the_end_of_its_line() {
        for line in [
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.0\nHost: a",
            "M-SEARCH * HTTP/1.1\r\n",
            "CONNECT db.example.com:5432 HTTP/1.1\r\n",
            "GET http://a.example/ HTTP/1.1\r\n",
            "\r\nGET  /two  HTTP/1.1\r\n",
        ] {
            assert_eq!(opening(line.as_bytes(), false), HTTP1, "{line}");
        }
        for line in [
            "ruok\n",
            "JDWP-Handshake\r\n",
            "HZC\0\0",
            "SAY hello there\0",
            "get /a HTTP\r\n",
            "GET session:1\r\n",
            "NICK bob\r\nUSER bob 0 * :Bob\r\n",
            "INVITE sip:bob@example.com SIP/2.0\r\n",
            "DESCRIBE rtsp://a/x RTSP/1.0\r\n",
            "REQMOD icap://a/mod ICAP/1.0\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n",
            "*1\r\n$4\r\nPING\r\n",
            "\0\0\0\u{8}\u{4}",
        ] {
            assert_eq!(opening(line.as_bytes(), false), FirstBytes::Unknown, "{line}");
        }
    }

    #[test]
    fn what_ends_like_a_request_line_is_one_however_odd() {
        for line in ["GET /a b HTTP/1.1\r\n", "GET HTTP/1.1\r\n", "GET \u{1b}[2J HTTP/1.1\r\n"] {
            assert_eq!(request_line(line.as_bytes()), LineLook::Odd, "{line}");
            assert_eq!(opening(line.as_bytes(), false), HTTP1, "{line}");
            assert!(!is_request(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn undecided_stays_undecided() {
        for few in
            [&b"GE"[..], b"P", b"PRI * HTT", b"ruok", b"\x16", b"\x16\x03\x01\0\xc8", b"\r\n"]
        {
            assert_eq!(opening(few, false), FirstBytes::TooFew, "{few:?}");
        }
        assert_eq!(opening(b"GET /a/long/pa", false), FirstBytes::Request);
        assert_eq!(opening(b"LOGIN bob", false), FirstBytes::Request);
        // Where the rest was not captured.
        assert_eq!(opening(b"GET /a/long/pa", true), HTTP1);
        assert_eq!(opening(b"LOGIN bob", true), FirstBytes::Unknown);
        assert_eq!(opening(b"GE", true), FirstBytes::Unknown);
        assert_eq!(opening(b"\r\n", true), FirstBytes::Unknown);
        assert_eq!(opening(b"", true), FirstBytes::TooFew);
    }

    #[test]
    fn tls_is_a_record_with_its_version_length_and_handshake_type() {
        let tls = |bytes: &[u8]| opening(bytes, false) == FirstBytes::Certain(Protocol::Tls);
        assert!(tls(&[0x16, 3, 1, 0, 200, 1, 0]));
        for other in [
            &[0x17, 3, 3, 0, 32, 1][..],
            &[0x16, 4, 1, 0, 200, 1],
            &[0x16, 3, 9, 0, 200, 1],
            &[0x16, 3, 1, 0xff, 200, 1],
            &[0x16, 3, 1, 0, 200, 9],
            &[0x17],
        ] {
            assert!(!tls(other), "{other:?}");
        }
        let records = [0x17, 3, 3, 0, 2, 9, 9, 0x15, 3, 3, 0, 1, 9];
        assert!(is_tls_records(&records, records.len()));
        assert!(is_tls_records(&records[..12], records.len()), "cut");
        assert!(!is_tls_records(&records[..6], 6));
        assert!(!is_tls_records(b"", 0));
    }

    #[test]
    fn an_answer_tells_its_own_protocol() {
        let tls = |bytes: &[u8]| answered(bytes, Protocol::Tls);
        assert_eq!(tls(&[0x16, 3, 3, 0, 80, 2]), Some(Protocol::Tls));
        assert_eq!(tls(&[0x15, 3, 1, 0, 2, 2, 40]), Some(Protocol::Tls));
        assert_eq!(tls(&[0x16]), None);
        assert_eq!(tls(b"HT"), None);
        assert_eq!(tls(b"HTTP/1.1 400 Bad Request\r\n"), Some(Protocol::Http1));
        assert_eq!(tls(b"220 mail ESMTP\r\n"), Some(Protocol::Opaque));
    }

    #[test]
    fn a_side_is_told_by_heads_only() {
        assert_eq!(sender_of(b"POST /pay HTTP/1.1\r\nHost: a\r\n"), Some(Side::Client));
        assert_eq!(sender_of(b"HTTP/1.1 404 Not Found\r\n"), Some(Side::Server));
        assert_eq!(sender_of(b"GET the milk"), None);
        assert_eq!(sender_of(b"{\"a\": 1}"), None);
        assert_eq!(sender_of(&[0x17, 3, 3, 0, 20]), None);
    }

    #[test]
    fn a_status_line_is_certain_with_its_status() {
        assert!(is_certain_status(b"HTTP/1.1 200 OK\r\n", false));
        assert!(is_certain_status(b"HTTP/1.1 2", true));
        assert!(!is_certain_status(b"HTTP/1.1 2", false));
        assert!(!is_certain_status(b"HTTP/1.1 is old\r\n", false));
        assert!(!is_certain_status(b"HTTP", true));
    }
}
