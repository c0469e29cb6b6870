//! Lines and exchanges, matched.
//!
//! Where a line has a key (an id that the exchange carries, or the proxy's own port), that decides. Else
//! it is target, backend, status and time. Two lines that could be of either of two exchanges stay so: a
//! line that is joined to the wrong exchange would be worse than none.

use super::clock_offset::ClockOffset;
use super::fit::is_listed;
use super::hits::{Candidates, Hit, Match};
use super::index::Index;
use super::lines::KeptLine;
use super::rivals;
use super::sharing::Sharing;
use crate::logs::LineKind;
use crate::topology::request_key::MatchedBy;
use std::collections::HashSet;
use std::time::Duration;

/// Matches lines with what they are of, each as far as it can be told. `clocks` are those of the files.
/// The lines of one request may be several: the access log's and messages of the error log.
pub(super) fn join(
    lines: &[&KeptLine],
    clocks: &[ClockOffset],
    index: &Index<'_>,
) -> Vec<Option<Match>> {
    let clock = |line: &KeptLine| ClockOffset::of(clocks, line);
    let mut open: Vec<Option<Candidates>> =
        lines.iter().map(|line| index.candidates(line, &clock(line))).collect();
    let mut matches: Vec<Option<Match>> = lines.iter().map(|_| None).collect();
    // What a key decides is decided.
    let mut taken: HashSet<(LineKind, Hit)> = HashSet::new();
    for ((line, slot), of) in lines.iter().zip(&mut open).zip(&mut matches) {
        let keyed = slot.take_if(|one| matches!(one.by, MatchedBy::Id | MatchedBy::SourcePort));
        let Some(keyed) = keyed else { continue };
        let mut found = exact(line, keyed, &clock(line), index);
        index.attach_connects(line, &mut found, &clock(line));
        if !found.ambiguous {
            taken.extend(found.hits.iter().map(|hit| (line.kind, *hit)));
        }
        *of = Some(found);
    }
    for (line, slot) in lines.iter().zip(&mut open) {
        let Some(one) = slot else { continue };
        one.hits.retain(|hit| !taken.contains(&(line.kind, *hit)));
    }
    // The others share what is left: nearest times first, as long as that decides anything.
    let mut shared = Sharing::new(lines, open);
    let mut due: Vec<usize> = (0..lines.len()).collect();
    while !due.is_empty() {
        for place in due {
            let (Some(line), Some(one)) = (lines.get(place), shared.open(place)) else { continue };
            let alone = |hit: &Hit| shared.is_alone(line.kind, *hit);
            let Some(hits) = choose(line, one, &alone, &clock(line), index) else { continue };
            let by = one.by;
            if !shared.decide(place, line.kind, &hits) {
                continue;
            }
            if let Some(slot) = matches.get_mut(place) {
                let crowd = Box::default();
                *slot = Some(Match { hits, by, ambiguous: false, crowd, outnumbered: false });
            }
        }
        due = shared.settle(lines);
    }
    for (slot, left) in matches.iter_mut().zip(shared.left()) {
        let left = left.filter(|one| !one.hits.is_empty() || one.is_crowd());
        if let Some(Candidates { by, mut hits, crowd }) = left {
            hits.sort_by_key(|hit| index.times(*hit));
            *slot = Some(Match { hits, by, ambiguous: true, crowd, outnumbered: false });
        }
    }
    rivals::mark(lines, &mut matches, index);
    matches
}

/// A line with a key: of one id there can be several attempts, on one port several requests.
fn exact(line: &KeptLine, keyed: Candidates, clock: &ClockOffset, index: &Index<'_>) -> Match {
    let Candidates { by, mut hits, crowd } = keyed;
    hits.sort_by_key(|hit| index.times(*hit));
    let ambiguous = match by {
        MatchedBy::Id => !index.is_chain(&hits),
        _ => {
            hits.sort_by_key(|hit| index.distance(line, *hit, clock));
            let distance =
                |place: usize| hits.get(place).map(|hit| index.distance(line, *hit, clock));
            match (distance(0), distance(1)) {
                (Some(first), Some(second)) => {
                    let clear = second > first.saturating_mul(2).saturating_add(line.resolution);
                    if clear {
                        hits.truncate(1);
                    }
                    !clear
                }
                _ => false,
            }
        }
    };
    Match { hits, by, ambiguous, crowd, outnumbered: false }
}

/// What a line is of, if that can be told: the only one that it can be of; attempts of which no other
/// line can be; or the one that its times point at while all others are far. Of a crowd not all are listed.
fn choose(
    line: &KeptLine,
    candidates: &Candidates,
    alone: &dyn Fn(&Hit) -> bool,
    clock: &ClockOffset,
    index: &Index<'_>,
) -> Option<Vec<Hit>> {
    let Candidates { by, hits, .. } = candidates;
    let crowd = candidates.is_crowd();
    let message = line.kind == LineKind::Message;
    let listed = is_listed(line);
    if let Some(chosen) = index.by_attempts(line, hits, clock).filter(|_| listed) {
        return Some(chosen);
    }
    let mut ranked: Vec<(Duration, Hit)> =
        hits.iter().map(|hit| (index.distance(line, *hit, clock), *hit)).collect();
    ranked.sort();
    let (first, nearest) = *ranked.first()?;
    let Some((second, _)) = ranked.get(1).copied() else {
        let repeats = message && matches!(nearest, Hit::Exchange(_));
        return ((alone(&nearest) || repeats) && !crowd).then(|| vec![nearest]);
    };
    let mut chain: Vec<Hit> = hits.to_vec();
    chain.sort_by_key(|hit| index.times(*hit));
    let unshared = hits.iter().all(alone);
    let counted = match line.tries() {
        Some(tries) => usize::try_from(tries).is_ok_and(|tries| tries >= hits.len()),
        None if line.attempts.len() > 1 => line.attempts.len() >= hits.len(),
        None => !line.was_sent_once(),
    };
    let within = line.duration.is_some() && line.about.is_none();
    let connects = chain.iter().all(|hit| matches!(hit, Hit::Connect(_)));
    // Where the log has no duration, a retry follows at once.
    let at_once = *by == MatchedBy::TargetAndTime && index.follow_at_once(&chain);
    let attempts = within || connects || at_once;
    if !message && !crowd && unshared && counted && attempts && index.is_chain(&chain) {
        return Some(chain);
    }
    // One of them fits the times well, and nothing else comes near.
    let near = clock.spread.saturating_add(line.resolution);
    let fine = line.about.is_none() && !line.floor && !listed;
    let clear = fine && first <= near && second >= near.max(first).saturating_mul(3);
    let repeats = message && matches!(nearest, Hit::Exchange(_));
    (clear && (alone(&nearest) || repeats || line.was_sent_once())).then(|| vec![nearest])
}
