//! A request that was sent again after it was lost.

use crate::packet::FrameRef;
use std::time::Duration;

/// A request as it was sent again, on another connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SentAgain {
    /// Number of the connection.
    pub connection: u64,
    /// The first frame of it.
    pub frame: FrameRef,
    /// Of its answer; `None` where there is none, or it was not read.
    pub status: Option<u16>,
    /// From the loss to the first frame.
    pub after: Duration,
}
