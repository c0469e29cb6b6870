//! Exchanges that are framed by turns, for their content cannot be read.
//!
//! Who spoke, how much, and what each had received by then is known; what was said is not. So a close that
//! crossed a request is proven by its acknowledgement numbers as ever, and everything else is likely at most:
//! what is taken for a request may want no answer, and what is taken for an answer may be none.

use super::case::{self, Case};
use super::cause::Certainty;
use super::finding::{Finding, Race};
use super::{Fate, Verdict, failed, gave_up, in_flight, lost, reused};
use crate::exchange::{Outcome, Protocol, SHORTEST_KEEPALIVE, Turns, Unread};
use crate::facts::closing::{self, CloseKind, Closing};
use crate::flow::Side;
use crate::knowledge::Timeouts;
use crate::knowledge::tolerance::fits;
use std::time::Duration;

/// Who closes so soon after its own last words did not wait for an answer.
const AT_ONCE: Duration = Duration::from_millis(20);
/// Who waited so long for an answer wanted one, where such are known to be given.
const LONG: Duration = Duration::from_secs(1);

/// Turns do not tell what became of it.
const NOT_TOLD: Fate = Fate::Unread(Unread::Turns);

/// What became of an exchange that is framed by turns.
pub(super) fn judge(case: &Case<'_>, turns: &Turns, timeouts: &Timeouts) -> Fate {
    let (exchange, connection) = (case.exchange, case.connection);
    let closing = closing::first(connection);
    if exchange.outcome == Outcome::Answered {
        return answered(case, turns, closing.as_ref());
    }
    if connection.given_up {
        return Fate::Open;
    }
    let crossing = closing.filter(|closing| closing.by == Side::Server);
    if let Some(why) = case::unread(case) {
        let seen = exchange.request.unread != Some(Unread::Gap);
        let crossed = crossing.filter(|_| seen).and_then(|closing| crossed(case, &closing));
        return crossed.map_or(Fate::Unread(why), failed);
    }
    if case.is_one_sided() {
        return Fate::Open;
    }
    let Some(closing) = closing else {
        return at_most_likely(lost::unclosed(case));
    };
    let closing = case::decided(case, closing);
    if closing.contested {
        return NOT_TOLD;
    }
    if leaves(case) {
        return Fate::Sound;
    }
    match closing.by {
        Side::Client => proxy_closed(case, turns, &closing, timeouts),
        Side::Server => backend_closed(case, turns, &closing),
    }
}

/// Something came for an answer. Whether it was one, and whole, cannot be read, but for a record of TLS that
/// breaks off; that it was repeated and never taken shows.
fn answered(case: &Case<'_>, turns: &Turns, closing: Option<&Closing>) -> Fate {
    if let Some(vanished) = lost::answer(case, closing).filter(|_| !turns.overlapping) {
        return at_most_likely(failed(vanished));
    }
    let by_server = closing.filter(|closing| closing.by == Side::Server);
    if turns.perhaps_unanswered
        && let Some(closing) = by_server
        && let Some(answer) = case.exchange.response
        && closing.mark.frame.at.since(answer.last.at) < SHORTEST_KEEPALIVE
    {
        return NOT_TOLD;
    }
    Fate::Sound
}

/// The close had seen nothing of the request, or the request all of the close.
fn crossed(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let verdict = reused::judge(case, closing)?;
    match verdict.finding {
        Finding::KeepaliveRace(_) => Some(verdict),
        // Who knows of the close may only take leave.
        Finding::StaleReuse => {
            Some(Verdict { certainty: verdict.certainty.min(Certainty::Likely), ..verdict })
        }
        _ => None,
    }
}

/// The client closed by itself right behind its own words.
fn leaves(case: &Case<'_>) -> bool {
    let request = &case.exchange.request;
    let (client, server) = (case.connection.half(Side::Client), case.connection.half(Side::Server));
    client.fin.is_some_and(|fin| {
        let knew = server.fin.is_some_and(|other| fin.ack.is_some_and(|ack| ack > other.pos));
        let behind = fin.pos == request.end;
        behind && !knew && fin.frame.at.since(request.last.at) < AT_ONCE
    })
}

/// The backend closed, and nothing of an answer came, or a part of a record.
fn backend_closed(case: &Case<'_>, turns: &Turns, closing: &Closing) -> Fate {
    if case.exchange.outcome == Outcome::Partial {
        return at_most_likely(failed(in_flight::truncated(case, closing)));
    }
    if let Some(crossed) = crossed(case, closing) {
        return failed(crossed);
    }
    if turns.overlapping {
        return NOT_TOLD;
    }
    if turns.notice.is_some() && follows(case, closing) {
        let race = Finding::KeepaliveRace(Race::Crossing);
        return failed(case.verdict(race, Certainty::Likely, closing));
    }
    let verdict = in_flight::foreign_reset(case, closing)
        .or_else(|| lost::held_back(case, Some(closing)))
        .unwrap_or_else(|| in_flight::judge(case, closing));
    if turns.in_the_middle && in_flight::may_be_race(&verdict) {
        return NOT_TOLD;
    }
    // What nothing was captured before may be the middle of something.
    let blind = case.exchange.blind && in_flight::may_be_race(&verdict) || turns.in_the_middle;
    let most = if blind { Certainty::Possible } else { Certainty::Likely };
    failed(Verdict { certainty: verdict.certainty.min(most), ..verdict })
}

/// The close came so soon that it can be the one that was announced before the request.
fn follows(case: &Case<'_>, closing: &Closing) -> bool {
    let way = case.connection.round_trip().unwrap_or_default().saturating_mul(2);
    let wait = closing.mark.frame.at.since(case.exchange.request.first.at);
    case.is_reused() && closing.kind == CloseKind::Fin && wait <= way.max(Duration::from_millis(50))
}

/// The proxy closed, and nothing of an answer came that it took.
fn proxy_closed(case: &Case<'_>, turns: &Turns, closing: &Closing, timeouts: &Timeouts) -> Fate {
    if turns.overlapping || turns.in_the_middle {
        return NOT_TOLD;
    }
    let wait = case.connection.span(case.exchange.request.last, closing.mark.frame);
    let patient = wait.zip(timeouts.proxy_read).is_some_and(|(wait, read)| fits(wait, read));
    // What is asked in TLS on a known leg is HTTP, and that is answered. Elsewhere there are words that want
    // none.
    let wanted = case.exchange.protocol == Protocol::Tls || turns.unseen;
    let lost = lost::is_repeated(case);
    if !patient && !wanted && !lost {
        return Fate::Sound;
    }
    let fate = gave_up::judge(case, closing, timeouts);
    let Fate::Failed(mut verdict) = fate else { return fate };
    match verdict.finding {
        Finding::ClientGone(_) | Finding::Unproven(_) => return NOT_TOLD,
        Finding::ResponseTimeout(_) if !patient && wait.is_none_or(|wait| wait < LONG) => {
            verdict.certainty = Certainty::Possible;
        }
        _ => {}
    }
    at_most_likely(Fate::Failed(verdict))
}

fn at_most_likely(mut fate: Fate) -> Fate {
    if let Fate::Failed(verdict) = &mut fate {
        verdict.certainty = verdict.certainty.min(Certainty::Likely);
    }
    fate
}
