//! Which records of the server may be tickets (RFC 8446, section 4.6.1).

use super::suite::Lengths;
use crate::flow::StreamPos;

/// More tickets at once nobody sends: OpenSSL two, others up to four.
const MOST: u8 = 8;
/// More that only look like tickets are a stream of equal records.
const MOST_PERHAPS: u8 = 4;

/// What the server sends after the client's Finished.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tickets {
    /// The server has sent something else, or the client went on: none will come that can be told from an
    /// answer.
    over: bool,
    count: u8,
    /// The payload of the last one.
    payload: u32,
    /// The last one may be an answer, and ends here.
    perhaps: Option<StreamPos>,
}

/// A record of the server that may be a ticket.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaybeTicket {
    pub(super) payload: u32,
    pub(super) ack: Option<StreamPos>,
    pub(super) end: StreamPos,
    /// A session that holds the client's certificate is long.
    pub(super) long: bool,
}

impl Tickets {
    /// Whether this record is a ticket, and surely one; `finished` is where the client's Finished ends.
    pub(super) fn on(
        &mut self,
        record: MaybeTicket,
        finished: Option<StreamPos>,
        lengths: Lengths,
    ) -> Option<bool> {
        let MaybeTicket { payload, ack, end, long } = record;
        let before_requests = ack.zip(finished).is_some_and(|(ack, finished)| ack <= finished);
        let looks = lengths.may_be_ticket(payload, long);
        if before_requests {
            // Anything else, as the settings of HTTP/2, says no more of tickets to come.
            if self.over || !looks || self.count >= MOST {
                return None;
            }
            (self.count, self.payload) = (self.count.saturating_add(1), payload);
            return Some(true);
        }
        let follows = self.count == 0 || payload == self.payload && self.count < MOST_PERHAPS;
        if self.over || !looks || !follows {
            self.over = true;
            return None;
        }
        (self.count, self.payload) = (self.count.saturating_add(1), payload);
        self.perhaps = Some(end);
        Some(false)
    }

    /// A ticket came before the client's Finished.
    pub(super) fn before(&mut self, payload: u32) {
        (self.count, self.payload) = (self.count.saturating_add(1), payload);
    }

    /// The client sends application data, and has received so much. Where it has received what may be an
    /// answer, what follows is the answer to something else.
    pub(super) fn asked(&mut self, ack: Option<StreamPos>) {
        if let (Some(perhaps), Some(ack)) = (self.perhaps, ack) {
            self.over |= ack >= perhaps;
        }
    }
}
