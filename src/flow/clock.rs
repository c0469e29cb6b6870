//! How much time passed, going by stamps that may leap.
//!
//! A clock is set, two interfaces are stamped by two clocks, a capture pauses: the stamps of consecutive
//! frames then lie further apart than the frames did, or go back. What is waited for is waited for in
//! time that did pass.

use crate::base::time::Timestamp;
use std::time::Duration;

/// Time does not pass so fast between two frames, unless nothing was captured meanwhile.
const LEAP: Duration = Duration::from_secs(60);
/// Frames of several queues and interfaces are no further out of order.
pub(super) const SLACK: Duration = Duration::from_secs(1);

/// The time that has passed, counted from the first stamp.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    now: Timestamp,
    /// The latest stamp.
    stamp: Timestamp,
    /// From so much on a step is a leap: less, once the stamps were seen to go back.
    leap: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self { now: Timestamp::default(), stamp: Timestamp::default(), leap: LEAP }
    }
}

impl Clock {
    /// The first stamp, and the time that passed since.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The latest stamp.
    pub(super) fn stamp(&self) -> Timestamp {
        self.stamp
    }

    /// The stamps went back at some time: there are several clocks, or one that was set.
    pub(super) fn is_unsteady(&self) -> bool {
        self.leap < LEAP
    }

    /// The next frame has this stamp.
    pub(super) fn read(&mut self, stamp: Timestamp) {
        if self.stamp == Timestamp::default() {
            (self.now, self.stamp) = (stamp, stamp);
            return;
        }
        let back = self.stamp.since(stamp);
        if back > SLACK {
            self.leap = self.leap.min(back.checked_div(2).unwrap_or_default().max(SLACK));
            self.stamp = stamp;
        } else if back == Duration::ZERO {
            let step = stamp.since(self.stamp);
            if step < self.leap {
                self.now = self.now.plus(step);
            }
            self.stamp = stamp;
        }
    }

    /// Takes `stamp` as the time, by a clock that is trusted. Returns whether that was set back.
    pub(super) fn trust(&mut self, stamp: Timestamp) -> bool {
        let set_back = self.stamp.since(stamp) > SLACK;
        if set_back {
            self.stamp = stamp;
        } else if self.stamp == Timestamp::default() {
            (self.now, self.stamp) = (stamp, stamp);
        } else if stamp > self.stamp {
            self.now = self.now.plus(stamp.since(self.stamp));
            self.stamp = stamp;
        }
        set_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(stamps: &[u64]) -> u64 {
        let mut clock = Clock::default();
        let at = |seconds: u64| Timestamp::from_nanos((1_000 + seconds) * 1_000_000_000);
        stamps.iter().for_each(|stamp| clock.read(at(*stamp)));
        clock.now().since(at(stamps[0])).as_secs()
    }

    #[test]
    fn what_leaps_is_no_time_that_passed() {
        assert_eq!(after(&[0, 10, 20, 59]), 59);
        assert_eq!(after(&[0, 1, 201, 202]), 2);
        assert_eq!(after(&[4_000, 4_001, 401, 402]), 2);
        // One stamp from the future.
        assert_eq!(after(&[0, 1, 9_000, 2, 3]), 2);
        // Two clocks, 10 s apart: the first step of the other one is believed; what passes while they
        // alternate is not.
        assert_eq!(after(&[0, 10, 0, 10, 0, 10, 1, 11]), 10);
        assert_eq!(after(&[0, 10, 0, 10, 11, 12, 13]), 13);
    }
}
