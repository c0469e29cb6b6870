//! What was read, and what of it could not be read, in words.

use super::phrases::plural;
use crate::base::time::Timestamp;
use crate::logs::{LineError, LogFormat};

/// The heading of what was read.
pub const HEADING: &str = "Input";

/// What stands before something that limits the answer, or completes it.
pub const NOTE: &str = "note";

/// A capture, and the times of its first frame and of its last.
pub fn capture(path: &str, frames: u64, span: Option<(Timestamp, Timestamp)>) -> String {
    let span = span.map_or_else(String::new, |(first, last)| format!(", {}", first.span_to(last)));
    format!("{path}: {}{span}", plural(frames, "frame"))
}

/// Frames that were not looked into, by kind.
pub fn skipped(kinds: &[(&str, u64)]) -> String {
    let kinds = kinds.iter().map(|(kind, count)| format!("{} {count}", kind.replace('_', " ")));
    format!("frames skipped: {}", kinds.collect::<Vec<_>>().join(", "))
}

/// A log file, and the times of its first line and of its last.
pub fn log_file(
    path: &str,
    lines: u64,
    format: Option<LogFormat>,
    local_times: bool,
    span: Option<(Timestamp, Timestamp)>,
) -> String {
    let lines = plural(lines, "line");
    let format = format.map_or("of no known format", LogFormat::name);
    let local = if local_times { ", local times" } else { "" };
    let span = span.map_or_else(String::new, |(first, last)| {
        format!(", {} to {}", first.date_and_time(), last.date_and_time())
    });
    format!("{path}: {lines} ({format}{local}){span}")
}

/// Lines of a log that could not be read; they follow.
pub fn unreadable(path: &str, lines: u64) -> String {
    format!("{path}: {} could not be read:", plural(lines, "line"))
}

/// A line that could not be read: its number, its length, what it looks like, and why.
pub fn unread_line(line: u64, length: u64, shape: &str, why: LineError) -> String {
    format!("line {line} ({}, {shape}): {}", plural(length, "byte"), why.reason())
}

/// Error lines that were not kept.
pub fn no_room(lines: u64) -> String {
    format!("{} for which there was no room", plural(lines, "error line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_told_with_its_span() {
        let times = [1_000_000_000, 2_500_000_000].map(Timestamp::from_nanos);
        assert_eq!(
            capture("a.pcap", 2, Some(times.into())),
            "a.pcap: 2 frames, 1970-01-01 00:00:01.000 to 1970-01-01 00:00:02.500 UTC"
        );
        assert_eq!(capture("a.pcap", 1, None), "a.pcap: 1 frame");
        assert_eq!(
            skipped(&[("not_ip", 3), ("filtered", 1)]),
            "frames skipped: not ip 3, filtered 1"
        );
    }

    #[test]
    fn a_log_is_told_with_what_could_not_be_read() {
        let times = [1_000_000_000, 2_500_000_000].map(Timestamp::from_nanos);
        assert_eq!(
            log_file("a.log", 2, Some(LogFormat::Combined), true, Some(times.into())),
            "a.log: 2 lines (combined, local times), 1970-01-01 00:00:01.000 to 1970-01-01 00:00:02.500"
        );
        assert_eq!(log_file("a.log", 1, None, false, None), "a.log: 1 line (of no known format)");
        assert_eq!(unreadable("a.log", 1), "a.log: 1 line could not be read:");
        assert_eq!(
            unread_line(7, 1, "a", LineError::Request),
            "line 7 (1 byte, a): no request in it"
        );
        assert_eq!(no_room(2), "2 error lines for which there was no room");
    }
}
