//! TLS handshakes that fail: `tls_handshake_failed`.
//!
//! Whoever refuses says so with an alert, as a rule; up to TLS 1.2 it is in clear. What was sent before the
//! handshake was done was no request, so that nothing can have run.

use super::cause::Certainty;
use super::fate::Verdict;
use super::finding::{Finding, HandshakeEnd};
use super::retry::{Retry, RetryReason};
use crate::exchange::Ended;
use crate::facts::closing::{self, Close, CloseKind, Closer};
use crate::flow::{Connection, Side, Start, StreamPos};
use crate::packet::FrameRef;
use crate::streams::tls::{Handshake, TlsFacts};
use crate::verdict::{Evidence, Shows};
use std::time::Duration;

/// Who gives up sooner had another reason: a dial that was cancelled is no failure.
const PATIENCE: Duration = Duration::from_secs(1);

/// Repetitions after which a segment was lost for sure: one may be the same frame captured twice.
const OFTEN: u32 = 2;

/// The handshake of a connection on which nothing was asked failed; `None` where it did not, or that does not
/// show.
pub(super) fn judge(ended: &Ended, connection: &Connection) -> Option<Verdict> {
    let facts = ended.tls.as_deref()?;
    let hello = facts.client_hello.filter(|_| facts.first_request.is_none())?;
    if facts.handshake == Handshake::Done || connection.given_up {
        return None;
    }
    let (end, certainty, frame) = ends(facts, hello, connection)?;
    let mut evidence = vec![Evidence { frame: hello, shows: Shows::ClientHello }];
    if let HandshakeEnd::Alert { by, .. } | HandshakeEnd::SealedAlert { by } = end {
        evidence.push(Evidence { frame, shows: Shows::Alert(by) });
    }
    let closing = closing::first(connection);
    evidence.extend(closing.as_ref().map(Evidence::of_close));
    evidence.sort_by_key(|one| (one.frame.capture, one.frame.number));
    Some(Verdict {
        close: closing.map(|closing| {
            let between = matches!(end, HandshakeEnd::ResetBetween { .. });
            let close = closing.told(None);
            if between { Close { by: Closer::Path, ..close } } else { close }
        }),
        wait: connection.span(hello, frame),
        ..Verdict::of(
            Finding::TlsHandshakeFailed(end),
            certainty,
            (Retry::Safe, RetryReason::NoHandshake),
            evidence,
        )
    })
}

/// What ended it, how sure that is, and the frame that shows it.
fn ends(
    facts: &TlsFacts,
    hello: FrameRef,
    connection: &Connection,
) -> Option<(HandshakeEnd, Certainty, FrameRef)> {
    if let Some(alert) = facts.fatal() {
        let (by, description) = (alert.by, alert.seen.description);
        return Some((HandshakeEnd::Alert { by, description }, Certainty::Proven, alert.frame));
    }
    if let Some(alert) = facts.alerts.iter().find(|alert| alert.seen.encrypted) {
        // By its length; it may be another message, once in a while.
        return Some((HandshakeEnd::SealedAlert { by: alert.by }, Certainty::Likely, alert.frame));
    }
    // An alert, an answer in clear, or the client's close, may be what is missing; and what the server sent that is
    // no ServerHello is another matter.
    let server = connection.half(Side::Server);
    let hidden = connection.has_gaps() || connection.start == Start::Midstream;
    if hidden || server.bytes > 0 && facts.server_hello.is_none() {
        return None;
    }
    let closing = closing::first(connection).filter(|closing| !closing.contested)?;
    let frame = closing.mark.frame;
    let client = connection.half(Side::Client);
    let unheard = client.acked.is_none_or(|acked| acked.pos == StreamPos::default());
    if unheard && client.resent >= OFTEN {
        let copies = client.resent.saturating_add(1);
        return Some((HandshakeEnd::Vanished { copies }, Certainty::Likely, frame));
    }
    if let Some((ttl, usual)) = closing.foreign_ttl(connection) {
        return Some((HandshakeEnd::ResetBetween { ttl, usual }, Certainty::Likely, frame));
    }
    if closing.by == Side::Server {
        let end = match closing.kind {
            CloseKind::Fin => HandshakeEnd::Closed,
            CloseKind::Rst => HandshakeEnd::Reset,
        };
        return Some((end, Certainty::Proven, frame));
    }
    let silent = facts.server_hello.is_none();
    let waited = connection.span(hello, frame).is_some_and(|wait| wait >= PATIENCE);
    (silent && waited).then_some((HandshakeEnd::Silence, Certainty::Likely, frame))
}
