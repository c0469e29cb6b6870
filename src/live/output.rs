//! What a watch says while it goes on: failures as they happen, and how it fares.

use super::gathering::{Gathering, Telling};
use super::libpcap::wall_clock;
use crate::analysis::SoFar;
use crate::base::wrap::TextPage;
use crate::cli::output::{self, Paper};
use crate::cli::{OutputFormat, Shared, config};
use crate::input::CaptureFacts;
use crate::render::{text, text_told};
use crate::report::Report;
use crate::report::records::{self, HeartbeatRecord, Record};
use anstream::{AutoStream, ColorChoice};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, IsTerminal, Write, stderr};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How often the line at the bottom of a terminal is renewed.
const RENEWED: Duration = Duration::from_millis(500);
/// How often a terminal gets a line on how the watch fares that stays.
const STAYS: Duration = Duration::from_secs(60);

/// Says what there is to say.
pub(super) struct Teller<'t> {
    wanted: &'t Shared,
    to: Box<dyn Write>,
    color: ColorChoice,
    paper: Paper,
    gathering: Gathering,
    /// Something was told in text.
    has_told: bool,
    /// Failures told so far.
    pub(super) failures: u64,
    /// Those of them that turned out to be none.
    retracted: u64,
    /// How often a record says that the watch goes on, and when one did.
    heartbeat: Option<Duration>,
    beaten: Instant,
    /// When a line on how the watch fares was left on the terminal.
    stayed: Instant,
    /// The status line is wanted; when it was shown last.
    status: Option<Option<Instant>>,
    /// There is one on the terminal.
    line_is_there: bool,
    begun: Instant,
    broken: Option<io::Error>,
}

impl<'t> Teller<'t> {
    pub(super) fn new(
        wanted: &'t Shared,
        to: Box<dyn Write>,
        paper: Paper,
        heartbeat: Option<Duration>,
    ) -> Self {
        let now = Instant::now();
        let status = config::progress(wanted).unwrap_or_else(|| stderr().is_terminal());
        Self {
            wanted,
            to,
            color: config::color(wanted.color).unwrap_or(paper.auto),
            paper,
            gathering: Gathering::new(now),
            has_told: false,
            failures: 0,
            retracted: 0,
            heartbeat,
            beaten: now,
            stayed: now,
            status: status.then_some(None),
            line_is_there: false,
            begun: now,
            broken: None,
        }
    }

    /// Takes a record as it becomes known.
    pub(super) fn record(&mut self, record: &Record) {
        if self.broken.is_some() {
            return;
        }
        match record {
            Record::Failure(_) => self.failures = self.failures.saturating_add(1),
            Record::Revision(revision) if revision.retracted => {
                self.retracted = self.retracted.saturating_add(1);
            }
            _ => {}
        }
        let told = match self.wanted.format {
            OutputFormat::Jsonl => records::write(record, &mut self.to),
            OutputFormat::Text => self.show(record, Instant::now()),
            OutputFormat::Json => Ok(()),
        };
        self.broken = told.err();
    }

    /// Tells a record in text: at once, or with others later.
    fn show(&mut self, record: &Record, now: Instant) -> io::Result<()> {
        self.gathered(now, false)?;
        match record {
            Record::Failure(failure) => {
                let each = self.wanted.verbose;
                match self.gathering.take(failure, each, now) {
                    Telling::Gathered => Ok(()),
                    _ if each => self.page(|page| text::failure_now(failure, page)),
                    telling => {
                        let first = telling == Telling::First;
                        self.page(|page| text_told::failure(failure, first, page))
                    }
                }
            }
            Record::Revision(revision) => match self.gathering.revise(revision, now) {
                Some(line) => self.page(|page| text_told::line(&line, page)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Tells what was gathered, where it is time for it, or nothing more comes.
    fn gathered(&mut self, now: Instant, last: bool) -> io::Result<()> {
        let (lines, retracted) = self.gathering.lines(now, last);
        for line in &lines {
            self.page(|page| text_told::gathered(line, page))?;
        }
        retracted.map_or(Ok(()), |line| self.page(|page| text_told::line(&line, page)))
    }

    /// Writes some text, coloured as it is wanted.
    fn page(&mut self, write: impl FnOnce(&mut TextPage<'_>) -> io::Result<()>) -> io::Result<()> {
        let mut page = AutoStream::new(Vec::new(), self.color);
        write(&mut TextPage::new(&mut page, self.paper.width()))?;
        self.clear_line();
        self.has_told = true;
        self.to.write_all(&page.into_inner())
    }

    /// Lets everything go that was said, says that the watch goes on, and renews the line on the terminal.
    pub(super) fn pause(&mut self, facts: &CaptureFacts, counted: impl Fn() -> SoFar) {
        let now = Instant::now();
        let said = self.beat(facts, &counted, now);
        let said = said.and_then(|()| self.gathered(now, false)).and_then(|()| self.to.flush());
        self.broken = self.broken.take().or(said.err());
        let Some(shown) = self.status else { return };
        let lost = lost(facts);
        let failed = self.failures.saturating_sub(self.retracted);
        if now.duration_since(self.stayed) >= STAYS && !self.wanted.quiet {
            self.stayed = now;
            self.clear_line();
            let line = text_told::status(wall_clock(), counted().exchanges, failed, lost);
            let _ = writeln!(stderr(), "{line}");
        }
        if shown.is_none_or(|shown| now.duration_since(shown) >= RENEWED) {
            let seconds = now.duration_since(self.begun).as_secs();
            let lost = if lost == 0 { String::new() } else { format!(", {lost} frames lost") };
            // A line that cannot be shown is no reason to stop.
            let _ = write!(
                stderr(),
                "\r\x1b[K{}: {} frames{lost}, {failed} failed, {seconds} s",
                facts.path,
                facts.frames
            );
            self.status = Some(Some(now));
            self.line_is_there = true;
        }
    }

    /// Says in a record that the watch goes on, where that is wanted and it is time.
    fn beat(
        &mut self,
        facts: &CaptureFacts,
        counted: &impl Fn() -> SoFar,
        now: Instant,
    ) -> io::Result<()> {
        let due = self.heartbeat.is_some_and(|often| now.duration_since(self.beaten) >= often);
        if !due || self.broken.is_some() {
            return Ok(());
        }
        self.beaten = now;
        let SoFar { segments, connections, exchanges } = counted();
        let beat = HeartbeatRecord {
            at: wall_clock(),
            frames: facts.frames,
            segments,
            connections,
            exchanges,
            failed: self.failures.saturating_sub(self.retracted),
            dropped: lost(facts),
        };
        records::write(&Record::Heartbeat(beat), &mut self.to)
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
        let before = self.gathered(Instant::now(), true).and_then(|()| match self.has_told {
            true => self.page(text_told::before_report),
            false => Ok(()),
        });
        self.broken = self.broken.take().or(before.err());
        if self.broken.is_some() {
            return;
        }
        self.has_told |= self.wanted.format == OutputFormat::Text;
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

/// Frames that were lost on the way.
fn lost(facts: &CaptureFacts) -> u64 {
    let dropped = facts.dropped.unwrap_or_default();
    dropped.by_kernel.saturating_add(dropped.by_interface)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{self, Settings};
    use crate::cli::{Cli, Command};
    use crate::input::Savefile;
    use crate::packet::Endpoint;
    use crate::report::FailureRecord;
    use crate::report::records::RevisionRecord;
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

    /// A teller, and what it says.
    fn teller(live: &crate::cli::Live) -> (Teller<'_>, Said) {
        let said = Said::default();
        let paper = Paper { auto: ColorChoice::Never, columns: None };
        (Teller::new(&live.shared, Box::new(said.clone()), paper, None), said)
    }

    fn typed(options: &[&str]) -> Box<crate::cli::Live> {
        let typed = ["why502", "live", "--progress", "never"];
        let Command::Live(live) = Cli::parse_from(typed.iter().chain(options)).command else {
            panic!()
        };
        live
    }

    impl Said {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.borrow_mut())).unwrap()
        }
    }

    /// What is said of each of these failures as it becomes known.
    fn told(failures: Vec<FailureRecord>, options: &[&str]) -> Vec<String> {
        let live = typed(options);
        let (mut teller, said) = teller(&live);
        let each = failures.into_iter().map(|failure| {
            teller.record(&Record::Failure(Box::new(failure)));
            said.take()
        });
        each.collect()
    }

    #[test]
    fn the_first_of_a_kind_comes_with_its_reason_and_advice_the_next_in_a_line() {
        let said = told(four(), &[]);
        assert_eq!(
            said[0],
            "16:22:15.458 UTC  keep-alive race (proven): the backend 10.77.2.2:3000 closed\n    \
             the connection after 6.01 s idle, while the proxy was sending GET…\n    \
             What to change: server.keepAliveTimeout = 65000\n"
        );
        let next = "16:22:21.896 UTC  POST /ok?id=race-nginx-n-004-4e4064 at 10.77.2.2:3000";
        assert!(said[1].starts_with(next) || said[1].contains('…'), "{}", said[1]);
        assert!(said[1].contains(" at 10.77.2.2:3000: keep-alive"), "{}", said[1]);
        assert_eq!(said[1].lines().count(), 1);
        assert_eq!(said[3], "", "gathered");
        assert!(said.iter().flat_map(|text| text.lines()).all(|line| line.chars().count() <= 80));
        for text in told(four(), &["--verbose"]) {
            assert!(
                text.contains("keepalive_race (proven)") && text.contains("What to change: raise")
            );
        }
        // Of another backend it is another kind.
        let mut two = four();
        two[2].backend = Some(Endpoint { addr: [10, 77, 2, 3].into(), port: 3_000 });
        assert!(told(two, &[])[2].contains("What to change"));
    }

    /// Many failures like the first, so far apart: what is said of them.
    fn many(count: u64, apart: Duration) -> String {
        let live = typed(&[]);
        let (mut teller, said) = teller(&live);
        let (first, begun) = (four().remove(0), Instant::now());
        for number in 0..count {
            let passed = apart * u32::try_from(number).unwrap();
            let id = number.to_string();
            let failure = FailureRecord { id, at: first.at.plus(passed), ..first.clone() };
            teller.show(&Record::Failure(Box::new(failure)), begun + passed).unwrap();
        }
        teller.gathered(begun + apart * u32::try_from(count).unwrap(), true).unwrap();
        said.take()
    }

    /// How many failures the lines tell of.
    fn counted(said: &str) -> u64 {
        let singles =
            said.lines().filter(|line| !line.contains("  + ") && line.contains(" UTC  ")).count();
        let more = said.lines().filter_map(|line| line.split_once("  + "));
        let more = more.map(|(_, rest)| rest.split(' ').next().unwrap().replace(',', ""));
        more.map(|more| more.parse::<u64>().unwrap()).sum::<u64>() + singles as u64
    }

    #[test]
    fn a_thousand_alike_are_a_line_a_minute_and_all_are_counted() {
        let said = many(1_000, Duration::from_millis(3_600));
        assert!(said.lines().count() <= 66, "{said}");
        assert_eq!(counted(&said), 1_000, "{said}");
        assert!(said.contains(" keep-alive races at 10.77.2.2:3000 in 6"), "{said}");
        assert!(said.trim_end().ends_with("(1,000 so far)"), "{said}");
        let said = many(1_000, Duration::ZERO);
        assert_eq!((said.lines().count(), counted(&said)), (6, 1_000), "{said}");
    }

    #[test]
    fn a_flood_of_many_kinds_is_bounded_and_counted() {
        let live = typed(&[]);
        let (mut teller, said) = teller(&live);
        let (first, now) = (four().remove(0), Instant::now());
        for port in 1..=3_000 {
            let backend = Some(Endpoint { addr: [10, 77, 2, 2].into(), port });
            let failure = FailureRecord { id: port.to_string(), backend, ..first.clone() };
            teller.show(&Record::Failure(Box::new(failure)), now).unwrap();
        }
        teller.gathered(now, true).unwrap();
        let said = said.take();
        assert!(said.lines().count() <= 20 * 3 + 11, "{said}");
        assert_eq!(counted(&said), 3_000, "{said}");
    }

    #[test]
    fn what_no_longer_holds_is_said_where_it_was_shown() {
        let live = typed(&[]);
        let (mut teller, said) = teller(&live);
        let failures = four();
        for failure in &failures {
            teller.record(&Record::Failure(Box::new(failure.clone())));
        }
        said.take();
        let mut revise = |place: usize, retracted: bool, changed: serde_json::Value| {
            let serde_json::Value::Object(changed) = changed else { panic!() };
            let id = failures[place].id.clone();
            let revision = RevisionRecord { id, retracted, changed, withdrawn: None };
            teller.record(&Record::Revision(revision));
            said.take().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let changed = serde_json::json!({"cause": "silent_drop", "fix": "another"});
        let text = revise(0, false, changed.clone());
        assert!(
            text.starts_with("Changed: GET /ok?id=race-nginx-n-002-f5d836 of 16:22:15.458 UTC"),
            "{text}"
        );
        assert!(text.ends_with("is now silent drop (proven)."), "{text}");
        assert_eq!(revise(0, false, changed.clone()), "", "said once");
        assert_eq!(revise(1, false, serde_json::json!({"fix": "another"})), "");
        assert_eq!(revise(3, false, changed), "", "never shown");
        let text = revise(1, true, serde_json::json!({}));
        assert!(
            text.starts_with("Withdrawn: POST /ok?id=race-nginx-n-004-4e4064 of 16:22:21.896 UTC."),
            "{text}"
        );
        assert_eq!(revise(3, true, serde_json::json!({})), "");
        teller.gathered(Instant::now(), true).unwrap();
        assert!(said.take().ends_with("Withdrawn: 1 failure of those counted above.\n"));
    }
}
