//! Errors that a backend answered, or that are its own where it asks others.

use super::books::Ledger;
use crate::packet::Endpoint;
use crate::verdict::{Certainty, Detail};
use std::collections::BTreeSet;

impl Ledger {
    /// The hosts of these listeners ask others while they answer: each may be a proxy after all, which asks
    /// for something else than it was asked and answers 502, 503 and 504 for itself.
    pub fn doubt_errors(&mut self, ask_others: &BTreeSet<Endpoint>) {
        for failure in &mut self.failures {
            let verdict = &mut failure.verdict;
            let of_proxies = matches!(verdict.detail, Detail::Status(502..=504));
            if of_proxies && ask_others.contains(&failure.server) {
                verdict.certainty = verdict.certainty.min(Certainty::Likely);
            }
        }
    }
}
