//! Both sides of one connection are followed.

use super::Piece;
use super::facts::TlsFacts;
use super::reading::Reading;
use super::records::{Arrived, Carrier, RecordWalk};
use crate::flow::{Side, StreamEvent};

/// Follows a connection of TLS.
#[derive(Debug)]
pub struct TlsStream {
    client: RecordWalk,
    server: RecordWalk,
    reading: Reading,
}

impl TlsStream {
    /// Begins with the first bytes of both sides, where the `whole` connection is captured, or in the middle.
    pub fn new(whole: bool) -> Self {
        let walk = RecordWalk::new(whole);
        Self { client: walk, server: walk, reading: Reading::default() }
    }

    /// Takes what comes next. `out` is called with each piece of a record, those of one side in order.
    pub fn on(&mut self, event: &StreamEvent<'_>, out: &mut dyn FnMut(Piece)) {
        match *event {
            StreamEvent::Bytes { from, pos, bytes, len, ack, first_copy, frame } => {
                let captured = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                let hidden = u64::from(len).saturating_sub(captured);
                let carrier = Carrier { ack, first_copy, missing: false, frame };
                self.take(from, Arrived { pos, bytes, hidden, carrier }, out);
            }
            StreamEvent::Gap { from, pos, len, frame } => {
                let carrier = Carrier { ack: None, first_copy: false, missing: true, frame };
                self.take(from, Arrived { pos, bytes: &[], hidden: len, carrier }, out);
            }
            StreamEvent::Fin { .. }
            | StreamEvent::Rst
            | StreamEvent::Quiet
            | StreamEvent::Settled
            | StreamEvent::End => self.reading.release(false, out),
        }
    }

    /// What the handshake said so far.
    pub fn facts(&self) -> &TlsFacts {
        &self.reading.facts
    }

    /// How long the text of a record is that is so long on the wire, its header included. `None` where that does not show:
    /// the handshake was not captured, or the suite pads.
    pub fn text_len(&self, record_len: u32) -> Option<u32> {
        self.reading.text_len(record_len)
    }

    fn take(&mut self, from: Side, arrived: Arrived<'_>, out: &mut dyn FnMut(Piece)) {
        let Self { client, server, reading } = self;
        let walk = match from {
            Side::Client => client,
            Side::Server => server,
        };
        walk.on(arrived, &mut |part| reading.take(from, &part, out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tens of thousands of connections are followed at once.
    #[test]
    fn a_connection_takes_little_memory() {
        assert!(size_of::<TlsStream>() <= 640, "{}", size_of::<TlsStream>());
        assert!(size_of::<TlsFacts>() <= 512, "{}", size_of::<TlsFacts>());
    }
}
