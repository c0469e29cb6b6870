//! Ports that end each new connection as soon as something is asked, and never answer: one hint instead of
//! fifty crashes.

use super::counts::count;
use super::judgement::Judgement;
use crate::flow::Leg;
use crate::verdict::{Cause, ends_at_once};
use std::collections::BTreeMap;

/// One connection that ends at once says nothing.
const SEVERAL: u64 = 2;

impl Judgement<'_> {
    /// Where each new connection ended as soon as something was asked, and nothing was ever answered.
    pub(super) fn find_nothing_answered(&mut self) {
        let mut ended: BTreeMap<Leg, (u64, bool)> = BTreeMap::new();
        for failure in self.failures.iter().filter(|failure| failure.request().is_some()) {
            let (connections, all) = ended.entry(failure.leg()).or_insert((0, true));
            count(connections);
            *all &= ends_at_once(failure.verdict());
        }
        ended.retain(|leg, (connections, all)| *all && self.never_answers(*leg, *connections));
        for failure in &mut self.failures {
            if let Some((connections, _)) = ended.get(&failure.leg()) {
                failure.judge_again(|beside| beside.nothing_answered = Some(*connections));
            }
        }
    }

    /// All that was asked there ended so, `kept` times and those that were only counted, and not one answer
    /// came.
    fn never_answers(&self, leg: Leg, kept: u64) -> bool {
        self.listener_at(leg).is_some_and(|listener| {
            let counted = |cause| listener.only_counted.get(&cause).copied().unwrap_or(0);
            let ended = kept
                .saturating_add(counted(Cause::ClosedInFlight))
                .saturating_add(counted(Cause::ResetInFlight));
            !listener.answers() && ended == listener.exchanges && ended >= SEVERAL
        })
    }
}
