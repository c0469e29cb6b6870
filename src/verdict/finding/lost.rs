//! What vanished on the way.

/// What vanished, and how often it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vanished {
    /// Of which kind.
    pub form: Drop,
    /// Times that it was sent; 0 where none of it was captured.
    pub copies: u32,
}

/// How something vanished.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Drop {
    /// The request was repeated and never acknowledged, or far too late.
    Request,
    /// The request was answered by a reset without ACK flag: the other end, or something between, no
    /// longer knows the connection.
    Forgotten,
    /// The answer was never acknowledged.
    Answer,
    /// A part of the answer was acknowledged, and what followed never was.
    Rest {
        /// The segment that was repeated had so many bytes, and smaller ones of the same answer arrived.
        size: Option<u32>,
    },
}

impl Drop {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request_unacknowledged",
            Self::Forgotten => "forgotten",
            Self::Answer => "answer_unacknowledged",
            Self::Rest { .. } => "rest_unacknowledged",
        }
    }
}
