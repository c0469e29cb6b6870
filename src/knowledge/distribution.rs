//! How long gaps were: their distribution, in little room.

use hdrhistogram::Histogram;
use std::time::Duration;

/// Two digits: a gap of 5 s is told from one of 5.1 s, in a few KiB.
const DIGITS: u8 = 2;

/// Where ranges of gaps begin, in milliseconds: three to a decade.
pub const EDGES: [u64; 20] = [
    0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
    200_000, 500_000, 1_000_000,
];

/// A distribution of gaps. Empty ones cost nothing, and others little: there is one for every listener.
#[derive(Clone, Debug, Default)]
pub struct Gaps(Option<Box<Filled>>);

#[derive(Clone, Debug)]
struct Filled {
    /// How many gaps are as long, to the histogram's precision, in order: a whole histogram would take
    /// 12 KiB for a single gap.
    counts: Vec<(u64, u32)>,
    /// Exact, where the counts round.
    min: u64,
    max: u64,
}

impl Filled {
    fn count(&mut self, nanos: u64, times: u32) {
        let nanos = rounded(nanos);
        match self.counts.binary_search_by_key(&nanos, |(length, _)| *length) {
            Ok(at) => {
                if let Some((_, count)) = self.counts.get_mut(at) {
                    *count = count.saturating_add(times);
                }
            }
            Err(at) => self.counts.insert(at, (nanos, times)),
        }
    }

    fn histogram(&self) -> Option<Histogram<u32>> {
        // The histogram resizes by itself; only a wrong number of digits could fail.
        let mut histogram = Histogram::new(DIGITS).ok()?;
        for (length, times) in &self.counts {
            // Only a value beyond all memory could fail, and a day is 2^47 ns.
            let _ = histogram.record_n(*length, *times);
        }
        Some(histogram)
    }
}

/// The least length that the histogram cannot tell from this one: it keeps the upper eight bits.
fn rounded(nanos: u64) -> u64 {
    let nanos = nanos.clamp(1, 1 << 60);
    let lost = 56_u32.saturating_sub(nanos.leading_zeros());
    nanos >> lost << lost
}

/// What is shown of a distribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quantiles {
    /// The shortest gap.
    pub min: Duration,
    /// Half of them are no longer.
    pub p50: Duration,
    /// Nine of ten are no longer.
    pub p90: Duration,
    /// 99 of 100 are no longer.
    pub p99: Duration,
    /// The longest gap.
    pub max: Duration,
}

impl Gaps {
    /// Adds one gap.
    pub fn record(&mut self, gap: Duration) {
        let nanos = u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX);
        let filled = self
            .0
            .get_or_insert_with(|| Box::new(Filled { counts: Vec::new(), min: nanos, max: nanos }));
        filled.count(nanos, 1);
        filled.min = filled.min.min(nanos);
        filled.max = filled.max.max(nanos);
    }

    /// Adds all gaps of another distribution.
    pub(super) fn add(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (Some(filled), Some(more)) => {
                more.counts.iter().for_each(|(length, times)| filled.count(*length, *times));
                filled.min = filled.min.min(more.min);
                filled.max = filled.max.max(more.max);
            }
            (None, Some(_)) => self.0.clone_from(&other.0),
            (_, None) => {}
        }
    }

    /// How many gaps.
    pub fn count(&self) -> u64 {
        let counts = self.0.iter().flat_map(|filled| &filled.counts);
        counts.fold(0, |sum, (_, times)| sum.saturating_add(u64::from(*times)))
    }

    /// All of them as a histogram, and the longest.
    fn counted(&self) -> Option<(Histogram<u32>, &Filled)> {
        let filled = self.0.as_deref()?;
        filled.histogram().map(|histogram| (histogram, filled))
    }

    /// How many gaps lie in each of the ranges that [`EDGES`] begin.
    pub fn ranges(&self) -> [u64; EDGES.len()] {
        let mut counts = [0; EDGES.len()];
        let Some((histogram, filled)) = self.counted() else {
            return counts;
        };
        for step in histogram.iter_recorded() {
            let millis =
                step.value_iterated_to().min(filled.max).checked_div(1_000_000).unwrap_or(0);
            let range = EDGES.partition_point(|edge| *edge <= millis).saturating_sub(1);
            if let Some(count) = counts.get_mut(range) {
                *count = count.saturating_add(step.count_since_last_iteration());
            }
        }
        counts
    }

    /// How many are at least so long, to the histogram's precision.
    pub fn count_from(&self, shortest: Duration) -> u64 {
        let from = u64::try_from(shortest.as_nanos()).unwrap_or(u64::MAX);
        self.counted().map_or(0, |(histogram, filled)| {
            if from > filled.max { 0 } else { histogram.count_between(from, filled.max) }
        })
    }

    /// How many lie between two lengths, and between which exactly: the histogram counts in ranges,
    /// and both ends are moved down to where one begins.
    pub(super) fn count_between(&self, from: Duration, to: Duration) -> (u64, Duration) {
        let nanos = |length: Duration| u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        let Some((histogram, filled)) = self.counted() else {
            return (0, to.saturating_sub(from));
        };
        let begin = |length| histogram.lowest_equivalent(nanos(length).clamp(1, 1 << 60));
        let (from, to) = (begin(from), begin(to));
        let width = Duration::from_nanos(to.saturating_sub(from));
        if width.is_zero() || from > filled.max {
            return (0, width);
        }
        (histogram.count_between(from, to.saturating_sub(1)), width)
    }

    /// Where they lie; `None` when there are none.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let (histogram, filled) = self.counted()?;
        let at = |quantile| {
            let value = histogram.value_at_quantile(quantile);
            Duration::from_nanos(value.clamp(filled.min, filled.max))
        };
        Some(Quantiles {
            min: Duration::from_nanos(filled.min),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: Duration::from_nanos(filled.max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_exact_ends() {
        let mut gaps = Gaps::default();
        assert_eq!(gaps.quantiles(), None);
        for millis in 1..=1_000 {
            gaps.record(Duration::from_millis(millis));
        }
        let quantiles = gaps.quantiles().unwrap();
        assert_eq!(quantiles.min, Duration::from_millis(1));
        assert_eq!(quantiles.max, Duration::from_millis(1_000));
        let p50 = quantiles.p50.as_secs_f64();
        assert!((p50 - 0.5).abs() < 0.01, "{p50}");
        let ranges = gaps.ranges();
        assert_eq!(ranges.iter().sum::<u64>(), 1_000);
        // The histogram rounds to one in a hundred, so a few fall on the other side of an edge.
        assert!(ranges[9].abs_diff(500) < 8, "{ranges:?}");
    }

    #[test]
    fn few_gaps_take_little_and_are_told_as_a_histogram_tells_them() {
        let mut gaps = Gaps::default();
        let mut histogram = Histogram::<u32>::new(DIGITS).unwrap();
        for power in 0..60_u32 {
            for nanos in [0, 1, 127, 255].map(|more| (1_u64 << power) + more) {
                gaps.record(Duration::from_nanos(nanos));
                gaps.record(Duration::from_nanos(nanos));
                histogram.record_n(nanos, 2).unwrap();
                assert_eq!(rounded(nanos), histogram.lowest_equivalent(nanos), "{nanos}");
            }
        }
        assert_eq!(gaps.0.as_ref().unwrap().histogram().unwrap(), histogram);
        assert_eq!(gaps.count(), histogram.len());
        let mut twice = gaps.clone();
        twice.add(&gaps);
        assert_eq!(twice.count(), 2 * gaps.count());
        assert_eq!(twice.quantiles(), gaps.quantiles());
        let mut alike = Gaps::default();
        (0..1_000).for_each(|more| alike.record(Duration::from_nanos(1_000_000 + more)));
        assert_eq!(alike.0.unwrap().counts.len(), 1);
    }

    #[test]
    fn any_gap_fits() {
        let mut gaps = Gaps::default();
        gaps.record(Duration::ZERO);
        gaps.record(Duration::MAX);
        assert_eq!(gaps.count(), 2);
    }
}
