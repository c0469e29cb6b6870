//! What several captures, or several interfaces of one, show of the same failure.

use super::books::Ledger;
use super::counts::count;
use super::failure::Failure;
use crate::exchange::Output;
use crate::flow::{Connection, Twin};
use crate::verdict::{self, Cause, Certainty, Fate};
use foldhash::fast::RandomState;
use std::collections::HashMap;

impl Ledger {
    /// Keeps what a connection that is booked already shows of failures.
    pub(super) fn second(&mut self, output: Output, connection: &Connection, twin: &Twin) -> bool {
        let timeouts = self.told.timeouts(connection.server, connection.client.addr);
        let (fate, exchange) = match output {
            Output::Exchange(exchange) => {
                (verdict::judge(&exchange, connection, &timeouts), Some(*exchange))
            }
            Output::Ended(ended) => {
                let captures = (twin.capture, connection.opened.capture);
                if captures.0 != captures.1 {
                    count(self.shared.entry(captures).or_default());
                }
                (verdict::judge_connect(&ended, connection, &timeouts), None)
            }
        };
        let Fate::Failed(verdict) = fate else {
            return false;
        };
        if self.opinions.len() < self.limits.failures {
            self.opinions.push(Failure::new(*verdict, exchange, connection));
        }
        true
    }

    /// Joins what was seen of one failure at several places: the better proof wins.
    pub(super) fn join(&mut self) {
        let mut known: HashMap<(u64, Option<u32>), usize, RandomState> = HashMap::default();
        let name = |failure: &Failure| (failure.connection, failure.wire.map(|wire| wire.0));
        for (index, failure) in self.failures.iter().enumerate() {
            known.insert(name(failure), index);
        }
        for mut opinion in std::mem::take(&mut self.opinions) {
            let place = known.get(&name(&opinion)).copied();
            let Some(failure) = place.and_then(|place| self.failures.get_mut(place)) else {
                // Where it was captured first it did not show as a failure: that takes proof.
                if opinion.verdict.cause != Cause::Unproven
                    && opinion.verdict.certainty >= Certainty::Likely
                {
                    if let Some(listener) = self.listeners.get_mut(&opinion.server) {
                        count(listener.causes.entry(opinion.verdict.cause).or_default());
                    }
                    known.insert(name(&opinion), self.failures.len());
                    count(&mut self.better);
                    self.keep(opinion);
                }
                continue;
            };
            // The kernel's word is one, wherever the packets were captured.
            if let Some(ends) = failure.ends.as_deref() {
                opinion.meet(ends.clone());
            }
            let before = failure.verdict.cause;
            if failure.verdict.join(opinion.verdict) {
                let after = failure.verdict.cause;
                let server = failure.server;
                count(&mut self.better);
                self.recount(server, before, after);
            }
        }
    }
}
