//! Events in words: one story instead of many puzzles.

use super::build::digest;
use super::model::{Event, Failure};
use super::notes::plural;
use super::words::duration;
use crate::ledger::{self, EventKind, Ledger};

/// The same for the same capture.
pub(super) fn id(event: &ledger::Event) -> String {
    digest(&format!("{}|{}|{}", event.kind.name(), event.server, event.first))
}

/// The events to which some of the failures belong that are told.
pub(super) fn told(ledger: &Ledger, failures: &[Failure]) -> Vec<Event> {
    let events = ledger.events().iter().filter_map(|event| {
        let id = id(event);
        let mine = failures.iter().filter(|failure| failure.event.as_ref() == Some(&id)).count();
        (mine > 0).then(|| Event {
            id,
            kind: event.kind.name(),
            backend: event.server.to_string(),
            first: event.first.to_string(),
            last: event.last.to_string(),
            failures: u64::try_from(mine).unwrap_or(u64::MAX),
            summary: summary(event),
        })
    });
    events.collect()
}

/// What happened, in one sentence.
fn summary(event: &ledger::Event) -> String {
    let count = |count: usize, noun: &str| plural(u64::try_from(count).unwrap_or(u64::MAX), noun);
    let mut parts = Vec::new();
    if event.slow > 0 {
        parts.push(format!("it left {} unanswered for too long", count(event.slow, "request")));
    }
    if event.closed > 0 {
        parts.push(match event.closed {
            1 => "it closed its connection".to_owned(),
            more => format!("it closed all of its {more} connections within moments"),
        });
    }
    if event.refused > 0 {
        parts.push(format!("{} failed", count(event.refused, "connect")));
    }
    let end = match (event.recovered, event.kind) {
        (Some(at), _) => {
            format!(
                "new connections came about {} after the beginning",
                duration(at.since(event.first))
            )
        }
        (None, _) => "no new connection came about before the capture ended".to_owned(),
    };
    let what = match event.kind {
        EventKind::Restart => "was restarted, it seems",
        EventKind::Outage => "was out of service",
    };
    format!("the backend {} {what}: {}; {end}", event.server, parts.join(", then "))
}
