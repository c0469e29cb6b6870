//! The proxy closed first: `response_timeout`, `stalled`, `client_gone`.
//!
//! That it gave up is a fact; that its patience was over is the usual reading. Its client may have
//! left as well.

use super::doubt::Doubt;
use super::{
    Case, Certainty, Departure, Fate, Finding, GaveUp, Standstill, Verdict, failed, in_flight,
    invalid, lost, probe, unproven,
};
use crate::exchange::Outcome;
use crate::facts::attempt::{ClientFacts, ClientLeft, LoggedLeft};
use crate::facts::closing::{Closer, Closing};
use crate::flow::Side;
use crate::knowledge::Timeouts;
use crate::knowledge::tolerance::{fits, tolerance};
use crate::verdict::{Evidence, Shows};
use std::time::Duration;

/// A side that closed only its own direction can still be answered, for so long.
const HALF_CLOSE: Duration = Duration::from_millis(500);

/// What flows towards a side that has closed is still under way for so long. A watch judges a connection
/// sooner than [`HALF_CLOSE`] after its end.
const UNDER_WAY: Duration = Duration::from_millis(200);

/// Nobody waits so short a time for an answer: who closes by then has another reason.
const NO_PATIENCE: Duration = Duration::from_millis(20);
/// A close so soon after an interim response is a reaction to it: nginx 1.22 and Varnish 7.1 take it
/// for the whole answer.
const AT_ONCE: Duration = Duration::from_millis(50);

/// The proxy closed, and packets of its leg to the backend show no other reason than its own client.
const CLIENT_GONE: Finding = Finding::ClientGone(Departure::Unseen);

/// The proxy closed with the request outstanding.
pub(super) fn judge(case: &Case<'_>, closing: &Closing, timeouts: &Timeouts) -> Fate {
    let (exchange, connection) = (case.exchange, case.connection);
    let server = connection.half(Side::Server);
    let client = connection.half(Side::Client);
    let answered_late = exchange.outcome == Outcome::Late;
    // A late answer is refused by a reset, or by silence.
    let last = exchange.response.map_or(closing.mark.frame, |response| response.last);
    let watched = connection.seen_until.since(last.at) >= case.patience(HALF_CLOSE);
    let closed_too = !answered_late && (server.fin.is_some() || server.rst.is_some());
    // Without a word from the backend there is nothing to wait for.
    let unheard = lost::is_repeated(case);
    let half_closed = client.rst.is_none() && !closed_too && !watched && !unheard;
    if half_closed && !has_waited(case, closing, timeouts) {
        // What its client got would tell.
        return if answered_late { Fate::Open } else { Fate::Undecided };
    }
    if let Some(foreign) = in_flight::foreign_reset(case, closing) {
        return failed(foreign);
    }
    let doubt = |doubt| failed(unproven::judge(case, closing, doubt));
    let request = &exchange.request;
    if let Some(why) = request.unread.filter(|_| case.is_unread()) {
        return doubt(Doubt::from(why));
    }
    if let Some(waited) = waited_with_cut_head(case, closing, timeouts) {
        return failed(waited);
    }
    // Anything of the backend that was not captured may have been the answer, or its close.
    if server.last_gap.is_some_and(|gap| gap.to > request.server_pos) {
        return doubt(Doubt::Gap);
    }
    if let Some(lost) = lost::rest(case, closing).filter(|_| case.is_whole()) {
        return failed(lost);
    }
    if exchange.outcome == Outcome::Partial {
        let verdict = in_the_middle(case, closing);
        if verdict.finding == CLIENT_GONE && probe::has_its_status(case, closing) {
            return Fate::Sound;
        }
        // What was flowing may come to its end right after this, and then the proxy had taken what it
        // wanted.
        let cut = connection.seen_until.since(closing.mark.frame.at) < UNDER_WAY;
        let went_on = exchange.response.is_some_and(|response| response.before_close.is_some());
        if verdict.finding == CLIENT_GONE && cut && !went_on && !closed_too {
            return Fate::Open;
        }
        return failed(verdict);
    }
    if let Some(held) = lost::taken_late(case, closing) {
        return failed(held);
    }
    if answered_late && let Some(verdict) = not_taken(case, closing) {
        return failed(verdict);
    }
    let whole = case.is_whole();
    let received = whole && client.acked.is_some_and(|acked| acked.pos >= request.end);
    // Who breaks off its own request has not waited for the answer, though one came.
    if !(received || answered_late && whole) {
        return failed(not_received(case, closing));
    }
    match connection.span(request.last, closing.mark.frame) {
        Some(wait) => {
            let mut verdict = after_waiting(case, closing, wait, timeouts);
            if case.is_cut() && wait < case.patience(SILENCE) {
                // Soon it is not known whether more of it was to come.
                verdict.certainty = Certainty::Possible;
            }
            if half_closed && case.errored.is_none() {
                verdict.certainty = verdict.certainty.min(Certainty::Likely);
            }
            failed(verdict)
        }
        None => doubt(Doubt::ProxyClosedFirst),
    }
}

/// The proxy closed only its own direction, as far as was captured, and the capture does not go on for long
/// enough to show whether it takes an answer still: but it had waited before, as long as it was told to, or
/// it then answered its client itself.
fn has_waited(case: &Case<'_>, closing: &Closing, timeouts: &Timeouts) -> bool {
    if case.exchange.outcome != Outcome::Unanswered {
        return false;
    }
    let (closed, request) = (closing.mark.frame, &case.exchange.request);
    let wait = case.connection.span(request.last, closed);
    let fits_timeout = wait.zip(timeouts.proxy_read).is_some_and(|(wait, read)| fits(wait, read));
    let errored = case
        .errored
        .is_some_and(|error| error.at.since(closed.at).max(closed.at.since(error.at)) <= AT_ONCE);
    fits_timeout || errored
}

/// The answer came after the proxy had closed: something on the way had held it, or the request, back.
fn not_taken(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let client = case.connection.half(Side::Client);
    let lost = lost::late_request(case, closing)
        .or_else(|| lost::answer(case, Some(closing)))
        .or_else(|| lost::refused_answer(case, closing));
    // A reset without ACK flag answers something: where that is captured after it, frames changed
    // places.
    let in_reply = client.rst.is_some_and(|rst| rst.ack.is_none()) && client.fin.is_none();
    lost.or_else(|| {
        (in_reply && case.connection.has_gaps()).then(|| unproven::judge(case, closing, Doubt::Gap))
    })
}

/// The backend had the whole request, and the proxy closed after it had waited for so long: its patience
/// was over, or, sooner than that can be, its client had left.
fn after_waiting(
    case: &Case<'_>,
    closing: &Closing,
    wait: Duration,
    timeouts: &Timeouts,
) -> Verdict {
    let exchange = case.exchange;
    let fits_read_timeout = timeouts.proxy_read.is_some_and(|read| fits(wait, read));
    let certainty = match (fits_read_timeout, case.may_be_new()) {
        (true, false) => Certainty::Proven,
        (true, true) | (false, false) => Certainty::Likely,
        // The request may have waited for longer, in a queue or on the way, before the capture began.
        (false, true) => Certainty::Possible,
    };
    let upon_interim =
        exchange.interim.is_some_and(|interim| closing.mark.frame.at.since(interim.at) < AT_ONCE);
    if (wait < NO_PATIENCE || upon_interim) && !fits_read_timeout {
        return case.verdict(CLIENT_GONE, Certainty::Possible, closing);
    }
    let answered_late = exchange.outcome == Outcome::Late;
    let gave_up = GaveUp { fits_read_timeout, answered_late };
    case.verdict(Finding::ResponseTimeout(gave_up), certainty, closing)
}

/// The head was cut, so that where the request ends is not known: but the backend had all that the proxy sent
/// before it closed, the proxy waited for long, and nothing came. A request that has no body as a rule was over
/// then; of another one the rest may not have been sent.
fn waited_with_cut_head(
    case: &Case<'_>,
    closing: &Closing,
    timeouts: &Timeouts,
) -> Option<Verdict> {
    let (exchange, connection) = (case.exchange, case.connection);
    let silent = matches!(exchange.outcome, Outcome::Unanswered | Outcome::Late);
    let wait = connection.span(exchange.request.last, closing.mark.frame)?;
    let long = wait >= case.patience(SILENCE);
    if !case.is_cut() || !silent || !long || connection.has_gaps() || !case.had_all_sent(closing) {
        return None;
    }
    if let Some(held) = lost::taken_late(case, closing) {
        return Some(held);
    }
    let most = if case.is_whole() { Certainty::Likely } else { Certainty::Possible };
    let verdict = after_waiting(case, closing, wait, timeouts);
    Some(Verdict { certainty: verdict.certainty.min(most), ..verdict })
}

/// The answer stood still for so long before the proxy closed: that is what it gave up on.
const SILENCE: Duration = Duration::from_millis(500);

/// The proxy closed in the middle of the answer: after silence it lost patience, else its own client
/// has left.
fn in_the_middle(case: &Case<'_>, closing: &Closing) -> Verdict {
    if let Some(large) = invalid::large_head(case, closing) {
        return large;
    }
    stood_still(case, closing)
        .unwrap_or_else(|| case.verdict(CLIENT_GONE, Certainty::Possible, closing))
}

/// The answer had stood still before the proxy closed. What came of it afterwards does not count.
fn stood_still(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    // What came after the close, a late repetition say, broke no silence.
    let last = case.exchange.response.map_or(case.exchange.request.last, |response| {
        response.before_close.map_or(response.last, |before| before.last)
    });
    let silence = case.connection.span(last, closing.mark.frame)?;
    let stalled = Finding::Stalled(Standstill { silence, zero_window: false });
    // A proxy that bore a longer pause in the same answer has not lost patience.
    let borne = case.exchange.response.map_or(Duration::ZERO, |response| {
        response.before_close.map_or(response.longest_pause, |before| before.longest_pause)
    });
    let patient = borne.saturating_add(tolerance(borne)) >= silence;
    (silence >= SILENCE && !patient).then(|| case.verdict(stalled, Certainty::Likely, closing))
}

/// The proxy closed while the answer stood still, and refused the rest when that came at last: whole,
/// and too late. Whoever closes sooner, as some probes do, had read as much as it wanted.
pub(super) fn resumed_too_late(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let response = case.exchange.response?;
    let (client, server) = (case.connection.half(Side::Client), case.connection.half(Side::Server));
    let had_all = closing.mark.ack.is_none_or(|ack| ack >= response.end)
        || server.acked.is_some_and(|acked| acked.pos >= response.end);
    let refused = client.rst.is_some() && response.last.at > closing.mark.frame.at;
    if closing.by == Side::Server || had_all || !refused || case.connection.has_gaps() {
        return None;
    }
    stood_still(case, closing)
}

/// The proxy closed before the backend had received the whole request.
fn not_received(case: &Case<'_>, closing: &Closing) -> Verdict {
    if let Some(stalled) = lost::stuck(case, closing) {
        return stalled;
    }
    let waited = case
        .connection
        .span(case.exchange.request.last, closing.mark.frame)
        .is_some_and(|wait| wait >= case.patience(SILENCE));
    if let Some(held) = lost::held_back(case, Some(closing)) {
        return held;
    }
    if let Some(lost) = lost::request(case, closing).filter(|_| waited) {
        return lost;
    }
    if case.is_cut() {
        return unproven::judge(case, closing, Doubt::HeadsCut);
    }
    if !case.exchange.request.complete {
        return case.verdict(CLIENT_GONE, Certainty::Possible, closing);
    }
    unproven::judge(case, closing, Doubt::ProxyClosedFirst)
}

/// So long at most after its client has left a proxy closes on the backend leg.
const FOLLOWS: Duration = Duration::from_secs(1);

/// What the front leg and the log show of the client explains why the proxy closed.
pub(super) fn by_client(verdict: &mut Verdict, client: &ClientFacts) {
    if let Some(left) = &client.left {
        client_gone(verdict, left);
    }
    let shown = matches!(verdict.finding, Finding::ClientGone(Departure::FrontLeg { .. }));
    if shown && client.other {
        // Another client asked the same, and left; of this one that is not known.
        verdict.certainty = Certainty::Possible;
    }
    if let Some(LoggedLeft { status }) = client.logged
        && !shown
        && may_have_followed(verdict)
    {
        verdict.finding = Finding::ClientGone(Departure::Logged { status });
        verdict.certainty = Certainty::Proven;
    }
}

/// The proxy closed first, for a reason that packets of this leg do not show.
fn may_have_followed(verdict: &Verdict) -> bool {
    let gave_up = matches!(
        verdict.finding,
        Finding::ResponseTimeout(_)
            | Finding::Stalled(_)
            | Finding::ClientGone(_)
            | Finding::Unproven(_)
    );
    gave_up && verdict.close.is_some_and(|close| close.by == Closer::Proxy)
}

/// The client left just before the proxy closed.
fn client_gone(verdict: &mut Verdict, left: &ClientLeft) {
    let Some(close) = verdict.close.filter(|_| may_have_followed(verdict)) else { return };
    let before = close.frame.at.since(left.frame.at);
    if left.frame.at > close.frame.at || before > FOLLOWS {
        return;
    }
    verdict.finding = Finding::ClientGone(Departure::FrontLeg { client: left.client, before });
    verdict.certainty = Certainty::Proven;
    verdict.evidence.push(Evidence { frame: left.frame, shows: Shows::ClientLeft });
    verdict.evidence.sort_by_key(|one| (one.frame.capture, one.frame.number));
}
