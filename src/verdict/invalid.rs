//! Answers that the proxy refuses: `invalid_response`, `protocol_mismatch`.
//!
//! That an answer is malformed is a fact. That this proxy refused it is the usual reading of how the
//! connection ended: proxies differ in what they put up with. One that goes on to use the
//! connection did; and where many put up with it, only one that closes at once did not.

use super::{Case, Certainty, Finding, Misread, Rejected, Retry, RetryReason, Verdict};
use crate::exchange::{Flaw, FlawKind, Mismatch, Outcome, Protocol, ProxyKind};
use crate::facts::closing::{self, CloseKind, Closing};
use crate::flow::{Connection, Side};
use crate::verdict::{Evidence, Shows};
use std::time::Duration;

/// Buffers for heads begin at this size: nginx has 4 or 8 KiB, HAProxy 16 KiB less what it reserves.
const LARGE_HEAD: u64 = 4 << 10;
/// So soon after the answer a close is an answer to it.
const AT_ONCE: Duration = Duration::from_millis(50);
/// No longer is the way from a capture to the proxy and back; what took longer was a lost frame.
const LONGEST_WAY: Duration = Duration::from_millis(500);

/// The answer is malformed, and the connection ended with it; `None` when it is not, or when the proxy
/// took it.
pub(super) fn judge(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let response = case.exchange.response?;
    let flaw = response.flaw?;
    // Where the end of the connection was announced, it says nothing.
    let refused = match flaw.kind {
        // Some that take it close behind it: it is of a version that they do not know to be kept.
        FlawKind::Version => false,
        // A length beside a coding (RFC 9112, section 6.3): Apache takes both, and closes.
        FlawKind::LengthAndCoding if by_apache(case) => false,
        FlawKind::HeaderLine => closed_at_once(case, closing) && !is_announced(case),
        kind if kind.is_tolerated() => refused_at_once(case, closing),
        _ => true,
    };
    if !refused {
        return None;
    }
    let other_protocol = matches!(flaw.kind, FlawKind::Tls | FlawKind::Http2);
    let (finding, certainty, retry, retry_reason) = if other_protocol {
        let finding = Finding::ProtocolMismatch(Misread::Answer(flaw));
        (finding, Certainty::Proven, Retry::Safe, RetryReason::NotUnderstood)
    } else {
        let finding = Finding::InvalidResponse(Rejected::Malformed(flaw));
        (finding, Certainty::Likely, Retry::Unsafe, RetryReason::AnswerBegun)
    };
    Some(Verdict { retry, retry_reason, ..case.verdict(finding, certainty, closing) })
}

/// The head of the answer is large, and the proxy threw the connection away in the middle of it, or
/// left something unread, as a reset with ACK flag says.
pub(super) fn large_head(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let response = case.exchange.response?;
    // Of a head that was cut it is not known how long it is.
    if closing.by != Side::Client || response.after_close || response.cut {
        return None;
    }
    let before = response.before_close;
    let bytes = before.map_or(response.head_len, |before| before.head_len);
    let whole = before.map_or(response.head_complete, |before| before.head_complete);
    let refused = if whole {
        // Of a whole head much more may have been read than was not.
        let unread = closing.kind == CloseKind::Rst && closing.mark.ack.is_some();
        unread && response.received <= LARGE_HEAD && closed_at_once(case, closing)
    } else {
        let last = before.map_or(response.last, |before| before.last);
        closing.mark.frame.at.since(last.at) <= AT_ONCE
    };
    if !refused || bytes < LARGE_HEAD {
        return None;
    }
    let finding = Finding::InvalidResponse(Rejected::LargeHead { bytes: response.head_len });
    Some(case.verdict(finding, Certainty::Likely, closing))
}

/// The proxy itself closed as soon as it had the head, and nobody had announced that: of 381 refused
/// answers, 95 % were followed by its close within 5 ms, 99 % within 40 ms; of 386 that were taken, by a
/// close that was announced, or none.
fn refused_at_once(case: &Case<'_>, closing: &Closing) -> bool {
    let Some(response) = case.exchange.response else {
        return false;
    };
    // What stands before the head, or its first line, may be all that the proxy has read.
    let begin = |flaw: Flaw| matches!(flaw.kind, FlawKind::BodyOf(_) | FlawKind::Status);
    let read = response.head_complete || response.flaw.is_some_and(begin);
    let soon = closing.mark.frame.at.since(response.first.at)
        <= way_to_proxy(case).saturating_add(AT_ONCE);
    closing.by == Side::Client && read && !is_announced(case) && soon
}

fn by_apache(case: &Case<'_>) -> bool {
    let head = case.exchange.request.head.as_ref();
    head.is_some_and(|head| head.signs.proxy == Some(ProxyKind::Apache))
}

/// Request or answer announced that the connection would be closed.
fn is_announced(case: &Case<'_>) -> bool {
    let head = case.exchange.request.head.as_ref();
    case.exchange.response.is_some_and(|response| response.announces_close)
        || head.is_none_or(|head| head.closes)
}

/// The proxy's own close came right after the answer.
fn closed_at_once(case: &Case<'_>, closing: &Closing) -> bool {
    let client = case.connection.half(Side::Client);
    let own = [client.fin, client.rst].into_iter().flatten().map(|mark| mark.frame.at).min();
    let close = own.unwrap_or(closing.mark.frame.at);
    let cut = case.exchange.outcome == Outcome::Partial;
    case.exchange.response.is_some_and(|response| {
        // The rest of a long answer is still on its way when the proxy resets.
        cut || close.since(response.last.at) <= way_to_proxy(case).saturating_add(AT_ONCE)
    })
}

/// What an answer takes from the capture to the proxy, and the proxy's word back: nothing at the proxy,
/// a round trip at the backend, going by the handshake.
fn way_to_proxy(case: &Case<'_>) -> Duration {
    let Connection { syn_ack, established, .. } = case.connection;
    let way = syn_ack.zip(*established).map(|(syn_ack, ack)| ack.at.since(syn_ack.at));
    way.filter(|way| *way <= LONGEST_WAY).unwrap_or_default()
}

/// The backend's port speaks another protocol than the proxy.
pub(super) fn mismatch(mismatch: &Mismatch, connection: &Connection) -> Verdict {
    let mut evidence = vec![
        Evidence { frame: mismatch.request, shows: Shows::Request },
        Evidence { frame: mismatch.answer, shows: Shows::Answer },
    ];
    let closing = closing::first(connection);
    evidence.extend(closing.as_ref().map(Evidence::of_close));
    let Mismatch { asked, answered, .. } = *mismatch;
    Verdict {
        close: closing.map(|closing| closing.told(None)),
        wait: Some(mismatch.answer.at.since(mismatch.request.at)),
        ..Verdict::of(
            Finding::ProtocolMismatch(Misread::Protocols { asked, answered }),
            Certainty::Proven,
            (Retry::Safe, RetryReason::NotUnderstood),
            evidence,
        )
    }
}

/// The backend answered that its port speaks TLS.
pub(super) fn asked_in_clear(case: &Case<'_>) -> Verdict {
    let (response, last) = (case.exchange.response, case.exchange.request.last);
    let (asked, answered) = (case.exchange.protocol, Protocol::Tls);
    Verdict {
        idle_gap: case.exchange.idle_gap(),
        wait: response.map(|response| response.first.at.since(last.at)),
        ..Verdict::of(
            Finding::ProtocolMismatch(Misread::Protocols { asked, answered }),
            Certainty::Proven,
            (Retry::Safe, RetryReason::NotUnderstood),
            case.evidence(),
        )
    }
}

/// The proxy began with a header of the PROXY protocol, and the backend took it for a bad request: it
/// answered 400, or closed at once without a word.
pub(super) fn proxy_header(case: &Case<'_>, closing: &Closing) -> Option<Verdict> {
    let header = case.exchange.proxied.filter(|_| !case.header_taken)?;
    let status = case.exchange.response.and_then(|response| response.status);
    let refused = match case.exchange.outcome {
        Outcome::Answered => status == Some(400),
        Outcome::Unanswered => {
            let soon = closing.mark.frame.at.since(case.exchange.request.last.at)
                <= way_to_proxy(case).saturating_add(AT_ONCE);
            let fin = closing.kind == CloseKind::Fin || closing.mark.ack.is_some();
            soon && fin && case.exchange.request.unread.is_none() && !case.connection.has_gaps()
        }
        Outcome::Partial | Outcome::Late | Outcome::Unread(_) => false,
    };
    if !refused || closing.by == Side::Client && status.is_none() {
        return None;
    }
    let finding = Finding::ProtocolMismatch(Misread::ProxyHeader { version: header.version });
    let mut verdict = case.verdict(finding, Certainty::Proven, closing);
    (verdict.retry, verdict.retry_reason) = (Retry::Safe, RetryReason::NotUnderstood);
    Some(verdict)
}
