//! The last frames of each connection, in bounded memory: what will be evidence should it fail.
//!
//! Of a connection the first frames stay (its handshake), and the last ones, so that a close that came
//! before a long silence is still there. When memory is full, the connections that were silent longest
//! lose theirs, an eighth of all at once.

use super::redact::Redacted;
use crate::base::time::Timestamp;
use crate::flow::Side;
use crate::packet::{FrameRef, LinkType};
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Frames at the beginning of a connection that stay: its handshake.
const FIRST: usize = 3;
/// Frames kept of a connection besides.
const LAST: usize = 64;
/// Bytes kept of a connection besides.
const LAST_BYTES: usize = 64 << 10;
/// What the books on a frame cost, counted with its bytes.
const BOOKS: usize = 48;
/// What the books on a connection cost.
const LANE: usize = 256;
/// So long after a connection was closed it is still told to have failed.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// The last frames of every connection.
#[derive(Debug)]
pub(super) struct LastFrames {
    lanes: HashMap<u64, Lane, RandomState>,
    /// Connections that were closed, and when.
    closed: VecDeque<(Timestamp, u64)>,
    bytes: usize,
    bound: usize,
    /// Connections whose frames were given up.
    pub(super) forgotten: u64,
}

/// The frames of one connection.
#[derive(Debug, Default)]
struct Lane {
    first: Vec<Kept>,
    last: VecDeque<Kept>,
    last_bytes: usize,
    touched: Timestamp,
    /// The client's direction, the server's.
    ended: (bool, bool),
}

/// A frame, copied.
#[derive(Debug)]
struct Kept {
    reference: FrameRef,
    link: LinkType,
    wire_len: u32,
    bytes: Box<[u8]>,
}

impl Kept {
    fn cost(&self) -> usize {
        self.bytes.len().saturating_add(BOOKS)
    }

    fn as_frame(&self) -> Redacted<'_> {
        let Self { reference, link, wire_len, .. } = *self;
        Redacted { reference, link, wire_len, bytes: &self.bytes }
    }
}

impl LastFrames {
    /// Nothing yet, and never more than `bound` bytes.
    pub(super) fn new(bound: usize) -> Self {
        Self { lanes: HashMap::default(), closed: VecDeque::new(), bytes: 0, bound, forgotten: 0 }
    }

    /// Keeps a frame of a connection. `ends` are the sides whose directions it ends.
    pub(super) fn note(&mut self, frame: &Redacted<'_>, connection: u64, ends: &[Side]) {
        let now = frame.reference.at;
        self.let_go(now);
        let Redacted { reference, link, wire_len, bytes } = *frame;
        let kept = Kept { reference, link, wire_len, bytes: bytes.into() };
        let lane = self.lanes.entry(connection).or_insert_with(|| {
            self.bytes = self.bytes.saturating_add(LANE);
            Lane::default()
        });
        lane.touched = now;
        let before = lane.ended;
        for side in ends {
            match side {
                Side::Client => lane.ended.0 = true,
                Side::Server => lane.ended.1 = true,
            }
        }
        if lane.ended == (true, true) && before != lane.ended {
            self.closed.push_back((now, connection));
        }
        self.bytes = self.bytes.saturating_add(kept.cost());
        if lane.first.len() < FIRST {
            lane.first.push(kept);
        } else {
            lane.last_bytes = lane.last_bytes.saturating_add(kept.cost());
            lane.last.push_back(kept);
            while lane.last.len() > LAST || lane.last_bytes > LAST_BYTES && lane.last.len() > 1 {
                let Some(oldest) = lane.last.pop_front() else { break };
                lane.last_bytes = lane.last_bytes.saturating_sub(oldest.cost());
                self.bytes = self.bytes.saturating_sub(oldest.cost());
            }
        }
        if self.bytes > self.bound {
            self.make_room();
        }
    }

    /// The frames kept of a connection, in order.
    pub(super) fn of(&self, connection: u64) -> impl Iterator<Item = Redacted<'_>> {
        let lane = self.lanes.get(&connection).into_iter();
        lane.flat_map(|lane| lane.first.iter().chain(&lane.last)).map(Kept::as_frame)
    }

    /// Closed connections are told to have failed soon, or not at all.
    fn let_go(&mut self, now: Timestamp) {
        while let Some((at, connection)) = self.closed.front().copied()
            && now.since(at) > AFTERWARDS
        {
            self.closed.pop_front();
            self.drop_lane(connection);
        }
    }

    fn drop_lane(&mut self, connection: u64) {
        if let Some(lane) = self.lanes.remove(&connection) {
            let frames = lane
                .first
                .iter()
                .fold(lane.last_bytes, |sum, kept| sum.saturating_add(kept.cost()));
            self.bytes = self.bytes.saturating_sub(frames.saturating_add(LANE));
        }
    }

    /// Gives up the eighth of all connections that was silent longest.
    fn make_room(&mut self) {
        let mut oldest: Vec<(Timestamp, u64)> =
            self.lanes.iter().map(|(connection, lane)| (lane.touched, *connection)).collect();
        let eighth = oldest.len().div_ceil(8);
        if eighth < oldest.len() {
            oldest.select_nth_unstable(eighth);
        }
        for (_, connection) in oldest.into_iter().take(eighth) {
            self.drop_lane(connection);
            self.forgotten = self.forgotten.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(recent: &mut LastFrames, number: u64, second: u64, connection: u64, closes: bool) {
        let at = Timestamp::from_nanos(second * 1_000_000_000);
        let reference = FrameRef { capture: 0, number, at };
        let frame =
            Redacted { reference, link: LinkType::ETHERNET, wire_len: 100, bytes: &[0; 100] };
        let ends = if closes { &[Side::Client, Side::Server][..] } else { &[] };
        recent.note(&frame, connection, ends);
    }

    fn numbers(recent: &LastFrames, connection: u64) -> Vec<u64> {
        recent.of(connection).map(|frame| frame.reference.number).collect()
    }

    #[test]
    fn of_a_connection_its_first_and_its_last_frames_are_kept() {
        let mut recent = LastFrames::new(1 << 20);
        for number in 1..=500 {
            note(&mut recent, number, number, 7, false);
        }
        let kept = numbers(&recent, 7);
        assert_eq!(kept[..4], [1, 2, 3, 437]);
        assert_eq!((kept.len(), kept.last()), (67, Some(&500)));
    }

    #[test]
    fn memory_stays_within_its_bound_and_the_silent_make_room() {
        let mut recent = LastFrames::new(64 << 10);
        for number in 1..=10_000 {
            note(&mut recent, number, number, number, false);
            assert!(recent.bytes <= 64 << 10);
        }
        assert!(recent.forgotten > 9_000);
        assert_eq!(numbers(&recent, 10_000), [10_000]);
        assert!(numbers(&recent, 1).is_empty());
    }

    #[test]
    fn a_closed_connection_is_let_go_after_a_while_and_its_memory_with_it() {
        let mut recent = LastFrames::new(1 << 20);
        note(&mut recent, 1, 1, 1, false);
        note(&mut recent, 2, 1, 1, true);
        note(&mut recent, 3, 3, 2, false);
        assert_eq!(numbers(&recent, 1), [1, 2], "it may be told to have failed");
        note(&mut recent, 4, 9, 2, false);
        assert!(numbers(&recent, 1).is_empty());
        recent.drop_lane(2);
        assert_eq!(recent.bytes, 0);
    }
}
