//! What passed on the connection of an attempt from the last exchange before it on, segment by segment, as far
//! as its facts hold frames: nothing is kept for it while frames are read.

use super::KeptAttempt;
use super::attempt::Tried;
use crate::exchange::{Exchange, Unread};
use crate::flow::{Acked, Connection, Half, Mark, Side, StreamPos};
use crate::packet::{FrameRef, SeqNum};
use std::sync::Arc;

/// Entries of one timeline at the most.
const MOST: usize = 64;

/// A segment of a timeline. A position is one in the stream of who sent the segment, an acknowledgement one in
/// the stream of the other side; `None` where that is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimelineEntry {
    /// The segment's frame.
    pub frame: FrameRef,
    /// Who sent it; `None` for what neither side did.
    pub side: Option<Side>,
    /// What it is.
    pub kind: SegmentKind,
    /// The position of its first byte; of a close the one after all that its sender had sent before.
    pub from: Option<StreamPos>,
    /// One past its last byte.
    pub to: Option<StreamPos>,
    /// Every byte of the other side's before this had been received.
    pub ack: Option<StreamPos>,
    /// Where another capture holds that segment.
    pub other: Option<FrameRef>,
}

/// What a segment is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentKind {
    /// Asks for a connection, the first time or again.
    Syn,
    /// Accepts one, the first time or again.
    SynAck,
    /// Holds a part of a request.
    Request,
    /// Holds a part of a response.
    Response,
    /// Only acknowledges, or closes its window.
    Ack,
    /// Was sent before.
    Repeated,
    /// Closes in order.
    Fin,
    /// Closes at once.
    Rst,
    /// Says that something cannot be delivered.
    Icmp,
    /// Asks who has an address.
    Arp,
    /// Begins a TLS handshake.
    ClientHello,
    /// Ends one, in the clear or not.
    TlsAlert,
}

/// An entry, and the numbers on the wire by which another capture knows it again.
struct NumberedEntry {
    entry: TimelineEntry,
    wire: [Option<SeqNum>; 3],
}

impl NumberedEntry {
    /// Whether `other` is this segment, captured elsewhere.
    fn is(&self, other: &Self) -> bool {
        let of = |one: &Self| (one.entry.side, one.entry.kind, one.wire);
        of(self) == of(other)
    }
}

/// Collects what one capture shows of a connection.
struct Collected<'a> {
    connection: &'a Connection,
    known: Vec<NumberedEntry>,
}

impl Collected<'_> {
    /// Adds a segment, unless its frame stands there already as more than an acknowledgement.
    fn add(&mut self, entry: TimelineEntry) {
        let there = self.known.iter().position(|known| known.entry.frame == entry.frame);
        if let Some(place) = there {
            let only =
                self.known.get(place).map(|known| known.entry.kind) == Some(SegmentKind::Ack);
            if !only || entry.kind == SegmentKind::Ack {
                return;
            }
            self.known.remove(place);
        }
        let wire = |side: Option<Side>, pos: Option<StreamPos>| {
            side.zip(pos).and_then(|(side, pos)| self.connection.half(side).wire(pos))
        };
        let peer = entry.side.map(Side::peer);
        let numbers =
            [wire(entry.side, entry.from), wire(entry.side, entry.to), wire(peer, entry.ack)];
        self.known.push(NumberedEntry { entry, wire: numbers });
    }

    /// Adds a segment of which only the frame is known.
    fn bare(&mut self, frame: Option<FrameRef>, side: Option<Side>, kind: SegmentKind) {
        if let Some(frame) = frame {
            self.add(entry(frame, side, kind));
        }
    }

    /// The handshake, and what came of it.
    fn opening(&mut self) {
        let connection = self.connection;
        let (client, server) = (Some(Side::Client), Some(Side::Server));
        if let Some(asked) = connection.no_neighbour.as_deref() {
            self.bare(Some(asked.first), client, SegmentKind::Arp);
            self.bare(Some(asked.last), client, SegmentKind::Arp);
        }
        self.bare(connection.syn, client, SegmentKind::Syn);
        self.bare(connection.last_syn, client, SegmentKind::Syn);
        self.bare(connection.syn_ack, server, SegmentKind::SynAck);
        self.bare(connection.established, client, SegmentKind::Ack);
        let unreachable = connection.unreachable.as_deref().map(|error| error.frame);
        self.bare(unreachable, None, SegmentKind::Icmp);
    }

    /// A request, what was outstanding before it, and what came in answer.
    fn exchange(&mut self, exchange: &Exchange) {
        let request = &exchange.request;
        if exchange.ordinal == 0 {
            self.opening();
        }
        match exchange.quiet_since {
            // Before the first request of a connection that is the end of the handshake.
            Some(quiet) if exchange.ordinal == 0 && exchange.unasked.is_none() => {
                self.bare(Some(quiet), Some(Side::Client), SegmentKind::Ack);
            }
            Some(quiet) => {
                let before = entry(quiet, Some(Side::Server), SegmentKind::Response);
                self.add(TimelineEntry { to: Some(request.server_pos), ..before });
            }
            None => {}
        }
        // A request that was not captured has no frame of its own, only one that shows its absence.
        if request.head.is_some() || request.unread != Some(Unread::Gap) {
            let (client, asked) = (Some(Side::Client), SegmentKind::Request);
            let whole = request.first == request.last;
            self.add(TimelineEntry {
                from: Some(request.start),
                to: Some(request.end).filter(|_| whole),
                ack: request.ack,
                ..entry(request.first, client, asked)
            });
            self.add(TimelineEntry { to: Some(request.end), ..entry(request.last, client, asked) });
        }
        self.bare(exchange.interim, Some(Side::Server), SegmentKind::Response);
        if let Some(response) = exchange.response {
            let (server, answer) = (Some(Side::Server), SegmentKind::Response);
            let whole = response.first == response.last;
            self.add(TimelineEntry {
                from: Some(response.start),
                to: Some(response.end).filter(|_| whole),
                ..entry(response.first, server, answer)
            });
            self.add(TimelineEntry {
                to: Some(response.end),
                ..entry(response.last, server, answer)
            });
        }
    }

    /// How both directions ended, and what was sent again or acknowledged before, not earlier than `since`.
    fn ends(&mut self, since: FrameRef) {
        let connection = self.connection;
        let after = |frame: FrameRef| frame.number >= since.number;
        self.bare(
            connection.syn_ack_again.as_deref().copied(),
            Some(Side::Server),
            SegmentKind::SynAck,
        );
        let undelivered = connection.undelivered.as_deref().map(|error| error.frame);
        self.bare(undelivered.filter(|frame| after(*frame)), None, SegmentKind::Icmp);
        for side in [Side::Server, Side::Client] {
            let half = connection.half(side);
            if let Some(fin) = half.fin {
                self.add(close(fin, side, SegmentKind::Fin));
            }
            if let Some(rst) = half.rst {
                self.add(close(rst, side, SegmentKind::Rst));
            }
            let again = half.last_resent.as_deref().copied().filter(|again| after(*again));
            self.bare(again, Some(side), SegmentKind::Repeated);
            let full = half.zero_window.as_deref().copied().filter(|full| after(*full));
            self.bare(full, Some(side), SegmentKind::Ack);
        }
        for side in [Side::Server, Side::Client] {
            for acked in acknowledged(connection.half(side.peer())) {
                if after(acked.frame) {
                    let ack = entry(acked.frame, Some(side), SegmentKind::Ack);
                    self.add(TimelineEntry { ack: Some(acked.pos), ..ack });
                }
            }
        }
    }
}

fn entry(frame: FrameRef, side: Option<Side>, kind: SegmentKind) -> TimelineEntry {
    TimelineEntry { frame, side, kind, from: None, to: None, ack: None, other: None }
}

fn close(mark: Mark, side: Side, kind: SegmentKind) -> TimelineEntry {
    let (from, to) = (Some(mark.pos), Some(mark.pos));
    TimelineEntry { from, to, ack: mark.ack, ..entry(mark.frame, Some(side), kind) }
}

/// What the peer of a side acknowledged last, and what it had acknowledged before that side's FIN.
fn acknowledged(half: &Half) -> impl Iterator<Item = Acked> {
    half.acked_before_fin.as_deref().copied().into_iter().chain(half.acked)
}

/// What one capture shows of an attempt.
fn seen(attempt: &KeptAttempt) -> Vec<NumberedEntry> {
    let connection = attempt.connection();
    let mut collected = Collected { connection, known: Vec::with_capacity(16) };
    let since = match attempt.tried() {
        Tried::Exchange(exchange) => {
            collected.exchange(exchange);
            exchange.quiet_since.unwrap_or(exchange.request.first)
        }
        Tried::Connect(ended) => {
            collected.opening();
            if let Some(mismatch) = ended.mismatch {
                let (client, server) = (Some(Side::Client), Some(Side::Server));
                collected.bare(Some(mismatch.request), client, SegmentKind::Request);
                collected.bare(Some(mismatch.answer), server, SegmentKind::Response);
            }
            if let Some(facts) = ended.tls.as_deref() {
                collected.bare(facts.client_hello, Some(Side::Client), SegmentKind::ClientHello);
                for alert in &facts.alerts {
                    collected.bare(Some(alert.frame), Some(alert.by), SegmentKind::TlsAlert);
                }
            }
            connection.opened
        }
    };
    collected.ends(since);
    collected.known
}

/// What passed on the connection of an attempt, as it was captured first, with what other captures show of it.
pub fn timeline(attempt: &KeptAttempt, elsewhere: &[Arc<KeptAttempt>]) -> Vec<TimelineEntry> {
    let mut all = seen(attempt);
    for view in elsewhere {
        for other in seen(view) {
            let same = |known: &&mut NumberedEntry| known.entry.other.is_none() && known.is(&other);
            match all.iter_mut().find(same) {
                Some(known) => known.entry.other = Some(other.entry.frame),
                None => all.push(other),
            }
        }
    }
    let mut entries: Vec<TimelineEntry> = all.into_iter().map(|known| known.entry).collect();
    let several = !elsewhere.is_empty();
    entries.sort_by_key(|entry| {
        let FrameRef { capture, number, at } = entry.frame;
        (several.then_some(at), capture, number)
    });
    entries.truncate(MOST);
    entries
}
