//! The text of TLS connections, where somebody who has it tells: programs of this host, as they give it to OpenSSL
//! ([`Spoken`]); a file of keys would be another such source.
//!
//! Told is which numbers on the wire of one direction hold which text. TCP sees the wire as it is; its records are
//! read by [`crate::streams::tls`]; and [`TextStream`] stands behind both: the pieces of records wait in it, in the
//! order in which they came, until it is told what they say. Text keeps the positions of the wire, for each byte the
//! one that its ciphertext has, counted from the end of what was told at once: a seal of 16 bytes or so comes behind
//! it, while all else, headers, tickets, the rest of a handshake, comes before; and not before all of the ciphertext
//! has arrived can the last of it be read. So what is acknowledged of a message on the wire is acknowledged of its
//! text.
//!
//! What nobody told is never made up: a connection of which nothing is told in time, and the rest of one of which
//! something is missing, is what it is on the wire, records ([`TextStep::ByRecords`]).
//!
//! Either end may tell. The sender's word is taken before the receiver's: it says exactly where its text
//! lies, while the receiver may have taken more from the wire than the text it returned.

mod early;
mod spoken;
mod stream;
mod text_map;
mod word;

pub use early::{EarlyWords, WordEnds};
pub use spoken::{Spoken, TextOrigin};
pub use stream::{Between, Moment, TextStep, TextStream, WaitingMoment};
pub use word::{SaidWord, Word};

/// What became of the TLS connections of which something was to be told. All of it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TlsCounts {
    /// TLS connections that were read in clear.
    pub read: u64,
    /// TLS connections of which nothing was told.
    pub unread: u64,
    /// Places in those that were read from which on text is missing, so that they were followed by their records.
    pub unexplained: u64,
    /// Words that were lost on their way here.
    pub lost: u64,
}
