//! What gaps in the capture do to HTTP/1 framing: within a body whose length is known they are
//! counted, elsewhere the direction is lost.

use super::body::Advance;
use super::direction::{Direction, Phase, Rest};
use super::{Http1, Outputs};
use crate::exchange::hand_over::HandedOver;
use crate::exchange::{Outcome, Response, Unread};
use crate::flow::{Connection, Side, StreamPos};
use crate::packet::FrameRef;
use crate::streams::told::Between;

/// Fewer missing bytes than this hold no message: `GET / HTTP/1.0` or `HTTP/1.1 200` and two line
/// ends. A missing FIN or a keep-alive probe looks like a gap of one.
pub const MIN_MESSAGE: u64 = 16;

impl Http1 {
    pub(super) fn client_gap(
        &mut self,
        pos: StreamPos,
        len: u64,
        frame: FrameRef,
        connection: &Connection,
        out: &mut Outputs<'_>,
    ) {
        let mut rest = Rest { pos, bytes: &[], len, ack: None, first_copy: false, frame };
        while rest.len > 0 {
            match &mut self.client.phase {
                Phase::Body(body) => {
                    let advance = body.advance(&[], rest.len);
                    self.sent_body(advance, &mut rest);
                }
                // Nothing of this side is captured at all: what it sent since the last answer is
                // the next request.
                Phase::Lost
                    if self.pending.is_empty() && connection.half(Side::Client).segments == 0 =>
                {
                    self.client.phase = Phase::Head;
                }
                Phase::Lost => {
                    self.touch_request(rest.end(), frame);
                    return;
                }
                Phase::Head => {
                    if self.client.partial.is_empty() {
                        if rest.len < MIN_MESSAGE {
                            // No message, but perhaps the first bytes of one.
                            self.lossy = true;
                            return;
                        }
                        self.begin_request(&rest, connection, out);
                    }
                    if let Some(request) = self.pending.back_mut() {
                        request.unread = Some(Unread::Gap);
                    }
                    self.lossy = true;
                    self.client.lose();
                }
            }
        }
    }

    /// Which sides are between two messages.
    pub(in crate::exchange) fn between(&self) -> Between {
        let at_head = |side: &Direction| {
            self.is_known() && matches!(side.phase, Phase::Head) && side.partial.is_empty()
        };
        let (client, server) = (at_head(&self.client), at_head(&self.server));
        Between {
            client,
            server: server && self.response.is_none(),
            answered: client && self.pending.is_empty(),
        }
    }

    /// From here on what comes cannot be read. Makes known what is known by now, and leaves the request under way to
    /// turns if it is the one that began with `turn`.
    pub(in crate::exchange) fn hand_over(
        &mut self,
        turn: Option<FrameRef>,
        out: &mut Outputs<'_>,
    ) -> HandedOver {
        self.release(out);
        let known = self.is_known();
        let first = self.pending.front().map(|request| request.first);
        let same = first.is_some() && first == turn && self.pending.len() == 1;
        // Turns would take the rest of a message for another one.
        let within = !matches!(self.client.phase, Phase::Head) || !self.client.partial.is_empty();
        let several = first.is_some() && !same;
        let overlapping = self.over.is_some() || known && (several || within);
        while known && !same && !self.pending.is_empty() {
            self.emit(Outcome::Unread(Unread::Gap), out);
        }
        HandedOver {
            exchanges: self.exchanges,
            under_way: same || !known,
            overlapping,
            quiet_since: self.quiet_since,
            ended: known.then(|| self.ended()),
        }
    }

    pub(super) fn server_gap(
        &mut self,
        pos: StreamPos,
        len: u64,
        frame: FrameRef,
        out: &mut Outputs<'_>,
    ) {
        let mut rest = Rest { pos, bytes: &[], len, ack: None, first_copy: false, frame };
        while rest.len > 0 {
            match &mut self.server.phase {
                Phase::Body(body) => match body.advance(&[], rest.len) {
                    Advance::Lost | Advance::Invalid => self.lose_response(Unread::Gap),
                    advance => self.received_body(advance, &mut rest, out),
                },
                Phase::Lost => {
                    // Where its head was cut, numbers alone say how much came.
                    if let Some(response) = self.response.as_mut().filter(|one| one.cut) {
                        response.received = response.received.saturating_add(rest.len);
                        response.end = rest.end();
                    }
                    return;
                }
                Phase::Head => {
                    let begun = !self.server.partial.is_empty();
                    if !begun && (rest.len < MIN_MESSAGE || self.pending.is_empty()) {
                        self.lossy = true;
                        return;
                    }
                    self.response.get_or_insert(Response::begun(pos, pos.plus(len), frame));
                    self.lose_response(Unread::Gap);
                }
            }
        }
    }
}
