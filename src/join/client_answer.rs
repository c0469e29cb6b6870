//! What a client got of a request that failed.

use crate::base::time::Timestamp;
use crate::topology::request_key::MatchedBy;
use std::time::Duration;

/// What a client got of a request that failed on the leg.
#[derive(Clone, Copy, Debug)]
pub struct ClientAnswer {
    /// `None` when it got no status.
    pub status: Option<u16>,
    /// When it had its answer, or none, by the capture's clock.
    pub at: Timestamp,
    /// How long it waited.
    pub latency: Option<Duration>,
    /// The proxy sent the request again after this attempt.
    pub retried: bool,
    /// How long after this attempt had begun the next one did: what the failure cost.
    pub cost: Option<Duration>,
    /// The next attempt sent what may have run already, and must not run twice.
    pub ran_twice: bool,
    /// How long the proxy itself took, where the front leg shows it.
    pub proxy_took: Option<Duration>,
    /// How it was found.
    pub by: MatchedBy,
    /// The line that says it: which file, which line.
    pub line: Option<(usize, u64)>,
}
