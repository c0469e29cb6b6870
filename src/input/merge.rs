//! Several sources become one stream of frames in the order of time, and each gets a viewpoint.
//!
//! Captures that follow each other (a rotated ring) are one viewpoint; captures that overlap in time
//! were taken at several.

use super::{Block, Fill, Source, SourceError};
use crate::base::time::Timestamp;
use std::ops::Range;
use std::time::Duration;

/// The last frames of one file of a ring and the first of the next may overlap so much: they pass
/// through buffers.
const RING_OVERLAP: Duration = Duration::from_millis(200);

/// What the sources bring.
pub enum Brought<'b> {
    /// Frames at these places in a block, captured at one viewpoint.
    Frames(&'b Block, Range<usize>, u32),
    /// None for a while; none is to come from before this.
    Pause(Timestamp),
}

/// A source being read.
struct Feed<'s, S> {
    source: &'s mut S,
    block: Block,
    /// The next frame in the block.
    next: usize,
}

impl<'s, S: Source> Feed<'s, S> {
    /// A source with its first frames; `None` when it has none.
    fn begin(source: &'s mut S) -> Result<Option<Self>, SourceError> {
        let mut feed = Self { source, block: Block::new(), next: 0 };
        Ok(feed.fill(&mut |_| {})?.then_some(feed))
    }

    /// Fills the block anew; `false` when the source is at its end.
    fn fill(&mut self, pause: &mut dyn FnMut(Timestamp)) -> Result<bool, SourceError> {
        self.next = 0;
        loop {
            match self.source.fill(&mut self.block)? {
                Fill::End => return Ok(false),
                Fill::Idle(now) => pause(now),
                Fill::Frames if self.block.is_empty() => {}
                Fill::Frames => return Ok(true),
            }
        }
    }

    /// When the next frame was captured.
    fn time(&self) -> Timestamp {
        self.block.time_of(self.next).unwrap_or_default()
    }

    /// When its capture begins, frames counted that a filter removed: without them a capture keeps
    /// its place among the others.
    fn due(&self) -> Timestamp {
        self.source.facts().first.unwrap_or_else(|| self.time())
    }

    /// The next frames, up to and with `limit`; the next one at least.
    fn take_until(&mut self, limit: Timestamp) -> Range<usize> {
        let begin = self.next;
        if limit == Timestamp::MAX {
            self.next = self.block.len();
            return begin..self.next;
        }
        self.next = self.next.saturating_add(1);
        while self.block.time_of(self.next).is_some_and(|at| at <= limit) {
            self.next = self.next.saturating_add(1);
        }
        begin..self.next
    }

    fn is_used_up(&self) -> bool {
        self.next >= self.block.len()
    }
}

/// Where captures are taken, one after the other.
struct Viewpoint<'s, S> {
    feed: Option<Feed<'s, S>>,
    /// The capture that is, or was last, read here.
    path: String,
}

/// Reads `sources`, given in the order of their first frames, to their ends. `take` gets what they
/// bring.
///
/// # Errors
/// When a source fails before it brought anything.
pub fn in_time<S: Source>(
    sources: &mut [S],
    take: &mut impl FnMut(Brought<'_>),
) -> Result<(), SourceError> {
    let mut viewpoints: Vec<Viewpoint<'_, S>> = Vec::new();
    let mut waiting = sources.iter_mut();
    let mut upcoming = begin_next(&mut waiting)?;
    loop {
        let times = viewpoints.iter().enumerate().filter_map(|(index, viewpoint)| {
            viewpoint.feed.as_ref().map(|feed| (feed.time(), index))
        });
        let mut times: Vec<(Timestamp, usize)> = times.collect();
        times.sort_unstable();
        let first = times.first().copied();
        // A file of a ring ends before the next one is due; one that goes on overlaps.
        let due = upcoming.as_ref().map(Feed::due);
        if let Some(due) = due
            && first.is_none_or(|(at, _)| at.since(due) > RING_OVERLAP)
        {
            if let Some(feed) = upcoming.take() {
                place(&mut viewpoints, feed);
            }
            upcoming = begin_next(&mut waiting)?;
            continue;
        }
        let Some((_, index)) = first else {
            return Ok(());
        };
        let other = times.get(1).map(|(at, _)| *at);
        // Of one among several a pause says nothing.
        let alone = other.is_none() && due.is_none();
        let latest = due.map(|due| due.plus(RING_OVERLAP));
        let limit = other.into_iter().chain(latest).min().unwrap_or(Timestamp::MAX);
        if let Some(viewpoint) = viewpoints.get_mut(index)
            && let Some(feed) = &mut viewpoint.feed
        {
            let places = feed.take_until(limit);
            let place = u32::try_from(index).unwrap_or(u32::MAX);
            take(Brought::Frames(&feed.block, places, place));
            let mut pause = |now| {
                if alone {
                    take(Brought::Pause(now));
                }
            };
            if feed.is_used_up() && !feed.fill(&mut pause)? {
                viewpoint.feed = None;
            }
        }
    }
}

/// The next source that has frames.
fn begin_next<'s, S: Source + 's>(
    waiting: &mut impl Iterator<Item = &'s mut S>,
) -> Result<Option<Feed<'s, S>>, SourceError> {
    for source in waiting {
        if let Some(feed) = Feed::begin(source)? {
            return Ok(Some(feed));
        }
    }
    Ok(None)
}

/// Gives a source the free viewpoint whose last capture has the likest name, or a new one.
fn place<'s, S: Source>(viewpoints: &mut Vec<Viewpoint<'s, S>>, feed: Feed<'s, S>) {
    let path = feed.source.facts().path.clone();
    let free = viewpoints.iter_mut().filter(|viewpoint| viewpoint.feed.is_none());
    match free.rev().max_by_key(|viewpoint| alike(&viewpoint.path, &path)) {
        Some(viewpoint) => *viewpoint = Viewpoint { feed: Some(feed), path },
        None => viewpoints.push(Viewpoint { feed: Some(feed), path }),
    }
}

/// How many bytes two names begin with alike.
fn alike(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}
