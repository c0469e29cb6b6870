//! Why an exchange, or a connect, failed.
//!
//! [`judge`] and [`judge_connect`] are pure functions of a finished exchange and the facts of its
//! connection. They yield a cause, how sure it is, and numbers and frames that show it; `report`
//! finds the words. The order of judgement stands in [`judge`]; each family of causes has a file.
//!
//! The proof is the acknowledgement number, not the clock: a close carries how many bytes of the
//! request its sender's kernel had received, and a request how much of the backend's stream the
//! proxy's kernel had. That holds wherever the capture was taken.

mod closing;
mod connect;
mod in_flight;
mod retry;
mod reused;
mod unproven;

use crate::exchange::{Exchange, Outcome, Unread};
use crate::flow::{Connection, Mark, Side, Start};
use crate::packet::FrameRef;
pub use closing::{Closing, first as first_close};
pub use connect::judge_connect;
pub use retry::{Retry, RetryReason};
use std::time::Duration;
pub use unproven::Doubt;

/// Why it failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// The backend closed an idle connection while a request was on its way to it.
    KeepaliveRace,
    /// The proxy sent a request although its own kernel knew that the backend had closed.
    StaleReuse,
    /// The backend closed after it had received the request, or before one came on a new connection.
    ClosedInFlight,
    /// The connection was reset with the request outstanding.
    ResetInFlight,
    /// The backend closed before its response was whole.
    TruncatedResponse,
    /// Nothing listens there, or something answered so.
    ConnectionRefused,
    /// It failed, and the capture cannot tell why.
    Unproven,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::KeepaliveRace,
        Self::StaleReuse,
        Self::ClosedInFlight,
        Self::ResetInFlight,
        Self::TruncatedResponse,
        Self::ConnectionRefused,
        Self::Unproven,
    ];

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeepaliveRace => "keepalive_race",
            Self::StaleReuse => "stale_reuse",
            Self::ClosedInFlight => "closed_in_flight",
            Self::ResetInFlight => "reset_in_flight",
            Self::TruncatedResponse => "truncated_response",
            Self::ConnectionRefused => "connection_refused",
            Self::Unproven => "unproven",
        }
    }
}

/// How sure a cause is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Certainty {
    /// One reading among others.
    Possible,
    /// The usual reading.
    Likely,
    /// The frames leave no other.
    Proven,
}

impl Certainty {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Proven => "proven",
        }
    }
}

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
    /// The frames that show it, in order.
    pub evidence: Vec<Evidence>,
}

/// Facts that only one cause has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// None.
    Nothing,
    /// The close and the request crossed. How long the backend had been idle when it closed.
    Crossing {
        /// From the last answer to the close, as captured.
        closed_after: Option<Duration>,
    },
    /// The connection had not been used before.
    Fresh,
    /// The reset has another time to live than everything else from the backend: something between
    /// the two sent it.
    ForeignReset {
        /// Of the reset.
        ttl: u8,
        /// Of the backend's other segments.
        usual: u8,
    },
    /// Whether even the head of the response was cut.
    Truncated {
        /// The whole head came.
        head_complete: bool,
    },
    /// How many SYNs were sent.
    Connect {
        /// SYNs captured.
        syns: u32,
    },
    /// Why nothing more can be said.
    Doubt(Doubt),
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

    /// How much of the request an acknowledgement covers.
    fn received(&self, mark: &Mark) -> Option<Received> {
        let request = &self.exchange.request;
        mark.ack.map(|ack| {
            if ack <= request.start {
                Received::None
            } else if ack >= request.end && request.complete {
                Received::All
            } else {
                Received::Part
            }
        })
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
        let received = self.received(&closing.mark);
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
            idle_gap: self.exchange.idle_gap(),
            wait: after.then(|| closing.mark.frame.at.since(request.last.at)),
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
            add(response.last, Shows::ResponseCut);
        }
        for side in [Side::Server, Side::Client] {
            let half = connection.half(side);
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

/// What became of an exchange, now that its connection has ended or answered it.
pub fn judge(exchange: &Exchange, connection: &Connection) -> Fate {
    let case = Case { exchange, connection };
    let closing = match exchange.outcome {
        Outcome::Answered => return Fate::Sound,
        Outcome::Unread(why) => {
            // What was not captured cannot be an answer if the backend closed without having
            // received the request.
            let crossing = closing::first(connection)
                .filter(|closing| closing.by == Side::Server && request_is_known(exchange))
                .and_then(|closing| reused::judge(&case, &closing));
            return crossing.map_or(Fate::Unread(why), failed);
        }
        Outcome::Partial | Outcome::Unanswered => closing::first(connection),
    };
    let Some(closing) = closing else {
        return Fate::Open;
    };
    let doubt = |doubt| unproven::judge(&case, &closing, doubt);
    if closing.by == Side::Client {
        // A side that closed its own direction can still be answered, as long as the other has not
        // closed as well.
        let server = connection.half(Side::Server);
        let over = closing.kind == CloseKind::Rst || server.fin.is_some() || server.rst.is_some();
        return if over { failed(doubt(Doubt::ProxyClosedFirst)) } else { Fate::Open };
    }
    if let Some(why) = exchange.request.unread {
        return failed(doubt(Doubt::from(why)));
    }
    if exchange.outcome == Outcome::Partial {
        return failed(in_flight::truncated(&case, &closing));
    }
    failed(
        in_flight::foreign_reset(&case, &closing)
            .or_else(|| reused::judge(&case, &closing))
            .unwrap_or_else(|| in_flight::judge(&case, &closing)),
    )
}

fn request_is_known(exchange: &Exchange) -> bool {
    exchange.request.unread.is_none()
}

fn failed(verdict: Verdict) -> Fate {
    Fate::Failed(Box::new(verdict))
}
