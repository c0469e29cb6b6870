//! The commands: open what was named, analyze, write the answer.

use crate::analysis::{self, Settings};
use crate::base::wrap;
use crate::cli::output::{self, Destination, Paper};
use crate::cli::page_file::PageFile;
use crate::cli::progress::Progress;
use crate::cli::{
    Analyze, Cli, Command, Config, Explain, Shared, TimeoutsArgs, When, config, output_paths,
};
use crate::input::stop::Stop;
use crate::input::{
    Block, CaptureFacts, Fill, Filter, Savefile, Source, SourceError, Text, together,
};
use crate::live;
use crate::render::{self, explain};
use crate::report::records::{self, Record};
use crate::report::{AnalysisOutcome, FailureRecord, Headline, Report};
use crate::timeouts::{self, Lookup};
use crate::words::show::no_such;
use anstream::AutoStream;
use anyhow::{Context, Error, Result, bail};
use clap::Parser;
use std::cell::RefCell;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Columns of a page of prose or of a table, however wide the terminal.
const LONGEST_PAGE: usize = 96;

/// Exit status: done, no failure.
const NO_FAILURE: u8 = 0;
/// Exit status: done, failures found.
const FAILURES: u8 = 1;
/// Exit status: it could not be done.
const COULD_NOT: u8 = 2;

/// The program: does what was typed, and says on standard error why it could not.
pub fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(status) => ExitCode::from(status),
        // Whoever read our output has heard enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("why502: {error:#}");
            ExitCode::from(COULD_NOT)
        }
    }
}

/// Does what was typed; returns the exit status.
///
/// # Errors
/// When it cannot be done. What could be read is reported all the same wherever there is any.
fn run(cli: &Cli) -> Result<u8> {
    match &cli.command {
        Command::Analyze(typed) => analyze(typed, None),
        Command::Show(typed) => analyze(&typed.analyze, Some(&typed.which)),
        Command::Live(typed) => live::run(typed),
        Command::Explain(typed) => explain(typed),
        Command::Timeouts(typed) => timeouts(typed),
        Command::Config(Config { .. }) => example(),
    }
}

/// The captures that can be read, and what is said of the others.
fn open(paths: &[PathBuf], stop: &Arc<Stop>, failed: &mut Vec<Error>) -> Vec<(PathBuf, Savefile)> {
    let mut captures = Vec::new();
    for path in paths {
        match Savefile::open_until(path, 0, Some(stop)) {
            Ok(capture) => captures.push((path.clone(), capture)),
            Err(error) => failed.push(error.into()),
        }
    }
    captures
}

/// Captures that belong together, in the order of their first frames: a rotated ring is given in any
/// order. A single one is not looked into before its time; it may be a pipe.
fn stories(captures: Vec<(PathBuf, Savefile)>, stop: &Arc<Stop>) -> Result<Vec<Vec<Savefile>>> {
    let mut stories = if captures.iter().any(|(_, capture)| capture.is_a_pipe()) {
        // It can be read only once: it is taken as it is given.
        vec![captures.into_iter().map(|(_, capture)| capture).collect()]
    } else if captures.len() > 1 {
        let mut open = |place: usize| match captures.get(place) {
            Some((path, _)) => Savefile::open_until(path, 0, Some(stop)),
            None => Savefile::open_until(&PathBuf::new(), 0, Some(stop)),
        };
        let groups = together::groups(captures.len(), &mut open)?;
        let mut captures: Vec<Option<Savefile>> =
            captures.into_iter().map(|(_, capture)| Some(capture)).collect();
        let mut take = |place: usize| captures.get_mut(place).and_then(Option::take);
        let story = |group: Vec<usize>| group.into_iter().filter_map(&mut take).collect();
        groups.into_iter().map(story).collect()
    } else {
        vec![captures.into_iter().map(|(_, capture)| capture).collect()]
    };
    for story in &mut stories {
        in_order(story)?;
    }
    Ok(stories)
}

fn in_order(captures: &mut Vec<Savefile>) -> Result<()> {
    if captures.len() > 1 {
        let mut timed = Vec::new();
        for mut capture in captures.drain(..) {
            timed.push((capture.first_time()?, capture));
        }
        timed.sort_by_key(|(first, _)| *first);
        captures.extend(timed.into_iter().map(|(_, capture)| capture));
    }
    for (place, capture) in captures.iter_mut().enumerate() {
        capture.set_place(u32::try_from(place).unwrap_or(u32::MAX));
    }
    Ok(())
}

/// The proxy's logs, in the order given; what a pattern stands for in the order of their names.
fn logs(typed: &Analyze) -> Result<Vec<PathBuf>> {
    let stdin = PathBuf::from("-");
    let asked = typed.access_log.iter().chain(&typed.captures).filter(|path| **path == stdin);
    if asked.count() > 1 {
        bail!("-: standard input can be read only once; give the other one as a file");
    }
    let mut logs = Vec::new();
    for path in &typed.access_log {
        let pattern = path.to_str().filter(|name| name.contains(['*', '?', '[']));
        // A file may be called so.
        let Some(pattern) = pattern.filter(|_| !path.exists()) else {
            logs.push(path.clone());
            continue;
        };
        let before = logs.len();
        for found in glob::glob(pattern).with_context(|| format!("--access-log {pattern}"))? {
            let found = found.with_context(|| format!("--access-log {pattern}"))?;
            if !found.is_dir() {
                logs.push(found);
            }
        }
        if logs.len() == before {
            bail!("--access-log {pattern}: no file is called so");
        }
    }
    Ok(logs)
}

/// The logs that can be read, and what is said of the others.
fn open_logs(paths: &[PathBuf], stop: &Arc<Stop>, failed: &mut Vec<Error>) -> Vec<Text> {
    let mut logs = Vec::new();
    for path in paths {
        match Text::open_until(path, Some(stop)) {
            Ok(log) => logs.push(log),
            Err(error) => failed.push(error.into()),
        }
    }
    logs
}

/// A source that lets the answer so far go before it waits for more: whoever reads along wants it at
/// once. One that fails ends; the others are read on.
struct Flushing<'o, S> {
    source: S,
    out: &'o RefCell<BufWriter<Box<dyn Write>>>,
    failed: &'o RefCell<Vec<Error>>,
}

impl<S: Source> Source for Flushing<'_, S> {
    fn fill(&mut self, block: &mut Block) -> Result<Fill, SourceError> {
        // A write that fails shows with the next record.
        let _ = self.out.borrow_mut().flush();
        self.source.fill(block).or_else(|error| {
            self.failed.borrow_mut().push(error.into());
            Ok(Fill::End)
        })
    }

    fn facts(&self) -> &CaptureFacts {
        self.source.facts()
    }
}

/// The captures of one story as they are read: filtered, with progress, and with what is known written
/// before each wait.
fn sources<'a>(
    wanted: &'a Shared,
    story: Vec<Savefile>,
    filter: Option<&'a Filter>,
    out: &'a RefCell<BufWriter<Box<dyn Write>>>,
    failed: &'a RefCell<Vec<Error>>,
) -> Vec<Flushing<'a, Progress<Box<dyn Source + 'a>>>> {
    let each = story.into_iter().map(|mut capture| {
        if !wanted.format.is_by_record() {
            capture.keep_pauses();
        }
        // A compressed file's length says nothing of how much is inside.
        let length = capture.plain_length();
        let capture: Box<dyn Source + 'a> = match filter {
            Some(filter) => Box::new(filter.on(capture)),
            None => Box::new(capture),
        };
        let source = Progress::new(capture, length, config::progress(wanted));
        Flushing { source, out, failed }
    });
    each.collect()
}

/// The exit status that one report asks for; where nothing was judged, why not is said at the end.
fn status(headline: &Headline, exit_zero: bool, failed: &RefCell<Vec<Error>>) -> u8 {
    match headline.outcome {
        AnalysisOutcome::Sound => NO_FAILURE,
        AnalysisOutcome::Failed if exit_zero => NO_FAILURE,
        AnalysisOutcome::Failed => FAILURES,
        AnalysisOutcome::NothingJudged => {
            failed.borrow_mut().push(Error::msg(headline.text()));
            COULD_NOT
        }
    }
}

/// Analyses captures and logs, and reports; of one failure alone where it is named.
fn analyze(typed: &Analyze, one: Option<&str>) -> Result<u8> {
    // A wrong setting or expression is told before anything is read.
    let wanted = &typed.shared;
    config::show_times(wanted).context("--timezone")?;
    let settings = Settings {
        log: !typed.access_log.is_empty(),
        log_format: typed.log_format.clone(),
        ..config::settings(wanted, typed.captures.len() > 1)?
    };
    let filter = wanted.filter.as_deref().map(Filter::new).transpose()?;
    let log_paths = logs(typed)?;
    let inputs = typed.captures.iter().chain(&log_paths).chain(&wanted.config);
    let written = [("--output", &wanted.output), ("--html", &wanted.html)];
    let written = written.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?)));
    output_paths::refuse_inputs(written, inputs.map(PathBuf::as_path))?;

    let stop = Stop::take().context("cannot wait for signals")?;
    let failed = RefCell::new(Vec::new());
    let captures = open(&typed.captures, &stop, &mut failed.borrow_mut());
    let mut logs = open_logs(&log_paths, &stop, &mut failed.borrow_mut());
    if captures.is_empty() && logs.is_empty() {
        return Ok(say(&failed.into_inner()));
    }
    let stories = stories(captures, &stop)?;
    let several = stories.len() > 1;
    if several && log_paths.iter().any(|path| path.as_os_str() == "-") {
        bail!("-: these captures are analysed one after the other; give the log as a file");
    }
    let mut page = PageFile::open(wanted.html.as_deref(), wanted.output.as_deref())?;
    let Destination { to, paper } = Destination::open(wanted.output.as_deref())?;
    let out = RefCell::new(BufWriter::new(to));
    let mut reports = Vec::new();
    let mut worst = NO_FAILURE;
    for (place, story) in stories.into_iter().enumerate() {
        if place > 0 {
            // What cannot be read was said.
            logs = open_logs(&log_paths, &stop, &mut Vec::new());
        }
        let mut captures = sources(wanted, story, filter.as_ref(), &out, &failed);
        let mut broken = None;
        let mut tell = |record: Record| {
            if broken.is_none() && one.is_none() {
                broken = records::write(&record, &mut *out.borrow_mut()).err();
            }
        };
        let settings = settings.clone();
        let report = analysis::analyze_with_logs(&mut captures, &mut logs, settings, &mut tell)?;
        drop(captures);
        if let Some(error) = broken {
            return Err(error).context("cannot write the answer");
        }
        page.add(&report);
        let headline = report.headline();
        worst = worst.max(status(&headline, wanted.exit_zero, &failed));
        if several && wanted.format.is_by_record() && one.is_none() {
            output::write(wanted, report, paper, &mut *out.borrow_mut())
                .context("cannot write the answer")?;
        } else {
            reports.push(report);
        }
    }
    let mut out = out.into_inner();
    page.write()?;
    if let Some(which) = one {
        return show_one(which, &reports, wanted, paper, &mut out, &failed.into_inner());
    }
    write_all(wanted, reports, several, paper, &mut out).context("cannot write the answer")?;
    let failed = failed.into_inner();
    if !failed.is_empty() {
        return Ok(say(&failed));
    }
    Ok(worst)
}

/// Writes what was not written yet, of one story or of `several`.
fn write_all(
    wanted: &Shared,
    mut reports: Vec<Report>,
    several: bool,
    paper: Paper,
    out: &mut dyn Write,
) -> Result<()> {
    match reports.pop() {
        Some(report) if !several => output::write(wanted, report, paper, out),
        Some(report) => {
            reports.push(report);
            output::write_each(wanted, reports, paper, out)
        }
        None => Ok(()),
    }
}

/// Shows one failure, if there is one that is called so.
fn show_one(
    which: &str,
    reports: &[Report],
    wanted: &Shared,
    paper: Paper,
    out: &mut dyn Write,
    unread: &[Error],
) -> Result<u8> {
    let all =
        || reports.iter().flat_map(|report| report.failures.iter().map(move |one| (report, one)));
    let place = which.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let named = |(place_of, (_, failure)): &(usize, (&Report, &FailureRecord))| {
        Some(*place_of) == place || failure.id == which
    };
    let Some((place, (report, failure))) = all().enumerate().find(named) else {
        say(unread);
        bail!(no_such(which, all().count()));
    };
    let number = place.saturating_add(1);
    output::write_one(wanted, report, number, failure, paper, out)
        .context("cannot write the answer")?;
    Ok(if unread.is_empty() { NO_FAILURE } else { say(unread) })
}

/// Says what could not be read.
fn say(failed: &[Error]) -> u8 {
    for error in failed {
        eprintln!("why502: {error:#}");
    }
    COULD_NOT
}

/// Answers from the pages that are built in.
fn explain(typed: &Explain) -> Result<u8> {
    let topic = match typed.topic.as_slice() {
        [] => None,
        words => Some(explain::Topic::find(&words.join(" "))?),
    };
    show(typed.color, |width, page| match topic {
        Some(topic) => topic.write(width, page),
        None => explain::contents(width, page),
    })
}

/// Answers from the table that is built in.
fn timeouts(typed: &TimeoutsArgs) -> Result<u8> {
    let Some(name) = typed.name.as_deref() else {
        return show(typed.color, render::timeouts::contents);
    };
    let found = timeouts::find(name, None)?;
    show(typed.color, |width, page| match &found {
        Lookup::One(known, others) => render::timeouts::page(known, others, width, page),
        Lookup::Several(several) => render::timeouts::candidates(name, several, width, page),
    })
}

/// Writes a configuration file to begin with.
fn example() -> Result<u8> {
    io::stdout().lock().write_all(config::EXAMPLE.as_bytes()).context("cannot write the answer")?;
    Ok(NO_FAILURE)
}

/// Shows a page on standard output, as wide as the terminal is, within reason.
fn show(color: When, write: impl FnOnce(usize, &mut dyn Write) -> io::Result<()>) -> Result<u8> {
    let Paper { auto, columns } = Paper::of_stdout();
    let width = columns.unwrap_or(LONGEST_PAGE);
    let mut page = AutoStream::new(Vec::new(), config::color(color).unwrap_or(auto));
    write(width.clamp(wrap::NARROWEST, LONGEST_PAGE), &mut page)?;
    io::stdout().lock().write_all(&page.into_inner()).context("cannot write the answer")?;
    Ok(NO_FAILURE)
}

/// The error is that nobody reads our output any more.
fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        let json =
            cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.map(io::Error::kind).or(json) == Some(ErrorKind::BrokenPipe)
    })
}
