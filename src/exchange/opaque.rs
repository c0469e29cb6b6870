//! Connections whose content is not read: whether the two sides speak the same, and whose turn it is.

use super::detect::{self, Protocol};
use super::goodbye::ClientWords;
use super::turn_reader::{Said, TurnReader};
use super::{Ended, Exchange, Mismatch, ProxyHeader, RequestDigest};
use crate::flow::{Connection, Side, StreamEvent, StreamPos};
use crate::packet::FrameRef;

/// Follows a connection whose content is not read.
#[derive(Debug)]
pub(super) struct Opaque {
    protocol: Protocol,
    /// Where the client opened, and with which frame, as long as the server has not answered.
    asked: Option<(StreamPos, FrameRef)>,
    /// The header before everything else.
    proxied: Option<ProxyHeader>,
    mismatch: Option<Mismatch>,
    /// Whose turn it is; `None` where both sides may speak at any time.
    turns: Option<TurnReader>,
}

impl Opaque {
    /// A connection that speaks `protocol`, and that the client opened with what is `asked`, if its
    /// beginning was captured.
    pub(super) fn new(
        protocol: Protocol,
        asked: Option<(StreamPos, FrameRef)>,
        proxied: Option<ProxyHeader>,
        connection: &Connection,
    ) -> Self {
        let turns = match protocol {
            Protocol::Opaque => Some(TurnReader::new(protocol, proxied, connection)),
            Protocol::None | Protocol::Http1 | Protocol::Http2 | Protocol::Tls => None,
        };
        Self { protocol, asked, proxied, mismatch: None, turns }
    }

    pub(super) fn ended(&self) -> Ended {
        Ended {
            mismatch: self.mismatch,
            turns: self.turns.as_ref().map(TurnReader::ended),
            ..not_read(self.protocol, self.proxied)
        }
    }

    /// The exchange that is outstanding, if nothing more came.
    pub(super) fn so_far(&self, connection: &Connection) -> Option<Box<Exchange>> {
        self.turns.as_ref()?.so_far(connection)
    }

    pub(super) fn on(
        &mut self,
        event: &StreamEvent<'_>,
        connection: &Connection,
        out: &mut dyn FnMut(Box<Exchange>),
    ) {
        self.note_answer(event);
        let Some(turns) = &mut self.turns else { return };
        match *event {
            StreamEvent::Bytes { from, pos, bytes, len, ack, first_copy, frame } => {
                let said = Said { pos, len: len.into(), ack, first_copy, frame };
                match from {
                    Side::Client => {
                        turns.asked(said, ClientWords::of(bytes, len), connection, out);
                    }
                    Side::Server => turns.answered(said, false, connection),
                }
            }
            StreamEvent::Gap { from, pos, len, frame } => {
                let gap = Said { pos, len, ack: None, first_copy: false, frame };
                turns.missed(from, gap, connection, out);
            }
            StreamEvent::Settled => turns.settle(connection, out),
            StreamEvent::Fin { .. } | StreamEvent::Rst | StreamEvent::Quiet | StreamEvent::End => {}
        }
    }

    fn note_answer(&mut self, event: &StreamEvent<'_>) {
        match *event {
            // What is missing may be the answer.
            StreamEvent::Gap { .. } => self.asked = None,
            StreamEvent::Bytes { from: Side::Server, bytes, ack, frame, .. } => {
                // A greeting that crossed the client's first bytes answers nothing.
                if let Some((pos, request)) = self.asked.take()
                    && ack.is_some_and(|ack| ack > pos)
                {
                    self.mismatch = self.mismatch(bytes, request, frame);
                }
            }
            _ => {}
        }
    }

    /// What the server's first bytes say against what it was asked.
    fn mismatch(&self, bytes: &[u8], request: FrameRef, answer: FrameRef) -> Option<Mismatch> {
        let answered = detect::answered(bytes, self.protocol)?;
        let differs = match self.protocol {
            Protocol::Tls => answered != Protocol::Tls,
            // A frame of HTTP/2 has no mark of its own.
            Protocol::Http2 => matches!(answered, Protocol::Http1 | Protocol::Tls),
            Protocol::None | Protocol::Http1 | Protocol::Opaque => false,
        };
        let asked = self.protocol;
        differs.then_some(Mismatch { asked, answered, request, answer })
    }
}

/// The end of a connection of which nothing was read.
pub(super) fn not_read(protocol: Protocol, proxied: Option<ProxyHeader>) -> Ended {
    Ended {
        protocol,
        exchanges: 0,
        quiet_since: None,
        surplus: 0,
        close_announced: false,
        upgraded: None,
        mismatch: None,
        last_asked: (protocol == Protocol::None).then_some(RequestDigest::NOTHING),
        proxied,
        unseen: false,
        turns: None,
    }
}
