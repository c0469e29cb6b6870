//! Turns, where a head was cut that would tell where its message ends.
//!
//! Lengths come from sequence numbers then, and whose turn it is shows what is over: a client that had all of an
//! answer and asks again has taken it for whole.

use super::cut::{CutRequest, CutResponse};
use super::direction::{Phase, Rest};
use super::{Http1, Outputs, Over, Sureness};
use crate::exchange::detect::{self, is_certain_status};
use crate::exchange::request::is_bodiless;
use crate::exchange::{Outcome, Request, Unread};
use crate::flow::{Connection, Side};
use crate::packet::FrameRef;
use std::time::Duration;

/// No server that is in use gives up an idle connection sooner of its own accord.
pub const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(1);

impl Http1 {
    /// Takes what there is of a request's head, and what follows it in its segment.
    pub(super) fn cut_request(&mut self, cut: CutRequest, rest: &Rest<'_>, out: &mut Outputs<'_>) {
        self.known = match self.known {
            _ if cut.certain => Sureness::Certain,
            Sureness::Opening if cut.method.is_some() => Sureness::Slight,
            known => known,
        };
        if let Some(request) = self.pending.back_mut() {
            request.bodiless = cut.method.is_some_and(is_bodiless);
            request.head = cut.head;
        }
        self.astray = true;
        self.unread_request(Unread::HeadCut);
        self.touch_request(rest.end(), rest.frame);
        self.turn(out);
    }

    /// Takes what there is of a response's head, and what follows it in its segment.
    pub(super) fn cut_response(
        &mut self,
        cut: CutResponse,
        rest: &Rest<'_>,
        out: &mut Outputs<'_>,
    ) {
        if is_certain_status(rest.bytes, true) {
            self.known = Sureness::Certain;
        }
        self.astray = true;
        match cut.status {
            // What it goes on in is no HTTP/1, whatever it is.
            Some(101) => {
                self.lose_response(Unread::HeadCut);
                self.emit(Outcome::Unread(Unread::HeadCut), out);
                self.release(out);
                self.over = Some(Over::Tunnel);
                return;
            }
            // Interim: the final answer is still to come (RFC 9110, section 15.2).
            Some(100..=199) => {
                self.response = None;
                self.interim = Some(rest.frame);
                return;
            }
            _ => {}
        }
        if let Some(response) = &mut self.response {
            let captured = u64::try_from(rest.bytes.len()).unwrap_or(rest.len);
            response.status = cut.status;
            response.cut = rest.is_cut();
            response.received = rest.len.saturating_sub(captured);
            response.least = cut.least;
            if let Some(lines) = cut.lines {
                response.expected = lines.expected;
                // An older version closes unless a line says otherwise, and that may be what is missing.
                let says = rest.bytes.starts_with(b"HTTP/1.1");
                response.announces_close = lines.announces_close && says;
                response.server = lines.server;
            }
        }
        self.lose_response(Unread::HeadCut);
    }

    /// Whether the client speaks again after its request, whose head was cut, was answered, and begins like a
    /// request: the next one.
    pub(super) fn asks_anew(&self, rest: &Rest<'_>) -> bool {
        let had = |end| rest.ack.is_some_and(|ack| ack >= end);
        let answered = match (self.pending.back(), &self.response) {
            (None, _) => !self.lossy,
            (Some(request), Some(response)) => {
                let one = self.pending.len() == 1 && request.unread == Some(Unread::HeadCut);
                one && !response.after_close && had(response.end)
            }
            (Some(_), None) => false,
        };
        let told = matches!(self.known, Sureness::Certain | Sureness::Slight);
        answered && told && detect::method_begun(rest.bytes).is_some()
    }

    /// The client went on to its next request: all of the one before had been sent.
    pub(super) fn was_whole(request: &mut Request) {
        request.complete |= request.unread == Some(Unread::HeadCut);
    }

    /// The last answer had a head that was cut, and the server closed after it had been idle for as long as
    /// only a timer lets it: since when it was, as far as turns show.
    pub(super) fn idle_since(&self, connection: &Connection) -> Option<FrameRef> {
        let response = self.response.filter(|response| response.cut && !response.after_close)?;
        let server = connection.half(Side::Server);
        let had = server.acked.is_some_and(|acked| acked.pos >= response.end);
        let closed = server.fin.or(server.rst)?.frame.at.since(response.last.at);
        let over = had && !response.is_cut_short() && closed >= SHORTEST_KEEPALIVE;
        (over && self.pending.len() == 1 && matches!(self.server.phase, Phase::Lost))
            .then_some(response.last)
    }
}
