//! The known timeouts as people read them: a table of all, a page on one.

use crate::base::wrap::{BOLD, DIM, heading, wrap};
use crate::timeouts::{Limit, Product, ProductSide, all, observed};
use std::io::{self, Write};
use std::time::Duration;

/// A column: its title, its width, and what stands in it.
type Column = (&'static str, usize, fn(&Product) -> String);

/// The widest id, and a gap.
const FIRST: usize = 22;

const PROXY_COLUMNS: [Column; 5] = [
    ("idle", 9, |known| time(known.idle)),
    ("read", 9, |known| time(known.read)),
    ("connect", 9, |known| time(known.connect)),
    ("requests", 10, |known| count(known.requests)),
    ("source", 34, source),
];
const SERVER_COLUMNS: [Column; 4] = [
    ("keep-alive", 12, |known| time(known.idle)),
    ("head", 9, |known| time(known.head)),
    ("requests", 10, |known| count(known.requests)),
    ("source", 34, source),
];

/// Writes all of them, a line each, in lines of at most `width` characters: where there is no room,
/// the last columns are left out.
///
/// # Errors
/// When writing fails.
pub fn contents(width: usize, out: &mut dyn Write) -> io::Result<()> {
    let what = "Proxies: the idle timeout of connections to a backend, the read timeout, the connect \
                timeout, and the requests after which a connection is closed.";
    wrap(what.split(' '), ["", ""], width, out)?;
    part(ProductSide::Proxy, &PROXY_COLUMNS, width, out)?;
    let what = "Servers: the keep-alive timeout of idle connections, the timeout for the head of a \
                request, and the requests after which a connection is closed.";
    writeln!(out)?;
    wrap(what.split(' '), ["", ""], width, out)?;
    part(ProductSide::Server, &SERVER_COLUMNS, width, out)?;
    writeln!(out)?;
    let more = "All values are defaults; ? is not known, or does not apply. `why502 timeouts NAME` prints \
                the setting, where it is documented and what was measured; --proxy NAME and --server \
                NAME compare a capture with it.";
    wrap(more.split(' '), ["  ", "  "], width, out)
}

fn part(
    side: ProductSide,
    columns: &[Column],
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut room = width.saturating_sub(FIRST).saturating_sub(2);
    let fitting = columns.iter().take_while(|(_, width, _)| {
        let left = room.checked_sub(*width);
        room = left.unwrap_or(0);
        left.is_some()
    });
    let columns: Vec<&Column> = fitting.collect();
    let line = |first: &str, cells: Vec<String>| {
        let padded: String = columns
            .iter()
            .zip(cells)
            .map(|((_, width, _), cell)| format!("{cell:<width$}"))
            .collect();
        format!("  {first:<FIRST$}{padded}").trim_end().to_owned()
    };
    let titles = columns.iter().map(|(title, ..)| (*title).to_owned()).collect();
    writeln!(out, "{DIM}{}{DIM:#}", line("name", titles))?;
    for known in all().filter(|known| known.side == side) {
        let cells = columns.iter().map(|(_, _, cell)| cell(known)).collect();
        writeln!(out, "{}", line(known.id, cells))?;
    }
    Ok(())
}

/// Seconds, to a tenth.
fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    match time.subsec_millis() / 100 {
        0 => format!("{whole} s"),
        tenths => format!("{whole}.{tenths} s"),
    }
}

fn time(limit: Limit<Duration>) -> String {
    match limit {
        Limit::After(Duration::ZERO) => "closes".to_owned(),
        Limit::After(time) => seconds(time),
        Limit::Never => "none".to_owned(),
        Limit::Unknown => "?".to_owned(),
    }
}

fn count(limit: Limit<u32>) -> String {
    match limit {
        Limit::After(requests) => requests.to_string(),
        Limit::Never => "no limit".to_owned(),
        Limit::Unknown => "?".to_owned(),
    }
}

/// Where it stands, in a word: the site, or the repository.
fn source(known: &Product) -> String {
    const WIDEST: usize = 22;
    let first = known.source.split(' ').next().unwrap_or_default();
    let place = match first.split_once("://").map(|(_, rest)| rest) {
        None if known.verified => "text without address".to_owned(),
        None => "none".to_owned(),
        Some(rest) => {
            let mut parts = rest.split('/');
            match (parts.next(), parts.next(), parts.next()) {
                (Some("github.com"), Some(owner), Some(name)) => format!("{owner}/{name}"),
                (host, ..) => host.unwrap_or_default().trim_start_matches("www.").to_owned(),
            }
        }
    };
    let short: String = if place.chars().count() > WIDEST {
        place.chars().take(WIDEST.saturating_sub(1)).chain(['…']).collect()
    } else {
        place
    };
    if known.verified { short } else { format!("{short} (unverified)") }
}

/// Writes what is known of one, in lines of at most `width` characters. `others` have names like it.
///
/// # Errors
/// When writing fails.
pub fn page(
    known: &Product,
    others: &[&Product],
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = known.names().collect::<Vec<_>>().join(", ");
    writeln!(out, "{BOLD}{}{BOLD:#}", known.name)?;
    let text = format!("{}: {names}", known.side.name());
    write!(out, "{DIM}")?;
    wrap(text.split(' '), ["  ", "  "], width, out)?;
    write!(out, "{DIM:#}")?;
    heading("By default", out)?;
    let mut row = |label: &str, text: &str| field(label, text, width, out);
    match known.side {
        ProductSide::Proxy => {
            row("idle timeout", &long(known.idle))?;
            row("read timeout", &long(known.read))?;
            row("connect timeout", &long(known.connect))?;
        }
        ProductSide::Server => {
            row("keep-alive", &long(known.idle))?;
            row("request head", &long(known.head))?;
        }
    }
    row("max. requests", &count(known.requests).replace('?', "not known"))?;
    if let Some(accepts) = known.accepts {
        row("health checks", &format!("accept {accepts}"))?;
    }
    row("announces", known.announces)?;
    row("retries", known.retries)?;
    row("measured", &dated(known.measured))?;
    observed::page(known, width, out)?;
    heading("To change it", out)?;
    let mut row = |label: &str, text: &str| field(label, text, width, out);
    row("setting", if known.knob.is_empty() { "none" } else { known.knob })?;
    row(
        if known.knob.is_empty() { "instead" } else { "for example" },
        &known.fix_for(example(known)),
    )?;
    row("where", known.place)?;
    if known.idle_bounds_answer {
        row(
            "but",
            "do not lower it: it also limits the time to answer. Raise the backend's keep-alive \
             timeout above it",
        )?;
    }
    heading("Source", out)?;
    let mut row = |label: &str, text: &str| field(label, text, width, out);
    for (index, source) in known.source.split(" ; ").enumerate() {
        row(if index == 0 { "source" } else { "and" }, source)?;
    }
    row("checked", &checked(known))?;
    row("note", known.note)?;
    if !others.is_empty() {
        let ids: Vec<&str> = others.iter().map(|other| other.id).collect();
        writeln!(out)?;
        field("see also", &ids.join(", "), width, out)?;
    }
    Ok(())
}

/// Writes those that a name may mean.
///
/// # Errors
/// When writing fails.
pub fn candidates(
    name: &str,
    several: &[&Product],
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "'{}' could be", name.escape_debug())?;
    for known in several {
        let first = format!("  {:<FIRST$}", known.id);
        let others = " ".repeat(first.len());
        let text = format!("{}, a {}: {}", known.name, known.side.name(), long(known.idle));
        wrap(text.split(' '), [&first, &others], width, out)?;
    }
    Ok(())
}

/// Which value was read in the source, and when.
fn checked(known: &Product) -> String {
    if !known.verified {
        return format!("no (no primary source found, {})", known.checked);
    }
    let value = match (known.idle, known.side) {
        (Limit::Unknown, _) => "main value",
        (_, ProductSide::Proxy) => "idle timeout",
        (_, ProductSide::Server) => "keep-alive timeout",
    };
    format!("yes ({value} read in the source on {})", known.checked)
}

/// What was measured, and when.
fn dated(measured: &str) -> String {
    if measured.is_empty() { String::new() } else { format!("{measured} (Nov 2026)") }
}

/// A time in words.
fn long(limit: Limit<Duration>) -> String {
    match limit {
        Limit::After(Duration::ZERO) => "closes after each response".to_owned(),
        Limit::Never => "none".to_owned(),
        Limit::Unknown => "not known".to_owned(),
        Limit::After(_) => time(limit),
    }
}

/// Seconds for an example: above the usual 60 s of proxies, or the 600 s or the hour of others, for a
/// server; below the usual 5 s of servers, for a proxy whose setting means idle connections alone.
fn example(known: &Product) -> u64 {
    let idle = known.idle.value().map_or(0, |idle| idle.as_secs());
    match known.side {
        // What is slower than that would not be answered any more.
        ProductSide::Proxy if known.idle_bounds_answer => idle,
        ProductSide::Proxy => 4,
        ProductSide::Server => {
            [65, 620].into_iter().find(|seconds| *seconds > idle).unwrap_or(3_720)
        }
    }
}

/// A label and what it labels; nothing where that is empty.
fn field(label: &str, text: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let first = format!("  {label:<17}");
    let others = " ".repeat(first.len());
    wrap(text.split(' '), [&first, &others], width, out)
}
