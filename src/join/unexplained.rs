//! Clients that got 502, 503 or 504 although nothing on the backend leg explains it: failures all the same.
//!
//! Where the front leg is in the capture, it counts the clients; else the log does. What is explained by an
//! attempt that failed is told with that, and not again: one attempt explains one client. A proxy that has no
//! backend left, for the probes of all of them fail or attempts just failed, is explained by these.

use super::answer::{Answer, Missing, Own};
use super::clock_offset::ClockOffset;
use super::hits::Connect;
use super::lines::KeptLine;
use super::log_answer::{FailureIndex, LogAnswer};
use crate::base::time::Timestamp;
use crate::ledger::{Failure, Judgement};
use crate::logs::{LineKind, Says};
use crate::topology::SeenExchange;
use crate::topology::front_leg::FrontError;
use crate::topology::request_key::RequestKey;
use crate::topology::roles::{Role, Roles};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Interfaces of one host, or two captures, are stamped so far apart at most.
const JITTER: Duration = Duration::from_millis(5);
/// Lines of logs have whole seconds.
const SLACK: Duration = Duration::from_secs(1);
/// A proxy turns to a backend sooner than that.
const AT_ONCE: Duration = Duration::from_millis(20);
/// Clients that wait at the same time looked at.
const WAITING: usize = 4_096;
/// Lines about the same request looked at.
const LOOKED_AT: usize = 256;
/// For so long a proxy holds a backend for down after it failed, by nginx's default (`fail_timeout`).
const HELD_FOR_DOWN: Duration = Duration::from_secs(10);

/// A client error that nothing explains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unexplained {
    /// Who shows it.
    pub shown_by: ShownBy,
    /// What is known of it.
    pub reason: Reason,
}

/// Who shows what a client got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShownBy {
    /// The front leg: the answer is booked as this failure of the proxy's own listener.
    FrontLeg(FailureIndex),
    /// A line of the log, by its place in [`super::Lines::errors`].
    Log(usize),
}

/// Why no attempt explains what a client got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The log says why.
    Said(Says),
    /// No attempt for it is in the capture.
    NoAttempt,
    /// The backend answered, and the proxy made an error of it.
    AnswerRefused,
    /// What happened between proxy and backend was not, or not all, read.
    LegNotRead,
    /// No connection of this proxy to a backend is in the capture.
    LegNotCaptured,
}

impl Reason {
    /// The reason's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Said(Says::NoBackend) => "no_live_upstream",
            Self::Said(Says::Overflow | Says::Proxy) => "rule",
            Self::Said(says) => says.name(),
            Self::NoAttempt => "no_attempt",
            Self::AnswerRefused => "answer_refused",
            Self::LegNotRead => "leg_not_read",
            Self::LegNotCaptured => "leg_not_captured",
        }
    }

    /// Nothing was sent to a backend, says the proxy itself.
    pub const fn is_nothing_sent(self) -> bool {
        matches!(self, Self::Said(says) if says.is_kept())
    }
}

/// What is held against each other.
pub(super) struct Comparison<'a> {
    /// All exchanges, of both legs.
    pub(super) trail: &'a [SeenExchange],
    pub(super) ledger: &'a Judgement<'a>,
    /// Failures that are judged, by connection and number on it.
    pub(super) failing: &'a HashMap<(u64, u32), FailureIndex>,
    pub(super) connects: &'a [Connect],
    pub(super) lines: &'a [KeptLine],
    pub(super) told: &'a [LogAnswer],
    pub(super) clocks: &'a [ClockOffset],
    pub(super) roles: &'a Roles,
    /// What of the backend leg limits what can be said of it.
    pub(super) leg: LegRead,
}

/// What takes a backend out of service.
struct Outages {
    /// Probes of a backend fail.
    probes: bool,
    /// When attempts failed, in order.
    attempts: Vec<Timestamp>,
}

/// A client that waited for an answer that was an error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct WaitingClient {
    until: Timestamp,
    since: Timestamp,
    /// The client's place among the errors.
    at: usize,
}

/// How much of the backend leg was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LegRead {
    Read,
    NotAllRead,
    NotCaptured,
}

impl Comparison<'_> {
    /// Of the front leg: `errors` are in the order of time, and the exchanges at the places `owned` can be
    /// some client's by what they ask.
    pub(super) fn of_front(
        &self,
        errors: &[FrontError],
        owned: &HashSet<usize>,
    ) -> Vec<Unexplained> {
        let places: HashMap<(u64, u32), FailureIndex> = self
            .ledger
            .failures_from(0)
            .iter()
            .enumerate()
            .map(|(place, failure)| ((failure.connection, failure.ordinal), place))
            .collect();
        let by_time = self.explained_by_time(errors, owned);
        let (lines, outages) = (self.lines_by_asked(), self.outages());
        let mut elsewhere = self.only_elsewhere();
        let mut found = Vec::new();
        for (at, error) in errors.iter().enumerate() {
            let Some(front) = self.trail.get(error.front) else { continue };
            let waited = |begun: &Timestamp| {
                begun.plus(JITTER) >= front.begun && *begun <= front.ended.plus(JITTER)
            };
            if let Some(begun) = elsewhere.get_mut(&front.asked.whole)
                && let Some(place) = begun.iter().position(waited)
            {
                begun.swap_remove(place);
                continue;
            }
            let candidates = || error.candidates.iter().filter_map(|place| self.trail.get(*place));
            let failed = candidates().any(|one| self.has_failed(one));
            if failed || by_time.binary_search(&at).is_ok() {
                continue;
            }
            let said = self.said_of(front, &lines);
            if outages.explain(said, front.status, front.ended) {
                continue;
            }
            let reason = match said {
                Some(says) => Reason::Said(says),
                None if candidates().any(|one| one.unread) => Reason::LegNotRead,
                None if !error.candidates.is_empty() => Reason::AnswerRefused,
                None => self.by_the_leg(),
            };
            if let Some(place) = places.get(&(front.connection, front.ordinal)) {
                found.push(Unexplained { shown_by: ShownBy::FrontLeg(*place), reason });
            }
        }
        found
    }

    /// Failed attempts that were not captured where others were noted first, by what was asked: when each began.
    fn only_elsewhere(&self) -> HashMap<u64, Vec<Timestamp>> {
        let noted: HashSet<(u64, u32)> =
            self.trail.iter().map(|one| (one.connection, one.ordinal)).collect();
        let mut found: HashMap<u64, Vec<Timestamp>> = HashMap::new();
        for (_, place) in self.failing.iter().filter(|(key, _)| !noted.contains(key)) {
            let request = self.ledger.failures_from(*place).first().and_then(Failure::request);
            let asked = request
                .and_then(|request| Some((request.first.at, request.head.as_ref()?.asked()?)));
            if let Some((begun, (method, target))) = asked {
                let asked = RequestKey::of(method, target).whole;
                found.entry(asked).or_default().push(begun);
            }
        }
        found
    }

    /// Of the log alone.
    pub(super) fn of_log(&self) -> Vec<Unexplained> {
        let outages = self.outages();
        let mut found = Vec::new();
        for told in self.told {
            let Some(line) = self.lines.get(told.line) else { continue };
            if line.kind != LineKind::Access || !matches!(line.status, Some(502..=504)) {
                continue;
            }
            let reason = match told.answer {
                // What it is of, or can be of, failed and is told.
                Answer::OnLeg | Answer::Ambiguous => continue,
                // The capture does not claim to hold it.
                Answer::NotInCapture(Missing::OutsideTime { .. } | Missing::NoCapture) => continue,
                Answer::NotOnLeg(Own::Said(says)) => Reason::Said(says),
                Answer::NotOnLeg(Own::Answered(_)) => Reason::AnswerRefused,
                Answer::NotOnLeg(Own::Nothing | Own::AlikeWell) => Reason::NoAttempt,
                Answer::NotInCapture(Missing::OtherBackend(_)) => Reason::LegNotCaptured,
                Answer::NotInCapture(Missing::NotFound) => self.by_the_leg(),
                Answer::NotInCapture(_) => Reason::LegNotRead,
            };
            let reason = match (reason, line.says) {
                (Reason::NoAttempt | Reason::LegNotCaptured, Some(says)) => Reason::Said(says),
                (reason, _) => reason,
            };
            let said = match reason {
                Reason::Said(says) => Some(says),
                _ => None,
            };
            let at = self.clock(line).corrected(line.at());
            if !outages.explain(said, line.status, at) {
                found.push(Unexplained { shown_by: ShownBy::Log(told.line), reason });
            }
        }
        found
    }

    /// Where it was noted, or at another vantage.
    fn has_failed(&self, one: &SeenExchange) -> bool {
        let told = self.failing.contains_key(&(one.connection, one.ordinal));
        told || one.failed || one.status >= Some(500)
    }

    fn clock(&self, line: &KeptLine) -> ClockOffset {
        ClockOffset::of(self.clocks, line)
    }

    const fn by_the_leg(&self) -> Reason {
        match self.leg {
            LegRead::Read => Reason::NoAttempt,
            LegRead::NotAllRead => Reason::LegNotRead,
            LegRead::NotCaptured => Reason::LegNotCaptured,
        }
    }

    /// Which client errors are explained by what failed while the client waited, though nothing else says
    /// that it was for this client: a connect, or a request that the proxy had rewritten. Each of these
    /// explains one of those that waited then: one that had just come, else the one that was answered first.
    fn explained_by_time(&self, errors: &[FrontError], owned: &HashSet<usize>) -> Vec<usize> {
        let rewritten = self.trail.iter().enumerate().filter(|(place, one)| {
            !owned.contains(place)
                && self.roles.of(one.leg()) == Role::Backend
                && self.has_failed(one)
        });
        let mut failed: Vec<Timestamp> = rewritten
            .map(|(_, one)| one.begun)
            .chain(self.connects.iter().map(|one| one.begun))
            .collect();
        failed.sort_unstable();
        let mut open: Vec<WaitingClient> = errors
            .iter()
            .enumerate()
            .filter(|(_, error)| error.candidates.is_empty())
            .filter_map(|(at, error)| Some((self.trail.get(error.front)?, at)))
            .map(|(front, at)| WaitingClient { until: front.ended, since: front.begun, at })
            .collect();
        open.sort_unstable();
        let mut explained = Vec::new();
        let mut taken = vec![false; open.len()];
        let mut take = |begun: Timestamp, fresh: bool| {
            // Clients that wait are in the order of their ends.
            let from = open.partition_point(|one| one.until.plus(JITTER) < begun);
            let waiting = open.iter().zip(&mut taken).skip(from).take(WAITING);
            let mut waiting = waiting.filter(|(one, taken)| {
                let there = !**taken && one.since <= begun.plus(JITTER);
                there && (!fresh || begun.since(one.since) <= AT_ONCE)
            });
            let found =
                if fresh { waiting.max_by_key(|(one, _)| one.since) } else { waiting.next() };
            if let Some((one, taken)) = found {
                *taken = true;
                explained.push(one.at);
                return true;
            }
            false
        };
        failed.retain(|begun| !take(*begun, true));
        failed.retain(|begun| !take(*begun, false));
        explained.sort_unstable();
        explained
    }

    fn lines_by_asked(&self) -> HashMap<u64, Vec<&KeptLine>> {
        let mut lines: HashMap<u64, Vec<&KeptLine>> = HashMap::new();
        for line in self.lines.iter().filter(|line| line.says.is_some() && line.asked.whole != 0) {
            lines.entry(line.asked.whole).or_default().push(line);
        }
        lines
    }

    /// What the log says of a client's request on the front leg.
    fn said_of(&self, front: &SeenExchange, lines: &HashMap<u64, Vec<&KeptLine>>) -> Option<Says> {
        let alike = lines.get(&front.asked.whole)?.iter().take(LOOKED_AT);
        let about = alike.filter(|line| {
            let clock = self.clock(line);
            let tolerance = clock.tolerance();
            let at = clock.corrected(line.at());
            at.plus(tolerance) >= front.begun && at <= front.ended.plus(tolerance)
        });
        // "No connection came about" says less than the message that says why.
        let said = about.filter_map(|line| line.says);
        said.min_by_key(|says| *says == Says::ConnectFailed)
    }

    fn outages(&self) -> Outages {
        let failures = self.ledger.failures_from(0);
        let attempts = failures.iter().filter(|failure| {
            self.roles.judges(failure)
                && failure.health.is_none()
                && failure.verdict().cause().fails_an_attempt()
        });
        let mut attempts: Vec<Timestamp> = attempts.map(|failure| failure.seen()).collect();
        attempts.sort_unstable();
        Outages { probes: failures.iter().any(|one| one.health.is_some()), attempts }
    }
}

impl Outages {
    /// The proxy had no backend left at that time: it says so, or answers 503; and probes of a backend fail,
    /// or attempts failed just before.
    fn explain(&self, said: Option<Says>, status: Option<u16>, at: Timestamp) -> bool {
        let says = said == Some(Says::NoBackend);
        let until = self.attempts.partition_point(|failed| *failed <= at.plus(SLACK));
        let last = until.checked_sub(1).and_then(|last| self.attempts.get(last));
        let just_failed = last.is_some_and(|failed| at.since(*failed) <= HELD_FOR_DOWN);
        says && just_failed || self.probes && (says || said.is_none() && status == Some(503))
    }
}
