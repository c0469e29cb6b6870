//! `--format text`: for people. The answer first, then what it rests on.

use super::style::{GREEN, RED, YELLOW, clock, counted};
use super::{screen, text_idle_gaps, text_log, text_processes};
use crate::base::wrap::{BOLD, DIM, TextPage, heading, paragraph};
use crate::knowledge::SettingOrigin;
use crate::packet::Endpoint;
use crate::report::LeadingParagraph;
use crate::report::model::{
    BackendRecord, EvidenceRecord, FailureRecord, HealthRecord, Report, RequestLimitRecord,
    Timeout, VantageSource,
};
use crate::verdict::Retry;
use crate::words::failure_section::{self, FRAME, WHY};
use crate::words::phrases::{WHAT_TO_CHANGE, is_idempotent, not_shown, retry_advice, sentence};
use crate::words::timers::TimerName;
use crate::words::{backend_section, input_section};
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

/// Failures shown without `--all`.
const SHOWN: usize = 20;

/// How much is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// The answer, on one screen.
    Screen,
    /// With it causes, idle times, and the first failures one by one.
    Sections,
    /// Every failure.
    All,
}

/// How much is shown, and how wide.
#[derive(Clone, Copy, Debug)]
pub struct TextLayout {
    /// How much.
    pub detail: Detail,
    /// Columns of a line.
    pub width: usize,
    /// Rows of the screen.
    rows: usize,
}

impl TextLayout {
    /// Rows of the smallest screen, less two for the prompt and the command.
    const ROWS: usize = 22;

    /// So much, so wide, on one screen.
    pub const fn new(detail: Detail, width: usize) -> Self {
        Self { detail, width, rows: Self::ROWS }
    }
}

/// Writes the report. Colours are escape sequences; the writer strips them where they are not wanted.
///
/// # Errors
/// When writing fails.
pub fn write(report: &Report, layout: TextLayout, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut TextPage::new(out, layout.width);
    screen::write(report, layout.rows, out.width(), out)?;
    if layout.detail == Detail::Screen {
        return Ok(());
    }
    let all = layout.detail == Detail::All;
    explanations(report, out)?;
    causes(report, out)?;
    text_log::section(report, all, out)?;
    for backend in &report.backends {
        write_backend(backend, out)?;
    }
    failures(report, all, out)?;
    limits(report, out)
}

/// What explains the failures, each in a paragraph.
fn explanations(report: &Report, out: &mut TextPage<'_>) -> io::Result<()> {
    let leading = report.leading();
    if !leading.is_empty() {
        heading(WHY, out)?;
    }
    for (place, LeadingParagraph { text, fix, failure }) in leading.into_iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        paragraph(&text, "  ", out)?;
        match failure {
            Some(failure) => {
                paragraph(&retry(failure), "  ", out)?;
                paragraph(&what_to_do(failure), "  ", out)?;
            }
            None => paragraph(&format!("{BOLD}{WHAT_TO_CHANGE}:{BOLD:#} {fix}."), "  ", out)?,
        }
    }
    Ok(())
}

fn causes(report: &Report, out: &mut TextPage<'_>) -> io::Result<()> {
    if report.failures.is_empty() {
        return Ok(());
    }
    heading(failure_section::CAUSES, out)?;
    let [cause, failed, certainty, retry] = failure_section::CAUSE_COLUMNS;
    writeln!(out, "  {DIM}{cause:<22}{failed:>7}  {certainty:<28}{retry}{DIM:#}")?;
    for (cause, failed) in report.causes.iter() {
        let of_cause = || report.failures.iter().filter(|failure| failure.cause == cause);
        let certainty = counted(of_cause().map(|failure| failure.certainty));
        let retry = counted(of_cause().map(|failure| failure.retry));
        let cause = cause.name();
        writeln!(out, "  {cause:<22}{failed:>7}  {certainty:<28}{retry}")?;
    }
    Ok(())
}

fn write_backend(backend: &BackendRecord, out: &mut TextPage<'_>) -> io::Result<()> {
    heading(&backend_section::heading(backend.backend, backend.name.as_deref()), out)?;
    let first = backend.proxies.iter().take(4);
    let proxies: Vec<String> =
        first.map(|proxy| backend_section::named(proxy.proxy, proxy.name.as_deref())).collect();
    let more = backend.proxies.len().saturating_sub(proxies.len());
    let requests = backend_section::requests(backend.requests(), backend.probes);
    let connections = backend_section::connections(backend.connections, &proxies, more);
    paragraph(&format!("{requests}, {connections}"), "  ", out)?;
    if !backend.statuses.is_empty() {
        paragraph(&backend_section::answers(&backend.statuses), "  ", out)?;
    }
    let given = backend.vantage.by == VantageSource::Option;
    if let Some(point) = backend_section::capture_point(backend.vantage.value, given) {
        writeln!(out, "  {point}")?;
    }
    if let Some(kind) = backend.told_kind {
        paragraph(&backend_section::server_given(kind), "  ", out)?;
    } else if let Some(server) = backend.server {
        let default = backend.server_default_ns.map(Duration::from_nanos);
        paragraph(&backend_section::server_guessed(server, default), "  ", out)?;
    }
    for proxy in backend.proxies.iter().filter(|proxy| proxy.told_kind.is_none()).take(3) {
        if let Some(kind) = proxy.kind {
            let default = proxy.kind_default_ns.map(Duration::from_nanos);
            paragraph(&backend_section::proxy_guessed(proxy.proxy, kind, default), "  ", out)?;
        }
    }
    if let Some(RequestLimitRecord { observed, samples, announced }) = backend.request_limit {
        paragraph(&backend_section::request_limit(observed, samples, announced), "  ", out)?;
    }
    if let Some(age) = backend.age_limit.and_then(|age| age.observed_ns) {
        paragraph(&backend_section::age_limit(Duration::from_nanos(age)), "  ", out)?;
    }
    if let Some(HealthRecord { path, failed, of, .. }) = &backend.health {
        paragraph(&backend_section::health(path.as_deref(), *failed, *of), "  ", out)?;
    }
    for (product, values) in defaults(backend) {
        paragraph(&backend_section::defaults(product, &values), "  ", out)?;
    }
    text_idle_gaps::write(backend, out)
}

/// Which timeouts are those that a told kind has by default, by kind.
fn defaults(backend: &BackendRecord) -> Vec<(&'static str, Vec<(TimerName, Duration)>)> {
    let mut told: Vec<(SettingOrigin, Vec<(TimerName, Duration)>)> = Vec::new();
    let mut add = |timer: TimerName, timeout: Option<&Timeout>| {
        let by = timeout.and_then(|timeout| timeout.configured_by);
        let nanos = timeout.and_then(|timeout| timeout.configured_ns);
        let Some((by, nanos)) = by.zip(nanos) else { return };
        let value = (timer, Duration::from_nanos(nanos));
        match told.iter_mut().find(|(known, _)| *known == by) {
            Some((_, values)) => values.push(value),
            None => told.push((by, vec![value])),
        }
    };
    add(TimerName::BackendKeepAlive, backend.backend_keepalive.as_ref());
    for proxy in &backend.proxies {
        add(TimerName::ProxyIdle, proxy.proxy_idle.as_ref());
        add(TimerName::ProxyRead, proxy.proxy_read.as_ref());
        add(TimerName::ProxyConnect, proxy.proxy_connect.as_ref());
    }
    let of_kind = |(by, values): (SettingOrigin, Vec<(TimerName, Duration)>)| match by {
        SettingOrigin::Proxy(id) | SettingOrigin::Server(id) => Some((id, values)),
        SettingOrigin::Option | SettingOrigin::Config => None,
    };
    told.into_iter().filter_map(of_kind).collect()
}

fn failures(report: &Report, all: bool, out: &mut TextPage<'_>) -> io::Result<()> {
    let total = report.failures.len();
    if total == 0 {
        return Ok(());
    }
    let shown = if all { total } else { total.min(SHOWN) };
    heading(failure_section::FAILURES, out)?;
    writeln!(out, "  {DIM}{}{DIM:#}", failure_section::legend())?;
    let several = report.captures.len() > 1;
    for failure in report.failures.iter().take(shown) {
        writeln!(out)?;
        write_failure(failure, several, Some(report), out)?;
    }
    if shown < total {
        writeln!(out, "\n  {}", not_shown(total.saturating_sub(shown)))?;
    }
    Ok(())
}

/// Writes all that there is to say of a failure that has just become known.
///
/// # Errors
/// When writing fails.
pub fn failure_now(failure: &FailureRecord, out: &mut TextPage<'_>) -> io::Result<()> {
    write_failure(failure, false, None, out)?;
    paragraph(&sentence(&failure.summary), "      ", out)?;
    paragraph(&what_to_do(failure), "      ", out)?;
    writeln!(out)
}

fn write_failure(
    failure: &FailureRecord,
    several: bool,
    report: Option<&Report>,
    out: &mut TextPage<'_>,
) -> io::Result<()> {
    failure_head(failure, out)?;
    if let Some((client, report)) = failure.client.as_ref().zip(report) {
        paragraph(&text_log::client(client, report), "      ", out)?;
    }
    if let Some(again) = &failure.sent_again {
        let after = Duration::from_nanos(again.after_ns);
        paragraph(&failure_section::sent_again(after, again.status), "      ", out)?;
    }
    paragraph(&retry(failure), "      ", out)?;
    for line in failure.process.iter().flat_map(text_processes::lines) {
        paragraph(&line, "      ", out)?;
    }
    for frame in &failure.frames {
        let name = frame_name(frame, several);
        writeln!(out, "      {DIM}{FRAME} {name:>6}{DIM:#}  {}", frame.note)?;
    }
    Ok(())
}

/// What to change, or where to look.
fn what_to_do(failure: &FailureRecord) -> String {
    let label = failure_section::before_fix(failure.cause);
    format!("{BOLD}{label}:{BOLD:#} {}.", failure.fix)
}

/// When, what, and between whom.
fn failure_head(failure: &FailureRecord, out: &mut TextPage<'_>) -> io::Result<()> {
    let request = failure.request.as_ref().map(|request| {
        let (method, target) = (request.method.as_deref(), request.target.as_deref());
        format!("  {}", failure_section::request(method, target))
    });
    writeln!(
        out,
        "  {}  {BOLD}{}{BOLD:#} ({}){}",
        clock(failure.at),
        failure.cause.name(),
        failure.certainty.name(),
        request.unwrap_or_default()
    )?;
    // Before its first request a connection is new, not idle.
    let idle = failure.idle_gap_ns.filter(|_| failure.ordinal > 0);
    let [idle, wait] = [idle, failure.wait_ns].map(|nanos| nanos.map(Duration::from_nanos));
    let times = failure_section::times(idle, wait);
    match (failure.proxy.map(opener), failure.backend) {
        (Some(proxy), Some(backend)) => {
            let aliases = failure.aliases.iter().map(|alias| alias.backend);
            let backend = failure_section::backend(backend, aliases);
            writeln!(out, "      {proxy} → {backend}{times}")
        }
        (Some(proxy), None) => {
            writeln!(out, "      {}{times}", failure_section::answered_by(&proxy))
        }
        _ => Ok(()),
    }
}

/// Who opened connections: of probes, which are told as one, whatever port each of them came from.
fn opener(proxy: Endpoint) -> String {
    match proxy {
        Endpoint { addr: IpAddr::V6(addr), port: 0 } => format!("[{addr}]"),
        Endpoint { addr, port: 0 } => addr.to_string(),
        _ => proxy.to_string(),
    }
}

/// Whether the request may be sent again, and why.
fn retry(failure: &FailureRecord) -> String {
    let method = failure.request.as_ref().and_then(|request| request.method.as_deref());
    let colour = match (failure.retry, method.is_some_and(is_idempotent)) {
        (Retry::Safe, _) => GREEN,
        (Retry::Unsafe, false) => RED,
        (Retry::Unsafe, true) | (Retry::Unknown, _) => YELLOW,
    };
    let advice = retry_advice(failure.retry, method);
    format!("{colour}{advice}{colour:#} {}", sentence(&failure.retry_reason))
}

/// The number of a frame; with several captures, which of them it is in.
fn frame_name(frame: &EvidenceRecord, several: bool) -> String {
    if several { format!("{}:{}", frame.capture, frame.number) } else { frame.number.to_string() }
}

fn limits(report: &Report, out: &mut TextPage<'_>) -> io::Result<()> {
    heading(input_section::HEADING, out)?;
    for (place, capture) in report.captures.iter().enumerate() {
        // Frames are named by it.
        let place = if report.captures.len() > 1 { format!("{place}: ") } else { String::new() };
        paragraph(
            &format!(
                "{place}{}",
                input_section::capture(
                    &capture.path,
                    capture.frames,
                    capture.first.zip(capture.last)
                )
            ),
            "  ",
            out,
        )?;
    }
    if let Some(log) = &report.log {
        text_log::limits(log, out)?;
    }
    let skipped = report.counters.skipped.iter().map(|(kind, count)| (kind.name(), count));
    let skipped: Vec<(&str, u64)> = skipped.collect();
    if !skipped.is_empty() {
        writeln!(out, "  {}", input_section::skipped(&skipped))?;
    }
    for note in &report.notes {
        text_log::note(&note.text, out)?;
    }
    Ok(())
}
