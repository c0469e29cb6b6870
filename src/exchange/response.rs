//! A response, as far as it got.

use super::{Flaw, ServerKind};
use crate::flow::{Connection, Side, StreamPos};
use crate::packet::FrameRef;
use std::time::Duration;

/// How far a response was at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Begun {
    /// The response's last frame until then.
    pub last: FrameRef,
    /// The longest time until then in which nothing came of it.
    pub longest_pause: Duration,
    /// Bytes of its head that had come.
    pub head_len: u64,
    /// The whole head had come.
    pub head_complete: bool,
}

/// A response, as far as it got.
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// `None` when its head was not captured.
    pub status: Option<u16>,
    /// Position of its first byte in the server's stream.
    pub start: StreamPos,
    /// One past the last byte of it that was sent, head and interim responses included.
    pub end: StreamPos,
    /// Bytes of its body that were sent.
    pub received: u64,
    /// Length of its body, if it said so.
    pub expected: Option<u64>,
    /// The response's first frame.
    pub first: FrameRef,
    /// The response's last frame so far.
    pub last: FrameRef,
    /// The longest time in which nothing came of it between two parts of it.
    pub longest_pause: Duration,
    /// Bytes of its head that were sent, interim responses aside.
    pub head_len: u64,
    /// The whole head was sent.
    pub head_complete: bool,
    /// The snap length cut its head: where that ends is not known. `head_len` is what was captured of it, and
    /// `received` counts all behind that: the body has so many bytes at the most.
    pub cut: bool,
    /// What is malformed in it.
    pub flaw: Option<Flaw>,
    /// Readers differ in where it ends (RFC 9112, section 6.3).
    pub unclear: bool,
    /// No length is said: the close ends the response.
    pub until_close: bool,
    /// The body says that the port speaks TLS, and that it was asked in clear.
    pub wants_tls: bool,
    /// To none of them it is over before its body has so many bytes, though they differ.
    pub least: Option<u64>,
    /// The head was found by its looks, where framing had been lost or never begun: it may lie inside of a
    /// body.
    pub found: bool,
    /// The server that it gives away.
    pub server: Option<ServerKind>,
    /// The head says that the connection will be closed.
    pub announces_close: bool,
    /// The response began after the client had closed its direction, without knowledge of the response.
    pub after_close: bool,
    /// How far it was when the client closed, if more of it came after that.
    pub before_close: Option<Begun>,
    /// All of it came.
    pub complete: bool,
}

impl Response {
    /// A response of which so much came at first, with this frame, and nothing is known but that.
    pub(super) const fn begun(start: StreamPos, end: StreamPos, frame: FrameRef) -> Self {
        Self {
            status: None,
            start,
            end,
            received: 0,
            expected: None,
            first: frame,
            last: frame,
            longest_pause: Duration::ZERO,
            head_len: 0,
            head_complete: false,
            cut: false,
            flaw: None,
            unclear: false,
            until_close: false,
            wants_tls: false,
            least: None,
            found: false,
            server: None,
            announces_close: false,
            after_close: false,
            before_close: None,
            complete: false,
        }
    }

    /// Whether its head was cut, and yet says more than came: the body announced is longer than all behind what
    /// was captured of the head.
    pub(super) fn is_cut_short(&self) -> bool {
        self.cut && self.expected.or(self.least).is_some_and(|length| self.received < length)
    }

    /// More of it came.
    pub(super) fn came(&mut self, frame: FrameRef) {
        self.longest_pause = self.longest_pause.max(frame.at.since(self.last.at));
        self.last = frame;
    }
}

/// The client closed its direction.
pub(super) fn has_closed(connection: &Connection) -> bool {
    let client = connection.half(Side::Client);
    client.fin.is_some() || client.rst.is_some()
}
