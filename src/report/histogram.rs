//! The idle gaps of a backend as a small picture, with the timeouts of both sides marked.

use super::model::{Backend, Timeout};
use super::notes::plural;
use super::text::YELLOW;
use super::words::duration;
use crate::idle::EDGES;
use crate::page::DIM;
use std::io::{self, Write};
use std::time::Duration;

/// Characters of the longest bar.
const BAR: u64 = 10;

/// A timeout to be marked.
struct Mark {
    at: u64,
    text: String,
}

/// Writes the picture; nothing when there are no gaps.
///
/// # Errors
/// When writing fails.
pub(super) fn write(backend: &Backend, out: &mut dyn Write) -> io::Result<()> {
    let idle = &backend.idle;
    let rows: Vec<[u64; 3]> = idle
        .reused
        .ranges
        .iter()
        .zip(idle.closed_by_backend.ranges)
        .zip(idle.closed_by_proxy.ranges)
        .map(|((reused, backend), proxy)| [*reused, backend, proxy])
        .collect();
    let marks = marks(backend);
    let used = |index: &usize| {
        rows.get(*index).is_some_and(|row| row.iter().any(|count| *count > 0))
            || marks.iter().any(|mark| range_of(mark.at) == *index)
    };
    let (Some(first), Some(last)) = ((0..rows.len()).find(used), (0..rows.len()).rev().find(used))
    else {
        return Ok(());
    };
    let most = rows.iter().map(|[reused, ..]| *reused).max().unwrap_or(0).max(1);
    writeln!(
        out,
        "  {DIM}{:<18}{:>8}{:>16}{:>14}{DIM:#}",
        "idle for", "reused", "backend closed", "proxy closed"
    )?;
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
        let label = range_label(index);
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
        for mark in marks.iter().filter(|mark| range_of(mark.at) == index) {
            write!(out, "  {YELLOW}◂ {}{YELLOW:#}", mark.text)?;
        }
        writeln!(out)?;
    }
    match backend.ordering {
        "race" => writeln!(
            out,
            "  {YELLOW}The backend gives up idle connections before the proxy does: requests will be lost.{YELLOW:#}"
        ),
        "tie" => writeln!(
            out,
            "  {YELLOW}Both sides give up idle connections at about the same time: requests will be lost.{YELLOW:#}"
        ),
        "safe" => writeln!(
            out,
            "  The proxy gives up idle connections before the backend does, as it should."
        ),
        _ => Ok(()),
    }?;
    if let Some(near @ 1..) = backend.near_misses {
        writeln!(out, "  {} came within a tenth of the backend's timeout.", plural(near, "reuse"))?;
    }
    Ok(())
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

fn range_label(index: usize) -> String {
    let edge = |index: usize| {
        EDGES.get(index).map(|millis| match millis {
            0..1_000 => format!("{millis} ms"),
            _ => format!("{} s", millis.checked_div(1_000).unwrap_or(0)),
        })
    };
    match (edge(index), edge(index.saturating_add(1))) {
        (_, Some(end)) if index == 0 => format!("below {end}"),
        (Some(begin), Some(end)) => format!("{begin} – {end}"),
        (Some(begin), None) => format!("{begin} and more"),
        (None, _) => String::new(),
    }
}

/// The timeouts of the backend and its proxies, as told and as seen. The same value is marked once.
fn marks(backend: &Backend) -> Vec<Mark> {
    let mut marks = Vec::new();
    mark(&mut marks, "backend keep-alive", backend.backend_keepalive.as_ref());
    for proxy in backend.proxies.iter().take(3) {
        mark(&mut marks, "proxy idle", proxy.proxy_idle.as_ref());
    }
    marks
}

fn mark(marks: &mut Vec<Mark>, what: &str, timeout: Option<&Timeout>) {
    let Some(timeout) = timeout else {
        return;
    };
    let time = |nanos| duration(Duration::from_nanos(nanos));
    let mut add = |at: u64, text: String| {
        if marks.iter().all(|known: &Mark| known.text != text) {
            marks.push(Mark { at, text });
        }
    };
    if let Some(told) = timeout.configured_ns {
        add(told, format!("{what} {}, told", time(told)));
    }
    if let Some(seen) = timeout.observed_ns {
        add(seen, format!("{what} {}, seen {}×", time(seen), timeout.samples));
    }
}
