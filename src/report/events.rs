//! Events in words: one story instead of many puzzles.

use super::ids;
use super::model::{EventRecord, FailureRecord};
use crate::base::utc::Utc;
use crate::ledger::{self, EventKind, Ledger};
use crate::verdict::Cause;
use crate::words::phrases::{duration, plural};

/// The events to which some of the failures belong that are told.
pub(super) fn told(ledger: &Ledger, failures: &[FailureRecord]) -> Vec<EventRecord> {
    let events = ledger.events().iter().filter_map(|event| {
        let id = ids::of_event(event);
        let mine = || failures.iter().filter(|failure| failure.event.as_ref() == Some(&id));
        let count = mine().count();
        (count > 0).then(|| EventRecord {
            kind: event.kind,
            backend: event.server,
            first: event.first,
            last: event.last,
            failures: u64::try_from(count).unwrap_or(u64::MAX),
            causes: event.causes.iter().map(|(cause, count)| (*cause, *count)).collect(),
            summary: summary(event),
            fix: fix(event, mine()),
            id: id.clone(),
        })
    });
    events.collect()
}

/// What happened, in one sentence.
fn summary(event: &ledger::Event) -> String {
    let count = |causes: &[Cause]| {
        causes
            .iter()
            .filter_map(|cause| event.causes.get(cause))
            .fold(0, |sum: u64, count| sum.saturating_add(*count))
    };
    let mut parts = Vec::new();
    let slow = count(&[Cause::ResponseTimeout, Cause::Stalled]);
    if slow > 0 {
        parts.push(format!("{} timed out", plural(slow, "request")));
    }
    match event.closed {
        0 => {}
        1 => parts.push("it closed its connection".to_owned()),
        more => parts.push(format!("it closed all of its {more} connections")),
    }
    for (cause, what) in [
        (Cause::ConnectionRefused, "refused"),
        (Cause::Unreachable, "answered by an ICMP error"),
        (Cause::ConnectTimeout, "not answered"),
    ] {
        let failed = count(&[cause]);
        if failed > 0 {
            let were = if failed == 1 { "was" } else { "were" };
            parts.push(format!("{} {were} {what}", plural(failed, "connection attempt")));
        }
    }
    let end = match event.recovered {
        Some(at) => {
            format!("the first new connection came after {}", duration(at.since(event.first)))
        }
        None => "no new connection until the end of the capture".to_owned(),
    };
    let what = match event.kind {
        EventKind::Restart => "was probably restarted",
        EventKind::Outage => "was out of service",
    };
    format!("the backend {} {what}: {}; {end}", event.server, parts.join(", then "))
}

/// What to change, in one sentence: for an outage, what helps against most of its failures.
fn fix<'f>(event: &ledger::Event, failures: impl Iterator<Item = &'f FailureRecord>) -> String {
    if event.kind == EventKind::Restart {
        return format!(
            "take a backend out of the proxy before it stops (drain it, deregister it, fail its readiness \
             first), wait until it has answered what it has, and start the new one before the old one \
             goes; if nobody restarted it, check for a crash at {} UTC",
            Utc::from(event.first).time_of_day()
        );
    }
    let most = event.causes.iter().max_by_key(|(_, count)| **count).map(|(cause, _)| *cause);
    let mut failures = failures.filter(|failure| Some(failure.cause) == most);
    failures.next().map(|failure| failure.fix.clone()).unwrap_or_default()
}
