//! Points in time, as the frames carry them.
//!
//! No other clock exists in the analysis: `now` is the time of the newest frame.

use super::zone;
use jiff::civil::DateTime;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Nanoseconds since 1970-01-01T00:00:00Z, as stamped by whoever took the capture.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Later than all others.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time that passed since `earlier`; zero when `earlier` is the later one, for captures
    /// do step backwards (several queues, clock corrections, merged files).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The date as it is shown: `2026-11-20`.
    pub fn date(self) -> String {
        zone::shown(self.0).0.date().to_string()
    }

    /// The date and the time of day as they are shown, to the millisecond: `2026-11-20 16:22:15.458`.
    pub fn date_and_time(self) -> String {
        let (clock, _) = zone::shown(self.0);
        format!(
            "{} {}.{:03}",
            clock.date(),
            to_the_second(clock),
            self.0 % 1_000_000_000 / 1_000_000
        )
    }

    /// The time of day as it is shown, to the second: `16:22:15`.
    pub fn time_of_day(self) -> String {
        let (clock, _) = zone::shown(self.0);
        to_the_second(clock)
    }

    /// The time of day as it is shown, to the second, with its zone: `16:22:15 UTC`.
    pub fn time_in_zone(self) -> String {
        format!("{} {}", self.time_of_day(), self.zone())
    }

    /// The time of day as it is shown, to the millisecond, with its zone: `16:22:15.458 UTC`.
    pub fn moment(self) -> String {
        let millis = self.0 % 1_000_000_000 / 1_000_000;
        format!("{}.{millis:03} {}", self.time_of_day(), self.zone())
    }

    /// The time of day as it is shown, to the microsecond: frames of one failure lie less than a millisecond apart.
    pub fn precise_time_of_day(self) -> String {
        format!("{}.{:06}", self.time_of_day(), self.0 % 1_000_000_000 / 1_000)
    }

    /// What the zone in which times are shown is called at this time: `UTC`, `CET`, `CEST`.
    pub fn zone(self) -> String {
        zone::shown(self.0).1
    }

    /// From this time to `last`, as they are shown, with their zone, which may not be the same for both.
    pub fn span_to(self, last: Self) -> String {
        let (begin, end) = (self.date_and_time(), last.date_and_time());
        let (before, after) = (self.zone(), last.zone());
        if before == after {
            format!("{begin} to {end} {after}")
        } else {
            format!("{begin} {before} to {end} {after}")
        }
    }

    fn on_the_clock(self) -> SystemTime {
        let since = Duration::from_nanos(self.0);
        SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The time `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

/// `16:22:15`.
fn to_the_second(clock: DateTime) -> String {
    format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second())
}

/// RFC 3339 in UTC with nanoseconds: `2026-11-20T17:26:00.000000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_nanos(self.on_the_clock()).fmt(f)
    }
}

/// Nanoseconds, as JSON has them.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_steps_back_gives_zero_not_an_overflow() {
        let early = Timestamp::from_nanos(5);
        let late = Timestamp::from_nanos(9);
        assert_eq!(late.since(early), Duration::from_nanos(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn every_value_can_be_shown() {
        assert_eq!(Timestamp::from_nanos(0).to_string(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Timestamp::from_nanos(u64::MAX).to_string(), "2554-07-21T23:34:33.709551615Z");
    }

    #[test]
    fn the_ways_to_write_a_time_are_one() {
        for nanos in [0, 951_782_399_999_999_999, 1_795_176_000_458_000_000, u64::MAX] {
            let at = Timestamp::from_nanos(nanos);
            let whole = at.to_string();
            assert_eq!(at.date_and_time(), whole[..23].replace('T', " "));
            assert_eq!(at.time_of_day(), whole[11..19]);
        }
    }
}
