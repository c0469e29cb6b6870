//! Exchanges that nobody answered and of which neither side's close says that they failed: what their client
//! got of the proxy meanwhile tells, or what is known of the proxy.

use super::failure::Failure;
use super::judgement::Judgement;
use super::known::Known;
use super::unsettled::{ErrorGot, Unsettled, place};
use crate::facts::attempt::{ClientError, ClientFacts};
use crate::verdict::Cause;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl Judgement<'_> {
    /// Judges exchanges that were undecided when they were booked, by all that is known now.
    pub(super) fn judge_unsettled(&mut self, known: &mut Known<'_>) {
        let elsewhere = self.failures.iter().filter(|one| one.is_better_elsewhere());
        let elsewhere: HashSet<(u64, u32)> =
            elsewhere.map(|one| (one.connection, one.ordinal)).collect();
        for (attempt, first_unread) in &self.ledger.unsettled {
            if place(attempt).is_some_and(|place| elsewhere.contains(&place)) {
                // Another viewpoint shows what became of it.
                if let Some(listener) = self.otherwise(attempt.leg()) {
                    listener.settle_exchange(attempt, *first_unread);
                }
                continue;
            }
            let knowledge = known.of(attempt, |endpoint| self.listener_at(endpoint));
            let (attempt, first_unread) = (Arc::clone(attempt), *first_unread);
            let one = Unsettled { attempt, knowledge, first_unread };
            if !self.settle(&one, ClientFacts::NONE) {
                self.unsettled.push(one);
            }
        }
    }

    /// Exchanges of which it is open whether they failed, or which nobody's close ends, by connection and number
    /// on it.
    pub fn outstanding(&self) -> HashSet<(u64, u32)> {
        let failed = self.failures.iter().filter(|failure| is_outstanding(failure));
        let failed = failed.map(|failure| (failure.connection, failure.ordinal));
        self.unsettled.iter().filter_map(Unsettled::place).chain(failed).collect()
    }

    /// The front leg shows that clients got errors while exchanges were outstanding: judges these again.
    pub fn clients_got(&mut self, errors: &[ErrorGot]) {
        if errors.is_empty() {
            return;
        }
        let got: HashMap<(u64, u32), &ErrorGot> =
            errors.iter().map(|error| ((error.connection, error.ordinal), error)).collect();
        let errored = |place: (u64, u32)| {
            got.get(&place).map(|error| ClientError { at: error.at, sure: error.sure })
        };
        for failure in self.failures.iter_mut().filter(|failure| is_outstanding(failure)) {
            failure.of_client.errored = errored((failure.connection, failure.ordinal));
            failure.judge_again(|_| {});
        }
        let mut open = std::mem::take(&mut self.unsettled);
        open.retain(|one| {
            let errored = one.place().and_then(errored);
            errored.is_none() || !self.settle(one, ClientFacts { errored, ..ClientFacts::NONE })
        });
        self.unsettled = open;
        self.events.clear();
        self.failures.iter_mut().for_each(|failure| failure.event = None);
        self.give_context();
        self.find_events();
    }

    /// Notes the failure that an exchange is by what is known of its client, if it is one.
    fn settle(&mut self, one: &Unsettled, client: ClientFacts) -> bool {
        let Unsettled { attempt, knowledge, first_unread } = one;
        let failure = Failure::with_client(Arc::clone(attempt), Vec::new(), client, *knowledge);
        let Some(failure) = failure else { return false };
        if let Some(listener) = self.otherwise(failure.leg()) {
            listener.settle_exchange(attempt, *first_unread);
        }
        self.failures.push(failure);
        true
    }
}

/// A failed exchange whose connection nobody closed, as far as was captured.
fn is_outstanding(failure: &Failure) -> bool {
    failure.request().is_some()
        && failure.verdict().cause() == Cause::SilentDrop
        && failure.verdict().close().is_none()
}
