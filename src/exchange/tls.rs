//! TLS without keys: whose turn it is, by its records.

use super::goodbye::ClientWords;
use super::hand_over::HandedOver;
use super::turn_reader::{Said, TurnReader};
use super::{Exchange, Protocol, ProxyHeader, TurnsEnded};
use crate::flow::{Connection, Side, Start, StreamEvent};
use crate::packet::FrameRef;
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
        let Self { stream, turns, .. } = self;
        let mut asks = false;
        stream.on(event, &mut |piece| {
            asks |= is_asked(&piece);
            take(turns, &piece, connection, out);
        });
        if asks {
            self.note_asked();
        }
        if let StreamEvent::Settled = event {
            self.settle(connection, out);
        }
    }

    /// The parts of records in an event. They are followed with [`Self::take`].
    pub(super) fn pieces(&mut self, event: &StreamEvent<'_>) -> Vec<MeasuredPiece> {
        let mut pieces = Vec::new();
        self.stream.on(event, &mut |piece| pieces.push(piece));
        pieces.into_iter().map(|piece| (piece, self.stream.text_len(piece.record_len))).collect()
    }

    /// Follows a part of a record.
    pub(super) fn take(
        &mut self,
        piece: &Piece,
        connection: &Connection,
        out: &mut dyn FnMut(Box<Exchange>),
    ) {
        take(&mut self.turns, piece, connection, out);
        if is_asked(piece) {
            self.note_asked();
        }
    }

    /// What is outstanding stays so.
    pub(super) fn settle(&mut self, connection: &Connection, out: &mut dyn FnMut(Box<Exchange>)) {
        self.turns.settle(connection, out);
    }

    /// The frame that began the request under way.
    pub(super) fn turn(&self) -> Option<FrameRef> {
        self.turns.turn()
    }

    /// Until now what was inside was read.
    pub(super) fn go_on_after(&mut self, handed: &HandedOver) {
        self.turns.go_on_after(handed);
    }

    fn note_asked(&mut self) {
        if !std::mem::replace(&mut self.asked, true) && may_overlap(self.stream.facts()) {
            self.turns.may_overlap();
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

/// A part of a record, and how long the text of the record is, where that is known.
pub(super) type MeasuredPiece = (Piece, Option<u32>);

/// The client asks for something.
fn is_asked(piece: &Piece) -> bool {
    piece.from == Side::Client && piece.what == Carried::Text
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
