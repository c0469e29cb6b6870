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
use crate::flow::{Connection, Side, Start};
use crate::packet::FrameRef;
use crate::streams::tls::{Handshake, TlsFacts};
use crate::verdict::{Evidence, Shows};
use std::time::Duration;

/// Who gives up sooner had another reason: a dial that was cancelled is no failure.
const PATIENCE: Duration = Duration::from_secs(1);

/// The handshake of a connection on which nothing was asked failed; `None` where it did not, or that does not
/// show.
pub(super) fn judge(ended: &Ended, connection: &Connection) -> Option<Verdict> {
    let facts = ended.tls.as_deref()?;
    let hello = facts.client_hello.filter(|_| facts.first_request.is_none())?;
    let asked = ended.turns.is_some_and(|turns| turns.exchanges > 0);
    if facts.handshake == Handshake::Done || asked || connection.given_up {
        return None;
    }
    let (end, certainty, frame) = ends(facts, hello, connection)?;
    let closing = closing::first(connection);
    let mut evidence = vec![Evidence { frame: hello, shows: Shows::ClientHello }];
    if let HandshakeEnd::Alert { by, .. } | HandshakeEnd::SealedAlert { by } = end {
        evidence.push(Evidence { frame, shows: Shows::Alert(by) });
    }
    if let Some(closing) = &closing {
        let shows = match closing.kind {
            CloseKind::Fin => Shows::Fin(closing.by),
            CloseKind::Rst => Shows::Rst(closing.by),
        };
        evidence.push(Evidence { frame: closing.mark.frame, shows });
    }
    evidence.sort_by_key(|one| (one.frame.capture, one.frame.number));
    let close = closing.map(|closing| Close {
        by: if closing.by == Side::Server { Closer::Backend } else { Closer::Proxy },
        kind: closing.kind,
        frame: closing.mark.frame,
        received: None,
    });
    Some(Verdict {
        close,
        wait: connection.span(hello, frame),
        ..Verdict::of(
            Finding::TlsHandshakeFailed(end),
            certainty,
            (Retry::Safe, RetryReason::NothingSent),
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
