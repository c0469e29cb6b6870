//! Counters that never overflow.

use crate::verdict::Cause;
use std::collections::BTreeMap;

pub(super) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// One failure fewer of this cause.
pub(super) fn uncount(causes: &mut BTreeMap<Cause, u64>, cause: Cause) {
    if let Some(count) = causes.get_mut(&cause) {
        *count = count.saturating_sub(1);
    }
    causes.retain(|_, count| *count > 0);
}
