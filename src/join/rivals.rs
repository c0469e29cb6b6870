//! More lines than there are exchanges for them: a log may hold twenty lines where the capture holds one
//! exchange like them. One of them is of it, and which one does not show.

use super::hits::{Hit, Match};
use super::lines::KeptLine;
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

/// Finds the lines that cannot all be of what they can be of, for it is less than they are.
pub(super) fn mark(lines: &[&KeptLine], matches: &mut [Option<Match>]) {
    let mut groups = Groups::default();
    let open = |found: &Option<Match>| found.as_ref().is_some_and(|one| one.ambiguous);
    for (line, found) in lines.iter().zip(matches.iter()).filter(|(_, found)| open(found)) {
        let hits = found.iter().flat_map(|found| &found.hits).map(|hit| (line.kind, *hit));
        let mut hits = hits.peekable();
        let Some(first) = hits.peek().copied() else { continue };
        hits.for_each(|hit| groups.join(first, hit));
    }
    let mut sizes: HashMap<(LineKind, Hit), (usize, usize)> = HashMap::new();
    let all: Vec<(LineKind, Hit)> = groups.0.keys().copied().collect();
    for hit in all {
        let (hits, _) = sizes.entry(groups.root(hit)).or_default();
        *hits = hits.saturating_add(1);
    }
    let mut group_of =
        |line: &KeptLine, found: &Match| Some(groups.root((line.kind, *found.hits.first()?)));
    for (line, found) in lines.iter().zip(matches.iter()) {
        let Some(found) = found.as_ref().filter(|one| one.ambiguous) else { continue };
        if let Some(of) = group_of(line, found) {
            let (_, count) = sizes.entry(of).or_default();
            *count = count.saturating_add(1);
        }
    }
    for (line, found) in lines.iter().zip(matches.iter_mut()) {
        let Some(found) = found.as_mut().filter(|one| one.ambiguous) else { continue };
        let several = line.kind == LineKind::Access
            || found.hits.iter().all(|hit| matches!(hit, Hit::Connect(_)));
        let size = group_of(line, found).and_then(|of| sizes.get(&of));
        found.outnumbered = several && size.is_some_and(|(hits, count)| count > hits);
    }
}
