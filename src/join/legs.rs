//! The legs of the proxy: its own listeners, and how much of what it asked its backends was read.

use super::unexplained::LegRead;
use crate::flow::Leg;
use crate::ledger::Judgement;
use crate::topology::Trail;
use crate::topology::roles::{Role, Roles};
use std::collections::HashSet;

/// The legs of the proxy's clients: those with that role; and where backends were told, those on which something
/// was asked that was passed on to them.
pub(super) fn fronts(ledger: &Judgement<'_>, roles: &Roles) -> HashSet<Leg> {
    let listeners = ledger.listeners();
    let backends = || listeners.keys().filter(|leg| roles.of(**leg) == Role::Backend);
    let front = |leg: Leg| match roles.of(leg) {
        Role::Front => true,
        Role::Backend | Role::Beside => false,
        Role::Other => backends().any(|backend| roles.passes_on_to(leg, *backend)),
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
