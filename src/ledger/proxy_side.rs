//! What is known of one client of a listener, a proxy.

use super::handshakes::Paid;
use crate::exchange::ProxyKind;
use crate::knowledge::connection_ends::Guesses;
use crate::knowledge::idle_gaps::IdleGaps;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known of one client of a listener.
#[derive(Clone, Debug, Default)]
pub struct ProxySide {
    /// Connections of the proxy.
    pub connections: u64,
    /// Idle gaps of these connections.
    pub idle: IdleGaps,
    /// How it gives up connects that nobody answers.
    pub connects: Unanswered,
    /// What TLS handshakes it pays for its requests.
    pub paid: Paid,
    /// What it is.
    pub(super) kind: Guesses<ProxyKind>,
}

/// Connects that a proxy gave up. That puts nothing on the wire: it waited at least until its last SYN,
/// and not until the next one would have been due.
#[derive(Clone, Debug, Default)]
pub struct Unanswered {
    /// How many.
    pub given_up: u64,
    /// The longest wait from the first SYN to the last.
    pub at_least: Duration,
    /// The shortest wait until the next SYN would have come.
    pub less_than: Option<Duration>,
    /// When the n-th SYN came after the first, the latest of all connects that had one.
    pub schedule: BTreeMap<u32, Duration>,
}

impl Unanswered {
    pub(super) fn note(&mut self, syns: u32, wait: Duration) {
        // Each wait is twice the one before, from a second on (RFC 6298, section 2); newer kernels begin
        // with several of a second, so that the next may come sooner.
        let next = wait.saturating_mul(2).saturating_add(Duration::from_secs(1));
        self.given_up = self.given_up.saturating_add(1);
        self.at_least = self.at_least.max(wait);
        self.less_than = Some(self.less_than.map_or(next, |known| known.min(next)));
        if syns > 1 && self.schedule.len() < 16 {
            let latest = self.schedule.entry(syns).or_default();
            *latest = wait.max(*latest);
        }
    }
}

impl ProxySide {
    /// What its requests give away of it: a guess.
    pub fn kind(&self) -> Option<ProxyKind> {
        self.kind.best()
    }
}
