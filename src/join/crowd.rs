//! Lines that could be of very many exchanges: the candidates of all lines together stay few, and what is
//! said of a line stays what it was: ambiguous, unless its times point at one and all others are far.

use super::candidates::MAX_ATTEMPTS;
use super::clock_offset::ClockOffset;
use super::hits::Hit;
use super::index::Index;
use super::lines::KeptLine;
use crate::topology::request_key::MatchedBy;
use std::collections::HashSet;

/// Candidates of one line, and how they were found.
pub(super) type Candidates = Option<(MatchedBy, Vec<Hit>)>;

/// The candidates of each line, and the lines that have too many: the nearest of theirs are kept, as what
/// they may be of.
pub(super) fn candidates(
    lines: &[&KeptLine],
    clock: &dyn Fn(&KeptLine) -> ClockOffset,
    index: &Index<'_>,
) -> (Vec<Candidates>, HashSet<usize>) {
    let mut open: Vec<Candidates> = Vec::with_capacity(lines.len());
    let mut crowded = HashSet::new();
    let mut before: Option<(&KeptLine, bool)> = None;
    for (place, line) in lines.iter().enumerate() {
        let alike = before.filter(|(before, _)| before.is_asked_like(line));
        let crowd = if let Some((_, crowd)) = alike {
            open.push(open.last().cloned().flatten());
            crowd
        } else {
            let mut found = index.candidates(line, &clock(line));
            let without_key = |by: MatchedBy| !matches!(by, MatchedBy::Id | MatchedBy::SourcePort);
            let crowd = found.as_mut().is_some_and(|(by, hits)| {
                let crowd = without_key(*by) && hits.len() > MAX_ATTEMPTS;
                if crowd {
                    hits.sort_by_cached_key(|hit| (index.distance(line, *hit, &clock(line)), *hit));
                    hits.truncate(MAX_ATTEMPTS);
                    hits.shrink_to_fit();
                }
                crowd
            });
            open.push(found);
            crowd
        };
        if crowd {
            crowded.insert(place);
        }
        before = Some((line, crowd));
    }
    (open, crowded)
}
