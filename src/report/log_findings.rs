//! What a log alone shows becomes records.

use super::log_finding_model::{LogFindingRecord, LogPlace, ShareRecord};
use super::log_model::LogFile;
use super::sources::Style;
use crate::alone::{AskedFor, LogFinding, LogFindingKind, LoggedEvent};
use crate::base::time::nanos;
use crate::base::{escape, path_pattern};
use crate::knowledge::Configured;
use crate::knowledge::connection_ends::Context;
use crate::verdict::{Cause, Certainty};
use crate::words::log_findings::{self as words, FindingSubject};
use crate::words::{failure_section, log_alone};
use std::time::Duration;

/// Lines of each in JSON.
const LINES: usize = 100;
/// Backends that are named in a command.
const BACKENDS: usize = 4;

/// How long the proxy that wrote these logs keeps idle connections: as told, else as such proxies do.
pub fn proxy_idle(files: &[LogFile], known: &Configured) -> Option<Duration> {
    let told = known.any_proxy.idle.map(|told| told.value);
    told.or_else(|| proxy(files, known)?.idle.value())
}

/// The proxy that wrote them: as told, else as their format says.
fn proxy(files: &[LogFile], known: &Configured) -> Option<&'static crate::timeouts::Product> {
    let told = known.any_proxy.kind.and_then(crate::timeouts::by_id);
    told.or_else(|| words::proxy_of_format(files.iter().find_map(|file| file.format)?.name()))
}

/// The records, in the order given.
pub(super) fn records(
    findings: &[LogFinding],
    files: &[LogFile],
    known: &Configured,
    style: Style,
) -> Vec<LogFindingRecord> {
    let told_proxy = proxy(files, known).map(|proxy| proxy.id);
    findings
        .iter()
        .map(|finding| {
            let backend = finding.backends.first().map(|backend| known.backend(*backend));
            let context = Context {
                told_proxy,
                told_server: backend.unwrap_or(&known.any_backend).kind,
                proxy_idle: known.any_proxy.idle.map(|told| told.value),
                ..Context::default()
            };
            record(finding, &context, style)
        })
        .collect()
}

fn record(finding: &LogFinding, context: &Context, style: Style) -> LogFindingRecord {
    let (method, target) = finding.asked.as_ref().map_or((None, None), |asked| shown(asked, style));
    let asked =
        method.as_ref().map(|_| failure_section::request(method.as_deref(), target.as_deref()));
    let subject = FindingSubject { finding, asked: asked.as_deref(), context };
    let numbers = numbers(&finding.kind);
    let backends = finding.backends.get(..BACKENDS).unwrap_or(&finding.backends);
    let places =
        finding.lines.iter().map(|(file, number)| LogPlace { file: *file, number: *number });
    let burst = numbers.kind == "burst";
    LogFindingRecord {
        kind: numbers.kind,
        certainty: numbers.likely,
        cause: numbers.cause,
        backends: finding.backends.clone(),
        method,
        target_pattern: target,
        first: finding.first,
        last: finding.last,
        again: numbers.again,
        count: finding.count,
        after_ns: numbers.times.map(|[after, ..]| nanos(after)),
        shortest_ns: numbers.times.map(|[_, shortest, _]| nanos(shortest)),
        longest_ns: numbers.times.map(|[.., longest]| nanos(longest)),
        failures: numbers.failures,
        controls: numbers.controls,
        chance: numbers.chance,
        lines: places.take(LINES).collect(),
        headline: words::headline(finding),
        text: words::text(&subject),
        fix: words::fix(&subject),
        capture: log_alone::capture(backends),
        explains: finding.explains(),
        all_lines: finding.lines.iter().copied().filter(|_| !burst).collect(),
    }
}

/// Method and pattern, as they are shown.
fn shown(asked: &AskedFor, style: Style) -> (Option<String>, Option<String>) {
    let filled = |text: String| (!text.is_empty()).then_some(text);
    let target = escape::target(path_pattern::path(&asked.target), style.show_secrets);
    (filled(escape::text(&asked.method)), filled(path_pattern::pattern(&target)))
}

/// The numbers of a finding.
#[derive(Default)]
struct FindingNumbers {
    kind: &'static str,
    cause: Option<Cause>,
    likely: Option<Certainty>,
    again: Option<crate::base::time::Timestamp>,
    times: Option<[Duration; 3]>,
    failures: Option<ShareRecord>,
    controls: Option<ShareRecord>,
    chance: Option<f64>,
}

fn numbers(kind: &LogFindingKind) -> FindingNumbers {
    let share = |hits, of| Some(ShareRecord { hits, of });
    match kind {
        LogFindingKind::Together(together) => {
            let (kind, likely) = match together.event {
                LoggedEvent::Restart => ("restart", Some(Certainty::Likely)),
                LoggedEvent::Deploy => ("deploy", Some(Certainty::Likely)),
                LoggedEvent::Outage => ("outage", Some(Certainty::Likely)),
                LoggedEvent::AllAtOnce => ("all_at_once", Some(Certainty::Likely)),
                LoggedEvent::Burst => ("burst", None),
            };
            FindingNumbers { kind, likely, again: together.again, ..FindingNumbers::default() }
        }
        LogFindingKind::KeepaliveTimer(timer) => FindingNumbers {
            kind: "keepalive_timer",
            cause: Some(Cause::KeepaliveRace),
            likely: Some(Certainty::Likely),
            times: Some([timer.after, timer.shortest, timer.longest]),
            failures: share(timer.hits, timer.failures),
            controls: share(timer.control_hits, timer.controls),
            chance: Some(timer.chance),
            ..FindingNumbers::default()
        },
        LogFindingKind::Limit(limit) => FindingNumbers {
            kind: "time_limit",
            cause: limit.by_proxy.then_some(Cause::ResponseTimeout),
            likely: Some(Certainty::Likely),
            times: Some([limit.shortest, limit.shortest, limit.longest]),
            controls: share(limit.as_long, limit.answers),
            ..FindingNumbers::default()
        },
        LogFindingKind::TooLate { shortest, longest, .. } => FindingNumbers {
            kind: "too_late_for_race",
            likely: Some(Certainty::Likely),
            times: Some([*shortest, *shortest, *longest]),
            ..FindingNumbers::default()
        },
        LogFindingKind::TooBusy { .. } => {
            FindingNumbers { kind: "too_busy", ..FindingNumbers::default() }
        }
    }
}
