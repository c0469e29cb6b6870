//! The frames that show what happened.

use crate::facts::closing::{CloseKind, Closing};
use crate::flow::Side;
use crate::packet::FrameRef;

/// A frame, and what it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The frame.
    pub frame: FrameRef,
    /// What it shows.
    pub shows: Shows,
}

impl Evidence {
    /// A close.
    pub(super) const fn of_close(closing: &Closing) -> Self {
        let shows = match closing.kind {
            CloseKind::Fin => Shows::Fin(closing.by),
            CloseKind::Rst => Shows::Rst(closing.by),
        };
        Self { frame: closing.mark.frame, shows }
    }
}

/// What a frame shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// The proxy asks for a connection.
    Syn,
    /// Somebody says that it cannot be delivered.
    Unreachable,
    /// The proxy's host asks who has the backend's address.
    NeighbourAsked,
    /// The proxy's host asks for the backend's address for the last time.
    NeighbourAskedLast,
    /// The proxy asks for a connection for the last time.
    LastSyn,
    /// The backend's SYN+ACK again, though the proxy had answered it.
    SynAckAgain,
    /// What was sent last, for the last time.
    Repeated(Side),
    /// From here on the backend reads no more.
    ZeroWindow,
    /// The client of the front leg left.
    ClientLeft,
    /// The first of an answer.
    Answer,
    /// The last frame of an answer, after which the connection was idle.
    LastAnswer,
    /// The request begins.
    Request,
    /// The request ends.
    RequestEnd,
    /// The proxy begins a TLS handshake.
    ClientHello,
    /// A side breaks a TLS handshake off.
    Alert(Side),
    /// The last that came of the response.
    ResponseCut,
    /// A side closed.
    Fin(Side),
    /// A side reset.
    Rst(Side),
}
