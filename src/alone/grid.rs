//! For each of many times T: how many requests were sent T after an answer had ended, within a window.
//!
//! A request counts where the log goes back that far. All times are microseconds; the answers' ends are sorted.

/// Hits, and how many could have hit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Hits {
    pub(super) hits: u32,
    pub(super) of: u32,
}

/// When answers ended, sorted, and since when the log tells of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerEnds<'a> {
    pub(super) ends: &'a [u64],
    pub(super) begin: u64,
}

impl AnswerEnds<'_> {
    /// The end that lies nearest to `time` before a moment, and not farther from that than `window`.
    pub(super) fn nearest(&self, moment: u64, time: u64, window: u64) -> Option<u64> {
        let wanted = moment.checked_sub(time)?;
        let at = self.ends.partition_point(|end| *end < wanted);
        let before = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let near = before.into_iter().chain(self.ends.get(at));
        let nearest = near.copied().min_by_key(|end| end.abs_diff(wanted))?;
        (nearest.abs_diff(wanted) <= window).then_some(nearest)
    }

    /// The log goes back far enough before a moment.
    fn covers(&self, moment: u64, time: u64, window: u64) -> bool {
        moment.saturating_sub(self.begin) > time.saturating_add(window)
    }

    /// Hits at one time.
    pub(super) fn at(&self, moments: &[u64], time: u64, window: u64) -> Hits {
        let mut all = Hits::default();
        for moment in moments.iter().filter(|moment| self.covers(**moment, time, window)) {
            all.of = all.of.saturating_add(1);
            let hit = self.nearest(*moment, time, window).is_some();
            all.hits = all.hits.saturating_add(hit.into());
        }
        all
    }

    /// Hits at each multiple of the window from `first` to `last`.
    pub(super) fn grid(&self, moments: &[u64], [first, last]: [u64; 2], window: u64) -> Vec<Hits> {
        let begin = first.div_ceil(window.max(1));
        let places = last.checked_div(window).unwrap_or(0).saturating_sub(begin);
        let mut grid: Vec<Hits> = (0..=places).map(|_| Hits::default()).collect();
        for moment in moments {
            self.mark(*moment, begin, window, &mut grid);
        }
        grid
    }

    /// Marks the times at which one moment hits. Walks over times and ends together, and over each only as far as the
    /// other one needs: a busy log has thousands of ends in each window.
    fn mark(&self, moment: u64, begin: u64, window: u64, grid: &mut [Hits]) {
        let mut left = self.ends;
        let mut place = 0_usize;
        let time_of = |place: usize| {
            let steps = begin.saturating_add(u64::try_from(place).unwrap_or(u64::MAX));
            steps.saturating_mul(window)
        };
        // Where the next end is, no hit lies before this time.
        let mut no_hit_before = 0_u64;
        while let Some(hits) = grid.get_mut(place) {
            let time = time_of(place);
            if !self.covers(moment, time, window) {
                return;
            }
            hits.of = hits.of.saturating_add(1);
            place = place.saturating_add(1);
            if time < no_hit_before {
                continue;
            }
            let wanted = moment.saturating_sub(time);
            left = until(left, wanted.saturating_add(window));
            let Some(end) = left.last() else {
                no_hit_before = u64::MAX;
                continue;
            };
            if end.saturating_add(window) >= wanted {
                hits.hits = hits.hits.saturating_add(1);
            } else {
                no_hit_before = moment.saturating_sub(end.saturating_add(window));
            }
        }
    }
}

/// The ends up to a moment: looked for from behind, in growing steps.
fn until(ends: &[u64], moment: u64) -> &[u64] {
    let mut step = 1_usize;
    let mut from = ends.len();
    while from > 0 {
        let lower = from.saturating_sub(step);
        if ends.get(lower).is_none_or(|end| *end <= moment) {
            from = lower;
            break;
        }
        from = lower;
        step = step.saturating_mul(2);
    }
    let (sure, rest) = ends.split_at_checked(from).unwrap_or((ends, &[]));
    let more = rest.partition_point(|end| *end <= moment);
    ends.get(..sure.len().saturating_add(more)).unwrap_or(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_what_each_of_its_times_has() {
        let ends: Vec<u64> = (0..400_u64).map(|one| one * one * 37 % 100_003).collect();
        let mut ends = ends;
        ends.sort_unstable();
        let ends = AnswerEnds { ends: &ends, begin: 50 };
        let moments = [60, 20_000, 55_555, 99_000, 120_000];
        for window in [1, 10, 300, 5_000] {
            let grid = ends.grid(&moments, [300, 90_000], window);
            for (place, hits) in (300_u64.div_ceil(window)..).zip(grid) {
                assert_eq!(hits, ends.at(&moments, place * window, window), "{place} {window}");
            }
        }
    }

    #[test]
    fn ends_are_looked_for_from_behind() {
        let ends = [1, 3, 3, 8, 9];
        for (moment, many) in [(0, 0), (1, 1), (3, 3), (7, 3), (8, 4), (99, 5)] {
            assert_eq!(until(&ends, moment).len(), many);
        }
        assert!(until(&[], 5).is_empty());
    }
}
