//! What is wrong with a response that real proxies may refuse.

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
    /// No status line at the beginning (RFC 9112, section 4).
    NoStatusLine,
    /// A status line at the beginning that is not in order.
    StatusLine,
    /// A version that is neither 1.0 nor 1.1.
    Version,
    /// A status above 599 or below 100 (RFC 9110, section 15).
    Status,
    /// A beginning like a TLS record: the port speaks TLS.
    Tls,
    /// An HTTP/2 SETTINGS frame at the beginning: the port speaks HTTP/2 only.
    Http2,
    /// A line of the head is no header.
    HeaderLine,
    /// More header lines than some proxies take.
    ManyLines,
    /// Content-Length is no number, or there are several that differ (RFC 9112, section 6.3).
    Length,
    /// One Content-Length, twice.
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
    /// The flaw's name in JSON.
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

    /// Whether the flaw is against the letter of HTTP/1, whoever puts up with it.
    pub const fn is_malformed(self) -> bool {
        !matches!(self, Self::ManyLines | Self::Coding | Self::Status)
    }
}
