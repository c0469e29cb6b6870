//! What several captures, or several interfaces of one, show of the same attempt.

use super::books::Ledger;
use super::counts::count;
use crate::exchange::Output;
use crate::facts::{Facts, KeptAttempt};
use crate::flow::{Connection, Twin};
use crate::knowledge::Knowledge;
use crate::verdict::{self, Fate};
use std::sync::Arc;

impl Ledger {
    /// Keeps what a connection that is booked already shows of failures.
    pub(super) fn second(&mut self, output: Output, connection: &Connection, twin: &Twin) -> bool {
        let timeouts = self.told.timeouts(connection.server, connection.client.addr);
        let knowledge = Knowledge { timeouts, ..Knowledge::default() };
        let facts = match &output {
            Output::SoFar(_) => return false,
            Output::Exchange(exchange) => Facts::of_exchange(exchange, connection),
            Output::Ended(ended) => {
                let captures = (twin.capture, connection.opened.capture);
                if captures.0 != captures.1 {
                    count(self.shared.entry(captures).or_default());
                }
                Facts::of_connect(ended, connection)
            }
        };
        if !matches!(verdict::judge(&facts, &knowledge), Fate::Failed(_)) {
            return false;
        }
        if self.opinions.len() < self.limits.failures {
            self.opinions.push(Arc::new(match output {
                Output::Exchange(exchange) | Output::SoFar(exchange) => {
                    KeptAttempt::exchange(exchange, connection)
                }
                Output::Ended(ended) => KeptAttempt::connect(ended, connection),
            }));
        }
        true
    }
}
