//! What is said of failures beside their own sentences: headings, columns, the first lines of each.

use super::phrases::{TO_FIND_OUT, WHAT_TO_CHANGE, duration};
use crate::base::zone;
use crate::packet::Endpoint;
use crate::verdict::Cause;
use std::time::Duration;

/// The heading of what explains them.
pub const WHY: &str = "Why";

/// The heading of the causes.
pub const CAUSES: &str = "Causes";

/// Titles of the columns of causes.
pub const CAUSE_COLUMNS: [&str; 4] = ["cause", "failed", "certainty", "retry"];

/// The heading of the failures.
pub const FAILURES: &str = "Failures";

/// How times and frames are to be read.
pub fn legend() -> String {
    format!("times in {}, frame numbers as in Wireshark", zone::name())
}

/// What stands before the number of a frame.
pub const FRAME: &str = "frame";

/// What stands before the advice on a failure.
pub fn before_fix(cause: Cause) -> &'static str {
    if cause == Cause::Unproven { TO_FIND_OUT } else { WHAT_TO_CHANGE }
}

/// What was asked, as far as it was captured.
pub fn request(method: Option<&str>, target: Option<&str>) -> String {
    format!("{} {}", method.unwrap_or("?"), target.unwrap_or("(head not captured)"))
}

/// A backend, and the addresses that it has before or after address translation.
pub fn backend(backend: Endpoint, aliases: impl Iterator<Item = Endpoint>) -> String {
    let mut others: Vec<String> = Vec::new();
    for alias in aliases.filter(|alias| *alias != backend) {
        let alias = alias.to_string();
        if !others.contains(&alias) {
            others.push(alias);
        }
    }
    if others.is_empty() {
        return backend.to_string();
    }
    format!("{backend} (translated: {})", others.join(", "))
}

/// How long the connection was idle before the request, and how long the request waited: behind the ends
/// of the connection.
pub fn times(idle: Option<Duration>, wait: Option<Duration>) -> String {
    let told = |what: &str, time: Option<Duration>| {
        time.map_or_else(String::new, |time| format!(", {what} {}", duration(time)))
    };
    format!("{}{}", told("idle", idle), told("wait", wait))
}

/// A request that was sent again, so long after the loss, and what it got.
pub fn sent_again(after: Duration, status: Option<u16>) -> String {
    let got = status.map_or_else(|| "no status".to_owned(), |status| status.to_string());
    format!("sent again {} later on another connection: {got}", duration(after))
}

/// The proxy's own listener, where nothing shows an attempt at a backend.
pub fn answered_by(proxy: &str) -> String {
    format!("answered by {proxy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_as_far_as_it_was_captured() {
        assert_eq!(request(Some("GET"), Some("/a")), "GET /a");
        assert_eq!(request(None, None), "? (head not captured)");
        let [idle, wait] = [5, 2].map(|time| Some(Duration::from_secs(time)));
        assert_eq!(times(idle, wait), ", idle 5.00 s, wait 2.00 s");
        assert_eq!(times(None, None), "");
        let soon = Duration::from_micros(400);
        let said = "sent again 400 µs later on another connection: 200";
        assert_eq!(sent_again(soon, Some(200)), said);
        let said = "sent again 400 µs later on another connection: no status";
        assert_eq!(sent_again(soon, None), said);
        assert_eq!(answered_by("10.0.0.9:80"), "answered by 10.0.0.9:80");
    }

    #[test]
    fn what_is_not_proven_is_to_be_found_out() {
        assert_eq!(before_fix(Cause::Unproven), "To find out");
        assert_eq!(before_fix(Cause::KeepaliveRace), "What to change");
    }
}
