//! The paragraphs behind the first sentence: what explains many failures, and what they have in common.

use super::phrases::{plural, sentence};
use super::words;
use crate::base::time::Timestamp;
use crate::verdict::Cause;

/// An event, told by its `summary`, with how many failures belong to it.
pub fn of_event(first: Timestamp, summary: &str, failures: u64) -> String {
    let at = first.time_in_zone();
    let belong = if failures == 1 { "belongs" } else { "belong" };
    let failures = plural(failures, "failure");
    sentence(&format!("{at}: {summary}. {failures} {belong} to it"))
}

/// Failures that are alike, told by the `summary` of the `first` of them.
pub fn of_alike(count: usize, cause: Cause, first: Timestamp, summary: &str) -> String {
    if count < 2 {
        return sentence(summary);
    }
    let (noun, at) = (words(cause).noun[0], first.time_in_zone());
    sentence(&format!("{count} × {noun}. First at {at}: {summary}"))
}
