//! `--format text`: for people. The answer first, then what it rests on.

use super::style::{GREEN, RED, YELLOW, clock, counted};
use super::{text_idle_gaps, text_log, text_processes};
use crate::base::wrap::{BOLD, DIM, heading, paragraph};
use crate::knowledge::SettingOrigin;
use crate::packet::Endpoint;
use crate::report::LeadingParagraph;
use crate::report::headline::{AnalysisOutcome, Headline};
use crate::report::model::{
    BackendRecord, Capture, EvidenceRecord, FailureRecord, Report, Timeout, VantageSource,
};
use crate::timeouts;
use crate::topology::vantage::Vantage;
use crate::verdict::{Cause, Retry};
use crate::words::input_section;
use crate::words::phrases::{
    TO_FIND_OUT, WHAT_TO_CHANGE, checks, duration, is_idempotent, not_shown, plural, retry_advice,
    sentence, setting,
};
use crate::words::timers::TimerName;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

/// Failures shown without `--all`.
const SHOWN: usize = 20;

/// Writes the report. With `all`, every failure is shown. Colours are escape sequences; the writer
/// strips them where they are not wanted.
///
/// # Errors
/// When writing fails.
pub fn write(report: &Report, all: bool, out: &mut dyn Write) -> io::Result<()> {
    // Without a capture the log says all that there is.
    if !report.captures.is_empty() || report.log.is_none() {
        first(report, out)?;
    }
    text_log::lead(report, out)?;
    answer(report, out)?;
    causes(report, out)?;
    text_log::section(report, all, out)?;
    for backend in &report.backends {
        write_backend(backend, out)?;
    }
    failures(report, all, out)?;
    limits(report, out)
}

fn first(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Headline { outcome, unread, counts, clients } = report.headline();
    let unread = unread.map(|text| format!("{YELLOW}{text}{YELLOW:#}"));
    let colour = if outcome == AnalysisOutcome::Failed { RED } else { GREEN };
    let counts = counts.map(|text| format!("{colour}{text}{colour:#}"));
    let parts: Vec<String> = [unread, counts, clients].into_iter().flatten().collect();
    paragraph(&parts.join(" "), "", out)
}

fn answer(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for LeadingParagraph { text, fix, failure } in report.leading() {
        writeln!(out)?;
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

fn causes(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.failures.is_empty() {
        return Ok(());
    }
    heading("Causes", out)?;
    writeln!(out, "  {DIM}{:<22}{:>7}  {:<28}retry{DIM:#}", "cause", "failed", "certainty")?;
    for (cause, failed) in report.causes.iter() {
        let of_cause = || report.failures.iter().filter(|failure| failure.cause == cause);
        let certainty = counted(of_cause().map(|failure| failure.certainty));
        let retry = counted(of_cause().map(|failure| failure.retry));
        let cause = cause.name();
        writeln!(out, "  {cause:<22}{failed:>7}  {certainty:<28}{retry}")?;
    }
    Ok(())
}

/// How long such software keeps idle connections unless somebody sets that.
fn by_default(what: &str, nanos: Option<u64>) -> String {
    let default = nanos.map(|nanos| setting(Duration::from_nanos(nanos)));
    default.map_or_else(String::new, |default| format!(", default {what} {default}"))
}

fn write_backend(backend: &BackendRecord, out: &mut dyn Write) -> io::Result<()> {
    heading(&format!("Backend {}", named(backend.backend, backend.name.as_deref())), out)?;
    let first = backend.proxies.iter().take(4);
    let proxies: Vec<String> =
        first.map(|proxy| named(proxy.proxy, proxy.name.as_deref())).collect();
    let more = backend.proxies.len().saturating_sub(proxies.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    writeln!(
        out,
        "  {}, {} from {}{more}",
        requests(backend),
        plural(backend.connections, "connection"),
        proxies.join(", "),
    )?;
    let statuses: Vec<String> =
        backend.statuses.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    if !statuses.is_empty() {
        writeln!(out, "  answers: {}", statuses.join(", "))?;
    }
    let vantage = match backend.vantage.value {
        Vantage::Proxy => "the proxy's host",
        Vantage::Backend => "the backend's host",
        Vantage::Between => "between proxy and backend",
        Vantage::SameHost => "proxy and backend on one host",
        Vantage::Unknown => "",
    };
    if !vantage.is_empty() {
        let by = match backend.vantage.by {
            VantageSource::Option => "as given",
            VantageSource::Handshakes | VantageSource::Addresses => "detected",
        };
        writeln!(out, "  capture point: {vantage} ({by})")?;
    }
    if let Some(kind) = backend.told_kind {
        writeln!(out, "  server: {kind} (as given)")?;
    } else if let Some(server) = backend.server {
        let default = by_default("keep-alive", backend.server_default_ns);
        writeln!(out, "  server: probably {} (from its headers){default}", server.name())?;
    }
    for proxy in backend.proxies.iter().filter(|proxy| proxy.told_kind.is_none()).take(3) {
        if let Some(kind) = proxy.kind {
            let default = by_default("idle timeout", proxy.kind_default_ns);
            let (proxy, kind) = (proxy.proxy, kind.name());
            writeln!(out, "  proxy {proxy}: probably {kind} (from its requests){default}")?;
        }
    }
    if let Some(limit) = &backend.request_limit {
        let announced = match limit.announced {
            0 => "never announced",
            announced if announced == limit.samples => "announced",
            _ => "not always announced",
        };
        let times = plural(limit.samples, "time");
        writeln!(
            out,
            "  closes a connection after {} requests (seen {times}, {announced})",
            limit.observed
        )?;
    }
    if let Some(age) = backend.age_limit.and_then(|age| age.observed_ns) {
        let age = duration(Duration::from_nanos(age));
        writeln!(out, "  closes a connection at the age of {age}, used or not")?;
    }
    if let Some(health) = &backend.health {
        let path = health.path.as_deref().unwrap_or("TCP connect");
        writeln!(out, "  health checks: {path}, {} of {} failed", health.failed, health.of)?;
    }
    for default in defaults(backend) {
        paragraph(&default, "  ", out)?;
    }
    text_idle_gaps::write(backend, out)
}

/// `19 requests and 8 health checks`.
fn requests(backend: &BackendRecord) -> String {
    let requests = plural(backend.exchanges.saturating_sub(backend.probes), "request");
    match backend.probes {
        0 => requests,
        probes => format!("{requests} and {}", checks(probes)),
    }
}

/// An address, with the name that it was told to have.
fn named(address: impl Display, name: Option<&str>) -> String {
    name.map_or_else(|| address.to_string(), |name| format!("{address} ({name})"))
}

/// Which timeouts are those that a told kind has by default: nobody said that they are the ones set.
fn defaults(backend: &BackendRecord) -> Vec<String> {
    let mut told: Vec<(SettingOrigin, Vec<String>)> = Vec::new();
    let mut add = |timer: TimerName, timeout: Option<&Timeout>| {
        let by = timeout.and_then(|timeout| timeout.configured_by);
        let nanos = timeout.and_then(|timeout| timeout.configured_ns);
        let (Some(by @ (SettingOrigin::Proxy(_) | SettingOrigin::Server(_))), Some(nanos)) =
            (by, nanos)
        else {
            return;
        };
        let value = format!("{} {}", timer.short(), duration(Duration::from_nanos(nanos)));
        match told.iter_mut().find(|(known, _)| *known == by) {
            Some((_, values)) if values.contains(&value) => {}
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
    let sentence = |(by, values): (SettingOrigin, Vec<String>)| {
        let (SettingOrigin::Proxy(id) | SettingOrigin::Server(id)) = by else {
            return None;
        };
        let verified = timeouts::by_id(id).is_some_and(|known| known.verified);
        let verified = if verified { "" } else { " (unverified)" };
        Some(format!("compared with the defaults of {id}{verified}: {}", values.join(", ")))
    };
    told.into_iter().filter_map(sentence).collect()
}

fn failures(report: &Report, all: bool, out: &mut dyn Write) -> io::Result<()> {
    let total = report.failures.len();
    if total == 0 {
        return Ok(());
    }
    let shown = if all { total } else { total.min(SHOWN) };
    heading("Failures", out)?;
    writeln!(out, "  {DIM}times in UTC, frame numbers as in Wireshark{DIM:#}")?;
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

/// Writes a failure that has just become known. The first of its kind says all that there is to say.
///
/// # Errors
/// When writing fails.
pub fn failure_now(failure: &FailureRecord, first: bool, out: &mut dyn Write) -> io::Result<()> {
    if !first {
        return failure_head(failure, out);
    }
    write_failure(failure, false, None, out)?;
    paragraph(&sentence(&failure.summary), "      ", out)?;
    paragraph(&what_to_do(failure), "      ", out)
}

fn write_failure(
    failure: &FailureRecord,
    several: bool,
    report: Option<&Report>,
    out: &mut dyn Write,
) -> io::Result<()> {
    failure_head(failure, out)?;
    if let Some((client, report)) = failure.client.as_ref().zip(report) {
        paragraph(&text_log::client(client, report), "      ", out)?;
    }
    paragraph(&retry(failure), "      ", out)?;
    for line in failure.process.iter().flat_map(text_processes::lines) {
        paragraph(&line, "      ", out)?;
    }
    for frame in &failure.frames {
        writeln!(out, "      {DIM}frame {:>6}{DIM:#}  {}", frame_name(frame, several), frame.note)?;
    }
    Ok(())
}

/// What to change, or where to look.
fn what_to_do(failure: &FailureRecord) -> String {
    let label = if failure.cause == Cause::Unproven { TO_FIND_OUT } else { WHAT_TO_CHANGE };
    format!("{BOLD}{label}:{BOLD:#} {}.", failure.fix)
}

/// When, what, and between whom.
fn failure_head(failure: &FailureRecord, out: &mut dyn Write) -> io::Result<()> {
    let request = failure.request.as_ref().map(|request| {
        let method = request.method.as_deref().unwrap_or("?");
        let target = request.target.as_deref().unwrap_or("(head not captured)");
        format!("  {method} {target}")
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
    let times: Vec<String> = [("idle", idle), ("wait", failure.wait_ns)]
        .into_iter()
        .filter_map(|(what, nanos)| {
            Some(format!(", {what} {}", duration(Duration::from_nanos(nanos?))))
        })
        .collect();
    match (failure.proxy.map(opener), failure.backend) {
        (Some(proxy), Some(backend)) => {
            writeln!(out, "      {proxy} → {backend}{}", times.concat())
        }
        (Some(proxy), None) => writeln!(out, "      answered by {proxy}{}", times.concat()),
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

fn limits(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    heading(input_section::HEADING, out)?;
    for (place, capture) in report.captures.iter().enumerate() {
        // Frames are named by it.
        let place = if report.captures.len() > 1 { format!("{place}: ") } else { String::new() };
        paragraph(&format!("{place}{}", capture_line(capture)), "  ", out)?;
    }
    if let Some(log) = &report.log {
        text_log::limits(log, out)?;
    }
    let skipped: Vec<String> = report
        .counters
        .skipped
        .iter()
        .map(|(kind, n)| format!("{} {n}", kind.name().replace('_', " ")))
        .collect();
    if !skipped.is_empty() {
        writeln!(out, "  frames skipped: {}", skipped.join(", "))?;
    }
    for note in &report.notes {
        text_log::note(&note.text, out)?;
    }
    Ok(())
}

fn capture_line(capture: &Capture) -> String {
    let span = match (capture.first, capture.last) {
        (Some(first), Some(last)) => format!(", {} to {} UTC", clock(first), clock(last)),
        _ => String::new(),
    };
    format!("{}: {}{span}", capture.path, plural(capture.frames, "frame"))
}
