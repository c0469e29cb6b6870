//! When frames were lost to the watch itself, as one attempt saw it: facts, no judgement.
//!
//! What a stream of bytes lost shows by numbers, and stands with its connection. This is for what has no
//! number: an acknowledgement, a handshake, a reset, a whole connection.

/// A part of an attempt's life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stretch {
    /// From the last answer on its connection, or the connection's first frame, to the request.
    Before,
    /// From the request, or the first SYN, to the first close; to when it was judged where there is none.
    Waiting,
    /// From the first close to when it was judged.
    Closed,
    /// From the last copy of what was sent again, the last SYN among that, to the first close; to when it was
    /// judged where there is none.
    LastCopy,
    /// While the first of several SYNs waited for its answer.
    FirstTry,
}

/// In which parts of an attempt's life frames were lost, of whichever connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Losses(u8);

impl Losses {
    /// Nothing was lost, as far as is known.
    pub const NONE: Self = Self(0);

    /// Frames were lost in this part, too.
    #[must_use]
    pub const fn with(self, stretch: Stretch) -> Self {
        Self(self.0 | stretch.bit())
    }

    /// What was lost at either of two places.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Frames were lost in one of these parts.
    pub fn any(self, stretches: &[Stretch]) -> bool {
        stretches.iter().any(|stretch| self.0 & stretch.bit() != 0)
    }
}

impl Stretch {
    const fn bit(self) -> u8 {
        match self {
            Self::Before => 1,
            Self::Waiting => 2,
            Self::Closed => 4,
            Self::LastCopy => 8,
            Self::FirstTry => 16,
        }
    }
}
