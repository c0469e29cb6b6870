//! The idle gaps of a backend as a small picture, with the timeouts of both sides marked.

use super::style::YELLOW;
use crate::base::wrap::{DIM, TextPage, paragraph, visible};
use crate::knowledge::distribution::EDGES;
use crate::knowledge::idle_gaps::Ordering;
use crate::report::model::{BackendRecord, HazardRecord, ProxyRecord, Timeout};
use crate::words::timers::{self as words, TimerName};
use crate::words::{forecast, idle_gaps};
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

/// Columns of a row before its bar.
const ROW: usize = 60;
/// Characters of the longest bar.
const BAR: u64 = 10;

/// A timeout to be marked.
struct TimeoutMark {
    at: u64,
    text: String,
}

/// Writes what is known of idle gaps and timeouts; little when there are no gaps.
///
/// # Errors
/// When writing fails.
pub fn write(backend: &BackendRecord, out: &mut TextPage<'_>) -> io::Result<()> {
    gave_up(backend, out)?;
    if picture(backend, out)? {
        timers(backend, out)?;
    }
    Ok(())
}

/// Draws the picture; returns false, and draws nothing, when there is nothing to be drawn.
fn picture(backend: &BackendRecord, out: &mut TextPage<'_>) -> io::Result<bool> {
    let mut rows = [[0; 3]; EDGES.len()];
    for bucket in &backend.idle.buckets {
        if let Some(row) = rows.get_mut(range_of(bucket.from_ns)) {
            *row = [bucket.reused(), bucket.closed_by_backend, bucket.closed_by_proxy];
        }
    }
    let marks = marks(backend);
    let used = |index: &usize| {
        rows.get(*index).is_some_and(|row| row.iter().any(|count| *count > 0))
            || marks.iter().any(|mark| range_of(mark.at) == *index)
    };
    let (Some(first), Some(last)) = ((0..rows.len()).find(used), (0..rows.len()).rev().find(used))
    else {
        return Ok(false);
    };
    let most = rows.iter().map(|[reused, ..]| *reused).max().unwrap_or(0).max(1);
    let [length, reused, by_backend, by_proxy] = idle_gaps::COLUMNS;
    writeln!(out, "  {DIM}{length:<18}{reused:>8}{by_backend:>16}{by_proxy:>14}{DIM:#}")?;
    let mut skipped = false;
    for (index, [reused, backend, proxy]) in
        rows.iter().enumerate().take(last.saturating_add(1)).skip(first)
    {
        if !used(&index) {
            if !skipped {
                writeln!(out, "  {DIM}⋮{DIM:#}")?;
            }
            skipped = true;
            continue;
        }
        skipped = false;
        let filled = reused.saturating_mul(BAR).checked_div(most).unwrap_or(0);
        let bar = "▇".repeat(usize::try_from(filled.max((*reused > 0).into())).unwrap_or(0));
        let label = idle_gaps::range(index);
        write!(
            out,
            "  {label:<18}{}{}{}",
            number(*reused, 8),
            number(*backend, 16),
            number(*proxy, 14)
        )?;
        if !bar.is_empty() {
            write!(out, "  {bar}")?;
        }
        let mut filled = ROW.saturating_add(visible(&bar));
        for mark in marks.iter().filter(|mark| range_of(mark.at) == index) {
            let mark = format!("  {YELLOW}◂ {}{YELLOW:#}", mark.text);
            if filled.saturating_add(visible(&mark)) > out.width() {
                write!(out, "\n                  ")?;
                filled = 18;
            }
            write!(out, "{mark}")?;
            filled = filled.saturating_add(visible(&mark));
        }
        writeln!(out)?;
    }
    Ok(true)
}

/// Says in sentences what the picture means.
fn timers(backend: &BackendRecord, out: &mut TextPage<'_>) -> io::Result<()> {
    if let Some(text) = words::ordering(backend.ordering) {
        match backend.ordering {
            Ordering::Race | Ordering::Tie => {
                paragraph(&format!("{YELLOW}{text}{YELLOW:#}"), "  ", out)
            }
            Ordering::Safe | Ordering::Unknown => paragraph(text, "  ", out),
        }?;
    }
    contradiction(TimerName::BackendKeepAlive, None, backend.backend_keepalive.as_ref(), out)?;
    for ProxyRecord { proxy, proxy_idle, proxy_read, .. } in backend.proxies.iter().take(3) {
        contradiction(TimerName::ProxyIdle, Some(*proxy), proxy_idle.as_ref(), out)?;
        contradiction(TimerName::ProxyRead, Some(*proxy), proxy_read.as_ref(), out)?;
    }
    for other in &backend.other_keepalives {
        let after = Duration::from_nanos(other.observed_ns.unwrap_or_default());
        paragraph(&words::second_timeout(after, other.samples), "  ", out)?;
    }
    if let Some(closes) = backend.too_few_closes() {
        paragraph(&words::keepalive_unknown(closes), "  ", out)?;
    }
    if let Some(near @ 1..) = backend.near_misses {
        paragraph(&words::near_misses(near), "  ", out)?;
    }
    let losses = |hazard: &HazardRecord| hazard.losses(backend.requests());
    if let Some(hazard) = &backend.hazard {
        paragraph(&forecast::sentence(&losses(hazard)), "  ", out)?;
    }
    if let Some(hazard) = &backend.what_if {
        paragraph(&forecast::what_if(&losses(hazard)), "  ", out)?;
    }
    Ok(())
}

/// How the proxies give up connects that nobody answers.
fn gave_up(backend: &BackendRecord, out: &mut TextPage<'_>) -> io::Result<()> {
    for proxy in &backend.proxies {
        if let Some(Timeout {
            samples: samples @ 1..,
            low_ns: Some(low),
            high_ns: Some(high),
            ..
        }) = proxy.proxy_connect
        {
            let between = [low, high].map(Duration::from_nanos);
            let syns = proxy.syn_schedule_ns.values();
            let syns: Vec<Duration> = syns.map(|after| Duration::from_nanos(*after)).collect();
            paragraph(&words::gives_up(proxy.proxy, between, samples, &syns), "  ", out)?;
        }
    }
    Ok(())
}

/// A timeout that was told and one that was seen, where they differ: the setting is not in effect.
fn contradiction(
    timer: TimerName,
    proxy: Option<IpAddr>,
    timeout: Option<&Timeout>,
    out: &mut TextPage<'_>,
) -> io::Result<()> {
    let Some(values) = timeout.and_then(Timeout::contradiction) else { return Ok(()) };
    let text = words::not_in_effect(timer, proxy, &values);
    paragraph(&format!("{YELLOW}{text}{YELLOW:#}"), "  ", out)
}

/// A count, or a dot for none.
fn number(count: u64, width: usize) -> String {
    let text = if count == 0 { "·".to_owned() } else { count.to_string() };
    format!("{text:>width$}")
}

fn range_of(nanos: u64) -> usize {
    let millis = nanos.checked_div(1_000_000).unwrap_or(0);
    EDGES.partition_point(|edge| *edge <= millis).saturating_sub(1)
}

/// The timeouts of the backend and its proxies, as told and as seen. The same value is marked once.
fn marks(backend: &BackendRecord) -> Vec<TimeoutMark> {
    let mut marks = Vec::new();
    mark(&mut marks, TimerName::BackendKeepAlive, backend.backend_keepalive.as_ref());
    for proxy in backend.proxies.iter().take(3) {
        mark(&mut marks, TimerName::ProxyIdle, proxy.proxy_idle.as_ref());
    }
    marks
}

fn mark(marks: &mut Vec<TimeoutMark>, timer: TimerName, timeout: Option<&Timeout>) {
    let Some(timeout) = timeout else {
        return;
    };
    let mut add = |at: u64, text: String| {
        if marks.iter().all(|known: &TimeoutMark| known.text != text) {
            marks.push(TimeoutMark { at, text });
        }
    };
    if let Some(told) = timeout.configured_ns {
        let value = Duration::from_nanos(told);
        add(told, idle_gaps::told_mark(timer, value, timeout.configured_by));
    }
    if let Some(seen) = timeout.observed_ns {
        let range = timeout.low_ns.zip(timeout.high_ns);
        let range =
            range.map(|(low, high)| (Duration::from_nanos(low), Duration::from_nanos(high)));
        let value = Duration::from_nanos(seen);
        add(seen, idle_gaps::seen_mark(timer, value, range, timeout.samples));
    }
}
