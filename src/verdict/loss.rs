//! What frames that the watch itself lost may hide: a verdict that rests on something that was not seen is
//! then `unproven`.
//!
//! Where a stream lost bytes, numbers show it, and the rules of each cause have doubted by then: the close of
//! a side counts all that it had sent, a FIN among it, and all that it had received. This is for what has no
//! number: a bare acknowledgement, a SYN+ACK, a reset, a whole connection. Overloaded on purpose (a ring of
//! 64 KiB, four fifths of the frames lost), a watch saw single SYNs of connections that worked, and the
//! proxy's log held no error; resets, races and cut answers that it told were all true.

use super::doubt::Doubt;
use super::{
    Certainty, Departure, Drop, Fate, Finding, HandshakeEnd, Race, ResetBy, Retry, RetryReason,
    Vanished, Verdict,
};
use crate::facts::closing::{self, CloseKind, Received};
use crate::facts::losses::Stretch;
use crate::facts::{Facts, Tried};
use crate::flow::{Side, StreamPos};
use crate::verdict::Shows;

/// What lost frames make of a verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LossEffect {
    /// None: it rests on what was seen.
    Stands,
    /// The verdict rests on it in part: likely at most.
    LessSure,
    /// What it rests on may be among them.
    Hidden,
}

/// Doubts a verdict that rests on what may have been lost.
pub(super) fn doubt(verdict: &mut Verdict, facts: &Facts<'_>) {
    match effect(verdict, facts) {
        LossEffect::Stands => {}
        LossEffect::LessSure => verdict.certainty = verdict.certainty.min(Certainty::Likely),
        LossEffect::Hidden => {
            verdict.finding = Finding::Unproven(Doubt::Gap);
            verdict.certainty = Certainty::Possible;
            if verdict.retry_reason != RetryReason::AnswerBegun {
                (verdict.retry, verdict.retry_reason) = (Retry::Unknown, RetryReason::Unproven);
            }
        }
    }
}

/// Lost frames may hide that it did not fail so.
pub(super) fn may_hide(fate: &Fate, facts: &Facts<'_>) -> bool {
    matches!(fate, Fate::Failed(verdict) if effect(verdict, facts) == LossEffect::Hidden)
}

/// The fate of one of a row of failing probes, which stand for each other; `hidden` where lost frames may
/// hide that this one did not fail.
pub(super) fn of_probe(mut fate: Fate, hidden: bool) -> Fate {
    if let (Fate::Failed(verdict), true) = (&mut fate, hidden) {
        verdict.certainty = Certainty::Possible;
    }
    fate
}

/// What frames that were lost in an attempt's life make of a verdict on it.
fn effect(verdict: &Verdict, facts: &Facts<'_>) -> LossEffect {
    let elsewhere = facts.elsewhere.iter().map(|attempt| attempt.losses);
    let losses = elsewhere.fold(facts.losses, |losses, other| losses.and(other));
    let lost = |stretches: &[Stretch]| losses.any(stretches);
    let hidden = match verdict.finding {
        Finding::ConnectTimeout(_) => return connect(facts, lost),
        // What has a number stands: the close acknowledges none of the request, and the request not the close.
        Finding::KeepaliveRace(Race::Crossing) => {
            let numbers = verdict.close.and_then(|close| close.received) == Some(Received::None);
            !numbers && !says_closed(verdict) && lost(&[Stretch::Waiting])
        }
        // What a timer explains rests on a close that counts no answer.
        Finding::KeepaliveRace(Race::LostInHost { .. } | Race::Unread { .. }) => false,
        // The request itself acknowledges the FIN, or follows an answer that announced it.
        Finding::StaleReuse => false,
        // A FIN takes a number (RFC 9293, section 3.4): one that counts no answer came without one, and one that
        // followed the proxy's acknowledges that. After a reset of the proxy's there is none.
        Finding::ClosedInFlight(_) => false,
        Finding::ResetInFlight(by) => reset(by, verdict, facts, lost),
        // A FIN, or a reset with ACK flag, counts the answer so far. A reset in reply repeats the proxy's
        // number: what came after that may be lost.
        Finding::TruncatedResponse { .. } => {
            is_reset_in_reply(verdict) && lost(&[Stretch::Waiting])
        }
        // The proxy's close acknowledges all that it had received (RFC 9293, section 3.10.4). A reset in reply
        // does not; what it replies to, and the FIN before it, were lost or there were none.
        Finding::ResponseTimeout(_) => !proxy_counted(facts) && lost(&[Stretch::Waiting]),
        // A window opens by a bare acknowledgement.
        Finding::Stalled(how) if how.zero_window => lost(&[Stretch::Waiting, Stretch::Closed]),
        Finding::Stalled(_) => !proxy_counted(facts) && lost(&[Stretch::Waiting]),
        // The log's word.
        Finding::ClientGone(Departure::Logged { .. }) => false,
        Finding::ClientGone(Departure::Unseen | Departure::FrontLeg { .. }) => {
            !proxy_counted(facts) && lost(&[Stretch::Waiting])
        }
        // A reset is believed to reply to a SYN only where it acknowledges that and nothing else (RFC 9293, section
        // 3.10.7.1): one that ends a connection of which all but the SYN was lost acknowledges more, or nothing.
        Finding::ConnectionRefused { .. } => false,
        // Somebody's word was captured. That nobody has the address rests on an answer that was not.
        Finding::Unreachable(_) => {
            let said = facts.connection.unreachable.is_some();
            !said && lost(&[Stretch::LastCopy])
        }
        // The kernel's word, or the number of a reset, before which nothing had come. That nothing was ever
        // acknowledged, a lost acknowledgement belies.
        Finding::AcceptQueueFull => {
            let queue = verdict.ends.as_deref().and_then(|ends| ends.server.as_ref()?.queue);
            let connect = matches!(facts.tried, Tried::Connect(_));
            let told = queue.is_some() || connect && is_of_nothing(facts);
            !told && lost(&[Stretch::Waiting, Stretch::Closed])
        }
        Finding::SilentDrop(what) => dropped(what, verdict, facts, lost),
        // That the answer was whole and not acknowledged may show in an acknowledgement that was lost.
        Finding::UploadCutShort { .. } => lost(&[Stretch::Waiting]),
        // An answer was seen.
        // What was said, or a close that counts what came before it.
        Finding::TlsHandshakeFailed(HandshakeEnd::Silence | HandshakeEnd::Vanished { .. }) => {
            !proxy_counted(facts) && lost(&[Stretch::Waiting])
        }
        Finding::TlsHandshakeFailed(_) => false,
        Finding::InvalidResponse(_)
        | Finding::ProtocolMismatch(_)
        | Finding::BackendError { .. } => false,
        // A row of them stands for each: see `of_probe`.
        Finding::HealthCheckFailing => false,
        // Nothing more can be said than that.
        Finding::Unproven(_) => false,
    };
    if hidden { LossEffect::Hidden } else { LossEffect::Stands }
}

/// SYNs without an answer. That a kernel sends its SYN again shows that it had no answer to the one before, so
/// that what came after the last one decides. If that may be lost, three SYNs of which the first was watched
/// without a loss still show a backend that did not answer; whether it did at last is open.
fn connect(facts: &Facts<'_>, lost: impl Fn(&[Stretch]) -> bool) -> LossEffect {
    if !lost(&[Stretch::LastCopy]) {
        return LossEffect::Stands;
    }
    let tried = facts.connection.syns >= 3 && !lost(&[Stretch::FirstTry]);
    if tried { LossEffect::LessSure } else { LossEffect::Hidden }
}

/// A reset with ACK flag counts what its sender had sent and received. One in reply has the number that it
/// replies to, whatever was lost before: a FIN, say. One that something between sent in the proxy's name
/// counts no answer.
fn reset(
    by: ResetBy,
    verdict: &Verdict,
    facts: &Facts<'_>,
    lost: impl Fn(&[Stretch]) -> bool,
) -> bool {
    match by {
        // The kernel's word.
        ResetBy::Backend(known) if known.request_read().is_some() => false,
        ResetBy::Path { .. } => {
            let for_proxy = |shows| shows == Shows::Rst(Side::Client);
            let by_proxy = verdict.evidence.iter().any(|one| for_proxy(one.shows));
            let first = closing::first(facts.connection);
            by_proxy && first.is_some_and(|one| one.by == Side::Client) && lost(&[Stretch::Waiting])
        }
        ResetBy::Backend(_) => {
            is_reset_in_reply(verdict) && lost(&[Stretch::Before, Stretch::Waiting])
        }
    }
}

/// Something was sent again and again, or refused as if it were not known. A kernel that repeats something got no
/// acknowledgement before that; after the last copy one may be lost.
fn dropped(
    what: Vanished,
    verdict: &Verdict,
    facts: &Facts<'_>,
    lost: impl Fn(&[Stretch]) -> bool,
) -> bool {
    match (what.form, what.copies) {
        // A FIN of the backend's before it may be lost, unless its kernel says that it knew no such connection.
        (Drop::Forgotten, _) => {
            verdict.certainty < Certainty::Proven && lost(&[Stretch::Before, Stretch::Waiting])
        }
        (Drop::Request | Drop::Answer | Drop::Rest { .. }, 0 | 1) => {
            lost(&[Stretch::Waiting, Stretch::Closed])
        }
        (Drop::Request | Drop::Answer | Drop::Rest { .. }, 2..) => {
            let closed = closing::first(facts.connection).is_some();
            lost(&[Stretch::LastCopy]) || !closed && lost(&[Stretch::Closed])
        }
    }
}

/// The backend's kernel says how its end was closed.
fn says_closed(verdict: &Verdict) -> bool {
    let server = verdict.ends.as_deref().and_then(|ends| ends.server.as_ref());
    server.is_some_and(|server| server.closed.is_some())
}

/// A reset without ACK flag, in reply to a segment.
fn is_reset_in_reply(verdict: &Verdict) -> bool {
    verdict.close.is_some_and(|close| close.kind == CloseKind::Rst && close.received.is_none())
}

/// The proxy's close says how much it had received.
fn proxy_counted(facts: &Facts<'_>) -> bool {
    closing::first(facts.connection).is_some_and(|closing| closing.mark.ack.is_some())
}

/// The backend's reset acknowledges nothing but the SYN.
fn is_of_nothing(facts: &Facts<'_>) -> bool {
    let reset = facts.connection.half(Side::Server).rst;
    reset.is_some_and(|reset| reset.ack == Some(StreamPos::default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::failed;

    fn probe() -> Fate {
        failed(Verdict::of(
            Finding::HealthCheckFailing,
            Certainty::Proven,
            (Retry::Safe, RetryReason::Probe),
            Vec::new(),
        ))
    }

    #[test]
    fn a_probe_of_which_the_answer_may_be_lost_proves_nothing() {
        for (hidden, certainty) in [(false, Certainty::Proven), (true, Certainty::Possible)] {
            let Fate::Failed(verdict) = of_probe(probe(), hidden) else { panic!() };
            assert_eq!(
                (verdict.finding, verdict.certainty),
                (Finding::HealthCheckFailing, certainty)
            );
        }
    }
}
