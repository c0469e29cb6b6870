//! What is wrong with an answer that the proxy did not take.

use crate::exchange::{Flaw, Protocol};

/// Why the proxy did not take an answer in its own protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejected {
    /// The answer is malformed.
    Malformed(Flaw),
    /// The answer's head is longer than many proxies take.
    LargeHead {
        /// Bytes of the head, as far as they were sent.
        bytes: u64,
    },
}

/// How the two sides misread each other's protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misread {
    /// One was asked for in one protocol, and answered in another.
    Protocols {
        /// The proxy's protocol.
        asked: Protocol,
        /// The backend's protocol.
        answered: Protocol,
    },
    /// An answer of the other protocol stands where one of HTTP/1 should.
    Answer(Flaw),
    /// The backend took a header of the PROXY protocol for a bad request.
    ProxyHeader {
        /// Of the header.
        version: u8,
    },
}
