//! Closes with a request outstanding: `closed_in_flight`, `reset_in_flight`, `truncated_response`.

use super::doubt::Doubt;
use super::{
    Case, Certainty, Finding, InFlight, ResetBy, Verdict, crossing, lost, reused, unproven,
};
use crate::exchange::Response;
use crate::exchange::SHORTEST_KEEPALIVE;
use crate::facts::closing::{CloseKind, Closing, Received};
use crate::flow::Side;
use std::time::Duration;

/// A reset with another time to live than all else from the side that it seems to come from:
/// something between sent it.
pub(super) fn foreign_reset(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let (ttl, usual) = closing.foreign_ttl(case.connection)?;
    let finding = Finding::ResetInFlight(ResetBy::Path { ttl, usual });
    Some(case.verdict(finding, Certainty::Likely, closing))
}

/// The backend closed, and no byte of an answer came.
pub(super) fn judge(case: &Case<'_>, closing: &Closing) -> Verdict {
    if let Some(doubt) = doubt(case, closing) {
        return unproven::judge(case, closing, doubt);
    }
    let (certainty, known) = sureness(case, closing);
    let (closed, reset) =
        (Finding::ClosedInFlight(known), Finding::ResetInFlight(ResetBy::Backend(known)));
    let received = case.received(closing);
    match (closing.kind, received) {
        (CloseKind::Fin, None) => unproven::judge(case, closing, Doubt::OneDirection),
        // On a new connection, before the request arrived: no keep-alive timer runs there, but a limit on how
        // long the first request may take can.
        (CloseKind::Fin, Some(Received::None)) => case.verdict(closed, Certainty::Likely, closing),
        (CloseKind::Fin, Some(_)) => case.verdict(closed, certainty, closing),
        (CloseKind::Rst, Some(_)) => case.verdict(reset, certainty, closing),
        // Without ACK flag it answers a segment for which there is no connection (RFC 9293, section
        // 3.10.7.1). If nothing of the request was acknowledged on a connection that worked before,
        // the other end has forgotten it.
        (CloseKind::Rst, None) => {
            let half = case.connection.half(Side::Client);
            let acked = half.acked.is_some_and(|acked| acked.pos > case.exchange.request.start);
            if acked {
                case.verdict(reset, certainty, closing)
            } else if case.is_reused() {
                lost::forgotten(case, closing)
            } else {
                // A FIN before it would show the same, had it not been captured.
                case.verdict(reset, Certainty::Likely, closing)
            }
        }
    }
}

/// The close came so soon that a timer of the backend can have met the request.
pub(super) fn may_be_race(verdict: &Verdict) -> bool {
    matches!(verdict.finding, Finding::ClosedInFlight(_) | Finding::ResetInFlight(_))
        && verdict.wait.is_some_and(|wait| wait <= reused::LONGEST_UNREAD)
}

/// So soon after a request, at least, a close may still be one that was decided upon before it was read.
const SOON: Duration = Duration::from_millis(50);

/// How sure it is that a close which covers the request is about the request.
///
/// On a connection that was used before, or may have been, a keep-alive timer closes in the same way when
/// it fires while the request lies unread in the backend's kernel. It does so within a turn of the
/// server's loop after the request has come, two round trips after it was sent at most wherever that was
/// captured, and only after idleness. Whether there is such a timer the connection itself does not show:
/// what other connections show of it may be missing from the capture, so that nothing is proven here.
fn sureness(case: &Case<'_>, closing: &Closing) -> (Certainty, InFlight) {
    if !case.is_reused() {
        return (Certainty::Proven, InFlight::Fresh);
    }
    // What was sent again may have come with its last copy only, and nothing had come for long before it
    // was first acknowledged: a host acknowledges within half a second (RFC 9293, section 3.8.6.3).
    let client = case.connection.half(Side::Client);
    let resent = client.last_resent.as_deref().map(|again| again.at);
    let received = closing.mark.acked.filter(|acked| acked.pos > case.exchange.request.start);
    let acked = received.map(|acked| acked.frame.at.min(closing.mark.frame.at));
    let came = [resent, acked].into_iter().flatten().max().unwrap_or_default();
    let wait = closing.mark.frame.at.since(came.max(case.exchange.request.first.at));
    let soon = crossing::round_trip(case.connection).saturating_mul(2).max(SOON);
    // Without the answer before it is not known for how long it had been idle.
    let idle = case
        .exchange
        .quiet_since
        .is_none_or(|quiet| closing.mark.frame.at.since(quiet.at) >= SHORTEST_KEEPALIVE);
    if idle && wait <= soon.max(reused::LONGEST_UNREAD) {
        (Certainty::Possible, InFlight::MaybeUnread)
    } else if wait <= soon {
        (Certainty::Likely, InFlight::MaybeUnread)
    } else {
        (Certainty::Proven, InFlight::Used)
    }
}

/// The backend closed in the middle of its answer.
pub(super) fn truncated(case: &Case<'_>, closing: &Closing) -> Verdict {
    if let Some(doubt) = unseen_proxy_close(case) {
        return unproven::judge(case, closing, doubt);
    }
    // A body that is too short by what was read of a head that was cut begins behind that.
    let begun = |response: Response| response.head_complete || response.cut;
    let head_complete = case.exchange.response.is_some_and(begun);
    let unclear = case.exchange.response.is_some_and(|response| response.unclear);
    // Where nothing but the close ends it, a reset may have come behind all of it.
    let until_close = case.exchange.response.is_some_and(|response| response.until_close);
    let certainty = if unclear || until_close { Certainty::Likely } else { Certainty::Proven };
    case.verdict(Finding::TruncatedResponse { head_complete }, certainty, closing)
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
