//! Framing by turns: what one side says until the other speaks is a message.
//!
//! Where content cannot be read (TLS without keys, protocols that are not known, payload that was not
//! captured) it is known all the same who spoke, how much, and what each had received by then. What the
//! client sends after an answer, or first of all, is a request; what the server sends that acknowledges
//! some of it is the answer, which is over when the client speaks again. Positions are those of the wire, so
//! that acknowledgement numbers prove what they prove of HTTP.
//!
//! Who speaks out of turn (pipelining, streams of both sides, pushes) is followed, and what it makes of the
//! turns is said ([`Turns::overlapping`]): of such a connection only what needs no turns can be judged.

use super::goodbye::ClientWords;
use super::hand_over::HandedOver;
use super::response::has_closed;
use super::turns::{Turns, TurnsEnded};
use super::{
    Exchange, KnownProtocol, Outcome, Protocol, ProxyHeader, Request, Response, Tunnel, Unread,
};
use crate::flow::{Connection, Side, Start, StreamPos};
use crate::packet::FrameRef;
use std::time::Duration;

/// Something that a side said: a segment, or the part of one that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// Position of its first byte.
    pub(super) pos: StreamPos,
    /// How many bytes.
    pub(super) len: u64,
    /// See `StreamEvent::Bytes`.
    pub(super) ack: Option<StreamPos>,
    /// See `StreamEvent::Bytes`.
    pub(super) first_copy: bool,
    /// The frame.
    pub(super) frame: FrameRef,
}

impl Said {
    fn end(&self) -> StreamPos {
        self.pos.plus(self.len)
    }
}

/// Follows whose turn it is on one connection.
#[derive(Debug)]
pub(super) struct TurnReader {
    protocol: Protocol,
    request: Option<Request>,
    response: Option<Response>,
    /// Something after the request was not captured: the answer, perhaps.
    missed: bool,
    exchanges: u32,
    quiet_since: Option<FrameRef>,
    /// What the client said last is how it takes leave: nobody answers that.
    leaves: bool,
    /// What became of the exchange before could not be told.
    blind: bool,
    /// The server spoke since the beginning of what was captured, so that what the client says next is a turn.
    in_step: bool,
    turns: Turns,
    /// The last notice of the server's that answers nothing.
    notice: Option<(StreamPos, FrameRef)>,
    proxied: Option<ProxyHeader>,
}

/// Fewer bytes than this are no message where something is missing: a FIN takes a number, and so does a
/// keep-alive probe.
const LEAST: u64 = super::MIN_MESSAGE;

/// A client that speaks again after so long, and nobody has answered, does not wait for answers.
const PAUSE: Duration = Duration::from_millis(500);

impl TurnReader {
    pub(super) fn new(
        protocol: Protocol,
        proxied: Option<ProxyHeader>,
        connection: &Connection,
    ) -> Self {
        Self {
            protocol,
            request: None,
            response: None,
            missed: false,
            exchanges: 0,
            quiet_since: connection.established,
            leaves: false,
            blind: false,
            in_step: connection.start == Start::Handshake,
            turns: Turns::default(),
            notice: None,
            proxied,
        }
    }

    /// The two sides may speak at the same time, as they agreed.
    pub(super) fn may_overlap(&mut self) {
        self.turns.overlapping = true;
    }

    /// A side said this, in one segment.
    pub(super) fn recognise(&mut self, from: Side, bytes: &[u8]) {
        if self.turns.spoken.is_none() {
            self.turns.spoken = KnownProtocol::of(from, bytes);
        }
    }

    /// The frame that began the request under way.
    pub(super) fn turn(&self) -> Option<FrameRef> {
        self.request.as_ref().map(|request| request.first)
    }

    /// Until now exchanges were made known by what was said; what is under way is the next of them.
    pub(super) fn go_on_after(&mut self, handed: &HandedOver) {
        self.exchanges = handed.exchanges;
        self.blind = handed.overlapping;
        self.turns.overlapping |= handed.overlapping;
        if !handed.under_way {
            (self.request, self.response, self.missed) = (None, None, false);
            (self.turns.perhaps_unanswered, self.quiet_since) = (false, handed.quiet_since);
        }
    }

    /// What came before the first turn is over with this frame.
    pub(super) fn begins_after(&mut self, frame: FrameRef) {
        if self.exchanges == 0 && self.request.is_none() {
            self.quiet_since = Some(frame);
        }
    }

    /// The server said something that is no turn and announces a close, or may.
    pub(super) fn noticed(&mut self, said: Said) {
        self.notice = Some((said.pos, said.frame));
    }

    /// The server's last record is not whole, or is again.
    pub(super) fn set_cut(&mut self, cut: bool) {
        self.turns.cut = cut;
    }

    /// The client spoke.
    pub(super) fn asked(
        &mut self,
        said: Said,
        words: ClientWords,
        connection: &Connection,
        out: &mut dyn FnMut(Box<Exchange>),
    ) {
        let Some(request) = &mut self.request else {
            return self.begin(said, words, connection);
        };
        // What came for an answer is none where the client goes on with its request without having it.
        let had = |response: Response| said.ack.is_none_or(|ack| ack >= response.end);
        let perhaps = self.turns.perhaps_unanswered;
        if let Some(response) = self.response.filter(|response| !perhaps || had(*response)) {
            // Who speaks before it has all that was said does not wait for its turn.
            self.emit(Outcome::Answered, out);
            self.turns.overlapping |= !had(response);
            return self.begin(said, words, connection);
        }
        if self.missed {
            self.emit(Outcome::Unread(Unread::Gap), out);
            return self.begin(said, words, connection);
        }
        self.response = None;
        // Unknown protocols have messages that nobody answers; a request in TLS may be long under way.
        let paused = said.frame.at.since(request.last.at) >= PAUSE;
        self.turns.overlapping |= paused && self.protocol != Protocol::Tls;
        request.end = said.end();
        request.last = said.frame;
        self.leaves = words == ClientWords::Goodbye;
    }

    fn begin(&mut self, said: Said, words: ClientWords, connection: &Connection) {
        self.leaves = words == ClientWords::Goodbye;
        self.turns.unseen = words == ClientWords::Unseen;
        self.turns.in_the_middle = !self.in_step;
        let knew = |at: StreamPos| said.ack.is_some_and(|ack| ack > at);
        self.turns.notice = self.notice.filter(|(at, _)| !knew(*at)).map(|(_, frame)| frame);
        self.request = Some(Request {
            complete: true,
            ack: said.ack,
            first_copy: said.first_copy,
            server_pos: said.ack.unwrap_or(connection.half(Side::Server).next),
            ..Request::begun(said.pos, said.end(), said.frame)
        });
    }

    /// The server spoke; `perhaps` says that it may be nothing that answers.
    pub(super) fn answered(&mut self, said: Said, perhaps: bool, connection: &Connection) {
        self.in_step = true;
        if let Some(response) = &mut self.response {
            response.came(said.frame);
            response.end = said.end();
            response.received = response.received.saturating_add(said.len);
            self.turns.perhaps_unanswered &= perhaps;
            return;
        }
        let Some(request) = &self.request else {
            // A greeting, or a word in addition to the last answer.
            self.quiet_since = self.quiet_since.map(|_| said.frame);
            return;
        };
        if said.ack.is_none_or(|ack| ack <= request.start) {
            // What was said before crossed the request: its client did not wait for the end, or was pushed to.
            self.turns.overlapping |= !perhaps;
            return;
        }
        self.turns.perhaps_unanswered = perhaps;
        self.response = Some(Response {
            received: said.len,
            after_close: has_closed(connection),
            ..Response::begun(said.pos, said.end(), said.frame)
        });
    }

    /// The server said why it closes. That answers what it has received and not answered, and nothing else.
    pub(super) fn parted(&mut self, said: Said, connection: &Connection) {
        let outstanding = self.request.as_ref().filter(|_| self.response.is_none());
        if outstanding.is_some_and(|request| said.ack.is_some_and(|ack| ack > request.start)) {
            self.answered(said, false, connection);
        }
    }

    /// Something that a side sent was not captured.
    pub(super) fn missed(
        &mut self,
        from: Side,
        gap: Said,
        connection: &Connection,
        out: &mut dyn FnMut(Box<Exchange>),
    ) {
        if gap.len < LEAST {
            return;
        }
        match from {
            Side::Client => {
                let over = self.response.is_some() || self.missed;
                if self.request.is_none() || over {
                    let (outcome, none) = (Outcome::Answered, self.response.is_none());
                    let outcome = if none { Outcome::Unread(Unread::Gap) } else { outcome };
                    self.emit(outcome, out);
                    self.begin(Said { ack: None, ..gap }, ClientWords::Unseen, connection);
                }
                if let Some(request) = &mut self.request {
                    request.end = gap.end();
                    request.unread = Some(Unread::Gap);
                }
            }
            Side::Server => match &mut self.response {
                Some(response) => {
                    response.end = gap.end();
                    response.received = response.received.saturating_add(gap.len);
                }
                None => self.missed = true,
            },
        }
    }

    /// What is outstanding stays so. A farewell belongs to the close, and what was idle before it was so until then.
    pub(super) fn settle(&mut self, connection: &Connection, out: &mut dyn FnMut(Box<Exchange>)) {
        if self.is_farewell() {
            self.request = None;
        }
        if let Some(request) = &self.request {
            let outcome = self.outcome(request, connection);
            self.emit(outcome, out);
        }
    }

    /// What is outstanding wants no answer.
    fn is_farewell(&self) -> bool {
        self.leaves && self.response.is_none()
    }

    /// The exchange that is outstanding, if nothing more came; `None` where that says little.
    pub(super) fn so_far(&self, connection: &Connection) -> Option<Box<Exchange>> {
        let request = self.request.as_ref().filter(|_| !self.is_farewell())?;
        let outcome = self.outcome(request, connection);
        let told = !matches!(outcome, Outcome::Unread(_)) && !connection.has_gaps();
        told.then(|| Box::new(self.exchange(request.clone(), outcome)))
    }

    fn outcome(&self, request: &Request, connection: &Connection) -> Outcome {
        let server = connection.half(Side::Server);
        let unheard = connection.half(Side::Client).segments == 0;
        if unheard || request.unread.is_some() || self.missed && self.response.is_none() {
            return Outcome::Unread(Unread::Gap);
        }
        match self.response {
            None => Outcome::Unanswered,
            Some(response) if response.after_close => {
                let taken = server.acked.is_some_and(|acked| acked.pos > response.start);
                if taken { Outcome::Answered } else { Outcome::Late }
            }
            Some(_) if self.turns.cut => Outcome::Partial,
            Some(_) => Outcome::Answered,
        }
    }

    fn emit(&mut self, outcome: Outcome, out: &mut dyn FnMut(Box<Exchange>)) {
        let Some(request) = self.request.take() else { return };
        let exchange = self.exchange(request, outcome);
        let response = self.response.take();
        self.quiet_since = response.filter(|_| !self.missed).map(|response| response.last);
        self.blind = matches!(outcome, Outcome::Unread(_));
        self.missed = false;
        self.exchanges = self.exchanges.saturating_add(1);
        self.turns.perhaps_unanswered = false;
        out(Box::new(exchange));
    }

    fn exchange(&self, request: Request, outcome: Outcome) -> Exchange {
        Exchange {
            ordinal: self.exchanges,
            protocol: self.protocol,
            request,
            response: self.response,
            quiet_since: self.quiet_since,
            interim: None,
            close_announced: false,
            proxied: self.proxied.filter(|_| self.exchanges == 0),
            unasked: None,
            blind: self.blind,
            tunnel: Tunnel::None,
            turns: Some(self.turns),
            outcome,
        }
    }

    /// What the turns of the connection came to.
    pub(super) fn ended(&self) -> TurnsEnded {
        TurnsEnded {
            exchanges: self.exchanges,
            quiet_since: self.quiet_since.filter(|_| !self.turns.overlapping),
            overlapping: self.turns.overlapping,
            spoken: self.turns.spoken,
        }
    }
}
