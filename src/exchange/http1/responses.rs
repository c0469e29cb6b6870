//! The server's side of an HTTP/1 connection: its bytes become responses.

use super::body::{Advance, Body};
use super::direction::{HeadStep, Phase, Rest};
use super::head::{self, ResponseHead};
use super::start_line::status_line;
use super::{Http1, Outputs, Over, Sureness, cut};
use crate::exchange::detect::{is_certain_status, is_status};
use crate::exchange::response::has_closed;
use crate::exchange::{
    Begun, Flaw, FlawKind, Outcome, Request, RequestHead, Response, Unread, software,
};
use crate::flow::{Connection, Start, StreamPos};
use crate::packet::FrameRef;

impl Http1 {
    /// None of the body has come that the response's head announces, and its request was not
    /// captured: that may have been a HEAD.
    pub(super) fn may_be_bodiless(&self) -> bool {
        matches!(self.server.phase, Phase::Body(_))
            && self.response.is_some_and(|response| response.received == 0)
            && self.pending.front().is_some_and(|request| request.head.is_none())
    }

    pub(super) fn server_bytes(
        &mut self,
        mut rest: Rest<'_>,
        connection: &Connection,
        out: &mut Outputs<'_>,
    ) {
        let first = self.known == Sureness::Opening
            || self.known == Sureness::Slight
                && self.response.is_none()
                && matches!(self.server.phase, Phase::Head);
        if first && !self.answers_http(&rest) {
            return;
        }
        let status = is_certain_status(rest.bytes, rest.is_cut());
        if status && (self.may_be_bodiless() || self.ends_with(&rest)) {
            self.response_done(rest.frame, out);
        }
        if let Some(response) = &mut self.response
            && !response.after_close
            && has_closed(connection)
        {
            response.before_close.get_or_insert(Begun {
                last: response.last,
                longest_pause: response.longest_pause,
                head_len: response.head_len,
                head_complete: response.head_complete,
            });
        }
        while rest.len > 0 && self.over.is_none() {
            let resumes = self.resumes();
            match &mut self.server.phase {
                Phase::Body(body) => {
                    let advance = body.advance(rest.bytes, rest.len);
                    self.received_body(advance, &mut rest, out);
                }
                Phase::Lost if resumes && is_certain_status(rest.bytes, rest.is_cut()) => {
                    if self.response.is_some_and(|response| response.status.is_some()) {
                        self.emit(Outcome::Unread(self.unread.unwrap_or(Unread::Gap)), out);
                    }
                    self.response = None;
                    self.unread = None;
                    self.found = true;
                    self.server.find_head();
                }
                Phase::Lost => return self.find_end(&mut rest, out),
                Phase::Head => {
                    if self.server.partial.is_empty() {
                        rest.skip_blank();
                        if rest.len == 0 {
                            return;
                        }
                        // It begins once, though what was left before it came in a segment of its own.
                        if self.response.is_none() && !self.begin_response(&rest, connection, out) {
                            self.take_surplus(&rest);
                            return;
                        }
                        self.skip_leftover(&mut rest);
                        if rest.len == 0 {
                            return;
                        }
                    }
                    self.response_head(&mut rest, out);
                }
            }
        }
    }

    /// What the server first answers to what the client began with tells whether this is HTTP/1.
    fn answers_http(&mut self, rest: &Rest<'_>) -> bool {
        let belongs = self
            .pending
            .front()
            .is_some_and(|request| rest.ack.is_some_and(|ack| ack > request.start));
        if !belongs || rest.bytes.is_empty() {
            // A greeting.
            self.surplus = self.surplus.saturating_add(1);
            return false;
        }
        if is_certain_status(rest.bytes, rest.is_cut()) {
            self.known = Sureness::Certain;
        } else if !is_status(rest.bytes) {
            self.over = Some(Over::NotHttp);
            return false;
        }
        true
    }

    /// Another answer begins, to a request that came later: the one before had no length and is over, as
    /// the proxy read it.
    fn ends_with(&self, rest: &Rest<'_>) -> bool {
        let next = self.pending.get(1);
        matches!(self.server.phase, Phase::Body(Body::UntilClose))
            && next.is_some_and(|next| rest.ack.is_some_and(|ack| ack > next.start))
    }

    /// Bytes that answer nothing. They may stand in the way of the next answer.
    fn take_surplus(&mut self, rest: &Rest<'_>) {
        self.surplus = self.surplus.saturating_add(1);
        if is_certain_status(rest.bytes, rest.is_cut()) {
            self.unasked = status_line(rest.bytes);
        }
        if let Some(kind) = self.after.filter(|_| !self.is_lossy()) {
            self.leftover.get_or_insert(Flaw { kind, pos: rest.pos });
        }
    }

    /// What the answer before left may stand right before this one.
    fn skip_leftover(&mut self, rest: &mut Rest<'_>) {
        let Some(kind) = self.after.filter(|_| !self.is_lossy() && !is_status(rest.bytes)) else {
            return;
        };
        let head = |bytes: &[u8]| is_certain_status(bytes, false);
        let begin = (1..rest.bytes.len()).find(|at| rest.bytes.get(*at..).is_some_and(head));
        if let Some(begin) = begin {
            self.note_flaw(kind);
            self.surplus = self.surplus.saturating_add(1);
            rest.skip(u64::try_from(begin).unwrap_or_default());
        } else if let FlawKind::BodyOf(_) = kind
            && self.response.is_some_and(|response| response.flaw.is_none())
        {
            // The head may follow in the next segment.
            self.note_flaw(kind);
            self.surplus = self.surplus.saturating_add(1);
            rest.skip(rest.len);
        }
    }

    /// A status line in a lost direction begins the response that is waited for: the one whose head
    /// was missed, or that of the next request.
    fn resumes(&self) -> bool {
        let waited = |response: Response| response.status.is_none() && response.flaw.is_none();
        self.response.is_none_or(waited) || self.pending.len() > 1
    }

    /// Whether these bytes begin a response, and to which request.
    fn begin_response(
        &mut self,
        rest: &Rest<'_>,
        connection: &Connection,
        out: &mut Outputs<'_>,
    ) -> bool {
        if self.is_lossy() {
            // After losses the count of responses says nothing. Proxies do not pipeline, so this
            // answers the newest request that the server had received.
            while self
                .pending
                .get(1)
                .is_some_and(|next| rest.ack.is_some_and(|ack| ack > next.start))
            {
                let cut = self.pending.front().and_then(|request| request.unread);
                let why = cut.filter(|_| !self.lossy).unwrap_or(Unread::Gap);
                self.emit(Outcome::Unread(why), out);
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
            flaw: self.leftover.take(),
            found: std::mem::take(&mut self.found),
            after_close: has_closed(connection),
            ..Response::begun(rest.pos, rest.pos, rest.frame)
        });
        true
    }

    /// The response that comes first in a connection begun in the middle has a request, too.
    fn request_before_capture(&mut self, rest: &Rest<'_>) {
        (self.lossy, self.found) = (true, true);
        let end = rest.ack.unwrap_or_default();
        self.pending.push_back(Request {
            complete: true,
            unread: Some(Unread::Gap),
            server_pos: rest.pos,
            ..Request::begun(StreamPos(end.0.saturating_sub(1)), end, rest.frame)
        });
        self.sending = false;
    }

    fn response_head(&mut self, rest: &mut Rest<'_>, out: &mut Outputs<'_>) {
        let request = self.pending.front().and_then(|request| request.head.as_ref());
        let method = request.map(RequestHead::method);
        let connect = method == Some(b"CONNECT");
        let parse = |bytes: &[u8]| head::response(bytes, method);
        let step = self.server.head_bytes(rest, parse, |bytes: &[u8]| cut::response(bytes, method));
        let end = match &step {
            HeadStep::Whole { used, .. } => rest.pos.plus(*used),
            _ => rest.end(),
        };
        let head = match &step {
            HeadStep::Cut(_) => u64::try_from(rest.bytes.len()).unwrap_or(rest.len),
            _ => end.since(rest.pos),
        };
        if let Some(response) = &mut self.response {
            response.came(rest.frame);
            response.end = end;
            response.head_len = response.head_len.saturating_add(head);
        }
        match step {
            HeadStep::Whole { head, used, body } => {
                let frame = rest.frame;
                rest.skip(used);
                self.known = Sureness::Certain;
                // Interim: the final answer is still to come (RFC 9110, section 15.2).
                if matches!(head.status, 100..=199) && head.status != 101 {
                    self.response = None;
                    self.interim = Some(frame);
                    return;
                }
                self.whole_head(&head);
                let body = body.unwrap_or(Body::UntilClose);
                if let Some(response) = &mut self.response {
                    response.until_close = matches!(body, Body::UntilClose);
                }
                self.server.phase = Phase::Body(body);
                // What follows is another protocol (RFC 9110, sections 15.2.2 and 9.3.6).
                if head.status == 101 || connect && matches!(head.status, 200..=299) {
                    self.response_done(frame, out);
                    self.release(out);
                    self.upgraded = head.upgrade.filter(|_| head.status == 101);
                    self.over = Some(Over::Tunnel);
                } else if body.is_done() {
                    self.response_done(frame, out);
                }
                let head_asked = head.bodiless && !matches!(head.status, 204 | 304);
                self.after = Some(match head.bodiless {
                    true => FlawKind::BodyOf((!head_asked).then_some(head.status)),
                    false => FlawKind::Leftover,
                });
            }
            HeadStep::More => rest.skip(rest.len),
            HeadStep::Cut(cut) => {
                self.cut_response(cut, rest, out);
                rest.skip(rest.len);
            }
            HeadStep::Invalid(cut) => {
                self.malformed(cut.kind);
                rest.skip(rest.len);
            }
        }
    }

    fn whole_head(&mut self, head: &ResponseHead) {
        if let Some(response) = &mut self.response {
            response.status = Some(head.status);
            response.expected = head.expected;
            response.announces_close = head.announces_close;
            response.head_complete = true;
            response.unclear = head.unclear;
            response.least = head.least;
            response.server = head.server;
        }
        if let Some(kind) = head.flaw {
            self.note_flaw(kind);
        }
    }

    /// What the server sends cannot be framed.
    fn malformed(&mut self, kind: FlawKind) {
        if self.is_lossy() {
            return self.lose_response(Unread::Gap);
        }
        self.note_flaw(kind);
        self.lose_response(Unread::NotHttp);
    }

    fn note_flaw(&mut self, kind: FlawKind) {
        let lossy = self.is_lossy();
        if let Some(response) = self.response.as_mut().filter(|_| !lossy) {
            let pos = match kind {
                FlawKind::Chunk => response.end,
                _ => response.start,
            };
            response.flaw.get_or_insert(Flaw { kind, pos });
        }
    }

    pub(super) fn received_body(
        &mut self,
        advance: Advance,
        rest: &mut Rest<'_>,
        out: &mut Outputs<'_>,
    ) {
        let used = match advance {
            Advance::More => rest.len,
            Advance::Done(used) => used,
            Advance::Lost => {
                self.lose_response(Unread::BodyCut);
                return self.find_end(rest, out);
            }
            Advance::Invalid if self.response.is_some_and(|response| response.unclear) => {
                // To others it is not in chunks.
                return self.lose_response(Unread::Conflicting);
            }
            Advance::Invalid => return self.malformed(FlawKind::Chunk),
        };
        if let Some(response) = &mut self.response {
            let first = response.status == Some(400) && response.received == 0;
            response.wants_tls |= first && software::wants_tls(rest.bytes);
            response.received = response.received.saturating_add(used);
            response.came(rest.frame);
            response.end = rest.pos.plus(used);
        }
        rest.skip(used);
        if let Advance::Done(_) = advance {
            self.response_done(rest.frame, out);
        }
    }

    /// Takes what is left of a segment in which framing is lost. A segment that ends like a body in
    /// chunks ends it: at worst, bytes follow that answer nothing.
    fn find_end(&mut self, rest: &mut Rest<'_>, out: &mut Outputs<'_>) {
        const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
        let ends = !rest.is_cut()
            && (rest.bytes.ends_with(LAST_CHUNK)
                || LAST_CHUNK.strip_prefix(b"\r\n") == Some(rest.bytes));
        if let Some(response) = &mut self.response {
            response.came(rest.frame);
            response.end = rest.end();
            if response.cut {
                response.received = response.received.saturating_add(rest.len);
            }
        }
        rest.skip(rest.len);
        let of_chunks = match self.unread {
            Some(Unread::BodyCut) => true,
            Some(Unread::HeadCut) => {
                self.response.is_some_and(|one| one.cut && one.status.is_some())
            }
            _ => false,
        };
        if ends && of_chunks && self.pending.len() == 1 {
            self.response_done(rest.frame, out);
        }
    }

    /// Where the answer that is being followed ends does not show in it: the snap length cut its head or its
    /// chunks, it has no length, or several. The proxy, which had all that was captured of it, has begun another
    /// request: it was over.
    pub(super) fn is_over_by_turn(&self) -> bool {
        let whole = |response: Response| {
            let next = self.pending.get(1).and_then(|next| next.ack);
            // Without its status it is not known what it was.
            let read = response.head_complete || response.cut && response.status.is_some();
            read && next.is_some_and(|ack| ack >= response.end)
        };
        let open = match self.server.phase {
            Phase::Lost => {
                matches!(self.unread, Some(Unread::BodyCut | Unread::Conflicting | Unread::HeadCut))
            }
            Phase::Body(Body::UntilClose) => true,
            Phase::Body(_) => self.response.is_some_and(|response| response.unclear),
            Phase::Head => false,
        };
        open && self.response.is_some_and(whole)
    }

    pub(super) fn lose_response(&mut self, why: Unread) {
        match why {
            Unread::Gap => self.lossy = true,
            _ => self.astray = true,
        }
        self.unread = self.unread.or(Some(why));
        self.server.lose();
    }

    pub(super) fn response_done(&mut self, frame: FrameRef, out: &mut Outputs<'_>) {
        self.server.phase = Phase::Head;
        self.unread = None;
        if let Some(response) = &mut self.response {
            response.complete = true;
            if response.after_close {
                // Whether the client takes it shows only in what comes after.
                self.over = Some(Over::Late);
                return;
            }
        }
        let announces_close = self.response.is_some_and(|response| response.announces_close);
        let told = |response: Response| response.status >= Some(500) && response.flaw.is_none();
        let at_once = self.response.is_some_and(told) || self.pending.len() > 1;
        self.emit(Outcome::Answered, out);
        if at_once {
            self.release(out);
        }
        self.close_announced = announces_close;
        self.quiet_since = self.pending.is_empty().then_some(frame);
    }
}
