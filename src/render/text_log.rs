//! What the proxy's log says, for people: first what users saw, later the lines and the clocks.

use super::style::{YELLOW, clock};
use crate::base::wrap::{BOLD, DIM, heading, paragraph};
use crate::report::model::Report;
use crate::report::{ClientRecord, ClientSource, FrontLegRecord, Log};
use crate::words::clients::{self, ClientGot};
use crate::words::input_section::{self, NOTE};
use crate::words::phrases::{TO_FIND_OUT, not_shown};
use crate::words::{log, log_alone, log_section};
use std::io::{self, Write};
use std::time::Duration;

/// Lines shown without `--all`.
const SHOWN: usize = 10;

/// What the lines of the log are of: comes next to the first sentence.
pub fn lead(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(log) = &report.log else { return front(report, out) };
    if report.captures.is_empty() {
        return alone(log, out);
    }
    let files = log.files_named();
    writeln!(out)?;
    match log.errors_by_cause() {
        Some(errors) => {
            let text = log_section::errors_by_cause(&errors, &files);
            paragraph(&format!("{BOLD}{text}{BOLD:#}"), "", out)
        }
        None => paragraph(&log_section::no_error(log.requests, &files), "", out),
    }?;
    hidden(log, out)
}

/// Failures that clients did not see.
fn hidden(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    let hidden = &log.hidden_retries;
    if hidden.failures > 0 {
        let longest = Duration::from_nanos(hidden.longest_ns);
        paragraph(&log_section::hidden_by_retry(hidden.failures, longest), "", out)?;
    }
    if hidden.ran_twice > 0 {
        let text = log_section::ran_twice(hidden.ran_twice);
        paragraph(&format!("{YELLOW}{text}{YELLOW:#}"), "", out)?;
    }
    Ok(())
}

/// What clients saw of failures besides errors, where the front leg shows it and there is no log.
fn front(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.front_leg.is_none() {
        return Ok(());
    }
    let hidden = report.clients.as_ref().map_or(0, |clients| clients.hidden_by_retry);
    let Some(text) = clients::besides_errors(hidden, report.clients_unanswered()) else {
        return Ok(());
    };
    writeln!(out)?;
    paragraph(&format!("{BOLD}{text}{BOLD:#}"), "", out)
}

/// Only a log: what it allows to say, and the capture that would tell the rest.
fn alone(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    let files = log.files_named();
    if log.is_unread() {
        let [what, advice] = log_alone::no_line_read(&files);
        return paragraph(&format!("{YELLOW}{what}{YELLOW:#} {advice}"), "", out);
    }
    if log.error_lines().next().is_none() {
        return paragraph(&log_section::no_error(log.requests, &files), "", out);
    }
    let text = log_alone::errors(&log.errors_by_status(), log.requests, &files);
    paragraph(&format!("{BOLD}{text}{BOLD:#} {}", log_alone::NO_CAPTURE), "", out)?;
    for alike in log.errors_alike() {
        writeln!(out)?;
        paragraph(&log_alone::alike(alike.says, alike.code, &alike.statuses), "  ", out)?;
        let status = alike.statuses.first().copied().flatten();
        let question = log::open_question(alike.says, status);
        paragraph(&format!("{BOLD}{TO_FIND_OUT}:{BOLD:#} {question}."), "  ", out)?;
    }
    take_a_capture(log, out)
}

/// How to take the capture that would tell the rest.
fn take_a_capture(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    let backends = log.worst_backends();
    heading(log_alone::TAKE_A_CAPTURE, out)?;
    paragraph(log_alone::WHERE, "  ", out)?;
    if backends.is_empty() {
        paragraph(log_alone::PORT_STANDS_FOR, "  ", out)?;
    }
    let first = log.files.first().map(|file| file.path.as_str());
    writeln!(out, "\n    {}", log_alone::capture(&backends))?;
    writeln!(out, "    {}", log_alone::analyze(first))?;
    writeln!(out, "\n  {}", log_alone::OR_WATCH)?;
    writeln!(out, "\n    {}", log_alone::watch(&backends))
}

/// The lines without a cause on the leg, and what was found out on the way.
pub fn section(report: &Report, all: bool, out: &mut dyn Write) -> io::Result<()> {
    if let Some(log) = &report.log
        && !report.captures.is_empty()
    {
        lines(log, all, out)?;
    }
    if let Some(front) = &report.front_leg {
        front_leg(front, out)?;
    }
    Ok(())
}

fn lines(log: &Log, all: bool, out: &mut dyn Write) -> io::Result<()> {
    if log.unmatched.is_empty() && log.matched_by.is_empty() {
        return Ok(());
    }
    heading(log_section::HEADING, out)?;
    if !log.matched_by.is_empty() {
        paragraph(&log_section::matched(log.matched_by.iter()), "  ", out)?;
    }
    for file in &log.files {
        if let Some(text) = file.clock_told() {
            paragraph(&format!("{}: {text}", file.path), "  ", out)?;
        }
    }
    for times in log.longest() {
        paragraph(&log_section::split(&times), "  ", out)?;
    }
    let shown = if all { log.unmatched.len() } else { SHOWN };
    for line in log.unmatched.iter().take(shown) {
        let status = line.status.map_or("-".to_owned(), |status| status.to_string());
        let request = [line.method.as_deref(), line.target.as_deref()];
        let request: Vec<&str> = request.into_iter().flatten().collect();
        let file = log.files.get(line.file).map_or("", |file| file.path.as_str());
        let (at, place) = (clock(line.at), log_section::place(file, line.line));
        writeln!(out, "\n  {at}  {BOLD}{status}{BOLD:#}  {}", request.join(" "))?;
        writeln!(out, "      {DIM}{place}{DIM:#}")?;
        paragraph(&format!("{}.", line.text), "      ", out)?;
    }
    let rest = log.unmatched.len().saturating_sub(shown);
    if rest > 0 {
        writeln!(out, "\n  {}", not_shown(rest))?;
    }
    Ok(())
}

fn front_leg(front: &FrontLegRecord, out: &mut dyn Write) -> io::Result<()> {
    heading(clients::HEADING, out)?;
    let requests = clients::requests(front.requests, &front.listeners, front.joined);
    writeln!(out, "  {requests}")?;
    if !front.statuses.is_empty() {
        writeln!(out, "  {}", clients::statuses(&front.statuses))?;
    }
    if let (Some(median), Some(longest)) = (front.proxy_p50_ns, front.proxy_max_ns) {
        let [median, longest] = [median, longest].map(Duration::from_nanos);
        writeln!(out, "  {}", clients::in_proxy(median, longest))?;
    }
    Ok(())
}

/// What the client got of one failure.
pub fn client(client: &ClientRecord, report: &Report) -> String {
    let files = report.log.as_ref().map_or(&[][..], |log| &log.files);
    let log = client.line.and_then(|line| files.get(line.file));
    clients::got(&ClientGot {
        status: client.status,
        after: client.latency_ns.map(Duration::from_nanos),
        retried: client.retried,
        retried_after: client.cost_ns.map(Duration::from_nanos),
        ran_twice: client.ran_twice,
        in_proxy: client.proxy_ns.map(Duration::from_nanos),
        log: log.map(|file| file.path.as_str()),
        line: client.line.map(|line| line.number),
        matched_by: match client.matched_by {
            ClientSource::Matched(by) => Some(by),
            ClientSource::FrontLeg | ClientSource::Log => None,
        },
    })
}

/// What limits the answer: files, their lines that could not be read, damage.
pub fn limits(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    for file in &log.files {
        let path = file.path.as_str();
        let span = file.first.zip(file.last);
        let text = input_section::log_file(path, file.lines, file.format, file.local_times, span);
        paragraph(&text, "  ", out)?;
        if let Some(damage) = &file.damage {
            note(&format!("{path}: {damage}"), out)?;
        }
        if file.unreadable > 0 {
            note(&input_section::unreadable(path, file.unreadable), out)?;
            for unread in &file.unreadable_first {
                let text = input_section::unread_line(
                    unread.line,
                    unread.length,
                    &unread.shape,
                    unread.reason,
                );
                paragraph(&text, "      ", out)?;
            }
        }
    }
    if log.errors_not_kept > 0 {
        note(&input_section::no_room(log.errors_not_kept), out)?;
    }
    Ok(())
}

/// Something that limits the answer, or completes it.
pub fn note(text: &str, out: &mut dyn Write) -> io::Result<()> {
    paragraph(&format!("{YELLOW}{NOTE}:{YELLOW:#} {text}"), "  ", out)
}
