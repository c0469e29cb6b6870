//! Where a segment belongs.

use super::connection::Side;
use super::heads::Heads;
use super::position::StreamPos;

/// Where a segment belongs, and what its reader made of it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Number of its connection.
    pub connection: u64,
    /// Position of its first payload byte; `None` where no position is known yet.
    pub pos: Option<StreamPos>,
    /// The segment's sender.
    pub from: Side,
    /// Heads that the reader met in what was delivered since it was last asked.
    pub heads: Heads,
}
