//! The paragraphs behind the first sentence: what explains many failures, and what they have in common.

use super::phrases::{plural, sentence};
use crate::base::time::Timestamp;

/// An event, told by its `summary`, with how many failures belong to it.
pub fn of_event(first: Timestamp, summary: &str, failures: u64) -> String {
    let at = first.time_in_zone();
    let belong = if failures == 1 { "belongs" } else { "belong" };
    let failures = plural(failures, "failure");
    sentence(&format!("{at}: {summary}. {failures} {belong} to it"))
}

/// Failures that are alike, told by the `summary` of the first of them.
pub fn of_alike(count: usize, summary: &str) -> String {
    let times = if count > 1 { format!("{count} times, the first one: ") } else { String::new() };
    sentence(&format!("{times}{summary}"))
}
