//! Times as logs write them.
//!
//! Seconds since the epoch, ISO 8601, the common log format's, and those of the error logs of nginx and
//! Apache. Error logs, and HAProxy, write the local time and no offset: such a time is read as if it
//! were UTC, and says so; what the offset is, the join finds out.

use crate::base::time::Timestamp;
use std::time::Duration;

/// A time in a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LogTime {
    /// The earliest that the time can be: it lies between here and `resolution` later.
    pub at: Timestamp,
    /// The unit of its last digit.
    pub resolution: Duration,
    /// Without an offset: local time.
    pub local: bool,
}

impl LogTime {
    /// Reads a time in any of the known forms; surrounding brackets are left out.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.trim();
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        // The longest has 35 characters.
        if text.len() > 48 {
            return None;
        }
        epoch(text)
            .or_else(|| iso(text))
            .or_else(|| common(text))
            .or_else(|| apache(text))
            .or_else(|| mail(text))
            .or_else(|| dashed(text))
    }
}

/// `1795191922.259`, or in milliseconds, as JSON loggers do.
fn epoch(text: &str) -> Option<LogTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let unit = match whole.len() {
        9 | 10 => 1_000_000_000,
        13 => 1_000_000,
        16 => 1_000,
        19 => 1,
        _ => return None,
    };
    if unit < 1_000_000_000 {
        // What follows the point is smaller than anybody's clock is exact.
        let count = whole.parse::<u64>().ok()?;
        let at = Timestamp::from_nanos(count.checked_mul(unit)?);
        return Some(LogTime { at, resolution: Duration::from_nanos(unit), local: false });
    }
    let (nanos, resolution) = fraction_of(fraction)?;
    let at = whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    Some(LogTime { at: Timestamp::from_nanos(at), resolution, local: false })
}

/// `2026-11-20T16:25:22.123Z`, with any offset or none; also nginx's `2026/11/20 16:25:22`.
fn iso(text: &str) -> Option<LogTime> {
    let mut date = text.get(..10)?.split(['-', '/']);
    let (year, month, day) =
        (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
    let rest = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    moment([year, month, day], rest)
}

/// `20/Nov/2026:16:25:22 +0000`; HAProxy's has a fraction and no offset.
fn common(text: &str) -> Option<LogTime> {
    let mut parts = text.splitn(3, '/');
    let (day, month) = (number(parts.next()?, 2)?, month(parts.next()?)?);
    let rest = parts.next()?;
    let (year, rest) = rest.split_once(':')?;
    moment([number(year, 4)?, month, day], rest)
}

/// `Fri Nov 20 16:24:21.852599 2026`.
fn apache(text: &str) -> Option<LogTime> {
    let mut words = text.split_ascii_whitespace();
    let _weekday = words.next().filter(|day| day.len() == 3)?;
    let month = month(words.next()?)?;
    let day = words.next()?.parse().ok()?;
    let clock = words.next()?;
    let year = number(words.next()?, 4)?;
    moment([year, month, day], clock).filter(|_| words.next().is_none())
}

/// `Fri, 27 Nov 2026 06:50:43 GMT` (RFC 9110, 5.6.7), as Node's `toUTCString` has it.
fn mail(text: &str) -> Option<LogTime> {
    let (_weekday, rest) = text.split_once(", ")?;
    let mut words = rest.splitn(4, ' ');
    let day = words.next()?.parse().ok()?;
    let month = month(words.next()?)?;
    let year = number(words.next()?, 4)?;
    let clock = words.next()?;
    moment([year, month, day], &clock.replace("GMT", "Z"))
}

/// `27-Nov-2026 06:43:35`, PHP-FPM's.
fn dashed(text: &str) -> Option<LogTime> {
    let (date, rest) = text.split_once(' ')?;
    let mut date = date.splitn(3, '-');
    let (day, month) = (number(date.next()?, 2)?, month(date.next()?)?);
    moment([number(date.next()?, 4)?, month, day], rest)
}

/// A date with what follows it: `16:25:22.123 +0100`.
fn moment([year, month, day]: [u64; 3], rest: &str) -> Option<LogTime> {
    let mut fields = rest.splitn(3, ':');
    let (hour, minute) = (number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    let rest = fields.next()?;
    let (second, rest) = (number(rest.get(..2)?, 2)?, rest.get(2..)?);
    let (fraction, zone) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => {
            let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            (rest.get(..end)?, rest.get(end..)?)
        }
        None => ("", rest),
    };
    let (nanos, resolution) = fraction_of(fraction)?;
    if !(1970..=2262).contains(&year) || month == 0 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day)?
        .checked_mul(86_400)?
        .checked_add(hour.checked_mul(3_600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)?;
    let (ahead, offset, local) = offset(zone.trim())?;
    let utc = if ahead { seconds.checked_sub(offset)? } else { seconds.checked_add(offset)? };
    let at = Timestamp::from_nanos(utc.checked_mul(1_000_000_000)?.checked_add(nanos)?);
    Some(LogTime { at, resolution, local })
}

/// Of a fraction of a second: nanoseconds, and the unit of its last digit.
fn fraction_of(digits: &str) -> Option<(u64, Duration)> {
    if digits.is_empty() {
        return Some((0, Duration::from_secs(1)));
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.get(..9).unwrap_or(digits);
    let unit = 10_u64.checked_pow(9_u32.checked_sub(u32::try_from(digits.len()).ok()?)?)?;
    Some((digits.parse::<u64>().ok()?.checked_mul(unit)?, Duration::from_nanos(unit)))
}

/// Whether it is ahead of UTC, by how many seconds, and whether that is not said at all.
fn offset(zone: &str) -> Option<(bool, u64, bool)> {
    let digits = match zone {
        "" => return Some((true, 0, true)),
        "Z" | "z" | "UTC" | "GMT" => return Some((true, 0, false)),
        zone => zone.get(1..)?.replace(':', ""),
    };
    let ahead = match zone.get(..1)? {
        "+" => true,
        "-" => false,
        _ => return None,
    };
    let (hours, minutes) = (number(digits.get(..2)?, 2)?, number(digits.get(2..)?, 2)?);
    Some((ahead, hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?, false))
}

fn number(digits: &str, length: usize) -> Option<u64> {
    let all = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all { digits.parse().ok() } else { None }
}

fn month(name: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let place = MONTHS.iter().position(|month| *month == name)?;
    u64::try_from(place).ok()?.checked_add(1)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = |year: u64| {
        let divides = |by: u64| year.checked_rem(by) == Some(0);
        divides(4) && (!divides(100) || divides(400))
    };
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month.checked_sub(1)?).ok()?;
    let in_month: u64 = *lengths.get(before)?;
    if day == 0 || day > in_month {
        return None;
    }
    let years =
        (1970..year).fold(0_u64, |sum, one| sum.saturating_add(if leap(one) { 366 } else { 365 }));
    let months = lengths.get(..before)?.iter().fold(0_u64, |sum, one| sum.saturating_add(*one));
    years.checked_add(months)?.checked_add(day.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, u64, bool)> {
        let when = LogTime::read(text.as_bytes())?;
        let resolution = u64::try_from(when.resolution.as_nanos()).unwrap();
        Some((when.at.to_string(), resolution, when.local))
    }

    #[test]
    fn every_form_of_one_moment_is_that_moment() {
        let moment = "2026-11-20T16:25:22.259000000Z".to_owned();
        for (text, local) in [
            ("1795191922.259", false),
            ("1795191922259", false),
            ("2026-11-20T16:25:22.259Z", false),
            ("2026-11-20T17:25:22.259+01:00", false),
            ("2026-11-20 16:25:22,259", true),
            ("20/Nov/2026:16:25:22.259", true),
            ("[20/Nov/2026:11:25:22.259 -0500]", false),
            ("Fri Nov 20 16:25:22.259 2026", true),
            ("2026/11/20 16:25:22.259", true),
        ] {
            assert_eq!(read(text), Some((moment.clone(), 1_000_000, local)), "{text}");
        }
    }

    #[test]
    fn the_resolution_is_that_of_the_last_digit() {
        assert_eq!(read("20/Nov/2026:16:25:22 +0000").unwrap().1, 1_000_000_000);
        assert_eq!(read("2022-04-15T16:52:50.757968Z").unwrap().1, 1_000);
        assert_eq!(read("1795191922.2591234567").unwrap().1, 1);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "-",
            "502",
            "12345678",
            "2026-13-20T16:25:22Z",
            "2026-02-30T16:25:22Z",
            "20/Foo/2026:16:25:22 +0000",
            "2026-11-20T25:25:22Z",
            "1795191922.2x",
            "Fri Nov 20",
            "9999-11-20T16:25:22Z",
            "99999999999999999999",
            "20/Nov/2026:16:25:22 +",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(LogTime::read(&[0xff; 20]), None);
    }
}
