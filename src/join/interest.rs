//! Which lines are of interest, by the exchanges that the capture holds.

use super::lines::Interest;
use crate::ledger::Judgement;
use crate::topology::Trail;
use crate::topology::request_key::{self, RequestKey};

/// What of a capture's exchanges lines can be of interest for.
pub fn interest(trail: &Trail, ledger: &Judgement<'_>) -> Interest {
    let mut interest = Interest::default();
    for one in trail.seen() {
        let count = interest.seen.entry(one.asked.whole).or_default();
        *count = count.saturating_add(1);
        for id in one.ids.iter().filter(|id| **id != 0) {
            let count = interest.ids.entry(*id).or_default();
            *count = count.saturating_add(1);
            if one.failed {
                interest.failing_ids.insert(*id);
            }
        }
        if one.failed {
            interest.failing.extend([one.asked.whole, one.asked.path]);
        }
    }
    interest.failing.remove(&0);
    for failure in ledger.failures_from(0) {
        if let Some(head) = failure.request().and_then(|request| request.head.as_ref()) {
            if let Some((method, target)) = head.asked() {
                let asked = RequestKey::of(method, target);
                interest.failing.extend([asked.whole, asked.path]);
            }
            interest.failing_ids.extend(request_key::ids(head).into_iter().filter(|id| *id != 0));
        }
    }
    interest
}
