//! The names of failures and events: the same for the same capture.

use crate::base::digest;
use crate::base::time::Timestamp;
use crate::ledger;

/// The name of a failure: a digest of who, when and which. The cause is no part of it, for it may be
/// revised.
pub(super) fn of_failure(kept: &ledger::Failure) -> String {
    let at = begun(kept).as_nanos();
    of(&format!("{}|{}|{at}|{}", kept.client, kept.server, kept.ordinal))
}

/// The name of an event.
pub(super) fn of_event(event: &ledger::Event) -> String {
    of(&format!("{}|{}|{}", event.kind.name(), event.leg, event.first))
}

/// When a failure's request began, or its connect.
pub(super) fn begun(kept: &ledger::Failure) -> Timestamp {
    let request = kept.request().map(|request| request.first);
    let frame = request.or(kept.verdict().evidence().first().map(|first| first.frame));
    frame.map(|frame| frame.at).unwrap_or_default()
}

/// The name of what this text tells apart.
pub(super) fn of(text: &str) -> String {
    format!("{:016x}", digest::of(text.as_bytes().iter()))
}
