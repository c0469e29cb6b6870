//! The books themselves, and what can be asked of them.

use super::failure::AttemptKey;
use super::fresh::Fresh;
use super::limits::LedgerLimits;
use super::listener::Listener;
use super::loopback::Loopback;
use super::lost_frames::LostFrames;
use crate::facts::KeptAttempt;
use crate::flow::Leg;
use crate::knowledge::Configured;
use crate::packet::Segment;
use crate::verdict::Cause;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The books: what is counted of listeners, and the failures that are kept.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub(super) limits: LedgerLimits,
    pub(super) told: Configured,
    /// Boxed, for the table is doubled to grow.
    pub(super) listeners: HashMap<Leg, Box<Listener>, RandomState>,
    /// Hosts that open connections to something like a backend.
    pub(super) openers: HashSet<IpAddr, RandomState>,
    /// The attempts that failed where they were captured first.
    pub(super) failures: Vec<Arc<KeptAttempt>>,
    /// How many failures were kept, by cause when they were booked.
    pub(super) kept: BTreeMap<Cause, usize>,
    /// Failures booked since they were last asked for, where somebody asks.
    pub(super) fresh: Option<Vec<Fresh>>,
    /// Connections whose last answer the proxy did not take.
    pub(super) spoiled: HashSet<u64, RandomState>,
    /// Connections of which an exchange was not read, or not judged.
    pub(super) unread: HashSet<u64, RandomState>,
    /// Listeners to which a SYN was sent again, and nobody answered.
    pub(super) tried_again: HashSet<Leg, RandomState>,
    /// Attempts that are judged before their connection has ended.
    pub(super) early: BTreeMap<AttemptKey, Arc<KeptAttempt>>,
    /// Connects that never left, by hosts of which it is not known whether they are proxies.
    pub(super) never_left: Vec<Arc<KeptAttempt>>,
    /// Connections of which it shows in what else is known whether they failed.
    pub(super) undecided: Vec<Arc<KeptAttempt>>,
    /// Exchanges of which the same is true, and whether each is the first of its connection that was not judged.
    pub(super) unsettled: Vec<(Arc<KeptAttempt>, bool)>,
    /// Something of the accepting side of a connection was captured, of whichever.
    pub(super) backends_heard: bool,
    /// Attempts that failed as they were captured elsewhere: before or after address translation, or at
    /// another viewpoint.
    pub(super) opinions: Vec<Arc<KeptAttempt>>,
    /// What was accepted at loopback addresses.
    pub(super) loopback: Loopback,
    /// Frames that a watch lost.
    pub(super) lost: LostFrames,
    /// Connections whose begin and end are remembered.
    pub(super) spans: usize,
    /// Connections that two captures hold, by which two.
    pub shared: BTreeMap<(u32, u32), u64>,
    /// Failures that were counted and not kept.
    pub failures_dropped: u64,
    /// Proxies of all listeners.
    pub(super) pairs: usize,
    /// Connections to listeners for which there was no room.
    pub listeners_forgotten: u64,
}

impl Ledger {
    /// Empty books. `told` is what the capture need not show.
    pub fn new(limits: LedgerLimits, told: Configured) -> Self {
        Self { limits, told, ..Self::default() }
    }

    /// Takes a segment before the connections do, for what many of them show together.
    pub fn hear(&mut self, segment: &Segment<'_>) {
        self.loopback.hear(segment);
    }

    /// What was told of backends and proxies.
    pub const fn told(&self) -> &Configured {
        &self.told
    }

    /// The host that captured accepts what goes to `front` and opens what goes to `back`: it is the
    /// proxy between them, whichever of its addresses it uses on either leg.
    pub fn passes_through(&self, front: Leg, back: Leg) -> bool {
        let (front, back) = (self.listener_at(front), self.listener_at(back));
        front.is_some_and(|front| front.accepted_here && !front.opened_here)
            && back.is_some_and(|back| back.opened_here && !back.accepted_here)
    }

    /// The listener, as one leg shows it.
    pub fn listener_at(&self, leg: Leg) -> Option<&Listener> {
        self.listeners.get(&leg).map(Box::as_ref)
    }

    /// The user named the listener of a leg as a backend, under any address that it has.
    pub fn is_named(&self, leg: Leg) -> bool {
        let named = |at| self.told.is_named(at);
        !self.told.named.is_empty()
            && self
                .listener_at(leg)
                .map_or_else(|| named(leg.server), |one| one.is_known_by(leg.server, named))
    }

    /// A host was seen to open connections to something like a backend elsewhere.
    pub fn opens_like_a_proxy(&self, addr: IpAddr) -> bool {
        self.openers.contains(&addr)
    }

    /// How many legs there are.
    pub fn legs(&self) -> usize {
        self.listeners.len()
    }

    /// Every listener, by leg.
    pub fn listeners(&self) -> BTreeMap<Leg, &Listener> {
        self.listeners.iter().map(|(leg, listener)| (*leg, listener.as_ref())).collect()
    }
}
