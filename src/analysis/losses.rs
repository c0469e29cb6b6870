//! Frames that a watch itself lost: known later than the frames around them, which is why what failed is told
//! only after somebody has looked.

use crate::ledger::Fresh;

/// Failures that wait until it is known what was lost around them.
#[derive(Debug, Default)]
pub(super) struct HeldBack {
    /// Somebody looks what was lost.
    wanted: bool,
    held: Vec<Fresh>,
}

impl HeldBack {
    /// From now on somebody looks.
    pub(super) fn expect(&mut self) {
        self.wanted = true;
    }

    /// Nothing waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Somebody has looked: gives what waited for it.
    pub(super) fn release(&mut self) -> Vec<Fresh> {
        std::mem::take(&mut self.held)
    }

    /// Takes failures just booked, and gives those that can be told: all, or none yet.
    pub(super) fn pass(&mut self, fresh: Vec<Fresh>) -> Vec<Fresh> {
        if self.wanted {
            self.held.extend(fresh);
            return Vec::new();
        }
        fresh
    }
}
