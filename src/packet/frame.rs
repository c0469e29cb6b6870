//! A captured frame, and its name.

use super::LinkType;
use crate::base::time::Timestamp;

/// Names one frame of one capture: the currency of evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameRef {
    /// Which of the given captures, from 0.
    pub capture: u32,
    /// Counts from 1 in its capture, as Wireshark shows it.
    pub number: u64,
    /// When it was captured.
    pub at: Timestamp,
}

/// What the capture holds: bytes that begin with the link-layer header.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The frame's name.
    pub reference: FrameRef,
    /// What the bytes begin with.
    pub link: LinkType,
    /// Length on the wire, which the capture may have cut.
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
}
