//! One connection's segments become its events: in order, once, causes first.

use super::challenge::Challenge;
use super::clock::Clock;
use super::connection::{Connection, Half, Hole, Mark, Side, SidesBy, Start};
use super::expiry::LifeStage;
use super::handshake::{begins_anew, is_unanswered, is_unread};
use super::place::Place;
use super::position::{Origin, StreamPos};
use super::reassembly::{Arrival, Waiting};
use super::{Limits, StreamEvent, StreamReader, arrival, belief};
use crate::base::time::Timestamp;
use crate::packet::{FrameRef, Segment};

/// Payload segments of a connection begun in the middle that may pass before its sides are guessed
/// by their ports.
const UNDECIDED_SEGMENTS: u8 = 4;

/// A connection, its reader, and what waits between them.
#[derive(Debug)]
pub(super) struct Delivery<R> {
    pub(super) connection: Connection,
    reader: R,
    waiting: Waiting,
    /// Payload segments seen while the sides are undecided.
    undecided: u8,
    /// Segments of both sides.
    segments: u64,
    /// Judged: what still comes is counted only.
    /// Its reader was told that the client has closed and nothing comes, or nobody wants to know.
    told_quiet: bool,
    settled: bool,
    /// A SYN that may open another connection between the same ends.
    challenge: Option<Box<Challenge>>,
    /// The connection's end was told.
    ended: bool,
    /// Somebody may tell something of it.
    words: bool,
}

/// What a segment did beyond what the reader saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effect {
    /// The sequence number fits nothing.
    pub(super) stray: bool,
    /// Waiting segments were given up because they were too many.
    pub(super) overflow: bool,
    /// The segment was captured before.
    pub(super) copy: bool,
    /// The segment brought something after the connection was judged.
    pub(super) late: bool,
}

impl<R: StreamReader> Delivery<R> {
    pub(super) fn new(connection: Connection, limits: &Limits) -> Self {
        let mut reader = R::default();
        if limits.words {
            reader.expect_words();
        }
        Self {
            connection,
            reader,
            waiting: Waiting::default(),
            undecided: 0,
            segments: 0,
            told_quiet: limits.quiet.is_none(),
            settled: false,
            challenge: None,
            ended: false,
            words: limits.words,
        }
    }

    /// The wire numbers at which both sides began, once both are known: address translation leaves
    /// them as they are.
    pub(super) fn origins(&self) -> Option<(u32, u32)> {
        let (client, server) =
            (self.connection.client_half.origin?, self.connection.server_half.origin?);
        (self.connection.start == Start::Handshake).then_some((client.0.0, server.0.0))
    }

    /// Whether a segment of another viewpoint can be of this connection, by its numbers.
    pub(super) fn continues_with(&self, segment: &Segment<'_>) -> bool {
        let half = self.connection.half(self.connection.side_of(segment.src));
        let Some(origin) = half.origin else {
            return false;
        };
        if segment.flags.syn() {
            return origin == Origin(segment.seq.plus(1));
        }
        let pos = origin.position(segment.seq, half.next);
        pos.0.saturating_sub(half.next.0).saturating_abs() <= belief::STRAY
    }

    /// Bytes that wait here.
    pub(super) fn waiting_bytes(&self) -> usize {
        let of_reader = if self.words { self.reader.waiting_bytes() } else { 0 };
        self.waiting.bytes().saturating_add(of_reader)
    }

    /// Takes what somebody tells of the connection: see [`StreamReader::hear`].
    pub(super) fn hear(
        &mut self,
        word: &R::Word,
        out: &mut impl FnMut(R::Output, &Connection),
    ) -> bool {
        self.reader.hear(word, &self.connection, out)
    }

    /// Takes one segment of this connection.
    pub(super) fn accept(
        &mut self,
        segment: &Segment<'_>,
        limits: &Limits,
        clock: &Clock,
        out: &mut impl FnMut(R::Output, &Connection),
    ) -> Effect {
        let sender = self.connection.side_of(segment.src);
        self.connection.note_time(segment.frame, clock);
        let half = self.connection.half_mut(sender);
        half.segments = half.segments.saturating_add(1);
        half.fins = half.fins.saturating_add(segment.flags.fin().into());
        half.rsts = half.rsts.saturating_add(segment.flags.rst().into());
        if half.recent.is_copy(segment) {
            return Effect { copy: true, ..Effect::default() };
        }
        self.segments = self.segments.saturating_add(1);
        if self.connection.sides_by.is_none() || segment.flags.syn() {
            self.decide_sides(segment);
        }
        // What closed before its handshake was not this connection yet.
        self.settled &= !(segment.flags.syn() && is_unread(&self.connection));
        if !self.waiting.is_empty()
            && self.connection.sides_by.is_some()
            && self.waiting.overdue(self.segments, segment.frame)
        {
            self.declare_gaps(segment.frame, out);
        }
        let Some(arrival) = arrival::place(&mut self.connection, segment) else {
            let half = self.connection.half_mut(self.connection.side_of(segment.src));
            half.strays = half.strays.saturating_add(1);
            return Effect { stray: true, ..Effect::default() };
        };
        if self.connection.sides_by.is_none() {
            // Nothing is delivered before it is known who speaks; a close is remembered until then.
            let half = self.connection.half_mut(arrival.from);
            let end = arrival.pos.plus(u64::from(arrival.payload_len));
            half.bytes = half.bytes.saturating_add(end.since(half.next.max(arrival.pos)));
            half.next = half.next.max(end);
            if (arrival.fin || arrival.rst) && self.waiting.len() < limits.waiting_segments {
                self.waiting
                    .hold(&Arrival { payload: &[], payload_len: 0, ..arrival }, self.segments);
            }
            return Effect::default();
        }
        if self.settled {
            let half = self.connection.half(arrival.from);
            let end = arrival.pos.plus(u64::from(arrival.payload_len));
            let late = arrival.payload_len > 0 && end > half.reach();
            return Effect { late, ..Effect::default() };
        }
        if arrival.payload_len == 0 && !arrival.fin && !arrival.rst {
            if !self.waiting.is_empty() {
                self.release(out);
            }
            return Effect::default();
        }
        if is_ready(&self.connection, &arrival) {
            self.deliver(&arrival, out);
            if !self.waiting.is_empty() {
                self.release(out);
            }
            return Effect::default();
        }
        self.waiting.hold(&arrival, self.segments);
        let overflow = self.waiting.bytes() > limits.waiting_bytes
            || self.waiting.len() > limits.waiting_segments;
        if overflow {
            self.give_up(out);
        }
        Effect { overflow, ..Effect::default() }
    }

    /// Where a segment that was accepted lies.
    pub(super) fn place_of(&mut self, segment: &Segment<'_>) -> Place<R::Marks> {
        let from = self.connection.side_of(segment.src);
        let half = self.connection.half(from);
        let first_byte = segment.seq.plus(u32::from(segment.flags.syn()));
        Place {
            connection: self.connection.number,
            pos: half.origin.map(|origin| origin.position(first_byte, half.next)),
            from,
            marks: self.reader.take_marks(from),
        }
    }

    /// The stage of its life.
    pub(super) fn stage(&self) -> LifeStage {
        match LifeStage::of(&self.connection) {
            _ if self.settled => LifeStage::Settled,
            // Its reader was told.
            LifeStage::Left if self.told_quiet => LifeStage::Closing,
            stage => stage,
        }
    }

    /// For a while nothing came after the client had closed.
    pub(super) fn tell_quiet(
        &mut self,
        now: Timestamp,
        out: &mut impl FnMut(R::Output, &Connection),
    ) {
        self.told_quiet = true;
        let silent = now.since(self.connection.heard);
        self.connection.seen_until = self.connection.last.at.plus(silent);
        self.reader.on(StreamEvent::Quiet, &self.connection, out);
    }

    /// Nothing more is expected: what waits is delivered, what is missing becomes gaps. `now` is how
    /// far the capture has come.
    pub(super) fn settle(&mut self, now: Timestamp, out: &mut impl FnMut(R::Output, &Connection)) {
        self.settled = true;
        let silent = now.since(self.connection.heard);
        self.connection.seen_until = self.connection.last.at.plus(silent);
        if self.connection.sides_by.is_none() {
            self.connection.sides_by = Some(SidesBy::LowerPort);
        }
        if is_unanswered(&self.connection) {
            // Data in a SYN that nobody took was never the server's.
            self.waiting.forget_syns();
        }
        self.give_up(out);
        for side in [Side::Client, Side::Server] {
            let half = self.connection.half(side);
            if let Some(acked) = half.acked.filter(|acked| acked.pos > half.reach()) {
                self.gap(side, acked.pos, acked.frame, out);
            }
        }
        self.reader.on(StreamEvent::Settled, &self.connection, out);
    }

    /// Ends the connection.
    pub(super) fn finish(&mut self, now: Timestamp, out: &mut impl FnMut(R::Output, &Connection)) {
        if !self.settled {
            self.settle(now, out);
        }
        if !self.ended {
            self.ended = true;
            self.reader.on(StreamEvent::End, &self.connection, out);
        }
    }

    /// Whether this segment opens another connection after this one's end was told: what closed before was
    /// no more than the older connection's ghost.
    fn is_followed_by(&self, segment: &Segment<'_>) -> bool {
        self.ended && segment.flags.syn() && is_unread(&self.connection)
    }

    /// Where a segment with the same addresses and ports belongs. A SYN with another number opens a new
    /// connection if this one has ended; if not, what follows tells whether it was a copy of an old one.
    pub(super) fn claims(&mut self, segment: &Segment<'_>) -> Belongs {
        if self.is_followed_by(segment) {
            return Belongs::Another;
        }
        if let Some(challenge) = self.challenge.as_deref()
            && (challenge.is_answered(segment) || challenge.is_repeated(segment))
        {
            return Belongs::ToChallenge;
        }
        if !segment.flags.syn() || !begins_anew(&self.connection, segment) {
            return Belongs::Here;
        }
        let stage = self.stage();
        let under_way = matches!(stage, LifeStage::Open | LifeStage::Left | LifeStage::Closing)
            && (self.connection.established.is_some() || !is_unread(&self.connection));
        if !under_way {
            return Belongs::Another;
        }
        // A copy of the SYN held back, or the answer to a SYN that was not captured, adds nothing.
        let held = self
            .challenge
            .as_deref()
            .is_some_and(|held| segment.flags.ack() || held.segment().seq == segment.seq);
        if !held {
            self.challenge = Some(Box::new(Challenge::of(segment)));
        }
        Belongs::Open
    }

    /// The SYN that was held back.
    pub(super) fn take_challenge(&mut self) -> Option<Box<Challenge>> {
        self.challenge.take()
    }

    /// Tries to tell the sides of a connection that did not begin with its handshake.
    fn decide_sides(&mut self, segment: &Segment<'_>) {
        let sender = self.connection.side_of(segment.src);
        if segment.flags.syn() {
            // Its handshake after all, captured late, as long as no payload was.
            if self.connection.start == Start::Midstream && is_unread(&self.connection) {
                let side = if segment.flags.ack() { Side::Server } else { Side::Client };
                self.name_sides(sender, side, SidesBy::Handshake);
                self.connection.start = Start::Handshake;
            }
            return;
        }
        if segment.payload_len == 0 {
            return;
        }
        match R::sender_of(segment.payload) {
            Some(side) => self.name_sides(sender, side, SidesBy::Opener),
            None if self.undecided >= UNDECIDED_SEGMENTS => {
                self.connection.sides_by = Some(SidesBy::LowerPort);
            }
            None => self.undecided = self.undecided.saturating_add(1),
        }
    }

    /// The one so far called `sender` is `side`.
    fn name_sides(&mut self, sender: Side, side: Side, by: SidesBy) {
        if side != sender {
            self.connection.swap_sides();
            self.waiting.swap_sides();
        }
        self.connection.sides_by = Some(by);
    }

    fn deliver(&mut self, arrival: &Arrival<'_>, out: &mut impl FnMut(R::Output, &Connection)) {
        let from = arrival.from;
        let half = self.connection.half_mut(from);
        let end = arrival.pos.plus(u64::from(arrival.payload_len));
        let old = half.next.since(arrival.pos);
        if arrival.payload_len > 0 && end > half.next {
            // Nothing follows a FIN but segments that carry its position: this one was a stray.
            if half.fin.is_some_and(|fin| end > fin.pos.plus(1)) {
                half.fin = None;
                half.strays = half.strays.saturating_add(1);
            }
        }
        if arrival.payload_len > 0 && end > half.next && half.fin.is_none() {
            let fresh = end.since(half.next);
            let pos = half.next;
            half.next = end;
            half.bytes = half.bytes.saturating_add(fresh);
            let skip = usize::try_from(old).unwrap_or(usize::MAX);
            let event = StreamEvent::Bytes {
                from,
                pos,
                bytes: arrival.payload.get(skip..).unwrap_or_default(),
                len: u32::try_from(fresh).unwrap_or(u32::MAX),
                ack: arrival.ack,
                first_copy: arrival.first_copy,
                frame: arrival.frame,
            };
            self.connection.order = self.connection.order.saturating_add(1);
            self.reader.on(event, &self.connection, out);
        }
        if !arrival.fin && !arrival.rst {
            return;
        }
        self.connection.order = self.connection.order.saturating_add(1);
        let mark = Mark {
            peer_resent: self.connection.half(from.peer()).resent,
            acked: self.connection.half(from.peer()).acked,
            frame: arrival.frame,
            pos: end,
            ack: arrival.ack,
            order: self.connection.order,
            repeated: arrival.fin && !arrival.first_copy,
            ttl: arrival.ttl,
        };
        let half = self.connection.half_mut(from);
        if arrival.fin && half.fin.is_none() && belief::believes_fin(half, end) {
            half.fin = Some(mark);
            self.reader.on(StreamEvent::Fin { from, mark }, &self.connection, out);
        }
        let half = self.connection.half_mut(from);
        half.rst_doubtful &= !(arrival.rst && belief::is_exact(half, mark.pos));
        if arrival.rst && half.rst.is_none() {
            half.rst = Some(mark);
            half.rst_doubtful = !belief::is_exact(half, mark.pos);
            half.acked_at_rst = half.acked.map(|acked| acked.pos);
            self.reader.on(StreamEvent::Rst, &self.connection, out);
        }
    }

    /// Delivers what waited and is ready now.
    fn release(&mut self, out: &mut impl FnMut(R::Output, &Connection)) {
        while let Some(released) = self.waiting.release(|held| is_ready(&self.connection, held)) {
            self.deliver(&released.arrival(), out);
        }
    }

    /// Declares every hole that the peer has acknowledged a gap, and delivers what waited for it.
    fn declare_gaps(&mut self, now: FrameRef, out: &mut impl FnMut(R::Output, &Connection)) {
        while let Some((side, end)) = self.hole(|half| half.acked.map(|acked| acked.pos)) {
            self.gap(side, end, now, out);
            self.release(out);
            if self.waiting.is_empty() {
                return;
            }
        }
    }

    /// Delivers all that waits, declaring gaps wherever something is missing.
    fn give_up(&mut self, out: &mut impl FnMut(R::Output, &Connection)) {
        self.release(out);
        while let Some(frame) = self.waiting.oldest() {
            match self.hole(|_| Some(StreamPos(i64::MAX))) {
                Some((side, end)) => self.gap(side, end, frame, out),
                // Each side waits for the other, as in no real conversation: take them as they came.
                None => {
                    if let Some(released) = self.waiting.release(|_| true) {
                        self.deliver(&released.arrival(), out);
                    }
                }
            }
            self.release(out);
        }
    }

    /// A hole at which segments wait, on the side that `limit` allows it on and up to there. It ends
    /// where the next segment begins, or with what the next waiting segment of the peer
    /// acknowledges: cause and effect stay in order even where both are partly missing.
    fn hole(&self, limit: impl Fn(&Half) -> Option<StreamPos>) -> Option<(Side, StreamPos)> {
        [Side::Client, Side::Server].into_iter().find_map(|side| {
            let half = self.connection.half(side);
            let from = half.reach();
            let limit = limit(half).filter(|limit| *limit > from)?;
            let end = self.waiting.end_of_hole(side, from)?;
            Some((side, end.min(limit)))
        })
    }

    /// Everything of `side` from where it is up to `end` was not captured.
    fn gap(
        &mut self,
        side: Side,
        end: StreamPos,
        frame: FrameRef,
        out: &mut impl FnMut(R::Output, &Connection),
    ) {
        let half = self.connection.half_mut(side);
        let pos = half.reach();
        half.next = end.max(pos);
        half.last_gap = Some(Hole { from: pos, to: half.next });
        half.gaps = half.gaps.saturating_add(1);
        self.connection.order = self.connection.order.saturating_add(1);
        let len = end.since(pos);
        let event = StreamEvent::Gap { from: side, pos, len, frame };
        self.reader.on(event, &self.connection, out);
    }
}

/// Data in a SYN is the server's only once it has answered (RFC 7413).
fn is_ready(connection: &Connection, arrival: &Arrival<'_>) -> bool {
    !(arrival.syn && arrival.payload_len > 0 && is_unanswered(connection))
        && arrival.pos <= connection.half(arrival.from).reach()
        && arrival.ack.is_none_or(|ack| ack <= connection.half(arrival.from.peer()).reach())
}

/// What a segment is to a connection with the same addresses and ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Belongs {
    /// A segment of this connection.
    Here,
    /// A segment that opens another one.
    Another,
    /// A SYN that may open another one: that is left to what follows.
    Open,
    /// An answer or copy that shows that the SYN held back opened another one.
    ToChallenge,
}
