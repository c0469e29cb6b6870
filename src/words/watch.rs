//! What a watch says while it goes on: failures in a line or two, those that are gathered, what no longer
//! holds, and how it fares.

use super::causes::words;
use super::phrases::{grouped, plural_grouped};
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::verdict::{Cause, Certainty};
use std::time::Duration;

/// The heading of the report at the end, or on the way.
pub const REPORT: &str = "Report:";

/// The name of a cause, of so many.
pub fn noun(cause: Cause, count: u64) -> &'static str {
    let [one, many] = words(cause).noun;
    if count == 1 { one } else { many }
}

/// What stands behind the cause of one that is like others: what was asked, and of whom.
pub fn again(request: Option<&str>, backend: Option<Endpoint>) -> String {
    match (request, backend) {
        (Some(request), Some(backend)) => format!("{request} at {backend}"),
        (Some(request), None) => request.to_owned(),
        (None, Some(backend)) => format!("connect to {backend}"),
        (None, None) => "no request".to_owned(),
    }
}

/// Failures that are told together, in parts: a line that has no room for all of them ends between two, or does
/// without the second.
pub struct GatheredLine {
    /// When the last of them was, how many, and of what.
    pub what: String,
    /// In how long.
    pub within: String,
    /// How many in all.
    pub so_far: Option<String>,
}

/// More failures of one kind, the last of them at `last`.
pub fn gathered(
    (cause, backend): (Cause, Option<Endpoint>),
    last: Timestamp,
    more: u64,
    so_far: u64,
    within: Duration,
) -> GatheredLine {
    let backend = backend.map_or_else(String::new, |backend| format!(" at {backend}"));
    GatheredLine {
        what: format!(
            "{}  + {} {}{backend}",
            last.time_in_zone(),
            grouped(more),
            noun(cause, more)
        ),
        within: in_seconds(within),
        so_far: Some(format!("({} so far)", grouped(so_far))),
    }
}

/// More failures, of too many kinds to name each.
pub fn gathered_of_others(last: Timestamp, more: u64, within: Duration) -> GatheredLine {
    let (at, failures) = (last.time_in_zone(), failures(more));
    GatheredLine {
        what: format!("{at}  + {failures} more of other causes or at other backends"),
        within: in_seconds(within),
        so_far: None,
    }
}

fn in_seconds(within: Duration) -> String {
    format!("in {} s", within.as_secs().max(1))
}

/// A failure that was told while it lasted, and is none, for its connection went on: `request` is its method
/// and target.
pub fn withdrawn(request: &str, at: Timestamp) -> String {
    let at = at.moment();
    format!("Withdrawn: {request} of {at}. Its response came, or may have come, after all.")
}

/// A failure that was told, and is none: it was not a backend's.
pub fn retracted(request: &str, at: Timestamp) -> String {
    let at = at.moment();
    format!(
        "Withdrawn: {request} of {at}. It was not sent to a backend, or is part of another failure."
    )
}

/// Failures that are none, and were only counted.
pub fn retracted_unshown(count: u64) -> String {
    format!("Withdrawn: {} of those counted above.", failures(count))
}

/// A failure of which something else is known now.
pub fn changed(request: &str, at: Timestamp, cause: Cause, certainty: Certainty) -> String {
    let (noun, certainty) = (noun(cause, 1), certainty.name());
    format!("Changed: {request} of {} is now {noun} ({certainty}).", at.moment())
}

/// How it fares.
pub fn status(at: Timestamp, requests: u64, failed: u64, lost: u64) -> String {
    let at = at.time_in_zone();
    let (requests, lost) = (plural_grouped(requests, "request"), plural_grouped(lost, "frame"));
    format!("{at}  {requests} seen, {} failed, {lost} lost", grouped(failed))
}

fn failures(count: u64) -> String {
    plural_grouped(count, "failure")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_nanos(1_795_176_001_001_000_000);

    #[test]
    fn what_no_longer_holds_is_named_by_request_and_time() {
        let expected = "Withdrawn: GET /slow of 12:00:01.001 UTC. Its response came, or may have come, after all.";
        assert_eq!(withdrawn("GET /slow", NOON), expected);
        let expected = "Changed: GET /x of 12:00:01.001 UTC is now silent drop (proven).";
        assert_eq!(changed("GET /x", NOON, Cause::SilentDrop, Certainty::Proven), expected);
        assert!(retracted("GET /x", NOON).starts_with("Withdrawn: GET /x of 12:00:01.001 UTC. "));
    }

    #[test]
    fn what_is_gathered_is_counted_with_its_cause_and_backend() {
        let backend = Endpoint { addr: [10, 77, 2, 2].into(), port: 3_000 };
        let minute = Duration::from_secs(60);
        let GatheredLine { what, within, so_far } =
            gathered((Cause::KeepaliveRace, Some(backend)), NOON, 23, 12_402, minute);
        assert_eq!(what, "12:00:01 UTC  + 23 keep-alive races at 10.77.2.2:3000");
        assert_eq!((within.as_str(), so_far.as_deref()), ("in 60 s", Some("(12,402 so far)")));
        assert_eq!(
            status(NOON, 1_234_567, 3, 0),
            "12:00:01 UTC  1,234,567 requests seen, 3 failed, 0 frames lost"
        );
        assert_eq!(status(NOON, 1, 1, 1), "12:00:01 UTC  1 request seen, 1 failed, 1 frame lost");
    }
}
