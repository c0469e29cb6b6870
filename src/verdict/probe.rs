//! Probes that fail: `health_check_failing`.

use super::{Certainty, Fate, Finding, Retry, RetryReason, Verdict, failed};
use crate::exchange::Exchange;
use crate::facts::Tried;
use crate::knowledge::FailingProbe;
use crate::verdict::{Evidence, Shows};

/// What became of one of a row of probes that fail: what would be said of a client's request, as a
/// failure of the backend's health.
pub(super) fn judge(fate: Fate, tried: Tried<'_>, probe: FailingProbe) -> Fate {
    let verdict = match (fate, tried) {
        (_, Tried::Exchange(exchange)) if probe.by_status => refused_answer(exchange),
        (Fate::Failed(verdict), _) => *verdict,
        (fate, _) => return fate,
    };
    let certainty = if probe.named { Certainty::Proven } else { Certainty::Likely };
    // A job may ask as steadily as a probe: its retry is judged as that of any request.
    let (retry, retry_reason) = if probe.named {
        (Retry::Safe, RetryReason::Probe)
    } else {
        (verdict.retry, verdict.retry_reason)
    };
    let finding = Finding::HealthCheckFailing;
    failed(Verdict { finding, certainty, retry, retry_reason, ..verdict })
}

/// A probe that was answered with a status that its proxy does not accept.
fn refused_answer(exchange: &Exchange) -> Verdict {
    let (request, response) = (&exchange.request, exchange.response);
    let answer = response.map(|response| (response.first, Shows::Answer));
    let shown = [Some((request.first, Shows::Request)), answer];
    Verdict {
        idle_gap: exchange.idle_gap(),
        wait: response.map(|response| response.first.at.since(request.last.at)),
        ..Verdict::of(
            Finding::HealthCheckFailing,
            Certainty::Likely,
            (Retry::Unsafe, RetryReason::AnswerBegun),
            shown.into_iter().flatten().map(|(frame, shows)| Evidence { frame, shows }).collect(),
        )
    }
}
