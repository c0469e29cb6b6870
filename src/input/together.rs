//! Which captures belong together. Those that follow each other closely are one row of files, a ring;
//! those of the same time are several views, of the same connections or of a proxy's two legs; those that
//! show the same connections belong together whatever is between. Any others have stories of their own: in
//! one, idle gaps and restarts would be made up between them.

use super::{Block, Fill, Savefile, Source, SourceError};
use crate::base::time::Timestamp;
use crate::packet::{self, Endpoint, Segment};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// The next file of a ring begins with the next frame: on a quiet host it is so long to come.
const CLOSELY: Duration = Duration::from_secs(60);
/// Connections of a capture that are looked for in others.
const CONNECTIONS: usize = 1 << 17;
/// Sequence numbers so far apart are of one connection: frames are missing between.
const NEAR: u32 = 1 << 24;

/// The captures, by their places, that belong together: each group in the order of first frames, and so
/// are the groups. `open` opens the one at a place, as often as it takes.
///
/// # Errors
/// When one cannot be opened.
pub fn groups(
    count: usize,
    open: &mut dyn FnMut(usize) -> Result<Savefile, SourceError>,
) -> Result<Vec<Vec<usize>>, SourceError> {
    let mut spans = Vec::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for place in 0..count {
        match span(open(place)?) {
            Some((first, last)) => spans.push((first, last, place)),
            // Without any frame it has no story: that it has none is said beside the others.
            None => groups.push(vec![place]),
        }
    }
    spans.sort_unstable();
    let mut known: HashMap<usize, Connections> = HashMap::new();
    let empty = std::mem::take(&mut groups);
    let mut ends: Vec<Vec<(Timestamp, usize)>> = Vec::new();
    for (first, last, place) in spans {
        // All that it belongs to become one.
        let mut own = (Vec::new(), Vec::new());
        let mut others = (Vec::new(), Vec::new());
        for (group, ends) in groups.into_iter().zip(ends) {
            let belongs = ends.iter().any(|(end, _)| follows(*end, first))
                || shares(&ends, place, &mut known, open)?;
            let to = if belongs { &mut own } else { &mut others };
            to.0.push(group);
            to.1.push(ends);
        }
        let mut joined: Vec<usize> = own.0.concat();
        joined.push(place);
        let mut joined_ends: Vec<(Timestamp, usize)> = own.1.concat();
        joined_ends.push((last, place));
        (groups, ends) = others;
        groups.push(joined);
        ends.push(joined_ends);
    }
    match groups.first_mut() {
        Some(first) => first.extend(empty.into_iter().flatten()),
        None => groups = empty,
    }
    Ok(groups)
}

/// When its frames were captured: the first and the last.
fn span(mut capture: Savefile) -> Option<(Timestamp, Timestamp)> {
    let mut block = Block::new();
    // What cannot be read is told when it is read for its story.
    while !matches!(capture.fill(&mut block), Ok(Fill::End) | Err(_)) {}
    let facts = capture.facts();
    facts.first.zip(facts.last)
}

/// What begins `then` goes on with what ended at `end`, or began before that.
fn follows(end: Timestamp, then: Timestamp) -> bool {
    then.since(end) <= CLOSELY
}

/// The capture at `place` shows a connection that the one before it shows too.
fn shares(
    others: &[(Timestamp, usize)],
    place: usize,
    known: &mut HashMap<usize, Connections>,
    open: &mut dyn FnMut(usize) -> Result<Savefile, SourceError>,
) -> Result<bool, SourceError> {
    // What goes on over a pause goes on from the capture before it.
    let latest = others.iter().map(|(end, _)| *end).max();
    let near = others.iter().filter(|(end, _)| Some(*end) == latest);
    for (_, other) in near {
        if !known.contains_key(other) {
            // Memory for two captures is enough: others are read again.
            known.clear();
            let mut connections = Connections::default();
            each_segment(open(*other)?, &mut |segment| {
                connections.note(segment);
                true
            });
            known.insert(*other, connections);
        }
        let Some(connections) = known.get(other) else { continue };
        let mut shared = false;
        each_segment(open(place)?, &mut |segment| {
            shared = connections.has(segment);
            !shared
        });
        if shared {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Hands on the segments of a capture, until `take` has enough.
fn each_segment(mut capture: Savefile, take: &mut impl FnMut(&Segment<'_>) -> bool) {
    let mut block = Block::new();
    while let Ok(Fill::Frames) = capture.fill(&mut block) {
        for frame in block.frames(0..block.len()) {
            if packet::decode(&frame).is_ok_and(|segment| !take(&segment)) {
                return;
            }
        }
    }
}

/// The connections of a capture, as far as another one can show them too.
#[derive(Default)]
struct Connections {
    /// What each end has sent: the first and the last sequence number.
    sent: HashMap<(Endpoint, Endpoint), (u32, u32)>,
    /// Numbers of both sides as they were agreed on: address translation leaves them alone.
    agreed: HashSet<(u32, u32)>,
}

impl Connections {
    fn note(&mut self, segment: &Segment<'_>) {
        let ends = (segment.src, segment.dst);
        if let Some((first, last)) = self.sent.get_mut(&ends) {
            if segment.flags.syn() {
                // The same ports again: what was before is over.
                *first = segment.seq.0;
            }
            *last = segment.seq.0;
        } else if self.sent.len() < CONNECTIONS {
            self.sent.insert(ends, (segment.seq.0, segment.seq.0));
        }
        if segment.flags.syn() && segment.flags.ack() && self.agreed.len() < CONNECTIONS {
            self.agreed.insert((segment.seq.0, segment.ack.0));
        }
    }

    /// A segment of one of them, or the next of one.
    fn has(&self, segment: &Segment<'_>) -> bool {
        if segment.flags.syn() {
            return segment.flags.ack() && self.agreed.contains(&(segment.seq.0, segment.ack.0));
        }
        let near = |ends: (Endpoint, Endpoint), number: u32| {
            self.sent.get(&ends).is_some_and(|(first, last)| {
                let from = first.wrapping_sub(NEAR);
                let reach = last.wrapping_sub(from).saturating_add(NEAR);
                number.wrapping_sub(from) <= reach
            })
        };
        // Ports come again after hours, the numbers of both sides hardly ever.
        near((segment.src, segment.dst), segment.seq.0)
            && segment.flags.ack()
            && near((segment.dst, segment.src), segment.ack.0)
    }
}
