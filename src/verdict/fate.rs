//! What is said of an exchange or connect: a verdict, or that there is none.

use super::case::Case;
use super::cause::{Cause, Certainty};
use super::detail::Detail;
use super::retry::{self, Retry, RetryReason};
use crate::exchange::Unread;
use crate::facts::closing::{Close, Closer, Closing};
use crate::facts::kernel::Ends;
use crate::flow::Side;
use crate::verdict::Evidence;
use std::time::Duration;

/// What is to be said of one failure: facts, no prose.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Why.
    pub cause: Cause,
    /// How sure.
    pub certainty: Certainty,
    /// Facts that only this cause has.
    pub detail: Detail,
    /// How the connection ended.
    pub close: Option<Close>,
    /// Whether the request may be sent again.
    pub retry: Retry,
    /// Why that.
    pub retry_reason: RetryReason,
    /// How long the connection had been idle before the request.
    pub idle_gap: Option<Duration>,
    /// From the end of the request to the close; `None` when the close came first.
    pub wait: Option<Duration>,
    /// From the last answer to the close: the time that a keep-alive timer of the backend would have
    /// run.
    pub closed_after: Option<Duration>,
    /// The frames that show it, in order.
    pub evidence: Vec<Evidence>,
    /// What the kernel says of the connection's ends, as far as that fits the packets.
    pub ends: Option<Box<Ends>>,
    /// Another view of the attempt shows it better than the first one.
    pub better_elsewhere: bool,
}

impl Verdict {
    /// Joins what another viewpoint shows of the same failure: the better proof wins. What one of them
    /// knows of a retry, the other need not; where they contradict each other, it is not safe.
    pub(super) fn join(&mut self, mut other: Self) {
        let proof = |verdict: &Self| (verdict.cause != Cause::Unproven, verdict.certainty);
        let better = proof(&other) > proof(self);
        if let (
            Detail::Unanswered { challenged, .. },
            Detail::Unanswered { challenged: true, .. },
        ) = (&mut self.detail, other.detail)
        {
            *challenged = true;
        }
        if better {
            std::mem::swap(self, &mut other);
            self.better_elsewhere = true;
        }
        if other.retry == Retry::Unsafe || self.retry == Retry::Unknown {
            (self.retry, self.retry_reason) = (other.retry, other.retry_reason);
        }
    }
}

/// What became of an exchange or connect.
#[derive(Clone, Debug)]
pub enum Fate {
    /// Nothing was wrong.
    Sound,
    /// The attempt failed.
    Failed(Box<Verdict>),
    /// Neither an answer nor a close was captured.
    Open,
    /// The request was perhaps answered; that cannot be read.
    Unread(Unread),
    /// Whether the attempt failed shows in what will be known of the backend: until then, and where that
    /// never shows, it is none.
    Undecided,
}

pub(super) fn failed(verdict: Verdict) -> Fate {
    Fate::Failed(Box::new(verdict))
}

impl Case<'_> {
    /// A verdict on an exchange whose connection was not closed.
    pub(super) fn unclosed(&self, cause: Cause, certainty: Certainty, detail: Detail) -> Verdict {
        let acked = self.connection.half(Side::Client).acked;
        let request = &self.exchange.request;
        let retry_reason = match acked {
            Some(acked) if acked.pos >= request.end && request.complete => RetryReason::AllReceived,
            Some(acked) if acked.pos > request.start => RetryReason::PartReceived,
            _ => RetryReason::NotTold,
        };
        let run = retry_reason == RetryReason::AllReceived;
        Verdict {
            cause,
            certainty,
            detail,
            close: None,
            retry: if run { Retry::Unsafe } else { Retry::Unknown },
            retry_reason,
            idle_gap: self.idle_gap(),
            wait: self.connection.span(request.first, self.connection.last),
            closed_after: None,
            evidence: self.evidence(),
            ends: None,
            better_elsewhere: false,
        }
    }

    /// A verdict whose close is `closing`.
    pub(super) fn verdict(
        &self,
        cause: Cause,
        certainty: Certainty,
        detail: Detail,
        closing: &Closing,
    ) -> Verdict {
        let request = &self.exchange.request;
        let received = self.received(closing);
        let by = match (closing.by, detail) {
            (_, Detail::ForeignReset { .. }) => Closer::Path,
            (Side::Server, _) => Closer::Backend,
            (Side::Client, _) => Closer::Proxy,
        };
        let close = Close { by, kind: closing.kind, frame: closing.mark.frame, received };
        let (retry, retry_reason) = retry::advice(self, cause, closing);
        let after = closing.mark.frame.at >= request.last.at;
        Verdict {
            cause,
            certainty,
            detail,
            close: Some(close),
            retry,
            retry_reason,
            idle_gap: self.idle_gap(),
            wait: self.connection.span(request.last, closing.mark.frame).filter(|_| after),
            closed_after: self
                .exchange
                .quiet_since
                .and_then(|quiet| self.connection.span(quiet, closing.mark.frame)),
            evidence: self.evidence(),
            ends: None,
            better_elsewhere: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_two_vantages_contradict_each_other_a_retry_is_not_safe() {
        let verdict = |retry, retry_reason| Verdict {
            cause: Cause::KeepaliveRace,
            certainty: Certainty::Proven,
            detail: Detail::Crossing,
            close: None,
            retry,
            retry_reason,
            idle_gap: None,
            wait: None,
            closed_after: None,
            evidence: Vec::new(),
            ends: None,
            better_elsewhere: false,
        };
        let (safe, not) = (
            verdict(Retry::Safe, RetryReason::NothingReceived),
            verdict(Retry::Unsafe, RetryReason::AllReceived),
        );
        for (mut one, other) in [(safe.clone(), not.clone()), (not, safe)] {
            one.join(other);
            assert_eq!(one.retry, Retry::Unsafe);
        }
    }
}
