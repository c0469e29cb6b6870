//! How a TLS handshake failed.

use crate::flow::Side;

/// What ended a TLS handshake before anything was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandshakeEnd {
    /// A fatal alert in clear.
    Alert {
        /// Who sent it.
        by: Side,
        /// The reason, by its number (RFC 8446, section 6); `None` where it was not captured.
        description: Option<u8>,
    },
    /// An alert that is encrypted, before the handshake was done.
    SealedAlert {
        /// Who sent it.
        by: Side,
    },
    /// The backend closed without a word.
    Closed,
    /// The backend reset the connection without a word.
    Reset,
    /// Something between reset the connection.
    ResetBetween {
        /// The reset's time to live.
        ttl: u8,
        /// That of all else from the side that it seems to come from.
        usual: u8,
    },
    /// The proxy's hello was sent again and again, and nobody acknowledged it.
    Vanished {
        /// How often it was sent.
        copies: u32,
    },
    /// The backend was silent until the proxy gave up.
    Silence,
}
