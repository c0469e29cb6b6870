//! Closes that had seen nothing of the request: `keepalive_race` and `stale_reuse`.
//!
//! The backend's FIN (or RST with ACK flag) acknowledges no byte of the request: when it was sent,
//! none had arrived. What the request's own acknowledgement says tells whose fault it is: if it
//! does not cover the FIN, the two crossed; if it does, the proxy's kernel knew, and the proxy used
//! the connection all the same.

use super::closing::Closing;
use super::unproven::{self, Doubt};
use super::{Case, Cause, Certainty, CloseKind, Detail, Verdict};
use crate::flow::Side;
use std::time::Duration;

/// No host repeats a segment sooner (RFC 6298 asks for a second; Linux does after 200 ms).
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(200);
/// A close that comes so long after the request did not meet it on the way: no round trip is longer.
const LONGEST_CROSSING: Duration = Duration::from_secs(1);

/// The request lay unacknowledged for too long before the close: it, or the way back, was lost.
fn was_lost(case: &Case<'_>, closing: &Closing) -> bool {
    let wait = closing.mark.frame.at.since(case.exchange.request.first.at);
    match closing.mark.peer_resent {
        0 => wait >= LONGEST_CROSSING,
        // Once may be the same frame captured twice.
        1 => wait >= SHORTEST_TIMEOUT,
        _ => true,
    }
}

/// `None` when the close had seen some of the request, or the connection was new.
pub(super) fn judge(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let request = &case.exchange.request;
    let ack = closing.mark.ack?;
    if ack > request.start || !case.is_reused() {
        return None;
    }
    let doubt = |doubt| Some(unproven::judge(case, closing, doubt));
    if was_lost(case, closing) {
        return doubt(Doubt::SeveralReadings);
    }
    let Some(known) = request.ack else {
        return doubt(Doubt::OneDirection);
    };
    // A reset takes no position of its own: it cannot have been acknowledged. Only a FIN before it
    // that was not captured could have been.
    let covers_close = closing.kind == CloseKind::Fin && known > closing.mark.pos;
    if !covers_close {
        let unseen_fin = closing.kind == CloseKind::Rst
            && case
                .connection
                .half(Side::Server)
                .last_gap
                .is_some_and(|gap| gap > request.server_pos);
        if unseen_fin {
            return doubt(Doubt::Gap);
        }
        let closed_after =
            case.exchange.quiet_since.map(|quiet| closing.mark.frame.at.since(quiet.at));
        // A connection begun before the capture is taken for one that was used before; it may have
        // been new.
        let used = case.exchange.ordinal > 0;
        let certainty = if used { Certainty::Proven } else { Certainty::Possible };
        let detail = Detail::Crossing { closed_after };
        return Some(case.verdict(Cause::KeepaliveRace, certainty, detail, closing));
    }
    if !request.first_copy {
        // Sent before, perhaps before the FIN came.
        return doubt(Doubt::Gap);
    }
    Some(case.verdict(Cause::StaleReuse, Certainty::Proven, Detail::Nothing, closing))
}
