//! What is known beside an attempt, found in the books.

use super::books::Ledger;
use super::failure::{self, Failure};
use super::listener::Listener;
use super::probe_source::ProbeSource;
use crate::base::time::Timestamp;
use crate::facts::KeptAttempt;
use crate::flow::Leg;
use crate::knowledge::timers::Timer;
use crate::knowledge::{Ahead, Knowledge};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A watch, or a reading, that goes on: more may become known.
#[derive(Clone, Copy, Debug)]
pub struct GoesOn {
    /// As far as was captured.
    pub now: Timestamp,
    /// A backend may turn out to be a proxy: nobody said which listeners are backends.
    pub roles_open: bool,
}

/// What the books show beside attempts; what is costly to find is found once.
pub struct Known<'l> {
    ledger: &'l Ledger,
    goes_on: Option<GoesOn>,
    listeners: HashMap<Leg, Knowledge, RandomState>,
}

impl<'l> Known<'l> {
    /// Of these books; `goes_on` says what may still become known, `None` is the end.
    pub fn new(ledger: &'l Ledger, goes_on: Option<GoesOn>) -> Self {
        Self { ledger, goes_on, listeners: HashMap::default() }
    }

    /// The failure that an attempt is by what is known now, if it is one.
    pub fn failure(&mut self, attempt: Arc<KeptAttempt>) -> Option<Failure> {
        let ledger = self.ledger;
        let knowledge = self.of(&attempt, |leg| ledger.listener_at(leg));
        let mut failure = Failure::of(attempt, Vec::new(), knowledge)?;
        // One that names itself is known for a probe from the beginning.
        let source = failure.source();
        if let Some((source, listener)) = source.zip(ledger.listener_at(failure.leg()))
            && let Some(mut health) = listener.probes.health_of_named(source)
        {
            let cause = failure.verdict().cause();
            if !cause.is_own_answer() {
                health.causes.insert(cause, 1);
            }
            failure.stand_for(health, cause.is_own_answer());
        }
        Some(failure)
    }

    /// What is known beside an attempt; `listener_at` finds its backend as it is known now.
    pub(super) fn of<'b>(
        &mut self,
        attempt: &KeptAttempt,
        listener_at: impl FnOnce(Leg) -> Option<&'b Listener>,
    ) -> Knowledge {
        let (leg, client) = (attempt.leg(), attempt.client().addr);
        let source = failure::asked(attempt).map(|asked| ProbeSource { client, asked });
        self.beside(leg, client, source, listener_at(leg))
    }

    /// What is known beside an attempt of `client`, of a kind that may be a probe or not. `listener` is the
    /// backend as it is known now.
    fn beside(
        &mut self,
        leg: Leg,
        client: IpAddr,
        source: Option<ProbeSource>,
        listener: Option<&Listener>,
    ) -> Knowledge {
        let told = self.ledger.told();
        let base = self.listeners.entry(leg).or_insert_with(|| {
            let keepalive = told.backend(leg.server).keepalive;
            let deaf = !self.ledger.backends_heard && !self.ledger.tried_again.contains(&leg);
            Knowledge {
                timers: [
                    keepalive.map(|setting| Timer::told(setting.value)),
                    listener.and_then(Listener::timer),
                ],
                kept_idle: listener.map(Listener::kept_idle).unwrap_or_default(),
                named: self.ledger.is_named(leg),
                takes_header: listener.is_some_and(|one| one.takes_header),
                answers: listener.is_some_and(Listener::answers),
                deaf,
                ..Knowledge::default()
            }
        });
        let ahead = self.goes_on.map_or(Ahead::Nothing, |goes_on| Ahead::More {
            // As the books have it: what a report so far takes for decided is not.
            probe: source.zip(self.ledger.listener_at(leg)).is_some_and(|(source, listener)| {
                listener.probes.may_turn_out(source, goes_on.now)
            }),
            role: goes_on.roles_open,
        });
        Knowledge { timeouts: told.timeouts(leg.server, client), ahead, ..*base }
    }
}
