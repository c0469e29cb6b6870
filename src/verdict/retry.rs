//! Whether a failed request may be sent again: could it have run?

use super::crossing::{LONGEST_CROSSING, way};
use super::{Case, Finding};
use crate::exchange::Outcome;
use crate::facts::closing::{CloseKind, Closing};
use crate::flow::Side;

/// Whether this attempt can have had an effect. An earlier or later attempt may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// The attempt cannot have had an effect.
    Safe,
    /// The attempt can have had one.
    Unsafe,
    /// The capture does not say.
    Unknown,
}

impl Retry {
    /// The advice's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Unknown => "unknown",
        }
    }
}

/// What the advice rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryReason {
    /// There was no connection to send it on.
    NothingSent,
    /// The TLS handshake was not completed, so that nothing was asked.
    NoHandshake,
    /// The backend's close acknowledges none of it, nothing later does, and what it sent was answered
    /// by a reset: nobody was there to read it.
    NothingReceived,
    /// The backend's close acknowledges none of it; what became of it afterwards was not captured. A
    /// backend that only half-closed may still have read it.
    NotRefused,
    /// The backend had all of it before it closed.
    AllReceived,
    /// The kernel of the backend's host says that nobody had read a byte of it when the connection was
    /// closed, and closed for good: nobody can have read it later.
    ClosedUnread,
    /// The kernel of the backend's host says that a process had read all of it.
    Read,
    /// The backend had begun to answer.
    AnswerBegun,
    /// The backend had a part of it.
    PartReceived,
    /// The request was acknowledged only after the backend had closed; whether it was read does not show.
    ReceivedAfterClose,
    /// The close says nothing of what was received.
    NotTold,
    /// The backend speaks another protocol.
    NotUnderstood,
    /// The backend may speak another protocol, and then it understood none of it.
    PerhapsNotUnderstood,
    /// The request is a probe, as its user agent says, which asks for nothing but an answer.
    Probe,
    /// The capture has a hole where the answer would be.
    Unproven,
}

/// The advice for an exchange that ended with `closing`.
pub(super) fn advice(case: &Case<'_>, finding: Finding, closing: &Closing) -> (Retry, RetryReason) {
    let request = &case.exchange.request;
    let acked = case.connection.half(Side::Client).acked.map(|acked| acked.pos);
    let received = acked.is_some_and(|acked| acked > request.start);
    let whole = case.was_whole_at(closing);
    let received_all = |ack| whole && ack >= request.end;
    if matches!(case.exchange.outcome, Outcome::Partial | Outcome::Answered) {
        return (Retry::Unsafe, RetryReason::AnswerBegun);
    }
    if matches!(finding, Finding::Unproven(_)) {
        return (Retry::Unknown, RetryReason::Unproven);
    }
    // What the proxy's own close acknowledges is the answer, not the request.
    let told = closing.mark.ack.filter(|_| closing.by == Side::Server);
    match told {
        Some(ack) if ack <= request.start && !received => {
            if is_refused(case, closing) {
                (Retry::Safe, RetryReason::NothingReceived)
            } else {
                (Retry::Unknown, RetryReason::NotRefused)
            }
        }
        Some(ack) if received_all(ack) => (Retry::Unsafe, RetryReason::AllReceived),
        // Whether it was read does not show: a lingering close reads on, and throws away what it reads.
        Some(ack) if closing.kind == CloseKind::Fin && acked.is_some_and(|acked| acked > ack) => {
            (Retry::Unknown, RetryReason::ReceivedAfterClose)
        }
        // The reset says nothing; an acknowledgement before it may.
        None if acked.is_some_and(received_all) => (Retry::Unsafe, RetryReason::AllReceived),
        _ if received => (Retry::Unknown, RetryReason::PartReceived),
        _ => (Retry::Unknown, RetryReason::NotTold),
    }
}

/// The backend's kernel threw the request away, of which its close acknowledges nothing.
///
/// A reset of its own with ACK flag ends the connection as it stands: nothing is received after it. A FIN
/// ends only its own direction, and whoever half-closed may read on; that it did not shows by a reset in
/// reply to the request: without ACK flag, numbered as the request acknowledges (RFC 9293, section
/// 3.10.7.1), at once. One with another number answers something else, unless it came sooner after the FIN
/// than anything that the proxy sent upon that can be answered. One that comes late, or to a request that
/// was sent again, may answer a later copy while the first was read. Something between, which gives itself
/// away by its time to live, speaks for no backend.
fn is_refused(case: &Case<'_>, closing: &Closing) -> bool {
    let server = case.connection.half(Side::Server);
    let Some(reset) = server.rst.filter(|reset| server.ttl == Some(reset.ttl)) else {
        return false;
    };
    let request = &case.exchange.request;
    let at_once = reset.frame.at.since(request.last.at) < LONGEST_CROSSING;
    let once = case.connection.half(Side::Client).resent == 0;
    match (closing.kind, reset.ack) {
        (CloseKind::Rst, Some(_)) => reset.frame == closing.mark.frame,
        (CloseKind::Fin, None) => {
            let upon_fin = reset.frame.at.since(closing.mark.frame.at);
            let numbered = request.ack == Some(reset.pos);
            let sooner = way(case).is_some_and(|way| upon_fin < way);
            (numbered || sooner) && at_once && once
        }
        _ => false,
    }
}
