//! TLS by its records, without keys.
//!
//! [`TlsStream`] follows both sides of one connection. Of each segment it tells which records it carries, and
//! of each record what it is for: the handshake, application data, a ticket, an alert. Types and lengths are in
//! clear, and so are the hellos, and up to TLS 1.2 the certificates: what they say stands in [`TlsFacts`].
//!
//! In TLS 1.3 all but the hellos travels as application data, and goes by order and length:
//! - the server's records before the client's Finished belong to the handshake;
//! - the client's Finished is as long as its hash; before it stand the records of its certificate, if it was
//!   asked for one;
//! - alerts and key updates have lengths that hardly anything else has;
//! - what the server sends after that before it has anything of a request is a ticket, or says nothing of
//!   requests either.
//!
//! Invariants: the pieces of one side come in order and without overlap, and cover all of its bytes and gaps; a
//! header that was cut over segments delays what came of it, and so does a client that may still be showing its
//! certificate, until the next event at most that ends a side. Memory is bounded: half of a message at most
//! (`messages`), the pieces that wait (`reading`), [`TlsFacts`] by its own limits.

mod certificate;
mod cursor;
mod facts;
mod hello;
mod messages;
mod names;
mod reading;
mod records;
mod stream;
mod suite;
mod tickets;

pub use facts::{AlertFact, CertificateFacts, Handshake, TlsFacts, TlsVersion};
pub use names::{alert_name, cipher_name};
pub use stream::TlsStream;

use crate::flow::{Side, StreamPos};
use crate::packet::FrameRef;

/// The part of one record that one segment carries, or of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The sender.
    pub from: Side,
    /// What the record is for. Of an alert in clear the words are known in the piece that ends it.
    pub what: Carried,
    /// Position of the first byte.
    pub pos: StreamPos,
    /// How many bytes, those of the header included.
    pub len: u64,
    /// The record begins with it.
    pub begins: bool,
    /// The record ends with it.
    pub ends: bool,
    /// Length of the record on the wire with its header; 0 where it is not known.
    pub record_len: u32,
    /// How much of the peer's stream the sender had received; see [`crate::flow::StreamEvent::Bytes`].
    pub ack: Option<StreamPos>,
    /// Nothing of it was sent before, as far as was captured.
    pub first_copy: bool,
    /// Nothing of it was captured: a gap, within a record whose header was seen.
    pub missing: bool,
    /// The frame; of a gap the one that showed it.
    pub frame: FrameRef,
}

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Messages of the handshake, in clear or not, a renegotiation, ChangeCipherSpec.
    Handshake,
    /// Application data.
    Text,
    /// A NewSessionTicket of TLS 1.3: by all that is known, or by its looks alone, then it may be an answer.
    Ticket {
        /// The server had nothing to answer.
        sure: bool,
    },
    /// An alert, or what has its length.
    Alert(AlertSeen),
    /// Says nothing: a key update, a heartbeat, an empty record.
    Silent,
    /// Bytes that cannot be placed, as a header before them was not captured.
    Lost,
}

/// An alert as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertSeen {
    /// 1 warns, 2 is fatal; `None` where it is encrypted or was not captured.
    pub level: Option<u8>,
    /// The reason, by its number.
    pub description: Option<u8>,
    /// Only its type or its length shows.
    pub encrypted: bool,
}
