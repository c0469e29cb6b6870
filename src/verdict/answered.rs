//! Whole answers. Most are sound; the backend itself may have answered 5xx (`backend_error`), and what
//! follows an answer can tell that the proxy did not take it.

use super::doubt::Doubt;
use super::{
    Case, Certainty, Fate, Finding, Retry, RetryReason, Verdict, failed, gave_up, in_flight,
    invalid, lost, unproven,
};
use crate::exchange::{Outcome, Unread};
use crate::facts::closing::{self, Close, CloseKind, Closer, Closing};
use crate::flow::{Side, StreamPos};
use crate::knowledge::Knowledge;
use std::time::Duration;

/// What became of a whole answer.
pub(super) fn judge(case: &Case<'_>) -> Fate {
    let closing = closing::first(case.connection);
    if let Some(closing) = &closing {
        let refused = invalid::proxy_header(case, closing)
            .or_else(|| invalid::judge(case, closing))
            .or_else(|| invalid::large_head(case, closing))
            .or_else(|| upload_cut_short(case, closing))
            .or_else(|| gave_up::resumed_too_late(case, closing))
            .or_else(|| reset_before(case, closing))
            .or_else(|| lost::answer(case, Some(closing)))
            .or_else(|| lost::rest(case, closing))
            .or_else(|| lost::refused_answer(case, closing))
            .or_else(|| not_taken(case, closing));
        if let Some(verdict) = refused {
            return failed(verdict);
        }
    }
    let status = case.exchange.response.and_then(|response| response.status);
    match status {
        Some(_) if case.exchange.response.is_some_and(|response| response.wants_tls) => {
            failed(invalid::asked_in_clear(case))
        }
        Some(status @ 500..=599) => failed(backend_error(case, status)),
        // A status above 599 is of no class of errors, and proxies pass it on (RFC 9110, section 15).
        _ => Fate::Sound,
    }
}

/// Something between had reset the proxy's end before the answer came, which nobody took.
fn reset_before(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let answer = case.exchange.response?;
    let before = closing.by == Side::Server && closing.mark.frame.at < answer.first.at;
    if !before || lost::answer_acknowledged(case) {
        return None;
    }
    in_flight::foreign_reset(case, closing)
}

/// An answer whose request was not captured reached nobody: the proxy had no such connection any more, or
/// the backend reset it while the proxy was still sending what was answered. Of a request that was captured
/// other causes tell; here no more is known than that this answer was not taken.
fn not_taken(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let (request, answer) = (&case.exchange.request, case.exchange.response?);
    // A 408 is sent unasked as well, to a client that lets its connection lie idle (RFC 9110, section
    // 15.5.9): perhaps to one that had rightly left.
    let unseen = request.unread == Some(Unread::Gap) && answer.status != Some(408);
    if !unseen || lost::answer_acknowledged(case) {
        return None;
    }
    let taken = |ack: StreamPos| ack > answer.start;
    let (client, server) = (case.connection.half(Side::Client), case.connection.half(Side::Server));
    let refused = client.rst.is_some_and(|rst| {
        rst.frame.at >= answer.first.at && client.fin.is_none() && !rst.ack.is_some_and(taken)
    });
    let still_sending = server.rst.is_some() && client.sent.max(client.next) > request.end;
    (refused || still_sending && !case.connection.has_gaps())
        .then(|| unproven::judge(case, closing, Doubt::Gap))
}

/// The head of the answer was cut, perhaps behind its status.
pub(super) fn cut(case: &Case<'_>, closing: Option<&Closing>) -> Option<Verdict> {
    let response = case.exchange.response.filter(|response| response.flaw.is_none())?;
    if case.exchange.outcome != Outcome::Unread(Unread::HeadCut) {
        return None;
    }
    // None of this asks where the answer ends.
    let refused = closing.and_then(|closing| {
        upload_cut_short(case, closing)
            .or_else(|| reset_before(case, closing))
            .or_else(|| lost::answer(case, Some(closing)))
            .or_else(|| lost::refused_answer(case, closing))
    });
    if refused.is_some() {
        return refused;
    }
    let status = response.status.filter(|status| matches!(status, 500..=599))?;
    Some(Verdict { certainty: Certainty::Likely, ..backend_error(case, status) })
}

/// The proxy only passed it on.
fn backend_error(case: &Case<'_>, status: u16) -> Verdict {
    let (response, last) = (case.exchange.response, case.exchange.request.last);
    // Without its request it is not known who asked: a probe, perhaps.
    let seen = case.exchange.request.head.is_some();
    Verdict {
        idle_gap: case.exchange.idle_gap(),
        wait: response.map(|response| response.first.at.since(last.at)),
        ..Verdict::of(
            Finding::BackendError { status },
            if seen { Certainty::Proven } else { Certainty::Likely },
            (Retry::Unsafe, RetryReason::AnswerBegun),
            case.evidence(),
        )
    }
}

/// A backend that asks others while it answers may be a proxy after all, which asks for something else than
/// it was asked and answers 502, 503 and 504 for itself.
pub(super) fn by_proxy(verdict: &mut Verdict, knowledge: &Knowledge) {
    let of_proxies = matches!(verdict.finding, Finding::BackendError { status: 502..=504 });
    if of_proxies && knowledge.asks_others {
        verdict.certainty = verdict.certainty.min(Certainty::Likely);
    }
}

/// A proxy that has read an answer to an upload that is not over has closed by then.
const LONG_KEPT: Duration = Duration::from_millis(500);

/// The backend answered while the request was still being sent, and reset the connection before the
/// proxy had acknowledged the answer: `close` with unread data sends that reset, and it can destroy
/// the answer before the proxy reads it (RFC 9112, section 9.6). An acknowledgement after the reset
/// says only that the answer reached the proxy's host, and so does one before it, if the proxy then kept
/// the connection although it cannot be used again: whoever reads such an answer closes. Possible and no
/// more: of twelve uploads behind a real nginx that looked so, nine clients had got the answer all the same.
fn upload_cut_short(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let (request, response) = (&case.exchange.request, case.exchange.response?);
    let server = case.connection.half(Side::Server);
    let reset = server.rst?;
    // What follows a request whose head was cut may be the next one, on a connection that is kept rightly.
    let kept = case.exchange.outcome == Outcome::Answered
        && case.connection.half(Side::Client).fin.is_none()
        && reset.frame.at.since(response.last.at) >= LONG_KEPT;
    let acked = server.acked_at_rst.is_some_and(|acked| acked >= response.end) && !kept;
    // What was sent after the answer had begun is not counted to the request.
    let sent = case.connection.half(Side::Client).next;
    // Of an answer whose head was cut it is not known whether it was whole, and so it is.
    let after = request.last.at > response.last.at;
    let still_sending = !case.is_whole() && (sent > request.end || after);
    if !still_sending || acked || closing.by == Side::Client || case.connection.has_gaps() {
        return None;
    }
    let finding = Finding::UploadCutShort { sent: sent.since(request.start) };
    let mut verdict = case.verdict(finding, Certainty::Possible, closing);
    let received = verdict.close.and_then(|close| close.received);
    verdict.close =
        Some(Close { by: Closer::Backend, kind: CloseKind::Rst, frame: reset.frame, received });
    Some(verdict)
}
