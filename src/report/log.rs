//! What the proxy's log says, in the report: the section `log`, and each failure's `client`.

use super::answer::conclude;
use super::model::{AnswerReason, ClientSource, ClockSource, Report};
use super::sources::Style;
use super::{
    BackendOut, ClientRecord, ClockRecord, ExplainingLine, FailureIds, FrontLegRecord,
    HiddenRetries, Log, LogFile, LogLine, LogPlace, LogTimes, clients, ids, log_findings,
};
use crate::alone::LogFinding;
use crate::base::escape;
use crate::base::time::{Timestamp, nanos};
use crate::join::{self, Answer, ExplainedFailures, Joined, KeptLine, LinePart, LogAnswer};
use crate::knowledge::Configured;
use crate::ledger::Judgement;
use crate::logs::LineKind;
use crate::packet::Endpoint;
use crate::topology::FrontLeg;
use crate::topology::vantage::Vantage;
use crate::words::log as words;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What was read of log files, and how it was joined.
pub struct LogsRead<'a> {
    /// The files, in the order given.
    pub files: Vec<LogFile>,
    /// The join.
    pub joined: &'a Joined,
    /// What the logs show by themselves, where there is no capture.
    pub alone: LogAlone<'a>,
}

/// What logs show by themselves.
#[derive(Clone, Debug)]
pub struct LogAlone<'a> {
    /// What failures have in common.
    pub findings: Vec<LogFinding>,
    /// Requests beyond those among which that was looked for.
    pub not_looked_at: u64,
    /// What was told of backends and proxies.
    pub known: &'a Configured,
}

/// Fills in what logs and the front leg say.
pub fn hear(report: &mut Report, heard: LogsRead<'_>, ledger: &Judgement<'_>, style: Style) {
    let LogsRead { files, joined, alone } = heard;
    let failures = ledger.failures_from(0);
    let ids: Vec<Arc<str>> = failures.iter().map(ids::of_failure).map(Arc::from).collect();
    let clients: BTreeMap<&str, ClientRecord> = joined
        .clients
        .iter()
        .filter_map(|(place, client)| Some((&**ids.get(*place)?, client_of(client))))
        .collect();
    for failure in &mut report.failures {
        failure.client = clients.get(failure.id.as_str()).copied();
    }
    report.front_leg = joined.front.as_ref().map(front_leg);
    if !files.is_empty() {
        hear_log(report, files, joined, &ids, ledger, style);
        if let Some(log) = &mut report.log {
            let LogAlone { findings, not_looked_at, known } = alone;
            log.findings = log_findings::records(&findings, &log.files, known, style);
            log.not_looked_at = not_looked_at;
        }
    }
    report.clients = clients::clients(report, joined);
    let unexplained = clients::unexplained(report, joined, ledger, style);
    for failure in &unexplained {
        report.causes.add(failure.cause, 1);
    }
    report.failures.extend(unexplained);
    conclude(report);
}

/// Fills in what logs say.
fn hear_log(
    report: &mut Report,
    files: Vec<LogFile>,
    joined: &Joined,
    ids: &[Arc<str>],
    ledger: &Judgement<'_>,
    style: Style,
) {
    let mut log = Log {
        requests: joined.lines.entries.iter().fold(0, |sum, one| sum.saturating_add(*one)),
        errors: joined.lines.error_count,
        messages: joined.lines.message_count,
        errors_not_kept: joined.lines.errors_forgotten,
        retried: joined.lines.retried_count,
        explaining: joined.explained.iter().filter_map(|one| out(joined, *one, style)).collect(),
        statuses: joined.lines.statuses.iter().map(|(status, count)| (*status, *count)).collect(),
        hidden_retries: hidden(report),
        ..Log::default()
    };
    for (place, mut file) in files.into_iter().enumerate() {
        log.lines = log.lines.saturating_add(file.lines);
        log.unreadable = log.unreadable.saturating_add(file.unreadable);
        file.clock = joined.clocks.get(place).filter(|_| !report.captures.is_empty()).map(clock);
        log.files.push(file);
    }
    let vantages = report.backends.iter().map(|one| (one.backend, one.vantage.value));
    let ground = Ground { ledger, vantages: vantages.collect() };
    let mut before = FailureIds::default();
    for told in &joined.told {
        let Some(line) = joined.lines.errors().get(told.line) else { continue };
        if matches!(told.part, LinePart::Repeats(_)) {
            continue;
        }
        let mut shown = log_line(line, told, ids, joined, &ground, style);
        if shown.failures == before {
            shown.failures = before.clone();
        }
        before = shown.failures.clone();
        let counts = told.part == LinePart::Own;
        let only_message = counts && line.kind == LineKind::Message;
        log.failed = log.failed.saturating_add(u64::from(counts));
        log.only_messages = log.only_messages.saturating_add(u64::from(only_message));
        if counts {
            log.answers.add(shown.answer, 1);
            if let Some(reason) = shown.reason {
                log.reasons.add(reason, 1);
            }
            if let Some(cause) = shown.cause {
                log.causes.add(cause, 1);
            }
            let explained = shown.explained_by.and_then(|one| one.says);
            if let Some(says) = line.says.or(explained) {
                log.says.add(says, 1);
            }
        }
        if let Some(by) = shown.matched_by {
            log.matched_by.add(by, 1);
        }
        if shown.answer == Answer::OnLeg {
            log.joined.push(shown);
        } else {
            log.unmatched.push(shown);
        }
    }
    report.log = Some(log);
}

fn out(joined: &Joined, one: ExplainedFailures, style: Style) -> Option<BackendOut> {
    let line = joined.lines.explaining().get(one.line)?;
    Some(BackendOut {
        file: line.file,
        line: line.number,
        at: Some(line.at()).filter(|at| *at != Timestamp::default()),
        backend: line.backend(),
        says: line.says,
        code: escape::text(&words::without_secrets(&line.code, style.show_secrets)),
        lines: one.lines,
        failures: one.failures,
    })
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

fn client_of(client: &join::ClientAnswer) -> ClientRecord {
    ClientRecord {
        status: client.status,
        at: client.at,
        latency_ns: client.latency.map(nanos),
        retried: client.retried,
        matched_by: ClientSource::Matched(client.by),
        cost_ns: client.cost.map(nanos),
        ran_twice: client.ran_twice,
        proxy_ns: client.proxy_took.map(nanos),
        line: client.line.map(|(file, number)| LogPlace { file, number }),
    }
}

fn clock(clock: &join::ClockOffset) -> ClockRecord {
    ClockRecord {
        offset_ns: clock.offset,
        spread_ns: nanos(clock.spread),
        resolution_ns: nanos(clock.resolution),
        samples: clock.samples,
        by: if clock.samples > 0 { ClockSource::Matches } else { ClockSource::Assumed },
    }
}

/// Failures that no client saw, for the proxy sent the request again.
fn hidden(report: &Report) -> HiddenRetries {
    let mut hidden = HiddenRetries::default();
    for client in report.failures.iter().filter_map(|failure| failure.client) {
        if client.retried && client.status.is_some_and(|status| status < 500) {
            count(&mut hidden.failures);
            let cost = client.cost_ns.unwrap_or(0);
            hidden.cost_ns = hidden.cost_ns.saturating_add(cost);
            hidden.longest_ns = hidden.longest_ns.max(cost);
        }
        if client.ran_twice {
            count(&mut hidden.ran_twice);
        }
    }
    hidden
}

fn front_leg(front: &FrontLeg) -> FrontLegRecord {
    let took = |share: usize| {
        let place = front.took.len().saturating_mul(share).checked_div(100).unwrap_or(0);
        front.took.get(place.min(front.took.len().saturating_sub(1))).copied().map(nanos)
    };
    FrontLegRecord {
        listeners: front.listeners.to_vec(),
        requests: front.requests,
        joined: front.joined,
        ambiguous: front.ambiguous,
        matched_by: front.by.iter().map(|(by, count)| (*by, *count)).collect(),
        statuses: front.statuses.iter().map(|(status, n)| (*status, *n)).collect(),
        errors_of_proxy: front.alone,
        proxy_p50_ns: took(50),
        proxy_p99_ns: took(99),
        proxy_max_ns: front.took.last().copied().map(nanos),
    }
}

/// What of the books a line's times are held against.
struct Ground<'a> {
    ledger: &'a Judgement<'a>,
    /// Where each backend's leg was captured, as told or found out.
    vantages: BTreeMap<Endpoint, Vantage>,
}

/// Where the time went that a load balancer counts for its target: who is near the capture answers for
/// what it shows, and the way takes a round trip.
fn split_times(
    [dispatch, target, response]: [Option<Duration>; 3],
    told: &LogAnswer,
    ground: &Ground<'_>,
) -> LogTimes {
    let parts = told.split.zip(target).and_then(|(split, target)| {
        let listener = ground.ledger.listener_at(split.leg)?;
        let way = listener.round_trips.quantiles()?.p50;
        let rest = target.saturating_sub(split.waited);
        match *ground.vantages.get(&split.leg.server)? {
            Vantage::Proxy => {
                let way = way.min(split.waited);
                Some((split.waited.saturating_sub(way), way, rest))
            }
            Vantage::Backend => {
                let way = way.min(rest);
                Some((split.waited, way, rest.saturating_sub(way)))
            }
            Vantage::SameHost => Some((split.waited, Duration::ZERO, rest)),
            Vantage::Between | Vantage::Unknown => None,
        }
    });
    LogTimes {
        dispatch_ns: dispatch.map(nanos),
        target_ns: target.map(nanos),
        response_ns: response.map(nanos),
        waited_ns: told.split.map(|split| nanos(split.waited)),
        answering_ns: told.split.map(|split| nanos(split.answering)),
        answered: told.split.map(|split| split.answered),
        in_server_ns: parts.map(|(server, ..)| nanos(server)),
        on_wire_ns: parts.map(|(_, way, _)| nanos(way)),
        in_proxy_ns: parts.map(|(.., proxy)| nanos(proxy)),
    }
}

fn log_line(
    line: &KeptLine,
    told: &LogAnswer,
    ids: &[Arc<str>],
    joined: &Joined,
    ground: &Ground<'_>,
    style: Style,
) -> LogLine {
    let failures = ground.ledger.failures_from(0);
    let errors = joined.lines.errors();
    let filled = |bytes: &[u8]| (!bytes.is_empty()).then(|| escape::text(bytes));
    let target =
        (!line.target.is_empty()).then(|| escape::target(&line.target, style.show_secrets));
    let times = line.times().map(|times| split_times(times, told, ground));
    let clock = joined.clocks.get(line.file).copied();
    let clock = clock.unwrap_or(join::ClockOffset::assumed(line.resolution));
    LogLine {
        file: line.file,
        line: line.number,
        at: line.has_time().then(|| line.at()),
        status: line.status,
        method: filled(&line.method),
        target,
        backend: line.backend(),
        answer: told.answer,
        reason: AnswerReason::of(told.answer),
        cause: told.cause,
        matched_by: told.by.filter(|_| matched(told)),
        failures: FailureIds(
            told.failures.iter().filter_map(|place| ids.get(*place)).cloned().collect(),
        ),
        connection: told.exchange.map(|(connection, _)| connection),
        ordinal: told.exchange.map(|(_, ordinal)| ordinal),
        says: line.says,
        code: filled(&words::without_secrets(&line.code, style.show_secrets)),
        times,
        text: words::line(line, told, clock.corrected(line.at()), failures),
        explained_by: told.explained_by.and_then(|place| {
            let KeptLine { file, number, says, .. } = errors.get(place)?;
            Some(ExplainingLine { file: *file, line: *number, says: *says })
        }),
        of: match told.part {
            LinePart::Of(place) => {
                errors.get(place).map(|line| LogPlace { file: line.file, number: line.number })
            }
            LinePart::Own | LinePart::OfOne | LinePart::Repeats(_) => None,
        },
        also: told.also.clone(),
        counted: told.part == LinePart::Own,
        message: line.kind == LineKind::Message,
    }
}

/// The exchange of this line was found.
fn matched(told: &LogAnswer) -> bool {
    told.answer != Answer::Ambiguous && told.exchange.is_some()
}
