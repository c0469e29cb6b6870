//! Heads: bytes become what matters of a request or response (RFC 9112).
//!
//! httparse reads the lines; here stands what framing and verdicts need of them. Header values are
//! never kept, but for the few that identify a request.

use super::body::Body;
use super::flaw::{FlawKind, has_odd_line};
use super::signs::{self, RequestSigns, ServerKind};
use httparse::{Header, ParserConfig, Status};
use std::mem::MaybeUninit;

/// The longest head that is put together from segments. Servers and proxies allow 4 to 64 KiB.
pub const MAX_HEAD: usize = 128 << 10;
/// More header lines than any server accepts by default (Apache: 100).
const MAX_LINES: usize = 256;
/// The longest text kept of a request line or header.
const MAX_TEXT: usize = 2 << 10;

/// What a request's head says. The text is as sent, at most 2 KiB a field: it may hold any byte,
/// and secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestHead {
    /// All fields in one piece of memory, one after the other.
    text: Box<[u8]>,
    /// Where each field ends.
    ends: [u16; 4],
    /// What its headers tell of who sent it.
    pub signs: RequestSigns,
}

impl RequestHead {
    fn new(method: &[u8], target: &[u8], host: &[u8], request_id: &[u8]) -> Self {
        let mut text = Vec::with_capacity(
            [method, target, host, request_id].iter().map(|field| field.len().min(MAX_TEXT)).sum(),
        );
        let mut ends = [0; 4];
        for (end, field) in ends.iter_mut().zip([method, target, host, request_id]) {
            text.extend_from_slice(field.get(..MAX_TEXT).unwrap_or(field));
            *end = u16::try_from(text.len()).unwrap_or(u16::MAX);
        }
        Self { text: text.into_boxed_slice(), ends, signs: RequestSigns::default() }
    }

    /// `GET`, `POST` …
    pub fn method(&self) -> &[u8] {
        let [end, ..] = self.ends;
        self.field(0, end)
    }

    /// The request target: usually path and query.
    pub fn target(&self) -> &[u8] {
        let [begin, end, ..] = self.ends;
        self.field(begin, end)
    }

    /// The value of `Host`; empty when there is none.
    pub fn host(&self) -> &[u8] {
        let [_, begin, end, _] = self.ends;
        self.field(begin, end)
    }

    /// What identifies the request in logs: `X-Request-Id`, else `X-Amzn-Trace-Id`, else
    /// `traceparent`; empty when there is none.
    pub fn request_id(&self) -> &[u8] {
        let [_, _, begin, end] = self.ends;
        self.field(begin, end)
    }

    fn field(&self, begin: u16, end: u16) -> &[u8] {
        self.text.get(usize::from(begin)..usize::from(end)).unwrap_or_default()
    }
}

/// A head that was read.
#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) head: T,
    /// Its length.
    pub(super) len: usize,
    /// What follows it.
    pub(super) body: Body,
}

/// What parsing the bytes so far came to.
#[derive(Debug)]
pub(super) enum Parsed<T> {
    Whole(Read<T>),
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
    pub(super) server: Option<ServerKind>,
}

/// What the headers say about framing and the connection's life.
#[derive(Default)]
struct Framing {
    length: Option<u64>,
    conflicting: bool,
    /// The last transfer coding is `chunked`.
    chunked: bool,
    /// There is a transfer coding.
    coded: bool,
    close: bool,
    keep_alive: bool,
}

impl Framing {
    fn of(headers: &[Header<'_>]) -> Self {
        let mut framing = Self::default();
        for header in headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                framing.note_length(header.value);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                framing.coded = true;
                let last = header.value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                framing.chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            } else if header.name.eq_ignore_ascii_case("connection") {
                for option in header.value.split(|byte| *byte == b',') {
                    framing.close |= option.trim_ascii().eq_ignore_ascii_case(b"close");
                    framing.keep_alive |= option.trim_ascii().eq_ignore_ascii_case(b"keep-alive");
                }
            }
        }
        framing
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
            self.length = self.length.or(length);
        }
    }
}

/// Reads a request's head.
pub(super) fn request(bytes: &[u8]) -> Parsed<RequestHead> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_LINES];
    let mut request = httparse::Request::new(&mut []);
    let mut config = ParserConfig::default();
    config.allow_multiple_spaces_in_request_line_delimiters(true);
    config.ignore_invalid_headers_in_requests(true);
    let len = match config.parse_request_with_uninit_headers(&mut request, bytes, &mut headers) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::Invalid,
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
    head.signs = signs::of_request(request.headers);
    // A request has a body only if it says so (RFC 9112, section 6.3).
    let body =
        if framing.chunked { Body::chunked() } else { Body::length(framing.length.unwrap_or(0)) };
    Parsed::Whole(Read { head, len, body })
}

/// Reads a response's head. `method` is that of its request, where it is known: it decides whether
/// there is a body.
pub(super) fn response(bytes: &[u8], method: Option<&[u8]>) -> Parsed<ResponseHead> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_LINES];
    let mut response = httparse::Response::new(&mut []);
    let mut config = ParserConfig::default();
    config.allow_multiple_spaces_in_response_status_delimiters(true);
    config.allow_spaces_after_header_name_in_responses(true);
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.ignore_invalid_headers_in_responses(true);
    let len = match config.parse_response_with_uninit_headers(&mut response, bytes, &mut headers) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::Invalid,
    };
    let framing = Framing::of(response.headers);
    let status = response.code.unwrap_or_default();
    let bodiless = matches!(status, 100..=199 | 204 | 304) || method == Some(b"HEAD");
    let body = if bodiless {
        Body::length(0)
    } else if framing.coded {
        if framing.chunked { Body::chunked() } else { Body::until_close() }
    } else if framing.conflicting {
        // Where it ends cannot be told: as if it said nothing.
        Body::until_close()
    } else {
        framing.length.map_or_else(Body::until_close, Body::length)
    };
    let unknown = framing.coded || framing.conflicting || bodiless;
    let expected = framing.length.filter(|_| !unknown);
    let flaw = if framing.conflicting && !framing.coded && !bodiless {
        Some(FlawKind::Length)
    } else {
        let odd = has_odd_line(bytes.get(..len).unwrap_or(bytes), response.headers.len());
        odd.then_some(FlawKind::HeaderLine)
    };
    let old = response.version == Some(0);
    let announces_close = framing.close || old && !framing.keep_alive;
    let server = signs::of_response(response.headers);
    let head = ResponseHead { status, announces_close, expected, flaw, server };
    Parsed::Whole(Read { head, len, body })
}

/// What the first line of a head says of a request, where the rest was not captured.
pub(super) fn request_line(bytes: &[u8]) -> Option<RequestHead> {
    let mut words = first_line(bytes)?.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (method, target, _version) = (words.next()?, words.next()?, words.next()?);
    Some(RequestHead::new(method, target, b"", b""))
}

/// The status in the first line of a head, where the rest was not captured.
pub(super) fn status_line(bytes: &[u8]) -> Option<u16> {
    let mut words = bytes.split(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    let (_version, status) = (words.next()?, words.next()?);
    let status = std::str::from_utf8(status).ok()?;
    status.parse().ok().filter(|status| (100..=999).contains(status))
}

fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some(bytes.get(..end)?.trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole<T>(parsed: Parsed<T>) -> Read<T> {
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
        assert!(!format!("{:?}", read.head.text).contains("s3cret"));
        assert_eq!(read.body, Body::length(12));
    }

    #[test]
    fn a_body_is_framed_by_method_status_and_headers() {
        let body = |head: &str, method: &[u8]| whole(response(head.as_bytes(), Some(method))).body;
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
            assert_eq!((read.head.expected, read.body), (None, Body::until_close()));
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
    fn the_first_line_of_a_cut_head_is_read_if_it_is_whole() {
        let cut = request_line(b"GET /a?b=c HTTP/1.1\r\nHo").unwrap();
        assert_eq!((cut.method(), cut.target()), (&b"GET"[..], &b"/a?b=c"[..]));
        assert_eq!(request_line(b"GET /a?b=c HTTP/1."), None);
        assert_eq!(status_line(b"HTTP/1.1 404 Not"), Some(404));
        assert_eq!(status_line(b"HTTP/1.1 4"), None);
        assert_eq!(status_line(b"HTTP/1.1"), None);
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
