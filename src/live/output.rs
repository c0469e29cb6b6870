//! What a watch says while it goes on: failures as they happen, and how it fares.

use crate::base::wrap::TextPage;
use crate::cli::output::{self, Paper};
use crate::cli::{OutputFormat, Shared, config};
use crate::input::CaptureFacts;
use crate::packet::Endpoint;
use crate::render::text;
use crate::report::records::{self, Record, RevisionRecord};
use crate::report::{FailureRecord, Report};
use crate::verdict::Cause;
use anstream::{AutoStream, ColorChoice};
use foldhash::fast::RandomState;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::HashSet;
use std::io::{self, IsTerminal, Write, stderr};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How often the line at the bottom of a terminal is renewed.
const RENEWED: Duration = Duration::from_millis(500);
/// Failures shown in a second; a flood is counted.
const SHOWN_A_SECOND: u32 = 20;
/// Kinds of failures of which it is known that they were explained.
const KINDS: usize = 1_024;

/// Says what there is to say.
pub(super) struct Teller<'t> {
    wanted: &'t Shared,
    to: Box<dyn Write>,
    color: ColorChoice,
    paper: Paper,
    /// Causes that were explained, by backend.
    explained: HashSet<(Cause, Option<Endpoint>), RandomState>,
    /// The second that passes, and what was shown in it.
    second: (Instant, u32),
    /// Failures counted and not shown in it.
    unshown: u64,
    /// Failures told so far.
    pub(super) failures: u64,
    /// The status line is wanted; when it was shown last.
    status: Option<Option<Instant>>,
    /// There is one on the terminal.
    line_is_there: bool,
    begun: Instant,
    broken: Option<io::Error>,
}

impl<'t> Teller<'t> {
    pub(super) fn new(wanted: &'t Shared, to: Box<dyn Write>, paper: Paper) -> Self {
        let status = config::progress(wanted).unwrap_or_else(|| stderr().is_terminal());
        Self {
            wanted,
            to,
            color: config::color(wanted.color).unwrap_or(paper.auto),
            paper,
            explained: HashSet::default(),
            second: (Instant::now(), 0),
            unshown: 0,
            failures: 0,
            status: status.then_some(None),
            line_is_there: false,
            begun: Instant::now(),
            broken: None,
        }
    }

    /// Takes a record as it becomes known.
    pub(super) fn record(&mut self, record: &Record) {
        if self.broken.is_some() {
            return;
        }
        if matches!(record, Record::Failure(_)) {
            self.failures = self.failures.saturating_add(1);
        }
        let told = match (self.wanted.format, record) {
            (OutputFormat::Jsonl, record) => records::write(record, &mut self.to),
            (OutputFormat::Text, Record::Failure(failure)) => self.show(failure),
            (
                OutputFormat::Text,
                Record::Revision(RevisionRecord { withdrawn: Some(failure), .. }),
            ) => self.page(|page| text::withdrawn(failure, page)),
            (OutputFormat::Text | OutputFormat::Json, _) => Ok(()),
        };
        self.broken = told.err();
    }

    fn show(&mut self, failure: &FailureRecord) -> io::Result<()> {
        self.pass_second()?;
        if self.second.1 >= SHOWN_A_SECOND && !self.wanted.verbose {
            self.unshown = self.unshown.saturating_add(1);
            return Ok(());
        }
        self.second.1 = self.second.1.saturating_add(1);
        let kind = (failure.cause, failure.backend);
        let known = self.explained.contains(&kind) || self.explained.len() >= KINDS;
        let first = self.wanted.verbose || !known;
        if !known {
            self.explained.insert(kind);
        }
        self.page(|page| {
            text::failure_now(failure, first, page)?;
            writeln!(page)
        })
    }

    /// Where a second is over, says what was not shown in it.
    fn pass_second(&mut self) -> io::Result<()> {
        if self.second.0.elapsed() < Duration::from_secs(1) {
            return Ok(());
        }
        self.second = (Instant::now(), 0);
        match std::mem::take(&mut self.unshown) {
            0 => Ok(()),
            more => self.page(|page| writeln!(page, "  … and {more} more at the same time\n")),
        }
    }

    /// Writes some text, coloured as it is wanted.
    fn page(&mut self, write: impl FnOnce(&mut TextPage<'_>) -> io::Result<()>) -> io::Result<()> {
        let mut page = AutoStream::new(Vec::new(), self.color);
        write(&mut TextPage::new(&mut page, self.paper.width()))?;
        self.clear_line();
        self.to.write_all(&page.into_inner())
    }

    /// Lets everything go that was said, and renews the line on the terminal.
    pub(super) fn pause(&mut self, facts: &CaptureFacts) {
        let said = self.pass_second().and_then(|()| self.to.flush());
        self.broken = self.broken.take().or(said.err());
        let now = Instant::now();
        if let Some(shown) = self.status
            && shown.is_none_or(|shown| now.duration_since(shown) >= RENEWED)
        {
            let seconds = now.duration_since(self.begun).as_secs();
            let dropped = facts.dropped.unwrap_or_default();
            let dropped = match dropped.by_kernel.saturating_add(dropped.by_interface) {
                0 => String::new(),
                lost => format!(", {lost} frames lost"),
            };
            let failed = self.failures;
            // A line that cannot be shown is no reason to stop.
            let _ = write!(
                stderr(),
                "\r\x1b[K{}: {} frames{dropped}, {failed} failed, {seconds} s",
                facts.path,
                facts.frames
            );
            self.status = Some(Some(now));
            self.line_is_there = true;
        }
    }

    /// Says a line on standard error, whatever else is there.
    pub(super) fn aside(&mut self, text: &str) {
        self.clear_line();
        let _ = writeln!(stderr(), "why502: {text}");
    }

    fn clear_line(&mut self) {
        if std::mem::take(&mut self.line_is_there) {
            let _ = write!(stderr(), "\r\x1b[K");
            self.status = self.status.map(|_| None);
        }
    }

    /// Writes a report; the last one, or one of how it is so far.
    pub(super) fn report(&mut self, report: Report, last: bool) {
        self.clear_line();
        if self.broken.is_some() {
            return;
        }
        let told = match self.wanted.format {
            OutputFormat::Jsonl if !last => {
                let mut summary = Record::summary(report);
                if let Record::Summary(fields) = &mut summary {
                    fields.insert("so_far".to_owned(), true.into());
                }
                records::write(&summary, &mut self.to).map_err(anyhow::Error::from)
            }
            _ => output::write(self.wanted, report, self.paper, &mut self.to),
        };
        let error = told.and_then(|()| Ok(self.to.flush()?)).err();
        self.broken = error.map(|error| match error.downcast::<io::Error>() {
            Ok(error) => error,
            Err(other) => io::Error::other(other),
        });
    }

    /// From now on nothing is said, for this reason.
    pub(super) fn break_off(&mut self, error: io::Error) {
        self.broken = Some(error);
    }

    /// Why nothing can be said any more. A pipe whose reader is gone shows before anything is written.
    pub(super) fn broken(&mut self) -> Option<io::Error> {
        if self.broken.is_none() && self.wanted.output.is_none() {
            let stdout = io::stdout();
            let mut polled = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
            let gone = poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
                && polled
                    .iter()
                    .filter_map(PollFd::revents)
                    .any(|revents| revents.contains(PollFlags::POLLERR));
            if gone {
                return Some(io::ErrorKind::BrokenPipe.into());
            }
        }
        self.broken.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{self, Settings};
    use crate::cli::{Cli, Command};
    use crate::input::Savefile;
    use clap::Parser;
    use std::cell::RefCell;
    use std::path::Path;
    use std::rc::Rc;

    /// What was said, where a test can read it.
    #[derive(Clone, Default)]
    struct Said(Rc<RefCell<Vec<u8>>>);

    impl Write for Said {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The failures of a capture in which a backend closes on four requests, all for one reason.
    fn four() -> Vec<FailureRecord> {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/keepalive-race-nginx-node");
        let source = Savefile::open(&folder.join("proxy-side.pcap"), 0).unwrap();
        let report = analysis::analyze(&mut [source], Settings::default(), &mut |_| {}).unwrap();
        assert_eq!(report.failures.len(), 4);
        report.failures
    }

    /// What is said of each of these failures as it becomes known.
    fn told(failures: Vec<FailureRecord>, options: &[&str]) -> Vec<String> {
        let typed = ["why502", "live", "--progress", "never"];
        let cli = Cli::parse_from(typed.iter().chain(options));
        let Command::Live(live) = cli.command else { panic!() };
        let said = Said::default();
        let mut teller = Teller::new(
            &live.shared,
            Box::new(said.clone()),
            Paper { auto: ColorChoice::Never, columns: None },
        );
        let each = failures.into_iter().map(|failure| {
            teller.record(&Record::Failure(Box::new(failure)));
            String::from_utf8(std::mem::take(&mut *said.0.borrow_mut())).unwrap()
        });
        each.collect()
    }

    #[test]
    fn the_first_failure_of_a_kind_comes_with_its_reason_and_advice() {
        let explained = |text: &String| {
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let reason = flat.contains("the FIN and the request crossed");
            let advice = flat.contains("What to change: raise the backend's keep-alive timeout");
            assert!(flat.contains("keepalive_race (proven)"), "{text}");
            assert_eq!(reason, advice, "{text}");
            advice
        };
        let of = |failures, options: &[&str]| -> Vec<bool> {
            told(failures, options).iter().map(explained).collect()
        };
        assert_eq!(of(four(), &[]), [true, false, false, false]);
        assert_eq!(of(four(), &["--verbose"]), [true; 4]);
        // Of another backend it is another kind.
        let mut two = four();
        two[2].backend = Some(Endpoint { addr: [10, 77, 2, 3].into(), port: 3_000 });
        assert_eq!(of(two, &[]), [true, false, true, false]);
    }
}
