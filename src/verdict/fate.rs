//! What is said of an exchange or connect: a verdict, or that there is none.

use super::case::Case;
use super::cause::{Cause, Certainty};
use super::finding::{Finding, ResetBy, UnansweredSyns};
use super::retry::{self, Retry, RetryReason};
use crate::exchange::Unread;
use crate::facts::closing::{Close, Closer, Closing};
use crate::facts::kernel::Ends;
use crate::flow::Side;
use crate::verdict::Evidence;
use std::time::Duration;

/// What is to be said of one failure: facts, no prose. [`judge`](super::judge) alone makes one.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub(super) finding: Finding,
    pub(super) certainty: Certainty,
    pub(super) close: Option<Close>,
    pub(super) retry: Retry,
    pub(super) retry_reason: RetryReason,
    pub(super) idle_gap: Option<Duration>,
    pub(super) wait: Option<Duration>,
    pub(super) closed_after: Option<Duration>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) ends: Option<Box<Ends>>,
    pub(super) better_elsewhere: bool,
}

impl Verdict {
    /// A verdict of which no more is known than this; `retry` is the advice with what it rests on.
    pub(super) const fn of(
        finding: Finding,
        certainty: Certainty,
        (retry, retry_reason): (Retry, RetryReason),
        evidence: Vec<Evidence>,
    ) -> Self {
        Self {
            finding,
            certainty,
            close: None,
            retry,
            retry_reason,
            idle_gap: None,
            wait: None,
            closed_after: None,
            evidence,
            ends: None,
            better_elsewhere: false,
        }
    }

    /// Why it failed, with the facts that only this cause has.
    pub const fn finding(&self) -> Finding {
        self.finding
    }

    /// Why it failed, by name.
    pub const fn cause(&self) -> Cause {
        self.finding.cause()
    }

    /// How sure that is.
    pub const fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// How the connection ended.
    pub const fn close(&self) -> Option<Close> {
        self.close
    }

    /// Whether the request may be sent again.
    pub const fn retry(&self) -> Retry {
        self.retry
    }

    /// What that advice rests on.
    pub const fn retry_reason(&self) -> RetryReason {
        self.retry_reason
    }

    /// How long the connection had been idle before the request.
    pub const fn idle_gap(&self) -> Option<Duration> {
        self.idle_gap
    }

    /// From the end of the request to the close; `None` when the close came first.
    pub const fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// From the last answer to the close: the time that a keep-alive timer of the backend would have
    /// run.
    pub const fn closed_after(&self) -> Option<Duration> {
        self.closed_after
    }

    /// The frames that show what happened, in order.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// What the kernel says of the connection's ends, as far as that fits the packets.
    pub fn ends(&self) -> Option<&Ends> {
        self.ends.as_deref()
    }

    /// Another view of the attempt shows it better than the first one.
    pub const fn is_better_elsewhere(&self) -> bool {
        self.better_elsewhere
    }

    /// Joins what another viewpoint shows of the same failure: the better proof wins. What one of them
    /// knows of a retry, the other need not; where they contradict each other, it is not safe.
    pub(super) fn join(&mut self, mut other: Self) {
        let proof = |verdict: &Self| (verdict.cause() != Cause::Unproven, verdict.certainty);
        let better = proof(&other) > proof(self);
        if let (
            Finding::ConnectTimeout(UnansweredSyns { challenged, .. }),
            Finding::ConnectTimeout(UnansweredSyns { challenged: true, .. }),
        ) = (&mut self.finding, other.finding)
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
    pub(super) fn unclosed(&self, finding: Finding, certainty: Certainty) -> Verdict {
        let acked = self.connection.half(Side::Client).acked;
        let request = &self.exchange.request;
        let retry_reason = match acked {
            Some(acked) if acked.pos >= request.end && self.is_whole() => RetryReason::AllReceived,
            Some(acked) if acked.pos > request.start => RetryReason::PartReceived,
            _ => RetryReason::NotTold,
        };
        let run = retry_reason == RetryReason::AllReceived;
        Verdict {
            idle_gap: self.idle_gap(),
            wait: self.connection.span(request.first, self.connection.last),
            ..Verdict::of(
                finding,
                certainty,
                (if run { Retry::Unsafe } else { Retry::Unknown }, retry_reason),
                self.evidence(),
            )
        }
    }

    /// A verdict whose close is `closing`.
    pub(super) fn verdict(
        &self,
        finding: Finding,
        certainty: Certainty,
        closing: &Closing,
    ) -> Verdict {
        let request = &self.exchange.request;
        let received = self.received(closing);
        let mut close = closing.told(received);
        if let Finding::ResetInFlight(ResetBy::Path { .. }) = finding {
            close.by = Closer::Path;
        }
        let (retry, retry_reason) = retry::advice(self, finding, closing);
        let after = closing.mark.frame.at >= request.last.at;
        Verdict {
            close: Some(close),
            idle_gap: self.idle_gap(),
            wait: self.connection.span(request.last, closing.mark.frame).filter(|_| after),
            closed_after: self
                .exchange
                .quiet_since
                .and_then(|quiet| self.connection.span(quiet, closing.mark.frame)),
            ..Verdict::of(finding, certainty, (retry, retry_reason), self.evidence())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Race;
    use super::*;

    #[test]
    fn where_two_vantages_contradict_each_other_a_retry_is_not_safe() {
        let verdict = |retry, retry_reason| {
            Verdict::of(
                Finding::KeepaliveRace(Race::Crossing),
                Certainty::Proven,
                (retry, retry_reason),
                Vec::new(),
            )
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
