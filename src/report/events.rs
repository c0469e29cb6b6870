//! The events to which failures belong.

use super::ids;
use super::model::{EventRecord, FailureRecord};
use crate::ledger::{self, EventKind, Judgement};
use crate::words::events;
use crate::words::fix::Fix;

/// The events to which some of the failures belong that are told.
pub(super) fn told(ledger: &Judgement<'_>, failures: &[FailureRecord]) -> Vec<EventRecord> {
    let events = ledger.events().iter().filter_map(|event| {
        let id = ids::of_event(event);
        let mine = || failures.iter().filter(|failure| failure.event.as_ref() == Some(&id));
        let count = mine().count();
        let advice = fix(event, mine());
        (count > 0).then(|| EventRecord {
            kind: event.kind,
            backend: event.leg.server,
            first: event.first,
            last: event.last,
            failures: u64::try_from(count).unwrap_or(u64::MAX),
            causes: event.causes.iter().map(|(cause, count)| (*cause, *count)).collect(),
            summary: events::summary(event),
            fix: advice.text.clone(),
            advice,
            id: id.clone(),
        })
    });
    events.collect()
}

/// What to change: for an outage, what helps against most of its failures.
fn fix<'f>(event: &ledger::Event, failures: impl Iterator<Item = &'f FailureRecord>) -> Fix {
    if event.kind == EventKind::Restart {
        return events::restart_fix(event);
    }
    let most = event.causes.iter().max_by_key(|(_, count)| **count).map(|(cause, _)| *cause);
    let mut failures = failures.filter(|failure| Some(failure.cause) == most);
    failures.next().map(|failure| failure.advice.clone()).unwrap_or_default()
}
