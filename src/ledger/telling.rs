//! What was just booked as failed, for who tells it while more is read.

use super::books::Ledger;
use super::fresh::{Fresh, FreshAttempt};
use crate::facts::KeptAttempt;
use std::sync::Arc;

impl Ledger {
    /// From now on failures are made known as they are booked.
    pub fn tell_fresh(&mut self) {
        self.fresh.get_or_insert_default();
    }

    /// The attempts that were booked as failed since the last call, in the order of booking.
    pub fn take_fresh(&mut self) -> Vec<Fresh> {
        self.fresh.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The attempts that failed and are kept, the last first.
    pub fn last_failed(&self) -> impl Iterator<Item = &KeptAttempt> {
        self.failures.iter().rev().map(Arc::as_ref)
    }

    /// How many attempts that failed are kept.
    pub fn kept(&self) -> usize {
        self.failures.len()
    }

    /// An attempt just booked, as it is known so far.
    pub fn fresh(&self, fresh: &Fresh) -> Option<Arc<KeptAttempt>> {
        match &fresh.attempt {
            FreshAttempt::Kept(place) => self.failures.get(*place).map(Arc::clone),
            FreshAttempt::Early(key) => self.early.get(key).map(Arc::clone),
            FreshAttempt::OnlyCounted(attempt) | FreshAttempt::Withdrawn(attempt) => {
                Some(Arc::clone(attempt))
            }
        }
    }

    /// An attempt just booked, to add to what is known of it.
    pub fn fresh_mut<'l>(&'l mut self, fresh: &'l mut Fresh) -> Option<&'l mut KeptAttempt> {
        match &mut fresh.attempt {
            FreshAttempt::Kept(place) => self.failures.get_mut(*place).map(Arc::make_mut),
            FreshAttempt::Early(key) => self.early.get_mut(key).map(Arc::make_mut),
            FreshAttempt::OnlyCounted(attempt) => Some(Arc::make_mut(attempt)),
            FreshAttempt::Withdrawn(_) => None,
        }
    }
}
