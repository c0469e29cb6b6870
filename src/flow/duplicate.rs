//! One segment captured several times: on several interfaces of a host, or by a mirror twice.
//!
//! Every transmission of a segment has its own IPv4 identification. Where there is none (IPv6, some
//! resets and handshakes), copies are told by time: they are microseconds apart, and no sender
//! repeats itself so soon.

use crate::base::time::Timestamp;
use crate::packet::{Flags, Segment, SeqNum};
use std::time::Duration;

/// Copies with the same identification are no further apart: a bridge, a queue, a second host.
const SAME_ID: Duration = Duration::from_millis(100);
/// Copies without one.
const NO_ID: Duration = Duration::from_millis(1);
/// So many segments of a side may lie between two copies of one.
const REMEMBERED: usize = 4;

/// The last segments of one side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent {
    seen: [Print; REMEMBERED],
    /// Which of them is the oldest.
    oldest: u8,
}

/// What tells a segment from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Print {
    seq: u32,
    ack: u32,
    len: u32,
    ip_id: u16,
    /// A new window is news.
    window: u16,
    flags: u8,
    at: Timestamp,
}

impl Recent {
    /// Whether this is another copy of a segment seen just before; if not, it is remembered.
    pub(super) fn is_copy(&mut self, segment: &Segment<'_>) -> bool {
        let print = Print::of(segment);
        let copy = self.has(print);
        if !copy && let Some(place) = self.seen.get_mut(usize::from(self.oldest)) {
            *place = print;
            let next = usize::from(self.oldest).saturating_add(1);
            self.oldest = u8::try_from(next).ok().filter(|_| next < REMEMBERED).unwrap_or(0);
        }
        copy
    }

    /// Whether this is another copy of a segment seen just before.
    pub(super) fn holds(&self, segment: &Segment<'_>) -> bool {
        self.has(Print::of(segment))
    }

    fn has(&self, print: Print) -> bool {
        let near = if print.ip_id == 0 { NO_ID } else { SAME_ID };
        self.seen
            .iter()
            .any(|seen| Print { at: print.at, ..*seen } == print && seen.apart(print.at) < near)
    }

    /// The identifications of SYNs with this number, no further than `near` from this time.
    pub(super) fn syns(
        &self,
        seq: SeqNum,
        at: Timestamp,
        near: Duration,
    ) -> impl Iterator<Item = u16> {
        let syn = |flags: u8| Flags(flags).syn() && !Flags(flags).ack();
        self.seen
            .iter()
            .filter(move |seen| syn(seen.flags) && seen.seq == seq.0 && seen.apart(at) < near)
            .map(|seen| seen.ip_id)
    }
}

impl Print {
    fn of(segment: &Segment<'_>) -> Self {
        Self {
            seq: segment.seq.0,
            ack: segment.ack.0,
            len: segment.payload_len,
            ip_id: segment.ip_id,
            window: segment.window,
            flags: segment.flags.0,
            at: segment.frame.at,
        }
    }

    /// How far from this time it was captured: copies may be captured in any order.
    fn apart(&self, at: Timestamp) -> Duration {
        at.since(self.at).max(self.at.since(at))
    }
}
