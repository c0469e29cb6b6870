//! What is wrong with a response that real proxies may refuse.
//!
//! Framing is lenient, as proxies are: bare line feeds, odd spaces, folded lines are read. What is
//! noted here is beyond that, and only where nothing is missing from the capture: the middle of
//! something looks malformed, too.

use crate::flow::StreamPos;

/// Something malformed, and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flaw {
    /// What is wrong.
    pub kind: FlawKind,
    /// Position in the server's stream of the message, head or body that it is in.
    pub pos: StreamPos,
}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FlawKind {
    /// It does not begin with a status line (RFC 9112, section 4).
    NoStatusLine,
    /// It begins with one that is not in order.
    StatusLine,
    /// Its version is neither 1.0 nor 1.1.
    Version,
    /// Its status is above 599 or below 100 (RFC 9110, section 15).
    Status,
    /// It begins like a TLS record: the port speaks TLS.
    Tls,
    /// It begins with an HTTP/2 SETTINGS frame: the port speaks HTTP/2 only.
    Http2,
    /// A line of the head is no header.
    HeaderLine,
    /// It has more header lines than some proxies take.
    ManyLines,
    /// Content-Length is no number, or there are several that differ (RFC 9112, section 6.3).
    Length,
    /// The same Content-Length twice.
    LengthTwice,
    /// Transfer-Encoding beside Content-Length.
    LengthAndCoding,
    /// Another Transfer-Encoding than `chunked`.
    Coding,
    /// Transfer-Encoding says `chunked` twice.
    ChunkedTwice,
    /// Transfer-Encoding says `chunked` in a way of its own.
    ChunkedOddly,
    /// A chunk does not begin with its length (RFC 9112, section 7.1).
    Chunk,
    /// The answer before, to a HEAD or with this status, may have no body and left one: what follows
    /// begins in the middle of nowhere (RFC 9110, section 6.4.1).
    BodyOf(Option<u16>),
    /// The answer before left more bytes than it had announced.
    Leftover,
}

impl FlawKind {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoStatusLine => "no_status_line",
            Self::StatusLine => "status_line",
            Self::Version => "version",
            Self::Status => "status",
            Self::Tls => "tls",
            Self::Http2 => "http2",
            Self::HeaderLine => "header_line",
            Self::ManyLines => "many_lines",
            Self::Length => "content_length",
            Self::LengthTwice => "content_length_twice",
            Self::LengthAndCoding => "length_and_coding",
            Self::Coding => "transfer_encoding",
            Self::ChunkedTwice => "chunked_twice",
            Self::ChunkedOddly => "chunked_oddly",
            Self::Chunk => "chunk_length",
            Self::BodyOf(_) => "body_of_answer_before",
            Self::Leftover => "left_by_answer_before",
        }
    }

    /// Many proxies put up with it: only one that closes at once shows that it does not.
    pub const fn is_tolerated(self) -> bool {
        match self {
            Self::Version
            | Self::Status
            | Self::HeaderLine
            | Self::ManyLines
            | Self::LengthTwice
            | Self::LengthAndCoding
            | Self::Coding
            | Self::ChunkedTwice
            | Self::ChunkedOddly
            | Self::BodyOf(_)
            | Self::Leftover => true,
            Self::NoStatusLine
            | Self::StatusLine
            | Self::Tls
            | Self::Http2
            | Self::Length
            | Self::Chunk => false,
        }
    }

    /// It is against the letter of HTTP/1, whoever puts up with it.
    pub const fn is_malformed(self) -> bool {
        !matches!(self, Self::ManyLines | Self::Coding | Self::Status)
    }

    /// What bytes are that were to begin a response and do not.
    pub(crate) fn of_opening(bytes: &[u8]) -> Self {
        match bytes {
            [0x15 | 0x16, 3, 0..=4, ..] => Self::Tls,
            // SETTINGS, or GOAWAY: length, type, flags, stream 0 (RFC 9113, sections 6.5 and 6.8).
            [0, _, _, 4, 0 | 1, 0, 0, 0, 0, ..] | [0, _, _, 7, 0, 0, 0, 0, 0, ..] => Self::Http2,
            _ if !bytes.starts_with(b"HTTP/") => Self::NoStatusLine,
            // The status line is there; it has four digits, or what follows it is not in order.
            _ if crate::exchange::detect::is_certain_status(bytes, false) => {
                match super::head::status_line(bytes) {
                    Some(_) => Self::HeaderLine,
                    None => Self::Status,
                }
            }
            _ => Self::StatusLine,
        }
    }
}

/// Whether a head holds a line that is no header, of which the parser read `headers`: neither with a
/// colon nor the continuation of the one before (RFC 9112, section 5.2).
pub(crate) fn has_odd_line(head: &[u8], headers: usize) -> bool {
    let lines = head.iter().filter(|byte| **byte == b'\n').count();
    // The status line and the empty one; empty lines before the first.
    if lines <= headers.saturating_add(2) {
        return false;
    }
    let lines = head.trim_ascii().split(|byte| *byte == b'\n').skip(1);
    lines.into_iter().any(|line| match line.first() {
        None | Some(b' ' | b'\t' | b'\r') => false,
        Some(_) => match line.iter().position(|byte| *byte == b':') {
            None | Some(0) => true,
            Some(colon) => {
                let (name, value) = line.split_at_checked(colon).unwrap_or_default();
                let value = value.strip_suffix(b"\r").unwrap_or(value);
                !name
                    .trim_ascii_end()
                    .iter()
                    .all(|byte| crate::exchange::detect::is_token_byte(*byte))
                    || value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proxies_put_up_with_is_no_odd_line() {
        for head in [
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
            "HTTP/1.1 200 OK\nA: b\nC : d\n\n",
            "\r\nHTTP/1.1 200 OK\r\nA: b\r\n c\r\n\tc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Odd~!: \r\n\r\n",
        ] {
            assert!(!has_odd_line(head.as_bytes(), 0), "{head}");
        }
    }

    #[test]
    fn a_line_without_a_name_is_odd() {
        for line in
            ["this is not a header", ": no name", "two words: x", "\u{1}: x", "X(a): b", "A: \u{1}"]
        {
            let head = format!("HTTP/1.1 200 OK\r\nA: b\r\n{line}\r\nC: d\r\n\r\n");
            assert!(has_odd_line(head.as_bytes(), 2), "{line}");
        }
    }

    #[test]
    fn other_protocols_are_known_by_their_first_bytes() {
        assert_eq!(FlawKind::of_opening(&[0x15, 3, 1, 0, 2, 2, 70]), FlawKind::Tls);
        assert_eq!(FlawKind::of_opening(&[0, 0, 18, 4, 0, 0, 0, 0, 0, 0]), FlawKind::Http2);
        assert_eq!(FlawKind::of_opening(b"500 sorry"), FlawKind::NoStatusLine);
        assert_eq!(FlawKind::of_opening(b"HTTP/1.1\nA: b"), FlawKind::StatusLine);
        assert_eq!(FlawKind::of_opening(b"HTTP/1.1 20 OK\r\n"), FlawKind::StatusLine);
        assert_eq!(FlawKind::of_opening(b"HTTP/1.1 2000 OK\r\n"), FlawKind::Status);
        assert_eq!(FlawKind::of_opening(b"HTTP/1.1 200 OK\r\nA:\r b"), FlawKind::HeaderLine);
    }
}
