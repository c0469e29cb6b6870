//! Connects that failed, as lines meet them.

use super::hits::Connect;
use crate::ledger::Judgement;
use crate::topology::roles::Roles;
use crate::verdict::Cause;
use std::time::Duration;

/// Connects that failed, as lines meet them.
pub(super) fn connects(ledger: &Judgement<'_>, roles: &Roles) -> Vec<Connect> {
    let failures = ledger.failures_from(0).iter().enumerate();
    failures
        .filter(|(_, failure)| {
            failure.request().is_none() && failure.health.is_none() && roles.judges(failure)
        })
        .map(|(place, failure)| {
            let evidence = failure.verdict().evidence();
            let begun = evidence.first().map(|first| first.frame.at).unwrap_or_default();
            let last = evidence.last().map_or(begun, |last| last.frame.at);
            let close = failure.verdict().close().map_or(last, |close| close.frame.at);
            // Giving up puts nothing on the wire: it came before the next SYN would have.
            let cause = failure.verdict().cause();
            let unanswered = cause == Cause::ConnectTimeout;
            let next = last.since(begun).saturating_mul(2).saturating_add(Duration::from_secs(1));
            let ended = if unanswered { begun.plus(next) } else { close.max(last) };
            Connect { failure: place, server: failure.server, begun, ended, cause }
        })
        .collect()
}
