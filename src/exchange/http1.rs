//! HTTP/1.0 and 1.1 (RFC 9112): two directions of messages, paired in order.
//!
//! Each direction is either in a head, in a body, or lost: something that framing needs was not
//! captured. A lost direction finds its way again by turns: where the client sends a new request,
//! what the server said before is over; a segment that begins with a status line begins a response.
//! An exchange that was lost on the way is [`Outcome::Unread`]: never a failure, never forgotten.

use super::body::{Advance, Body};
use super::detect::{is_request, is_status};
use super::direction::{Direction, HeadStep, Phase, Rest};
use super::head;
use super::{Ended, Exchange, Outcome, Output, Protocol, Request, Response, Unread};
use crate::flow::{Connection, Side, Start, StreamEvent, StreamPos};
use crate::packet::FrameRef;
use std::collections::VecDeque;

/// Requests on one connection that may wait for answers; a client that sends more is none.
const MAX_PENDING: usize = 1_024;

/// Both directions of one connection.
#[derive(Debug)]
pub(super) struct Http1 {
    pub(super) client: Direction,
    pub(super) server: Direction,
    /// Requests without a whole response, the oldest first.
    pub(super) pending: VecDeque<Request>,
    /// The last of them is still being sent.
    pub(super) sending: bool,
    /// The response to the first of them, as far as it got.
    pub(super) response: Option<Response>,
    /// Why that response cannot be followed.
    unread: Option<Unread>,
    /// Framing is over: what follows is no HTTP/1.
    over: Option<Over>,
    /// Some bytes were missed: what looks malformed may be the middle of something.
    pub(super) lossy: bool,
    exchanges: u32,
    quiet_since: Option<FrameRef>,
    close_announced: bool,
    surplus: u32,
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

pub(super) type Out<'o> = dyn FnMut(Output) + 'o;

impl Http1 {
    pub(super) fn new(connection: &Connection) -> Self {
        // A connection begun before the capture is in the middle of something.
        let phase = match connection.start {
            Start::Handshake => Phase::Head,
            Start::Midstream => Phase::Lost,
        };
        Self {
            client: Direction { phase, partial: Vec::new() },
            server: Direction { phase, partial: Vec::new() },
            pending: VecDeque::new(),
            sending: false,
            response: None,
            unread: None,
            over: None,
            lossy: connection.start == Start::Midstream || connection.has_gaps(),
            exchanges: 0,
            quiet_since: connection.established,
            close_announced: false,
            surplus: 0,
        }
    }

    pub(super) fn on(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Output, &Connection),
    ) {
        let out: &mut Out<'_> = &mut |output| out(output, connection);
        match event {
            StreamEvent::Settled => self.settle(connection, out),
            StreamEvent::End => self.end(out),
            _ if self.over.is_some() => {}
            StreamEvent::Bytes { from, pos, bytes, len, ack, first_copy, frame } => {
                let rest = Rest { pos, bytes, len: u64::from(len), ack, first_copy, frame };
                match from {
                    Side::Client => self.client_bytes(rest, connection, out),
                    Side::Server => self.server_bytes(rest, connection, out),
                }
            }
            StreamEvent::Gap { from: Side::Client, pos, len, frame } => {
                self.client_gap(pos, len, frame, connection);
            }
            StreamEvent::Gap { from: Side::Server, pos, len, frame } => {
                self.server_gap(pos, len, frame, out);
            }
            StreamEvent::Fin { from: Side::Server, mark } => {
                if let Phase::Body(Body::UntilClose) = self.server.phase {
                    self.response_done(mark.frame, out);
                }
            }
            StreamEvent::Fin { .. } | StreamEvent::Rst { .. } => {}
        }
    }

    fn client_bytes(&mut self, mut rest: Rest<'_>, connection: &Connection, out: &mut Out<'_>) {
        while rest.len > 0 && self.over.is_none() {
            match &mut self.client.phase {
                Phase::Body(body) => {
                    let advance = body.advance(rest.bytes, rest.len);
                    self.sent_body(advance, &mut rest);
                }
                Phase::Lost if is_request(rest.bytes) => {
                    self.sending = false;
                    self.client.phase = Phase::Head;
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
                        self.begin_request(&rest, connection);
                    }
                    self.request_head(&mut rest, out);
                }
            }
        }
    }

    pub(super) fn sent_body(&mut self, advance: Advance, rest: &mut Rest<'_>) {
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

    pub(super) fn begin_request(&mut self, rest: &Rest<'_>, connection: &Connection) {
        if self.pending.len() >= MAX_PENDING {
            self.over = Some(Over::NotHttp);
            return;
        }
        self.pending.push_back(Request {
            start: rest.pos,
            end: rest.pos,
            complete: false,
            first: rest.frame,
            last: rest.frame,
            head: None,
            unread: None,
            ack: rest.ack,
            first_copy: rest.first_copy,
            server_pos: rest.ack.unwrap_or(connection.half(Side::Server).next),
        });
        self.sending = true;
    }

    fn request_head(&mut self, rest: &mut Rest<'_>, out: &mut Out<'_>) {
        match self.client.head_bytes(rest, head::request, head::request_line) {
            HeadStep::Whole { head, used, body } => {
                self.touch_request(rest.pos.plus(used), rest.frame);
                if let Some(request) = self.pending.back_mut() {
                    request.head = Some(head);
                }
                rest.skip(used);
                self.turn(out);
                self.client.phase = Phase::Body(body);
                if body.is_done() {
                    self.request_done();
                }
            }
            HeadStep::More => {
                self.touch_request(rest.end(), rest.frame);
                rest.skip(rest.len);
            }
            HeadStep::Cut(line) => {
                if let Some(request) = self.pending.back_mut() {
                    request.head = line;
                    request.unread = Some(Unread::HeadCut);
                }
                self.lossy = true;
                self.client.lose();
                self.touch_request(rest.end(), rest.frame);
                self.turn(out);
                rest.skip(rest.len);
            }
            HeadStep::Invalid if self.lossy => {
                // The middle of something.
                self.pending.pop_back();
                self.sending = false;
                self.client.lose();
                rest.skip(rest.len);
            }
            HeadStep::Invalid => {
                self.pending.pop_back();
                self.over = Some(Over::NotHttp);
            }
        }
    }

    pub(super) fn touch_request(&mut self, end: StreamPos, frame: FrameRef) {
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
    fn turn(&mut self, out: &mut Out<'_>) {
        let lost = matches!(self.server.phase, Phase::Lost);
        if self.pending.len() < 2 {
            if lost {
                self.server.phase = Phase::Head;
            }
            return;
        }
        if self.may_be_bodiless()
            && let Some(last) = self.response.map(|response| response.last)
        {
            self.response_done(last, out);
        } else if lost {
            self.emit(Outcome::Unread(self.unread.unwrap_or(Unread::Gap)), out);
            self.server.phase = Phase::Head;
            self.quiet_since = None;
        }
    }

    /// None of the body has come that the response's head announces, and its request was not
    /// captured: that may have been a HEAD.
    fn may_be_bodiless(&self) -> bool {
        matches!(self.server.phase, Phase::Body(_))
            && self.response.is_some_and(|response| response.received == 0)
            && self.pending.front().is_some_and(|request| request.head.is_none())
    }

    fn server_bytes(&mut self, mut rest: Rest<'_>, connection: &Connection, out: &mut Out<'_>) {
        if is_status(rest.bytes) && self.may_be_bodiless() {
            self.response_done(rest.frame, out);
        }
        while rest.len > 0 && self.over.is_none() {
            let resumes = self.resumes();
            match &mut self.server.phase {
                Phase::Body(body) => {
                    let advance = body.advance(rest.bytes, rest.len);
                    self.received_body(advance, &mut rest, out);
                }
                Phase::Lost if resumes && is_status(rest.bytes) => {
                    if self.response.is_some_and(|response| response.status.is_some()) {
                        self.emit(Outcome::Unread(self.unread.unwrap_or(Unread::Gap)), out);
                    }
                    self.response = None;
                    self.unread = None;
                    self.server.phase = Phase::Head;
                }
                Phase::Lost => {
                    if let Some(response) = &mut self.response {
                        response.last = rest.frame;
                        response.end = rest.end();
                    }
                    return;
                }
                Phase::Head => {
                    if self.server.partial.is_empty() {
                        rest.skip_blank();
                        if rest.len == 0 {
                            return;
                        }
                        if !self.begin_response(&rest, connection, out) {
                            self.surplus = self.surplus.saturating_add(1);
                            return;
                        }
                    }
                    self.response_head(&mut rest, out);
                }
            }
        }
    }

    /// A status line in a lost direction begins the response that is waited for: the one whose head
    /// was missed, or that of the next request.
    fn resumes(&self) -> bool {
        self.response.is_none_or(|response| response.status.is_none()) || self.pending.len() > 1
    }

    /// Whether these bytes begin a response, and to which request.
    fn begin_response(
        &mut self,
        rest: &Rest<'_>,
        connection: &Connection,
        out: &mut Out<'_>,
    ) -> bool {
        if self.lossy {
            // After losses the count of responses says nothing. Proxies do not pipeline, so this
            // answers the newest request that the server had received.
            while self
                .pending
                .get(1)
                .is_some_and(|next| rest.ack.is_some_and(|ack| ack > next.start))
            {
                self.emit(Outcome::Unread(Unread::Gap), out);
            }
        }
        match self.pending.front() {
            Some(request) if rest.ack.is_some_and(|ack| ack > request.start) => {}
            None if self.exchanges == 0
                && connection.start == Start::Midstream
                && is_status(rest.bytes) =>
            {
                self.request_before_capture(rest);
            }
            _ => return false,
        }
        self.response = Some(Response {
            status: None,
            start: rest.pos,
            end: rest.pos,
            received: 0,
            expected: None,
            first: rest.frame,
            last: rest.frame,
            head_complete: false,
            announces_close: false,
            after_close: has_closed(connection),
            complete: false,
        });
        true
    }

    /// The response that comes first in a connection begun in the middle has a request, too.
    fn request_before_capture(&mut self, rest: &Rest<'_>) {
        self.lossy = true;
        let end = rest.ack.unwrap_or_default();
        self.pending.push_back(Request {
            start: StreamPos(end.0.saturating_sub(1)),
            end,
            complete: true,
            first: rest.frame,
            last: rest.frame,
            head: None,
            unread: Some(Unread::Gap),
            ack: None,
            first_copy: false,
            server_pos: rest.pos,
        });
        self.sending = false;
    }

    fn response_head(&mut self, rest: &mut Rest<'_>, out: &mut Out<'_>) {
        let request = self.pending.front().and_then(|request| request.head.as_ref());
        let method = request.map(head::RequestHead::method);
        let connect = method == Some(b"CONNECT");
        let parse = |bytes: &[u8]| head::response(bytes, method);
        let step = self.server.head_bytes(rest, parse, head::status_line);
        let end = match &step {
            HeadStep::Whole { used, .. } => rest.pos.plus(*used),
            _ => rest.end(),
        };
        if let Some(response) = &mut self.response {
            response.last = rest.frame;
            response.end = end;
        }
        match step {
            HeadStep::Whole { head, used, body } => {
                let frame = rest.frame;
                rest.skip(used);
                if matches!(head.status, 100..=199) && head.status != 101 {
                    self.response = None;
                    return;
                }
                if let Some(response) = &mut self.response {
                    response.status = Some(head.status);
                    response.expected = head.expected;
                    response.announces_close = head.announces_close;
                    response.head_complete = true;
                }
                self.server.phase = Phase::Body(body);
                if head.status == 101 || connect && matches!(head.status, 200..=299) {
                    self.response_done(frame, out);
                    self.over = Some(Over::Tunnel);
                } else if body.is_done() {
                    self.response_done(frame, out);
                }
            }
            HeadStep::More => rest.skip(rest.len),
            HeadStep::Cut(status) => {
                if let Some(response) = &mut self.response {
                    response.status = status;
                }
                self.lose_response(Unread::HeadCut);
                rest.skip(rest.len);
            }
            HeadStep::Invalid => {
                self.lose_response(if self.lossy { Unread::Gap } else { Unread::NotHttp });
                rest.skip(rest.len);
            }
        }
    }

    pub(super) fn received_body(
        &mut self,
        advance: Advance,
        rest: &mut Rest<'_>,
        out: &mut Out<'_>,
    ) {
        let used = match advance {
            Advance::More => rest.len,
            Advance::Done(used) => used,
            Advance::Lost => return self.lose_response(Unread::HeadCut),
            Advance::Invalid => {
                return self.lose_response(if self.lossy { Unread::Gap } else { Unread::NotHttp });
            }
        };
        if let Some(response) = &mut self.response {
            response.received = response.received.saturating_add(used);
            response.last = rest.frame;
            response.end = rest.pos.plus(used);
        }
        rest.skip(used);
        if let Advance::Done(_) = advance {
            self.response_done(rest.frame, out);
        }
    }

    pub(super) fn lose_response(&mut self, why: Unread) {
        self.lossy = true;
        self.unread = self.unread.or(Some(why));
        self.server.lose();
    }

    fn response_done(&mut self, frame: FrameRef, out: &mut Out<'_>) {
        self.server.phase = Phase::Head;
        if let Some(response) = &mut self.response {
            response.complete = true;
            if response.after_close {
                // Whether the client takes it shows only in what comes after.
                self.over = Some(Over::Late);
                return;
            }
        }
        let announces_close = self.response.is_some_and(|response| response.announces_close);
        self.emit(Outcome::Answered, out);
        self.close_announced = announces_close;
        self.quiet_since = self.pending.is_empty().then_some(frame);
    }

    /// Makes known what became of the oldest pending request.
    fn emit(&mut self, outcome: Outcome, out: &mut Out<'_>) {
        let Some(request) = self.pending.pop_front() else {
            return;
        };
        if self.pending.is_empty() {
            self.sending = false;
        }
        let exchange = Exchange {
            ordinal: self.exchanges,
            request,
            response: self.response.take(),
            quiet_since: self.quiet_since.take(),
            close_announced: self.close_announced,
            outcome,
        };
        self.exchanges = self.exchanges.saturating_add(1);
        self.unread = None;
        out(Output::Exchange(Box::new(exchange)));
    }

    /// What is outstanding stays so.
    fn settle(&mut self, connection: &Connection, out: &mut Out<'_>) {
        // The FIN that would end such a body can be what is missing.
        let server = connection.half(Side::Server);
        let close_missed = matches!(self.server.phase, Phase::Body(Body::UntilClose))
            && server.last_gap.is_some_and(|gap| gap.to == server.next);
        // Where one side was not captured at all, nothing can be said of what it sent.
        let unheard = connection.half(Side::Client).segments == 0;
        let lost = matches!(self.server.phase, Phase::Lost) || close_missed || unheard;
        let not_http = self.over == Some(Over::NotHttp);
        while let Some(request) = self.pending.front() {
            let unread = self.unread.or((not_http).then_some(Unread::NotHttp));
            // What was missed may have been something else than a request; and whether a response
            // has a body depends on the request.
            let unframed = request.unread == Some(Unread::Gap)
                || request.head.is_none() && self.response.is_some();
            let outcome = match (unread, &self.response) {
                (_, Some(response)) if response.after_close => {
                    let taken = server.acked.is_some_and(|acked| acked.pos > response.start);
                    match (taken, response.complete) {
                        (true, true) => Outcome::Answered,
                        (true, false) => Outcome::Partial,
                        (false, _) => Outcome::Late,
                    }
                }
                (Some(why), _) => Outcome::Unread(why),
                (None, _) if lost || unframed => Outcome::Unread(Unread::Gap),
                (None, Some(_)) => Outcome::Partial,
                (None, None) => Outcome::Unanswered,
            };
            self.emit(outcome, out);
        }
    }

    fn end(&self, out: &mut Out<'_>) {
        let opaque = self.over == Some(Over::NotHttp) && self.exchanges == 0;
        out(Output::Ended(Ended {
            protocol: if opaque { Protocol::Opaque } else { Protocol::Http1 },
            exchanges: self.exchanges,
            quiet_since: self.quiet_since,
            surplus: self.surplus,
        }));
    }
}

/// The client closed its direction.
fn has_closed(connection: &Connection) -> bool {
    let client = connection.half(Side::Client);
    client.fin.is_some() || client.rst.is_some()
}
