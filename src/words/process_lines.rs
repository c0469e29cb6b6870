//! What processes and the kernel did with one end of a connection, in the parts of a line.

use super::phrases::plural;
use super::process::signal_named;
use crate::base::time::Timestamp;
use crate::facts::kernel::{How, ResetReason};

/// What stands before what was done with the proxy's end.
pub const PROXYS_SIDE: &str = "on the proxy's side";

/// What stands before what was done with the backend's end.
pub const BACKENDS_SIDE: &str = "on the backend's side";

/// How an end was closed; `by` is who did, where that is not whose end it is.
pub fn closed(by: Option<&str>, how: How, at: Timestamp, unread_bytes: Option<u64>) -> String {
    let who = by.map_or_else(String::new, |by| format!("{by} "));
    let how = match how {
        How::Exit { signal: Some(signal) } => format!("killed by {}", signal_named(signal)),
        How::Exit { signal: None } => "ended".to_owned(),
        How::Shutdown => "shut it down".to_owned(),
        How::Close | How::Untold => "closed it".to_owned(),
    };
    let unread = unread_bytes.filter(|bytes| *bytes > 0);
    let unread = unread.map_or_else(String::new, |bytes| format!(" with {bytes} bytes unread"));
    format!("{who}{how} at {}{unread}", at.precise_time_of_day())
}

/// When and why the kernel sent a reset.
pub fn reset(at: Timestamp, why: ResetReason) -> String {
    let why = match why {
        ResetReason::NoSocket => " (no socket)",
        ResetReason::TimeWait => " (time wait)",
        ResetReason::AfterClose => " (after close)",
        ResetReason::UnreadData => " (unread data)",
        ResetReason::LingerZero => " (linger zero)",
        ResetReason::Other(_) | ResetReason::Untold => "",
    };
    format!("its kernel reset at {}{why}", at.precise_time_of_day())
}

/// Segments that the kernel sent again.
pub fn sent_again(segments: u64) -> String {
    format!("{} sent again", plural(segments, "segment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_nanos(3_661_000_250_000);

    #[test]
    fn segments_that_were_sent_again_are_counted() {
        assert_eq!(sent_again(1), "1 segment sent again");
        assert_eq!(sent_again(2), "2 segments sent again");
    }

    #[test]
    fn closes_are_told_with_who_closed_and_what_was_left() {
        let close = |how| closed(None, how, AT, Some(0));
        assert_eq!(close(How::Close), "closed it at 01:01:01.000250");
        assert_eq!(close(How::Untold), "closed it at 01:01:01.000250");
        assert_eq!(close(How::Shutdown), "shut it down at 01:01:01.000250");
        assert_eq!(close(How::Exit { signal: None }), "ended at 01:01:01.000250");
        assert_eq!(
            closed(Some("init (pid 1)"), How::Exit { signal: Some(9) }, AT, Some(7)),
            "init (pid 1) killed by signal 9 (SIGKILL) at 01:01:01.000250 with 7 bytes unread"
        );
    }

    #[test]
    fn resets_are_told_with_their_reason() {
        let all = [
            (ResetReason::NoSocket, " (no socket)"),
            (ResetReason::TimeWait, " (time wait)"),
            (ResetReason::AfterClose, " (after close)"),
            (ResetReason::UnreadData, " (unread data)"),
            (ResetReason::LingerZero, " (linger zero)"),
            (ResetReason::Other(7), ""),
            (ResetReason::Untold, ""),
        ];
        for (why, text) in all {
            assert_eq!(reset(AT, why), format!("its kernel reset at 01:01:01.000250{text}"));
        }
    }
}
