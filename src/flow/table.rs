//! All connections at once: found by key, forgotten in order, bounded.

use super::alias::{ALIASES, Openings, alias_of, are_one};
use super::clock::Clock;
use super::connection::{Connection, Half, Side, SidesBy, Start, Twin};
use super::counts::Counts;
use super::delivery::{Belongs, Delivery};
use super::expiry::{LifeStage, Recency};
use super::handshake::refuses_syn;
use super::key::Key;
use super::listeners::ListenerSet;
use super::neighbours::{Neighbours, UnansweredNeighbour};
use super::place::Place;
use super::position::StreamPos;
use super::twin::Handshakes;
use super::used::Used;
use super::{Limits, StreamEvent, StreamReader};
use crate::base::time::Timestamp;
use crate::packet::icmp::Unreachable;
use crate::packet::{Endpoint, EndpointPattern, FrameRef, Neighbour, Segment};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::time::Duration;

/// So many connects under way are looked at in each sweep: a flood of SYNs must not make it long.
const GIVEN_UP_AT_ONCE: usize = 1_024;
/// How often it is looked for connections whose time is over.
const SWEEP: Duration = Duration::from_millis(100);
/// So many connections of each stage, those heard last, may have been captured with other ends just now.
const LATEST: usize = 16;
/// No longer is a way to a host and back.
const LONGEST_WAY: Duration = Duration::from_secs(10);

/// Every connection that may still get segments, each with its reader `R`.
pub struct Table<R> {
    limits: Limits,
    keys: HashMap<Key, usize, RandomState>,
    slots: Vec<Option<Box<Used<R>>>>,
    free: Vec<usize>,
    recency: Recency,
    listeners: ListenerSet,
    openings: Openings,
    handshakes: Handshakes,
    neighbours: Neighbours,
    /// Connects that never left.
    never_left: u64,
    /// Viewpoints seen.
    viewpoints: u32,
    waiting_bytes: usize,
    clock: Clock,
    /// When it was last looked for connections whose time is over.
    swept: Timestamp,
    /// Where the last segment went.
    latest: Option<usize>,
    counts: Counts,
}

impl<R: StreamReader> Table<R> {
    /// An empty table. What matches `listeners` is known to accept connections.
    pub fn new(limits: Limits, listeners: impl IntoIterator<Item = EndpointPattern>) -> Self {
        Self {
            limits,
            keys: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            recency: Recency::default(),
            listeners: ListenerSet::new(listeners),
            openings: Openings::default(),
            handshakes: Handshakes::default(),
            neighbours: Neighbours::default(),
            never_left: 0,
            viewpoints: 0,
            waiting_bytes: 0,
            clock: Clock::default(),
            swept: Timestamp::default(),
            latest: None,
            counts: Counts::default(),
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes the next segment; `out` gets what readers make known by it.
    ///
    /// Segments of several viewpoints (captures that overlap in time) belong to different
    /// connections, though they may be the same one; see [`Connection::same_as`].
    pub fn push(
        &mut self,
        segment: &Segment<'_>,
        viewpoint: u32,
        out: &mut impl FnMut(R::Output, &Connection),
    ) {
        self.counts.segments = self.counts.segments.saturating_add(1);
        self.clock.read(segment.frame.at);
        if self.clock.now().since(self.swept) >= SWEEP {
            self.swept = self.clock.now();
            self.sweep(out);
        }
        let key = Key::of(segment, viewpoint);
        self.viewpoints = self.viewpoints.max(viewpoint.saturating_add(1));
        let known = self.keys.get(&key).copied();
        let mut here = None;
        let mut held = None;
        if let Some(index) = known
            && let Some(used) = self.slots.get_mut(index).and_then(Option::as_deref_mut)
        {
            let translated = used.translated(segment);
            let own = translated.as_ref().unwrap_or(segment);
            match used.delivery.claims(own) {
                Belongs::Here => {
                    self.accept(index, own, out);
                    if own.flags.syn() && !own.flags.ack() {
                        self.note_twin(index, own);
                    }
                    here = known;
                }
                Belongs::Another => {}
                Belongs::ToChallenge => {
                    held = used.delivery.take_challenge();
                    self.counts.stray_segments = self.counts.stray_segments.saturating_sub(1);
                }
                Belongs::Open => {
                    self.counts.stray_segments = self.counts.stray_segments.saturating_add(1);
                    self.latest = None;
                    return;
                }
            }
            if here.is_none() {
                self.end(index, out);
            }
        }
        if let Some(held) = held {
            self.begin(held.segment(), viewpoint, out);
        }
        self.latest = Some(match here {
            Some(index) => index,
            None => self.begin(segment, viewpoint, out),
        });
        if self.waiting_bytes > self.limits.waiting_bytes_total {
            // The one that was silent longest is the likeliest to wait in vain.
            self.counts.waiting_overflows = self.counts.waiting_overflows.saturating_add(1);
            self.give_up_oldest(out);
        }
    }

    /// Takes the first segment between its ends, as far as is known; returns the slot of its connection.
    fn begin(
        &mut self,
        segment: &Segment<'_>,
        viewpoint: u32,
        out: &mut impl FnMut(R::Output, &Connection),
    ) -> usize {
        let key = Key::of(segment, viewpoint);
        let known = self.keys.get(&key).copied().or_else(|| self.join(key, segment));
        let index = known.unwrap_or_else(|| self.open(key, segment, out));
        let used = self.slots.get_mut(index).and_then(Option::as_deref_mut);
        let translated = used.and_then(|used| used.translated(segment));
        self.accept(index, translated.as_ref().unwrap_or(segment), out);
        index
    }

    /// The slot of the connection that a segment between ends not known so far is part of, before or after
    /// address translation.
    fn join(&mut self, key: Key, segment: &Segment<'_>) -> Option<usize> {
        let begun = self.openings.of(segment, key.viewpoint).into_iter().flatten();
        // What began before the capture is found by what was captured just now.
        let latest = if segment.flags.syn() { 0 } else { LATEST };
        let stages = LifeStage::ALL.into_iter().filter(|stage| *stage != LifeStage::Settled);
        let heard = stages.flat_map(|one| self.recency.newest_first(one).take(latest));
        let (index, alias) = begun.chain(heard).find_map(|index| {
            let used = self.used(index).filter(|used| used.key.viewpoint == key.viewpoint)?;
            Some((index, alias_of(&used.delivery.connection, segment)?))
        })?;
        let used = self.slots.get_mut(index).and_then(Option::as_deref_mut)?;
        let connection = &mut used.delivery.connection;
        if connection.aliases().len() >= ALIASES {
            self.counts.aliases_forgotten = self.counts.aliases_forgotten.saturating_add(1);
            return None;
        }
        connection.add_alias(alias);
        if segment.flags.syn() && !segment.flags.ack() {
            // The host that captured it passes it on: it neither opens nor accepts it.
            connection.outgoing = None;
        }
        let begun = connection.start == Start::Handshake;
        self.keys.insert(key, index);
        if begun {
            self.note_listener(alias.server);
        }
        Some(index)
    }

    /// Takes a segment to its connection.
    fn accept(
        &mut self,
        index: usize,
        segment: &Segment<'_>,
        out: &mut impl FnMut(R::Output, &Connection),
    ) {
        let limits = self.limits;
        let Some(used) = self.slots.get_mut(index).and_then(Option::as_deref_mut) else {
            return;
        };
        let before = used.delivery.waiting_bytes();
        let effect = used.delivery.accept(segment, &limits, &self.clock, out);
        let after = used.delivery.waiting_bytes();
        let stage = used.delivery.stage();
        if segment.flags.syn() && segment.flags.ack() {
            let connection = &used.delivery.connection;
            if let Some(origins) = used.delivery.origins()
                && let Some(twin) =
                    self.handshakes.note(origins, connection, segment.frame.at, self.viewpoints > 1)
            {
                used.delivery.connection.same_as.get_or_insert_with(|| Box::new(twin));
            }
        }
        self.waiting_bytes = self.waiting_bytes.saturating_sub(before).saturating_add(after);
        let counts = &mut self.counts;
        counts.stray_segments = counts.stray_segments.saturating_add(effect.stray.into());
        counts.waiting_overflows = counts.waiting_overflows.saturating_add(effect.overflow.into());
        counts.duplicates = counts.duplicates.saturating_add(effect.copy.into());
        counts.late = counts.late.saturating_add(effect.late.into());
        self.recency.touch(index, stage);
    }

    /// Notes that the connect in a slot, which has just got a SYN, is one that was captured first, if it is.
    fn note_twin(&mut self, index: usize, syn: &Segment<'_>) {
        let Some(here) = self.used(index) else { return };
        let Some(other) = self.openings.other(syn, here.key.viewpoint, index) else { return };
        let Some(there) = self.used(other) else { return };
        let (one, two) = (&here.delivery.connection, &there.delivery.connection);
        if here.key.viewpoint != there.key.viewpoint || !are_one(one, two, syn) {
            return;
        }
        let (second, twin) =
            if one.number > two.number { (index, Twin::of(two)) } else { (other, Twin::of(one)) };
        if let Some(second) = self.slots.get_mut(second).and_then(Option::as_deref_mut) {
            second.delivery.connection.same_as.get_or_insert_with(|| Box::new(twin));
        }
    }

    /// From now on somebody may tell what connections say, with [`Self::hear`].
    pub fn expect_words(&mut self) {
        self.limits.words = true;
    }

    /// Tells what somebody says of the connection between these ends to its readers, one at each viewpoint; returns
    /// whether it was of use to any.
    pub fn hear(
        &mut self,
        (one, other): (Endpoint, Endpoint),
        word: &R::Word,
        out: &mut impl FnMut(R::Output, &Connection),
    ) -> bool {
        let mut heard = false;
        for viewpoint in 0..self.viewpoints {
            let index = self.keys.get(&Key::between(one, other, viewpoint)).copied();
            heard |= index.is_some_and(|index| self.hear_at(index, word, out));
        }
        heard
    }

    fn hear_at(
        &mut self,
        index: usize,
        word: &R::Word,
        out: &mut impl FnMut(R::Output, &Connection),
    ) -> bool {
        let Some(used) = self.slots.get_mut(index).and_then(Option::as_deref_mut) else {
            return false;
        };
        let before = used.delivery.waiting_bytes();
        let heard = used.delivery.hear(word, out);
        let after = used.delivery.waiting_bytes();
        self.waiting_bytes = self.waiting_bytes.saturating_sub(before).saturating_add(after);
        heard
    }

    /// Where the segment pushed last belongs: `None` if its connection made room for another.
    pub fn place(&mut self, segment: &Segment<'_>) -> Option<Place<R::Marks>> {
        let used = self.slots.get_mut(self.latest?)?.as_deref_mut()?;
        let translated = used.delivery.connection.translated(segment);
        Some(used.delivery.place_of(translated.as_ref().unwrap_or(segment)))
    }

    /// The number of the connection of a segment that could not be delivered.
    pub fn undelivered(&self, unreachable: &Unreachable, viewpoint: u32) -> Option<u64> {
        let index = self.slot_undelivered(unreachable, viewpoint)?;
        Some(self.used(index)?.delivery.connection.number)
    }

    /// The slot of the connection of a segment that could not be delivered, which may be quoted in a form
    /// that was not captured.
    fn slot_undelivered(&self, unreachable: &Unreachable, viewpoint: u32) -> Option<usize> {
        let Unreachable { src, dst, seq, .. } = *unreachable;
        self.keys.get(&Key::between(src, dst, viewpoint)).copied().or_else(|| {
            let index = self.openings.at(viewpoint, seq.plus(1).0)?;
            let connection = &self.used(index)?.delivery.connection;
            let own = connection.client.port == src.port || connection.server == dst;
            (own && connection.half(Side::Client).wire(StreamPos(-1)) == Some(seq)).then_some(index)
        })
    }

    /// Nothing was captured, and it is now `now`, by a clock that is trusted: connections whose time
    /// is over end, though no frame says how late it is.
    pub fn tick(&mut self, now: Timestamp, out: &mut impl FnMut(R::Output, &Connection)) {
        let set_back = self.clock.trust(now);
        if set_back || self.clock.now().since(self.swept) >= SWEEP {
            self.swept = self.clock.now();
            self.sweep(out);
        }
    }

    /// The time, as frames tell it.
    pub fn now(&self) -> Timestamp {
        self.clock.stamp()
    }

    /// Takes a question for a neighbour, or an answer.
    pub fn neighbour(&mut self, word: Neighbour) {
        self.neighbours.take(word);
    }

    /// Makes known a connect that never left, for nobody has the server's address.
    fn never_left(
        &mut self,
        asked: UnansweredNeighbour,
        (client, server): (Endpoint, Endpoint),
        unreachable: Option<&Unreachable>,
        out: &mut impl FnMut(R::Output, &Connection),
    ) {
        let opened = unreachable.map_or(asked.last, |unreachable| unreachable.frame);
        let mut connection = self.unseen(opened, client, server);
        connection.unreachable = unreachable.copied().map(Box::new);
        connection.no_neighbour = Some(Box::new(asked));
        // It is no connection, and counted as none.
        self.never_left = self.never_left.saturating_add(1);
        connection.number = u64::MAX.saturating_sub(self.never_left);
        let mut reader = R::default();
        reader.on(StreamEvent::Settled, &connection, out);
        reader.on(StreamEvent::End, &connection, out);
    }

    /// Takes the word that a segment could not be delivered. An established connection outlives it.
    pub fn unreachable(
        &mut self,
        unreachable: &Unreachable,
        viewpoint: u32,
        out: &mut impl FnMut(R::Output, &Connection),
    ) {
        self.clock.read(unreachable.frame.at);
        let slot = self.slot_undelivered(unreachable, viewpoint);
        let used = slot.and_then(|index| self.slots.get_mut(index)?.as_deref_mut());
        if let Some(used) = used {
            let connection = &mut used.delivery.connection;
            // It must quote what was sent and not yet acknowledged (RFC 5927, section 4).
            let quotes = connection.half(Side::Client).wire(StreamPos(-1)) == Some(unreachable.seq);
            let unanswered = connection.syn_ack.is_none() && connection.established.is_none();
            let from_client = connection.is_client(unreachable.src, unreachable.dst);
            let of_syn = connection.syn.is_some() && from_client;
            if of_syn && quotes && unanswered {
                connection.unreachable.get_or_insert_with(|| Box::new(*unreachable));
            } else if connection.client == unreachable.src
                && connection.half(Side::Client).awaits(unreachable.seq)
            {
                connection.undelivered = Some(Box::new(*unreachable));
            }
        } else if let Unreachable { src, dst, .. } = *unreachable
            && let Some(asked) = self.neighbours.explain(src.addr, dst.addr)
        {
            // The SYN was not captured, for it never left.
            self.never_left(asked, (src, dst), Some(unreachable), out);
        }
    }

    /// Ends every connection: nothing more will come.
    pub fn finish(&mut self, out: &mut impl FnMut(R::Output, &Connection)) {
        while self.end_oldest(out) {}
        for asked in self.neighbours.given_up() {
            let at = |addr| Endpoint { addr, port: 0 };
            self.never_left(asked, (at(asked.by), at(asked.about)), None, out);
        }
    }

    /// Makes room: what was not over is followed no further, and nothing is claimed of it.
    fn give_up(&mut self, index: usize, out: &mut impl FnMut(R::Output, &Connection)) {
        if let Some(used) = self.slots.get_mut(index).and_then(Option::as_deref_mut) {
            let over = matches!(used.delivery.stage(), LifeStage::Closed | LifeStage::Settled);
            used.delivery.connection.given_up = !over;
            self.counts.evicted = self.counts.evicted.saturating_add((!over).into());
        }
        self.end(index, out);
    }

    fn give_up_oldest(&mut self, out: &mut impl FnMut(R::Output, &Connection)) {
        if let Some(oldest) = self.oldest() {
            self.give_up(oldest, out);
        }
    }

    /// The connection that can be spared best.
    fn oldest(&self) -> Option<usize> {
        LifeStage::ALL.into_iter().rev().filter_map(|stage| self.recency.oldest(stage)).next()
    }

    /// Ends the connection that can be spared best; `false` when there is none.
    fn end_oldest(&mut self, out: &mut impl FnMut(R::Output, &Connection)) -> bool {
        let oldest = self.oldest();
        if let Some(index) = oldest {
            self.end(index, out);
        }
        oldest.is_some()
    }

    fn used(&self, index: usize) -> Option<&Used<R>> {
        self.slots.get(index)?.as_deref()
    }

    /// Settles and ends the connections that were silent for as long as their stage allows.
    fn sweep(&mut self, out: &mut impl FnMut(R::Output, &Connection)) {
        self.end_given_up(out);
        for stage in LifeStage::ALL {
            let patience = self.limits.patience(stage);
            while let Some(oldest) = self.recency.oldest(stage) {
                let waits = self.used(oldest).is_some_and(|used| {
                    let connection = &used.delivery.connection;
                    // Nobody is asked to answer sooner than the way allows.
                    let way = connection.round_trip().unwrap_or_default().min(LONGEST_WAY);
                    // A late answer takes the way twice.
                    let way = if stage == LifeStage::Left { way.saturating_mul(2) } else { way };
                    self.clock.now().since(connection.heard) < patience.max(way)
                });
                if waits {
                    break;
                }
                match stage {
                    LifeStage::Closed => self.settle(oldest, out),
                    LifeStage::Left => self.tell_quiet(oldest, out),
                    _ => self.end(oldest, out),
                }
            }
        }
        while self.recency.len(LifeStage::Settled) > self.limits.closed
            && let Some(oldest) = self.recency.oldest(LifeStage::Settled)
        {
            self.end(oldest, out);
        }
    }

    /// Ends the connects whose next SYN is overdue, long before the slowest host would give up, where
    /// somebody waits for the answer.
    fn end_given_up(&mut self, out: &mut impl FnMut(R::Output, &Connection)) {
        let Some(first_wait) = self.limits.first_syn_wait else {
            return;
        };
        let now = self.clock.now();
        let given_up = |connection: &Connection| {
            let (Some(syn), Some(last)) = (connection.syn, connection.last_syn) else {
                return false;
            };
            // Each wait is twice the one before; one SYN of them may be missing from the capture.
            let tried = last.at.since(syn.at);
            let wait = tried.saturating_mul(9).checked_div(2).unwrap_or_default();
            now.since(connection.heard) > first_wait.saturating_add(wait)
        };
        let overdue: Vec<usize> = self
            .recency
            .oldest_first(LifeStage::Opening)
            .take(GIVEN_UP_AT_ONCE)
            .filter(|slot| self.used(*slot).is_some_and(|used| given_up(&used.delivery.connection)))
            .collect();
        for slot in overdue {
            self.end(slot, out);
        }
    }

    /// Tells the reader of a connection that its client has closed, and that for a while nothing came.
    fn tell_quiet(&mut self, index: usize, out: &mut impl FnMut(R::Output, &Connection)) {
        let now = self.clock.now();
        if let Some(used) = self.slots.get_mut(index).and_then(Option::as_deref_mut) {
            let before = used.delivery.waiting_bytes();
            used.delivery.tell_quiet(now, out);
            let after = used.delivery.waiting_bytes();
            self.waiting_bytes = self.waiting_bytes.saturating_sub(before).saturating_add(after);
        }
        self.recency.touch(index, LifeStage::Closing);
    }

    /// Makes known what became of a connection that has closed. It is kept for stragglers.
    fn settle(&mut self, index: usize, out: &mut impl FnMut(R::Output, &Connection)) {
        let now = self.clock.now();
        if let Some(used) = self.slots.get_mut(index).and_then(Option::as_deref_mut) {
            let before = used.delivery.waiting_bytes();
            used.delivery.settle(now, out);
            if self.limits.end_when_judged {
                used.delivery.finish(now, out);
            }
            self.waiting_bytes = self.waiting_bytes.saturating_sub(before);
        }
        self.recency.touch(index, LifeStage::Settled);
    }

    /// Makes a new connection of its first segment.
    fn open(
        &mut self,
        key: Key,
        segment: &Segment<'_>,
        out: &mut impl FnMut(R::Output, &Connection),
    ) -> usize {
        let connections = self.slots.len().saturating_sub(self.free.len());
        let unsettled = connections.saturating_sub(self.recency.len(LifeStage::Settled));
        if unsettled >= self.limits.connections {
            let stages = [
                LifeStage::Closed,
                LifeStage::Closing,
                LifeStage::Left,
                LifeStage::Opening,
                LifeStage::Open,
            ];
            let oldest = stages.into_iter().filter_map(|stage| self.recency.oldest(stage)).next();
            if let Some(oldest) = oldest {
                self.give_up(oldest, out);
            }
        }
        let mut connection = self.first_facts(segment);
        connection.same_as = self.at_another_viewpoint(key, segment).map(Box::new);
        if segment.flags.syn() {
            self.note_listener(connection.server);
        }
        self.counts.connections = self.counts.connections.saturating_add(1);
        let delivery = Delivery::new(connection, &self.limits);
        let used = Some(Box::new(Used { key, delivery }));
        let index = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(index) {
            Some(slot) => *slot = used,
            None => self.slots.push(used),
        }
        self.keys.insert(key, index);
        self.openings.note(segment, key.viewpoint, index);
        self.recency.insert(index, LifeStage::Open);
        index
    }

    /// Notes who accepts connections.
    fn note_listener(&mut self, server: Endpoint) {
        if !self.listeners.note(server, self.limits.listeners) {
            self.counts.listeners_forgotten = self.counts.listeners_forgotten.saturating_add(1);
        }
    }

    /// The connection between the same ends at another viewpoint, if its numbers are these.
    fn at_another_viewpoint(&self, key: Key, segment: &Segment<'_>) -> Option<Twin> {
        let others = (0..self.viewpoints).filter(|viewpoint| *viewpoint != key.viewpoint);
        others
            .filter_map(|viewpoint| self.used(*self.keys.get(&key.at(viewpoint))?))
            .find(|used| {
                let translated = used.delivery.connection.translated(segment);
                used.delivery.continues_with(translated.as_ref().unwrap_or(segment))
            })
            .map(|used| Twin::of(&used.delivery.connection))
    }

    fn first_facts(&self, segment: &Segment<'_>) -> Connection {
        let flags = segment.flags;
        let (start, sides_by, client_is_sender) = match (flags.syn(), flags.ack()) {
            (true, false) => (Start::Handshake, Some(SidesBy::Handshake), true),
            (true, true) => (Start::Handshake, Some(SidesBy::Handshake), false),
            _ if refuses_syn(segment) => (Start::Handshake, Some(SidesBy::Handshake), false),
            _ if self.listeners.contains(segment.dst) => {
                (Start::Midstream, Some(SidesBy::Listener), true)
            }
            _ if self.listeners.contains(segment.src) => {
                (Start::Midstream, Some(SidesBy::Listener), false)
            }
            _ => (Start::Midstream, None, segment.src.port >= segment.dst.port),
        };
        let (client, server) =
            if client_is_sender { (segment.src, segment.dst) } else { (segment.dst, segment.src) };
        Connection { start, sides_by, ..self.unseen(segment.frame, client, server) }
    }

    /// A connection of which nothing is known but its ends.
    fn unseen(&self, frame: FrameRef, client: Endpoint, server: Endpoint) -> Connection {
        Connection {
            number: self.counts.connections,
            client,
            server,
            start: Start::Handshake,
            sides_by: Some(SidesBy::Handshake),
            opened: frame,
            last: frame,
            seen_until: frame.at,
            syn: None,
            last_syn: None,
            syns: 0,
            outgoing: None,
            syn_ack: None,
            syn_ack_again: None,
            established: None,
            client_half: Half::default(),
            server_half: Half::default(),
            unreachable: None,
            undelivered: None,
            no_neighbour: None,
            same_as: None,
            aliases: None,
            rival: None,
            given_up: false,
            leap: None,
            heard: self.clock.now(),
            order: 0,
        }
    }

    fn end(&mut self, index: usize, out: &mut impl FnMut(R::Output, &Connection)) {
        let Some(mut used) = self.slots.get_mut(index).and_then(Option::take) else {
            return;
        };
        self.recency.remove(index);
        self.keys.remove(&used.key);
        for alias in used.delivery.connection.aliases() {
            self.keys.remove(&Key::between(alias.client, alias.server, used.key.viewpoint));
        }
        self.free.push(index);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(used.delivery.waiting_bytes());
        used.delivery.finish(self.clock.now(), out);
    }
}
