//! Events in words: one story instead of many puzzles.

use super::fix::{Fix, FixSide};
use super::phrases::{duration, plural};
use crate::base::time::Timestamp;
use crate::ledger::{Event, EventKind};
use crate::verdict::Cause;

/// What happened, in one sentence.
pub fn summary(event: &Event) -> String {
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
    format!("the backend {} {what}: {}; {end}", event.leg, parts.join(", then "))
}

/// What to change where a backend was restarted.
pub fn restart_fix(event: &Event) -> Fix {
    drain_first(event.first)
}

/// How a backend is restarted without failures, where one may have been at some time.
pub(super) fn drain_first(at: Timestamp) -> Fix {
    let text = format!(
        "take a backend out of the proxy before it stops (drain it, deregister it, fail its readiness \
         first), wait until it has answered what it has, and start the new one before the old one goes; if \
         nobody restarted it, check for a crash at {}",
        at.time_in_zone()
    );
    Fix::on(FixSide::Backend, text)
}
