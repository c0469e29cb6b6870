//! Heads that the snap length cut: what their missing part can change is less sure.

use super::{Case, Certainty, Finding, Race, Retry, RetryReason, Verdict};

/// Lowers the certainty of what rests on where a message ends whose head was cut, or on what it says.
pub(super) fn limit(verdict: &mut Verdict, case: &Case<'_>) {
    let slight = case.exchange.request.slight;
    if slight && verdict.retry == Retry::Safe {
        // What looks like a request may be a part of the one before.
        (verdict.retry, verdict.retry_reason) = (Retry::Unknown, RetryReason::NotTold);
    }
    let cut = case.is_cut() || case.exchange.response.is_some_and(|response| response.cut);
    // A request begins where its first bytes are, and numbers say the rest.
    let numbers =
        matches!(verdict.finding, Finding::KeepaliveRace(Race::Crossing) | Finding::StaleReuse);
    if cut && (slight || !numbers) {
        verdict.certainty = verdict.certainty.min(Certainty::Likely);
    }
}
