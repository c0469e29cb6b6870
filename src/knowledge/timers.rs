//! Timers: what the times of closes show of them.

use super::distribution::Gaps;
use super::tolerance::{fits, tolerance};
use std::time::Duration;

/// A close so soon after an answer is no timer's: the server had announced it, reached a limit on
/// requests, or was stopped.
pub const SHORTEST_TIMER: Duration = Duration::from_millis(100);
/// Closes kept exactly, to find the timer behind them.
const SAMPLES: usize = 1_024;

/// Gaps after which a side closed. The distribution has all of them, the samples the first
/// `SAMPLES`.
#[derive(Clone, Debug, Default)]
pub struct Closes {
    /// All of them.
    pub gaps: Gaps,
    samples: Vec<u64>,
}

/// A timer, as the closes show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timer {
    /// The middle of the cluster.
    pub value: Duration,
    /// The timer can hardly be shorter.
    pub low: Duration,
    /// The timer can hardly be longer.
    pub high: Duration,
    /// Closes in the cluster.
    pub samples: u64,
}

/// Fewer closes are chance.
const MIN_SAMPLES: usize = 3;
/// More are no timers.
const MAX_TIMERS: usize = 4;
/// Of a range more are needed.
const MIN_RANGE: usize = 5;

impl Timer {
    /// A timer that was told, not seen.
    pub fn told(value: Duration) -> Self {
        let tolerance = tolerance(value);
        Self {
            value,
            low: value.saturating_sub(tolerance),
            high: value.saturating_add(tolerance),
            samples: 0,
        }
    }

    /// All closes came after about the same time.
    pub fn is_narrow(&self) -> bool {
        self.high.saturating_mul(2) <= self.low.saturating_mul(3)
    }

    /// Of the gaps that lived so long, it ended most; `others` ended otherwise, but for those `raced`.
    pub(super) fn ends_most(&self, others: &[&Gaps], raced: &Gaps) -> bool {
        let outlived = others
            .iter()
            .fold(0_u64, |sum, gaps| sum.saturating_add(gaps.count_from(self.high)))
            .saturating_sub(raced.count_from(self.high));
        let all = self.samples.saturating_add(outlived);
        self.samples.saturating_mul(10) >= all.saturating_mul(6)
    }

    /// A gap that this timer would end.
    pub fn fits(&self, gap: Duration) -> bool {
        (self.low..=self.high).contains(&gap) || fits(gap, self.value)
    }
}

impl Closes {
    /// Adds one close.
    pub fn record(&mut self, gap: Duration) {
        self.gaps.record(gap);
        if self.samples.len() < SAMPLES {
            self.samples.push(u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Adds one close that no timer made: it was announced with the answer before it.
    pub fn record_announced(&mut self, gap: Duration) {
        self.gaps.record(gap);
    }

    /// Adds all closes of another pair.
    pub(super) fn add(&mut self, other: &Self) {
        self.gaps.add(&other.gaps);
        let room = SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.iter().take(room));
    }

    /// The timer behind the closes: one tight cluster that holds most of them. Fewer than three
    /// closes, closes all over the place, or closes right after answers show none.
    pub fn timer(&self) -> Option<Timer> {
        let sorted = self.sorted();
        let best = densest(&sorted);
        // Of all closes: where most come right after answers, the others are no timer's either.
        let most = best.len().saturating_mul(10) >= self.samples.len().saturating_mul(6);
        most.then(|| cluster(best)).flatten()
    }

    /// Every tight cluster that holds a part of the closes worth telling, the largest first: several
    /// servers behind one address, or several timers of one.
    pub fn timers(&self) -> Vec<Timer> {
        let mut rest = self.sorted();
        let mut found = Vec::new();
        while found.len() < MAX_TIMERS {
            let best = densest(&rest);
            let enough = best.len().saturating_mul(100) >= self.samples.len().saturating_mul(15);
            let (Some(timer), true) = (cluster(best), enough) else {
                break;
            };
            let (Some(low), Some(high)) = (best.first().copied(), best.last().copied()) else {
                break;
            };
            found.push(timer);
            rest.retain(|gap| *gap < low || *gap > high);
        }
        found
    }

    /// The closes that a timer may be behind, in order.
    fn sorted(&self) -> Vec<u64> {
        let shortest = u64::try_from(SHORTEST_TIMER.as_nanos()).unwrap_or(u64::MAX);
        let mut sorted: Vec<u64> =
            self.samples.iter().copied().filter(|gap| *gap >= shortest).collect();
        sorted.sort_unstable();
        sorted
    }
}

/// The tight cluster that holds the most of these gaps, which are in order.
fn densest(sorted: &[u64]) -> &[u64] {
    let mut best: &[u64] = &[];
    let mut end = 0_usize;
    for (begin, first) in sorted.iter().enumerate() {
        let width = u64::try_from(tolerance(Duration::from_nanos(*first)).as_nanos());
        let limit = first.saturating_add(width.unwrap_or(u64::MAX));
        while sorted.get(end).is_some_and(|gap| *gap <= limit) {
            end = end.saturating_add(1);
        }
        let cluster = sorted.get(begin..end).unwrap_or_default();
        if cluster.len() > best.len() {
            best = cluster;
        }
    }
    best
}

/// How well the closes measure a timer: each is that plus the way of the close, or minus that of the answer.
fn precision(value: u64) -> Duration {
    Duration::from_millis(30).max(Duration::from_nanos(value / 100))
}

/// The timer behind a tight cluster; `None` if it is too small.
fn cluster(gaps: &[u64]) -> Option<Timer> {
    let (low, high) = (*gaps.first()?, *gaps.last()?);
    let value = *gaps.get(gaps.len() / 2)?;
    let precision = precision(value);
    // Two closes after similar gaps are no timer: taken for one, they made races of 74 worker restarts.
    (gaps.len() >= MIN_SAMPLES).then(|| Timer {
        value: Duration::from_nanos(value),
        low: Duration::from_nanos(low).saturating_sub(precision),
        high: Duration::from_nanos(high).saturating_add(precision),
        samples: u64::try_from(gaps.len()).unwrap_or(u64::MAX),
    })
}

impl Closes {
    /// The range behind closes that are no tight cluster: most of them lie within a factor of two, the
    /// outermost tenths aside. A sweep (waitress looks every 30 s) or jitter (gunicorn) shows so.
    pub fn range(&self) -> Option<Timer> {
        let sorted = self.sorted();
        let aside = sorted.len() / 10;
        let inner = sorted.get(aside..sorted.len().saturating_sub(aside)).unwrap_or_default();
        let (low, high) = (*inner.first()?, *inner.last()?);
        let most = inner.len().saturating_mul(10) >= self.samples.len().saturating_mul(6);
        if inner.len() < MIN_RANGE || !most || high > low.saturating_mul(2) {
            return None;
        }
        let value = *inner.get(inner.len() / 2)?;
        // The outermost tenths are of the same timer as far as they reach no further: the earliest
        // closes are the dangerous ones.
        let own = |gap: &&u64| **gap >= high / 2 && **gap <= low.saturating_mul(2);
        let whole: Vec<u64> = sorted.iter().filter(own).copied().collect();
        let (low, high) = (whole.first().copied()?, whole.last().copied()?);
        let precision = precision(value);
        Some(Timer {
            value: Duration::from_nanos(value),
            low: Duration::from_nanos(low).saturating_sub(precision),
            high: Duration::from_nanos(high).saturating_add(precision),
            samples: u64::try_from(whole.len()).unwrap_or(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closes(millis: &[u64]) -> Closes {
        let mut closes = Closes::default();
        millis.iter().for_each(|millis| closes.record(Duration::from_millis(*millis)));
        closes
    }

    #[test]
    fn a_tight_cluster_that_holds_most_closes_is_a_timer() {
        let timer = closes(&[5_001, 5_003, 4_999, 120, 5_010]).timer().unwrap();
        assert_eq!(timer.samples, 4);
        assert!(timer.fits(Duration::from_secs(5)) && !timer.fits(Duration::from_millis(5_210)));
        // Short timers get 30 ms, long ones 4 %.
        assert!(closes(&[100, 120, 129]).timer().is_some());
        assert!(closes(&[60_000, 61_000, 62_300]).timer().is_some());
    }

    #[test]
    fn few_or_scattered_closes_are_no_timer() {
        assert_eq!(closes(&[]).timer(), None);
        assert_eq!(closes(&[5_000, 5_001]).timer(), None);
        assert_eq!(closes(&[0, 1, 1, 2, 40]).timer(), None);
        assert_eq!(closes(&[0, 1, 1, 2, 40, 5_000, 5_001, 5_002]).timer(), None);
        assert_eq!(closes(&[100, 900, 2_000, 3_500, 5_000, 5_001, 5_002]).timer(), None);
        assert_eq!(closes(&[60_000, 61_000, 63_000, 65_000, 70_000]).timer(), None);
    }

    #[test]
    fn closes_within_a_factor_of_two_are_a_range() {
        let range = closes(&[2_050, 2_300, 2_950, 2_500, 2_700, 2_210]).range().unwrap();
        assert_eq!(
            (range.low, range.high),
            (Duration::from_millis(2_020), Duration::from_millis(2_980))
        );
        assert_eq!(closes(&[2_050, 2_300, 2_950, 2_500]).range(), None, "too few");
        // A sweep: the earliest closes are not trimmed away, however many there are.
        let sweep: Vec<u64> = (0..40).map(|n| 4_007 + 25 * n).collect();
        let range = closes(&sweep).range().unwrap();
        assert!(range.low <= Duration::from_millis(4_007));
        assert_eq!(closes(&[500, 2_300, 2_950, 4_500, 1_000]).range(), None, "all over the place");
        assert_eq!(closes(&[0, 0, 1, 2, 2_000, 2_500, 2_900, 2_300, 2_400]).range(), None);
    }

    #[test]
    fn several_timers_on_one_backend_are_told_apart() {
        let both = closes(&[5_000, 5_001, 5_002, 30_000, 30_010, 30_020, 30_030, 12_000]);
        assert_eq!(both.timer(), None, "neither holds most");
        let seconds: Vec<u64> = both.timers().iter().map(|timer| timer.value.as_secs()).collect();
        assert_eq!(seconds, [30, 5]);
        assert!(closes(&[1_000, 2_000, 3_000, 4_000, 5_000]).timers().is_empty());
    }
}
