//! Attempts just booked that failed, for who waits for them.

use crate::facts::KeptAttempt;
use std::sync::Arc;

/// An attempt just booked that failed.
#[derive(Clone, Debug)]
pub struct Fresh {
    pub(super) attempt: FreshAttempt,
    /// The attempt is one of a row of failing probes, and not the first.
    pub another_probe: bool,
}

#[derive(Clone, Debug)]
pub(super) enum FreshAttempt {
    /// At this place of the books.
    Kept(usize),
    /// Nowhere: there was no room.
    OnlyCounted(Arc<KeptAttempt>),
}

impl Fresh {
    /// The attempt is among those that are kept, so that more may become known of it.
    pub const fn is_kept(&self) -> bool {
        matches!(self.attempt, FreshAttempt::Kept(_))
    }

    /// The attempt, where it is kept nowhere else.
    pub(super) const fn only_counted(&mut self) -> Option<&mut Arc<KeptAttempt>> {
        match &mut self.attempt {
            FreshAttempt::Kept(_) => None,
            FreshAttempt::OnlyCounted(attempt) => Some(attempt),
        }
    }
}
