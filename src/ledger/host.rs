//! What this very host says of failures: of its ports, and of the ends of connections.

use super::books::Ledger;
use super::failure::Failure;
use crate::facts::kernel::Ends;
use crate::facts::listening::Listening;

impl Ledger {
    /// Notes on a failure that is kept what its host says of its ports.
    pub fn note_listening(&mut self, connection: u64, listening: &Listening) {
        let of_connection = |failure: &&mut Failure| failure.connection == connection;
        if let Some(failure) = self.failures.iter_mut().rev().find(of_connection) {
            failure.listening = Some(Box::new(listening.clone()));
        }
    }

    /// Notes on a failure that is kept what the kernel says of its connection's ends.
    pub fn note_ends(&mut self, of: &Failure, ends: &Ends) {
        let same = |failure: &&mut Failure| {
            (failure.connection, failure.ordinal) == (of.connection, of.ordinal)
        };
        let Some(failure) = self.failures.iter_mut().rev().find(same) else { return };
        let (server, before) = (failure.server, failure.verdict.cause);
        failure.meet(ends.clone());
        let after = failure.verdict.cause;
        self.recount(server, before, after);
    }
}
