//! The report's parts that sum up the others, field by field as `--format json` writes them.

use super::backend_model::GapsRecord;
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::verdict::{Cause, Certainty, Retry};
use crate::words::fix::Fix;
use serde::Serialize;
use std::collections::BTreeMap;

/// The answer in brief.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AnswerSummary {
    /// The first sentence.
    pub headline: String,
    /// What stands behind it, the most frequent first.
    pub paragraphs: Vec<String>,
    /// What to change, each once.
    pub fixes: Vec<Fix>,
}

/// Failures that are alike.
#[derive(Clone, Debug, Serialize)]
pub struct FailureGroup {
    /// Stable: the same capture gives the same.
    pub id: String,
    /// Why they failed.
    pub cause: Cause,
    /// How sure the least sure of them is.
    pub certainty: Certainty,
    /// The server side; null where nothing shows an attempt.
    pub backend: Option<Endpoint>,
    /// Of the requests; null for connects, and where no head was read.
    pub method: Option<String>,
    /// Of the requests, with `*` for numbers and queries; null likewise.
    pub target_pattern: Option<String>,
    /// How many they are.
    pub count: u64,
    /// When the first of them began.
    pub first: Timestamp,
    /// When the last of them began.
    pub last: Timestamp,
    /// Idleness before the requests.
    pub idle_gap: GapsRecord,
    /// From the request to the close.
    pub wait: GapsRecord,
    /// Of all of them; `unknown` where they differ.
    pub retry: Retry,
    /// The id of the one that speaks for all.
    pub example: String,
    /// What users saw of them.
    pub users: GroupUsers,
}

/// What users saw of failures that are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GroupUsers {
    /// Answered all the same: the proxy sent the request again.
    pub answered: u64,
    /// Got a response that was cut short.
    pub cut: u64,
    /// Left before there was a response.
    pub left: u64,
    /// Errors that the log or the front leg shows, by status.
    pub errors: BTreeMap<u16, u64>,
    /// Of whom nothing is known: they are likely to have got `expected`, or what else the proxy makes of it.
    pub likely: u64,
    /// The status that is likeliest for these.
    pub expected: Option<u16>,
}

/// What began in some stretch of time, which lasts until the next one begins.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OverTime {
    /// When it begins.
    pub at: Timestamp,
    /// Exchanges with backends.
    pub exchanges: u64,
    /// Failures.
    pub failed: u64,
    /// Of the exchanges, those that failed.
    #[serde(skip)]
    pub exchanges_failed: u64,
}
