//! What is said of the proxy's log beside its single lines: what the error lines are of, how they were
//! matched, how its clock goes, where a load balancer's time went.

use super::log::{meaning, noun};
use super::phrases::{duration, plural, setting};
use crate::join::{Answer, Missing, Own};
use crate::topology::request_key::MatchedBy;
use crate::verdict::Cause;
use std::collections::BTreeMap;
use std::time::Duration;

/// The heading of the lines without a cause on the leg.
pub const HEADING: &str = "The proxy's log";

/// Error lines, by what the client got.
#[derive(Clone, Copy, Debug)]
pub struct ErrorLines<'a> {
    /// Lines of requests that went wrong.
    pub errors: u64,
    /// Requests of which only messages tell that they failed.
    pub messages: u64,
    /// The lines by status.
    pub statuses: &'a BTreeMap<Option<u16>, u64>,
}

/// Error lines, and what the capture says of them.
#[derive(Clone, Debug)]
pub struct LoggedErrors<'a> {
    /// All of them.
    pub lines: ErrorLines<'a>,
    /// How many.
    pub total: u64,
    /// By cause, in the order in which they are told.
    pub causes: Vec<(Cause, u64)>,
    /// Those that cannot be told apart, and why they failed neither.
    pub unclear: u64,
    /// All that match several requests, also where these failed in one way.
    pub alike: u64,
    /// Those that did not fail on the leg.
    pub own: AnsweredLines,
    /// Those that are not in the capture.
    pub missing: AnsweredLines,
}

/// Lines that have an answer other than a cause.
#[derive(Clone, Debug)]
pub struct AnsweredLines {
    /// How many.
    pub count: u64,
    /// For which reasons, and how often.
    pub reasons: Vec<(Answer, u64)>,
}

/// A load balancer's times of one request, against the packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SplitTimes {
    /// The number of the line.
    pub line: u64,
    /// What the client got.
    pub status: Option<u16>,
    /// In the load balancer, until the request was sent.
    pub dispatch: Duration,
    /// From there until the response, or the close.
    pub target: Duration,
    /// There was a response.
    pub answered: bool,
    /// What the packets show of that.
    pub shown: ShownTimes,
}

/// What packets show of the time that a load balancer waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShownTimes {
    /// All of it, in its parts.
    Split {
        /// In the server.
        server: Duration,
        /// On the way.
        way: Duration,
        /// In the load balancer itself.
        proxy: Duration,
    },
    /// What was waited where the capture was taken.
    Waited(Duration),
}

/// A file by its path, several by their number.
pub fn files(paths: &[&str]) -> String {
    match paths {
        [one] => (*one).to_owned(),
        several => format!("{} logs", several.len()),
    }
}

/// No line is of an error.
pub fn no_error(requests: u64, files: &str) -> String {
    format!("No error among {} in {files}.", plural(requests, "request"))
}

/// `47 lines with 502`, `3 error lines (2 × 502, 1 × no status)`.
pub fn error_lines(lines: &ErrorLines<'_>) -> String {
    let by_messages = plural(lines.messages, "request");
    if lines.errors == 0 {
        return format!("{by_messages} that failed");
    }
    let counted = error_lines_by_status(lines);
    if lines.messages == 0 {
        return counted;
    }
    format!("{counted} and {by_messages} of which only messages tell")
}

fn error_lines_by_status(lines: &ErrorLines<'_>) -> String {
    match lines.statuses.iter().collect::<Vec<_>>().as_slice() {
        [(status, count)] => {
            format!("{} with {}", plural(**count, "line"), status_or_none(**status))
        }
        several => {
            let each = several.iter();
            let each =
                each.map(|(status, count)| format!("{count} × {}", status_or_none(**status)));
            format!(
                "{} ({})",
                plural(lines.errors, "error line"),
                each.collect::<Vec<_>>().join(", ")
            )
        }
    }
}

/// A status as a number.
pub(super) fn status_or_none(status: Option<u16>) -> String {
    status.map_or_else(|| "no status".to_owned(), |status| status.to_string())
}

/// What the error lines are of, in one sentence.
pub fn errors_by_cause(errors: &LoggedErrors<'_>, files: &str) -> String {
    let LoggedErrors { unclear, alike, own, missing, .. } = errors;
    let these = if errors.total == 1 { "This" } else { "These" };
    let mut parts: Vec<String> =
        errors.causes.iter().map(|(cause, count)| noun(*cause, *count)).collect();
    if *unclear > 0 {
        let match_several = if *unclear == 1 { "matches" } else { "match" };
        parts.push(format!(
            "{unclear} {match_several} several requests, or fewer than there are lines"
        ));
    }
    if own.count > 0 {
        parts.push(format!(
            "{} without an attempt that failed ({})",
            own.count,
            reasons(&own.reasons)
        ));
    }
    if missing.count > 0 {
        parts.push(format!(
            "{} cannot be found in the capture ({})",
            missing.count,
            reasons(&missing.reasons)
        ));
    }
    let alike = match alike.saturating_sub(*unclear) {
        0 => String::new(),
        1 => "; 1 of them matches several such requests".to_owned(),
        more => format!("; {more} of them match several such requests"),
    };
    format!("{these} {} in {files}: {}{alike}.", error_lines(&errors.lines), parts.join(", "))
}

/// Why lines have an answer other than their cause.
fn reasons(reasons: &[(Answer, u64)]) -> String {
    let several = reasons.len() > 1;
    let words = reasons.iter().map(|(answer, count)| {
        let text = reason(*answer);
        if several { format!("{count}: {text}") } else { text.to_owned() }
    });
    words.collect::<Vec<_>>().join("; ")
}

fn reason(answer: Answer) -> &'static str {
    match answer {
        Answer::NotOnLeg(Own::Said(says)) => meaning(says),
        Answer::NotOnLeg(Own::Answered(_)) => "the backend had answered completely",
        Answer::NotOnLeg(Own::AlikeWell) => "all such requests went well",
        Answer::NotOnLeg(Own::Nothing) => "the proxy sent nothing to a backend",
        Answer::NotInCapture(Missing::OutsideTime { .. }) => "outside of its time",
        Answer::NotInCapture(Missing::OtherBackend(_)) => "its backend is not in the capture",
        Answer::NotInCapture(Missing::Unreadable(_)) => "the traffic there cannot be read",
        Answer::NotInCapture(Missing::Frames) => "packets are missing",
        Answer::NotInCapture(Missing::Unread) => "its response is cut or missing",
        Answer::NotInCapture(Missing::Forgotten) => "more requests than could be kept",
        Answer::NotInCapture(Missing::NotFound) => "no such request at its time",
        Answer::NotInCapture(Missing::NoTime) => "they do not say when they were",
        Answer::NotInCapture(Missing::NoCapture) | Answer::OnLeg | Answer::Ambiguous => {
            "no capture was given"
        }
    }
}

/// Failures that a retry hid from clients.
pub fn hidden_by_retry(failures: u64, longest: Duration) -> String {
    format!(
        "{} failed, but the proxy's retry succeeded: clients saw only a delay ({} at most).",
        plural(failures, "more attempt"),
        duration(longest)
    )
}

/// Requests that were sent again although they may have run.
pub fn ran_twice(requests: u64) -> String {
    let were = match requests {
        1 => "1 request that must not run twice was".to_owned(),
        more => format!("{more} requests that must not run twice were"),
    };
    format!("{were} sent again although the first attempt may have run: it may have run twice.")
}

/// How so many lines were matched to requests.
pub fn matched(lines: impl Iterator<Item = (MatchedBy, u64)>) -> String {
    let parts: Vec<String> =
        lines.map(|(by, count)| format!("{count} by {}", line_matched_by(by))).collect();
    format!("lines matched to requests: {}", parts.join(", "))
}

/// What a line and a request have in common.
pub(super) const fn line_matched_by(by: MatchedBy) -> &'static str {
    match by {
        MatchedBy::Id => "request id",
        MatchedBy::SourcePort => "the proxy's port",
        MatchedBy::TargetAndTime => "path and time",
        MatchedBy::BackendAndTime | MatchedBy::FrontLegId | MatchedBy::FrontLegTime => {
            "backend and time"
        }
    }
}

/// Where a line stands.
pub fn place(file: &str, line: u64) -> String {
    format!("{file}, line {line}")
}

/// How far a log's clock is from the capture's, by so many lines.
pub fn clock(offset_ns: i64, spread: Duration, lines: u64, resolution: Duration) -> String {
    let offset = Duration::from_nanos(offset_ns.unsigned_abs());
    let (lines, stamps) = (plural(lines, "line"), stamps(resolution));
    if offset <= spread {
        let within = duration(spread);
        return format!("its clock is within {within} of the capture's, by {lines} ({stamps})");
    }
    let way = if offset_ns >= 0 { "ahead of" } else { "behind" };
    let (offset, spread) = (duration(offset), duration(spread));
    format!("its clock is {offset} {way} the capture's (± {spread}), by {lines} ({stamps})")
}

/// Nothing shows how far a log's clock is from the capture's.
pub fn clock_assumed(resolution: Duration) -> String {
    format!(
        "its clock is assumed to be the capture's, as no line can show it ({})",
        stamps(resolution)
    )
}

fn stamps(resolution: Duration) -> String {
    if resolution.as_secs() == 1 {
        "timestamps are whole seconds".to_owned()
    } else {
        format!("timestamps of {}", setting(resolution))
    }
}

/// Where the time of one request went.
pub fn split(times: &SplitTimes) -> String {
    let end = if times.answered { "the response" } else { "the close" };
    let status = times.status.map_or("-".to_owned(), |status| status.to_string());
    let went = match times.shown {
        ShownTimes::Split { server, way, proxy } => format!(
            "{} in the server, {} on the way, {} in the load balancer itself",
            duration(server),
            duration(way),
            duration(proxy)
        ),
        ShownTimes::Waited(waited) => {
            format!("{} where the capture was taken", duration(waited))
        }
    };
    format!(
        "line {} ({status}): {} in the load balancer until the request was sent, then {} until {end} by \
         its log, of which the packets show {went}",
        times.line,
        duration(times.dispatch),
        duration(times.target)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Says;
    use crate::packet::Endpoint;

    const fn none() -> AnsweredLines {
        AnsweredLines { count: 0, reasons: Vec::new() }
    }

    #[test]
    fn files_without_an_error_are_named() {
        assert_eq!(no_error(1, &files(&["a.log"])), "No error among 1 request in a.log.");
        assert_eq!(
            no_error(9, &files(&["a.log", "b.log"])),
            "No error among 9 requests in 2 logs."
        );
    }

    #[test]
    fn error_lines_are_told_by_cause() {
        let statuses = BTreeMap::from([(None, 1), (Some(502), 8)]);
        let several = LoggedErrors {
            lines: ErrorLines { errors: 9, messages: 0, statuses: &statuses },
            total: 9,
            causes: vec![(Cause::KeepaliveRace, 2), (Cause::ConnectionRefused, 1)],
            unclear: 2,
            alike: 3,
            own: AnsweredLines {
                count: 3,
                reasons: vec![
                    (Answer::NotOnLeg(Own::AlikeWell), 1),
                    (Answer::NotOnLeg(Own::Said(Says::Dns)), 2),
                ],
            },
            missing: AnsweredLines {
                count: 1,
                reasons: vec![(Answer::NotInCapture(Missing::Frames), 1)],
            },
        };
        assert_eq!(
            errors_by_cause(&several, "a.log"),
            "These 9 error lines (1 × no status, 8 × 502) in a.log: 2 keep-alive races, 1 connection \
             refused, 2 match several requests, or fewer than there are lines, 3 without an \
             attempt that failed (1: all such requests went well; 2: it could not resolve the backend's \
             name), 1 cannot be found in the capture (packets are missing); 1 of them matches several such \
             requests."
        );
        let statuses = BTreeMap::from([(Some(504), 1)]);
        let one = LoggedErrors {
            lines: ErrorLines { errors: 1, messages: 0, statuses: &statuses },
            total: 1,
            causes: Vec::new(),
            unclear: 1,
            alike: 1,
            own: none(),
            missing: none(),
        };
        assert_eq!(
            errors_by_cause(&one, "a.log"),
            "This 1 line with 504 in a.log: 1 matches several requests, or fewer than there are lines."
        );
        let messages = ErrorLines { errors: 0, messages: 2, statuses: &BTreeMap::new() };
        assert_eq!(error_lines(&messages), "2 requests that failed");
        let both = ErrorLines { errors: 1, ..messages };
        let both = ErrorLines { statuses: &statuses, ..both };
        assert_eq!(
            error_lines(&both),
            "1 line with 504 and 2 requests of which only messages tell"
        );
    }

    #[test]
    fn every_reason_of_a_line_is_told() {
        let told = |answer| reasons(&[(answer, 1)]);
        assert_eq!(
            told(Answer::NotOnLeg(Own::Answered(200))),
            "the backend had answered completely"
        );
        assert_eq!(told(Answer::NotOnLeg(Own::Nothing)), "the proxy sent nothing to a backend");
        let outside = Missing::OutsideTime { by: Duration::ZERO, before: true };
        let backend = Endpoint { addr: [10, 0, 0, 1].into(), port: 80 };
        let missing = [
            (outside, "outside of its time"),
            (Missing::OtherBackend(backend), "its backend is not in the capture"),
            (Missing::Unreadable(backend), "the traffic there cannot be read"),
            (Missing::Unread, "its response is cut or missing"),
            (Missing::Forgotten, "more requests than could be kept"),
            (Missing::NotFound, "no such request at its time"),
            (Missing::NoCapture, "no capture was given"),
            (Missing::NoTime, "they do not say when they were"),
        ];
        for (missing, text) in missing {
            assert_eq!(told(Answer::NotInCapture(missing)), text);
        }
    }

    #[test]
    fn retries_are_told_with_what_they_cost() {
        assert_eq!(
            hidden_by_retry(2, Duration::from_millis(1_500)),
            "2 more attempts failed, but the proxy's retry succeeded: clients saw only a delay (1.50 s at \
             most)."
        );
        assert_eq!(
            ran_twice(1),
            "1 request that must not run twice was sent again although the first attempt may have run: it \
             may have run twice."
        );
        assert_eq!(
            ran_twice(2),
            "2 requests that must not run twice were sent again although the first attempt may have run: \
             it may have run twice."
        );
    }

    #[test]
    fn how_lines_were_matched_is_told() {
        let all = [MatchedBy::Id, MatchedBy::SourcePort, MatchedBy::TargetAndTime];
        let all = all.into_iter().chain([MatchedBy::BackendAndTime]);
        assert_eq!(
            matched(all.zip(1..)),
            "lines matched to requests: 1 by request id, 2 by the proxy's port, 3 by path and time, 4 by \
             backend and time"
        );
        assert_eq!(place("a.log", 7), "a.log, line 7");
    }

    #[test]
    fn a_clock_is_told_with_what_shows_it() {
        let (millis, second) = (Duration::from_millis(1), Duration::from_secs(1));
        let tenth = 100_000_000_i64;
        assert_eq!(
            clock(tenth, second, 3, second),
            "its clock is within 1.00 s of the capture's, by 3 lines (timestamps are whole seconds)"
        );
        assert_eq!(
            clock(tenth, millis, 1, millis),
            "its clock is 100.0 ms ahead of the capture's (± 1.0 ms), by 1 line (timestamps of 1.0 ms)"
        );
        assert_eq!(
            clock(-tenth, millis, 2, millis),
            "its clock is 100.0 ms behind the capture's (± 1.0 ms), by 2 lines (timestamps of 1.0 ms)"
        );
        assert_eq!(
            clock_assumed(second),
            "its clock is assumed to be the capture's, as no line can show it (timestamps are whole \
             seconds)"
        );
    }

    #[test]
    fn where_a_load_balancers_time_went_is_told() {
        let [dispatch, target, server, way, proxy] = [1, 10, 6, 3, 2].map(Duration::from_secs);
        let times = SplitTimes {
            line: 4,
            status: Some(504),
            dispatch,
            target,
            answered: true,
            shown: ShownTimes::Split { server, way, proxy },
        };
        assert_eq!(
            split(&times),
            "line 4 (504): 1.00 s in the load balancer until the request was sent, then 10.0 s until the \
             response by its log, of which the packets show 6.00 s in the server, 3.00 s on the way, \
             2.00 s in the load balancer itself"
        );
        let cut = SplitTimes {
            status: None,
            answered: false,
            shown: ShownTimes::Waited(server),
            ..times
        };
        assert_eq!(
            split(&cut),
            "line 4 (-): 1.00 s in the load balancer until the request was sent, then 10.0 s until the \
             close by its log, of which the packets show 6.00 s where the capture was taken"
        );
    }
}
