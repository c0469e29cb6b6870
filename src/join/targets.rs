//! What the hits of a line are of, and what follows for the line and for clients.

use super::answer::Answer;
use super::client_answer::ClientAnswer;
use super::clock_offset::ClockOffset;
use super::hits::{Hit, Match};
use super::index::Index;
use super::lines::KeptLine;
use super::log_answer::{FailureIndex, LinePart, LogAnswer, Split};
use super::rows::RowRun;
use crate::base::time::Timestamp;
use crate::ledger::{Failure, Judgement};
use crate::topology::SeenExchange;
use crate::topology::front_leg::{self, Passed};
use crate::verdict::{Cause, Retry};
use std::collections::HashMap;
use std::time::Duration;

/// What hits are of.
pub(super) struct HitTargets<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) failing: &'a HashMap<Hit, FailureIndex>,
    pub(super) ledger: &'a Judgement<'a>,
}

impl HitTargets<'_> {
    pub(super) fn failure(&self, place: FailureIndex) -> Option<&Failure> {
        self.ledger.failures_from(place).first()
    }

    fn begun(&self, hit: Hit) -> Timestamp {
        self.index.times(hit).0
    }

    fn ended(&self, hit: Hit) -> Timestamp {
        self.index.times(hit).1
    }

    /// What failing at `hit` cost when `next` came after it, and whether it may have run twice.
    fn retry(&self, hit: Hit, next: Option<Hit>) -> (Option<Duration>, bool) {
        let Some(next) = next else { return (None, false) };
        let cost = self.begun(next).since(self.begun(hit));
        let failure = self.failing.get(&hit).and_then(|place| self.failure(*place));
        let harmless = match hit {
            Hit::Exchange(place) => self.index.get(place).is_some_and(|one| one.idempotent),
            Hit::Connect(_) => true,
        };
        let may_have_run = failure.is_some_and(|one| one.verdict().retry() != Retry::Safe);
        (Some(cost), may_have_run && !harmless)
    }

    /// What the client of a line got, for each of its attempts that failed.
    pub(super) fn clients(
        &self,
        line: &KeptLine,
        found: &Match,
        clock: &ClockOffset,
    ) -> Vec<(FailureIndex, ClientAnswer)> {
        let mut clients = Vec::new();
        for (at, hit) in found.hits.iter().enumerate() {
            let Some(place) = self.failing.get(hit) else { continue };
            let next = found.hits.get(at.saturating_add(1)).copied();
            let (cost, ran_twice) = self.retry(*hit, next);
            // The log has more attempts than were found, and this one was not the last.
            let unseen = line.attempts.len() > found.hits.len()
                && matches!(hit, Hit::Exchange(_))
                && line.attempts.last().is_some_and(|last| last.connected == Some(false));
            let last = found.hits.last().map_or(*hit, |last| *last);
            let at = if line.floor { self.ended(last) } else { clock.corrected(line.at()) };
            clients.push((
                *place,
                ClientAnswer {
                    status: line.status,
                    at,
                    latency: line.duration,
                    retried: next.is_some() || unseen,
                    cost,
                    ran_twice,
                    proxy_took: None,
                    by: found.by,
                    line: Some((line.file, line.number)),
                },
            ));
        }
        clients
    }

    /// What the front leg shows that a client got. Places there are those of the whole trail.
    pub(super) fn front_clients(
        &self,
        passed: &Passed,
        trail: &[SeenExchange],
        places: &HashMap<(u64, u32), FailureIndex>,
    ) -> Vec<(FailureIndex, ClientAnswer)> {
        let Some(front) = trail.get(passed.front) else { return Vec::new() };
        let mut clients = Vec::new();
        for (at, attempt) in passed.attempts.iter().enumerate() {
            let Some(one) = trail.get(*attempt) else { continue };
            let Some(place) = places.get(&(one.connection, one.ordinal)) else { continue };
            let next = passed.attempts.get(at.saturating_add(1)).and_then(|next| trail.get(*next));
            let safe = self.failure(*place).is_some_and(|one| one.verdict().retry() == Retry::Safe);
            clients.push((
                *place,
                ClientAnswer {
                    status: front.status,
                    at: front.ended,
                    latency: Some(front.ended.since(front.begun)),
                    retried: next.is_some(),
                    cost: next.map(|next| next.begun.since(one.begun)),
                    ran_twice: next.is_some() && !safe && !one.idempotent,
                    proxy_took: front_leg::own_time(front, &passed.attempts, trail),
                    by: passed.by,
                    line: None,
                },
            ));
        }
        clients
    }

    pub(super) fn told(
        &self,
        at: usize,
        line: &KeptLine,
        found: Option<&Match>,
        answer: Answer,
    ) -> LogAnswer {
        let hits = found.map(|one| one.hits.as_slice()).unwrap_or_default();
        let failures: Vec<FailureIndex> =
            hits.iter().filter_map(|hit| self.failing.get(hit)).copied().collect();
        let all = found.map(|one| self.index.standing_for(one)).unwrap_or_default();
        let causes: Vec<Cause> = all
            .iter()
            .filter_map(|hit| self.failure(*self.failing.get(hit)?))
            .map(|one| one.verdict().cause())
            .collect();
        let cause = match answer {
            Answer::OnLeg => causes.last().copied(),
            // All that it can be of failed alike, and there is one for each line.
            Answer::Ambiguous
                if causes.len() == all.len() && found.is_none_or(|one| !one.outnumbered) =>
            {
                causes.first().copied().filter(|first| causes.iter().all(|one| one == first))
            }
            _ => None,
        };
        let exchange = match hits.last() {
            Some(Hit::Exchange(place)) if found.is_some_and(|one| !one.ambiguous) => {
                self.index.get(*place)
            }
            _ => None,
        };
        let split = exchange.filter(|_| line.times().is_some()).map(|one| {
            let until = one.answered.unwrap_or(one.ended);
            Split {
                leg: one.leg(),
                waited: until.since(one.sent),
                answering: one.ended.since(until),
                answered: one.answered.is_some(),
            }
        });
        let exchange =
            exchange.map(|one| (one.connection, one.ordinal)).or_else(|| match hits.last() {
                Some(Hit::Connect(_)) if answer == Answer::OnLeg => {
                    let failure = failures.last().and_then(|place| self.failure(*place))?;
                    Some((failure.connection, failure.ordinal))
                }
                _ => None,
            });
        let outnumbered = found.is_some_and(|one| one.outnumbered);
        let failed = |run: &&RowRun| {
            self.index.first(**run).is_some_and(|hit| self.failing.contains_key(&hit))
        };
        let crowd = found.map(|one| &*one.crowd).unwrap_or_default().iter().filter(failed);
        let among = crowd.map(|run| run.len()).fold(0, usize::saturating_add).max(failures.len());
        let by = found.map(|one| one.by);
        LogAnswer {
            line: at,
            answer,
            by,
            failures,
            among,
            cause,
            outnumbered,
            exchange,
            split,
            part: LinePart::Own,
            explained_by: None,
            also: Vec::new(),
        }
    }
}
