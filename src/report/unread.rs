//! What was judged, and what was not read or not judged: how much of it, where, why, and what to do.

use super::model::{Bound, Counters};
use super::{Judged, UnreadRecord};
use crate::flow::Leg;
use crate::ledger::{Amount, Health, Judgement, Listener, What};
use crate::packet::Endpoint;
use crate::topology::roles::Roles;
use crate::words::unread as words;
use std::collections::BTreeMap;

/// Entries of the report; the rest is added up.
const LISTED: usize = 100;

/// What was judged of what was counted.
pub(super) fn judged(
    counters: &Counters,
    backends: &[(Leg, &Listener)],
    ledger: &Judgement<'_>,
) -> Judged {
    let not_judged = counters.exchanges_unread.saturating_add(counters.exchanges_open);
    let doubtful = backends
        .iter()
        .fold(0_u64, |sum, (_, listener)| sum.saturating_add(listener.doubtful_by_turn()));
    let exchanges = counters.exchanges.saturating_sub(not_judged).saturating_sub(doubtful);
    let probes = backends
        .iter()
        .fold(0_u64, |sum, (leg, _)| sum.saturating_add(probes(ledger.health(*leg))));
    Judged { exchanges, probes: probes.min(exchanges), connects: counters.connects_failed }
}

/// Requests that probe a listener's health.
pub(super) fn probes(health: &[Health]) -> u64 {
    let asked = health.iter().filter(|health| !health.method.is_empty());
    asked.fold(0, |sum, health| sum.saturating_add(health.of))
}

/// What was not read of the backends. Where nothing at all was judged, that
/// nobody is known for a backend is no reason to be silent of the others.
pub(super) fn unread(
    ledger: &Judgement<'_>,
    roles: &Roles,
    counters: &Counters,
    judged: &Judged,
) -> Vec<UnreadRecord> {
    let listeners = ledger.listeners();
    let mut unread = of(&listeners, &|leg| roles.is_on_backend(leg));
    if unread.is_empty() && judged.is_nothing() && roles.told().is_empty() {
        unread = of(&listeners, &|_| true);
    }
    let given_up = counters.limits_hit.of(Bound::Connections);
    let given_up = given_up.saturating_add(ledger.books().listeners_forgotten);
    if given_up > 0 {
        let amount = Amount { connections: given_up, ..Amount::default() };
        unread.insert(0, entry(What::Bound, None, amount));
    }
    unread
}

fn of(listeners: &BTreeMap<Leg, &Listener>, wanted: &dyn Fn(Leg) -> bool) -> Vec<UnreadRecord> {
    let mut all: Vec<(What, Endpoint, Amount)> = listeners
        .iter()
        .filter(|(leg, _)| wanted(**leg))
        .flat_map(|(leg, one)| one.not_read.iter().map(|(what, n)| (*what, leg.server, *n)))
        .collect();
    all.sort_by_key(|(what, endpoint, amount)| {
        (std::cmp::Reverse((amount.connections, amount.requests)), *what, *endpoint)
    });
    let rest = all.split_off(all.len().min(LISTED));
    let mut more: BTreeMap<What, Amount> = BTreeMap::new();
    for (what, _, amount) in rest {
        more.entry(what).or_default().add(amount);
    }
    let listed = all.into_iter().map(|(what, at, amount)| entry(what, Some(at), amount));
    listed.chain(more.into_iter().map(|(what, amount)| entry(what, None, amount))).collect()
}

fn entry(what: What, backend: Option<Endpoint>, amount: Amount) -> UnreadRecord {
    let Amount { connections, requests, bytes } = amount;
    UnreadRecord { what, backend, connections, requests, bytes, advice: words::advice(what) }
}
