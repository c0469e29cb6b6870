//! What is written into the picture of a backend's idle gaps.

use super::phrases::duration;
use super::timers::TimerName;
use crate::knowledge::SettingOrigin;
use crate::knowledge::distribution::EDGES;
use std::time::Duration;

/// Titles of the columns: how long a connection was idle, and what ended that.
pub const COLUMNS: [&str; 4] = ["idle for", "reused", "backend closed", "proxy closed"];

/// Values that lie closer together, or within a sixteenth of the timeout, are told by their middle: they come
/// from one timer; see `tolerance` in `knowledge::timers`.
const TIGHT: Duration = Duration::from_millis(90);

/// The range of lengths that begins at an edge: `5 s – 10 s`.
pub fn range(index: usize) -> String {
    let edge = |index: usize| {
        EDGES.get(index).map(|millis| match millis {
            0..1_000 => format!("{millis} ms"),
            _ => format!("{} s", millis.checked_div(1_000).unwrap_or(0)),
        })
    };
    match (edge(index), edge(index.saturating_add(1))) {
        (_, Some(end)) if index == 0 => format!("below {end}"),
        (Some(begin), Some(end)) => format!("{begin} – {end}"),
        (Some(begin), None) => format!("{begin} and more"),
        (None, _) => String::new(),
    }
}

/// The mark of a timeout that was told.
pub fn told_mark(timer: TimerName, told: Duration, by: Option<SettingOrigin>) -> String {
    let how = match by {
        Some(SettingOrigin::Config) => "configured",
        Some(SettingOrigin::Proxy(_) | SettingOrigin::Server(_)) => "default",
        Some(SettingOrigin::Option) | None => "given",
    };
    format!("{} {}, {how}", timer.with_side(), duration(told))
}

/// The mark of a timeout that was seen so often, from the shortest to the longest.
pub fn seen_mark(
    timer: TimerName,
    seen: Duration,
    range: Option<(Duration, Duration)>,
    times: u64,
) -> String {
    let tight = TIGHT.max(seen.checked_div(16).unwrap_or_default());
    let spread = range.filter(|(low, high)| high.saturating_sub(*low) > tight);
    let value = match spread {
        Some((low, high)) => format!("{} to {}", duration(low), duration(high)),
        None => duration(seen),
    };
    format!("{} {value}, seen {times}×", timer.with_side())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_lengths_cover_all_that_there_are() {
        let last = EDGES.len() - 1;
        assert_eq!(range(0), "below 1 ms");
        assert_eq!(range(9), "500 ms – 1 s");
        assert_eq!(range(12), "5 s – 10 s");
        assert_eq!(range(last), "1000 s and more");
        assert_eq!(range(last + 1), "");
    }

    #[test]
    fn marks_tell_where_a_timeout_is_known_from() {
        let told = |by| told_mark(TimerName::BackendKeepAlive, Duration::from_secs(5), by);
        assert_eq!(told(Some(SettingOrigin::Config)), "backend keep-alive 5.00 s, configured");
        let node = Some(SettingOrigin::Server("node"));
        assert_eq!(told(node), "backend keep-alive 5.00 s, default");
        assert_eq!(told(Some(SettingOrigin::Option)), "backend keep-alive 5.00 s, given");
        let seen = |high| {
            let range = (Duration::from_millis(1_950), Duration::from_millis(high));
            seen_mark(TimerName::ProxyIdle, Duration::from_secs(2), Some(range), 3)
        };
        assert_eq!(seen(2_075), "proxy idle 2.00 s, seen 3×");
        assert_eq!(seen(2_076), "proxy idle 1.95 s to 2.08 s, seen 3×");
    }
}
