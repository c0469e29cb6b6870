//! What a log alone shows of failures that have something in common, field by field as `--format json` writes it.

use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::verdict::{Cause, Certainty};
use crate::words::fix::Fix;
use serde::Serialize;
use std::collections::BTreeSet;

/// Something that failures of a log have in common. A log proves nothing: `likely` is the most.
#[derive(Clone, Debug, Serialize)]
pub struct LogFindingRecord {
    /// `restart`, `deploy`, `outage`, `all_at_once`, `burst`, `keepalive_timer`, `time_limit`, `too_late_for_race`,
    /// `too_busy`.
    pub kind: &'static str,
    /// How sure it is; null where it says only what the log does not tell.
    pub certainty: Option<Certainty>,
    /// The cause that it speaks for, where there is one.
    pub cause: Option<Cause>,
    /// The backends; empty where the log names none.
    pub backends: Vec<Endpoint>,
    /// Of the requests; null where they differ.
    pub method: Option<String>,
    /// Of the requests, with `*` for numbers and queries; null likewise.
    pub target_pattern: Option<String>,
    /// When the first of the failures ended.
    pub first: Timestamp,
    /// When the last of them did.
    pub last: Timestamp,
    /// When the backend answered again, after a restart or an outage.
    pub again: Option<Timestamp>,
    /// How many failures it is of: requests, and attempts that a retry hid.
    pub count: u64,
    /// Of a timer: the time from the end of an answer to the failures. Of limits and closes: from the request to the
    /// failure. The median of a timer, the least of the others.
    pub after_ns: Option<u64>,
    /// The shortest of these times.
    pub shortest_ns: Option<u64>,
    /// The longest.
    pub longest_ns: Option<u64>,
    /// Failures that fit, of those that could: a timer's of different moments, a limit's of the same kind.
    pub failures: Option<ShareRecord>,
    /// Requests that went well and fit likewise: what is rare there carries the finding.
    pub controls: Option<ShareRecord>,
    /// How often chance gives as much, of a timer.
    pub chance: Option<f64>,
    /// The lines of the failures, the first hundred of them.
    pub lines: Vec<LogPlace>,
    /// In a few words.
    pub headline: String,
    /// In one to three sentences.
    pub text: String,
    /// What to change; null where nothing is known.
    pub fix: Option<Fix>,
    /// The command that captures what would prove it.
    pub capture: String,
    /// Whether it says what happened.
    #[serde(skip)]
    pub explains: bool,
    /// All of its lines, by file and number; none where it tells nothing of each.
    #[serde(skip)]
    pub all_lines: BTreeSet<(usize, u64)>,
}

/// A line of a log.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LogPlace {
    /// From 0.
    pub file: usize,
    /// From 1.
    pub number: u64,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ShareRecord {
    /// Those that fit.
    pub hits: u64,
    /// All.
    pub of: u64,
}
