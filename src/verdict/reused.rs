//! Closes that had seen nothing of the request: `keepalive_race` and `stale_reuse`.
//!
//! The backend's FIN (or RST with ACK flag) acknowledges no byte of the request: when it was sent,
//! none had arrived. What the request's own acknowledgement says tells whose fault it is: if it
//! does not cover the FIN, the two crossed; if it does, the proxy's kernel knew, and the proxy used
//! the connection all the same.

use super::crossing::LONGEST_CROSSING;
use super::doubt::Doubt;
use super::{Case, Certainty, Finding, InFlight, Race, Verdict, lost, unproven};
use crate::facts::closing::{CloseKind, Closing};
use crate::flow::Side;
use crate::knowledge::Knowledge;
use crate::knowledge::timers::Timer;
use crate::knowledge::tolerance::tolerance;
use std::time::Duration;

/// No host repeats a segment sooner (RFC 6298 asks for a second; Linux does after 200 ms).
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(200);

/// The request lay unacknowledged for too long before the close: it, or the way back, was lost.
fn was_lost(case: &Case<'_>, closing: &Closing) -> bool {
    let wait = closing.mark.frame.at.since(case.exchange.request.first.at);
    match closing.mark.peer_resent {
        0 => wait >= case.patience(LONGEST_CROSSING),
        // Once may be the same frame captured twice.
        1 => wait >= case.patience(SHORTEST_TIMEOUT),
        _ => true,
    }
}

/// `None` when the close had seen some of the request, or the connection was new.
pub(super) fn judge(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let request = &case.exchange.request;
    // What a close acknowledges had arrived when it was sent. A new connection is in no race: what a request
    // crosses there is a limit on how long the first one may take.
    let ack = closing.mark.ack?;
    if ack > request.start || !case.is_reused() {
        return None;
    }
    let doubt = |doubt| Some(unproven::judge(case, closing, doubt));
    if was_lost(case, closing) {
        // Sent again and again before the close: no word of it reached the backend.
        let lost = lost::request(case, closing).filter(|_| closing.mark.peer_resent >= 2);
        return lost.or_else(|| doubt(Doubt::SeveralReadings));
    }
    let Some(known) = request.ack else {
        return doubt(Doubt::OneDirection);
    };
    // A request that acknowledges the FIN left a kernel that had it; one that does not crossed it. That holds
    // wherever the two were captured.
    // A reset takes no position of its own: it cannot have been acknowledged. Only a FIN before it
    // that was not captured could have been.
    let covers_close = closing.kind == CloseKind::Fin && known > closing.mark.pos;
    if !covers_close {
        let unseen_fin = closing.kind == CloseKind::Rst
            && case
                .connection
                .half(Side::Server)
                .last_gap
                .is_some_and(|gap| gap.to > request.server_pos);
        if unseen_fin {
            return doubt(Doubt::Gap);
        }
        // A connection begun before the capture is taken for one that was used before; it may have
        // been new.
        let used = case.exchange.ordinal > 0;
        let certainty = if used { Certainty::Proven } else { Certainty::Possible };
        return Some(case.verdict(Finding::KeepaliveRace(Race::Crossing), certainty, closing));
    }
    if !request.first_copy {
        // Sent before, perhaps before the FIN came.
        return doubt(Doubt::Gap);
    }
    Some(case.verdict(Finding::StaleReuse, Certainty::Proven, closing))
}

/// The answer before announced that the connection would be closed, and the request went
/// unacknowledged: the proxy should not have used it.
pub(super) fn announced(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let acked = case.connection.half(Side::Client).acked;
    let acknowledged = acked.is_some_and(|acked| acked.pos > case.exchange.request.start);
    if !case.exchange.close_announced || acknowledged || !case.exchange.request.first_copy {
        return None;
    }
    // A proxy that pipelines had sent it before it could know.
    if case.exchange.quiet_since.is_none() {
        let crossed = Finding::KeepaliveRace(Race::Crossing);
        return Some(case.verdict(crossed, Certainty::Likely, closing));
    }
    Some(case.verdict(Finding::StaleReuse, Certainty::Proven, closing))
}

/// The longest wait of a request that a keep-alive timer met in the kernel: the time from its
/// arrival to the next turn of the server's loop.
pub(super) const LONGEST_UNREAD: Duration = Duration::from_millis(100);

/// The second form of the race: the close covers the request, which got no answer, came after a short wait,
/// and came just when the backend's timer fired. The request lay unread in the backend's kernel. Where that
/// kernel itself has said whether the request was read, its word stands.
pub(super) fn by_timer(verdict: &mut Verdict, knowledge: &Knowledge) {
    for timer in knowledge.timers.iter().flatten() {
        if fired(verdict, timer) {
            return;
        }
    }
    kept_for_longer(verdict, knowledge.kept_idle);
}

/// Whether the backend's timer is what closed.
fn fired(verdict: &mut Verdict, timer: &Timer) -> bool {
    let fits = verdict.closed_after.is_some_and(|after| timer.fits(after));
    if let Finding::KeepaliveRace(Race::Unread { timer: known @ None }) = &mut verdict.finding {
        // The kernel of the backend's host proved the race; the timer says what closed.
        *known = fits.then_some(timer.value);
        return fits;
    }
    if !(may_be_by_timer(verdict) && fits) {
        return false;
    }
    verdict.finding = Finding::KeepaliveRace(Race::LostInHost { timer: timer.value });
    verdict.certainty = Certainty::Likely;
    true
}

/// A close that a timer explains, if there is one that fits. `close()` sends a reset where something is
/// unread, `shutdown()` a FIN: either may be the timer's. On a link without delay this is the common form of
/// the race.
pub(super) fn may_be_by_timer(verdict: &Verdict) -> bool {
    let used =
        verdict.finding.in_flight().is_some_and(|known| known.is_by_packets() && !known.is_fresh());
    let idle = verdict.idle_gap.is_some();
    used && idle && verdict.wait.is_some_and(|wait| wait <= LONGEST_UNREAD)
}

/// No timer of the backend's is known, and it kept another connection idle for `longest`: if that is
/// longer than this one had been, a timer is not what closed it.
fn kept_for_longer(verdict: &mut Verdict, longest: Duration) {
    let than = verdict.closed_after.map(|after| after.saturating_add(tolerance(after)));
    let unread = verdict.finding.in_flight() == Some(InFlight::MaybeUnread);
    let maybe = unread && verdict.certainty == Certainty::Possible;
    if maybe && than.is_some_and(|than| longest > than) {
        verdict.certainty = Certainty::Likely;
    }
}
