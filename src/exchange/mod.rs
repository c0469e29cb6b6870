//! Streams become requests and responses, and these become exchanges.
//!
//! [`Reader`] follows one connection. Whatever the protocol, it makes known an [`Exchange`] for each
//! request, once its fate is known, and at the end what the connection was ([`Ended`]). It frames
//! HTTP/1.1 (`http1`); other protocols are recognised and left alone.
//!
//! An answered exchange is made known when the next request comes, or with the end of its connection:
//! what follows the answer tells whether the client took it. A 5xx is told at once.
//!
//! Invariant: a byte of the server belongs to a request only if the segment that first carried it
//! acknowledged some of that request; anything else is surplus (a greeting, a notice, the body that
//! a HEAD should not have), never an answer.

mod detect;
mod http1;
mod opaque;
mod opening;
mod proxy_header;
mod software;

use crate::base::digest;
use crate::flow::{Connection, Heads, Side, StreamEvent, StreamPos, StreamReader};
use crate::packet::FrameRef;
pub use detect::Protocol;
pub use http1::flaw::{Flaw, FlawKind};
pub use http1::gaps::MIN_MESSAGE;
pub use http1::head::{MAX_HEAD, RequestHead};
use http1::{Http1, Sureness};
pub use opaque::Mismatch;
use opaque::Opaque;
use opening::{Decision, Detecting};
pub use proxy_header::ProxyHeader;
pub use software::{Prober, ProxyKind, RequestSigns, ServerKind, trace_id};
use std::time::Duration;

/// A request, and what became of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Counts the exchanges of its connection from 0.
    pub ordinal: u32,
    /// What was asked.
    pub request: Request,
    /// What was answered, as far as it got.
    pub response: Option<Response>,
    /// The frame after which nothing was outstanding: the last of the response before, or the end
    /// of the handshake. `None` when the capture begins later, or requests overlap.
    pub quiet_since: Option<FrameRef>,
    /// The last interim response (1xx) that came to it.
    pub interim: Option<FrameRef>,
    /// The response before this one announced that the connection would be closed.
    pub close_announced: bool,
    /// The header of the PROXY protocol that came right before it.
    pub proxied: Option<ProxyHeader>,
    /// The status of an answer that the server sent unasked, before this or while it was on its way.
    pub unasked: Option<u16>,
    /// What became of the exchange before it could not be read: how long the connection had been idle is
    /// less sure than it looks.
    pub blind: bool,
    /// Whether a tunnel began before it, by a CONNECT or its answer that were not captured: then this is
    /// between others than the ends of the connection.
    pub tunnel: Tunnel,
    /// What became of it.
    pub outcome: Outcome,
}

impl Exchange {
    /// How long the connection had been idle when the request came.
    pub fn idle_gap(&self) -> Option<Duration> {
        self.quiet_since.map(|quiet| self.request.first.at.since(quiet.at))
    }
}

/// Whether what follows on a connection may be inside of a tunnel whose beginning was not captured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Tunnel {
    /// Nothing that could open one was missed.
    #[default]
    None,
    /// The first request was missed, and so was its answer.
    Possible,
    /// What was captured of that exchange looks like it.
    Likely,
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It got its whole response.
    Answered,
    /// It got a part of its response, and the connection ended.
    Partial,
    /// It got nothing, and the connection ended.
    Unanswered,
    /// An answer came after the client had closed, which never took it.
    Late,
    /// It may have been answered; that cannot be read here.
    Unread(Unread),
}

/// Why an answer cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unread {
    /// It may lie in a gap of the capture.
    Gap,
    /// Its head was cut by the snap length, or is longer than any head should be.
    HeadCut,
    /// The snap length cut a body in chunks, and with it where it ends.
    BodyCut,
    /// What is there is no HTTP.
    NotHttp,
    /// Its lengths contradict each other, or it has none: readers differ in where it ends.
    Conflicting,
}

/// A request as sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Position of its first byte in the client's stream.
    pub start: StreamPos,
    /// One past the last byte of it that was sent.
    pub end: StreamPos,
    /// All of it was sent.
    pub complete: bool,
    /// Its first frame.
    pub first: FrameRef,
    /// Its last frame so far.
    pub last: FrameRef,
    /// What it asks; `None` when its head was not read to the end.
    pub head: Option<RequestHead>,
    /// Why not, if the capture is the reason.
    pub unread: Option<Unread>,
    /// How much of the server's stream the client had received when it began to send this.
    pub ack: Option<StreamPos>,
    /// `ack` is what its first segment said, not a repetition of it.
    pub first_copy: bool,
    /// Where the server's stream was when this began.
    pub server_pos: StreamPos,
}

/// How far a response was at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Begun {
    /// Its last frame until then.
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
    /// Its first frame.
    pub first: FrameRef,
    /// Its last frame so far.
    pub last: FrameRef,
    /// The longest time in which nothing came of it between two parts of it.
    pub longest_pause: Duration,
    /// Bytes of its head that were sent, interim responses aside.
    pub head_len: u64,
    /// The whole head was sent.
    pub head_complete: bool,
    /// What is malformed in it.
    pub flaw: Option<Flaw>,
    /// Readers differ in where it ends (RFC 9112, section 6.3).
    pub unclear: bool,
    /// It says no length: the close ends it.
    pub until_close: bool,
    /// Its body says that the port speaks TLS, and that it was asked in clear.
    pub wants_tls: bool,
    /// To none of them it is over before its body has so many bytes, though they differ.
    pub least: Option<u64>,
    /// Its head was found by its looks, where framing had been lost or never begun: it may lie inside of
    /// a body.
    pub found: bool,
    /// The server that it gives away.
    pub server: Option<ServerKind>,
    /// It says that the connection will be closed.
    pub announces_close: bool,
    /// It began after the client had closed its direction, without knowledge of the response.
    pub after_close: bool,
    /// How far it was when the client closed, if more of it came after that.
    pub before_close: Option<Begun>,
    /// All of it came.
    pub complete: bool,
}

impl Response {
    /// More of it came.
    fn came(&mut self, frame: FrameRef) {
        self.longest_pause = self.longest_pause.max(frame.at.since(self.last.at));
        self.last = frame;
    }
}

/// A connection at its end.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// What it spoke.
    pub protocol: Protocol,
    /// Exchanges made known.
    pub exchanges: u32,
    /// The frame after which nothing was outstanding, if nothing is.
    pub quiet_since: Option<FrameRef>,
    /// Segments of the server that answer nothing.
    pub surplus: u32,
    /// The last answer announced that the connection would be closed.
    pub close_announced: bool,
    /// What it spoke after an upgrade, where that is HTTP or TLS.
    pub upgraded: Option<Protocol>,
    /// The two sides speak different protocols.
    pub mismatch: Option<Mismatch>,
    /// What the last request was, to know probes by: method and target; `None` when it was made for a
    /// client, or there was none.
    pub last_asked: Option<RequestDigest>,
    /// The header of the PROXY protocol that it begins with.
    pub proxied: Option<ProxyHeader>,
    /// Payload was sent, and not one byte of it was captured that would tell what it is.
    pub unseen: bool,
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
        let asks = matches!(head.method(), b"GET" | b"HEAD" | b"OPTIONS") && !head.signs.has_body;
        (asks && !head.signs.for_client).then_some(Self(digest::of(bytes).max(1)))
    }
}

/// What a [`Reader`] makes known.
#[derive(Clone, Debug)]
pub enum Output {
    /// The fate of a request.
    Exchange(Box<Exchange>),
    /// The end of the connection; comes last.
    Ended(Ended),
}

/// Follows one connection, whatever it speaks.
#[derive(Debug, Default)]
pub struct Reader {
    framer: Framer,
}

#[derive(Debug)]
enum Framer {
    /// Nothing was captured yet that tells what it speaks.
    Detecting(Detecting),
    Http1(Box<Http1>),
    /// Known or unknown, but not framed.
    Opaque(Opaque, Option<Box<ProxyHeader>>),
    /// Nothing more is to come: what the end will say. A connection is kept for stragglers for longer
    /// than its messages are of use.
    Settled(Ended),
}

impl Default for Framer {
    fn default() -> Self {
        Self::Detecting(Detecting::default())
    }
}

/// A gap before the first captured byte of a side.
#[derive(Clone, Copy, Debug)]
struct Missed {
    from: Side,
    pos: StreamPos,
    len: u64,
    frame: FrameRef,
}

impl Missed {
    /// Gaps of one side with nothing between them are one.
    fn note(missed: &mut [Option<Self>; 2], gap: Self) {
        let [client, server] = missed;
        let slot = match gap.from {
            Side::Client => client,
            Side::Server => server,
        };
        let longer = slot.map(|before| Self { len: before.len.saturating_add(gap.len), ..before });
        *slot = longer.or(Some(gap));
    }

    fn event(self) -> StreamEvent<'static> {
        let Self { from, pos, len, frame } = self;
        StreamEvent::Gap { from, pos, len, frame }
    }
}

impl StreamReader for Reader {
    type Output = Output;

    fn sender_of(payload: &[u8]) -> Option<Side> {
        detect::sender_of(payload)
    }

    fn take_heads(&mut self, from: Side) -> Heads {
        let Framer::Http1(http1) = &mut self.framer else {
            return Heads::default();
        };
        let heads = match from {
            Side::Client => std::mem::take(&mut http1.client.heads),
            Side::Server => std::mem::take(&mut http1.server.heads),
        };
        // What may be a password in another protocol is no head.
        if http1.known == Sureness::Certain { heads } else { Heads::default() }
    }

    fn on(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        if let Framer::Detecting(detecting) = &mut self.framer
            && let Some(decision) = detecting.on(&event, connection)
        {
            let detecting = std::mem::take(detecting);
            self.begin(&detecting, decision, connection, out);
            if let Some(event) = detecting.behind_header(event) {
                self.read(event, connection, out);
            }
            return;
        }
        self.read(event, connection, out);
    }
}

impl Reader {
    /// It is decided what the connection speaks: what was held is read.
    fn begin(
        &mut self,
        detecting: &Detecting,
        decision: Decision,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let known = match decision {
            Decision::Http1 => Sureness::Certain,
            Decision::Perhaps => Sureness::Opening,
            Decision::Seek => Sureness::Seeking,
            Decision::Other(protocol, asked) => {
                let proxied = detecting.proxied.clone();
                self.framer = Framer::Opaque(Opaque::new(protocol, asked), proxied);
                return;
            }
        };
        let header = detecting.proxied.as_deref().copied();
        let mut http1 = Box::new(Http1::new(connection, known, header, detecting.greeted));
        let missed = detecting.missed.iter().flatten().map(|gap| gap.event());
        for event in missed.chain(detecting.held.iter().map(|held| held.event())) {
            http1.on(event, connection, out);
        }
        self.framer = Framer::Http1(http1);
    }

    fn read(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let settled = matches!(event, StreamEvent::Settled);
        let ended = match &mut self.framer {
            Framer::Http1(http1) if http1.seeks() && is_tls(&event) => {
                self.framer = Framer::Opaque(Opaque::new(Protocol::Tls, None), None);
                None
            }
            Framer::Http1(http1) => {
                http1.on(event, connection, out);
                if http1.is_other() {
                    let proxied = http1.proxied.map(Box::new);
                    self.framer = Framer::Opaque(Opaque::new(Protocol::Opaque, None), proxied);
                    return;
                }
                settled.then(|| http1.ended())
            }
            Framer::Opaque(opaque, proxied) => {
                opaque.on(event);
                settled.then(|| opaque.ended(proxied.as_deref().copied()))
            }
            // Its handshake may still come, after what was an older connection's.
            Framer::Detecting(detecting) => {
                if let StreamEvent::End = event {
                    out(Output::Ended(detecting.ended(connection)), connection);
                }
                None
            }
            Framer::Settled(ended) => {
                if let StreamEvent::End = event {
                    out(Output::Ended(*ended), connection);
                }
                None
            }
        };
        if let Some(ended) = ended {
            self.framer = Framer::Settled(ended);
        }
    }
}

/// It is whole records of TLS.
fn is_tls(event: &StreamEvent<'_>) -> bool {
    matches!(event, StreamEvent::Bytes { bytes, len, .. }
        if usize::try_from(*len).is_ok_and(|len| detect::is_tls_records(bytes, len)))
}
