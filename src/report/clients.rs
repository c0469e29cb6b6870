//! What clients got: counted as clients, and those whose error no attempt explains told as failures.

use super::failure::failure;
use super::model::{ClientSource, ClientsSource, FailureRecord, Report, RequestRecord};
use super::sources::Style;
use super::{ClientRecord, Clients, LogLine, LogPlace, ids};
use crate::base::escape;
use crate::base::time::nanos;
use crate::join::{Answer, Joined, KeptLine, Missing, Reason, ShownBy};
use crate::ledger::{self, Judgement};
use crate::verdict::{Cause, Certainty, Retry};
use crate::words::fix::Fix;
use crate::words::unexplained as words;
use std::collections::{BTreeMap, BTreeSet};

/// Counts clients, as the front leg or else the log shows them.
pub(super) fn clients(report: &Report, joined: &Joined) -> Option<Clients> {
    let unexplained = u64::try_from(joined.unexplained.len()).unwrap_or(u64::MAX);
    let again = report.failures.iter().filter(|failure| failure.sent_again.is_some());
    let sent_again = u64::try_from(again.count()).unwrap_or(u64::MAX);
    if let Some(front) = &joined.front {
        let errors = front.statuses.iter().filter(|(status, _)| **status >= 500);
        return Some(Clients {
            by: ClientsSource::FrontLeg,
            requests: front.requests,
            errors: errors.map(|(status, count)| (*status, *count)).collect(),
            hidden_by_retry: front.hidden,
            sent_again,
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
        sent_again,
        unexplained,
        outside,
    })
}

/// The failures of clients that no attempt explains.
pub(super) fn unexplained(
    report: &Report,
    joined: &Joined,
    ledger: &Judgement<'_>,
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
    let status = kept.response().and_then(|response| response.status);
    let summary = words::summary(Some(kept.client), status, asked(record.request.as_ref()), reason);
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
        ..told(record, reason, status, summary)
    }
}

/// A line of the log.
fn of_line(line: &KeptLine, shown: &LogLine, reason: Reason, style: Style) -> FailureRecord {
    let id = format!("log|{}|{}|{}", line.file, line.number, line.at().as_nanos());
    let target =
        (!line.target.is_empty()).then(|| escape::target(&line.target, style.show_secrets));
    let asked = shown.method.as_deref().zip(target.as_deref());
    let summary = words::summary(None, line.status, asked, reason);
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
        aliases: Vec::new(),
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
        timeline: Vec::new(),
        filter: None,
        process: None,
        client: Some(client),
        sent_again: None,
        summary: String::new(),
        fix: String::new(),
        advice: Fix::default(),
    };
    told(record, reason, line.status, summary)
}

fn asked(request: Option<&RequestRecord>) -> Option<(&str, &str)> {
    request.and_then(|request| request.method.as_deref().zip(request.target.as_deref()))
}

/// What is said of it: that a client got this, and what is known of why.
fn told(
    mut record: FailureRecord,
    reason: Reason,
    status: Option<u16>,
    summary: String,
) -> FailureRecord {
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
    record.retry = if reason.is_nothing_sent() { Retry::Safe } else { Retry::Unknown };
    record.retry_reason = words::retry_reason(reason).to_owned();
    record.expected_status = status.into_iter().collect();
    record.summary = summary;
    record.advice = words::fix(reason);
    record.fix = record.advice.text.clone();
    record
}
