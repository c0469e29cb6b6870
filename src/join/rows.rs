//! Exchanges, or connects, in rows: those of one key that are alike in all that a line says but their time.
//!
//! What a line can be of is a run of each row, however many there are: two searches find it, and lines that
//! could be of a hundred thousand take no more room than lines that could be of one.

use super::time_window::TimeWindow;
use crate::base::time::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::iter::from_fn;

/// When something began and ended.
pub(super) type Span = (Timestamp, Timestamp);

/// A part of a row, as places in the order of all rows: from the first to before the second.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct RowRun {
    pub(super) of: RowsOf,
    pub(super) from: u32,
    pub(super) to: u32,
}

impl RowRun {
    /// How many it has.
    pub(super) const fn len(&self) -> usize {
        self.to.saturating_sub(self.from) as usize
    }

    /// Nothing is in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.to <= self.from
    }
}

/// Of which rows a run is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum RowsOf {
    Exchanges,
    Connects,
}

/// A time to which rows are held, and the end of a span that is held to it.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Begin(Timestamp),
    End(Timestamp),
}

/// One place in a row.
#[derive(Clone, Copy)]
struct RowEntry {
    key: u64,
    /// Which of the likes of the key.
    like: u32,
    place: u32,
}

/// The rows.
pub(super) struct Rows {
    of: RowsOf,
    spans: Vec<Span>,
    /// In the order of key, like and begin.
    entries: Vec<RowEntry>,
    /// Places of each row, in the order of their end.
    by_end: Vec<u32>,
    /// The latest end of each `STRIDES[n]` entries.
    latest: [Vec<Timestamp>; 4],
}

/// Entries of one block, of each level.
const STRIDES: [usize; 4] = [16, 256, 4_096, 65_536];

impl Rows {
    /// Of what is at some places, each with its key and what it is like.
    pub(super) fn new<L: Hash + Eq>(
        of: RowsOf,
        spans: Vec<Span>,
        keyed: impl Iterator<Item = (u64, L, u32)>,
    ) -> Self {
        let mut likes: HashMap<L, u32> = HashMap::new();
        let mut entries: Vec<RowEntry> = keyed
            .map(|(key, like, place)| {
                let next = u32::try_from(likes.len()).unwrap_or(u32::MAX);
                RowEntry { key, like: *likes.entry(like).or_insert(next), place }
            })
            .collect();
        let span = |place: u32| spans.get(place as usize).copied().unwrap_or_default();
        entries.sort_unstable_by_key(|one| (one.key, one.like, span(one.place).0, one.place));
        let mut ends: Vec<RowEntry> = entries.clone();
        ends.sort_unstable_by_key(|one| (one.key, one.like, span(one.place).1, one.place));
        let by_end = ends.into_iter().map(|one| one.place).collect();
        let latest = STRIDES.map(|stride| {
            let blocks = entries.chunks(stride);
            let latest = |block: &[RowEntry]| block.iter().map(|one| span(one.place).1).max();
            blocks.map(|block| latest(block).unwrap_or_default()).collect()
        });
        Self { of, spans, entries, by_end, latest }
    }

    /// The rows of a key.
    pub(super) fn of_key(&self, key: u64) -> impl Iterator<Item = RowRun> {
        let mut from = self.entries.partition_point(|one| one.key < key);
        from_fn(move || {
            let first = self.entries.get(from).filter(|one| one.key == key)?;
            let rest = self.entries.get(from..)?;
            let length = rest.partition_point(|one| (one.key, one.like) <= (key, first.like));
            let run = self.run(from, from.saturating_add(length));
            from = from.saturating_add(length);
            Some(run)
        })
    }

    fn run(&self, from: usize, to: usize) -> RowRun {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        RowRun { of: self.of, from: short(from), to: short(to) }
    }

    /// The place of an entry.
    pub(super) fn place(&self, at: u32) -> Option<u32> {
        self.entries.get(at as usize).map(|one| one.place)
    }

    fn span(&self, place: u32) -> Span {
        self.spans.get(place as usize).copied().unwrap_or_default()
    }

    fn begun(&self, one: &RowEntry) -> Timestamp {
        self.span(one.place).0
    }

    /// The part of a row in which all of a window are: nothing before it, and nothing behind.
    pub(super) fn inside(&self, row: RowRun, window: &TimeWindow) -> RowRun {
        let (from, to) = (row.from as usize, row.to as usize);
        let entries = self.entries.get(from..to).unwrap_or_default();
        let end = entries.partition_point(|one| self.begun(one) <= window.to);
        let end = from.saturating_add(end);
        let first = if window.within {
            from.saturating_add(entries.partition_point(|one| self.begun(one) < window.from))
        } else {
            self.next_open(from, end, window.from).unwrap_or(end)
        };
        self.run(first, end)
    }

    /// The places of a run that a window holds, in the order of their begin.
    pub(super) fn held(&self, run: RowRun, window: &TimeWindow) -> impl Iterator<Item = u32> {
        let (mut at, to) = (run.from as usize, run.to as usize);
        let until = if window.within { Timestamp::default() } else { window.from };
        from_fn(move || {
            let found = self.next_open(at, to, until)?;
            at = found.saturating_add(1);
            self.entries.get(found).map(|one| one.place)
        })
    }

    /// The first entry that ended at a time, or later. Blocks of which all ended before are passed over.
    fn next_open(&self, from: usize, to: usize, until: Timestamp) -> Option<usize> {
        let mut at = from;
        while at < to {
            let over = |(stride, latest): &(usize, &Vec<Timestamp>)| {
                at.is_multiple_of(*stride)
                    && latest
                        .get(at.checked_div(*stride).unwrap_or(0))
                        .is_some_and(|end| *end < until)
            };
            let blocks = STRIDES.into_iter().zip(&self.latest).take_while(over);
            let step = if let Some((stride, _)) = blocks.last() {
                stride
            } else {
                let open = self.entries.get(at).is_some_and(|one| self.span(one.place).1 >= until);
                if open {
                    return Some(at);
                }
                1
            };
            at = at.saturating_add(step);
        }
        None
    }

    /// The places of a row, the nearest to a time first.
    pub(super) fn around(&self, row: RowRun, anchor: Anchor) -> impl Iterator<Item = u32> {
        let (from, to) = (row.from as usize, row.to as usize);
        let place = move |at: usize| match anchor {
            Anchor::Begin(_) => self.entries.get(at).map_or(0, |one| one.place),
            Anchor::End(_) => self.by_end.get(at).copied().unwrap_or_default(),
        };
        let far = move |at: usize| match anchor {
            Anchor::Begin(near) => self.span(place(at)).0.as_nanos().abs_diff(near.as_nanos()),
            Anchor::End(near) => self.span(place(at)).1.as_nanos().abs_diff(near.as_nanos()),
        };
        let middle = from.saturating_add(match anchor {
            Anchor::Begin(near) => self
                .entries
                .get(from..to)
                .unwrap_or_default()
                .partition_point(|one| self.begun(one) < near),
            Anchor::End(near) => self
                .by_end
                .get(from..to)
                .unwrap_or_default()
                .partition_point(|one| self.span(*one).1 < near),
        });
        let (mut left, mut right) = (middle, middle);
        from_fn(move || {
            let earlier = left.checked_sub(1).filter(|_| left > from);
            let later = Some(right).filter(|_| right < to);
            let take_earlier = match (earlier, later) {
                (Some(earlier), Some(later)) => far(earlier) <= far(later),
                (one, _) => one.is_some(),
            };
            if take_earlier {
                left = left.saturating_sub(1);
                return Some(place(left));
            }
            let found = later?;
            right = right.saturating_add(1);
            Some(place(found))
        })
    }
}
