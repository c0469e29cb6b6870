//! The legs of the proxy: its own listeners, and how much of what it asked its backends was read.

use super::unexplained::LegRead;
use crate::flow::Leg;
use crate::ledger::Judgement;
use crate::topology::Trail;
use crate::topology::roles::{Role, Roles};
use std::collections::HashSet;

/// The proxy's own listeners: those with that role; and where backends were told, those of a host that
/// opens connections to them.
pub(super) fn fronts(ledger: &Judgement<'_>, roles: &Roles) -> HashSet<Leg> {
    let listeners = ledger.listeners();
    let backends = || listeners.iter().filter(|(one, _)| roles.of(**one) == Role::Backend);
    let opens = |front: Leg| {
        backends().any(|(backend, listener)| {
            let apart = backend.server.addr != front.server.addr;
            apart && listener.proxies.contains_key(&front.server.addr)
                || ledger.passes_through(front, *backend)
        })
    };
    let front = |one: Leg| match roles.of(one) {
        Role::Front => true,
        Role::Backend => false,
        Role::Other => opens(one) || roles.passes_on(one),
    };
    let speaking = listeners.iter().filter(|(_, listener)| listener.exchanges > 0);
    speaking.map(|(leg, _)| *leg).filter(|leg| front(*leg)).collect()
}

/// What of the backend leg was read.
pub(super) fn leg(trail: &Trail, ledger: &Judgement<'_>, roles: &Roles) -> LegRead {
    let listeners = ledger.listeners();
    let mut of_backends = listeners.iter().filter(|(one, _)| roles.is_on_backend(**one)).peekable();
    if of_backends.peek().is_none() {
        return LegRead::NotCaptured;
    }
    let whole = of_backends.all(|(_, one)| one.not_read.is_empty() && one.capture_gaps == 0);
    if whole && trail.forgotten == 0 { LegRead::Read } else { LegRead::NotAllRead }
}
