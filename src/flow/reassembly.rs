//! Segments that wait, because something that caused them is missing.
//!
//! A segment waits for two things: the bytes of its own side before it, and the bytes of its peer
//! that it acknowledges. Delivered in that order, cause always comes before effect, whatever order
//! the frames were captured in. What is missing is
//! - repaired, when a retransmission or a frame that the capture holds later fills it;
//! - lost in the capture, when the peer has acknowledged it and it still has not come: a gap.
//!
//! The wait for frames out of order is short ([`SLACK_SEGMENTS`], [`SLACK_TIME`]), the wait for a
//! retransmission as long as memory allows.

use super::connection::Side;
use super::position::StreamPos;
use crate::packet::FrameRef;
use std::time::Duration;

/// After so many more segments of its connection, an acknowledged hole is a gap: interrupts and
/// queues reorder frames by a few places.
const SLACK_SEGMENTS: u64 = 4;
/// Or after so much time.
const SLACK_TIME: Duration = Duration::from_millis(100);

/// What matters of a segment once its numbers are positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) from: Side,
    pub(super) pos: StreamPos,
    pub(super) ack: Option<StreamPos>,
    pub(super) payload: &'a [u8],
    pub(super) payload_len: u32,
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
    /// No byte of it was sent before, as far as was captured.
    pub(super) first_copy: bool,
    pub(super) ttl: u8,
    pub(super) frame: FrameRef,
}

/// An [`Arrival`] with its payload copied.
#[derive(Debug)]
struct HeldArrival {
    arrival: Arrival<'static>,
    payload: Box<[u8]>,
    /// The connection's count of segments when it came.
    since: u64,
}

impl HeldArrival {
    fn arrival(&self) -> Arrival<'_> {
        Arrival { payload: &self.payload, ..self.arrival }
    }
}

/// The segments of one connection that wait, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    held: Vec<HeldArrival>,
    bytes: usize,
}

/// A segment taken out of [`Waiting`].
pub(super) struct Released(HeldArrival);

impl Released {
    pub(super) fn arrival(&self) -> Arrival<'_> {
        self.0.arrival()
    }
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Payload bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn hold(&mut self, arrival: &Arrival<'_>, since: u64) {
        self.bytes = self.bytes.saturating_add(arrival.payload.len());
        self.held.push(HeldArrival {
            arrival: Arrival { payload: &[], ..*arrival },
            payload: arrival.payload.into(),
            since,
        });
    }

    /// Takes out the first segment that `ready` accepts.
    pub(super) fn release(&mut self, ready: impl Fn(&Arrival<'_>) -> bool) -> Option<Released> {
        let at = self.held.iter().position(|held| ready(&held.arrival()))?;
        let held = self.held.remove(at);
        self.bytes = self.bytes.saturating_sub(held.payload.len());
        Some(Released(held))
    }

    /// Data of SYNs waits no more.
    pub(super) fn forget_syns(&mut self) {
        let bytes = &mut self.bytes;
        self.held.retain(|held| {
            if held.arrival.syn {
                *bytes = bytes.saturating_sub(held.payload.len());
            }
            !held.arrival.syn
        });
    }

    /// The guess of who is the client was wrong.
    pub(super) fn swap_sides(&mut self) {
        for held in &mut self.held {
            held.arrival.from = held.arrival.from.peer();
        }
    }

    /// The frame of the one that waits longest.
    pub(super) fn oldest(&self) -> Option<FrameRef> {
        self.held.first().map(|held| held.arrival.frame)
    }

    /// Where a hole in what `side` sent ends that begins at `from`: at its next waiting segment, or
    /// at what its peer's waiting segments acknowledge, whichever comes first. `None` when nothing
    /// waits for it, or what begins there is here and waits for something else.
    pub(super) fn end_of_hole(&self, side: Side, from: StreamPos) -> Option<StreamPos> {
        let mut end = None;
        for HeldArrival { arrival, .. } in &self.held {
            let waits_for = if arrival.from == side {
                if arrival.pos <= from {
                    return None;
                }
                Some(arrival.pos)
            } else {
                arrival.ack.filter(|ack| *ack > from)
            };
            end = match (end, waits_for) {
                (Some(end), Some(other)) => Some(std::cmp::min::<StreamPos>(end, other)),
                (end, other) => end.or(other),
            };
        }
        end
    }

    /// The oldest has waited as long as frames out of order need. `segments` is the connection's
    /// count now.
    pub(super) fn overdue(&self, segments: u64, now: FrameRef) -> bool {
        self.held.first().is_some_and(|held| {
            segments.saturating_sub(held.since) >= SLACK_SEGMENTS
                || now.at.since(held.arrival.frame.at) >= SLACK_TIME
        })
    }
}
