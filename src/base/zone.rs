//! The time zone in which people are shown times: UTC unless told otherwise.
//!
//! One for the whole program, set once before anything is shown: like colours it is a matter of how things
//! are shown, not of what was found, and sentences are made in many places. What scripts read stays in UTC:
//! for them it is never set.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::path::Path;
use std::sync::OnceLock;
use thiserror::Error;

static SHOWN_IN: OnceLock<DisplayZone> = OnceLock::new();

/// A time zone, read whole: nothing is opened later.
#[derive(Clone, Debug)]
pub struct DisplayZone {
    zone: TimeZone,
    name: String,
}

/// Why there is no such zone.
#[derive(Debug, Error)]
pub enum UnknownZone {
    /// Nothing is called so.
    #[error(
        "no time zone is called '{0}' on this host: want UTC, local, or a name of /usr/share/zoneinfo as \
         Europe/Berlin"
    )]
    Name(String),
    /// The host's own cannot be read.
    #[error("this host's time zone (TZ, /etc/localtime) cannot be read: {0}")]
    Local(jiff::Error),
}

impl DisplayZone {
    /// `UTC`, `local`, or a name of the zoneinfo database.
    ///
    /// # Errors
    /// When the host knows no such zone.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self { zone: TimeZone::UTC, name: "UTC".to_owned() });
        }
        if name.eq_ignore_ascii_case("local") {
            let zone = Self::local().map_err(UnknownZone::Local)?;
            let name = zone.iana_name().unwrap_or("local time").to_owned();
            return Ok(Self { zone, name });
        }
        let zone = TimeZone::get(name).map_err(|_| UnknownZone::Name(name.to_owned()))?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { zone, name })
    }

    /// The host's own; UTC where it says nothing of it, as the C library has it.
    fn local() -> Result<TimeZone, jiff::Error> {
        let told = std::env::var_os("TZ").is_some_and(|zone| !zone.is_empty());
        if !told && !Path::new("/etc/localtime").exists() {
            return Ok(TimeZone::UTC);
        }
        TimeZone::try_system()
    }

    /// Date and time there, and what the zone is called then (`CET`, in summer `CEST`).
    pub fn clock(&self, nanos: u64) -> (DateTime, String) {
        // No frame is from after the year 9999.
        let at = Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX);
        let then = self.zone.to_offset_info(at);
        (then.offset().to_datetime(at), then.abbreviation().to_owned())
    }
}

/// From now on times are shown in this zone. Only the first call counts.
pub fn show_in(zone: DisplayZone) {
    // Whoever came first was before anything was shown.
    let _ = SHOWN_IN.set(zone);
}

/// The name of the zone in which times are shown.
pub fn name() -> String {
    SHOWN_IN.get().map_or_else(|| "UTC".to_owned(), |zone| zone.name.clone())
}

/// Date and time as they are shown, and the name of the zone at that time.
pub(super) fn shown(nanos: u64) -> (DateTime, String) {
    let utc = || DisplayZone { zone: TimeZone::UTC, name: String::new() };
    SHOWN_IN.get().map_or_else(|| utc().clock(nanos), |zone| zone.clock(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_changed_are_followed() {
        let Ok(berlin) = DisplayZone::named("Europe/Berlin") else { return };
        let at = |seconds: u64| {
            let (clock, zone) = berlin.clock(seconds * 1_000_000_000);
            format!("{clock} {zone}")
        };
        // 2026-10-25 01:00 UTC: from three o'clock back to two.
        assert_eq!(at(1_792_889_999), "2026-10-25T02:59:59 CEST");
        assert_eq!(at(1_792_890_000), "2026-10-25T02:00:00 CET");
        // 2026-03-29 01:00 UTC: from two o'clock to three.
        assert_eq!(at(1_774_745_999), "2026-03-29T01:59:59 CET");
        assert_eq!(at(1_774_746_000), "2026-03-29T03:00:00 CEST");
        assert_eq!(at(0), "1970-01-01T01:00:00 CET");
    }

    #[test]
    fn what_is_no_zone_is_said_with_its_name() {
        let said = DisplayZone::named("Mars/Base").unwrap_err().to_string();
        assert!(said.contains("'Mars/Base'") && !said.contains('\n'), "{said}");
        assert!(DisplayZone::named("../../etc/passwd").is_err());
        assert_eq!(DisplayZone::named("utc").unwrap().name, "UTC");
    }
}
