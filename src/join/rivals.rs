//! More lines than there are exchanges for them: a log may hold twenty lines where the capture holds one
//! exchange like them. One of them is of it, and which one does not show.

use super::hits::{Hit, Match};
use super::index::Index;
use super::lines::KeptLine;
use super::rows::RowsOf;
use crate::logs::LineKind;
use std::collections::HashMap;

/// What lines can be of, in groups: what one line can be of belongs together. Each points at another of its
/// group, or at itself.
#[derive(Default)]
struct Groups(HashMap<(LineKind, Hit), (LineKind, Hit)>);

impl Groups {
    /// Which of its group stands for `one`. The way there is made short, for a chain can be long.
    fn root(&mut self, one: (LineKind, Hit)) -> (LineKind, Hit) {
        let mut root = one;
        while let Some(next) = self.0.get(&root).filter(|next| **next != root) {
            root = *next;
        }
        let mut at = one;
        while at != root {
            let Some(next) = self.0.insert(at, root) else { break };
            at = next;
        }
        root
    }

    fn join(&mut self, one: (LineKind, Hit), other: (LineKind, Hit)) {
        let (one, other) = (self.root(one), self.root(other));
        self.0.insert(one, one);
        self.0.insert(other, one);
    }
}

/// Which entries of the rows are of one group with the next one, so that each is looked at once however many
/// runs hold it: each points at one behind it, or at itself.
#[derive(Default)]
struct Joints(HashMap<(LineKind, RowsOf, u32), u32>);

impl Joints {
    /// The first entry from `at` on that is not joined to the next one.
    fn open(&mut self, kind: LineKind, of: RowsOf, at: u32) -> u32 {
        let mut open = at;
        while let Some(next) = self.0.get(&(kind, of, open)) {
            open = *next;
        }
        let mut one = at;
        while one != open {
            let Some(next) = self.0.insert((kind, of, one), open) else { break };
            one = next;
        }
        open
    }
}

/// What belongs together of all that lines can be of.
fn groups(lines: &[&KeptLine], matches: &[Option<Match>], index: &Index<'_>) -> Groups {
    let mut groups = Groups::default();
    let mut joints = Joints::default();
    let open = |found: &Option<Match>| found.as_ref().is_some_and(|one| one.ambiguous);
    for (line, found) in lines.iter().zip(matches.iter()).filter(|(_, found)| open(found)) {
        let Some(found) = found else { continue };
        let Some(first) = first_of(line, found, index) else { continue };
        for hit in &found.hits {
            groups.join(first, (line.kind, *hit));
        }
        for run in &found.crowd {
            let entry = |at: u32| Some((line.kind, index.entry(run.of, at)?));
            if let Some(begin) = entry(run.from) {
                groups.join(first, begin);
            }
            let mut at = joints.open(line.kind, run.of, run.from);
            while at.saturating_add(1) < run.to {
                let next = at.saturating_add(1);
                if let (Some(one), Some(other)) = (entry(at), entry(next)) {
                    groups.join(one, other);
                }
                joints.0.insert((line.kind, run.of, at), next);
                at = joints.open(line.kind, run.of, next);
            }
        }
    }
    groups
}

/// One hit that stands for all that a line can be of.
fn first_of(line: &KeptLine, found: &Match, index: &Index<'_>) -> Option<(LineKind, Hit)> {
    let of_crowd = || found.crowd.first().and_then(|run| index.first(*run));
    Some((line.kind, found.hits.first().copied().or_else(of_crowd)?))
}

/// Finds the lines that cannot all be of what they can be of, for it is less than they are.
pub(super) fn mark(lines: &[&KeptLine], matches: &mut [Option<Match>], index: &Index<'_>) {
    let mut groups = groups(lines, matches, index);
    let mut sizes: HashMap<(LineKind, Hit), (usize, usize)> = HashMap::new();
    let all: Vec<(LineKind, Hit)> = groups.0.keys().copied().collect();
    for hit in all {
        let (hits, _) = sizes.entry(groups.root(hit)).or_default();
        *hits = hits.saturating_add(1);
    }
    let mut group_of =
        |line: &KeptLine, found: &Match| Some(groups.root(first_of(line, found, index)?));
    for (line, found) in lines.iter().zip(matches.iter()) {
        let Some(found) = found.as_ref().filter(|one| one.ambiguous) else { continue };
        if let Some(of) = group_of(line, found) {
            let (_, count) = sizes.entry(of).or_default();
            *count = count.saturating_add(1);
        }
    }
    for (line, found) in lines.iter().zip(matches.iter_mut()) {
        let Some(found) = found.as_mut().filter(|one| one.ambiguous) else { continue };
        let connects = found.hits.iter().all(|hit| matches!(hit, Hit::Connect(_)))
            && found.crowd.iter().all(|run| run.of == RowsOf::Connects);
        let several = line.kind == LineKind::Access || connects;
        let size = group_of(line, found).and_then(|of| sizes.get(&of));
        found.outnumbered = several && size.is_some_and(|(hits, count)| count > hits);
    }
}
