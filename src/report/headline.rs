//! The first sentence: what was not read, then what failed, or that nothing did.
//!
//! It counts what its reader counts: clients where the front leg or a log shows them, attempts where not;
//! probes of health are neither. Every form of the answer, and the exit status, go by the same.

use super::model::Report;
use super::{Log, UnreadRecord};
use crate::ledger::Amount;
use crate::verdict::Cause;
use crate::words::headline::{self, ClientCounts, HeadlineCounts, NothingJudged};
use crate::words::notices::Notice;
use crate::words::phrases::sentence;
use crate::words::unread;
use crate::words::words;
use std::cmp::Reverse;

/// What came of an analysis: the exit status goes by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnalysisOutcome {
    /// Something was judged, and all that was judged is sound.
    Sound,
    /// Something failed.
    Failed,
    /// Nothing at all could be judged.
    NothingJudged,
}

/// The first sentence, in its parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Headline {
    /// What came of it.
    pub outcome: AnalysisOutcome,
    /// What was not read or not judged, why, and what to do; it comes first.
    pub unread: Option<String>,
    /// Why most failed, in a few words; `None` where nothing did, or the numbers say it.
    pub because: Option<String>,
    /// What was judged, in numbers; `None` where nothing was.
    pub counts: Option<String>,
    /// What clients got is not known, and why.
    pub clients: Option<String>,
}

impl Headline {
    /// All of it in one.
    pub fn text(&self) -> String {
        let parts = [self.unread.clone(), self.failed(), self.clients.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Why, and how much.
    pub fn failed(&self) -> Option<String> {
        let counts = self.counts.as_ref()?;
        Some(match &self.because {
            Some(because) => format!("{because}: {counts}"),
            None => counts.clone(),
        })
    }
}

impl Report {
    /// What came of the analysis.
    pub fn outcome(&self) -> AnalysisOutcome {
        let logged = self.log.as_ref();
        let alone = self.captures.is_empty()
            && logged.is_some_and(|log| log.errors > 0 || log.messages > 0);
        let lines = logged.is_some_and(|log| log.requests > 0 || log.messages > 0);
        // Clients of whom nobody saw an answer say nothing.
        let clients =
            self.clients.as_ref().is_some_and(|clients| clients.requests > got_nothing(self));
        if !self.failures.is_empty() || alone {
            AnalysisOutcome::Failed
        } else if !self.judged.is_nothing() || lines || clients {
            AnalysisOutcome::Sound
        } else {
            AnalysisOutcome::NothingJudged
        }
    }

    /// The cause that the first sentence names: that of most, and of several alike the one that is explained first.
    /// What backends answered themselves counts last: the proxy only passed it on.
    pub fn main_cause(&self) -> Option<Cause> {
        let explained = self.leading_cause().map(|lead| lead.cause);
        let causes = self.causes.iter();
        let (cause, _) = causes.max_by_key(|(cause, count)| {
            let passed_on = *cause == Cause::BackendError;
            (!passed_on, *count, explained == Some(*cause), Reverse(*cause))
        })?;
        Some(cause)
    }

    /// The first sentence.
    pub fn headline(&self) -> Headline {
        let outcome = self.outcome();
        let unread = unread::sentence(self.unread.iter().map(|one| {
            let UnreadRecord { what, backend, connections, requests, bytes, .. } = *one;
            (what, backend, Amount { connections, requests, bytes })
        }));
        let unread = match (outcome, unread) {
            (AnalysisOutcome::NothingJudged, unread) => Some(nothing_judged(self, unread)),
            (_, Some(unread)) => Some(format!("Not judged: {unread}.")),
            (_, None) => None,
        };
        let counts = match outcome {
            AnalysisOutcome::Failed => Some(headline::failed(&counts_of(self))),
            AnalysisOutcome::Sound => Some(headline::sound(&counts_of(self))),
            AnalysisOutcome::NothingJudged => None,
        };
        let hidden =
            self.notes.iter().find(|note| matches!(note.notice, Notice::ClientsUnknown(_)));
        let hidden =
            hidden.filter(|_| self.clients.is_none() && outcome != AnalysisOutcome::NothingJudged);
        let clients = hidden.map(|note| sentence(&note.text));
        let failed = outcome == AnalysisOutcome::Failed;
        let by_log = || self.log.as_ref().and_then(Log::because);
        let because = failed.then(|| because(self).or_else(by_log)).flatten();
        Headline { outcome, unread, because, counts, clients }
    }
}

/// Requests on the front leg to which no answer was seen.
fn got_nothing(report: &Report) -> u64 {
    let Some(leg) = &report.front_leg else { return 0 };
    let answered = leg.statuses.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    leg.requests.saturating_sub(answered)
}

/// Why nothing was judged, and what to do.
fn nothing_judged(report: &Report, unread: Option<String>) -> String {
    let untried = report.notes.iter().filter_map(|note| note.headline.clone());
    let skipped = || report.counters.skipped.iter().map(|(kind, count)| (kind.name(), count));
    let why = match unread {
        Some(unread) => NothingJudged::Unread(unread),
        None if report.counters.connections == 0 => NothingJudged::NoConnection {
            captures: u64::try_from(report.captures.len()).unwrap_or(u64::MAX),
            frames: report.counters.frames,
            skipped: skipped().collect(),
        },
        None => NothingJudged::NothingAsked { connections: report.counters.connections },
    };
    headline::nothing_judged(why, &untried.collect::<Vec<_>>())
}

/// Why most failed; of health checks alone the numbers say it.
fn because(report: &Report) -> Option<String> {
    let cause = report.main_cause()?;
    let causes = report.causes.iter().count();
    if causes == 1
        && matches!(
            cause,
            Cause::HealthCheckFailing | Cause::ConnectionRefused | Cause::TlsHandshakeFailed
        )
    {
        return None;
    }
    Some(headline::because(words(cause).noun[0], causes.saturating_sub(1)))
}

/// What the first sentence counts.
fn counts_of(report: &Report) -> HeadlineCounts<'_> {
    let counters = &report.counters;
    let handshakes = report.causes.of(Cause::TlsHandshakeFailed).min(counters.mismatched);
    let clients = report.clients.as_ref().filter(|clients| clients.requests > 0);
    HeadlineCounts {
        requests: report.judged.requests(),
        probes: report.judged.probes,
        exchanges_failed: counters.exchanges_failed,
        connects_failed: counters.connects_failed,
        all_refused: report.causes.of(Cause::ConnectionRefused) == counters.connects_failed,
        mismatched: counters.mismatched.saturating_sub(handshakes),
        handshakes,
        failing_checks: report.causes.of(Cause::HealthCheckFailing),
        clients: clients.map(|clients| ClientCounts {
            requests: clients.requests,
            nothing: got_nothing(report),
            errors: &clients.errors,
            unexplained: clients.unexplained,
            outside: clients.outside,
        }),
        log_lines: report.log.as_ref().map_or(0, |log| log.requests),
    }
}
