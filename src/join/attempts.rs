//! The attempts of one line, found by the times that the log has of each.

use super::clock_offset::ClockOffset;
use super::fit::is_listed;
use super::hits::{Hit, Match};
use super::index::Index;
use super::lines::KeptLine;
use std::time::Duration;

impl Index<'_> {
    /// Connects carry no id: those among the attempts of a line are found by their times.
    pub(super) fn attach_connects(&self, line: &KeptLine, found: &mut Match, clock: &ClockOffset) {
        if found.ambiguous || !is_listed(line) {
            return;
        }
        let connects = self.connects_in(line, clock);
        let failed = line.attempts.iter().filter(|one| one.connected == Some(false));
        for attempt in failed {
            let mut alone = line.clone();
            alone.attempts = Box::from([*attempt]);
            if let Some(hits) = self.by_attempts(&alone, &connects, clock) {
                found.hits.extend(hits);
            }
        }
        found.hits.sort_by_key(|hit| self.times(*hit));
        found.hits.dedup();
    }

    /// One hit for each attempt of a line whose times the log has, by these times; `None` unless all of
    /// them are clear.
    pub(super) fn by_attempts(
        &self,
        line: &KeptLine,
        hits: &[Hit],
        clock: &ClockOffset,
    ) -> Option<Vec<Hit>> {
        let near = clock.spread.saturating_add(line.resolution);
        let mut chosen: Vec<Hit> = Vec::new();
        for attempt in line.attempts.iter() {
            let connect = attempt.connected == Some(false);
            let at = clock.corrected(if connect { attempt.begun? } else { attempt.sent? });
            let mut ranked: Vec<(Duration, Hit)> = hits
                .iter()
                .filter(|hit| matches!(hit, Hit::Connect(_)) == connect)
                .map(|hit| {
                    let begun = self.times(*hit).0;
                    (begun.since(at).max(at.since(begun)), *hit)
                })
                .collect();
            ranked.sort();
            let (first, nearest) = *ranked.first()?;
            let clear = ranked.get(1).is_none_or(|(second, _)| {
                *second >= near.saturating_mul(2).max(first.saturating_mul(3))
            });
            if first > near || !clear || chosen.contains(&nearest) {
                return None;
            }
            chosen.push(nearest);
        }
        (!chosen.is_empty()).then_some(chosen)
    }
}
