//! Closes that came just when the backend's keep-alive timer fired.

use super::books::Ledger;
use crate::knowledge::timers::Timer;
use crate::packet::Endpoint;
use crate::verdict;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::time::Duration;

impl Ledger {
    /// Whether a close came just when the backend's keep-alive timer fired.
    pub(super) fn lose_in_host(&mut self) {
        let told = &self.told;
        let mut timers: HashMap<Endpoint, [Option<Timer>; 2], RandomState> = HashMap::default();
        let mut longest: HashMap<Endpoint, Duration, RandomState> = HashMap::default();
        let mut changed = Vec::new();
        for failure in &mut self.failures {
            let Some(listener) = self.listeners.get(&failure.server) else {
                continue;
            };
            // What was told may not be in effect, and what is seen may be another timer's.
            let timers = timers.entry(failure.server).or_insert_with(|| {
                let told = told.backend(failure.server).keepalive;
                [told.map(|told| Timer::told(told.value)), listener.timer()]
            });
            let before = failure.verdict.cause;
            let meets = timers.iter().flatten().any(|timer| {
                verdict::lost_in_host(&mut failure.verdict, timer.value, |gap| timer.fits(gap))
            });
            if meets {
                changed.push((failure.server, before, failure.verdict.cause));
            } else {
                let longest = longest.entry(failure.server).or_insert_with(|| listener.kept_idle());
                verdict::kept_for_longer(&mut failure.verdict, *longest);
            }
        }
        for (server, before, after) in changed {
            self.recount(server, before, after);
        }
    }
}
