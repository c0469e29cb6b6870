//! What turns show of an exchange, and of a connection.

use super::KnownProtocol;
use crate::packet::FrameRef;

/// What is known of an exchange that is framed by turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Turns {
    /// The two sides speak at the same time, or may by what they agreed on: whether something was answered does
    /// not show.
    pub overlapping: bool,
    /// No byte of what the client said was captured.
    pub unseen: bool,
    /// All that came for an answer may be no more than what TLS sends by itself (session tickets).
    pub perhaps_unanswered: bool,
    /// The server announced that it would close (close_notify, or what looks like it), with this frame, and the
    /// client did not know when it asked.
    pub notice: Option<FrameRef>,
    /// The server's last record is not whole: what it was saying was cut off.
    pub cut: bool,
    /// What is spoken, as far as the connection shows it.
    pub spoken: Option<KnownProtocol>,
    /// Nothing before this turn was captured: what is taken for a request may be the middle of one.
    pub in_the_middle: bool,
}

/// What the turns of a connection came to at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TurnsEnded {
    /// Exchanges made known.
    pub exchanges: u32,
    /// The frame after which nothing was outstanding, if nothing is.
    pub quiet_since: Option<FrameRef>,
    /// Both sides spoke at the same time, or may have: most of it could not be judged.
    pub overlapping: bool,
    /// What was spoken, as far as that shows.
    pub spoken: Option<KnownProtocol>,
}
