//! The answer on one screen: what happened, how sure, what to change, the failures grouped, what to do
//! next. All else is one option away.

use super::rows::{self, RowBlock, elided, fitted};
use super::style::{GREEN, RED, YELLOW};
use super::text_log;
use crate::base::wrap::{BOLD, DIM, visible};
use crate::report::headline::{AnalysisOutcome, Headline};
use crate::report::model::{BackendRecord, FailureGroup, FailureRecord, Report, Timeout};
use crate::report::{LeadingCause, Log, Named};
use crate::verdict::{Cause, Retry};
use crate::words::failure_section;
use crate::words::fix::Fix;
use crate::words::phrases::{TO_FIND_OUT, WHAT_TO_CHANGE, sentence};
use crate::words::screen::{self as words, TimerSeen, label};
use crate::words::words;
use std::io::{self, Write};
use std::time::Duration;

/// Columns of the labels.
const LABEL: usize = 9;
/// Columns between a label and what it stands before.
const INDENT: &str = "           ";
/// Fixes shown.
const FIXES: usize = 3;
/// Items of this rank, and those before them, should find room.
const NEEDED: u8 = 2;
/// Frames named in the filter.
const FRAMES: usize = 60;

/// Writes the answer in at most `most` rows of `width` columns.
///
/// # Errors
/// When writing fails.
pub(super) fn write(
    report: &Report,
    most: usize,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let lead = report.leading_cause();
    if let Some(log) = report.log.as_ref().filter(|_| report.captures.is_empty()) {
        let mut blocks = text_log::alone(log, width);
        let change = Screen { report, width, tight: Tightness::Loose }.change_by_log(log);
        blocks.insert(blocks.len().saturating_sub(1), change);
        return rows::write(&blocks, most, out);
    }
    let blocks = |tight| {
        let screen = Screen { report, width, tight };
        let mut blocks = vec![screen.head(lead.as_ref())];
        blocks.extend(lead.as_ref().map(|lead| screen.lead(lead)));
        blocks.extend([screen.change(), screen.groups(), screen.sound(), screen.notes()]);
        blocks.push(screen.next(lead.as_ref()));
        blocks
    };
    // What happened is told shorter before what to do next finds no room.
    let mut looser =
        [Tightness::Loose, Tightness::Tight, Tightness::Tighter].into_iter().map(blocks);
    let fits = looser.find(|blocks| rows::keeps(blocks, most, NEEDED));
    rows::write(&fits.unwrap_or_else(|| blocks(Tightness::Tightest)), most, out)
}

/// What is written, and how wide.
struct Screen<'r> {
    report: &'r Report,
    width: usize,
    tight: Tightness,
}

/// How much is left out where there is not room for all that is needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    /// Nothing.
    Loose,
    /// Why it may be sent again, or not.
    Tight,
    /// A line of what happened to the first, too.
    Tighter,
    /// And what the cause is in general: what happened to the first says it.
    Tightest,
}

impl Screen<'_> {
    /// The first sentence, and what the log says of it.
    fn head(&self, lead: Option<&LeadingCause<'_>>) -> RowBlock {
        let headline = self.report.headline();
        let counts = headline.failed();
        let Headline { outcome, unread, clients, .. } = headline;
        let mut block = RowBlock::default();
        let colour = match outcome {
            AnalysisOutcome::Failed => RED,
            AnalysisOutcome::Sound => GREEN,
            AnalysisOutcome::NothingJudged => YELLOW,
        };
        let plain = |text: &str, rank, most, block: &mut RowBlock| {
            block.add(rank, self.prose(text, most));
        };
        if let Some(unread) = unread {
            plain(&format!("{YELLOW}{unread}{YELLOW:#}"), 0, 4, &mut block);
        }
        if let Some(counts) = counts {
            // Of an event and of health checks the next line says it, and where room is scarce of all.
            let told = |lead: &&LeadingCause<'_>| {
                let named = self.report.main_cause() == Some(lead.cause);
                let room = self.tight < Tightness::Tightest;
                named && room && !lead.is_event && lead.cause != Cause::HealthCheckFailing
            };
            let what = lead.filter(told).map(|lead| words(lead.cause).happened());
            let what = what.map(|what| format!(" {what}."));
            let text = format!("{colour}{counts}{colour:#}{}", what.unwrap_or_default());
            plain(&text, 0, 4, &mut block);
        }
        for (rank, text) in clients
            .into_iter()
            .map(|text| (3, text))
            .chain(text_log::lead_sentences(self.report).into_iter().map(|text| (2, text)))
        {
            plain(&text, rank, 3, &mut block);
        }
        block
    }

    /// What explains most, line by line.
    fn lead(&self, lead: &LeadingCause<'_>) -> RowBlock {
        let mut block = RowBlock::default();
        let LeadingCause { text, example, certainty, retry, .. } = lead;
        if lead.is_event {
            self.labelled(&mut block, 1, label::WHAT, text, 4);
        } else {
            let text = words::first(example.at, text);
            let most = if self.tight >= Tightness::Tighter { 3 } else { 4 };
            self.labelled(&mut block, 1, label::FIRST, &text, most);
        }
        for timer in timers(self.report, example) {
            self.labelled(&mut block, 4, label::TIMER, &timer, 2);
        }
        let certainty: Vec<_> = certainty.iter().collect();
        let frames: Vec<(String, &str)> = example
            .proving()
            .into_iter()
            .map(|frame| (self.frame(frame.capture, frame.number), frame.note.as_str()))
            .collect();
        self.labelled(&mut block, 2, label::PROOF, &words::proof(&certainty, &frames), 3);
        let counts: Vec<(Retry, u64)> = retry.iter().collect();
        let method = example.request.as_ref().and_then(|request| request.method.as_deref());
        if example.cause == Cause::HealthCheckFailing {
            return block;
        }
        let why = Some(example.retry_reason.as_str()).filter(|_| self.tight == Tightness::Loose);
        let text = words::retry(&counts, method, why);
        let colour = match counts.as_slice() {
            [(Retry::Safe, _)] => GREEN,
            _ => YELLOW,
        };
        let text = format!("{colour}{text}{colour:#}");
        self.labelled(&mut block, 2, label::RETRY, &text, 2);
        block
    }

    /// What to change, each with the line to be copied where there is one.
    fn change(&self) -> RowBlock {
        let mut block = RowBlock::default();
        let fixes = self.report.what_to_change();
        let several = fixes.len() > 1;
        let all = self.report.changes();
        let Some((_, first)) = all.first() else { return block };
        let to_find_out = all.iter().all(|(cause, _)| *cause == Cause::Unproven);
        let heading = match (to_find_out, all.len() > fixes.len()) {
            (true, _) => TO_FIND_OUT,
            (false, true) if !several => words::ONE_IS_ENOUGH,
            (false, _) => WHAT_TO_CHANGE,
        };
        block.add(1, vec![format!("{BOLD}{heading}{BOLD:#}")]);
        for (place, (cause, fix)) in all.iter().enumerate().take(FIXES) {
            // A line that is ready to be copied is worth its row.
            let rank = match place {
                0 => 1,
                _ if fix.line.is_some() => 2,
                _ => 3,
            };
            let of = several.then(|| words(*cause).noun[0]);
            self.fix(&mut block, rank, of, fix);
        }
        self.helped(&mut block);
        if let Some(instead) = &first.instead_of {
            self.labelled(&mut block, 9, label::NOT, &format!("{instead}."), 2);
        }
        block
    }

    /// What to change by what the log shows by itself.
    fn change_by_log(&self, log: &Log) -> RowBlock {
        let mut block = RowBlock::default();
        let with_fix = log.findings.iter().filter_map(|one| one.fix.as_ref()).take(FIXES);
        for (place, fix) in with_fix.enumerate() {
            if place == 0 {
                block.add(1, vec![format!("{BOLD}{WHAT_TO_CHANGE}{BOLD:#}")]);
            }
            for (way, fix) in fix.each().enumerate() {
                self.fix(&mut block, if way == 0 { 1 } else { 3 }, None, fix);
            }
        }
        block
    }

    /// How to see whether it helped.
    fn helped(&self, block: &mut RowBlock) {
        if let Some(text) = self.report.how_to_check() {
            self.labelled(block, 2, label::HELPED, &text, 2);
        }
    }

    /// Something to change; `of` is what it is against, where that is not clear.
    fn fix(&self, block: &mut RowBlock, rank: u8, of: Option<&str>, fix: &Fix) {
        let side = fix.side.map_or("capture", |side| side.name());
        let Some(line) = &fix.line else {
            let of = of.map_or_else(String::new, |of| format!("{of}: "));
            return self.labelled(
                block,
                rank,
                side,
                &format!(
                    "{of}{}.",
                    sentence_start(fix.brief.as_deref().unwrap_or(&fix.text), of.is_empty())
                ),
                4,
            );
        };
        let line = format!("{BOLD}{line}{BOLD:#}");
        let why = fix.place.as_deref().or(fix.why.as_deref()).unwrap_or_default();
        let own = format!("  {side:<LABEL$}{line}");
        // A line to be copied is one line, whatever its length; its reason stands beside it where there is room.
        let beside = visible(&own).saturating_add(visible(why)).saturating_add(4) <= self.width;
        block.add(rank, vec![if beside { format!("{own}    {DIM}{why}{DIM:#}") } else { own }]);
        if !beside && !why.is_empty() {
            block.add(8, fitted(why, [INDENT, INDENT], self.width, 1));
        }
    }

    /// The failures, grouped.
    fn groups(&self) -> RowBlock {
        let groups = &self.report.groups;
        let mut block = RowBlock { instead: Some(more), ..RowBlock::default() };
        let one = |value: &dyn Fn(&FailureGroup) -> String| {
            let mut values = groups.iter().map(value);
            let first = values.next();
            values.all(|value| Some(value) == first)
        };
        let one_cause = one(&|group| group.cause.name().to_owned());
        let one_backend = one(&|group| group.backend.map(|at| at.to_string()).unwrap_or_default());
        for (place, group) in groups.iter().enumerate() {
            let rank = 2_u8.saturating_add(u8::try_from(place).unwrap_or(u8::MAX).min(100));
            block.add(rank, vec![self.group(group, one_cause, one_backend)]);
        }
        block
    }

    fn group(&self, group: &FailureGroup, one_cause: bool, one_backend: bool) -> String {
        let mut parts = vec![format!("{:>5} ×", group.count), group.first.time_of_day()];
        if !one_cause {
            parts.push(group.cause.name().to_owned());
        }
        if let Some(backend) = group.backend.filter(|_| !one_backend) {
            parts.push(backend.to_string());
        }
        let users = &group.users;
        let known = [users.answered, users.cut, users.left];
        let saw = words::users(known, &users.errors, users.likely, users.expected);
        let request = (group.method.as_deref(), group.target_pattern.as_deref());
        let asked = match request {
            (None, None) => String::new(),
            (method, target) => failure_section::request(method, target),
        };
        let rest = parts.join("  ");
        let taken = visible(&rest).saturating_add(visible(&saw)).saturating_add(6);
        let room = self.width.saturating_sub(taken).max(8);
        let asked = asked.split(' ').map(|word| elided(word, room.saturating_sub(5).max(4)));
        let asked = asked.collect::<Vec<_>>().join(" ");
        // Rows stand in columns where there is room for it.
        let column = if self.report.groups.iter().any(|one| one.method.is_some()) { 20 } else { 0 };
        let wide = if column == 0 && asked.is_empty() {
            format!("{rest}  {saw}")
        } else {
            format!("{rest}  {asked:<column$}  {saw}")
        };
        if visible(&wide) <= self.width {
            return wide;
        }
        [rest, asked, saw]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("  ")
    }

    /// Where nothing failed: what was asked of each backend, and what may still happen.
    fn sound(&self) -> RowBlock {
        let mut block = RowBlock::default();
        if self.report.outcome() != AnalysisOutcome::Sound {
            return block;
        }
        for backend in &self.report.backends {
            let text = words::sound_backend(backend.backend, backend.requests(), &backend.statuses);
            block.add(5, fitted(&text, ["  ", "    "], self.width, 2));
        }
        let fixes = self.report.what_to_change_before();
        for backend in self.report.races_to_come() {
            let text = words::race_to_come(backend.backend);
            let text = format!("{YELLOW}{text}{YELLOW:#}");
            block.add(3, fitted(&text, ["  ", "  "], self.width, 3));
            for timer in idle_timers(backend) {
                self.labelled(&mut block, 4, label::TIMER, &timer, 2);
            }
        }
        for (place, fix) in fixes.iter().flat_map(Fix::each).enumerate().take(FIXES) {
            if place == 0 {
                block.add(
                    2,
                    vec![String::new(), format!("{BOLD}{}{BOLD:#}", words::BEFORE_IT_HAPPENS)],
                );
            }
            self.fix(&mut block, 3, None, fix);
        }
        if !fixes.is_empty() {
            self.helped(&mut block);
        }
        block
    }

    /// What limits the answer.
    fn notes(&self) -> RowBlock {
        let mut block = RowBlock::default();
        let mut add = |rank: u8, text: &str| {
            let text = format!("{YELLOW}{}{YELLOW:#}{text}.", words::NOTE);
            block.add(rank, fitted(&text, ["  ", "  "], self.width, 3));
        };
        for (weight, note) in self.report.notes_at_once() {
            // What is missing comes before what is odd.
            add(if weight < 2 { 1 } else { weight.saturating_add(3) }, &note.text);
        }
        for text in self.report.log.iter().flat_map(text_log::limits_at_once) {
            add(1, &text);
        }
        block
    }

    /// What was read, and the commands that show more.
    fn next(&self, lead: Option<&LeadingCause<'_>>) -> RowBlock {
        let mut block = RowBlock::default();
        let paths: Vec<String> =
            self.report.captures.iter().map(|capture| quoted(&capture.path)).collect();
        let frames = self.report.counters.frames;
        let span = self.report.captures.iter();
        let first = span.clone().filter_map(|capture| capture.first).min();
        let last = span.filter_map(|capture| capture.last).max();
        if let Some((first, last)) = first.zip(last) {
            let text = words::read(frames, first, last);
            self.command(&mut block, 6, label::READ, &text);
        }
        if self.report.is_watch() || paths.is_empty() {
            return block;
        }
        if let Some(lead) = lead
            && let Some(number) = self.report.number_of(&lead.example.id)
        {
            let show = [format!("why502 show {number}")].into_iter().chain(paths);
            block.add(1, self.typed(label::SEE_ONE, show));
        }
        self.command(&mut block, 7, label::MORE, label::OPTIONS);
        if let Some(lead) = lead
            && let Some(filter) = self.filter(lead)
        {
            self.command(&mut block, 3, label::WIRESHARK, &filter);
        }
        block
    }

    /// The frames that prove failures of the leading cause, as far as a line has room for them; the connection of
    /// one where they are of several captures.
    fn filter(&self, lead: &LeadingCause<'_>) -> Option<String> {
        if self.report.captures.len() > 1 {
            // Numbers mean something in one of them only.
            let FailureRecord { proxy, backend, .. } = lead.example;
            let (proxy, backend) = ((*proxy)?, (*backend)?);
            return Some(words::between_ports(proxy.port, backend.port));
        }
        let alike = self
            .report
            .failures
            .iter()
            .filter(|one| (one.cause, one.backend) == (lead.cause, lead.example.backend));
        let mut numbers: Vec<u64> =
            alike.flat_map(FailureRecord::proving).map(|frame| frame.number).take(FRAMES).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let room = self.width.saturating_sub(LABEL.saturating_add(26));
        let mut filter = String::new();
        for number in numbers {
            let next = number.to_string();
            if !filter.is_empty() {
                if filter.len().saturating_add(next.len()).saturating_add(1) > room {
                    break;
                }
                filter.push(',');
            }
            filter.push_str(&next);
        }
        (!filter.is_empty()).then(|| format!("frame.number in {{{filter}}}"))
    }

    fn command(&self, block: &mut RowBlock, rank: u8, label: &str, text: &str) {
        block.add(rank, fitted(text, [&format!("{label:<LABEL$}  "), INDENT], self.width, 2));
    }

    /// A command to be typed, in several lines where one has no room for it.
    fn typed(&self, label: &str, parts: impl Iterator<Item = String>) -> Vec<String> {
        let room = self.width.saturating_sub(2);
        let mut lines: Vec<String> = Vec::new();
        let mut line = format!("{label:<LABEL$}  ");
        let mut filled = false;
        for part in parts {
            if filled && visible(&line).saturating_add(visible(&part)) > room {
                lines.push(format!("{line}\\"));
                line = format!("{INDENT}  ");
            }
            line.push_str(&part);
            line.push(' ');
            filled = true;
        }
        lines.push(line);
        lines
    }

    fn labelled(&self, block: &mut RowBlock, rank: u8, label: &str, text: &str, most: usize) {
        let first = format!("  {DIM}{label:<LABEL$}{DIM:#}");
        block.add(rank, fitted(text, [&first, INDENT], self.width, most));
    }

    fn prose(&self, text: &str, most: usize) -> Vec<String> {
        fitted(text, ["", ""], self.width, most)
    }

    /// The number of a frame; with several captures, which of them it is in.
    fn frame(&self, capture: u32, number: u64) -> String {
        if self.report.captures.len() > 1 {
            format!("{capture}:{number}")
        } else {
            number.to_string()
        }
    }
}

/// In the place of groups that were left out.
fn more(gone: usize) -> String {
    words::more_groups(gone)
}

/// With a capital, where nothing stands before it.
fn sentence_start(text: &str, first: bool) -> String {
    if first { sentence(text).trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// The measured timers behind a failure.
fn timers(report: &Report, failure: &FailureRecord) -> Vec<String> {
    let Some(backend) = report.backend_of(failure) else { return Vec::new() };
    match failure.cause {
        Cause::KeepaliveRace | Cause::StaleReuse => idle_timers(backend),
        Cause::ResponseTimeout => {
            let read = backend.proxies.iter().filter_map(|proxy| {
                let timer = seen(proxy.proxy_read.as_ref())?;
                Some(words::waits_for(&of(&format!("proxy {}", proxy.proxy), None, timer)))
            });
            read.take(1).collect()
        }
        _ => Vec::new(),
    }
}

/// How long both sides of a backend keep idle connections, as far as that was measured.
fn idle_timers(backend: &BackendRecord) -> Vec<String> {
    let own = seen(backend.backend_keepalive.as_ref()).map(|timer| {
        let product = backend.server.map(Named::named);
        words::closes_after(&of("backend", product, timer))
    });
    let proxies = backend.proxies.iter().filter_map(|proxy| {
        let timer = seen(proxy.proxy_idle.as_ref())?;
        Some(words::closes_after(&of(
            &format!("proxy {}", proxy.proxy),
            proxy.kind.map(Named::named),
            timer,
        )))
    });
    own.into_iter().chain(proxies.take(1)).collect()
}

/// A timer that was measured, and in how many closes.
fn seen(timeout: Option<&Timeout>) -> Option<(Duration, u64)> {
    let timeout = timeout?;
    Some((Duration::from_nanos(timeout.observed_ns?), timeout.samples))
}

fn of<'a>(
    who: &'a str,
    product: Option<&'a str>,
    (seen, closes): (Duration, u64),
) -> TimerSeen<'a> {
    TimerSeen { who, product, seen, closes }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%,=".contains(letter);
    if !path.is_empty() && path.chars().all(plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}
