//! A part of a frame, of which the capture may have cut the end.

use super::Skip;

/// A layer's payload: what was captured of it and how long it was on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a> {
    /// The captured bytes, never more than `wire_len`.
    pub bytes: &'a [u8],
    /// Length on the wire.
    pub wire_len: u32,
}

impl<'a> Cut<'a> {
    /// What follows the first `header` bytes; `None` when the capture or the wire ends before.
    pub(super) fn after(self, header: usize) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.get(header..)?,
            wire_len: self.wire_len.checked_sub(u32::try_from(header).ok()?)?,
        })
    }

    /// No longer than `wire_len`: what a lower layer padded is cut off. A header that claims more
    /// than there was is not believed.
    pub(super) fn limited(self, wire_len: u32) -> Self {
        let wire_len = wire_len.min(self.wire_len);
        let keep = usize::try_from(wire_len).unwrap_or(usize::MAX);
        Self { bytes: self.bytes.get(..keep).unwrap_or(self.bytes), wire_len }
    }

    /// Why `header` bytes cannot be read from here: the capture cut them, or they never were.
    pub(super) fn shorter_than(self, header: usize) -> Skip {
        if usize::try_from(self.wire_len).is_ok_and(|wire| wire < header) {
            Skip::Malformed
        } else {
            Skip::Truncated
        }
    }
}
