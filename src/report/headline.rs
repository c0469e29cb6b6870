//! The first sentence: what was not read, then what failed, or that nothing did.
//!
//! It counts what its reader counts: clients where the front leg or a log shows them, attempts where not;
//! probes of health are neither. Every form of the answer, and the exit status, go by the same.

use super::model::{Report, Skipped};
use super::{Clients, unread};
use crate::verdict::Cause;
use crate::words::notices::Notice;
use crate::words::phrases::plural;
use std::collections::BTreeMap;

/// Listeners named.
const NAMED: usize = 4;

/// What came of an analysis: the exit status goes by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnalysisOutcome {
    /// Something was judged, and all that was judged is sound.
    Sound,
    /// Something failed.
    Failed,
    /// Nothing at all could be judged.
    NothingJudged,
}

/// The first sentence, in its parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Headline {
    /// What came of it.
    pub outcome: AnalysisOutcome,
    /// What was not read or not judged, why, and what to do; it comes first.
    pub unread: Option<String>,
    /// What was judged, in numbers; `None` where nothing was.
    pub counts: Option<String>,
    /// What clients got is not known, and why.
    pub clients: Option<String>,
}

impl Headline {
    /// All of it in one.
    pub fn text(&self) -> String {
        let parts = [&self.unread, &self.counts, &self.clients];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl Report {
    /// What came of the analysis.
    pub fn outcome(&self) -> AnalysisOutcome {
        let logged = self.log.as_ref();
        let alone = self.captures.is_empty()
            && logged.is_some_and(|log| log.errors > 0 || log.messages > 0);
        let lines = logged.is_some_and(|log| log.requests > 0 || log.messages > 0);
        let clients = self.clients.as_ref().is_some_and(|clients| clients.requests > 0);
        if !self.failures.is_empty() || alone {
            AnalysisOutcome::Failed
        } else if !self.judged.is_nothing() || lines || clients {
            AnalysisOutcome::Sound
        } else {
            AnalysisOutcome::NothingJudged
        }
    }

    /// The first sentence.
    pub fn headline(&self) -> Headline {
        let outcome = self.outcome();
        let unread = unread::sentence(&self.unread);
        let unread = match (outcome, unread) {
            (AnalysisOutcome::NothingJudged, unread) => Some(nothing_judged(self, unread)),
            (_, Some(unread)) => Some(format!("Not judged: {unread}.")),
            (_, None) => None,
        };
        let counts = match outcome {
            AnalysisOutcome::Failed => Some(failed(self)),
            AnalysisOutcome::Sound => Some(sound(self)),
            AnalysisOutcome::NothingJudged => None,
        };
        let hidden =
            self.notes.iter().find(|note| matches!(note.notice, Notice::ClientsUnknown(_)));
        let hidden =
            hidden.filter(|_| self.clients.is_none() && outcome != AnalysisOutcome::NothingJudged);
        let clients = hidden.map(|note| sentence(&note.text));
        Headline { outcome, unread, counts, clients }
    }
}

/// Why nothing was, and what to do.
fn nothing_judged(report: &Report, unread: Option<String>) -> String {
    let untried: Vec<String> =
        report.notes.iter().filter_map(|note| note.headline.clone()).collect();
    if let (false, None) = (untried.is_empty(), &unread) {
        return untried.join(" ");
    }
    let why = match unread {
        Some(unread) => unread,
        None if report.counters.connections == 0 => no_connection(report),
        None => format!(
            "no request was seen on {}, and no connect that failed",
            plural(report.counters.connections, "TCP connection")
        ),
    };
    let untried = untried.into_iter().map(|text| format!(" {text}"));
    format!("Nothing could be judged: {why}.{}", untried.collect::<String>())
}

/// There is no connection: what there is instead.
fn no_connection(report: &Report) -> String {
    let captures = u64::try_from(report.captures.len()).unwrap_or(u64::MAX);
    let frames = report.counters.frames;
    if frames > 0 && report.counters.skipped.of(Skipped::Filtered) == frames {
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
    let skipped = report.counters.skipped.iter();
    let skipped: Vec<String> =
        skipped.map(|(kind, count)| format!("{} {count}", kind.name().replace('_', " "))).collect();
    if skipped.is_empty() {
        return format!("{of}: capture where proxy and backend talk, tcpdump -i any");
    }
    format!(
        "{of} (skipped: {}): capture TCP between proxy and backend, outside of tunnels",
        skipped.join(", ")
    )
}

/// Requests on the front leg to which no answer was seen.
fn got_nothing(report: &Report) -> u64 {
    let Some(leg) = &report.front_leg else { return 0 };
    let answered = leg.statuses.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    leg.requests.saturating_sub(answered)
}

fn sound(report: &Report) -> String {
    let requests = report.judged.requests();
    let probes = report.judged.probes;
    if let Some(clients) = report.clients.as_ref().filter(|clients| clients.requests > 0) {
        let nothing = got_nothing(report);
        let before = match nothing {
            0 => String::new(),
            _ => format!(
                "{} got no answer: the proxy or the client closed, or the capture ended. ",
                plural(nothing, "client request")
            ),
        };
        let of = plural(clients.requests.saturating_sub(nothing), "client request");
        let of = if nothing > 0 { format!("{of} that got one") } else { of };
        let errors = errors(&clients.errors);
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
        let lines = report.log.as_ref().map_or(0, |log| log.requests);
        return format!("No failure among {} of the log.", plural(lines, "line"));
    }
    if requests == 0 {
        return format!("No failure among {}; no other request was seen.", checks(probes));
    }
    format!("No failure among {}.", plural(requests, "request"))
}

/// `8 health checks`.
pub fn checks(count: u64) -> String {
    plural(count, "health check")
}

fn failed(report: &Report) -> String {
    let attempts = attempts(report);
    let Some(clients) = report.clients.as_ref().filter(|clients| clients.requests > 0) else {
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

/// `14 of 34 client requests failed (10 × 502, 4 × 504)`.
fn got(clients: &Clients) -> String {
    let failed = clients.errors.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    // A log that covers more than the capture counts the requests of another time.
    let of = match clients.outside {
        0 => format!("{failed} of {}", plural(clients.requests, "client request")),
        _ => plural(failed, "client request"),
    };
    format!("{of} failed ({})", errors(&clients.errors).unwrap_or_default())
}

/// `10 × 502, 4 × 504`.
fn errors(errors: &BTreeMap<u16, u64>) -> Option<String> {
    let parts = errors.iter().map(|(status, count)| format!("{count} × {status}"));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What failed on the backend leg.
fn attempts(report: &Report) -> Vec<String> {
    let counters = &report.counters;
    let mut parts = Vec::new();
    let counts_clients = report.clients.as_ref().is_some_and(|clients| clients.requests > 0);
    if counters.exchanges_failed > 0 {
        let noun = if counts_clients { "attempt" } else { "request" };
        let requests = plural(report.judged.requests(), noun);
        let failed = if counts_clients && has_errors(report) { "" } else { " failed" };
        parts.push(format!("{} of {requests}{failed}", counters.exchanges_failed));
    }
    if counters.connects_failed > 0 {
        let refused = report.causes.of(Cause::ConnectionRefused) == counters.connects_failed;
        parts.push(if refused {
            format!("{} refused", was(counters.connects_failed, "connection"))
        } else {
            format!("{} could not be made", plural(counters.connects_failed, "connection"))
        });
    }
    if counters.mismatched > 0 {
        parts.push(format!(
            "{} failed because proxy and backend use different protocols",
            plural(counters.mismatched, "connection")
        ));
    }
    let probes = report.causes.of(Cause::HealthCheckFailing);
    if probes > 0 {
        parts.push(format!("the health checks of {} fail", plural(probes, "backend")));
    }
    parts
}

fn has_errors(report: &Report) -> bool {
    report.clients.as_ref().is_some_and(|clients| !clients.errors.is_empty())
}

fn joined(parts: &[String]) -> String {
    parts.join(", and ")
}

fn was(count: u64, noun: &str) -> String {
    format!("{} {}", plural(count, noun), if count == 1 { "was" } else { "were" })
}

/// First letter upper case, a full stop at the end.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

/// What was seen where nobody tried what was named.
pub(super) fn seen_instead(untried: &str, servers: &[String], others: &[String]) -> String {
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
