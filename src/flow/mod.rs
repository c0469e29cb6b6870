//! Segments become connections, and what their two sides sent, in order.
//!
//! [`Table::push`] takes each segment to its [`Connection`]; what the sides sent comes out as
//! [`StreamEvent`]s for a [`StreamReader`], one per connection, kept beside it.
//!
//! Invariants:
//! - every position of a side is delivered once, as bytes or as part of a gap, in ascending order;
//! - an event comes after everything of the other side that its sender had acknowledged;
//! - memory is bounded by [`Limits`]; reaching a bound is counted in [`Counts`].

mod connection;
mod delivery;
mod key;
mod position;
mod reassembly;
mod table;

use crate::packet::FrameRef;
pub use connection::{Acked, Connection, Half, Mark, Side, SidesBy, Start};
pub use position::StreamPos;
use std::time::Duration;
pub use table::{Counts, Table};

/// What one side of a connection sent.
#[derive(Clone, Copy, Debug)]
pub enum StreamEvent<'a> {
    /// Payload, of which the capture may hold only the beginning.
    Bytes {
        /// The sender.
        from: Side,
        /// Position of the first byte.
        pos: StreamPos,
        /// What was captured of it.
        bytes: &'a [u8],
        /// How long it was on the wire; never less than `bytes`.
        len: u32,
        /// How much of the peer's stream the sender had received; see [`Mark::ack`].
        ack: Option<StreamPos>,
        /// Nothing of it was sent before, as far as was captured. If not, `ack` may be later than
        /// what the sender knew when it first sent these bytes.
        first_copy: bool,
        /// The frame.
        frame: FrameRef,
    },
    /// Bytes that the capture does not hold, though they were sent. A gap of one position may be
    /// an uncaptured FIN.
    Gap {
        /// The sender.
        from: Side,
        /// Position of the first missing byte.
        pos: StreamPos,
        /// How many.
        len: u64,
        /// The frame that showed that they are missing.
        frame: FrameRef,
    },
    /// The sender closed its direction.
    Fin {
        /// The sender.
        from: Side,
        /// The FIN.
        mark: Mark,
    },
    /// The sender reset the connection.
    Rst {
        /// The sender.
        from: Side,
        /// The RST.
        mark: Mark,
    },
    /// Nothing more will be known of this connection.
    End,
}

/// What reads the streams of one connection. Pure: it sees events, and tells what it makes of them.
pub trait StreamReader: Default {
    /// What it makes of them.
    type Output;

    /// Which side sends payload that begins like this; `None` when it could be either.
    fn sender_of(payload: &[u8]) -> Option<Side>;

    /// Takes the next event. `out` is called with each thing it makes known.
    fn on(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Self::Output, &Connection),
    );
}

/// Bounds on what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; the one that was silent longest makes room.
    pub connections: usize,
    /// Closed connections kept for stragglers; the one closed first makes room.
    pub closed: usize,
    /// How long a closed connection is kept for stragglers.
    pub linger: Duration,
    /// Listeners remembered, to tell sides apart when a capture begins in the middle.
    pub listeners: usize,
    /// Payload bytes of one connection that wait for what is missing before them.
    pub waiting_bytes: usize,
    /// Segments of one connection that wait so.
    pub waiting_segments: usize,
    /// Payload bytes that wait in all connections.
    pub waiting_bytes_total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 65_536,
            closed: 16_384,
            linger: Duration::from_secs(60),
            listeners: 65_536,
            waiting_bytes: 1 << 20,
            waiting_segments: 1_024,
            waiting_bytes_total: 32 << 20,
        }
    }
}
