//! How long frames are on their way between proxy and backend.

use super::Case;
use crate::flow::Connection;
use std::time::Duration;

/// A close that comes so long after the request did not meet it on the way: no round trip is longer.
pub(super) const LONGEST_CROSSING: Duration = Duration::from_secs(1);

/// How long a round trip may be, by the handshake; as long as any where that was not captured.
pub(super) fn round_trip(connection: &Connection) -> Duration {
    let Connection { syn, syn_ack, established, .. } = connection;
    match (syn, syn_ack, established) {
        // Whatever the order in which they were captured.
        (Some(syn), Some(syn_ack), Some(ack)) => ack.at.max(syn_ack.at).since(syn.at),
        _ => LONGEST_CROSSING,
    }
}

/// How long it takes from where the capture was taken to the backend and back, by the handshake.
pub(super) fn way(case: &Case<'_>) -> Option<Duration> {
    let Connection { last_syn, syn_ack, established, .. } = case.connection;
    let (syn, syn_ack, ack) = ((*last_syn)?, (*syn_ack)?, (*established)?);
    let in_order = syn.at <= syn_ack.at && syn_ack.at <= ack.at;
    in_order.then(|| syn_ack.at.since(syn.at)).filter(|way| *way < LONGEST_CROSSING)
}
