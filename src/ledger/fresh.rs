//! Attempts just booked that failed, for who waits for them.

use super::failure::AttemptKey;
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
    /// Under this name among those that were judged before their connection has ended.
    Early(AttemptKey),
    /// Nowhere: it was judged early, and is no failure after all.
    Withdrawn(Arc<KeptAttempt>),
    /// Nowhere: there was no room.
    OnlyCounted(Arc<KeptAttempt>),
}

impl Fresh {
    /// The attempt is among those that are kept, so that more may become known of it.
    pub const fn is_kept(&self) -> bool {
        matches!(self.attempt, FreshAttempt::Kept(_) | FreshAttempt::Early(_))
    }

    /// The attempt is judged before its connection has ended: the last word follows.
    pub const fn is_early(&self) -> bool {
        matches!(self.attempt, FreshAttempt::Early(_))
    }

    /// The attempt was told as failed, and is no failure after all.
    pub const fn is_withdrawn(&self) -> bool {
        matches!(self.attempt, FreshAttempt::Withdrawn(_))
    }

    /// The attempt, where it is kept nowhere else.
    pub(super) const fn only_counted(&mut self) -> Option<&mut Arc<KeptAttempt>> {
        match &mut self.attempt {
            FreshAttempt::Kept(_) | FreshAttempt::Early(_) | FreshAttempt::Withdrawn(_) => None,
            FreshAttempt::OnlyCounted(attempt) => Some(attempt),
        }
    }
}
