//! What vanishes on the way or waits in a queue: `silent_drop`, `accept_queue_full`, and requests that
//! nobody reads.
//!
//! A side that gets no acknowledgement sends again, and that shows. Where the other end was
//! captured nothing may show at all: a vantage can only tell of what passes it.

use super::{Case, Certainty, Drop, Fate, Finding, Standstill, Vanished, Verdict, failed};
use crate::exchange::Outcome;
use crate::facts::closing::Closing;
use crate::flow::{Connection, Side, is_round_trip};
use std::time::Duration;

/// A request that was first acknowledged so late was lost before.
const LATE: Duration = Duration::from_secs(1);
/// Repetitions after which a segment was lost for sure: one may be the same frame captured twice.
const ENOUGH: u32 = 2;
/// Repetitions after which nobody waits for an acknowledgement that is only late: each comes after twice the
/// time of the one before.
const OFTEN: u32 = 4;
/// The time that these take at least.
const LONG: Duration = Duration::from_millis(2_900);
/// A window that is zero for less than this is that of any upload.
const FULL: Duration = Duration::from_millis(500);
/// A window that stays zero for so long is no full buffer that is being read.
const STUCK: Duration = Duration::from_millis(1_500);

const fn vanished(form: Drop, copies: u32) -> Finding {
    Finding::SilentDrop(Vanished { form, copies })
}

/// No byte of the request was acknowledged.
fn unacknowledged(case: &Case<'_>) -> bool {
    let acked = case.connection.half(Side::Client).acked;
    acked.is_none_or(|acked| acked.pos <= case.exchange.request.start)
}

/// Times that the last part of the request was sent.
fn copies(case: &Case<'_>) -> u32 {
    case.connection.half(Side::Client).resent.saturating_add(1)
}

/// Nothing of the request was acknowledged, though it was sent again and again.
pub(super) fn is_repeated(case: &Case<'_>) -> bool {
    unacknowledged(case) && case.connection.half(Side::Client).resent >= ENOUGH
}

/// The request was sent again and again without an acknowledgement; `None` when it was not.
pub(super) fn request(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    if !unacknowledged(case) || case.is_unread() {
        return None;
    }
    let copies = copies(case);
    // A new connection that never carried anything may have met another obstacle (a path that drops
    // full segments, say), and one begun before the capture may be new.
    let certainty = match copies.saturating_sub(1) {
        // What went before may have been a queue that was full.
        _ if case.may_be_new() => Certainty::Possible,
        ENOUGH.. if case.exchange.ordinal > 0 => Certainty::Proven,
        1.. => Certainty::Likely,
        0 => Certainty::Possible,
    };
    Some(case.verdict(vanished(Drop::Request, copies), certainty, closing))
}

/// The request was acknowledged only after several repetitions, too late for the proxy.
pub(super) fn late_request(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let request = &case.exchange.request;
    let half = case.connection.half(Side::Client);
    let acked = half.acked.filter(|acked| acked.pos > request.start)?;
    let late = case.connection.span(request.first, acked.frame)?;
    if half.resent < ENOUGH || late < case.patience(LATE) {
        return None;
    }
    // What was acknowledged then may be the FIN. Had the request not been long before, it would have
    // been sent once more, after twice the time.
    let last = half.last_resent.as_deref()?;
    let queued = last.at.since(request.first.at);
    if acked.frame.at.since(last.at) > queued.saturating_mul(2) {
        return None;
    }
    let finding = vanished(Drop::Request, copies(case));
    Some(case.verdict(finding, Certainty::Proven, closing))
}

/// The answer was sent again and again, and nothing of it was ever acknowledged.
pub(super) fn answer(case: &Case<'_>, closing: Option<&Closing>) -> Option<Verdict> {
    let server = case.connection.half(Side::Server);
    if server.resent < ENOUGH || answer_acknowledged(case) {
        return None;
    }
    // At the proxy's side the answer arrived, and only the acknowledgement shows elsewhere.
    let certainty = if is_near_backend(case.connection) && !case.connection.has_gaps() {
        Certainty::Proven
    } else {
        Certainty::Likely
    };
    let finding = vanished(Drop::Answer, server.resent.saturating_add(1));
    Some(match closing {
        Some(closing) => case.verdict(finding, certainty, closing),
        None => case.unclosed(finding, certainty),
    })
}

/// The proxy closed first and had not received what the backend had sent it long before: the answer, or what
/// came after its first part, was repeated and never acknowledged, or did not arrive where the capture was
/// taken. It is the way back that is dead for it, and no backend that stopped.
pub(super) fn rest(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let connection = case.connection;
    let (client, server) = (connection.half(Side::Client), connection.half(Side::Server));
    let response = case.exchange.response;
    let begun = response.map_or(case.exchange.request.server_pos, |response| response.start);
    let whole = response.filter(|_| case.exchange.outcome == Outcome::Answered);
    let sent = whole.map_or(server.sent, |response| response.end);
    let acked = server.acked.filter(|acked| acked.pos > begun);
    let taken = acked.map_or(begun, |acked| acked.pos).max(closing.mark.ack.unwrap_or_default());
    // A proxy that takes no more for the time being has its reasons, and segments that only now come again
    // may yet arrive.
    if closing.by == Side::Server || taken >= sent || client.zero_window.is_some() {
        return None;
    }
    let since = acked.map_or(case.exchange.request.last, |acked| acked.frame);
    let patience = case.patience(LATE);
    let last = server.last_resent.as_deref().filter(|_| server.resent >= ENOUGH);
    let repeated =
        last.and_then(|last| connection.span(since, *last)).is_some_and(|tried| tried >= patience);
    // What was sent shows by the number of what did arrive. A proxy that was captured when it got more would
    // have acknowledged it, or reset the connection.
    // One number more is that of its FIN.
    let more = whole.is_none() && server.sent > server.reach().plus(1);
    let unseen = more && client.rst.is_none() && !connection.has_gaps();
    let waited = connection.span(since, closing.mark.frame).is_some_and(|wait| wait >= patience);
    if !(repeated || unseen && waited) {
        return None;
    }
    let sure = repeated && is_near_backend(connection) && !connection.has_gaps();
    let certainty = if sure { Certainty::Proven } else { Certainty::Likely };
    let part = taken.since(begun);
    let len = u64::from(server.resent_len);
    let form = if part == 0 {
        Drop::Answer
    } else {
        // All that arrived of it is less than that one segment.
        Drop::Rest { size: (repeated && part < len).then_some(server.resent_len) }
    };
    let copies = if repeated { server.resent.saturating_add(1) } else { 0 };
    Some(case.verdict(vanished(form, copies), certainty, closing))
}

/// The answer was refused at once by a reset without ACK flag: the proxy had no such connection any
/// more, though its FIN had not come. What it had sent was on the way for too long.
pub(super) fn refused_answer(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let client = case.connection.half(Side::Client);
    let unknown = client.rst.is_some_and(|rst| rst.ack.is_none()) && client.fin.is_none();
    // The proxy's FIN may be missing as its request is.
    if !unknown || case.is_unread() || answer_acknowledged(case) || case.connection.has_gaps() {
        return None;
    }
    late_request(case, closing).or_else(|| {
        let finding = vanished(Drop::Request, copies(case));
        Some(case.verdict(finding, Certainty::Possible, closing))
    })
}

/// Some of the answer was acknowledged, or may have been.
pub(super) fn answer_acknowledged(case: &Case<'_>) -> bool {
    let acked = case.connection.half(Side::Server).acked;
    case.exchange
        .response
        .is_none_or(|response| acked.is_some_and(|acked| acked.pos > response.start))
}

/// The reply to the request was a reset without ACK flag, on a connection that had worked: nobody
/// there knows it any more. A FIN before it that was not captured would look the same.
pub(super) fn forgotten(case: &Case<'_>, closing: &Closing) -> Verdict {
    let certainty = if case.may_be_new() { Certainty::Possible } else { Certainty::Likely };
    case.verdict(vanished(Drop::Forgotten, copies(case)), certainty, closing)
}

/// The backend repeated its SYN+ACK although the proxy had answered it, and took nothing of the
/// request: its queue of connections to accept was full.
pub(super) fn held_back(case: &Case<'_>, closing: Option<&Closing>) -> Option<Verdict> {
    case.connection.syn_ack_again.as_ref()?;
    if !unacknowledged(case) || case.exchange.ordinal > 0 {
        return None;
    }
    let (finding, certainty) = (Finding::AcceptQueueFull, Certainty::Likely);
    Some(match closing {
        Some(closing) => case.verdict(finding, certainty, closing),
        None => case.unclosed(finding, certainty),
    })
}

/// The queue was full, and there was room in it at last: the proxy, whose close cannot leave before the
/// request is acknowledged, had given up by then, or soon did. Where the backend had the request for
/// much longer than it lay in the queue, that was not what made it late.
pub(super) fn taken_late(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    case.connection.syn_ack_again.as_ref()?;
    let client = case.connection.half(Side::Client);
    let last = client.last_resent.as_deref().filter(|_| client.resent >= ENOUGH)?;
    let queued = last.at.since(case.exchange.request.first.at);
    // A repetition more, which comes after twice the time, may have been missed.
    let rest = closing.mark.frame.at.since(last.at);
    if case.exchange.ordinal > 0 || queued < LATE || rest > queued.saturating_mul(2) {
        return None;
    }
    Some(case.verdict(Finding::AcceptQueueFull, Certainty::Likely, closing))
}

/// An unanswered request on a connection that nobody closed, as far as was captured. A proxy that
/// gives up cannot say so while what it sent before is not acknowledged.
pub(super) fn unclosed(case: &Case<'_>) -> Fate {
    let (connection, request) = (case.connection, &case.exchange.request);
    if case.is_unread() || connection.has_gaps() {
        return Fate::Open;
    }
    if let Some(held) = held_back(case, None).filter(|_| gave_up(case)) {
        return failed(held);
    }
    if unacknowledged(case)
        && let Some(certainty) = given_up(case)
    {
        return failed(case.unclosed(vanished(Drop::Request, copies(case)), certainty));
    }
    // What its client got may tell.
    let open = if unacknowledged(case) { Fate::Undecided } else { Fate::Open };
    let Some(stuck) = connection.half(Side::Server).zero_window.as_deref() else { return open };
    let silence = connection.seen_until.since(stuck.at);
    let client = connection.half(Side::Client);
    let waiting = !case.is_whole() || client.acked.is_none_or(|acked| acked.pos < request.end);
    let long = silence >= STUCK && silence > connection.half(Side::Server).longest_zero();
    let stalled = (waiting && long).then(|| {
        let stalled = Finding::Stalled(Standstill { silence, zero_window: true });
        case.unclosed(stalled, Certainty::Possible)
    });
    stalled.map_or(open, failed)
}

/// How sure it is that a request of which nothing was acknowledged, on a connection that nobody closed, is
/// lost for the proxy; `None` where it may yet come through.
fn given_up(case: &Case<'_>) -> Option<Certainty> {
    let copies = copies(case);
    let likely = || {
        let sure = copies > ENOUGH && !case.may_be_new();
        if sure { Certainty::Likely } else { Certainty::Possible }
    };
    // A backend that takes no more for the time being has its reasons, and one whose queue is full has others.
    let held =
        case.connection.half(Side::Server).zero_window.is_some() || held_back(case, None).is_some();
    let again = case.connection.half(Side::Client).last_resent.as_deref();
    if let Some(error) = case.errored.filter(|_| !held && again.is_some()) {
        // Copies that were sent after that count as well: nobody acknowledged any.
        let lost = copies > ENOUGH && case.exchange.ordinal > 0 && error.sure;
        let waited = error.at.since(case.exchange.request.first.at) >= case.patience(FULL);
        return Some(match case.may_be_new() {
            false if lost && waited => Certainty::Proven,
            false => Certainty::Likely,
            true => Certainty::Possible,
        });
    }
    let undelivered = copies > ENOUGH && case.undelivered().is_some();
    (gave_up(case) || !held && (undelivered || is_unheard(case))).then(likely)
}

/// The request was repeated for so long that no way is only slow, and of the backend nothing came
/// meanwhile: no acknowledgement of anything.
fn is_unheard(case: &Case<'_>) -> bool {
    let (client, server) = (case.connection.half(Side::Client), case.connection.half(Side::Server));
    let Some(last) = client.last_resent.as_deref().filter(|_| client.resent >= OFTEN) else {
        return false;
    };
    let first = case.exchange.request.first;
    let tried = case.connection.span(first, *last);
    tried.is_some_and(|tried| tried >= case.patience(LONG)) && server.heard() <= first.at
}

/// The backend's window was zero when the proxy gave up. A full buffer that is being read opens again:
/// a short time, or no more than it took before, is no more than that.
pub(super) fn stuck(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let server = case.connection.half(Side::Server);
    let since = server.zero_window.as_deref()?;
    let silence = case.connection.span(*since, closing.mark.frame)?;
    if silence < FULL || silence <= server.longest_zero() {
        return None;
    }
    let long = silence >= STUCK && silence > server.longest_zero().saturating_mul(2);
    let certainty = if long { Certainty::Proven } else { Certainty::Likely };
    let stalled = Finding::Stalled(Standstill { silence, zero_window: true });
    Some(case.verdict(stalled, certainty, closing))
}

/// The request was repeated, and then no more for longer than the next repetition would have taken, nor
/// did anything else show that either side was still there.
fn gave_up(case: &Case<'_>) -> bool {
    let client = case.connection.half(Side::Client);
    let Some(last) = client.last_resent.as_deref().filter(|_| client.resent >= ENOUGH) else {
        return false;
    };
    // Each wait is twice as long as the one before (RFC 6298, section 5): the next is at most as long as
    // all of them and one more.
    let tried = last.at.since(case.exchange.request.first.at);
    let silent_since = last.at.max(case.connection.last.at);
    case.connection.seen_until.since(silent_since)
        >= tried.saturating_mul(5).checked_div(4).unwrap_or_default()
}

/// The capture was taken near the backend: it answers the SYN at once, the proxy a round trip later.
fn is_near_backend(connection: &Connection) -> bool {
    let (Some(syn), Some(syn_ack), Some(ack)) =
        (connection.syn, connection.syn_ack, connection.established)
    else {
        return false;
    };
    let (backend, proxy) = (syn_ack.at.since(syn.at), ack.at.since(syn_ack.at));
    // Captured in another order they say nothing of who was near.
    syn.at <= syn_ack.at && syn_ack.at <= ack.at && is_round_trip(proxy, backend)
}
