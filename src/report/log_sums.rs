//! The lines of the log, summed up for people: what they are of, which are alike, which took longest.

use super::{
    AnswerReason, ClockRecord, ClockSource, Log, LogFile, LogLine, LogTimes, Report, Tally,
};
use crate::join::Answer;
use crate::logs::{LogFormat, Says};
use crate::packet::Endpoint;
use crate::verdict::Cause;
use crate::words::log_alone;
use crate::words::log_findings::because;
use crate::words::log_section::{
    self as words, AnsweredLines, ErrorLines, LoggedErrors, ShownTimes, SplitTimes,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Backends that are named in a command.
const BACKENDS: usize = 4;

/// Requests of which it is told where their time went.
const LONGEST: usize = 3;

/// Errors of a log for which it has the same reason.
#[derive(Clone, Debug)]
pub struct AlikeErrors<'a> {
    /// What the log says of the cause.
    pub says: Option<Says>,
    /// In its own words, of one of them.
    pub code: Option<&'a str>,
    /// What clients got; all the same where the log has no reason.
    pub statuses: Vec<Option<u16>>,
}

impl Log {
    /// All error lines, and the messages without one.
    pub fn error_lines(&self) -> impl Iterator<Item = &LogLine> {
        self.joined.iter().chain(&self.unmatched)
    }

    /// How the files are called in a sentence.
    pub fn files_named(&self) -> String {
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        words::files(&paths)
    }

    /// Packets would tell more of some error than the log does.
    pub fn leaves_open(&self) -> bool {
        self.error_lines().any(|line| line.says.is_none_or(Says::is_told_by_packets))
    }

    /// Where to take the capture that would tell.
    pub fn where_to_capture(&self) -> &'static str {
        let mut formats = self.files.iter().filter_map(|file| file.format);
        let all = formats.clone().all(LogFormat::is_of_cloud);
        match formats.next_back().filter(|_| all) {
            Some(LogFormat::Heroku) => log_alone::WHERE_IN_A_DYNO,
            Some(_) => log_alone::WHERE_IN_A_CLOUD,
            None => log_alone::WHERE,
        }
    }

    /// Nothing of any file was understood.
    pub fn is_unread(&self) -> bool {
        let nothing = self.requests == 0 && self.messages == 0;
        nothing && self.files.iter().any(|file| file.unreadable > 0)
    }

    /// Why most failed, as far as the log shows it by itself.
    pub fn because(&self) -> Option<String> {
        let explaining = self.findings.iter().filter(|finding| finding.explains);
        let explaining: Vec<String> = explaining.map(|one| one.headline.clone()).collect();
        because(&explaining)
    }

    /// A finding tells of this line.
    pub fn is_told(&self, line: &LogLine) -> bool {
        self.findings.iter().any(|finding| finding.all_lines.contains(&(line.file, line.line)))
    }

    /// The error lines by what clients got.
    pub const fn errors_by_status(&self) -> ErrorLines<'_> {
        ErrorLines { errors: self.errors, messages: self.only_messages, statuses: &self.statuses }
    }

    /// What the error lines are of; `None` where there are none.
    pub fn errors_by_cause(&self) -> Option<LoggedErrors<'_>> {
        let total = self.answers.sum();
        // Those of one count stay in the order of their names.
        let mut causes: Vec<(Cause, u64)> = self.causes.iter().collect();
        causes.sort_by_key(|(_, count)| Reverse(*count));
        // What is of a known cause although which exchange it is cannot be told counts with the causes.
        let unclear =
            self.answers.of(Answer::OnLeg).saturating_add(self.answers.of(Answer::Ambiguous));
        (total > 0).then(|| LoggedErrors {
            lines: self.errors_by_status(),
            alike: self.answers.of(Answer::Ambiguous),
            total,
            causes,
            unclear: unclear.saturating_sub(self.causes.sum()),
            own: self.answered(|answer| matches!(answer, Answer::NotOnLeg(_))),
            missing: self.answered(|answer| matches!(answer, Answer::NotInCapture(_))),
        })
    }

    fn answered(&self, wanted: fn(Answer) -> bool) -> AnsweredLines {
        let counts = self.answers.iter().filter(|(answer, _)| wanted(*answer));
        let lines = self.unmatched.iter().filter(|line| wanted(line.answer));
        let reasons: Tally<AnswerReason> =
            lines.filter_map(|line| Some((line.reason?, 1))).collect();
        AnsweredLines {
            count: counts.fold(0_u64, |sum, (_, count)| sum.saturating_add(count)),
            reasons: reasons.iter().map(|(reason, count)| (reason.answer(), count)).collect(),
        }
    }

    /// Errors of which no finding tells, by the reason that the log itself has, the most frequent first. Where it has
    /// none, the status is all there is.
    pub fn errors_alike(&self) -> Vec<AlikeErrors<'_>> {
        let mut groups: BTreeMap<(Option<&str>, Option<u16>), AlikeErrors<'_>> = BTreeMap::new();
        let words: HashMap<(usize, u64), &str> = self
            .error_lines()
            .filter_map(|line| Some(((line.file, line.line), line.code.as_deref()?)))
            .collect();
        for line in self.error_lines().filter(|line| line.counted && !self.is_told(line)) {
            let explained = line.explained_by;
            let says = line.says.or_else(|| explained.and_then(|one| one.says));
            let code = line.code.as_deref();
            let code =
                code.or_else(|| words.get(&explained.map(|one| (one.file, one.line))?).copied());
            let status = line.status.filter(|_| says.is_none());
            let group = groups.entry((says.map(Says::name), status)).or_insert(AlikeErrors {
                says,
                code: None,
                statuses: Vec::new(),
            });
            group.code = group.code.or(code);
            group.statuses.push(line.status);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|group| Reverse(group.statuses.len()));
        groups
    }

    /// The backends that failed most.
    pub fn worst_backends(&self) -> Vec<Endpoint> {
        let mut backends: BTreeMap<Endpoint, u64> = BTreeMap::new();
        for backend in self.error_lines().filter_map(|line| line.backend) {
            let count = backends.entry(backend).or_default();
            *count = count.saturating_add(1);
        }
        let mut worst: Vec<(Endpoint, u64)> = backends.into_iter().collect();
        worst.sort_by_key(|(backend, count)| (Reverse(*count), backend.to_string()));
        worst.into_iter().take(BACKENDS).map(|(backend, _)| backend).collect()
    }

    /// A load balancer's times against the packets, of the requests that took longest.
    pub fn longest(&self) -> Vec<SplitTimes> {
        let timed = self.error_lines().filter_map(|line| split(line, line.times?));
        let mut timed: Vec<SplitTimes> = timed.collect();
        timed.sort_by_key(|times| Reverse(times.target));
        timed.truncate(LONGEST);
        timed
    }
}

fn split(line: &LogLine, times: LogTimes) -> Option<SplitTimes> {
    let (target, waited) = (times.target_ns?, times.waited_ns?);
    let time = |nanos: Option<u64>| Duration::from_nanos(nanos.unwrap_or(0));
    Some(SplitTimes {
        line: line.line,
        status: line.status,
        dispatch: time(times.dispatch_ns),
        target: Duration::from_nanos(target),
        answered: times.answered == Some(true),
        shown: match times.in_server_ns {
            Some(server) => ShownTimes::Split {
                server: Duration::from_nanos(server),
                way: time(times.on_wire_ns),
                proxy: time(times.in_proxy_ns),
            },
            None => ShownTimes::Waited(Duration::from_nanos(waited)),
        },
    })
}

impl LogFile {
    /// How its clock goes, in words.
    pub fn clock_told(&self) -> Option<String> {
        let ClockRecord { offset_ns, spread_ns, resolution_ns, samples, by } = self.clock?;
        let [spread, resolution] = [spread_ns, resolution_ns].map(Duration::from_nanos);
        Some(match by {
            ClockSource::Assumed => words::clock_assumed(resolution),
            ClockSource::Matches => {
                let lines = u64::try_from(samples).unwrap_or(u64::MAX);
                words::clock(offset_ns, spread, lines, resolution)
            }
        })
    }
}

impl Report {
    /// Clients that got no answer of a request that failed, as far as nothing was sent again.
    pub fn clients_unanswered(&self) -> u64 {
        let clients = self.failures.iter().filter_map(|failure| failure.client);
        let left = clients.filter(|client| client.status.is_none() && !client.retried).count();
        u64::try_from(left).unwrap_or(u64::MAX)
    }
}
