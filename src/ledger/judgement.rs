//! All that the books hold of failed attempts, judged by everything that is known now.
//!
//! The books stay as they are: what they show is computed from them anew whenever somebody asks, in the
//! middle of a watch or at its end, and counts of failures are folds over the verdicts.

use super::books::Ledger;
use super::event::Event;
use super::failure::{self, AttemptKey, Failure};
use super::health::Health;
use super::known::{GoesOn, Known};
use super::listener::Listener;
use super::unsettled::Unsettled;
use crate::facts::attempt::LoggedLeft;
use crate::facts::{KeptAttempt, SentAgain};
use crate::flow::Leg;
use crate::knowledge::Configured;
use crate::verdict::{Cause, Certainty};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// The books, and the verdicts on what they hold.
#[derive(Debug)]
pub struct Judgement<'l> {
    pub(super) ledger: &'l Ledger,
    /// Listeners of which all that was captured shows something else than the books have so far.
    pub(super) listeners: HashMap<Leg, Box<Listener>, RandomState>,
    pub(super) failures: Vec<Failure>,
    /// Exchanges of which it is still open whether they failed, with what is known beside them.
    pub(super) unsettled: Vec<Unsettled>,
    /// What explains many failures.
    pub(super) events: Vec<Event>,
    /// How the probes of a listener fare.
    pub(super) health: HashMap<Leg, Vec<Health>, RandomState>,
}

impl Ledger {
    /// Judges everything that is kept, by everything that is known. `goes_on` says what may still become
    /// known; `None` is the end.
    pub fn judged(&self, goes_on: Option<GoesOn>) -> Judgement<'_> {
        let mut judgement = Judgement {
            ledger: self,
            listeners: HashMap::default(),
            failures: Vec::new(),
            unsettled: Vec::new(),
            events: Vec::new(),
            health: HashMap::default(),
        };
        judgement.settle_probes();
        let mut known = Known::new(self, goes_on);
        judgement.judge_kept(&mut known);
        judgement.find_proxies(&mut known);
        judgement.join_translated();
        judgement.gather_probes();
        judgement.judge_undecided(&mut known);
        judgement.judge_unsettled(&mut known);
        judgement.find_nothing_answered();
        judgement.meet_front_leg();
        judgement.give_context();
        judgement.find_events();
        judgement
    }
}

impl Judgement<'_> {
    /// The attempts that failed where they were captured first, and those that failed elsewhere only.
    fn judge_kept(&mut self, known: &mut Known<'_>) {
        let mut elsewhere: HashMap<AttemptKey, Vec<Arc<KeptAttempt>>, RandomState> =
            HashMap::default();
        let mut order: Vec<AttemptKey> = Vec::new();
        for attempt in &self.ledger.opinions {
            let key = failure::key(attempt);
            let views = elsewhere.entry(key).or_insert_with(|| {
                order.push(key);
                Vec::new()
            });
            views.push(Arc::clone(attempt));
        }
        for attempt in &self.ledger.failures {
            let views = elsewhere.remove(&failure::key(attempt)).unwrap_or_default();
            let failure = self.judge(Arc::clone(attempt), views, known);
            self.failures.extend(failure);
        }
        for attempt in self.ledger.early.values() {
            let failure = self.judge(Arc::clone(attempt), Vec::new(), known);
            // It is counted where its last word is booked.
            if failure.is_some()
                && let Some(listener) = self.otherwise(attempt.leg())
            {
                listener.exchanges = listener.exchanges.saturating_add(1);
            }
            self.failures.extend(failure);
        }
        for views in order.iter().filter_map(|key| elsewhere.remove(key)) {
            let mut views = views.into_iter();
            let Some(attempt) = views.next() else { continue };
            // Where it was captured first it did not show as a failure: that takes proof.
            let sure = |failure: &Failure| {
                let verdict = failure.verdict();
                verdict.cause() != Cause::Unproven && verdict.certainty() >= Certainty::Likely
            };
            let failure = self.judge(attempt, views.collect(), known).filter(sure);
            self.failures.extend(failure.map(Failure::seen_only_elsewhere));
        }
    }

    /// The failure that an attempt is, by what is known beside it.
    pub(super) fn judge(
        &self,
        attempt: Arc<KeptAttempt>,
        elsewhere: Vec<Arc<KeptAttempt>>,
        known: &mut Known<'_>,
    ) -> Option<Failure> {
        let knowledge = known.of(&attempt, |leg| self.listener_at(leg));
        Failure::of(attempt, elsewhere, knowledge)
    }

    /// Connections that were closed before anything was asked are failures of backends that answer others: a
    /// port that speaks something else may close rightly. Whoever probes by connecting has what it wanted.
    fn judge_undecided(&mut self, known: &mut Known<'_>) {
        for attempt in &self.ledger.undecided {
            let Some(failure) = self.judge(Arc::clone(attempt), Vec::new(), known) else {
                continue;
            };
            let steady = failure.source().is_some_and(|source| {
                let listener = self.listener_at(failure.leg());
                listener.is_some_and(|listener| listener.probes.is_steady(source))
            });
            if !steady {
                if let Some(listener) = self.otherwise(failure.leg()) {
                    listener.connects_failed = listener.connects_failed.saturating_add(1);
                }
                self.failures.push(failure);
            }
        }
    }

    /// A listener, to be shown otherwise than the books have it.
    pub(super) fn otherwise(&mut self, leg: Leg) -> Option<&mut Listener> {
        if !self.listeners.contains_key(&leg) {
            let listener = self.ledger.listeners.get(&leg)?.clone();
            self.listeners.insert(leg, listener);
        }
        self.listeners.get_mut(&leg).map(Box::as_mut)
    }

    /// A listener, to be shown otherwise than the books have it, or anew; `None` where there is no room.
    pub(super) fn otherwise_or_new(&mut self, leg: Leg) -> Option<&mut Listener> {
        let new = !self.ledger.listeners.contains_key(&leg);
        if new && !self.listeners.contains_key(&leg) {
            if self.ledger.listeners.len() >= self.ledger.limits.listeners {
                return None;
            }
            self.listeners.insert(leg, Box::default());
        }
        self.otherwise(leg)
    }

    /// What was told of backends and proxies.
    pub const fn told(&self) -> &Configured {
        self.ledger.told()
    }

    /// The books that it rests on.
    pub const fn books(&self) -> &Ledger {
        self.ledger
    }

    /// The listener, as one leg shows it.
    pub fn listener_at(&self, leg: Leg) -> Option<&Listener> {
        let otherwise = self.listeners.get(&leg).map(Box::as_ref);
        otherwise.or_else(|| self.ledger.listener_at(leg))
    }

    /// Every listener, by leg.
    pub fn listeners(&self) -> BTreeMap<Leg, &Listener> {
        let mut listeners = self.ledger.listeners();
        listeners.extend(self.listeners.iter().map(|(leg, one)| (*leg, one.as_ref())));
        listeners
    }

    /// The host that captured accepts what goes to `front` and opens what goes to `back`: see
    /// [`Ledger::passes_through`].
    pub fn passes_through(&self, front: Leg, back: Leg) -> bool {
        self.ledger.passes_through(front, back)
    }

    /// How the probes of a listener fare, the most frequent kind first.
    pub fn health(&self, leg: Leg) -> &[Health] {
        self.health.get(&leg).map(Vec::as_slice).unwrap_or_default()
    }

    /// What explains many failures at once, by backend and time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The failures, from a place on.
    pub fn failures_from(&self, place: usize) -> &[Failure] {
        self.failures.get(place..).unwrap_or_default()
    }

    /// The failures, by the frame that completed them; `several` captures were read.
    pub fn failures(&self, several: bool) -> Vec<&Failure> {
        let mut failures: Vec<&Failure> = self.failures.iter().collect();
        failures.sort_by_key(|failure| failure.completed(several));
        failures
    }

    /// Failures of each listener by cause: those that are kept and count, and those that were only counted.
    pub fn causes(&self, counts: impl Fn(&Failure) -> bool) -> BTreeMap<Leg, BTreeMap<Cause, u64>> {
        let mut causes: BTreeMap<Leg, BTreeMap<Cause, u64>> = BTreeMap::new();
        for (leg, listener) in self.ledger.listeners.iter() {
            if !listener.only_counted.is_empty() {
                causes.insert(*leg, listener.only_counted.clone());
            }
        }
        for failure in self.failures.iter().filter(|failure| counts(failure)) {
            let of = causes.entry(failure.leg()).or_default();
            let count = of.entry(failure.verdict().cause()).or_default();
            *count = count.saturating_add(1);
        }
        causes
    }

    /// Failures that another capture shows better than the one that was named first.
    pub fn better_elsewhere(&self) -> u64 {
        let better = self.failures.iter().filter(|failure| failure.is_better_elsewhere());
        u64::try_from(better.count()).unwrap_or(u64::MAX)
    }

    /// Packets show that the requests of failures were sent again. That changes no verdict.
    pub fn sent_again(&mut self, found: Vec<(usize, SentAgain)>) {
        for (place, again) in found {
            if let Some(failure) = self.failures.get_mut(place) {
                failure.sent_again = Some(again);
            }
        }
    }

    /// The proxy's log shows that the client of a failure had left.
    pub fn client_left(&mut self, place: usize, status: Option<u16>) {
        if let Some(failure) = self.failures.get_mut(place) {
            failure.of_client.logged = Some(LoggedLeft { status });
            failure.judge_again(|_| {});
        }
    }

    /// The client that left was another one than that of this failure, which the front leg shows too.
    pub fn client_stayed(&mut self, place: usize) {
        if let Some(failure) = self.failures.get_mut(place) {
            failure.of_client.other = true;
            failure.judge_again(|_| {});
        }
    }

    /// The hosts of these listeners ask others while they answer: each may be a proxy after all.
    pub fn doubt_errors(&mut self, ask_others: &BTreeSet<Leg>) {
        for failure in &mut self.failures {
            if failure.verdict().cause().is_own_answer() && ask_others.contains(&failure.leg()) {
                failure.judge_again(|knowledge| knowledge.asks_others = true);
            }
        }
    }

    /// Whether hosts that open connections like a proxy are known by this address.
    pub fn opens_like_a_proxy(&self, addr: IpAddr) -> bool {
        self.ledger.opens_like_a_proxy(addr)
    }
}
