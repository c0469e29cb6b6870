//! Lines that share what they can be of: which lines a hit is left to, round by round.
//!
//! What is decided in one round counts in the next, and a round looks only at lines for which the one before
//! changed something: each line of each hit is looked at a fixed number of times.

use super::hits::{Candidates, Hit};
use super::lines::KeptLine;
use crate::logs::LineKind;
use std::collections::HashMap;

/// A hit as lines of one kind share it.
#[derive(Default)]
struct SharedHit {
    /// Lines that it is left to.
    owners: u32,
    taken: bool,
    /// Lines that could be of it at first: where they begin in the list of all.
    holders: u32,
}

/// Lines that nothing is decided of, and what they can be of.
pub(super) struct Sharing {
    open: Vec<Option<Candidates>>,
    /// The hits, by their number.
    hits: Vec<SharedHit>,
    numbers: HashMap<(LineKind, Hit), u32>,
    /// Lines of each hit, one hit after the other.
    holders: Vec<u32>,
    /// Of this round: hits that were taken, …
    taken: Vec<u32>,
    /// … and hits that a line less has.
    released: Vec<u32>,
}

impl Sharing {
    /// Of lines, each with what it can be of.
    pub(super) fn new(lines: &[&KeptLine], open: Vec<Option<Candidates>>) -> Self {
        let mut numbers: HashMap<(LineKind, Hit), u32> = HashMap::new();
        let mut hits: Vec<SharedHit> = Vec::new();
        let held = || {
            let each = (0_u32..).zip(lines.iter().zip(&open));
            each.flat_map(|(place, (line, one))| {
                let hits = one.iter().flat_map(|one| &one.hits);
                hits.map(move |hit| (place, (line.kind, *hit)))
            })
        };
        for (_, key) in held() {
            let next = u32::try_from(hits.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(key).or_insert_with(|| {
                hits.push(SharedHit::default());
                next
            });
            if let Some(hit) = hits.get_mut(number as usize) {
                hit.owners = hit.owners.saturating_add(1);
            }
        }
        let mut all = 0_u32;
        for hit in &mut hits {
            hit.holders = all;
            all = all.saturating_add(hit.owners);
        }
        let mut next: Vec<u32> = hits.iter().map(|hit| hit.holders).collect();
        let mut holders = vec![0; all as usize];
        for (place, key) in held() {
            let at = numbers.get(&key).and_then(|number| next.get_mut(*number as usize));
            let Some(at) = at else { continue };
            if let Some(holder) = holders.get_mut(*at as usize) {
                *holder = place;
            }
            *at = at.saturating_add(1);
        }
        Self { open, hits, numbers, holders, taken: Vec::new(), released: Vec::new() }
    }

    /// What a line can be of, if nothing is decided.
    pub(super) fn open(&self, place: usize) -> Option<&Candidates> {
        self.open.get(place)?.as_ref()
    }

    fn number(&self, kind: LineKind, hit: Hit) -> Option<u32> {
        self.numbers.get(&(kind, hit)).copied()
    }

    fn hit(&self, kind: LineKind, hit: Hit) -> Option<&SharedHit> {
        self.hits.get(self.number(kind, hit)? as usize)
    }

    /// One line alone could be of this hit when the round began.
    pub(super) fn is_alone(&self, kind: LineKind, hit: Hit) -> bool {
        self.hit(kind, hit).is_some_and(|one| one.owners == 1)
    }

    /// A line is of some hits, unless one of them was taken in this round; returns whether it is.
    pub(super) fn decide(&mut self, place: usize, kind: LineKind, chosen: &[Hit]) -> bool {
        if chosen.iter().any(|hit| self.hit(kind, *hit).is_some_and(|one| one.taken)) {
            return false;
        }
        // Several messages can be about one request, but one connect fails once.
        for hit in chosen {
            let single = kind == LineKind::Access || matches!(hit, Hit::Connect(_));
            let Some(number) = self.number(kind, *hit).filter(|_| single) else { continue };
            if let Some(one) = self.hits.get_mut(number as usize) {
                one.taken = true;
            }
            self.taken.push(number);
        }
        let gone = self.open.get_mut(place).and_then(Option::take);
        for hit in gone.iter().flat_map(|one| &one.hits) {
            self.released.extend(self.number(kind, *hit));
        }
        true
    }

    /// Ends a round: what was taken is left to no other line. Returns the lines for which that changed
    /// something, in their order.
    pub(super) fn settle(&mut self, lines: &[&KeptLine]) -> Vec<usize> {
        let mut due: Vec<usize> = Vec::new();
        for number in std::mem::take(&mut self.released) {
            let Some(hit) = self.hits.get_mut(number as usize) else { continue };
            hit.owners = hit.owners.saturating_sub(1);
            if hit.owners == 1 {
                due.extend(self.holders(number));
            }
        }
        let taken = std::mem::take(&mut self.taken);
        let mut without: Vec<usize> =
            taken.into_iter().flat_map(|number| self.holders(number)).collect();
        without.sort_unstable();
        without.dedup();
        for place in &without {
            let Some(line) = lines.get(*place) else { continue };
            let Some(mut one) = self.open.get_mut(*place).and_then(Option::take) else { continue };
            let gone = |hit: Hit| self.hit(line.kind, hit).is_some_and(|one| one.taken);
            one.hits.retain(|hit| !gone(*hit));
            if let Some(slot) = self.open.get_mut(*place) {
                *slot = Some(one);
            }
        }
        due.append(&mut without);
        due.retain(|place| self.open(*place).is_some());
        due.sort_unstable();
        due.dedup();
        due
    }

    /// The lines that could be of a hit at first.
    fn holders(&self, number: u32) -> Vec<usize> {
        let begin = |number: u32| self.hits.get(number as usize).map(|hit| hit.holders as usize);
        let from = begin(number).unwrap_or(self.holders.len());
        let to = begin(number.saturating_add(1)).unwrap_or(self.holders.len());
        let holders = self.holders.get(from..to).unwrap_or_default();
        holders.iter().map(|place| *place as usize).collect()
    }

    /// What the lines can be of that nothing was decided of.
    pub(super) fn left(self) -> Vec<Option<Candidates>> {
        self.open
    }
}
