//! HTTP/1.0 and 1.1 (RFC 9112): two directions of messages, paired in order.
//!
//! Each direction is either in a head, in a body, or lost: something that framing needs was not
//! captured. A lost direction finds its way again by turns: where the client sends a new request,
//! what the server said before is over; a segment that begins with a status line begins a response.
//! An exchange that was lost on the way is [`Outcome::Unread`]: never a failure, never forgotten.
//!
//! Invariant: nothing is made known before it is certain that this is HTTP/1 ([`Sureness`]).

mod body;
mod cut;
mod direction;
mod flaw;
pub(super) mod gaps;
mod harmless;
mod head;
mod responses;
mod start_line;
pub(super) mod turns;

use super::detect::is_request;
use super::marks::HarmlessSpans;
use super::request::is_bodiless;
use super::{
    Ended, Exchange, Flaw, FlawKind, Outcome, Output, Protocol, ProxyHeader, Request,
    RequestDigest, Response, Tunnel, Unread,
};
use crate::flow::{Connection, Side, Start, StreamEvent, StreamPos};
use crate::packet::FrameRef;
use body::{Advance, Body};
use direction::{Direction, HeadStep, Phase, Rest};
pub(super) use harmless::each as each_harmless;
use std::collections::VecDeque;

/// Requests on one connection that may wait for answers; a client that sends more is none.
const MAX_PENDING: usize = 1_024;

/// Both directions of one connection.
#[derive(Debug)]
pub(super) struct Http1 {
    client: Direction,
    server: Direction,
    /// Requests without a whole response, the oldest first.
    pending: VecDeque<Request>,
    /// The last of them is still being sent.
    sending: bool,
    /// The response to the first of them, as far as it got.
    response: Option<Response>,
    /// Why that response cannot be followed.
    unread: Option<Unread>,
    /// Framing is over: what follows is no HTTP/1.
    over: Option<Over>,
    /// Some bytes were missed: what looks malformed may be the middle of something.
    lossy: bool,
    /// Bytes were missed by the snap length, or cannot be framed: until a turn shows where things are.
    astray: bool,
    /// What became of the exchange before could not be read.
    blind: bool,
    /// What opens a tunnel may have come, and was not captured.
    tunnel: Tunnel,
    /// What the connection went on in after a 101, where that is HTTP or TLS.
    upgraded: Option<Protocol>,
    known: Sureness,
    exchanges: u32,
    last_asked: Option<RequestDigest>,
    /// The header before everything else.
    pub(super) proxied: Option<ProxyHeader>,
    /// What the last answer was, to know what follows it unasked.
    after: Option<FlawKind>,
    /// What followed it, before a request that it could answer.
    leftover: Option<Flaw>,
    /// The next answer's head is found by its looks.
    found: bool,
    /// The status of an answer that came unasked.
    unasked: Option<u16>,
    /// An answered exchange that is not made known yet.
    held: Option<Box<Exchange>>,
    quiet_since: Option<FrameRef>,
    /// The last interim response to the oldest request outstanding.
    interim: Option<FrameRef>,
    close_announced: bool,
    surplus: u32,
}

/// How sure it is that this is HTTP/1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sureness {
    /// A whole head was met.
    Certain,
    /// The client began with what may be a request: what the server answers will tell.
    Opening,
    /// The client began like a request, and the snap length left nothing more of either side that would tell.
    Slight,
    /// The beginning was not captured: the first whole head will tell, if one comes.
    Seeking,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    /// A 101 or a 2xx to CONNECT made it a tunnel.
    Tunnel,
    /// The client sent something else.
    NotHttp,
    /// The client has closed, and an answer came all the same.
    Late,
}

type Outputs<'o> = dyn FnMut(Output) + 'o;

impl Http1 {
    pub(super) fn new(
        connection: &Connection,
        known: Sureness,
        proxied: Option<ProxyHeader>,
        greeted: u32,
    ) -> Self {
        // A connection begun before the capture is in the middle of something.
        let phase = match connection.start {
            Start::Handshake => Phase::Head,
            Start::Midstream => Phase::Lost,
        };
        Self {
            client: Direction::new(phase),
            server: Direction::new(phase),
            pending: VecDeque::new(),
            sending: false,
            response: None,
            unread: None,
            over: None,
            lossy: connection.start == Start::Midstream || connection.has_gaps(),
            astray: false,
            blind: false,
            tunnel: Tunnel::None,
            upgraded: None,
            known,
            exchanges: 0,
            last_asked: None,
            proxied,
            after: None,
            leftover: None,
            found: false,
            unasked: None,
            held: None,
            quiet_since: connection.established,
            interim: None,
            close_announced: false,
            surplus: greeted,
        }
    }

    /// What was marked since this was last asked.
    pub(super) fn take_marks(&mut self, from: Side) -> HarmlessSpans {
        let marks = match from {
            Side::Client => std::mem::take(&mut self.client.marks),
            Side::Server => std::mem::take(&mut self.server.marks),
        };
        // What may be a password in another protocol is no head.
        if self.known == Sureness::Certain { marks } else { HarmlessSpans::default() }
    }

    pub(super) fn on(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let out: &mut Outputs<'_> = &mut |output| out(output, connection);
        match event {
            StreamEvent::Settled => self.settle(connection, out),
            StreamEvent::Quiet => self.so_far(connection, out),
            // Its end was told with all else.
            StreamEvent::End => {}
            _ if self.over.is_some() => {}
            StreamEvent::Bytes { from, pos, bytes, len, ack, first_copy, frame } => {
                let rest = Rest { pos, bytes, len: u64::from(len), ack, first_copy, frame };
                match from {
                    Side::Client => self.client_bytes(rest, connection, out),
                    Side::Server => self.server_bytes(rest, connection, out),
                }
            }
            StreamEvent::Gap { from: Side::Client, pos, len, frame } => {
                self.client_gap(pos, len, frame, connection, out);
            }
            StreamEvent::Gap { from: Side::Server, pos, len, frame } => {
                self.server_gap(pos, len, frame, out);
            }
            StreamEvent::Fin { from: Side::Server, mark } => {
                let flaw = self.response.and_then(|response| response.flaw);
                if flaw.is_some_and(|flaw| flaw.kind == FlawKind::Length) {
                    // Whether this is all of it depends on which of its lengths is right.
                    self.lose_response(Unread::Conflicting);
                } else if let Phase::Body(Body::UntilClose) = self.server.phase {
                    self.response_done(mark.frame, out);
                    // What was asked meanwhile may have been answered in what was taken for its body.
                    self.unread = (!self.pending.is_empty()).then_some(Unread::Conflicting);
                }
            }
            StreamEvent::Fin { .. } | StreamEvent::Rst => {}
        }
    }

    fn client_bytes(&mut self, mut rest: Rest<'_>, connection: &Connection, out: &mut Outputs<'_>) {
        while rest.len > 0 && self.over.is_none() {
            let anew = matches!(self.client.phase, Phase::Lost) && self.asks_anew(&rest);
            match &mut self.client.phase {
                Phase::Body(body) => {
                    let advance = body.advance(rest.bytes, rest.len);
                    self.sent_body(advance, &mut rest);
                }
                Phase::Lost if anew => {
                    let before = self.held.as_mut().map(|held| &mut held.request);
                    before.into_iter().chain(self.pending.back_mut()).for_each(Self::was_whole);
                    (self.sending, self.client.phase) = (false, Phase::Head);
                }
                Phase::Lost if self.known != Sureness::Opening && is_request(rest.bytes) => {
                    self.sending = false;
                    self.client.find_head();
                }
                Phase::Lost => {
                    self.touch_request(rest.end(), rest.frame);
                    return;
                }
                Phase::Head => {
                    if self.client.partial.is_empty() {
                        rest.skip_blank();
                        if rest.len == 0 {
                            return;
                        }
                        self.begin_request(&rest, connection, out);
                    }
                    self.request_head(&mut rest, out);
                }
            }
        }
    }

    fn sent_body(&mut self, advance: Advance, rest: &mut Rest<'_>) {
        match advance {
            Advance::More => {
                self.touch_request(rest.end(), rest.frame);
                rest.skip(rest.len);
            }
            Advance::Done(used) => {
                self.touch_request(rest.pos.plus(used), rest.frame);
                self.request_done();
                rest.skip(used);
            }
            Advance::Lost | Advance::Invalid => {
                self.lossy = true;
                self.client.lose();
            }
        }
    }

    fn begin_request(&mut self, rest: &Rest<'_>, connection: &Connection, out: &mut Outputs<'_>) {
        self.release(out);
        if self.pending.len() >= MAX_PENDING {
            self.over = Some(Over::NotHttp);
            return;
        }
        // Hardly a connection ever has two outstanding, and there are many of them: a queue that grows by
        // itself begins with room for four.
        if self.pending.capacity() == 0 {
            self.pending.reserve_exact(1);
        }
        self.pending.push_back(Request {
            ack: rest.ack,
            first_copy: rest.first_copy,
            server_pos: rest.ack.unwrap_or(connection.half(Side::Server).next),
            ..Request::begun(rest.pos, rest.pos, rest.frame)
        });
        self.sending = true;
        self.server.turn();
    }

    fn request_head(&mut self, rest: &mut Rest<'_>, out: &mut Outputs<'_>) {
        match self.client.head_bytes(rest, head::request, cut::request) {
            HeadStep::Whole { head, used, body } => {
                self.known = Sureness::Certain;
                self.touch_request(rest.pos.plus(used), rest.frame);
                if let Some(request) = self.pending.back_mut() {
                    request.unread = head.odd.then_some(Unread::NotHttp);
                    request.bodiless = is_bodiless(head.method());
                    request.head = Some(head);
                }
                rest.skip(used);
                self.turn(out);
                if let Some(body) = body {
                    self.client.phase = Phase::Body(body);
                    if body.is_done() {
                        self.request_done();
                    }
                } else {
                    self.unread_request(Unread::Conflicting);
                    self.touch_request(rest.end(), rest.frame);
                    rest.skip(rest.len);
                }
            }
            HeadStep::More => {
                self.touch_request(rest.end(), rest.frame);
                rest.skip(rest.len);
            }
            HeadStep::Cut(cut) => {
                self.cut_request(cut, rest, out);
                rest.skip(rest.len);
            }
            HeadStep::Invalid(_) if self.is_lossy() => {
                // The middle of something.
                self.pending.pop_back();
                self.sending = false;
                self.client.lose();
                rest.skip(rest.len);
            }
            HeadStep::Invalid(_) => {
                // Where it ends is not known; the next whole head is a request again.
                self.unread_request(Unread::NotHttp);
                self.touch_request(rest.end(), rest.frame);
                self.turn(out);
                rest.skip(rest.len);
            }
        }
    }

    /// What the client sends cannot be followed.
    fn unread_request(&mut self, why: Unread) {
        if let Some(request) = self.pending.back_mut() {
            request.unread = Some(why);
        }
        self.client.lose();
    }

    fn touch_request(&mut self, end: StreamPos, frame: FrameRef) {
        if let Some(request) = self.pending.back_mut().filter(|_| self.sending) {
            request.end = end;
            request.last = frame;
        }
    }

    fn request_done(&mut self) {
        self.client.phase = Phase::Head;
        if let Some(request) = self.pending.back_mut().filter(|_| self.sending) {
            request.complete = true;
        }
        self.sending = false;
    }

    /// The client has begun another request: if the response before it cannot be followed, it is
    /// over now.
    fn turn(&mut self, out: &mut Outputs<'_>) {
        let lost = matches!(self.server.phase, Phase::Lost);
        if self.pending.len() < 2 {
            if lost {
                self.server.phase = Phase::Head;
            }
            return;
        }
        let no_request =
            |request: &Request| request.unread == Some(Unread::NotHttp) && request.head.is_none();
        if self.response.is_none() && self.pending.front().is_some_and(no_request) {
            // Nobody answered that, and the proxy went on: what comes answers this request.
            self.emit(Outcome::Unread(Unread::NotHttp), out);
            return;
        }
        if (self.may_be_bodiless() || self.is_over_by_turn())
            && let Some(last) = self.response.map(|response| response.last)
        {
            self.astray &= self.unread != Some(Unread::HeadCut);
            self.response_done(last, out);
            // It was over before this request began.
            self.quiet_since = Some(last);
        } else if lost {
            let why = self.unread.unwrap_or(Unread::Gap);
            // What the proxy had received when it went on was over, whatever it was.
            let next = self.pending.get(1).filter(|_| self.pending.len() == 2);
            let had = next.and_then(|next| next.ack).filter(|_| why != Unread::Gap);
            let over = self.response.filter(|response| had.is_some_and(|had| had >= response.end));
            self.emit(Outcome::Unread(why), out);
            self.server.phase = Phase::Head;
            self.quiet_since = over.map(|response| response.last);
            self.astray &= over.is_none();
        }
    }

    /// Where in its messages a side is was lost at some time.
    fn is_lossy(&self) -> bool {
        self.lossy || self.astray
    }

    /// Makes known the answered exchange that was held back.
    fn release(&mut self, out: &mut Outputs<'_>) {
        if let Some(exchange) = self.held.take() {
            out(Output::Exchange(exchange));
        }
    }

    /// What became of the oldest pending request: made known at once unless it was answered, for then
    /// what follows may tell more.
    fn emit(&mut self, outcome: Outcome, out: &mut Outputs<'_>) {
        self.release(out);
        let Some(mut request) = self.pending.pop_front() else {
            return;
        };
        request.slight = self.known == Sureness::Slight;
        if self.pending.is_empty() {
            self.sending = false;
            self.client.turn();
        }
        if !self.is_known() {
            (self.response, self.unread) = (None, None);
            return;
        }
        self.last_asked = request.head.as_ref().and_then(RequestDigest::of);
        let tunnel = self.tunnel;
        self.tunnel = tunnel.max(self.opens_tunnel(&request, outcome));
        let exchange = Exchange {
            ordinal: self.exchanges,
            protocol: Protocol::Http1,
            request,
            response: self.response.take(),
            quiet_since: self.quiet_since.take(),
            interim: self.interim.take(),
            close_announced: self.close_announced,
            proxied: self.proxied.filter(|_| self.exchanges == 0),
            unasked: self.unasked.take(),
            blind: std::mem::replace(&mut self.blind, matches!(outcome, Outcome::Unread(_))),
            tunnel,
            turns: None,
            outcome,
        };
        self.exchanges = self.exchanges.saturating_add(1);
        self.unread = None;
        self.held = Some(Box::new(exchange));
        if outcome != Outcome::Answered {
            self.release(out);
        }
    }

    /// Whether what follows this exchange may be in a tunnel: it is a CONNECT whose answer was not read; or the
    /// request was not captured, and neither was its answer, or that has no length and yet the client
    /// goes on. Hardly anything comes before a CONNECT.
    fn opens_tunnel(&self, request: &Request, outcome: Outcome) -> Tunnel {
        let status = self.response.and_then(|response| response.status);
        let taken = status.is_none_or(|status| matches!(status, 200..=299));
        let unread = matches!(outcome, Outcome::Unread(_));
        let looks = match &request.head {
            Some(head) => head.method() == b"CONNECT" && taken && unread,
            None if request.unread != Some(Unread::Gap) => false,
            None => status.is_some() && taken && self.response.is_some_and(|one| one.until_close),
        };
        let missed = request.head.is_none() && status.is_none() && unread && self.exchanges == 0;
        match (looks, missed && request.unread == Some(Unread::Gap)) {
            (true, _) => Tunnel::Likely,
            (false, true) => Tunnel::Possible,
            (false, false) => Tunnel::None,
        }
    }

    /// What is outstanding stays so.
    fn settle(&mut self, connection: &Connection, out: &mut Outputs<'_>) {
        if !self.is_known() {
            self.pending.clear();
        }
        let idle_since = self.idle_since(connection);
        // What is asked behind an answer that readers end differently may be answered for some of them.
        let unclear = self.response.is_some_and(|response| response.unclear)
            || self.unread == Some(Unread::Conflicting)
            || matches!(self.server.phase, Phase::Body(Body::UntilClose));
        let mut behind = None;
        while let Some(request) = self.pending.front() {
            let outcome = self.outcome(request, behind, connection);
            behind = unclear.then_some(Unread::Conflicting);
            self.emit(outcome, out);
        }
        self.quiet_since = self.quiet_since.or(idle_since);
        self.release(out);
    }

    /// What becomes of the oldest request outstanding, if nothing more comes. What is `behind` an answer of
    /// which readers differ where it ends cannot be read.
    fn outcome(
        &self,
        request: &Request,
        behind: Option<Unread>,
        connection: &Connection,
    ) -> Outcome {
        // The FIN that would end such a body can be what is missing.
        let server = connection.half(Side::Server);
        let close_missed = matches!(self.server.phase, Phase::Body(Body::UntilClose))
            && server.last_gap.is_some_and(|gap| gap.to == server.next);
        // Where one side was not captured at all, nothing can be said of what it sent.
        let unheard = connection.half(Side::Client).segments == 0;
        let lost = matches!(self.server.phase, Phase::Lost) || close_missed || unheard;
        let not_http = self.over == Some(Over::NotHttp);
        let no_request = request.unread == Some(Unread::NotHttp);
        let unread = self.unread.or(behind).or((not_http || no_request).then_some(Unread::NotHttp));
        let unread = unread.or(self.response.and_then(|response| {
            let left = matches!(response.flaw, Some(Flaw { kind: FlawKind::BodyOf(_), .. }));
            // Too short for every reader.
            let short = response.least.is_some_and(|least| response.received < least)
                && matches!(self.server.phase, Phase::Body(_));
            match response {
                Response { unclear: true, .. } if !short => Some(Unread::Conflicting),
                Response { head_complete: false, .. } if left => Some(Unread::NotHttp),
                _ => None,
            }
        }));
        // What was missed may have been something else than a request; and whether a response
        // has a body depends on the request.
        let unframed = request.unread == Some(Unread::Gap)
            || request.head.is_none() && self.response.is_some();
        match (unread, &self.response) {
            (_, Some(response)) if response.after_close => {
                let taken = server.acked.is_some_and(|acked| acked.pos > response.start);
                match (taken, response.complete) {
                    (true, true) => Outcome::Answered,
                    // Where its head was cut, nobody knows how long it is.
                    (true, false) => unread.map_or(Outcome::Partial, Outcome::Unread),
                    (false, _) => Outcome::Late,
                }
            }
            // Whether it has a body depends on what was asked.
            (Some(Unread::HeadCut), Some(response))
                if response.is_cut_short() && request.head.is_some() =>
            {
                Outcome::Partial
            }
            (Some(why), _) => Outcome::Unread(why),
            (None, _) if lost || unframed => Outcome::Unread(Unread::Gap),
            (None, Some(_)) => Outcome::Partial,
            (None, None) => Outcome::Unanswered,
        }
    }

    /// The client has closed, and nothing more came for a while: what would become of the one request
    /// outstanding if that were all. Of several, or of what cannot be read, the end has to tell.
    fn so_far(&self, connection: &Connection, out: &mut Outputs<'_>) {
        let (Some(request), 1) = (self.pending.front(), self.pending.len()) else { return };
        let outcome = self.outcome(request, None, connection);
        let whole = !self.is_lossy() && !connection.has_gaps() && request.complete;
        if self.known != Sureness::Certain || !whole || matches!(outcome, Outcome::Unread(_)) {
            return;
        }
        out(Output::SoFar(Box::new(Exchange {
            ordinal: self.exchanges,
            protocol: Protocol::Http1,
            request: request.clone(),
            response: self.response,
            quiet_since: self.quiet_since,
            interim: self.interim,
            close_announced: self.close_announced,
            proxied: self.proxied.filter(|_| self.exchanges == 0),
            unasked: self.unasked,
            blind: self.blind,
            tunnel: self.tunnel,
            turns: None,
            outcome,
        })));
    }

    /// No head was met so far on a connection whose beginning was not captured.
    pub(super) fn seeks(&self) -> bool {
        self.known == Sureness::Seeking
    }

    /// A whole head was met.
    pub(super) fn is_certain(&self) -> bool {
        self.known == Sureness::Certain
    }

    /// The server's first answer told that this is something else.
    pub(super) fn is_other(&self) -> bool {
        let undecided = matches!(self.known, Sureness::Opening | Sureness::Slight);
        undecided && self.exchanges == 0 && self.over == Some(Over::NotHttp)
    }

    /// HTTP/1, or what is framed as if it were.
    pub(super) fn is_known(&self) -> bool {
        matches!(self.known, Sureness::Certain | Sureness::Slight)
    }

    /// What the connection was.
    pub(super) fn ended(&self) -> Ended {
        let known = self.is_known();
        Ended {
            protocol: if known { Protocol::Http1 } else { Protocol::Opaque },
            exchanges: self.exchanges,
            quiet_since: self.quiet_since.filter(|_| known),
            surplus: self.surplus,
            close_announced: self.close_announced,
            upgraded: self.upgraded,
            mismatch: None,
            last_asked: self.last_asked,
            proxied: self.proxied,
            unseen: false,
            turns: None,
            tls: None,
            told: None,
        }
    }
}
