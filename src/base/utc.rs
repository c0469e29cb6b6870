//! A point in time as people write it: the date and the time of day, in UTC.

use super::time::Timestamp;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Days from 0000-03-01, where a cycle of 400 years begins, to 1970-01-01.
const EPOCH: u64 = 719_468;

/// A date and a time of day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Utc {
    /// From 1970.
    pub year: u64,
    /// From 1.
    pub month: u64,
    /// From 1.
    pub day: u64,
    /// From 0 to 23.
    pub hour: u64,
    /// From 0 to 59.
    pub minute: u64,
    /// From 0 to 59: clocks of computers know no leap second.
    pub second: u64,
    /// Of the second.
    pub nanos: u64,
}

impl From<Timestamp> for Utc {
    /// Counts years from March, so that a leap day is the last of its year: Howard Hinnant's
    /// `civil_from_days`.
    fn from(at: Timestamp) -> Self {
        let seconds = at.as_nanos() / 1_000_000_000;
        let days = (seconds / DAY).saturating_add(EPOCH);
        let (cycle, day) = (days / 146_097, days % 146_097);
        let leaps = (day / 1_460).saturating_add(day / 146_096).saturating_sub(day / 36_524);
        let year = day.saturating_sub(leaps) / 365;
        let before = year.saturating_mul(365).saturating_add(year / 4).saturating_sub(year / 100);
        let day = day.saturating_sub(before);
        let month = day.saturating_mul(5).saturating_add(2) / 153;
        let begun = month.saturating_mul(153).saturating_add(2) / 5;
        let first_of_march = cycle.saturating_mul(400).saturating_add(year);
        let (year, month) = match month {
            0..10 => (first_of_march, month.saturating_add(3)),
            _ => (first_of_march.saturating_add(1), month.saturating_sub(9)),
        };
        let time = seconds % DAY;
        Self {
            year,
            month,
            day: day.saturating_sub(begun).saturating_add(1),
            hour: time / 3_600,
            minute: time / 60 % 60,
            second: time % 60,
            nanos: at.as_nanos() % 1_000_000_000,
        }
    }
}

impl Utc {
    /// `17:26:00`.
    pub fn time_of_day(self) -> String {
        let Self { hour, minute, second, .. } = self;
        format!("{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_the_one_that_rfc_3339_has() {
        let day = 86_400_000_000_000_u64;
        for days in (0..=213_503_u64).filter(|days| days % 7 == 0 || days % 1_461 > 780) {
            let at = Timestamp::from_nanos((days * day).saturating_add(86_399_123_456_789));
            let Utc { year, month, day, hour, minute, second, nanos } = at.into();
            let written = format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z"
            );
            assert_eq!(written, at.to_string());
        }
    }
}
