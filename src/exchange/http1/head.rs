//! Heads: bytes become what matters of a request or response (RFC 9112).
//!
//! httparse reads the lines; here stands what framing and verdicts need of them. Header values are
//! never kept, but for the few that identify a request.

use super::body::Body;
use super::flaw::has_odd_line;
use crate::exchange::detect::{self, LineLook, Protocol};
use crate::exchange::software::{self, ServerKind};
use crate::exchange::{FlawKind, RequestHead};
use httparse::{Header, ParserConfig, Status};
use std::mem::MaybeUninit;

/// The longest head that is put together from segments. Servers and proxies allow 4 to 64 KiB.
pub(super) const MAX_HEAD: usize = 128 << 10;
/// More header lines than any server accepts by default (Apache: 100).
const MAX_LINES: usize = 256;
/// More than anything accepts.
const TOO_MANY_LINES: usize = 8 << 10;
/// More than some proxies take: Varnish has room for 64 lines, the first one included (`http_max_hdr`).
const MANY_LINES: usize = 63;

/// A head that was read.
#[derive(Debug)]
pub(super) struct HeadRead<T> {
    pub(super) head: T,
    /// The head's length.
    pub(super) len: usize,
    /// What follows it; `None` where readers of a request differ.
    pub(super) body: Option<Body>,
}

/// What parsing the bytes so far came to.
#[derive(Debug)]
pub(super) enum Parsed<T> {
    Whole(HeadRead<T>),
    /// The head does not end here.
    Partial,
    Invalid,
}

/// What a response's head says.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) announces_close: bool,
    pub(super) expected: Option<u64>,
    pub(super) flaw: Option<FlawKind>,
    pub(super) unclear: bool,
    /// Whoever reads chunks waits for the last one, whoever does not for so many bytes.
    pub(super) least: Option<u64>,
    /// No body follows, whatever the head says: by its status, or because of a HEAD.
    pub(super) bodiless: bool,
    /// What `Upgrade` says that it goes on in, where that is HTTP or TLS.
    pub(super) upgrade: Option<Protocol>,
    pub(super) server: Option<ServerKind>,
}

/// What the headers say about framing and the connection's life.
#[derive(Default)]
struct Framing {
    length: Option<u64>,
    /// One length stands there more than once.
    repeated: bool,
    conflicting: bool,
    coding: Coding,
    close: bool,
    keep_alive: bool,
}

/// What `Transfer-Encoding` says of where the message ends.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Coding {
    #[default]
    None,
    /// `chunked`, and nothing else.
    Chunked,
    /// `chunked` as the last of several (`gzip, chunked`).
    Final,
    /// `chunked` more than once.
    Twice,
    /// `chunked` in a way of its own: with parameters, in quotes, not as the last.
    OddChunked,
    /// Another: in a response, the body ends with the connection.
    Other,
}

impl Coding {
    fn note(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',') {
            let item = item.trim_ascii();
            let chunked = item.eq_ignore_ascii_case(b"chunked");
            let name = b"chunked".len();
            let mentions = item.windows(name).any(|part| part.eq_ignore_ascii_case(b"chunked"));
            *self = match *self {
                Self::None if chunked => Self::Chunked,
                Self::Other if chunked => Self::Final,
                Self::Chunked | Self::Final | Self::Twice if chunked => Self::Twice,
                Self::None | Self::Other if !mentions => Self::Other,
                _ => Self::OddChunked,
            };
        }
    }

    const fn is_chunked(self) -> bool {
        matches!(self, Self::Chunked | Self::Final | Self::Twice | Self::OddChunked)
    }
}

impl Framing {
    fn of(headers: &[Header<'_>]) -> Self {
        let mut framing = Self::default();
        for header in headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                framing.note_length(header.value);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                framing.coding.note(header.value);
            } else if header.name.eq_ignore_ascii_case("connection") {
                for option in header.value.split(|byte| *byte == b',') {
                    framing.close |= option.trim_ascii().eq_ignore_ascii_case(b"close");
                    framing.keep_alive |= option.trim_ascii().eq_ignore_ascii_case(b"keep-alive");
                }
            }
        }
        framing
    }

    /// Readers differ in where the message ends (RFC 9112, section 6.3). Those that pass such a message
    /// on read chunks where there is a word of them, else the length.
    fn is_unclear(&self, old: bool) -> bool {
        let coded = self.coding != Coding::None;
        let beside = coded && self.length.is_some();
        let odd = matches!(self.coding, Coding::Twice | Coding::OddChunked | Coding::Other);
        self.conflicting || beside || odd || old && coded
    }

    /// What in it proxies are known to refuse.
    fn flaw(&self) -> Option<FlawKind> {
        match self.coding {
            Coding::None if self.conflicting => Some(FlawKind::Length),
            Coding::None if self.repeated => Some(FlawKind::LengthTwice),
            Coding::None => None,
            _ if self.length.is_some() || self.conflicting => Some(FlawKind::LengthAndCoding),
            Coding::Chunked => None,
            Coding::Twice => Some(FlawKind::ChunkedTwice),
            Coding::OddChunked => Some(FlawKind::ChunkedOddly),
            Coding::Final | Coding::Other => Some(FlawKind::Coding),
        }
    }

    /// A list of equal lengths counts as one (RFC 9110, section 8.6).
    fn note_length(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',') {
            let digits = item.trim_ascii();
            let length = std::str::from_utf8(digits)
                .ok()
                .filter(|_| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
                .and_then(|digits| digits.parse().ok());
            self.conflicting |=
                length.is_none() || self.length.is_some_and(|known| Some(known) != length);
            self.repeated |= self.length.is_some();
            self.length = self.length.or(length);
        }
    }
}

/// Reads a request's head.
pub(super) fn request(bytes: &[u8]) -> Parsed<RequestHead> {
    match with_room(bytes, plain_request) {
        Parsed::Invalid => odd_request(bytes),
        parsed => parsed,
    }
}

/// Reads a head with room for as many lines as heads have; for more of them, if there are.
fn with_room<T>(
    bytes: &[u8],
    parse: impl for<'b> Fn(
        &'b [u8],
        &mut [MaybeUninit<Header<'b>>],
    ) -> Result<Parsed<T>, httparse::Error>,
) -> Parsed<T> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_LINES];
    match parse(bytes, &mut headers) {
        Err(httparse::Error::TooManyHeaders) => {
            let mut headers = Vec::new();
            headers.resize_with(TOO_MANY_LINES, MaybeUninit::uninit);
            parse(bytes, &mut headers).unwrap_or(Parsed::Invalid)
        }
        parsed => parsed.unwrap_or(Parsed::Invalid),
    }
}

fn plain_request<'b>(
    bytes: &'b [u8],
    headers: &mut [MaybeUninit<Header<'b>>],
) -> Result<Parsed<RequestHead>, httparse::Error> {
    let mut request = httparse::Request::new(&mut []);
    let mut config = ParserConfig::default();
    config.allow_multiple_spaces_in_request_line_delimiters(true);
    config.ignore_invalid_headers_in_requests(true);
    let len = match config.parse_request_with_uninit_headers(&mut request, bytes, headers)? {
        Status::Complete(len) => len,
        Status::Partial => return Ok(Parsed::Partial),
    };
    let framing = Framing::of(request.headers);
    let value = |name: &str| {
        request
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|h| h.value)
    };
    let request_id =
        value("x-request-id").or_else(|| value("x-amzn-trace-id")).or_else(|| value("traceparent"));
    let mut head = RequestHead::new(
        request.method.unwrap_or_default().as_bytes(),
        request.path.unwrap_or_default().as_bytes(),
        value("host").unwrap_or_default(),
        request_id.unwrap_or_default(),
    );
    head.signs = software::of_request(request.headers);
    let old = request.version == Some(0);
    head.closes = framing.close || old && !framing.keep_alive;
    // A request has a body only if it says so (RFC 9112, section 6.3).
    let body = match framing.coding {
        Coding::None if framing.conflicting => None,
        Coding::None => Some(Body::length(framing.length.unwrap_or(0))),
        Coding::Other => None,
        Coding::Chunked | Coding::Final | Coding::Twice | Coding::OddChunked => {
            Some(Body::chunked())
        }
    };
    Ok(Parsed::Whole(HeadRead { head, len, body }))
}

/// A head whose first line is odd (a space in its target, none at all) is read as if it were not: the
/// other lines tell where the request ends.
fn odd_request(bytes: &[u8]) -> Parsed<RequestHead> {
    const SOUND: &[u8] = b" / HTTP/1.1\r\n";
    let line = detect::request_line(bytes);
    let end = bytes.iter().position(|byte| *byte == b'\n').and_then(|end| end.checked_add(1));
    let (LineLook::Request | LineLook::Odd, Some(end)) = (line, end) else {
        return if line == LineLook::Begun { Parsed::Partial } else { Parsed::Invalid };
    };
    let (first, rest) = bytes.split_at_checked(end).unwrap_or_default();
    let (method, target) = odd_line(first);
    let sound = [method, SOUND, rest].concat();
    match with_room(&sound, plain_request) {
        Parsed::Whole(HeadRead { head, len, body }) => {
            let signs = head.signs;
            let closes = head.closes;
            let mut head = RequestHead::new(method, target, head.host(), head.request_id());
            (head.signs, head.closes, head.odd) = (signs, closes, line == LineLook::Odd);
            let added = method.len().saturating_add(SOUND.len());
            let len = len.saturating_sub(added).saturating_add(end);
            Parsed::Whole(HeadRead { head, len, body })
        }
        parsed => parsed,
    }
}

/// The method, and what stands between it and the version.
fn odd_line(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_end();
    let (method, rest) = line
        .split_at_checked(line.iter().position(|b| *b == b' ').unwrap_or(0))
        .unwrap_or_default();
    let version = rest.iter().rposition(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(0);
    (method, rest.get(..version).unwrap_or_default().trim_ascii())
}

/// Reads a response's head. `method` is that of its request, where it is known: it decides whether
/// there is a body.
pub(super) fn response(bytes: &[u8], method: Option<&[u8]>) -> Parsed<ResponseHead> {
    match odd_version(bytes) {
        Some(as_1_1) => with_room(&as_1_1, |bytes, headers| {
            plain_response(bytes, method, Some(FlawKind::Version), headers)
        }),
        None => with_room(bytes, |bytes, headers| plain_response(bytes, method, None, headers)),
    }
}

/// A status line of another version than 1.0 and 1.1 (`HTTP/2.0 200 OK`) is read like those: most
/// proxies do so.
fn odd_version(bytes: &[u8]) -> Option<Vec<u8>> {
    match bytes {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', ..] => None,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9', b' ', rest @ ..] => {
            Some([b"HTTP/1.1 ", rest].concat())
        }
        _ => None,
    }
}

fn plain_response<'b>(
    bytes: &'b [u8],
    method: Option<&[u8]>,
    flaw: Option<FlawKind>,
    headers: &mut [MaybeUninit<Header<'b>>],
) -> Result<Parsed<ResponseHead>, httparse::Error> {
    let mut response = httparse::Response::new(&mut []);
    let mut config = ParserConfig::default();
    config.allow_multiple_spaces_in_response_status_delimiters(true);
    config.allow_spaces_after_header_name_in_responses(true);
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.ignore_invalid_headers_in_responses(true);
    let len = match config.parse_response_with_uninit_headers(&mut response, bytes, headers)? {
        Status::Complete(len) => len,
        Status::Partial => return Ok(Parsed::Partial),
    };
    let framing = Framing::of(response.headers);
    let status = response.code.unwrap_or_default();
    let old = response.version == Some(0);
    // In the order of RFC 9112, section 6.3: method and status, then the coding, then the length, else
    // the close.
    let bodiless = matches!(status, 100..=199 | 204 | 304) || method == Some(b"HEAD");
    let unclear = !bodiless && framing.is_unclear(old);
    let body = if bodiless {
        Body::length(0)
    } else if framing.coding.is_chunked() {
        Body::chunked()
    } else if framing.conflicting {
        // Where it ends cannot be told: as if it said nothing.
        Body::until_close()
    } else {
        framing.length.map_or_else(Body::until_close, Body::length)
    };
    let expected = framing.length.filter(|_| !unclear && !bodiless);
    let two =
        !old && !framing.conflicting && matches!(framing.coding, Coding::Chunked | Coding::Final);
    let least = framing.length.filter(|_| unclear && two);
    let odd_line = has_odd_line(bytes.get(..len).unwrap_or(bytes), response.headers.len());
    let flaw = flaw
        .or_else(|| framing.flaw().filter(|_| !bodiless))
        .or(odd_line.then_some(FlawKind::HeaderLine))
        .or((!matches!(status, 100..=599)).then_some(FlawKind::Status))
        .or((response.headers.len() > MANY_LINES).then_some(FlawKind::ManyLines));
    // HTTP/1.0 closes unless it says otherwise (RFC 9112, section 9.3).
    let announces_close = framing.close || old && !framing.keep_alive;
    let server = software::of_response(response.headers);
    let upgrade = response.headers.iter().find_map(upgrade);
    let head = ResponseHead {
        status,
        announces_close,
        expected,
        flaw,
        unclear,
        least,
        bodiless,
        upgrade,
        server,
    };
    Ok(Parsed::Whole(HeadRead { head, len, body: Some(body) }))
}

/// What an `Upgrade` names, where that is HTTP/2 or TLS (RFC 7540, section 3.2; RFC 2817, section 3.3).
fn upgrade(header: &Header<'_>) -> Option<Protocol> {
    if !header.name.eq_ignore_ascii_case("upgrade") {
        return None;
    }
    let mut names = header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    names.find_map(|name| {
        let begins = |with: &[u8]| {
            name.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with))
        };
        if begins(b"h2c") {
            Some(Protocol::Http2)
        } else {
            begins(b"TLS/").then_some(Protocol::Tls)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::request::MAX_TEXT;

    fn whole<T>(parsed: Parsed<T>) -> HeadRead<T> {
        match parsed {
            Parsed::Whole(read) => read,
            Parsed::Partial => panic!("partial"),
            Parsed::Invalid => panic!("invalid"),
        }
    }

    #[test]
    fn a_request_keeps_what_identifies_it_and_nothing_else() {
        let read = whole(request(
            b"POST /pay?id=7 HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer s3cret\r\nX-Request-Id: r-1\r\nContent-Length: 12\r\n\r\n",
        ));
        assert_eq!(read.head.method(), b"POST");
        assert_eq!(read.head.target(), b"/pay?id=7");
        assert_eq!(read.head.host(), b"shop");
        assert_eq!(read.head.request_id(), b"r-1");
        assert!(!format!("{:?}", read.head).contains("s3cret"));
        assert_eq!(read.body, Some(Body::length(12)));
    }

    #[test]
    fn a_body_is_framed_by_method_status_and_headers() {
        let body = |head: &str, method: &[u8]| {
            whole(response(head.as_bytes(), Some(method))).body.unwrap()
        };
        let ok = "HTTP/1.1 200 OK\r\n";
        assert_eq!(body(&format!("{ok}Content-Length: 5\r\n\r\n"), b"GET"), Body::length(5));
        assert_eq!(body(&format!("{ok}Content-Length: 5\r\n\r\n"), b"HEAD"), Body::length(0));
        assert_eq!(body(&format!("{ok}Content-Length: 5, 5\r\n\r\n"), b"GET"), Body::length(5));
        assert_eq!(body(&format!("{ok}\r\n"), b"GET"), Body::until_close());
        assert_eq!(
            body(
                &format!("{ok}Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n\r\n"),
                b"GET"
            ),
            Body::chunked()
        );
        assert_eq!(
            body("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"GET"),
            Body::length(0)
        );
        assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n", b"GET"), Body::length(0));
    }

    #[test]
    fn contradicting_lengths_are_a_flaw() {
        for lengths in ["5\r\nContent-Length: 6", "banana", "-1", "5, 6", ""] {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {lengths}\r\n\r\n");
            let read = whole(response(head.as_bytes(), Some(b"GET")));
            assert_eq!(read.head.flaw, Some(FlawKind::Length), "{lengths}");
            assert_eq!((read.head.expected, read.body), (None, Some(Body::until_close())));
            assert!(read.head.unclear);
        }
    }

    #[test]
    fn http_1_0_closes_unless_it_says_otherwise() {
        let close = |head: &[u8]| whole(response(head, None)).head.announces_close;
        assert!(close(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(!close(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"));
        assert!(close(
            b"HTTP/1.1 200 OK\r\nConnection: Upgrade, close\r\nContent-Length: 0\r\n\r\n"
        ));
    }

    #[test]
    fn a_long_field_is_cut_and_the_others_stay() {
        let target = "x".repeat(70_000);
        let read =
            whole(request(format!("GET /{target} HTTP/1.1\r\nHost: shop\r\n\r\n").as_bytes()));
        assert_eq!(read.head.target().len(), MAX_TEXT);
        assert_eq!(read.head.host(), b"shop");
    }
}
