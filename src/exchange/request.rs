//! A request as sent, and what its head says.

use super::{RequestSigns, Unread};
use crate::base::digest;
use crate::flow::StreamPos;
use crate::packet::FrameRef;

/// A request as sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Position of its first byte in the client's stream.
    pub start: StreamPos,
    /// One past the last byte of it that was sent.
    pub end: StreamPos,
    /// All of it was sent.
    pub complete: bool,
    /// The request's first frame.
    pub first: FrameRef,
    /// The request's last frame so far.
    pub last: FrameRef,
    /// What it asks; `None` when its head was not read to the end.
    pub head: Option<RequestHead>,
    /// Why not, if the capture is the reason.
    pub unread: Option<Unread>,
    /// What it asks for has no body as a rule (RFC 9110, section 9.3), as far as its method was captured.
    pub bodiless: bool,
    /// So little of its head was captured that this may be another protocol.
    pub slight: bool,
    /// How much of the server's stream the client had received when it began to send this.
    pub ack: Option<StreamPos>,
    /// `ack` is what its first segment said, not a repetition of it.
    pub first_copy: bool,
    /// Where the server's stream was when this began.
    pub server_pos: StreamPos,
}

impl Request {
    /// A request of which so much was sent at first, with this frame, and nothing is known but that.
    pub(super) const fn begun(start: StreamPos, end: StreamPos, frame: FrameRef) -> Self {
        Self {
            start,
            end,
            complete: false,
            first: frame,
            last: frame,
            head: None,
            unread: None,
            bodiless: false,
            slight: false,
            ack: None,
            first_copy: false,
            server_pos: StreamPos(0),
        }
    }
}

/// A digest of a request's method and target: the same for the same request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RequestDigest(pub u64);

impl RequestDigest {
    /// Of a connection on which nothing was asked.
    pub const NOTHING: Self = Self(0);

    /// Of a request that may be a probe: one that was not made for a client, and asks for nothing to
    /// be done.
    pub fn of(head: &RequestHead) -> Option<Self> {
        // Whoever forges another request of the same digest only hides among probes.
        let bytes = head.method().iter().chain(b" ").chain(head.target());
        let asks = is_bodiless(head.method()) && !head.signs.has_body && !head.target_cut;
        (asks && !head.signs.for_client).then_some(Self(digest::of(bytes).max(1)))
    }
}

/// Whether what is asked for with this method has no body as a rule (RFC 9110, section 9.3).
pub(super) fn is_bodiless(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"OPTIONS")
}

/// The longest text kept of a request line or header.
pub(super) const MAX_TEXT: usize = 2 << 10;

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
    /// Whether the head says that the connection will be closed behind the answer, or is of a version that
    /// does so.
    pub closes: bool,
    /// Whether the snap length cut the target: it begins like this.
    pub target_cut: bool,
    /// Whether the first line is no request line by RFC 9112, section 3, though it looks like one.
    pub(super) odd: bool,
}

impl RequestHead {
    pub(super) fn new(method: &[u8], target: &[u8], host: &[u8], request_id: &[u8]) -> Self {
        let mut text = Vec::with_capacity(
            [method, target, host, request_id].iter().map(|field| field.len().min(MAX_TEXT)).sum(),
        );
        let mut ends = [0; 4];
        for (end, field) in ends.iter_mut().zip([method, target, host, request_id]) {
            text.extend_from_slice(field.get(..MAX_TEXT).unwrap_or(field));
            *end = u16::try_from(text.len()).unwrap_or(u16::MAX);
        }
        Self {
            text: text.into_boxed_slice(),
            ends,
            signs: RequestSigns::default(),
            closes: false,
            target_cut: false,
            odd: false,
        }
    }

    /// Method and target, where all of the target was captured.
    pub fn asked(&self) -> Option<(&[u8], &[u8])> {
        (!self.target_cut).then(|| (self.method(), self.target()))
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
