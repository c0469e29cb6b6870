//! The books themselves, and what can be asked of them.

use super::counts::{count, uncount};
use super::event::Event;
use super::failure::Failure;
use super::fresh::Fresh;
use super::limits::LedgerLimits;
use super::listener::Listener;
use crate::knowledge::Configured;
use crate::packet::Endpoint;
use crate::verdict::Cause;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

/// The books: what is counted of listeners, and the failures that are kept.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub(super) limits: LedgerLimits,
    pub(super) told: Configured,
    /// Boxed, for the table is doubled to grow.
    pub(super) listeners: HashMap<Endpoint, Box<Listener>, RandomState>,
    /// Hosts that open connections to something like a backend.
    pub(super) openers: HashSet<IpAddr, RandomState>,
    pub(super) failures: Vec<Failure>,
    /// How many failures were kept, by cause when they were booked.
    pub(super) kept: BTreeMap<Cause, usize>,
    /// Failures booked since they were last asked for, where somebody asks.
    pub(super) fresh: Option<Vec<Fresh>>,
    /// Connections whose last answer the proxy did not take.
    pub(super) spoiled: HashSet<u64, RandomState>,
    /// Connections of which an exchange was not read, or not judged.
    pub(super) unread: HashSet<u64, RandomState>,
    /// Connects that never left, by hosts of which it is not known whether they are proxies.
    pub(super) never_left: Vec<Failure>,
    /// Connections that the accepting side closed before anything was asked, wherever that was.
    pub(super) closed_at_once: Vec<Failure>,
    /// Something of the accepting side of a connection was captured, of whichever.
    pub(super) backends_heard: bool,
    /// What explains many failures.
    pub(super) events: Vec<Event>,
    /// Failures of these books as seen elsewhere: before or after address translation, or at another
    /// viewpoint.
    pub(super) opinions: Vec<Failure>,
    /// Connections whose begin and end are remembered.
    pub(super) spans: usize,
    /// Connections that two captures hold, by which two.
    pub shared: BTreeMap<(u32, u32), u64>,
    /// Failures that the capture named second shows better than the first one.
    pub better: u64,
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

    /// What was told of backends and proxies.
    pub const fn told(&self) -> &Configured {
        &self.told
    }

    /// The host that captured accepts what goes to `front` and opens what goes to `back`: it is the
    /// proxy between them, whichever of its addresses it uses on either leg.
    pub fn passes_through(&self, front: Endpoint, back: Endpoint) -> bool {
        let (front, back) = (self.listener_at(front), self.listener_at(back));
        front.is_some_and(|front| front.accepted_here > 0 && front.opened_here == 0)
            && back.is_some_and(|back| back.opened_here > 0 && back.accepted_here == 0)
    }

    /// One listener.
    pub fn listener_at(&self, endpoint: Endpoint) -> Option<&Listener> {
        self.listeners.get(&endpoint).map(Box::as_ref)
    }

    /// A host was seen to open connections to something like a backend elsewhere.
    pub fn opens_like_a_proxy(&self, addr: IpAddr) -> bool {
        self.openers.contains(&addr)
    }

    /// What explains many failures at once, by backend and time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The failures kept, in the order of booking, from a place on.
    pub fn failures_from(&self, place: usize) -> &[Failure] {
        self.failures.get(place..).unwrap_or_default()
    }

    /// Every listener, by address and port.
    pub fn listeners(&self) -> BTreeMap<Endpoint, &Listener> {
        self.listeners.iter().map(|(endpoint, listener)| (*endpoint, listener.as_ref())).collect()
    }

    /// The failures kept, by the frame that completed them; `several` captures were read.
    pub fn failures(&self, several: bool) -> Vec<&Failure> {
        let mut failures: Vec<&Failure> = self.failures.iter().collect();
        failures.sort_by_key(|failure| failure.completed(several));
        failures
    }

    /// A failure of `server` has another cause than it was booked under.
    pub(super) fn recount(&mut self, server: Endpoint, before: Cause, after: Cause) {
        if let Some(listener) = self.listeners.get_mut(&server) {
            uncount(&mut listener.causes, before);
            count(listener.causes.entry(after).or_default());
        }
    }
}
