//! More lines than there are exchanges for them: a log may hold twenty lines where the capture holds one
//! exchange like them. One of them is of it, and which one does not show.

use super::join::{Hit, Match};
use super::lines::Line;
use crate::access_log::Kind;
use std::collections::HashMap;

/// Finds the lines that cannot all be of what they can be of, for it is less than they are.
pub(super) fn mark(lines: &[&Line], matches: &mut [Option<Match>]) {
    // What shares a hit belongs together: each hit points at the first one of its group.
    let mut group: HashMap<(Kind, Hit), (Kind, Hit)> = HashMap::new();
    let root = |group: &HashMap<(Kind, Hit), (Kind, Hit)>, mut one: (Kind, Hit)| {
        while let Some(next) = group.get(&one).filter(|next| **next != one) {
            one = *next;
        }
        one
    };
    let open = |found: &Option<Match>| found.as_ref().is_some_and(|one| one.ambiguous);
    for (line, found) in lines.iter().zip(matches.iter()).filter(|(_, found)| open(found)) {
        let Some(found) = found else { continue };
        let Some(first) = found.hits.first().map(|hit| root(&group, (line.kind, *hit))) else {
            continue;
        };
        for hit in &found.hits {
            let other = root(&group, (line.kind, *hit));
            group.insert(other, first);
            group.insert((line.kind, *hit), first);
        }
    }
    let mut sizes: HashMap<(Kind, Hit), (usize, usize)> = HashMap::new();
    for hit in group.keys() {
        let (hits, _) = sizes.entry(root(&group, *hit)).or_default();
        *hits = hits.saturating_add(1);
    }
    let group_of =
        |line: &Line, found: &Match| found.hits.first().map(|hit| root(&group, (line.kind, *hit)));
    for (line, found) in lines.iter().zip(matches.iter()) {
        let Some(found) = found.as_ref().filter(|one| one.ambiguous) else { continue };
        if let Some(of) = group_of(line, found) {
            let (_, count) = sizes.entry(of).or_default();
            *count = count.saturating_add(1);
        }
    }
    for (line, found) in lines.iter().zip(matches.iter_mut()) {
        let Some(found) = found.as_mut().filter(|one| one.ambiguous) else { continue };
        let several = line.kind == Kind::Access
            || found.hits.iter().all(|hit| matches!(hit, Hit::Connect(_)));
        let size = group_of(line, found).and_then(|of| sizes.get(&of));
        found.outnumbered = several && size.is_some_and(|(hits, count)| count > hits);
    }
}
