//! The time in which what a line is of must lie.

use super::clock_offset::ClockOffset;
use super::lines::KeptLine;
use crate::base::time::Timestamp;
use std::time::Duration;

/// What connecting may take before a request is sent, where the log tells no more than a time.
const CONNECT: Duration = Duration::from_secs(1);
/// No client's connection is believed to have lasted for longer.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// The time in which what a line is of must lie, by the capture's clock.
pub(super) struct TimeWindow {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Both ends of the request are known: it was sent between them. Else it went on at that moment.
    pub(super) within: bool,
}

impl TimeWindow {
    pub(super) fn of(line: &KeptLine, clock: &ClockOffset) -> Self {
        let around = clock.tolerance();
        let earlier = |at: Timestamp| {
            let around = u64::try_from(around.as_nanos()).unwrap_or(u64::MAX);
            Timestamp::from_nanos(clock.corrected(at).as_nanos().saturating_sub(around))
        };
        let later = |at: Timestamp| clock.corrected(at).plus(around);
        match (line.begun, line.ended) {
            (Some(begun), _) if line.floor => {
                Self { from: earlier(begun), to: later(begun).plus(LONGEST), within: true }
            }
            (Some(begun), Some(ended)) if line.duration.is_some() => {
                Self { from: earlier(begun), to: later(ended), within: true }
            }
            _ if line.about.is_some() => {
                // If that is its begin, a connect may have come before the request.
                let to = later(line.at()).plus(CONNECT);
                Self { from: earlier(line.at()), to, within: false }
            }
            _ => Self { from: earlier(line.at()), to: later(line.at()), within: false },
        }
    }

    pub(super) fn holds(&self, begun: Timestamp, ended: Timestamp) -> bool {
        if self.within {
            begun >= self.from && begun <= self.to
        } else {
            begun <= self.to && ended >= self.from
        }
    }
}
