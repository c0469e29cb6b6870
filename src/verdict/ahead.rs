//! What may still become known: until then nothing is proven that it could change.

use super::{Cause, Certainty, Finding, Misread, Verdict, reused};
use crate::facts::closing::Closer;
use crate::knowledge::Ahead;

/// Holds back the last word where something that is still to come can change the cause, or how sure it is.
pub(super) fn limit(verdict: &mut Verdict, ahead: Ahead) {
    let Ahead::More { probe, role } = ahead else { return };
    // One frame of the backend's more, and a timer shows that was not known.
    let timer = reused::may_be_by_timer(verdict);
    // The front leg, or a line of the log, may show that the proxy's own client left.
    let by_proxy = verdict.close.is_some_and(|close| close.by == Closer::Proxy);
    let client = by_proxy && verdict.cause().is_slow();
    // Another connection may show that the backend takes such headers.
    let header = matches!(verdict.finding, Finding::ProtocolMismatch(Misread::ProxyHeader { .. }));
    // Who answers may be a proxy itself, and then it is no backend's error.
    let role = role && verdict.cause().is_own_answer();
    if timer || client || header || role || probe && may_be_a_probes(verdict.cause()) {
        verdict.certainty = verdict.certainty.min(Certainty::Likely);
    }
}

/// Of a row of probes it would be told as one failure of the backend's health.
fn may_be_a_probes(cause: Cause) -> bool {
    cause != Cause::HealthCheckFailing && !cause.is_of_idleness()
}
