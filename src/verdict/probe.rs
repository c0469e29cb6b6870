//! Probes that fail: `health_check_failing`.

use super::{Case, Certainty, Fate, Finding, Retry, RetryReason, Verdict, failed};
use crate::exchange::{Exchange, RequestDigest};
use crate::facts::Tried;
use crate::facts::closing::Closing;
use crate::flow::Side;
use crate::knowledge::FailingProbe;
use crate::verdict::{Evidence, Shows};
use std::time::Duration;

/// So soon nobody has read more of an answer than how it begins.
const AT_ONCE: Duration = Duration::from_millis(20);
/// One that names itself may take so long for that: its patience for the whole is longer.
const NAMED_AT_ONCE: Duration = Duration::from_millis(500);

/// Who asked wanted the status and nothing else: what may be a probe was asked on a connection of its own,
/// was answered as it should be, and closed as soon as it could read that, with the rest unread. Clients that
/// leave while an answer flows leave later, and what is asked for them mostly says so.
pub(super) fn has_its_status(case: &Case<'_>, closing: &Closing) -> bool {
    let (exchange, connection) = (case.exchange, case.connection);
    let Some(response) = exchange.response else { return false };
    let head = exchange.request.head.as_ref();
    let asked = head.and_then(RequestDigest::of);
    let named = head.is_some_and(|head| head.signs.prober.is_some());
    let soon = case.patience(if named { NAMED_AT_ONCE } else { AT_ONCE });
    let alone = named || exchange.ordinal == 0 && connection.syn.is_some();
    let acked = connection.half(Side::Server).acked.map(|acked| acked.pos).max(closing.mark.ack);
    let has = acked.is_some_and(|acked| acked > response.start);
    let at_once = connection
        .span(response.first, closing.mark.frame)
        .is_some_and(|after| after <= soon && closing.mark.frame.at >= response.first.at);
    let well = matches!(response.status, Some(200..=399));
    asked.is_some() && alone && has && at_once && well && closing.by == Side::Client
}

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
