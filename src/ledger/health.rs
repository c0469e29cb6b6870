//! How probes fare.

use crate::exchange::Prober;
use crate::verdict::Cause;
use std::collections::BTreeMap;
use std::time::Duration;

/// How the probes of one kind fare.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// What is asked, as sent; empty when nothing is, only connected.
    pub method: Vec<u8>,
    /// The target, as sent.
    pub path: Vec<u8>,
    /// How often.
    pub period: Option<Duration>,
    /// Who asks, if it says so.
    pub prober: Option<Prober>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures without an answer, by what they would be of a client's request.
    pub causes: BTreeMap<Cause, u64>,
    /// Answered outside of what is accepted, or not at all.
    pub failed: u64,
    /// Probes seen.
    pub of: u64,
}

impl Health {
    pub(super) fn add(&mut self, other: &Self) {
        for (status, more) in &other.statuses {
            let count = self.statuses.entry(*status).or_default();
            *count = count.saturating_add(*more);
        }
        for (cause, more) in &other.causes {
            let count = self.causes.entry(*cause).or_default();
            *count = count.saturating_add(*more);
        }
        self.failed = self.failed.saturating_add(other.failed);
        self.of = self.of.saturating_add(other.of);
    }
}
