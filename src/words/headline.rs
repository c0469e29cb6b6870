//! The first sentence, in words: it counts what its reader counts.

use super::phrases::{checks, plural, sentence};
use std::collections::BTreeMap;

/// What comes first where there is nothing to count.
pub const NOTHING_JUDGED: &str = "Nothing could be judged";
/// Listeners named.
const NAMED: usize = 4;

/// What the first sentence counts.
#[derive(Clone, Debug)]
pub struct HeadlineCounts<'a> {
    /// Requests to backends that were judged, probes of health aside.
    pub requests: u64,
    /// Probes of health that were judged.
    pub probes: u64,
    /// Exchanges that failed.
    pub exchanges_failed: u64,
    /// Connects that failed.
    pub connects_failed: u64,
    /// All of these were refused.
    pub all_refused: bool,
    /// Connections whose two sides spoke different protocols.
    pub mismatched: u64,
    /// Connections whose TLS handshake failed.
    pub handshakes: u64,
    /// Backends whose health checks fail.
    pub failing_checks: u64,
    /// What clients got, where that is known.
    pub clients: Option<ClientCounts<'a>>,
    /// Requests in the log.
    pub log_lines: u64,
}

/// What clients got.
#[derive(Clone, Copy, Debug)]
pub struct ClientCounts<'a> {
    /// Requests of clients.
    pub requests: u64,
    /// Those without any answer.
    pub nothing: u64,
    /// Errors, by status.
    pub errors: &'a BTreeMap<u16, u64>,
    /// Errors that no attempt at a backend explains.
    pub unexplained: u64,
    /// Requests of another time than the capture's.
    pub outside: u64,
}

/// Why nothing at all could be judged.
#[derive(Clone, Debug)]
pub enum NothingJudged {
    /// Some traffic was not read: a sentence on what, and why.
    Unread(String),
    /// Nobody asked anything on the connections that there are.
    NothingAsked {
        /// How many connections.
        connections: u64,
    },
    /// No TCP connection was seen.
    NoConnection {
        /// Captures that were read.
        captures: u64,
        /// Frames in them.
        frames: u64,
        /// Frames that are no segments, by kind.
        skipped: Vec<(&'static str, u64)>,
    },
}

/// Nothing failed.
pub fn sound(counts: &HeadlineCounts<'_>) -> String {
    let HeadlineCounts { requests, probes, .. } = *counts;
    if let Some(clients) = &counts.clients {
        let nothing = clients.nothing;
        let before = match nothing {
            0 => String::new(),
            _ => format!(
                "{} got no answer: the proxy or the client closed, or the capture ended. ",
                plural(nothing, "client request")
            ),
        };
        let of = plural(clients.requests.saturating_sub(nothing), "client request");
        let of = if nothing > 0 { format!("{of} that got one") } else { of };
        let errors = errors(clients.errors);
        let errors = errors.map_or_else(String::new, |errors| {
            format!(", though the log has {errors}, none of them between proxy and backend")
        });
        return match requests {
            0 => format!("{before}No failure among {of}{errors}."),
            _ => format!(
                "{before}No failure among {of}, {} to backends{errors}.",
                plural(requests, "request")
            ),
        };
    }
    if requests == 0 && probes == 0 {
        return format!("No failure among {} of the log.", plural(counts.log_lines, "line"));
    }
    if requests == 0 {
        return format!("No failure among {}; no other request was seen.", checks(probes));
    }
    format!("No failure among {}.", plural(requests, "request"))
}

/// Why most failed, in a few words: `noun` as a search engine knows it, and how many `others` there are.
pub fn because(noun: &str, others: usize) -> String {
    let others = match others {
        0 => String::new(),
        1 => " and 1 other cause".to_owned(),
        _ => format!(" and {others} other causes"),
    };
    sentence(&format!("{noun}{others}")).trim_end_matches('.').to_owned()
}

/// Something failed: how much.
pub fn failed(counts: &HeadlineCounts<'_>) -> String {
    let attempts = attempts(counts);
    let Some(clients) = &counts.clients else {
        return sentence(&joined(&attempts));
    };
    let got = got(clients);
    let errors = clients.errors.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let unexplained = match clients.unexplained {
        0 => String::new(),
        1 if errors == 1 => "; no attempt at a backend explains it".to_owned(),
        all if all == errors => "; no attempt at a backend explains them".to_owned(),
        some => format!("; no attempt at a backend explains {some} of them"),
    };
    if clients.errors.is_empty() {
        let none = format!("no client got a 5xx ({})", plural(clients.requests, "request"));
        return sentence(&format!("{}; {none}", joined(&attempts)));
    }
    let behind = match attempts.is_empty() {
        true => String::new(),
        false => format!("; behind them {}", joined(&attempts)),
    };
    sentence(&format!("{got}{behind}{unexplained}"))
}

/// Why nothing was judged, and what to do; `untried` are sentences on what was named and not tried.
pub fn nothing_judged(why: NothingJudged, untried: &[String]) -> String {
    let why = match why {
        NothingJudged::Unread(unread) => unread,
        NothingJudged::NothingAsked { .. } | NothingJudged::NoConnection { .. }
            if !untried.is_empty() =>
        {
            return untried.join(" ");
        }
        NothingJudged::NothingAsked { connections } => format!(
            "no request was seen on {}, and no connect that failed",
            plural(connections, "TCP connection")
        ),
        NothingJudged::NoConnection { captures, frames, skipped } => {
            no_connection(captures, frames, &skipped)
        }
    };
    let untried: String = untried.iter().map(|text| format!(" {text}")).collect();
    format!("{NOTHING_JUDGED}: {why}.{untried}")
}

/// There is no connection: what there is instead.
fn no_connection(captures: u64, frames: u64, skipped: &[(&str, u64)]) -> String {
    if frames > 0 && skipped == [("filtered", frames)] {
        return format!("the filter left none of {}", plural(frames, "frame"));
    }
    let of = match captures {
        0 => "no capture and no line that could be read".to_owned(),
        1 => format!("no TCP connection among {}", plural(frames, "frame")),
        _ => format!(
            "no TCP connection among {} of {}",
            plural(frames, "frame"),
            plural(captures, "capture")
        ),
    };
    let skipped = skipped.iter();
    let skipped: Vec<String> =
        skipped.map(|(kind, count)| format!("{} {count}", kind.replace('_', " "))).collect();
    if skipped.is_empty() {
        return format!("{of}: capture where proxy and backend talk, tcpdump -i any");
    }
    format!(
        "{of} (skipped: {}): capture TCP between proxy and backend, outside of tunnels",
        skipped.join(", ")
    )
}

/// What was seen where nobody tried what was named.
pub fn seen_instead(untried: &str, servers: &[String], others: &[String]) -> String {
    let named = |names: &[String]| {
        let more = names.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
        format!("{}{more}", first.join(", "))
    };
    match (servers.is_empty(), others.is_empty()) {
        (false, _) => format!("No connection to {untried}; HTTP servers seen: {}.", named(servers)),
        (true, false) => format!("No connection to {untried}; seen instead: {}.", named(others)),
        (true, true) => format!("No connection to {untried}, nor to anything else."),
    }
}

/// `14 of 34 client requests failed (10 × 502, 4 × 504)`.
fn got(clients: &ClientCounts<'_>) -> String {
    let failed = clients.errors.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    // A log that covers more than the capture counts the requests of another time.
    let of = match clients.outside {
        0 => format!("{failed} of {}", plural(clients.requests, "client request")),
        _ => plural(failed, "client request"),
    };
    format!("{of} failed ({})", errors(clients.errors).unwrap_or_default())
}

/// `10 × 502, 4 × 504`.
fn errors(errors: &BTreeMap<u16, u64>) -> Option<String> {
    let parts = errors.iter().map(|(status, count)| format!("{count} × {status}"));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What failed on the backend leg.
fn attempts(counts: &HeadlineCounts<'_>) -> Vec<String> {
    let mut parts = Vec::new();
    if counts.exchanges_failed > 0 {
        let noun = if counts.clients.is_some() { "attempt" } else { "request" };
        let requests = plural(counts.requests, noun);
        let has_errors = counts.clients.as_ref().is_some_and(|clients| !clients.errors.is_empty());
        let failed = if has_errors { "" } else { " failed" };
        parts.push(format!("{} of {requests}{failed}", counts.exchanges_failed));
    }
    if counts.connects_failed > 0 {
        parts.push(if counts.all_refused {
            format!("{} refused", was(counts.connects_failed, "connection"))
        } else {
            format!("{} could not be made", plural(counts.connects_failed, "connection"))
        });
    }
    if counts.handshakes > 0 {
        parts.push(format!("{} failed", plural(counts.handshakes, "TLS handshake")));
    }
    if counts.mismatched > 0 {
        parts.push(format!(
            "{} failed because proxy and backend use different protocols",
            plural(counts.mismatched, "connection")
        ));
    }
    if counts.failing_checks > 0 {
        parts.push(format!(
            "the health checks of {} fail",
            plural(counts.failing_checks, "backend")
        ));
    }
    parts
}

fn joined(parts: &[String]) -> String {
    parts.join(", and ")
}

fn was(count: u64, noun: &str) -> String {
    format!("{} {}", plural(count, noun), if count == 1 { "was" } else { "were" })
}
