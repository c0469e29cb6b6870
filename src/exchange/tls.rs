//! TLS without keys: whose turn it is, by its records.

use super::goodbye::ClientWords;
use super::turn_reader::{Said, TurnReader};
use super::{Exchange, Protocol, ProxyHeader, TurnsEnded};
use crate::flow::{Connection, Side, Start, StreamEvent};
use crate::streams::tls::{Carried, Handshake, Piece, TlsFacts, TlsStream};
use std::sync::Arc;

/// Follows a connection of TLS.
#[derive(Debug)]
pub(super) struct TlsReader {
    stream: TlsStream,
    turns: TurnReader,
    /// The client has spoken, and it was looked what may be inside.
    asked: bool,
}

impl TlsReader {
    /// A connection that speaks TLS from its first byte on, or from `later` on.
    pub(super) fn new(proxied: Option<ProxyHeader>, later: bool, connection: &Connection) -> Self {
        let whole = connection.start == Start::Handshake && !connection.has_gaps() || later;
        let turns = TurnReader::new(Protocol::Tls, proxied, connection);
        Self { stream: TlsStream::new(whole), turns, asked: false }
    }

    pub(super) fn on(
        &mut self,
        event: &StreamEvent<'_>,
        connection: &Connection,
        out: &mut dyn FnMut(Box<Exchange>),
    ) {
        let Self { stream, turns, asked } = self;
        let mut first_asked = false;
        stream.on(event, &mut |piece| {
            first_asked |= piece.from == Side::Client && piece.what == Carried::Text;
            take(turns, &piece, connection, out);
        });
        if first_asked && !*asked {
            *asked = true;
            if may_overlap(stream.facts()) {
                turns.may_overlap();
            }
        }
        if let StreamEvent::Settled = event {
            turns.settle(connection, out);
        }
    }

    /// The exchange that is outstanding, if nothing more came.
    pub(super) fn so_far(&self, connection: &Connection) -> Option<Box<Exchange>> {
        self.turns.so_far(connection)
    }

    pub(super) fn turns(&self) -> TurnsEnded {
        self.turns.ended()
    }

    /// What the handshake said.
    pub(super) fn facts(&self) -> Arc<TlsFacts> {
        Arc::new(self.stream.facts().clone())
    }

    /// The handshake was done, and the client asked for nothing: who probes a port does that.
    pub(super) fn is_handshake_only(&self) -> bool {
        let facts = self.stream.facts();
        facts.handshake == Handshake::Done && !self.asked && facts.fatal().is_none()
    }
}

/// Gives a piece of a record to whose turn it is.
fn take(
    turns: &mut TurnReader,
    piece: &Piece,
    connection: &Connection,
    out: &mut dyn FnMut(Box<Exchange>),
) {
    let Piece { from, what, pos, len, ack, first_copy, frame, .. } = *piece;
    let said = Said { pos, len, ack, first_copy, frame };
    match (from, what) {
        (_, Carried::Lost) => turns.missed(from, said, connection, out),
        (_, Carried::Text) if piece.missing => turns.missed(from, said, connection, out),
        (Side::Client, Carried::Text) => turns.asked(said, ClientWords::Any, connection, out),
        (Side::Server, Carried::Text) => {
            turns.answered(said, false, connection);
            turns.set_cut(!piece.ends);
        }
        (Side::Server, Carried::Ticket { sure: false }) => {
            turns.answered(said, true, connection);
        }
        (Side::Server, Carried::Alert(_)) => turns.noticed(said),
        (_, Carried::Handshake | Carried::Ticket { .. }) => turns.begins_after(frame),
        (_, Carried::Silent | Carried::Alert(_)) => {}
    }
}

/// What is inside may be HTTP/2: both sides speak at any time then. What the server chose shows up to TLS 1.2 only.
/// Of a handshake of which both hellos are missing it is not known where it ends.
fn may_overlap(facts: &TlsFacts) -> bool {
    if facts.client_hello.is_some() && facts.chosen.is_none() {
        return true;
    }
    let is_http2 = |name: &[u8]| name == b"h2";
    match &facts.alpn {
        Some(chosen) => is_http2(chosen),
        None => {
            let hidden = facts.chosen.is_none_or(|version| version.is_1_3());
            hidden && facts.alpn_offered.iter().any(|name| is_http2(name))
        }
    }
}
