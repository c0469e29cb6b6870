//! Books of what is framed by turns, kept apart from what is read: it counts where its leg is judged, and
//! nowhere else.
//!
//! Who speaks in turn may speak anything, and most of it is none of a proxy's business: a shell, a database,
//! a browser's TLS. It is judged where the user named the backend, or something shows that HTTP is what a
//! connection hides. That may show late, so that everything is booked meanwhile.

use super::books::Ledger;
use super::listener::Listener;
use crate::facts::KeptAttempt;
use crate::flow::Leg;

impl Ledger {
    /// The user named the listener of a leg as a backend, under any address that it has.
    pub(super) fn is_named(&self, leg: Leg) -> bool {
        let named = |at| self.told.is_named(at);
        !self.told.named.is_empty()
            && self
                .listeners
                .get(&leg)
                .map_or_else(|| named(leg.server), |one| one.is_known_by(leg.server, named))
    }

    /// Whether what is framed by turns is judged on a leg.
    pub fn judges_turns(&self, leg: Leg) -> bool {
        self.is_named(leg) || self.judged_by_turns(leg).is_some()
    }

    /// The listener of a leg as its turns show it, where nothing was read there, and it is known all the same
    /// that HTTP is what it speaks.
    pub(super) fn judged_by_turns(&self, leg: Leg) -> Option<&Listener> {
        if !self.told.named.is_empty() {
            return None;
        }
        // A front of the proxy's speaks HTTP in TLS as well: it must be this host that asks.
        let listener = self.by_turns.listeners.get(&leg).map(Box::as_ref);
        let listener =
            listener.filter(|one| one.hides_http && one.opened_here && !one.accepted_here)?;
        let read = self.listeners.get(&leg).is_some_and(|one| one.exchanges > 0);
        (!read).then_some(listener)
    }

    /// Whether an attempt counts: one that is framed by turns does where its leg is judged.
    pub(super) fn counts(&self, attempt: &KeptAttempt) -> bool {
        let by_turns = attempt.as_exchange().is_some_and(|exchange| exchange.turns.is_some());
        !by_turns || self.judges_turns(attempt.leg())
    }
}
