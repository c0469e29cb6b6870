//! How attempts in the books are held against what a watch itself lost.
//!
//! What was lost is asked once in a while, so that it is known later than the frames around it. An attempt is
//! held against it once, at the first look after it was booked: what was told of it then stays true, however
//! coarsely older spans are kept later.

use super::books::Ledger;
use super::fresh::Fresh;
use crate::base::time::Timestamp;

impl Ledger {
    /// A capture lost frames between these times.
    pub fn note_loss(&mut self, capture: u32, from: Timestamp, to: Timestamp) {
        self.lost.add(capture, from, to);
    }

    /// All that was lost so far is known: notes it with the attempts that were booked since the last time.
    /// `fresh` are among them, or are kept nowhere else.
    pub fn settle_losses(&mut self, fresh: &mut [Fresh]) {
        let Self { lost, failures, opinions, undecided, never_left, early, .. } = self;
        let lists = [failures, opinions, undecided, never_left];
        let settled: Vec<usize> = lists
            .into_iter()
            .zip(lost.settled)
            .map(|(list, settled)| {
                list.iter_mut().skip(settled).for_each(|attempt| lost.note(attempt));
                list.len()
            })
            .collect();
        lost.settled = settled.try_into().unwrap_or(lost.settled);
        let unsettled = self.unsettled.iter_mut().skip(lost.settled_exchanges);
        unsettled.for_each(|(attempt, _)| lost.note(attempt));
        lost.settled_exchanges = self.unsettled.len();
        // Of these there are few at any time.
        early.values_mut().for_each(|attempt| lost.note(attempt));
        fresh
            .iter_mut()
            .filter_map(Fresh::only_counted)
            .for_each(|attempt| self.lost.note(attempt));
    }
}
