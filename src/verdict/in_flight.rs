//! Closes with a request outstanding: `closed_in_flight`, `reset_in_flight`, `truncated_response`.

use super::closing::Closing;
use super::lost;
use super::reused::LONGEST_UNREAD;
use super::unproven::{self, Doubt};
use super::{Case, Cause, Certainty, CloseKind, Detail, Received, Verdict};
use crate::flow::Side;

/// A reset with another time to live than all else from the side that it seems to come from:
/// something between sent it.
pub(super) fn foreign_reset(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let usual = case.connection.half(closing.by).ttl?;
    let ttl = closing.mark.ttl;
    if closing.kind != CloseKind::Rst || ttl == usual {
        return None;
    }
    let detail = Detail::ForeignReset { ttl, usual };
    Some(case.verdict(Cause::ResetInFlight, Certainty::Likely, detail, closing))
}

/// The backend closed, and no byte of an answer came.
pub(super) fn judge(case: &Case<'_>, closing: &Closing) -> Verdict {
    if let Some(doubt) = doubt(case, closing) {
        return unproven::judge(case, closing, doubt);
    }
    let detail = if case.is_reused() { Detail::Nothing } else { Detail::Fresh };
    let received = case.received(closing);
    match (closing.kind, received) {
        (CloseKind::Fin, None) => unproven::judge(case, closing, Doubt::OneDirection),
        // On a new connection, before the request arrived.
        (CloseKind::Fin, Some(Received::None)) => {
            case.verdict(Cause::ClosedInFlight, Certainty::Likely, detail, closing)
        }
        (CloseKind::Fin, Some(_)) => {
            case.verdict(Cause::ClosedInFlight, Certainty::Proven, detail, closing)
        }
        (CloseKind::Rst, Some(_)) => {
            case.verdict(Cause::ResetInFlight, Certainty::Proven, detail, closing)
        }
        // Without ACK flag it answers a segment for which there is no connection (RFC 9293, section
        // 3.10.7.1). If nothing of the request was acknowledged on a connection that worked before,
        // the other end has forgotten it.
        (CloseKind::Rst, None) => {
            let half = case.connection.half(Side::Client);
            let acked = half.acked.is_some_and(|acked| acked.pos > case.exchange.request.start);
            if acked {
                case.verdict(Cause::ResetInFlight, Certainty::Proven, detail, closing)
            } else if case.is_reused() {
                lost::forgotten(case, closing)
            } else {
                // A FIN before it would show the same, had it not been captured.
                case.verdict(Cause::ResetInFlight, Certainty::Likely, detail, closing)
            }
        }
    }
}

/// It came so soon that a timer of the backend can have met the request.
pub(super) fn may_be_race(verdict: &Verdict) -> bool {
    matches!(verdict.cause, Cause::ClosedInFlight | Cause::ResetInFlight)
        && verdict.wait.is_some_and(|wait| wait <= LONGEST_UNREAD)
}

/// The backend closed in the middle of its answer.
pub(super) fn truncated(case: &Case<'_>, closing: &Closing) -> Verdict {
    if let Some(doubt) = unseen_proxy_close(case) {
        return unproven::judge(case, closing, doubt);
    }
    let head_complete = case.exchange.response.is_some_and(|response| response.head_complete);
    let detail = Detail::Truncated { head_complete };
    case.verdict(Cause::TruncatedResponse, Certainty::Proven, detail, closing)
}

/// What keeps a close from being the reason.
fn doubt(case: &Case<'_>, closing: &Closing) -> Option<Doubt> {
    let request = &case.exchange.request;
    // A FIN of the backend, or a few bytes, that were not captured.
    let server_gap =
        case.connection.half(Side::Server).last_gap.is_some_and(|gap| gap.to > request.server_pos);
    if server_gap {
        return Some(Doubt::Gap);
    }
    if closing.mark.repeated {
        return Some(Doubt::SeveralReadings);
    }
    unseen_proxy_close(case)
}

/// The backend received more than was captured after the request: perhaps the proxy's FIN, and then
/// the backend only followed.
fn unseen_proxy_close(case: &Case<'_>) -> Option<Doubt> {
    let gap = case.connection.half(Side::Client).last_gap?;
    let request = &case.exchange.request;
    // What was taken for the last of an upload may have been the FIN.
    let at_its_end = gap.to == request.end && !request.complete;
    (gap.to > request.end || at_its_end).then_some(Doubt::Gap)
}
