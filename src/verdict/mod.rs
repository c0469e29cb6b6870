//! Why an exchange, or a connect, failed.
//!
//! [`judge`] and [`judge_connect`] are pure functions of a finished exchange and the facts of its
//! connection. They yield a cause, how sure it is, and numbers and frames that show it; `report`
//! finds the words. The order of judgement stands in [`judge`]; each family of causes has a file.
//!
//! The proof is the acknowledgement number, not the clock: a close carries how many bytes of the
//! request its sender's kernel had received, and a request how much of the backend's stream the
//! proxy's kernel had. That holds wherever the capture was taken.

mod answered;
mod cause;
mod closing;
mod connect;
mod detail;
mod gave_up;
mod in_flight;
mod invalid;
mod kernel;
mod lost;
mod retry;
mod reused;
mod unproven;

use crate::exchange::{Exchange, MIN_MESSAGE, Outcome, Unread};
use crate::flow::{Connection, Hole, Side, Start};
use crate::packet::FrameRef;
pub use answered::failing_probe;
pub use cause::{Cause, Certainty};
pub use closing::{Closing, first as first_close};
pub use connect::judge_connect;
pub use detail::{Detail, Drop};
pub use gave_up::{client_gone, client_logged};
pub use kernel::{Sent, kernel_says};
pub use retry::{Retry, RetryReason};
pub use reused::{kept_for_longer, lost_in_host};
use std::time::Duration;
pub use unproven::Doubt;

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
}

impl Verdict {
    /// Makes it that of a failing probe, `named` by its user agent or told by its constant period: a job
    /// may ask as steadily, so that its retry is judged as that of any request.
    pub fn fail_probes(&mut self, named: bool) {
        self.cause = Cause::HealthCheckFailing;
        self.certainty = if named { Certainty::Proven } else { Certainty::Likely };
        self.detail = Detail::Nothing;
        if named {
            (self.retry, self.retry_reason) = (Retry::Safe, RetryReason::Probe);
        }
    }

    /// Joins what another viewpoint shows of the same failure: the better proof wins. What one of them
    /// knows of a retry, the other need not; where they contradict each other, it is not safe.
    /// Returns whether the other one is better.
    pub fn join(&mut self, mut other: Self) -> bool {
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
        }
        if other.retry == Retry::Unsafe || self.retry == Retry::Unknown {
            (self.retry, self.retry_reason) = (other.retry, other.retry_reason);
        }
        better
    }
}

/// How the connection of a failed exchange ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Close {
    /// Who did it.
    pub by: Closer,
    /// How.
    pub kind: CloseKind,
    /// The frame.
    pub frame: FrameRef,
    /// How much of the request it acknowledges; `None` when that is not known, or there is none.
    pub received: Option<Received>,
}

/// Who ended a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closer {
    /// The server side.
    Backend,
    /// The client side.
    Proxy,
    /// Something between.
    Path,
}

/// How a connection was ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseKind {
    /// In order.
    Fin,
    /// At once.
    Rst,
}

/// How much of a request was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// No byte.
    None,
    /// Some.
    Part,
    /// Every byte.
    All,
}

/// A frame, and what it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The frame.
    pub frame: FrameRef,
    /// What it shows.
    pub shows: Shows,
}

/// What a frame shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// The proxy asks for a connection.
    Syn,
    /// Somebody says that it cannot be delivered.
    Unreachable,
    /// The proxy's host asks who has the backend's address.
    NeighbourAsked,
    /// It asks so for the last time.
    NeighbourAskedLast,
    /// It asks for the last time.
    LastSyn,
    /// The backend's SYN+ACK again, though the proxy had answered it.
    SynAckAgain,
    /// What was sent last, for the last time.
    Repeated(Side),
    /// From here on the backend reads no more.
    ZeroWindow,
    /// The client of the front leg left.
    ClientLeft,
    /// The first of an answer.
    Answer,
    /// After it, the connection was idle.
    LastAnswer,
    /// The request begins.
    Request,
    /// The request ends.
    RequestEnd,
    /// The last that came of the response.
    ResponseCut,
    /// A side closed.
    Fin(Side),
    /// A side reset.
    Rst(Side),
}

/// What was told of the timeouts of either side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timeouts {
    /// How long the backend keeps an idle connection.
    pub backend_keepalive: Option<Duration>,
    /// How long the proxy keeps one.
    pub proxy_idle: Option<Duration>,
    /// How long the proxy waits for an answer.
    pub proxy_read: Option<Duration>,
    /// How long the proxy waits for a connection.
    pub proxy_connect: Option<Duration>,
}

/// What became of an exchange or connect.
#[derive(Clone, Debug)]
pub enum Fate {
    /// Nothing was wrong.
    Sound,
    /// It failed.
    Failed(Box<Verdict>),
    /// Neither an answer nor a close was captured.
    Open,
    /// It was perhaps answered; that cannot be read.
    Unread(Unread),
}

/// An exchange with its connection: what there is to judge.
#[derive(Clone, Copy)]
struct Case<'a> {
    exchange: &'a Exchange,
    connection: &'a Connection,
}

impl Case<'_> {
    /// There was an exchange before it on this connection, or may have been.
    fn is_reused(&self) -> bool {
        self.exchange.ordinal > 0 || self.connection.start == Start::Midstream
    }

    /// The beginning of its connection was not captured, and nothing shows that an exchange came before
    /// it: it may be a new one, that waited to be accepted, or one that was used before.
    fn may_be_new(&self) -> bool {
        self.exchange.ordinal == 0 && self.connection.syn.is_none()
    }

    /// How much of the request the backend had received when the connection was closed: what its own
    /// close acknowledges, or what it had acknowledged before the proxy closed.
    fn received(&self, closing: &Closing) -> Option<Received> {
        let request = &self.exchange.request;
        let acked = self.connection.half(Side::Client).acked.map(|acked| acked.pos);
        let ack = match closing.by {
            Side::Server => closing.mark.ack,
            Side::Client => acked,
        };
        ack.map(|ack| {
            if ack <= request.start {
                Received::None
            } else if ack >= request.end && request.complete {
                Received::All
            } else {
                Received::Part
            }
        })
    }

    /// How long the connection had been idle before the request.
    fn idle_gap(&self) -> Option<Duration> {
        let quiet = self.exchange.quiet_since?;
        self.connection.span(quiet, self.exchange.request.first)
    }

    /// No patience is shorter than the way there and back, twice: what is slow is not lost.
    fn patience(&self, least: Duration) -> Duration {
        self.connection.round_trip().map_or(least, |way| least.max(way.saturating_mul(2)))
    }

    /// Of the backend nothing was captured, though the proxy knows of it.
    fn is_one_sided(&self) -> bool {
        self.connection.half(Side::Server).is_unheard()
    }

    /// A verdict on an exchange whose connection was not closed.
    fn unclosed(&self, cause: Cause, certainty: Certainty, detail: Detail) -> Verdict {
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
        }
    }

    /// A verdict whose close is `closing`.
    fn verdict(
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
        }
    }

    /// The frames that tell the story, in the order of the capture.
    fn evidence(&self) -> Vec<Evidence> {
        let Self { exchange, connection } = self;
        let request = &exchange.request;
        let mut evidence = Vec::with_capacity(8);
        let mut add = |frame: FrameRef, shows| evidence.push(Evidence { frame, shows });
        if let Some(frame) = exchange.quiet_since {
            add(frame, Shows::LastAnswer);
        }
        // A request that was not captured has no frame of its own, only one that shows its absence.
        if request.head.is_some() || request.unread != Some(Unread::Gap) {
            add(request.first, Shows::Request);
            if request.last != request.first {
                add(request.last, Shows::RequestEnd);
            }
        }
        if let Some(response) = exchange.response {
            match exchange.outcome {
                Outcome::Partial => add(response.last, Shows::ResponseCut),
                _ => add(response.first, Shows::Answer),
            }
        }
        if let Some(again) = connection.syn_ack_again.as_deref() {
            add(*again, Shows::SynAckAgain);
        }
        for side in [Side::Server, Side::Client] {
            let half = connection.half(side);
            if let Some(frame) =
                half.last_resent.as_deref().filter(|again| again.at > request.first.at)
            {
                add(*frame, Shows::Repeated(side));
            }
            if let Some(frame) = half.zero_window.as_deref().filter(|_| side == Side::Server) {
                add(*frame, Shows::ZeroWindow);
            }
            if let Some(fin) = half.fin {
                add(fin.frame, Shows::Fin(side));
            }
            if let Some(rst) = half.rst {
                add(rst.frame, Shows::Rst(side));
            }
        }
        evidence.sort_by_key(|evidence| (evidence.frame.capture, evidence.frame.number));
        evidence
    }
}

/// How far a wait may lie from the timeout that it is held against: timers are coarse, and a capture
/// shows when frames left, not when a timer began.
fn slack(timeout: Duration) -> Duration {
    Duration::from_millis(50).max(timeout.checked_div(25).unwrap_or_default())
}

/// What became of an exchange, now that its connection has ended, or the next request has come.
pub fn judge(exchange: &Exchange, connection: &Connection, timeouts: &Timeouts) -> Fate {
    let mut fate = framed(exchange, connection, timeouts);
    if let Fate::Failed(verdict) = &mut fate
        && exchange.response.is_some_and(|response| response.found)
    {
        // What was taken for the head of its answer may lie inside of a body.
        verdict.certainty = Certainty::Possible;
    }
    fate
}

/// The same, if messages are where they seem to be.
fn framed(exchange: &Exchange, connection: &Connection, timeouts: &Timeouts) -> Fate {
    let case = Case { exchange, connection };
    if exchange.outcome == Outcome::Answered {
        return answered::judge(&case);
    }
    if connection.given_up {
        return Fate::Open;
    }
    if let Some(why) = unread(&case) {
        // What was not captured cannot be an answer if the backend closed without having received
        // the request.
        let closing = closing::first(connection);
        let crossing = closing
            .filter(|closing| {
                closing.by == Side::Server && exchange.request.unread != Some(Unread::Gap)
            })
            .and_then(|closing| reused::judge(&case, &closing));
        let refused = || closing.and_then(|closing| invalid::judge(&case, &closing));
        let cut = || answered::cut(&case, closing.as_ref());
        return crossing.or_else(refused).or_else(cut).map_or(Fate::Unread(why), failed);
    }
    if case.is_one_sided() {
        return closing::first(connection).map_or(Fate::Open, |closing| {
            failed(unproven::judge(&case, &closing, Doubt::OneDirection))
        });
    }
    let Some(closing) = closing::first(connection) else {
        return lost::unclosed(&case).map_or(Fate::Open, failed);
    };
    let closing = closing::decided(&case, closing);
    if closing.contested {
        return failed(unproven::judge(&case, &closing, Doubt::SeveralReadings));
    }
    if closing.by == Side::Client {
        return gave_up::judge(&case, &closing, timeouts);
    }
    if exchange.outcome == Outcome::Partial {
        return failed(in_flight::truncated(&case, &closing));
    }
    if let Some(verdict) = invalid::proxy_header(&case, &closing) {
        return failed(verdict);
    }
    let mut verdict = in_flight::foreign_reset(&case, &closing)
        .or_else(|| lost::held_back(&case, Some(&closing)))
        .or_else(|| reused::judge(&case, &closing))
        .or_else(|| reused::announced(&case, &closing))
        .unwrap_or_else(|| in_flight::judge(&case, &closing));
    if exchange.blind && in_flight::may_be_race(&verdict) {
        // What was not read before it may have shown a timer.
        verdict.certainty = Certainty::Possible;
    }
    if exchange.request.unread.is_some() {
        // That it is a request shows; where it ends is taken from whose turn it is.
        verdict.certainty = verdict.certainty.min(Certainty::Likely);
    }
    failed(verdict)
}

/// Why the answer cannot be read, if there may be one: a gap after the request can hold it.
fn unread(case: &Case<'_>) -> Option<Unread> {
    let gap = case.connection.half(Side::Server).last_gap;
    let hides = |gap: Hole| {
        gap.to > case.exchange.request.server_pos && gap.to.since(gap.from) >= MIN_MESSAGE
    };
    match case.exchange.outcome {
        Outcome::Unread(why) => Some(why),
        Outcome::Unanswered => gap.filter(|gap| hides(*gap)).map(|_| Unread::Gap),
        Outcome::Answered | Outcome::Partial | Outcome::Late => None,
    }
}

fn failed(verdict: Verdict) -> Fate {
    Fate::Failed(Box::new(verdict))
}
