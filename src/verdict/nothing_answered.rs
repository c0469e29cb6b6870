//! A port that never answers, and ends each new connection as soon as something is asked: it may speak
//! another protocol than it is asked in.

use super::{InFlight, Retry, RetryReason, Verdict};
use crate::facts::Tried;
use crate::knowledge::Knowledge;
use std::time::Duration;

/// Who takes longer to close than this has looked at what was asked.
const AT_ONCE: Duration = Duration::from_millis(250);

/// A new connection that was closed as soon as something was asked.
pub fn ends_at_once(verdict: &Verdict) -> bool {
    verdict.finding.in_flight() == Some(InFlight::Fresh)
        && verdict.wait.is_none_or(|wait| wait <= AT_ONCE)
}

/// One of the connections that all ended so: perhaps nothing of the request was understood.
pub(super) fn judge(verdict: &mut Verdict, tried: Tried<'_>, knowledge: &Knowledge) {
    let Some(connections) = knowledge.nothing_answered else { return };
    if matches!(tried, Tried::Exchange(_)) && ends_at_once(verdict) {
        verdict.finding.set_in_flight(InFlight::NothingAnswered { connections });
        (verdict.retry, verdict.retry_reason) = (Retry::Unknown, RetryReason::PerhapsNotUnderstood);
    }
}
