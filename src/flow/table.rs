//! All connections at once: found by key, forgotten in order, bounded.

use super::connection::{Connection, Half, SidesBy, Start};
use super::delivery::{Delivery, begins_anew, refuses_syn};
use super::key::Key;
use super::{Limits, StreamReader};
use crate::packet::{Endpoint, Segment};
use crate::time::Timestamp;
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};

/// What happened at the bounds and edges. All of it is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Segments pushed.
    pub segments: u64,
    /// Connections seen.
    pub connections: u64,
    /// Segments whose numbers fit no window.
    pub stray_segments: u64,
    /// Connections forgotten before they ended, for want of room.
    pub evicted: u64,
    /// Times that waiting segments were given up, for want of room.
    pub waiting_overflows: u64,
    /// Listeners not remembered, for want of room.
    pub listeners_forgotten: u64,
}

/// Every connection that may still get segments, each with its reader `R`.
pub struct Table<R> {
    limits: Limits,
    keys: HashMap<Key, usize, RandomState>,
    slots: Vec<Slot<R>>,
    free: Vec<usize>,
    open: Recency,
    closed: Recency,
    listeners: HashSet<Endpoint, RandomState>,
    waiting_bytes: usize,
    /// The latest time of any segment.
    now: Timestamp,
    counts: Counts,
}

struct Slot<R> {
    /// `None` when the slot is free.
    used: Option<Box<Used<R>>>,
    older: Option<usize>,
    newer: Option<usize>,
}

struct Used<R> {
    key: Key,
    closed: bool,
    delivery: Delivery<R>,
}

/// A list through the slots, from the one silent longest to the one heard last.
#[derive(Clone, Copy, Debug, Default)]
struct Recency {
    oldest: Option<usize>,
    newest: Option<usize>,
    len: usize,
}

impl<R: StreamReader> Table<R> {
    /// An empty table. `listeners` are known to accept connections.
    pub fn new(limits: Limits, listeners: impl IntoIterator<Item = Endpoint>) -> Self {
        Self {
            limits,
            keys: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            open: Recency::default(),
            closed: Recency::default(),
            listeners: listeners.into_iter().collect(),
            waiting_bytes: 0,
            now: Timestamp::default(),
            counts: Counts::default(),
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes the next segment; `out` gets what readers make known by it.
    pub fn push(&mut self, segment: &Segment<'_>, out: &mut impl FnMut(R::Output, &Connection)) {
        self.counts.segments = self.counts.segments.saturating_add(1);
        self.now = self.now.max(segment.frame.at);
        self.forget_closed(segment, out);
        let key = Key::of(segment);
        let mut slot = self.keys.get(&key).copied();
        if let Some(index) = slot
            && self.used(index).is_some_and(|used| begins_anew(&used.delivery.connection, segment))
        {
            self.end(index, out);
            slot = None;
        }
        let index = slot.unwrap_or_else(|| self.open(key, segment, out));
        let limits = self.limits;
        let Some(used) = self.slots.get_mut(index).and_then(|slot| slot.used.as_deref_mut()) else {
            return;
        };
        let before = used.delivery.waiting_bytes();
        let effect = used.delivery.accept(segment, &limits, out);
        let after = used.delivery.waiting_bytes();
        let was_closed = used.closed;
        used.closed = used.delivery.connection.is_closed();
        let is_closed = used.closed;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(before).saturating_add(after);
        let counts = &mut self.counts;
        counts.stray_segments = counts.stray_segments.saturating_add(effect.stray.into());
        counts.waiting_overflows = counts.waiting_overflows.saturating_add(effect.overflow.into());
        self.unlink(index, was_closed);
        self.link(index, is_closed);
        if self.waiting_bytes > self.limits.waiting_bytes_total {
            // The one that was silent longest is the likeliest to wait in vain.
            self.counts.waiting_overflows = self.counts.waiting_overflows.saturating_add(1);
            if let Some(oldest) = self.closed.oldest.or(self.open.oldest) {
                self.end(oldest, out);
            }
        }
    }

    /// Ends every connection: nothing more will come.
    pub fn finish(&mut self, out: &mut impl FnMut(R::Output, &Connection)) {
        for oldest in [|table: &Self| table.closed.oldest, |table: &Self| table.open.oldest] {
            while let Some(index) = oldest(self) {
                self.end(index, out);
            }
        }
    }

    fn used(&self, index: usize) -> Option<&Used<R>> {
        self.slots.get(index)?.used.as_deref()
    }

    /// Ends closed connections that need not be kept for stragglers any more.
    fn forget_closed(&mut self, now: &Segment<'_>, out: &mut impl FnMut(R::Output, &Connection)) {
        while let Some(oldest) = self.closed.oldest {
            let silent = self
                .used(oldest)
                .map(|used| now.frame.at.since(used.delivery.connection.last.at))
                .unwrap_or_default();
            if silent < self.limits.linger && self.closed.len <= self.limits.closed {
                return;
            }
            self.end(oldest, out);
        }
    }

    /// Makes a new connection of its first segment.
    fn open(
        &mut self,
        key: Key,
        segment: &Segment<'_>,
        out: &mut impl FnMut(R::Output, &Connection),
    ) -> usize {
        if self.open.len >= self.limits.connections
            && let Some(oldest) = self.open.oldest
        {
            self.counts.evicted = self.counts.evicted.saturating_add(1);
            self.end(oldest, out);
        }
        let connection = self.first_facts(segment);
        if segment.flags.syn() {
            if self.listeners.len() < self.limits.listeners {
                self.listeners.insert(connection.server);
            } else if !self.listeners.contains(&connection.server) {
                self.counts.listeners_forgotten = self.counts.listeners_forgotten.saturating_add(1);
            }
        }
        self.counts.connections = self.counts.connections.saturating_add(1);
        let used = Some(Box::new(Used { key, closed: false, delivery: Delivery::new(connection) }));
        let index = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(index) {
            Some(slot) => slot.used = used,
            None => self.slots.push(Slot { used, older: None, newer: None }),
        }
        self.keys.insert(key, index);
        self.link(index, false);
        index
    }

    fn first_facts(&self, segment: &Segment<'_>) -> Connection {
        let flags = segment.flags;
        let (start, sides_by, client_is_sender) = match (flags.syn(), flags.ack()) {
            (true, false) => (Start::Handshake, Some(SidesBy::Handshake), true),
            (true, true) => (Start::Handshake, Some(SidesBy::Handshake), false),
            _ if refuses_syn(segment) => (Start::Handshake, Some(SidesBy::Handshake), false),
            _ if self.listeners.contains(&segment.dst) => {
                (Start::Midstream, Some(SidesBy::Listener), true)
            }
            _ if self.listeners.contains(&segment.src) => {
                (Start::Midstream, Some(SidesBy::Listener), false)
            }
            _ => (Start::Midstream, None, segment.src.port >= segment.dst.port),
        };
        let (client, server) =
            if client_is_sender { (segment.src, segment.dst) } else { (segment.dst, segment.src) };
        Connection {
            number: self.counts.connections,
            client,
            server,
            start,
            sides_by,
            opened: segment.frame,
            last: segment.frame,
            seen_until: segment.frame.at,
            syn: None,
            last_syn: None,
            syns: 0,
            outgoing: None,
            syn_ack: None,
            established: None,
            client_half: Half::default(),
            server_half: Half::default(),
            order: 0,
        }
    }

    fn end(&mut self, index: usize, out: &mut impl FnMut(R::Output, &Connection)) {
        let Some(mut used) = self.slots.get_mut(index).and_then(|slot| slot.used.take()) else {
            return;
        };
        self.unlink(index, used.closed);
        self.keys.remove(&used.key);
        self.free.push(index);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(used.delivery.waiting_bytes());
        used.delivery.finish(self.now, out);
    }

    fn list(&mut self, closed: bool) -> &mut Recency {
        if closed { &mut self.closed } else { &mut self.open }
    }

    fn unlink(&mut self, index: usize, closed: bool) {
        let Some((older, newer)) = self.slots.get(index).map(|slot| (slot.older, slot.newer))
        else {
            return;
        };
        match older.and_then(|older| self.slots.get_mut(older)) {
            Some(older) => older.newer = newer,
            None => self.list(closed).oldest = newer,
        }
        match newer.and_then(|newer| self.slots.get_mut(newer)) {
            Some(newer) => newer.older = older,
            None => self.list(closed).newest = older,
        }
        let list = self.list(closed);
        list.len = list.len.saturating_sub(1);
    }

    /// Puts a slot at the newest end of its list.
    fn link(&mut self, index: usize, closed: bool) {
        let newest = self.list(closed).newest.replace(index);
        if let Some(slot) = self.slots.get_mut(index) {
            slot.older = newest;
            slot.newer = None;
        }
        match newest.and_then(|newest| self.slots.get_mut(newest)) {
            Some(slot) => slot.newer = Some(index),
            None => self.list(closed).oldest = Some(index),
        }
        let list = self.list(closed);
        list.len = list.len.saturating_add(1);
    }
}
