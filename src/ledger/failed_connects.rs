//! Connects that failed, before anybody judges whose they are.

use super::books::Ledger;
use super::failure;
use super::probe_source::ProbeSource;
use crate::base::time::Timestamp;
use crate::packet::Endpoint;

/// A connect that failed.
#[derive(Clone, Copy, Debug)]
pub struct FailedConnect {
    /// When its first frame was captured.
    pub begun: Timestamp,
    /// Who tried.
    pub client: Endpoint,
    /// Where.
    pub server: Endpoint,
}

impl Ledger {
    /// The connects that failed, those aside that probe whether somebody is there.
    pub fn failed_connects(&self) -> Vec<FailedConnect> {
        let connects = self.failures.iter().filter(|attempt| attempt.as_exchange().is_none());
        connects
            .filter(|attempt| {
                let client = attempt.client().addr;
                let source = failure::asked(attempt).map(|asked| ProbeSource { client, asked });
                let listener = self.listener_at(attempt.leg());
                !source.zip(listener).is_some_and(|(source, one)| one.probes.is_probe(source))
            })
            .map(|attempt| {
                let connection = attempt.connection();
                let begun = connection.syn.unwrap_or(connection.opened).at;
                FailedConnect { begun, client: attempt.client(), server: attempt.server() }
            })
            .collect()
    }
}
