//! What is known of one TCP connection: facts, no judgement.

use super::clock::{self, Clock};
use super::duplicate::Recent;
use super::neighbours::UnansweredNeighbour;
use super::position::{Origin, StreamPos};
use crate::base::time::Timestamp;
use crate::packet::icmp::Unreachable;
use crate::packet::{Endpoint, FrameRef, Scaling, Segment, SeqNum};
use std::time::Duration;

/// Who sent something: the end that opened the connection, or the one that accepted it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Opened it.
    Client,
    /// Accepted it.
    Server,
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// How the capture of a connection begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// With its SYN or SYN+ACK: its first byte is position 0.
    Handshake,
    /// Later; what went before is unknown.
    Midstream,
}

/// How it was decided which end is the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SidesBy {
    /// One end sent a SYN, the other accepted it.
    Handshake,
    /// One end is known to accept connections.
    Listener,
    /// One end sent what looks like a request, or a response.
    Opener,
    /// The lower port is the server's: a guess.
    LowerPort,
}

/// A FIN or RST, as it was first captured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The frame.
    pub frame: FrameRef,
    /// The sender's own position: every byte before it was sent before.
    pub pos: StreamPos,
    /// How much of the peer's stream the sender had received; `None` without ACK flag, or when
    /// nothing of the peer's stream is known.
    pub ack: Option<StreamPos>,
    /// Place of the close among what both sides delivered on this connection.
    pub order: u64,
    /// Something after it was captured before it: this may be a repetition, whose acknowledgement
    /// can be later than the original's.
    pub repeated: bool,
    /// How often the peer had repeated what it sent last.
    pub peer_resent: u32,
    /// The furthest that its sender had acknowledged by then, and since which frame.
    pub acked: Option<Acked>,
    /// The frame's time to live.
    pub ttl: u8,
}

/// An acknowledgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acked {
    /// Every byte before this was received.
    pub pos: StreamPos,
    /// The first frame that said so.
    pub frame: FrameRef,
}

/// A gap in the capture of one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hole {
    /// The first missing position.
    pub from: StreamPos,
    /// The first one that is there again.
    pub to: StreamPos,
}

/// Where the clock leapt, as far as a connection shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leap {
    /// The last frame before.
    pub before: FrameRef,
    /// The first frame after.
    pub after: FrameRef,
}

/// One direction: what a side sent, and what its peer said of it.
#[derive(Clone, Debug, Default)]
pub struct Half {
    /// Wire number of position 0.
    pub(super) origin: Option<Origin>,
    /// The first byte captured; less than 0 where a capture begun in the middle holds repetitions.
    pub(super) first: StreamPos,
    /// Everything before this was delivered to the reader or declared a gap.
    pub next: StreamPos,
    /// The furthest position that any captured segment of this side implies it had sent.
    pub sent: StreamPos,
    /// The furthest position that the peer's windows let it send.
    pub(super) edge: StreamPos,
    /// Where a segment ended that lay too far ahead to be believed alone.
    pub(super) elsewhere: Option<SeqNum>,
    /// How much of the peer's stream it had when it began to send what is not acknowledged yet.
    pub(super) asked_at: StreamPos,
    /// How this side scales its windows.
    pub(super) scaling: Scaling,
    /// How often the last payload was sent again.
    pub resent: u32,
    /// The last time that happened.
    pub last_resent: Option<Box<FrameRef>>,
    /// How many bytes of payload were sent again then.
    pub resent_len: u32,
    /// Since this frame it advertises a window of zero: it takes nothing more.
    pub zero_window: Option<Box<FrameRef>>,
    /// How long its window was zero before it opened again, at the most, in milliseconds.
    pub(super) longest_zero_ms: u32,
    /// The furthest position that the peer acknowledged.
    pub acked: Option<Acked>,
    /// Of the client's half: what the server had acknowledged before it acknowledged the FIN, where it sent
    /// nothing that shows it as well.
    pub acked_before_fin: Option<Box<Acked>>,
    /// The last gap in the capture of this side.
    pub last_gap: Option<Hole>,
    /// How many gaps.
    pub gaps: u32,
    /// The first FIN.
    pub fin: Option<Mark>,
    /// The first RST.
    pub rst: Option<Mark>,
    /// How much of it the peer had acknowledged when it was reset.
    pub acked_at_rst: Option<StreamPos>,
    /// The RST has not the number that its receiver expects: whether it was believed is open.
    pub(super) rst_doubtful: bool,
    /// The usual time to live of its segments that are no resets; `None` where there is none. The answer of
    /// another box to its SYN, or a detour, does not make that box's resets its own.
    pub ttl: Option<u8>,
    /// By how many votes that is the usual one.
    pub(super) ttl_votes: u8,
    /// Distinct payload bytes captured, by position: lengths on the wire.
    pub bytes: u64,
    /// Segments with FIN.
    pub fins: u64,
    /// Segments with RST.
    pub rsts: u64,
    /// Segments captured, copies of one included.
    pub segments: u64,
    /// Segments among these that no receiver would have believed.
    pub strays: u32,
    /// The last of them, to know copies by.
    pub(super) recent: Recent,
    /// When the last of them was captured.
    pub(super) last_at: Timestamp,
}

impl Half {
    /// A payload at this place whose part from `next` on is counted elsewhere: counts what lies before
    /// the first byte captured so far.
    pub(super) fn count_early(&mut self, pos: StreamPos, end: StreamPos) {
        if pos < self.first && end > pos {
            self.bytes = self.bytes.saturating_add(self.first.min(end).since(pos));
            self.first = pos;
        }
    }

    /// As far as anything of it was captured, or said to be sent.
    pub fn front(&self) -> StreamPos {
        self.next.max(self.sent)
    }

    /// Notes the time to live of a segment that is no reset: the majority of them.
    pub(super) fn note_ttl(&mut self, ttl: u8) {
        if self.ttl.is_none_or(|usual| usual == ttl) {
            self.ttl = Some(ttl);
            self.ttl_votes = self.ttl_votes.saturating_add(1);
        } else {
            self.ttl_votes = self.ttl_votes.saturating_sub(1);
            self.ttl = self.ttl.filter(|_| self.ttl_votes > 0);
        }
    }

    /// Notes the window that this side offers.
    pub(super) fn note_window(&mut self, window: u16, frame: FrameRef) {
        if window == 0 {
            self.zero_window.get_or_insert_with(|| Box::new(frame));
        } else if let Some(since) = self.zero_window.take() {
            let closed = frame.at.since(since.at).as_millis();
            let closed = u32::try_from(closed).unwrap_or(u32::MAX);
            self.longest_zero_ms = self.longest_zero_ms.max(closed);
        }
    }

    /// How long its window was zero before it opened again, at the most.
    pub fn longest_zero(&self) -> Duration {
        Duration::from_millis(self.longest_zero_ms.into())
    }

    /// Nothing of it was captured but what no receiver would have believed.
    pub fn is_unheard(&self) -> bool {
        self.segments <= u64::from(self.strays)
    }

    /// When the last segment of it was captured.
    pub const fn heard(&self) -> Timestamp {
        self.last_at
    }

    /// A number on the wire is that of something sent and not yet acknowledged.
    pub(super) fn awaits(&self, seq: SeqNum) -> bool {
        let acked = self.acked.map_or_else(StreamPos::default, |acked| acked.pos);
        let pos = self.origin.map(|origin| origin.position(seq, acked));
        pos.is_some_and(|pos| pos >= acked && pos < self.sent)
    }

    /// The position of a number on the wire, near what was delivered last; `None` while no position is known.
    pub fn position(&self, number: SeqNum) -> Option<StreamPos> {
        self.origin.map(|origin| origin.position(number, self.next))
    }

    /// The number on the wire of a position; `None` while no position is known.
    pub fn wire(&self, pos: StreamPos) -> Option<SeqNum> {
        self.origin.map(|origin| origin.wire(pos))
    }

    /// One past the last position that is accounted for: the FIN takes one of its own.
    pub fn reach(&self) -> StreamPos {
        match self.fin {
            Some(fin) if fin.pos == self.next => fin.pos.plus(1),
            _ => self.next,
        }
    }
}

/// One TCP connection. What few connections have is boxed: there are many of them, and each segment
/// looks for one.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Counts connections by their first frame, from 0.
    pub number: u64,
    /// The end that opened it.
    pub client: Endpoint,
    /// The end that accepted it.
    pub server: Endpoint,
    /// How its capture begins.
    pub start: Start,
    /// How the ends were told apart; `None` as long as they are not.
    pub sides_by: Option<SidesBy>,
    /// The connection's first frame.
    pub opened: FrameRef,
    /// The connection's last frame so far.
    pub last: FrameRef,
    /// The latest time that the capture is known to cover, once the connection has ended.
    pub seen_until: Timestamp,
    /// The first SYN.
    pub syn: Option<FrameRef>,
    /// The last SYN.
    pub last_syn: Option<FrameRef>,
    /// How many times the client tried; the same SYN captured twice is one.
    pub syns: u32,
    /// The SYN left the host that captured it (true), or came to it (false); `None` where the
    /// capture does not tell.
    pub outgoing: Option<bool>,
    /// The first SYN+ACK.
    pub syn_ack: Option<FrameRef>,
    /// A repetition of the SYN+ACK although the client had answered it: the server's kernel holds the
    /// connection back, for its queue of connections to be accepted is full.
    pub syn_ack_again: Option<Box<FrameRef>>,
    /// The client's answer to the SYN+ACK: the connection is established.
    pub established: Option<FrameRef>,
    pub(super) client_half: Half,
    pub(super) server_half: Half,
    /// The first word that its SYN could not be delivered.
    pub unreachable: Option<Box<Unreachable>>,
    /// The last word that something its client had sent, and that was not acknowledged, could not be delivered.
    pub undelivered: Option<Box<Unreachable>>,
    /// Nothing of it ever left: nobody has the server's address.
    pub no_neighbour: Option<Box<UnansweredNeighbour>>,
    /// The connection that this one is, captured first: before (or after) address translation, or at
    /// another viewpoint.
    pub same_as: Option<Box<Twin>>,
    /// Other ends that it was captured with; `None` where there are none.
    pub(super) aliases: Option<Box<Aliases>>,
    /// The number of a second SYN+ACK, another one than the first: the client's word tells which of them
    /// it took.
    pub(super) rival: Option<SeqNum>,
    /// There was no room to follow it to its end: nothing is claimed of what became of it.
    pub given_up: bool,
    /// Between these frames of it the clock leapt, perhaps several times.
    pub leap: Option<Box<Leap>>,
    /// How much time had passed when its last frame came.
    pub(super) heard: Timestamp,
    /// Events delivered so far.
    pub(super) order: u64,
}

impl Connection {
    /// The direction in which `side` sends.
    pub fn half(&self, side: Side) -> &Half {
        match side {
            Side::Client => &self.client_half,
            Side::Server => &self.server_half,
        }
    }

    pub(super) fn half_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.client_half,
            Side::Server => &mut self.server_half,
        }
    }

    /// Which side has this address and port.
    pub(super) fn side_of(&self, endpoint: Endpoint) -> Side {
        if endpoint == self.client { Side::Client } else { Side::Server }
    }

    /// What goes from `src` to `dst` does not go to its client, under whichever ends.
    pub(super) fn is_client(&self, src: Endpoint, dst: Endpoint) -> bool {
        let back = |client: Endpoint, server: Endpoint| (client, server) == (dst, src);
        !back(self.client, self.server)
            && !self.aliases().iter().any(|alias| back(alias.client, alias.server))
    }

    /// Who sends what goes from `src` to `dst`, under whichever ends.
    pub fn sender(&self, src: Endpoint, dst: Endpoint) -> Side {
        if self.is_client(src, dst) { Side::Client } else { Side::Server }
    }

    /// How many events it has delivered so far.
    pub const fn delivered(&self) -> u64 {
        self.order
    }

    /// The connection as it was when it had delivered so many events, as far as its closes go: what comes late to be read
    /// is not to be taken for later than them. `None` where it had all closes by then.
    pub fn after(&self, delivered: u64) -> Option<Box<Self>> {
        let later = |mark: Option<Mark>| mark.is_some_and(|mark| mark.order > delivered);
        let halves = [&self.client_half, &self.server_half];
        if !halves.into_iter().any(|half| later(half.fin) || later(half.rst)) {
            return None;
        }
        let mut then = Box::new(self.clone());
        for half in [&mut then.client_half, &mut then.server_half] {
            half.fin = half.fin.filter(|fin| !later(Some(*fin)));
            if later(half.rst) {
                (half.rst, half.rst_doubtful, half.acked_at_rst) = (None, false, None);
            }
        }
        Some(then)
    }

    /// Takes back the guess of who is the client.
    pub(super) fn swap_sides(&mut self) {
        std::mem::swap(&mut self.client, &mut self.server);
        std::mem::swap(&mut self.client_half, &mut self.server_half);
        for alias in self.aliases.iter_mut().flat_map(|aliases| &mut aliases.0) {
            std::mem::swap(&mut alias.client, &mut alias.server);
        }
    }

    /// The pairs of ends that it was captured with beside [`Self::client`] and [`Self::server`], before or
    /// after address translation, in the order in which they were captured.
    pub fn aliases(&self) -> &[Alias] {
        self.aliases.as_deref().map_or(&[], |aliases| &aliases.0)
    }

    /// Notes other ends that it was captured with.
    pub(super) fn add_alias(&mut self, alias: Alias) {
        let Aliases(all) = &mut **self.aliases.get_or_insert_default();
        all.reserve_exact(1);
        all.push(alias);
    }

    /// A segment between ends that address translation made of its own, as if between its own; `None`
    /// where it is.
    #[inline]
    pub(super) fn translated<'a>(&self, segment: &Segment<'a>) -> Option<Segment<'a>> {
        let aliases = self.aliases.as_deref()?;
        let from = aliases.0.iter().find_map(|alias| alias.sender(segment.src, segment.dst))?;
        let (src, dst) = match from {
            Side::Client => (self.client, self.server),
            Side::Server => (self.server, self.client),
        };
        Some(Segment { src, dst, ..*segment })
    }

    /// From one frame of it to another; `None` where the clock leapt between them.
    pub fn span(&self, from: FrameRef, to: FrameRef) -> Option<Duration> {
        let leapt = self.leap.as_deref().is_some_and(|leap| {
            from.number <= leap.before.number && to.number >= leap.after.number
        });
        (!leapt).then(|| to.at.since(from.at))
    }

    /// Takes note of when a frame of it came, and of a clock that leapt since the one before. A clock
    /// that goes back did; one that goes ahead while somebody waits for an answer did as well, for
    /// else what is not answered had been repeated.
    pub(super) fn note_time(&mut self, frame: FrameRef, clock: &Clock) {
        let passed = clock.now().since(self.heard);
        self.heard = clock.now();
        let back = self.last.at.since(frame.at);
        let ahead = frame.at.since(self.last.at).saturating_sub(passed);
        if back <= clock::SLACK && ahead <= clock::SLACK {
            return;
        }
        let waits = |half: &Half| match half.acked {
            Some(acked) => half.sent > acked.pos,
            None => half.sent > StreamPos::default(),
        };
        let opening = self.syn_ack.is_none() && self.syn.is_some() && self.established.is_none();
        let waited = opening || waits(&self.client_half) || waits(&self.server_half);
        if back > clock::SLACK || clock.is_unsteady() || waited {
            let before = self.leap.as_deref().map_or(self.last, |leap| leap.before);
            self.leap = Some(Box::new(Leap { before, after: frame }));
        }
    }

    /// How long a segment and its answer take between the two ends, wherever they are captured, going by
    /// the handshake; `None` where that does not show.
    pub fn round_trip(&self) -> Option<Duration> {
        let (syn, established) = self.last_syn.zip(self.established)?;
        (self.syns == 1).then(|| established.at.since(syn.at))
    }

    /// Nothing of it was ever sent: it is no TCP connection, and its `number` is none that is told.
    pub fn never_left(&self) -> bool {
        self.no_neighbour.is_some()
    }

    /// Nothing of it but questions for the server's address was captured: its ports are not known.
    pub fn is_unnamed(&self) -> bool {
        self.never_left() && self.unreachable.is_none()
    }

    /// Nothing more is to come but stragglers.
    pub(super) fn is_closed(&self) -> bool {
        let acknowledged = |half: &Half| match (half.fin, half.acked) {
            (Some(fin), Some(acked)) => acked.pos > fin.pos,
            _ => false,
        };
        let reset = |half: &Half| half.rst.is_some() && !half.rst_doubtful;
        reset(&self.client_half)
            || reset(&self.server_half)
            || acknowledged(&self.client_half) && acknowledged(&self.server_half)
    }

    /// The capture of either direction has holes.
    pub fn has_gaps(&self) -> bool {
        self.client_half.gaps > 0 || self.server_half.gaps > 0
    }
}

/// Ends that a connection was captured with as well: before, or after, address translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alias {
    /// Where the client is.
    pub client: Endpoint,
    /// Where the server is.
    pub server: Endpoint,
}

impl Alias {
    /// The ends of a segment that `from` sent.
    pub(super) const fn of(segment: &Segment<'_>, from: Side) -> Self {
        match from {
            Side::Client => Self { client: segment.src, server: segment.dst },
            Side::Server => Self { client: segment.dst, server: segment.src },
        }
    }

    /// Who sends what goes from `src` to `dst`; `None` if these are others.
    pub(super) fn sender(&self, src: Endpoint, dst: Endpoint) -> Option<Side> {
        match (self.client, self.server) {
            ends if ends == (src, dst) => Some(Side::Client),
            ends if ends == (dst, src) => Some(Side::Server),
            _ => None,
        }
    }
}

/// Few connections have any: a list of its own size would be kept in each.
#[derive(Clone, Debug, Default)]
pub(super) struct Aliases(pub(super) Vec<Alias>);

/// The connection that another one is: the one of the two that was captured first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Twin {
    /// Number of the first connection.
    pub number: u64,
    /// The first connection's client.
    pub client: Endpoint,
    /// The first connection's server.
    pub server: Endpoint,
    /// The capture that holds its first frame.
    pub capture: u32,
}

impl Twin {
    /// Of a connection, or of the one that this one is.
    pub(super) fn of(connection: &Connection) -> Self {
        connection.same_as.as_deref().copied().unwrap_or(Self {
            number: connection.number,
            client: connection.client,
            server: connection.server,
            capture: connection.opened.capture,
        })
    }
}
