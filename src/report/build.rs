//! The report, made of the books, the roles and the captures.

use super::backend::backend;
use super::failure::failure;
use super::model::{AnswerSummary, Bound, Counters, FailureRecord, Report, SCHEMA_VERSION, Tool};
use super::named::Tally;
use super::notes::notes;
use super::sources::{Sources, Style};
use super::unread::{judged, unread};
use super::{events, ids};
use crate::flow::Leg;
use crate::ledger::{Judgement, Listener};
use crate::topology::roles::{Role, Roles};
use crate::verdict::Cause;
use std::collections::BTreeMap;

/// Puts the report together.
pub fn build(sources: Sources, ledger: &Judgement<'_>, roles: &Roles, style: Style) -> Report {
    let listeners = ledger.listeners();
    let backends: Vec<(Leg, &Listener)> = listeners
        .iter()
        .filter(|(leg, _)| roles.of(**leg) == Role::Backend)
        .map(|(leg, listener)| (*leg, *listener))
        .collect();
    let several = sources.captures.len() > 1;
    let ids: Vec<String> = ledger.events().iter().map(ids::of_event).collect();
    let failures: Vec<FailureRecord> = ledger
        .failures(several)
        .into_iter()
        .filter(|failure| roles.judges(failure))
        .map(|kept| FailureRecord {
            event: kept.event.and_then(|event| ids.get(event).cloned()),
            ..failure(kept, style)
        })
        .collect();
    let events = events::told(ledger, &failures);
    let by_listener = ledger.causes(|failure| roles.judges(failure));
    let causes = causes(&by_listener, roles, ledger);
    let counters = counters(&sources, &listeners, &backends, ledger, &causes);
    let judged = judged(&counters, &backends, ledger);
    let unread = unread(ledger, roles, &counters, &judged);
    let notes = notes(&sources, ledger, roles, &counters);
    let first = sources.captures.iter().filter_map(|capture| capture.first).min();
    let last = sources.captures.iter().filter_map(|capture| capture.last).max();
    let over_time = first.zip(last).map(|(first, last)| {
        let is_backend = |leg| roles.of(leg) == Role::Backend;
        sources.activity.over_time(first, last, is_backend)
    });
    let none = BTreeMap::new();
    Report {
        schema_version: SCHEMA_VERSION,
        answer: AnswerSummary::default(),
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        counters,
        clients: None,
        judged,
        unread,
        causes,
        backends: backends
            .iter()
            .map(|(leg, listener)| {
                let causes = by_listener.get(leg).unwrap_or(&none);
                backend(*leg, listener, causes, ledger, style, sources.span)
            })
            .collect(),
        captures: sources.captures,
        events,
        groups: Vec::new(),
        over_time: over_time.unwrap_or_default(),
        failures,
        log: None,
        front_leg: None,
        notes,
    }
}

/// Failures by cause: all of a backend's, and refused connects to anything else that is judged.
fn causes(
    by_listener: &BTreeMap<Leg, BTreeMap<Cause, u64>>,
    roles: &Roles,
    ledger: &Judgement<'_>,
) -> Tally<Cause> {
    let mut causes = Tally::default();
    for (leg, of_listener) in by_listener {
        if roles.of(*leg) == Role::Backend {
            of_listener.iter().for_each(|(cause, count)| causes.add(*cause, *count));
        }
    }
    for failure in ledger.failures(false) {
        if roles.of(failure.leg()) != Role::Backend && roles.judges(failure) {
            causes.add(failure.verdict().cause(), 1);
        }
    }
    causes
}

fn counters(
    sources: &Sources,
    listeners: &BTreeMap<Leg, &Listener>,
    backends: &[(Leg, &Listener)],
    ledger: &Judgement<'_>,
    causes: &Tally<Cause>,
) -> Counters {
    let sum = |value: &dyn Fn(&Listener) -> u64| {
        backends.iter().fold(0_u64, |sum, (_, listener)| sum.saturating_add(value(listener)))
    };
    let flow = &sources.flow;
    let limits = [
        (Bound::Connections, flow.evicted),
        (Bound::WaitingBytes, flow.waiting_overflows),
        (
            Bound::Listeners,
            ledger.books().listeners_forgotten.saturating_add(flow.listeners_forgotten),
        ),
        (
            Bound::Proxies,
            listeners.values().fold(0, |sum, one| sum.saturating_add(one.proxies_forgotten)),
        ),
        (Bound::Failures, ledger.books().failures_dropped),
        (Bound::Aliases, flow.aliases_forgotten),
    ];
    // A record of failing probes stands for many, none of which is a client's.
    let probes = causes.of(Cause::HealthCheckFailing);
    let failed = causes.sum();
    // Where nobody understands the other, no exchange comes about.
    let mismatches = sum(&|listener| listener.mismatched);
    let connects = Cause::ALL.into_iter().filter(|cause| cause.is_failed_connect());
    let unconnected = connects.fold(0_u64, |sum, cause| sum.saturating_add(causes.of(cause)));
    Counters {
        frames: sources.captures.iter().fold(0, |sum, one| sum.saturating_add(one.frames)),
        segments: flow.segments,
        duplicates: flow.duplicates,
        skipped: sources.skipped.clone(),
        stray_segments: flow.stray_segments,
        connections: flow.connections,
        connects_failed: unconnected,
        mismatched: mismatches,
        connects_unanswered: sum(&|listener| listener.connects_unanswered),
        exchanges: sum(&|listener| listener.exchanges),
        exchanges_failed: failed
            .saturating_sub(unconnected)
            .saturating_sub(probes)
            .saturating_sub(mismatches),
        exchanges_unread: sum(&|listener| {
            listener.unread.values().fold(0, |sum, count| sum.saturating_add(*count))
        }),
        exchanges_open: sum(&|listener| listener.open),
        benign_closes: sum(&|listener| listener.benign_closes),
        capture_gaps: listeners
            .values()
            .fold(0, |sum, listener| sum.saturating_add(listener.capture_gaps)),
        limits_hit: limits.into_iter().filter(|(_, count)| *count > 0).collect(),
    }
}
