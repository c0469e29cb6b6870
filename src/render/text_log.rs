//! What the proxy's log says, for people: first what users saw, later the lines and the clocks.

use super::rows::{RowBlock, fitted};
use super::style::{YELLOW, clock};
use crate::base::wrap::{BOLD, DIM, TextPage, heading, paragraph};
use crate::report::model::Report;
use crate::report::{BackendOut, ClientRecord, ClientSource, FrontLegRecord, Log};
use crate::words::clients::{self, ClientGot};
use crate::words::input_section::{self, NOTE};
use crate::words::phrases::{TO_FIND_OUT, not_shown};
use crate::words::{log, log_alone, log_findings, log_section};
use std::io::{self, Write};
use std::time::Duration;

/// Lines shown without `--all`.
const SHOWN: usize = 10;

/// What is said of the failures next to the first sentence: by the log, or by the front leg.
pub(super) fn lead_sentences(report: &Report) -> Vec<String> {
    let Some(log) = &report.log else { return front(report).into_iter().collect() };
    let files = log.files_named();
    let of_lines = match log.errors_by_cause() {
        Some(errors) => log_section::errors_by_cause(&errors, &files),
        None => log_section::no_error(log.requests, &files),
    };
    let hidden = &log.hidden_retries;
    let longest = Duration::from_nanos(hidden.longest_ns);
    let by_retry = || log_section::hidden_by_retry(hidden.failures, longest);
    let twice = || format!("{YELLOW}{}{YELLOW:#}", log_section::ran_twice(hidden.ran_twice));
    let by_retry = (hidden.failures > 0).then(by_retry);
    [of_lines].into_iter().chain(by_retry).chain((hidden.ran_twice > 0).then(twice)).collect()
}

/// What clients saw of failures besides errors, where the front leg shows it and there is no log.
fn front(report: &Report) -> Option<String> {
    report.front_leg.as_ref()?;
    let hidden = report.clients.as_ref().map_or(0, |clients| clients.hidden_by_retry);
    clients::besides_errors(hidden, report.clients_unanswered())
}

/// Only a log: what it allows to say, and the capture that would tell the rest.
pub(super) fn alone(log: &Log, width: usize) -> Vec<RowBlock> {
    let files = log.files_named();
    let prose = |text: &str| fitted(text, ["", ""], width, 4);
    let mut first = RowBlock::default();
    if log.is_unread() {
        let [what, advice] = log_alone::no_line_read(&files);
        first.add(0, prose(&format!("{YELLOW}{what}{YELLOW:#} {advice}")));
        return vec![first];
    }
    if log.error_lines().next().is_none() {
        first.add(0, prose(&log_section::no_error(log.requests, &files)));
        for limit in limits_at_once(log) {
            note_rows(&mut first, &limit, width);
        }
        for out in &log.explaining {
            first.add(1, explaining(out, width));
        }
        return vec![first];
    }
    let text = log_alone::errors(&log.errors_by_status(), log.requests, &files);
    let (lead, others) = match log.findings.split_first() {
        Some((lead, others)) if lead.explains => (Some(lead), others),
        _ => (None, log.findings.as_slice()),
    };
    match lead.zip(log.because()) {
        Some((lead, because)) => {
            let lead =
                fitted(&format!("{BOLD}{because}:{BOLD:#} {}", lead.text), ["", ""], width, 6);
            first.add(0, lead);
            first.add(0, prose(&format!("{text} {}", log_alone::NO_CAPTURE)));
        }
        None => first.add(0, prose(&format!("{BOLD}{text}{BOLD:#} {}", log_alone::NO_CAPTURE))),
    }
    for limit in limits_at_once(log) {
        note_rows(&mut first, &limit, width);
    }
    if log.not_looked_at > 0 {
        let text = log_findings::not_looked_at(log.not_looked_at);
        note_rows(&mut first, &text, width);
    }
    for out in &log.explaining {
        first.add(1, explaining(out, width));
    }
    let mut found = RowBlock { instead: Some(more_reasons), ..RowBlock::default() };
    for (rank, finding) in (1_u8..100).zip(others) {
        found.add(rank, fitted(&finding.text, ["  ", "    "], width, 5));
    }
    let mut reasons = RowBlock { instead: Some(more_reasons), ..RowBlock::default() };
    for (place, alike) in log.errors_alike().iter().enumerate() {
        let text = log_alone::alike(alike.says, alike.code, &alike.statuses);
        let status = alike.statuses.first().copied().flatten();
        let question = log::open_question(alike.says, status);
        let mut lines = fitted(&text, ["  ", "  "], width, 3);
        let question = format!("{BOLD}{TO_FIND_OUT}:{BOLD:#} {question}.");
        lines.extend(fitted(&question, ["    ", "    "], width, 3));
        let rank = u8::try_from(place).unwrap_or(u8::MAX).min(100).saturating_add(1);
        reasons.add(rank, lines);
    }
    vec![first, found, reasons, take_a_capture(log, width)]
}

/// A line that is of no request and says why others failed.
fn explaining(out: &BackendOut, width: usize) -> Vec<String> {
    let text = log_alone::backend_out((out.backend, out.says), &out.code, out.line, out.failures);
    fitted(&text, ["  ", "    "], width, 3)
}

fn note_rows(block: &mut RowBlock, text: &str, width: usize) {
    let text = format!("{YELLOW}{NOTE}:{YELLOW:#} {text}.");
    block.add(1, fitted(&text, ["", ""], width, 3));
}

fn more_reasons(gone: usize) -> String {
    format!("  {}", not_shown(gone))
}

/// How to take the capture that would tell the rest.
fn take_a_capture(log: &Log, width: usize) -> RowBlock {
    let backends = log.worst_backends();
    let mut block = RowBlock::default();
    let heading = match log.findings.iter().any(|finding| finding.explains) {
        true => log_alone::CAPTURE_TO_PROVE,
        false => log_alone::TAKE_A_CAPTURE,
    };
    if !log.leaves_open() {
        block.add(1, fitted(log_alone::NO_CAPTURE_NEEDED, ["", ""], width, 2));
        return block;
    }
    block.add(1, vec![format!("{BOLD}{heading}{BOLD:#}")]);
    // Where it is not what people expect, that comes before the commands.
    let place = log.where_to_capture();
    let rank = if place == log_alone::WHERE { 5 } else { 1 };
    block.add(rank, fitted(place, ["  ", "  "], width, 3));
    if backends.is_empty() {
        block.add(5, fitted(log_alone::PORT_STANDS_FOR, ["  ", "  "], width, 2));
    }
    let first = log.files.first().map(|file| file.path.as_str());
    block.add(1, vec![format!("    {}", log_alone::capture(&backends))]);
    block.add(1, vec![format!("    {}", log_alone::analyze(first))]);
    block.add(4, vec![format!("  {}", log_alone::OR_WATCH)]);
    block.add(4, vec![format!("    {}", log_alone::watch(&backends))]);
    block
}

/// The lines without a cause on the leg, and what was found out on the way.
pub fn section(report: &Report, all: bool, out: &mut TextPage<'_>) -> io::Result<()> {
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

fn lines(log: &Log, all: bool, out: &mut TextPage<'_>) -> io::Result<()> {
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
        let (at, place) =
            (line.at.map_or_else(|| "-".to_owned(), &clock), log_section::place(file, line.line));
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

fn front_leg(front: &FrontLegRecord, out: &mut TextPage<'_>) -> io::Result<()> {
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
pub fn limits(log: &Log, out: &mut TextPage<'_>) -> io::Result<()> {
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

/// What of the log could not be read, a sentence each.
pub(super) fn limits_at_once(log: &Log) -> Vec<String> {
    let mut limits = Vec::new();
    for file in &log.files {
        let path = file.path.as_str();
        limits.extend(file.damage.as_ref().map(|damage| format!("{path}: {damage}")));
        if file.unreadable > 0 {
            let text = input_section::unreadable(path, file.unreadable);
            limits.push(text.trim_end_matches(':').to_owned());
        }
    }
    limits
}

/// Something that limits the answer, or completes it.
pub fn note(text: &str, out: &mut TextPage<'_>) -> io::Result<()> {
    paragraph(&format!("{YELLOW}{NOTE}:{YELLOW:#} {text}"), "  ", out)
}
