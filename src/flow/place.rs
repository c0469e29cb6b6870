//! Where a segment belongs.

use super::connection::Side;
use super::position::StreamPos;

/// Where a segment belongs, and what its reader made of it.
#[derive(Clone, Copy, Debug)]
pub struct Place<M> {
    /// Number of its connection.
    pub connection: u64,
    /// Position of its first payload byte; `None` where no position is known yet.
    pub pos: Option<StreamPos>,
    /// The segment's sender.
    pub from: Side,
    /// What the reader says of what was delivered since it was last asked.
    pub marks: M,
}
