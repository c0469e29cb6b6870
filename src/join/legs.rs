//! The legs of the proxy: its own listeners, and how much of what it asked its backends was read.

use super::unexplained::Leg;
use crate::ledger::Judgement;
use crate::packet::Endpoint;
use crate::topology::Trail;
use crate::topology::roles::{Role, Roles};
use std::collections::HashSet;

/// The proxy's own listeners: those with that role; and where backends were told, those of a host that
/// opens connections to them.
pub(super) fn fronts(ledger: &Judgement<'_>, roles: &Roles) -> HashSet<Endpoint> {
    let listeners = ledger.listeners();
    let backends = || listeners.iter().filter(|(one, _)| roles.of(**one) == Role::Backend);
    let opens = |front: Endpoint| {
        backends().any(|(backend, listener)| {
            let apart = backend.addr != front.addr;
            apart && listener.proxies.contains_key(&front.addr)
                || ledger.passes_through(front, *backend)
        })
    };
    let front = |one: Endpoint| match roles.of(one) {
        Role::Front => true,
        Role::Backend => false,
        Role::Other => opens(one) || roles.passes_on(one),
    };
    let speaking = listeners.iter().filter(|(_, listener)| listener.exchanges > 0);
    speaking.map(|(endpoint, _)| *endpoint).filter(|endpoint| front(*endpoint)).collect()
}

/// What of the backend leg was read.
pub(super) fn leg(trail: &Trail, ledger: &Judgement<'_>, roles: &Roles) -> Leg {
    let listeners = ledger.listeners();
    let mut of_backends = listeners.iter().filter(|(one, _)| roles.is_on_backend(**one)).peekable();
    if of_backends.peek().is_none() {
        return Leg::NotCaptured;
    }
    let whole = of_backends.all(|(_, one)| one.not_read.is_empty() && one.capture_gaps == 0);
    if whole && trail.forgotten == 0 { Leg::Read } else { Leg::NotAllRead }
}
