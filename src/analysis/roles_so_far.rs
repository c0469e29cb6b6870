//! Roles while frames come: decided anew as more becomes known, and what waits for them.

use crate::base::time::Timestamp;
use crate::exchange::Output;
use crate::facts::KeptAttempt;
use crate::flow::Connection;
use crate::ledger::{Fresh, Ledger};
use crate::topology::roles::{Roles, ToldRoles};
use crate::topology::{SeenExchange, Trail};
use std::time::Duration;

/// How long a failure waits until it shows whose it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// A watch is young for so long since it saw something: what goes well is known when its connection has settled, and what fails at once.
const YOUTH: Duration = Duration::from_millis(700);
/// So many wait at most.
const WAITING: usize = 1_024;
/// With no more exchanges and failures, or legs, than this roles are decided each time that there is one more; else
/// each time that there are a quarter more.
const FEW: usize = 1_000;

/// Roles as they were decided last, and by how much.
#[derive(Debug, Default)]
pub(super) struct RolesSoFar {
    roles: Roles,
    /// Exchanges and failures, and legs, by which they were decided.
    by: (usize, usize),
    /// When what was seen first began.
    begun: Option<Timestamp>,
    /// When it was last looked, the watch was young.
    was_young: bool,
    /// Failures of which it is not decided whose they are, and since when.
    waiting: Vec<(Timestamp, Fresh)>,
}

impl RolesSoFar {
    /// The roles as they were decided last.
    pub(super) const fn get(&self) -> &Roles {
        &self.roles
    }

    /// Decides roles by what is known now, unless it is hardly more than before; returns whether it did.
    pub(super) fn decide(&mut self, ledger: &Ledger, trail: &Trail, told: &ToldRoles) -> bool {
        let early: Vec<&KeptAttempt> = ledger.early().collect();
        let seen = trail.seen().len().saturating_add(early.len());
        let known = (seen.saturating_add(ledger.kept()), ledger.legs());
        let much = |now: usize, before: usize| {
            now != before && (now <= FEW || now.saturating_mul(4) >= before.saturating_mul(5))
        };
        let anew = much(known.0, self.by.0) || much(known.1, self.by.1);
        if anew {
            // As if they had ended: else nothing is known of a leg that nobody answers.
            let early_legs = ledger.early_legs();
            let mut listeners = ledger.listeners();
            listeners.extend(early_legs.iter().map(|(leg, listener)| (*leg, listener)));
            let early: Vec<SeenExchange> = early.into_iter().filter_map(as_seen).collect();
            let seen = [trail.seen(), &early];
            let connects = ledger.failed_connects();
            self.roles = Roles::assign(&listeners, connects, seen, told, true);
            self.by = known;
        }
        anew
    }

    /// Something was seen: a request, or a connect that failed, that began then.
    pub(super) fn note(&mut self, output: &Output, connection: &Connection) {
        let began = match output {
            Output::Exchange(exchange) | Output::SoFar(exchange) => exchange.request.first.at,
            Output::Ended(_) if connection.syn.is_some() && connection.established.is_none() => {
                connection.opened.at
            }
            Output::Ended(_) => return,
        };
        self.begun = Some(self.begun.map_or(began, |begun| begun.min(began)));
    }

    /// Whether hardly anything was seen so far.
    pub(super) fn is_young(&self, now: Timestamp) -> bool {
        self.begun.is_none_or(|begun| now.since(begun) < YOUTH)
    }

    /// Whether a failure that waits `since` some time is to wait longer.
    pub(super) fn may_wait(&self, since: Timestamp, now: Timestamp) -> bool {
        self.waiting.len() < WAITING && !is_over(since, now)
    }

    /// A failure of which it is not decided whose it is waits.
    pub(super) fn wait(&mut self, since: Timestamp, fresh: Fresh) {
        let place = self.waiting.partition_point(|(other, _)| *other <= since);
        self.waiting.insert(place, (since, fresh));
    }

    /// Failures that may be told, each with since when it waits: those for which patience is over, and where roles
    /// were decided `anew`, or the watch is no longer young, all.
    pub(super) fn release(&mut self, now: Timestamp, anew: bool) -> Vec<(Timestamp, Fresh)> {
        let young = self.is_young(now);
        let grown = std::mem::replace(&mut self.was_young, young) && !young;
        let over = self.waiting.partition_point(|(since, _)| is_over(*since, now));
        let until = if anew || grown { self.waiting.len() } else { over };
        self.waiting.drain(..until).collect()
    }

    /// Nothing waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// An exchange that would have failed if nothing more came.
fn as_seen(attempt: &KeptAttempt) -> Option<SeenExchange> {
    let exchange = attempt.as_exchange()?;
    Some(SeenExchange { failed: true, ..SeenExchange::of(exchange, attempt.connection()) })
}

fn is_over(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) >= PATIENCE
}
