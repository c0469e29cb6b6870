//! The idle gaps of a backend as a small picture, with the timeouts of both sides marked.

use super::style::YELLOW;
use crate::base::wrap::{DIM, paragraph};
use crate::knowledge::SettingOrigin;
use crate::knowledge::distribution::EDGES;
use crate::knowledge::expected_losses::Basis;
use crate::knowledge::idle_gaps::Ordering;
use crate::report::model::{BackendRecord, EstimateRecord, HazardRecord, Timeout};
use crate::words::phrases::{duration, plural};
use std::io::{self, Write};
use std::time::Duration;

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
pub fn write(backend: &BackendRecord, out: &mut dyn Write) -> io::Result<()> {
    gave_up(backend, out)?;
    if picture(backend, out)? {
        timers(backend, out)?;
    }
    Ok(())
}

/// Draws the picture; returns false, and draws nothing, when there is nothing to be drawn.
fn picture(backend: &BackendRecord, out: &mut dyn Write) -> io::Result<bool> {
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
    Ok(true)
}

/// Says in sentences what the picture means.
fn timers(backend: &BackendRecord, out: &mut dyn Write) -> io::Result<()> {
    match backend.ordering {
        Ordering::Race => writeln!(
            out,
            "  {YELLOW}The backend closes idle connections before the proxy does: a request sent at that moment fails.{YELLOW:#}"
        ),
        Ordering::Tie => writeln!(
            out,
            "  {YELLOW}Both sides close idle connections after about the same time: a request sent at that moment fails.{YELLOW:#}"
        ),
        Ordering::Safe => {
            writeln!(out, "  The proxy closes idle connections before the backend does.")
        }
        Ordering::Unknown => Ok(()),
    }?;
    effective(
        "the backend",
        "keeps idle connections for",
        backend.backend_keepalive.as_ref(),
        out,
    )?;
    for proxy in backend.proxies.iter().take(3) {
        let who = format!("the proxy {}", proxy.proxy);
        effective(&who, "keeps idle connections for", proxy.proxy_idle.as_ref(), out)?;
        effective(&who, "waits for a response for", proxy.proxy_read.as_ref(), out)?;
    }
    for other in &backend.other_keepalives {
        let (after, closes) = (other.observed_ns.unwrap_or_default(), other.samples);
        let text = format!(
            "A second timeout may exist: {} closed after {} idle (perhaps another server behind this \
             address).",
            plural(closes, "connection"),
            duration(Duration::from_nanos(after))
        );
        paragraph(&text, "  ", out)?;
    }
    let few = backend.backend_keepalive.filter(|timer| timer.observed_ns.is_none());
    if let Some(closes @ 1..3) = few.map(|timer| timer.samples) {
        writeln!(
            out,
            "  Keep-alive timeout of the backend: unknown (it closed only {}).",
            plural(closes, "idle connection")
        )?;
    }
    if let Some(near @ 1..) = backend.near_misses {
        writeln!(
            out,
            "  {} came shortly before the close (within 10 % of the timeout).",
            plural(near, "request")
        )?;
    }
    let requests = backend.exchanges.saturating_sub(backend.probes);
    for (what, hazard) in [("", &backend.hazard), ("What if: ", &backend.what_if)] {
        if let Some(hazard) = hazard {
            paragraph(&format!("{what}{}", forecast(hazard, requests)), "  ", out)?;
        }
    }
    Ok(())
}

/// How the proxies give up connects that nobody answers.
fn gave_up(backend: &BackendRecord, out: &mut dyn Write) -> io::Result<()> {
    for proxy in &backend.proxies {
        let Some(Timeout {
            samples: samples @ 1.., low_ns: Some(low), high_ns: Some(high), ..
        }) = proxy.proxy_connect
        else {
            continue;
        };
        let time = |nanos| duration(Duration::from_nanos(nanos));
        let syns: Vec<String> = proxy.syn_schedule_ns.values().map(|after| time(*after)).collect();
        let again = match syns.is_empty() {
            true => "one SYN each".to_owned(),
            false => format!("SYN retransmitted after {}", syns.join(", ")),
        };
        let text = format!(
            "Connect timeout of the proxy {}: between {} and {} ({}, {again}).",
            proxy.proxy,
            time(low),
            time(high),
            plural(samples, "attempt")
        );
        paragraph(&text, "  ", out)?;
    }
    Ok(())
}

/// What servers add to their default: Node a second since 20.19.
const BUFFER: u64 = 1_200_000_000;

/// A timeout that was told and one that was seen, where they differ: the setting is not in effect.
fn effective(
    who: &str,
    does: &str,
    timeout: Option<&Timeout>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(Timeout {
        configured_ns: Some(told),
        configured_by,
        observed_ns: Some(seen),
        low_ns,
        high_ns,
        samples,
    }) = timeout.copied()
    else {
        return Ok(());
    };
    if low_ns.is_some_and(|low| told >= low) && high_ns.is_some_and(|high| told <= high) {
        return Ok(());
    }
    let time = |nanos| duration(Duration::from_nanos(nanos));
    let buffered = matches!(configured_by, Some(SettingOrigin::Server(_)))
        && (1..=BUFFER).contains(&seen.saturating_sub(told));
    let (by, setting) = match configured_by {
        Some(SettingOrigin::Server(_)) if buffered => {
            ("Default", "Its timer may add a second, as Node's does")
        }
        Some(SettingOrigin::Proxy(_) | SettingOrigin::Server(_)) => {
            ("Default", "It is configured differently")
        }
        Some(SettingOrigin::Config) => ("Configured", "The setting is not active"),
        Some(SettingOrigin::Option) | None => ("You gave", "The setting is not active"),
    };
    // Apache's `ttl` is looked at when the next request comes, other pools are swept.
    let why = if seen > told {
        "it is checked only now and then"
    } else {
        "something else closes the connection first"
    };
    let text = format!(
        "{YELLOW}{by} {}; the capture shows {} ({}): {who} {does} that long. {setting}, or {why}.{YELLOW:#}",
        time(told),
        time(seen),
        plural(samples, "close"),
    );
    paragraph(&text, "  ", out)
}

/// Requests from which on a rate says more than a count.
const ENOUGH: u64 = 1_000;

/// What the timer is expected to hit, in a sentence or two, in a capture of so many requests.
fn forecast(hazard: &HazardRecord, requests: u64) -> String {
    let time = |nanos| duration(Duration::from_nanos(nanos));
    let with = format!("With a backend keep-alive of {}", time(hazard.backend_keepalive_ns));
    let per_day = hazard.per_day.map_or_else(String::new, |day| format!(", {} a day", span(day)));
    let few = requests < ENOUGH;
    let lost = format!("{:.0}", hazard.lost.mid);
    let of = plural(requests, "request");
    match hazard.basis {
        Basis::ProxyFirst => format!("{with} no request is lost: the proxy closes first."),
        Basis::Observed if few => format!(
            "{lost} of {of} hit the backend's keep-alive timeout of {}. Requests seem to come at a fixed \
             interval close to it.",
            time(hazard.backend_keepalive_ns)
        ),
        Basis::Observed => format!(
            "{with}, {} in a million requests are lost{per_day}, by those in the capture. That is more than \
             even traffic would explain: requests seem to come at a fixed interval close to it.",
            span(hazard.per_million)
        ),
        Basis::Bound => format!(
            "{with}: at most {} in a million requests are lost. Idle times above today's timeout do not \
             occur in this capture, so there is no better estimate.",
            number_of(hazard.per_million.high)
        ),
        Basis::Counted if few => format!(
            "{with}: {} expected in {of}, at most {}. A request is lost if it is sent within {} of the \
             close.",
            if lost == "0" { "no loss".to_owned() } else { format!("{lost} lost") },
            number_of(hazard.lost.high),
            time(hazard.window_ns.mid)
        ),
        Basis::Counted => format!(
            "{with}, {} in a million requests are expected to be lost{per_day}. A request is lost if it is \
             sent within {} of the close.",
            span(hazard.per_million),
            time(hazard.window_ns.mid)
        ),
    }
}

/// `3 (1 to 8)`.
fn span(estimate: EstimateRecord) -> String {
    let EstimateRecord { low, mid, high } = estimate;
    format!("{} ({} to {})", number_of(mid), number_of(low), number_of(high))
}

fn text_of(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

/// Two digits of a number that is not known better.
fn number_of(number: f64) -> String {
    if number >= 1_000.0 {
        let unit = 10_f64.powf(number.log10().floor() - 1.0);
        let digits = format!("{:.0}", (number / unit).round() * unit);
        let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(text_of).collect();
        groups.join(",")
    } else if number >= 10.0 || number == 0.0 {
        format!("{number:.0}")
    } else if number >= 0.1 {
        format!("{number:.1}")
    } else {
        "less than 0.1".to_owned()
    }
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
fn marks(backend: &BackendRecord) -> Vec<TimeoutMark> {
    let mut marks = Vec::new();
    mark(&mut marks, "backend keep-alive", backend.backend_keepalive.as_ref());
    for proxy in backend.proxies.iter().take(3) {
        mark(&mut marks, "proxy idle", proxy.proxy_idle.as_ref());
    }
    marks
}

fn mark(marks: &mut Vec<TimeoutMark>, what: &str, timeout: Option<&Timeout>) {
    let Some(timeout) = timeout else {
        return;
    };
    let time = |nanos| duration(Duration::from_nanos(nanos));
    let mut add = |at: u64, text: String| {
        if marks.iter().all(|known: &TimeoutMark| known.text != text) {
            marks.push(TimeoutMark { at, text });
        }
    };
    if let Some(told) = timeout.configured_ns {
        let how = match timeout.configured_by {
            Some(SettingOrigin::Config) => "configured",
            Some(SettingOrigin::Proxy(_) | SettingOrigin::Server(_)) => "default",
            Some(SettingOrigin::Option) | None => "given",
        };
        add(told, format!("{what} {}, {how}", time(told)));
    }
    if let Some(seen) = timeout.observed_ns {
        let spread = timeout.low_ns.zip(timeout.high_ns).filter(|(low, high)| {
            // A tight cluster is told by its middle; see `idle::tolerance`.
            high.saturating_sub(*low) > (90_000_000).max(seen / 16)
        });
        let value = match spread {
            Some((low, high)) => format!("{} to {}", time(low), time(high)),
            None => time(seen),
        };
        add(seen, format!("{what} {value}, seen {}×", timeout.samples));
    }
}
