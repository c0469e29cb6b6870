//! What clients got: counted as clients, and those whose error no attempt explains told as failures.

use super::failure::failure;
use super::model::{ClientSource, ClientsSource, FailureRecord, Report, RequestRecord};
use super::sources::Style;
use super::{ClientRecord, Clients, LogLine, LogPlace, ids};
use crate::base::escape;
use crate::base::time::nanos;
use crate::join::{Answer, Joined, KeptLine, Missing, Reason, ShownBy};
use crate::ledger::{self, Ledger};
use crate::verdict::{Cause, Certainty, Retry};
use crate::words::fix::{Fix, FixSide};
use crate::words::log;
use std::collections::{BTreeMap, BTreeSet};

/// Counts clients, as the front leg or else the log shows them.
pub(super) fn clients(report: &Report, joined: &Joined) -> Option<Clients> {
    let unexplained = u64::try_from(joined.unexplained.len()).unwrap_or(u64::MAX);
    if let Some(front) = &joined.front {
        let errors = front.statuses.iter().filter(|(status, _)| **status >= 500);
        return Some(Clients {
            by: ClientsSource::FrontLeg,
            requests: front.requests,
            errors: errors.map(|(status, count)| (*status, *count)).collect(),
            hidden_by_retry: front.hidden,
            unexplained,
            outside: 0,
        });
    }
    let log = report.log.as_ref()?;
    // Messages alone do not tell what clients got.
    let requests = joined.lines.request_count;
    if requests == 0 {
        return None;
    }
    let mut errors: BTreeMap<u16, u64> = BTreeMap::new();
    let mut outside = 0_u64;
    let lines = log.joined.iter().chain(&log.unmatched);
    for (line, status) in lines.filter_map(|line| Some((line, line.status?))) {
        if matches!(line.answer, Answer::NotInCapture(Missing::OutsideTime { .. })) {
            outside = outside.saturating_add(1);
        } else if status >= 500 && !line.message {
            let count = errors.entry(status).or_default();
            *count = count.saturating_add(1);
        }
    }
    let hidden: BTreeSet<(usize, u64)> = report
        .failures
        .iter()
        .filter_map(|failure| failure.client)
        .filter(|client| client.retried && client.status.is_some_and(|status| status < 500))
        .filter_map(|client| client.line.map(|line| (line.file, line.number)))
        .collect();
    let hidden_by_retry = u64::try_from(hidden.len()).unwrap_or(u64::MAX);
    Some(Clients {
        by: ClientsSource::Log,
        requests,
        errors,
        hidden_by_retry,
        unexplained,
        outside,
    })
}

/// The failures of clients that no attempt explains.
pub(super) fn unexplained(
    report: &Report,
    joined: &Joined,
    ledger: &Ledger,
    style: Style,
) -> Vec<FailureRecord> {
    let lines: BTreeMap<(usize, u64), &LogLine> = report
        .log
        .iter()
        .flat_map(|log| log.joined.iter().chain(&log.unmatched))
        .map(|line| ((line.file, line.line), line))
        .collect();
    let told = joined.unexplained.iter().filter_map(|one| match one.shown_by {
        ShownBy::FrontLeg(place) => {
            let kept = ledger.failures_from(place).first()?;
            Some(of_front(kept, one.reason, style))
        }
        ShownBy::Log(place) => {
            let line = joined.lines.errors().get(place)?;
            let shown = lines.get(&(line.file, line.number))?;
            Some(of_line(line, shown, one.reason, style))
        }
    });
    told.collect()
}

/// An answer of the proxy's own listener.
fn of_front(kept: &ledger::Failure, reason: Reason, style: Style) -> FailureRecord {
    let record = failure(kept, style);
    let status = kept.response.and_then(|response| response.status);
    let asked = asked(record.request.as_ref());
    let client = ClientRecord {
        status,
        at: kept.seen(),
        latency_ns: record.wait_ns,
        retried: false,
        matched_by: ClientSource::FrontLeg,
        cost_ns: None,
        ran_twice: false,
        proxy_ns: None,
        line: None,
    };
    FailureRecord {
        proxy: Some(kept.server),
        client: Some(client),
        idle_gap_ns: None,
        ..told(record, reason, status, &format!("the client {} got", kept.client), &asked)
    }
}

/// A line of the log.
fn of_line(line: &KeptLine, shown: &LogLine, reason: Reason, style: Style) -> FailureRecord {
    let id = format!("log|{}|{}|{}", line.file, line.number, line.at().as_nanos());
    let method = shown.method.clone();
    let target =
        (!line.target.is_empty()).then(|| escape::target(&line.target, style.show_secrets));
    let asked = match (&method, &target) {
        (Some(method), Some(target)) => format!("{method} {target}"),
        _ => "a request".to_owned(),
    };
    let client = ClientRecord {
        status: line.status,
        at: line.at(),
        latency_ns: line.duration.map(nanos),
        retried: line.was_retried(),
        matched_by: ClientSource::Log,
        cost_ns: None,
        ran_twice: false,
        proxy_ns: None,
        line: Some(LogPlace { file: line.file, number: line.number }),
    };
    let record = FailureRecord {
        id: ids::of(&id),
        event: None,
        cause: Cause::Unproven,
        certainty: Certainty::Possible,
        at: line.since(),
        unexplained: Some(reason),
        detail: serde_json::Map::new(),
        proxy: None,
        backend: None,
        connection: None,
        ordinal: 0,
        request: None,
        response: None,
        idle_gap_ns: None,
        wait_ns: None,
        close: None,
        retry: Retry::Unknown,
        retry_reason: String::new(),
        expected_status: Vec::new(),
        frames: Vec::new(),
        filter: None,
        process: None,
        client: Some(client),
        summary: String::new(),
        fix: String::new(),
        advice: Fix::default(),
    };
    told(record, reason, line.status, "a client got", &asked)
}

fn asked(request: Option<&RequestRecord>) -> String {
    let asked = request.and_then(|request| {
        Some(format!("{} {}", request.method.as_ref()?, request.target.as_ref()?))
    });
    asked.unwrap_or_else(|| "a request whose head was not captured".to_owned())
}

/// What is said of it: that a client got this, and what is known of why.
fn told(
    mut record: FailureRecord,
    reason: Reason,
    status: Option<u16>,
    who: &str,
    asked: &str,
) -> FailureRecord {
    let got = status.map_or_else(|| "an error".to_owned(), |status| status.to_string());
    record.cause = Cause::Unproven;
    record.certainty = Certainty::Possible;
    record.event = None;
    record.unexplained = Some(reason);
    record.backend = None;
    record.connection = None;
    record.ordinal = 0;
    record.close = None;
    record.process = None;
    record.detail.clear();
    record.detail.insert("reason".to_owned(), "client_error_unexplained".into());
    record.detail.insert("why".to_owned(), reason.name().into());
    record.detail.insert("status".to_owned(), status.into());
    let sent = reason.is_nothing_sent();
    let retry = if sent { Retry::Safe } else { Retry::Unknown };
    record.retry = retry;
    record.retry_reason = if sent {
        "the proxy logged that it sent nothing to a backend"
    } else {
        "the capture does not show what happened to the request"
    }
    .to_owned();
    record.expected_status = status.into_iter().collect();
    record.summary = format!("{who} {got} for {asked}, and {}", why(reason));
    record.advice = fix(reason);
    record.fix = record.advice.text.clone();
    record
}

fn why(reason: Reason) -> String {
    match reason {
        Reason::Said(says) if says.is_kept() => {
            format!("the proxy answered by itself: {}", log::meaning(says))
        }
        Reason::Said(says) => format!(
            "no attempt in the capture explains it; by the proxy's log, {}",
            log::meaning(says)
        ),
        Reason::NoAttempt => {
            "no attempt at a backend explains it: the proxy answered by itself, or tried \
                              where nothing was captured"
                .to_owned()
        }
        Reason::AnswerRefused => {
            "the backend had answered: the proxy refused that answer, or answered by its own rules"
                .to_owned()
        }
        Reason::LegNotRead => {
            "what happened between the proxy and its backend could not be read".to_owned()
        }
        Reason::LegNotCaptured => {
            "no connection of the proxy to a backend for it is in the capture".to_owned()
        }
    }
}

fn fix(reason: Reason) -> Fix {
    use crate::logs::Says;
    let text = match reason {
        Reason::Said(
            says @ (Says::NoPort | Says::Dns | Says::NoBackend | Says::Overflow | Says::Proxy),
        ) => log::open_question(Some(says), None),
        Reason::Said(Says::TlsFailed) => {
            "read the proxy's error log for the certificate, version or name that it refused"
        }
        Reason::NoAttempt | Reason::AnswerRefused | Reason::Said(_) => {
            "read the proxy's error log at that second (--access-log reads it as well), and see whether the \
             capture holds all its legs (tcpdump -i any)"
        }
        Reason::LegNotRead => {
            "give the proxy's error log (--access-log FILE), or a capture in which that leg can be read"
        }
        Reason::LegNotCaptured => {
            "capture the proxy's way to its backends as well (tcpdump -i any), or give its error log \
             (--access-log FILE)"
        }
    };
    match reason {
        // What tells more stands elsewhere.
        Reason::Said(Says::NoBackend) | Reason::LegNotRead | Reason::LegNotCaptured => {
            Fix::of_capture(text)
        }
        Reason::Said(_) | Reason::NoAttempt | Reason::AnswerRefused => {
            Fix::on(FixSide::Proxy, text)
        }
    }
}
