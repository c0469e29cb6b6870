//! What stands on the one screen of the answer, in words: who, how sure, to whom, what to do next.

use super::log_section::status_or_none;
use super::phrases::{duration, is_idempotent, plural, sentence};
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::verdict::{Certainty, Retry};
use std::collections::BTreeMap;
use std::time::Duration;

/// What stands before each line on the leading cause.
pub mod label {
    /// What happened, of the first failure.
    pub const FIRST: &str = "first";
    /// Of the event.
    pub const WHAT: &str = "what";
    /// The timers behind it.
    pub const TIMER: &str = "timer";
    /// How sure, and by which frames.
    pub const PROOF: &str = "proof";
    /// Whether it may be sent again.
    pub const RETRY: &str = "retry";
    /// How to see whether the change helped.
    pub const HELPED: &str = "helped?";
    /// What people change instead, and why it does not help.
    pub const NOT: &str = "not";
    /// What was read.
    pub const READ: &str = "Read";
    /// Stands before the command that shows one failure.
    pub const SEE_ONE: &str = "See one";
    /// Stands before the options that show the rest.
    pub const MORE: &str = "More";
    /// What these options show.
    pub const OPTIONS: &str = "-v: causes, idle times, single failures; --all: every failure";
    /// Stands before a display filter.
    pub const WIRESHARK: &str = "Wireshark";
}

/// The heading of what to change; with several ways.
pub const ONE_IS_ENOUGH: &str = "What to change (one is enough)";

/// The heading of what to change to be safe later.
pub const BEFORE_IT_HAPPENS: &str = "What to change before it happens";

/// What stands before the first thing that limits the answer.
pub const NOTE: &str = "note: ";

/// How the proxy's and the backend's timers stand where a race can no longer happen.
pub const NO_RACE_TO_COME: &str = "the proxy closes first, and no race is to come";

/// How it stands where an outage is over.
pub const NO_OUTAGE: &str = "the backend answers all the time";

/// How to see whether a change helped: by a capture, or a watch, of so many times as many requests (`None` where
/// one that goes well says enough), in which `shown` is so.
pub fn helped(watched: bool, times: Option<u64>, shown: &str) -> String {
    let what = if watched { "Watch" } else { "Capture" };
    let amount = match times {
        None => " again".to_owned(),
        Some(0 | 1) => " as many requests again".to_owned(),
        Some(2) => " twice as many requests".to_owned(),
        Some(times) => format!(" {times} × as many requests"),
    };
    format!("{what}{amount}: {shown}.")
}

/// How sure each is, and the frames that show it of one.
pub fn proof(certainty: &[(Certainty, u64)], frames: &[(String, &str)]) -> String {
    let all = certainty.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let counts = match certainty {
        [(one, count)] if *count == 1 => one.name().to_owned(),
        [(one, count)] => format!("{count} of {all} {}", one.name()),
        several => {
            let each = several.iter().map(|(one, count)| format!("{count} {}", one.name()));
            each.collect::<Vec<_>>().join(", ")
        }
    };
    let frames: Vec<String> =
        frames.iter().map(|(number, note)| format!("frame {number} {note}")).collect();
    if frames.is_empty() { counts } else { format!("{counts}: {}", frames.join("; ")) }
}

/// What happened to the first of them, and when.
pub fn first(at: Timestamp, summary: &str) -> String {
    let (at, zone) = (at.date_and_time(), at.zone());
    let at = at.split_once('.').map_or(at.as_str(), |(seconds, _)| seconds);
    format!("{at} {zone}: {summary}.")
}

/// Which of them may be sent again, and why, of one whose method is known.
pub fn retry(retry: &[(Retry, u64)], method: Option<&str>, why: Option<&str>) -> String {
    let all = retry.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let is = method.filter(|method| is_idempotent(method));
    let is = is.map_or_else(String::new, |method| format!(" ({method} is)"));
    let advice = |one: Retry| match one {
        Retry::Safe => "can be sent again".to_owned(),
        Retry::Unsafe => format!("only if idempotent{is}"),
        Retry::Unknown => format!("unknown, so only if idempotent{is}"),
    };
    let parts: Vec<String> = match retry {
        [(one, 1)] => vec![advice(*one)],
        [(one, count)] => vec![format!("{count} of {all} {}", advice(*one))],
        several => several.iter().map(|(one, count)| format!("{count} {}", advice(*one))).collect(),
    };
    let Some(why) = why.filter(|_| retry.len() == 1) else {
        return format!("{}.", parts.join(", "));
    };
    // What proves it stands above.
    let why = why.split_once(": ").map_or(why, |(why, _)| why);
    format!("{}. {}", parts.join(", "), sentence(why))
}

/// What users saw of failures: `answered` after the proxy sent the request again, `cut` short, `left` before that,
/// `errors` that are known, and `likely` ones.
pub fn users(
    [answered, cut, left]: [u64; 3],
    errors: &BTreeMap<u16, u64>,
    likely: u64,
    expected: Option<u16>,
) -> String {
    let expected = expected.map_or_else(|| "errors".to_owned(), |status| status.to_string());
    let mut kinds: Vec<(u64, String)> =
        errors.iter().map(|(status, count)| (*count, status.to_string())).collect();
    kinds.push((likely, format!("{expected}, likely")));
    kinds.push((cut, "response cut short".to_owned()));
    kinds.push((left, "client left".to_owned()));
    kinds.push((answered, "answered on retry".to_owned()));
    kinds.retain(|(count, _)| *count > 0);
    match kinds.as_slice() {
        // The row counts them.
        [(_, kind)] => kind.clone(),
        several => {
            let each = several.iter().map(|(count, kind)| format!("{count} × {kind}"));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

/// How long a side keeps idle connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerSeen<'a> {
    /// Whose it is.
    pub who: &'a str,
    /// What it is, as its headers look.
    pub product: Option<&'a str>,
    /// As seen.
    pub seen: Duration,
    /// In so many closes.
    pub closes: u64,
}

/// After which time a side closes idle connections, as measured.
pub fn closes_after(timer: &TimerSeen<'_>) -> String {
    let TimerSeen { who, product, seen, closes } = *timer;
    let product = product.map_or_else(String::new, |product| format!("; probably {product}"));
    let closes = plural(closes, "close");
    format!("{who} closes after {} idle ({closes} measured{product})", duration(seen))
}

/// After which time a proxy stops waiting for a response, as measured.
pub fn waits_for(timer: &TimerSeen<'_>) -> String {
    let TimerSeen { who, seen, closes, .. } = *timer;
    let closes = plural(closes, "close");
    format!("{who} waits {} for a response ({closes} measured)", duration(seen))
}

/// A backend of which nothing failed.
pub fn sound_backend(backend: Endpoint, requests: u64, statuses: &BTreeMap<u16, u64>) -> String {
    let each = statuses
        .iter()
        .map(|(status, count)| format!("{} × {count}", status_or_none(Some(*status))));
    let statuses: Vec<String> = each.collect();
    let answers =
        if statuses.is_empty() { String::new() } else { format!(", {}", statuses.join(", ")) };
    format!("{backend}  {}{answers}", plural(requests, "request"))
}

/// That a keep-alive race is to be expected.
pub fn race_to_come(backend: Endpoint) -> String {
    format!(
        "It can happen: {backend} closes idle connections before the proxy does. A request sent at that \
         moment fails."
    )
}

/// More is there than is shown.
pub fn more_groups(groups: usize) -> String {
    let groups = plural(u64::try_from(groups).unwrap_or(u64::MAX), "more row");
    format!("        … and {groups}: -v")
}

/// How much was read, and of which time.
pub fn read(frames: u64, first: Timestamp, last: Timestamp) -> String {
    format!("{}, {}", plural(frames, "frame"), first.span_to(last))
}

/// A display filter for the connection between two ports; 0 stands for any.
pub fn between_ports(proxy: u16, backend: u16) -> String {
    let ports = [proxy, backend].into_iter().filter(|port| *port != 0);
    let terms: Vec<String> = ports.map(|port| format!("tcp.port == {port}")).collect();
    terms.join(" && ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_is_counted_and_shown_by_its_frames() {
        let frames = [("8".to_owned(), "the request"), ("9".to_owned(), "the backend's FIN")];
        assert_eq!(
            proof(&[(Certainty::Proven, 4)], &frames),
            "4 of 4 proven: frame 8 the request; frame 9 the backend's FIN"
        );
        assert_eq!(proof(&[(Certainty::Likely, 1)], &[]), "likely");
        let two = [(Certainty::Proven, 3), (Certainty::Possible, 1)];
        assert_eq!(proof(&two, &[]), "3 proven, 1 possible");
    }

    #[test]
    fn how_to_see_whether_it_helped_fits_a_row() {
        use crate::verdict::Cause;
        use crate::words::words;
        for shown in Cause::ALL.into_iter().filter_map(|cause| words(cause).helped) {
            for times in [None, Some(1), Some(2), Some(3)] {
                let text = helped(false, times, shown);
                assert!(text.chars().count() <= 69, "{text}");
            }
        }
        assert_eq!(helped(true, None, "it works"), "Watch again: it works.");
    }

    #[test]
    fn whether_to_send_again_is_counted_with_its_reason() {
        assert_eq!(
            retry(&[(Retry::Safe, 4)], Some("POST"), Some("nothing was sent")),
            "4 of 4 can be sent again. Nothing was sent."
        );
        assert_eq!(
            retry(&[(Retry::Safe, 1), (Retry::Unsafe, 2)], Some("GET"), Some("why")),
            "1 can be sent again, 2 only if idempotent (GET is)."
        );
    }

    #[test]
    fn users_are_told_as_far_as_they_are_known() {
        let none = BTreeMap::new();
        assert_eq!(users([0; 3], &none, 1, Some(502)), "502, likely");
        assert_eq!(users([0; 3], &none, 3, Some(502)), "502, likely");
        assert_eq!(users([2, 0, 0], &none, 2, Some(502)), "2 × 502, likely; 2 × answered on retry");
        assert_eq!(users([0; 3], &BTreeMap::from([(504, 1)]), 0, None), "504");
        assert_eq!(users([0, 1, 2], &none, 0, None), "1 × response cut short; 2 × client left");
        assert_eq!(users([3, 0, 0], &none, 0, None), "answered on retry");
    }
}
