//! What there is to judge: an exchange with its connection.

use crate::exchange::{Exchange, MIN_MESSAGE, Outcome, Unread};
use crate::facts::attempt::ClientError;
use crate::facts::closing::{self, CloseKind, Closing, Received};
use crate::flow::{Connection, Hole, Mark, Side, Start};
use crate::packet::FrameRef;
use crate::verdict::{Evidence, Shows};
use std::time::Duration;

/// Who sends a request makes no pause in it, as a rule, that is longer than this.
const SENDING: Duration = Duration::from_millis(50);

/// An exchange with its connection: what there is to judge.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) connection: &'a Connection,
    /// The backend takes headers of the PROXY protocol: they are no reason for anything.
    pub(super) header_taken: bool,
    /// What its client got of the proxy meanwhile.
    pub(super) errored: Option<ClientError>,
}

impl Case<'_> {
    /// There was an exchange before it on this connection, or may have been.
    pub(super) fn is_reused(&self) -> bool {
        self.exchange.ordinal > 0 || self.connection.start == Start::Midstream
    }

    /// The beginning of its connection was not captured, and nothing shows that an exchange came before
    /// it: it may be a new one, that waited to be accepted, or one that was used before.
    pub(super) fn may_be_new(&self) -> bool {
        self.exchange.ordinal == 0 && self.connection.syn.is_none()
    }

    /// How much of the request the backend had received when the connection was closed: what its own
    /// close acknowledges, or what it had acknowledged before the proxy closed.
    pub(super) fn received(&self, closing: &Closing) -> Option<Received> {
        let request = &self.exchange.request;
        let acked = self.connection.half(Side::Client).acked.map(|acked| acked.pos);
        let ack = match closing.by {
            Side::Server => closing.mark.ack,
            Side::Client => acked,
        };
        ack.map(|ack| {
            if ack <= request.start {
                Received::None
            } else if ack >= request.end && self.was_whole_at(closing) {
                Received::All
            } else {
                Received::Part
            }
        })
    }

    /// The proxy closed in order, and all that it had sent before was acknowledged.
    pub(super) fn had_all_sent(&self, closing: &Closing) -> bool {
        let acked = self.connection.half(Side::Client).acked;
        closing.by == Side::Client
            && closing.kind == CloseKind::Fin
            && acked.is_some_and(|acked| acked.pos >= closing.mark.pos)
    }

    /// The snap length cut the request's head: where it ends is not read.
    pub(super) fn is_cut(&self) -> bool {
        self.exchange.request.unread == Some(Unread::HeadCut)
    }

    /// What was missed of the request may hide where it begins, or that it is one.
    pub(super) fn is_unread(&self) -> bool {
        self.exchange.request.unread.is_some() && !self.is_cut()
    }

    /// All of the request was sent, as far as can be told: one whose head was cut and that has no body as a rule
    /// ends with its last byte.
    pub(super) fn is_whole(&self) -> bool {
        let request = &self.exchange.request;
        request.complete || self.is_cut() && request.bodiless
    }

    /// All of the request had been sent when the connection was closed: of one whose head was cut nothing more
    /// came, though there was time.
    pub(super) fn was_whole_at(&self, closing: &Closing) -> bool {
        let paused = self
            .connection
            .span(self.exchange.request.last, closing.mark.frame)
            .is_some_and(|pause| pause >= self.patience(SENDING));
        self.is_whole() || self.is_cut() && paused
    }

    /// How long the connection had been idle before the request.
    pub(super) fn idle_gap(&self) -> Option<Duration> {
        let quiet = self.exchange.quiet_since?;
        self.connection.span(quiet, self.exchange.request.first)
    }

    /// No patience is shorter than the way there and back, twice: what is slow is not lost.
    pub(super) fn patience(&self, least: Duration) -> Duration {
        self.connection.round_trip().map_or(least, |way| least.max(way.saturating_mul(2)))
    }

    /// Somebody on the way said that it cannot deliver what the request begins with, and quoted that.
    pub(super) fn undelivered(&self) -> Option<FrameRef> {
        let error = self.connection.undelivered.as_deref()?;
        let begin = self.connection.half(Side::Client).wire(self.exchange.request.start);
        let after = error.frame.at >= self.exchange.request.first.at;
        (begin == Some(error.seq) && after).then_some(error.frame)
    }

    /// Of the backend nothing was captured, though the proxy knows of it.
    pub(super) fn is_one_sided(&self) -> bool {
        self.connection.half(Side::Server).is_unheard()
    }

    /// The frames that tell the story, in the order of the capture.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        let Self { exchange, connection, .. } = self;
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
        if let Some(error) = self.undelivered() {
            add(error, Shows::Unreachable);
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

/// Why the answer cannot be read, if there may be one: a gap after the request can hold it.
pub(super) fn unread(case: &Case<'_>) -> Option<Unread> {
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

/// Both sides closed, and neither knew: who was first does not matter where the backend's FIN says that
/// it had nothing of the request, or ends its answer in the middle.
pub(super) fn decided(case: &Case<'_>, closing: Closing) -> Closing {
    let server = closing::of(case.connection, Side::Server).filter(|_| closing.contested);
    let had_none = |mark: Mark| mark.ack.is_some_and(|ack| ack <= case.exchange.request.start);
    let decides = |close: &Closing| {
        case.exchange.outcome == Outcome::Partial || case.is_reused() && had_none(close.mark)
    };
    server.filter(decides).unwrap_or(closing)
}
