//! Segments become connections, and what their two sides sent, in order.
//!
//! [`Table::push`] takes each segment to its [`Connection`]; what the sides sent comes out as
//! [`StreamEvent`]s for a [`StreamReader`], one per connection, kept beside it.
//!
//! Invariants:
//! - every position of a side is delivered once, as bytes or as part of a gap, in ascending order;
//! - an event comes after everything of the other side that its sender had acknowledged;
//! - memory is bounded by [`Limits`]; reaching a bound is counted in [`Counts`].

mod alias;
mod arrival;
mod belief;
mod challenge;
mod clock;
mod connection;
mod counts;
mod delivery;
mod duplicate;
mod expiry;
mod handshake;
mod key;
mod leg;
mod listeners;
mod neighbours;
mod place;
mod position;
mod reassembly;
mod round_trip;
mod table;
mod twin;
mod used;

use crate::packet::FrameRef;
pub use connection::{Acked, Alias, Connection, Half, Hole, Mark, Side, SidesBy, Start, Twin};
pub use counts::Counts;
use expiry::LifeStage;
pub use leg::Leg;
pub use neighbours::UnansweredNeighbour;
pub use place::Place;
pub use position::StreamPos;
pub use round_trip::{TELLING, is_round_trip};
use std::time::Duration;
pub use table::Table;

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
        /// How much of the peer's stream the sender had received; see `Mark::ack`.
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
    /// One side reset the connection: the connection knows which, and with which segment.
    Rst,
    /// The client has closed, and for a while nothing came: what is outstanding may stay so, or be answered
    /// yet. Comes at most once.
    Quiet,
    /// Nothing more is to come but stragglers: what is outstanding stays so. Comes once.
    Settled,
    /// Nothing more will be known of this connection. Comes last, after [`Self::Settled`].
    End,
}

/// What reads the streams of one connection. Pure: it sees events, and tells what it makes of them.
pub trait StreamReader: Default {
    /// What it makes of them.
    type Output;

    /// What it says of the bytes that it has read, for whoever keeps frames.
    type Marks: Default;

    /// What somebody who is no part of a connection may tell of it.
    type Word;

    /// Which side sends payload that begins like this; `None` when it could be either.
    fn sender_of(payload: &[u8]) -> Option<Side>;

    /// Takes the next event. `out` is called with each thing it makes known.
    fn on(
        &mut self,
        event: StreamEvent<'_>,
        connection: &Connection,
        out: &mut impl FnMut(Self::Output, &Connection),
    );

    /// Somebody may tell something of its connection: what needs it may wait for it.
    fn expect_words(&mut self) {}

    /// Takes what is told of its connection; returns whether it is of this connection, and of use now or never. What is
    /// of none may be told again.
    fn hear(
        &mut self,
        _word: &Self::Word,
        _connection: &Connection,
        _out: &mut impl FnMut(Self::Output, &Connection),
    ) -> bool {
        true
    }

    /// Bytes that it takes to let things wait for words.
    fn waiting_bytes(&self) -> usize {
        0
    }

    /// What it says of what one side sent, as far as it has read it since it was last asked.
    fn take_marks(&mut self, _from: Side) -> Self::Marks {
        Self::Marks::default()
    }
}

/// Bounds on what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; the one that was silent longest makes room.
    pub connections: usize,
    /// Closed connections kept for stragglers; the one closed first makes room.
    pub closed: usize,
    /// How long a closed connection must be silent before it is judged.
    pub settle: Duration,
    /// How long a closed connection is kept for stragglers.
    pub linger: Duration,
    /// How long a connection that only one side has closed may be silent: the other may answer as late as
    /// on any.
    pub closing: Duration,
    /// How long one that the client has closed must be silent before its reader is told
    /// (`StreamEvent::Quiet`), where somebody waits for the answer; `None` waits for its end.
    pub quiet: Option<Duration>,
    /// How long SYNs may go without an answer: Linux gives up after 127 s.
    pub opening: Duration,
    /// How long one SYN may go without another before the connect counts as given up, and more the
    /// longer it was tried; `None` waits for the whole of `opening`: nobody is in a hurry.
    pub first_syn_wait: Option<Duration>,
    /// A closed connection ends when it is judged, not when its stragglers have been waited for: what it
    /// was is told at once, and the stragglers are counted nowhere.
    pub end_when_judged: bool,
    /// Somebody may tell what connections say ([`StreamReader::hear`]).
    pub words: bool,
    /// How long an open connection may be silent. Envoy's pools keep one for an hour.
    pub open: Duration,
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
            settle: Duration::from_secs(1),
            linger: Duration::from_secs(60),
            closing: Duration::from_secs(2 * 60 * 60),
            quiet: None,
            opening: Duration::from_secs(130),
            first_syn_wait: None,
            end_when_judged: false,
            words: false,
            open: Duration::from_secs(2 * 60 * 60),
            listeners: 65_536,
            waiting_bytes: 1 << 20,
            waiting_segments: 1_024,
            waiting_bytes_total: 32 << 20,
        }
    }
}

impl Limits {
    fn patience(&self, stage: LifeStage) -> Duration {
        match stage {
            LifeStage::Opening => self.opening,
            LifeStage::Open => self.open,
            LifeStage::Left => self.quiet.unwrap_or(self.closing),
            LifeStage::Closing => self.closing,
            LifeStage::Closed => self.settle,
            LifeStage::Settled => self.linger,
        }
    }
}
