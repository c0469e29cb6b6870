//! Connections whose content is not read: whether the two sides speak the same, and whose turn it is.

use super::detect::{self, Protocol};
use super::goodbye::{self, ClientWords};
use super::hand_over::HandedOver;
use super::tls::{MeasuredPiece, TlsReader};
use super::turn_reader::{Said, TurnReader};
use super::{Ended, Exchange, Mismatch, ProxyHeader, RequestDigest, ToldText};
use crate::flow::{Connection, Side, StreamEvent, StreamPos};
use crate::packet::FrameRef;
use crate::streams::tls::Piece;

/// Follows a connection whose content is not read.
#[derive(Debug)]
pub(super) struct Opaque {
    protocol: Protocol,
    /// Where the client opened, and with which frame, as long as the server has not answered.
    asked: Option<(StreamPos, FrameRef)>,
    /// The header before everything else.
    proxied: Option<ProxyHeader>,
    mismatch: Option<Mismatch>,
    content: Content,
    /// What was told of what it said.
    told: Option<ToldText>,
    /// What it was as long as all was told.
    before: Option<Box<Ended>>,
}

/// What is made of the content.
#[derive(Debug)]
enum Content {
    /// Nothing: both sides may speak at any time.
    Any,
    /// Messages, by whose turn it is.
    Turns(Box<TurnReader>),
    /// Records of TLS.
    Tls(Box<TlsReader>),
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
        let content = match protocol {
            Protocol::Opaque => {
                Content::Turns(Box::new(TurnReader::new(protocol, proxied, connection)))
            }
            Protocol::Tls => Content::Tls(Box::new(TlsReader::new(proxied, false, connection))),
            Protocol::None | Protocol::Http1 | Protocol::Http2 => Content::Any,
        };
        Self { protocol, asked, proxied, mismatch: None, content, told: None, before: None }
    }

    pub(super) fn ended(&self) -> Ended {
        let tls = match &self.content {
            Content::Tls(tls) => Some(&**tls),
            Content::Any | Content::Turns(_) => None,
        };
        let ended = Ended {
            mismatch: self.mismatch,
            told: self.told,
            turns: match &self.content {
                Content::Any => None,
                Content::Turns(turns) => Some(turns.ended()),
                Content::Tls(tls) => Some(tls.turns()),
            },
            last_asked: tls
                .is_some_and(TlsReader::is_handshake_only)
                .then_some(RequestDigest::NOTHING),
            tls: tls.map(TlsReader::facts),
            ..not_read(self.protocol, self.proxied)
        };
        match &self.before {
            None => ended,
            Some(before) => {
                let Ended { mismatch, told, turns, tls, .. } = ended;
                // What came later was not read.
                let (upgraded, quiet_since) = (Some(Protocol::Tls), None);
                Ended { mismatch, told, turns, tls, upgraded, quiet_since, ..(**before).clone() }
            }
        }
    }

    /// The parts of TLS records in an event, and how long their text is. They are followed with [`Self::take_piece`].
    pub(super) fn pieces(&mut self, event: &StreamEvent<'_>) -> Vec<MeasuredPiece> {
        self.note_answer(event);
        self.tls_mut().map(|tls| tls.pieces(event)).unwrap_or_default()
    }

    /// Follows a part of a TLS record.
    pub(super) fn take_piece(
        &mut self,
        piece: &Piece,
        connection: &Connection,
        out: &mut dyn FnMut(Box<Exchange>),
    ) {
        if let Some(tls) = self.tls_mut() {
            tls.take(piece, connection, out);
        }
    }

    /// What is outstanding of TLS stays so.
    pub(super) fn settle(&mut self, connection: &Connection, out: &mut dyn FnMut(Box<Exchange>)) {
        if let Some(tls) = self.tls_mut() {
            tls.settle(connection, out);
        }
    }

    /// The frame that began the request under way, of TLS.
    pub(super) fn turn(&self) -> Option<FrameRef> {
        match &self.content {
            Content::Tls(tls) => tls.turn(),
            Content::Any | Content::Turns(_) => None,
        }
    }

    /// Nobody told what its records say.
    pub(super) fn note_untold(&mut self) {
        self.told = Some(ToldText::Unread);
    }

    /// Until now what its records say was told.
    pub(super) fn go_on_after(&mut self, handed: HandedOver) {
        self.told = Some(ToldText::Begun);
        if let Some(tls) = self.tls_mut() {
            tls.go_on_after(&handed);
        }
        self.before = handed.ended.map(Box::new);
    }

    fn tls_mut(&mut self) -> Option<&mut TlsReader> {
        match &mut self.content {
            Content::Tls(tls) => Some(tls),
            Content::Any | Content::Turns(_) => None,
        }
    }

    /// The exchange that is outstanding, if nothing more came.
    pub(super) fn so_far(&self, connection: &Connection) -> Option<Box<Exchange>> {
        match &self.content {
            Content::Any => None,
            Content::Turns(turns) => turns.so_far(connection),
            Content::Tls(tls) => tls.so_far(connection),
        }
    }

    pub(super) fn on(
        &mut self,
        event: &StreamEvent<'_>,
        connection: &Connection,
        out: &mut dyn FnMut(Box<Exchange>),
    ) {
        self.note_answer(event);
        self.note_hello(event, connection);
        let turns = match &mut self.content {
            Content::Any => return,
            Content::Tls(tls) => return tls.on(event, connection, out),
            Content::Turns(turns) => turns,
        };
        match *event {
            StreamEvent::Bytes { from, pos, bytes, len, ack, first_copy, frame } => {
                let said = Said { pos, len: len.into(), ack, first_copy, frame };
                turns.recognise(from, bytes);
                match from {
                    Side::Client => {
                        turns.asked(said, ClientWords::of(bytes, len), connection, out);
                    }
                    Side::Server if goodbye::says_why(bytes) => turns.parted(said, connection),
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

    /// TLS may begin behind words in clear, in which the two sides agreed on it (STARTTLS and its like).
    fn note_hello(&mut self, event: &StreamEvent<'_>, connection: &Connection) {
        if let (Content::Turns(_), StreamEvent::Bytes { from: Side::Client, bytes, .. }) =
            (&self.content, event)
            && detect::is_client_hello(bytes)
        {
            self.content = Content::Tls(Box::new(TlsReader::new(self.proxied, true, connection)));
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
        tls: None,
        told: None,
    }
}
