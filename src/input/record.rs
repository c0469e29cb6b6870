//! A record of a capture file: what its container says of it.

use crate::base::time::Timestamp;
use crate::packet::LinkType;

/// The longest record that is believed. tcpdump's own limit is 256 KiB; offloads do not reach far
/// beyond. A file that claims more is damaged, and must not make us ask for gigabytes.
pub(super) const MAX_RECORD: usize = 16 << 20;

/// What a container's parser says of the bytes at one place.
pub(super) enum Step {
    /// A frame: its bytes at `start..end` from here; the record ends at `used`.
    Frame {
        /// When it was captured.
        at: Timestamp,
        /// What it begins with.
        link: LinkType,
        /// Length of the frame on the wire.
        wire_len: u32,
        /// First byte of the frame.
        start: usize,
        /// One past its last.
        end: usize,
        /// Where the next record begins.
        used: usize,
    },
    /// Something without a frame, up to `used`.
    Other {
        /// Where the next record begins.
        used: usize,
    },
    /// The record needs so many bytes in all.
    Short {
        /// Length of the record, as far as it is known.
        need: usize,
    },
    /// What is here cannot be; said without place, which the caller knows.
    Bad(String),
}
