//! Idle gaps: how long connections had nothing outstanding, and what ended that; and the timeouts
//! that they show.

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
        // It resizes by itself; only a wrong number of digits could fail.
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
    pub fn add(&mut self, other: &Self) {
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
    pub fn count_between(&self, from: Duration, to: Duration) -> (u64, Duration) {
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
    /// It can hardly be shorter.
    pub low: Duration,
    /// It can hardly be longer.
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

/// How far apart two gaps may be and still come from one timer: what schedulers, sweeps and round
/// trips add.
pub fn tolerance(timer: Duration) -> Duration {
    Duration::from_millis(30).max(timer.checked_div(25).unwrap_or_default())
}

impl Timer {
    /// A timer that was told, not seen.
    pub fn told(value: Duration) -> Self {
        let slack = tolerance(value);
        Self {
            value,
            low: value.saturating_sub(slack),
            high: value.saturating_add(slack),
            samples: 0,
        }
    }

    /// Of the gaps that lived so long, it ended most; `others` ended otherwise, but for those `raced`.
    fn ends_most(&self, others: &[&Gaps], raced: &Gaps) -> bool {
        let outlived = others
            .iter()
            .fold(0_u64, |sum, gaps| sum.saturating_add(gaps.count_from(self.high)))
            .saturating_sub(raced.count_from(self.high));
        let all = self.samples.saturating_add(outlived);
        self.samples.saturating_mul(10) >= all.saturating_mul(6)
    }

    /// A gap that this timer would end.
    pub fn fits(&self, gap: Duration) -> bool {
        gap >= self.low && gap <= self.high
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
    pub fn add(&mut self, other: &Self) {
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

/// What was seen is the timer plus the way of its close, or minus that of the answer.
fn slack(value: u64) -> Duration {
    Duration::from_millis(30).max(Duration::from_nanos(value / 100))
}

/// The timer behind a tight cluster; `None` if it is too small.
fn cluster(gaps: &[u64]) -> Option<Timer> {
    let (low, high) = (*gaps.first()?, *gaps.last()?);
    let value = *gaps.get(gaps.len() / 2)?;
    let slack = slack(value);
    (gaps.len() >= MIN_SAMPLES).then(|| Timer {
        value: Duration::from_nanos(value),
        low: Duration::from_nanos(low).saturating_sub(slack),
        high: Duration::from_nanos(high).saturating_add(slack),
        samples: u64::try_from(gaps.len()).unwrap_or(u64::MAX),
    })
}

/// Which side gives up an idle connection first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ordering {
    /// Not known.
    Unknown,
    /// The proxy, as it should be: it is the one that sends requests.
    Safe,
    /// Either.
    Tie,
    /// The backend: requests will be lost.
    Race,
}

impl Ordering {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Safe => "safe",
            Self::Tie => "tie",
            Self::Race => "race",
        }
    }

    /// Going by both timers. Without the proxy's, a backend that was seen to close idle connections
    /// has the shorter one.
    pub fn of(backend: Option<Timer>, proxy: Option<Timer>, backend_closes: bool) -> Self {
        match (backend, proxy) {
            (Some(backend), Some(proxy)) if backend.high < proxy.low => Self::Race,
            (Some(backend), Some(proxy)) if backend.low > proxy.high => Self::Safe,
            (Some(_), Some(_)) => Self::Tie,
            (Some(_), None) if backend_closes => Self::Race,
            _ => Self::Unknown,
        }
    }
}

/// The idle gaps between one proxy and one backend, by what ended them.
#[derive(Clone, Debug, Default)]
pub struct IdleGaps {
    /// The next request.
    pub reused: Gaps,
    /// Of these, the ones that a close by the backend had ended already.
    pub raced: Gaps,
    /// The backend closed.
    pub closed_by_backend: Closes,
    /// The proxy closed.
    pub closed_by_proxy: Closes,
    /// Waits for an answer that the proxy ended.
    pub gave_up: Closes,
    /// Neither side: the connection was idle for so long when the capture ended.
    pub still_open: Gaps,
}

impl IdleGaps {
    /// Adds all gaps of another pair.
    pub fn add(&mut self, other: &Self) {
        self.reused.add(&other.reused);
        self.raced.add(&other.raced);
        self.closed_by_backend.add(&other.closed_by_backend);
        self.closed_by_proxy.add(&other.closed_by_proxy);
        self.gave_up.add(&other.gave_up);
        self.still_open.add(&other.still_open);
    }

    /// The backend's keep-alive timer. Gaps that outlived it speak against it: of the connections that
    /// were idle for so long, most must have ended then.
    pub fn backend_timer(&self) -> Option<Timer> {
        let others = [&self.reused, &self.closed_by_proxy.gaps, &self.still_open];
        self.closed_by_backend.timer().filter(|timer| timer.ends_most(&others, &self.raced))
    }

    /// The proxy's idle timer, in the same way.
    pub fn proxy_timer(&self) -> Option<Timer> {
        let others = [&self.reused, &self.closed_by_backend.gaps, &self.still_open];
        self.closed_by_proxy.timer().filter(|timer| timer.ends_most(&others, &self.raced))
    }

    /// The same where the closes are spread: a server that looks only now and then, or a timer with
    /// jitter.
    pub fn backend_range(&self) -> Option<Timer> {
        let others = [&self.reused, &self.closed_by_proxy.gaps, &self.still_open];
        self.closed_by_backend.range().filter(|timer| timer.ends_most(&others, &self.raced))
    }

    /// The proxy's.
    pub fn proxy_range(&self) -> Option<Timer> {
        let others = [&self.reused, &self.closed_by_backend.gaps, &self.still_open];
        self.closed_by_proxy.range().filter(|timer| timer.ends_most(&others, &self.raced))
    }
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
        let slack = slack(value);
        Some(Timer {
            value: Duration::from_nanos(value),
            low: Duration::from_nanos(low).saturating_sub(slack),
            high: Duration::from_nanos(high).saturating_add(slack),
            samples: u64::try_from(whole.len()).unwrap_or(u64::MAX),
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

    fn closes(millis: &[u64]) -> Closes {
        let mut closes = Closes::default();
        millis.iter().for_each(|millis| closes.record(Duration::from_millis(*millis)));
        closes
    }

    #[test]
    fn a_tight_cluster_that_holds_most_closes_is_a_timer() {
        let timer = closes(&[5_001, 5_003, 4_999, 120, 5_010]).timer().unwrap();
        assert_eq!(timer.samples, 4);
        assert!(timer.fits(Duration::from_secs(5)) && !timer.fits(Duration::from_millis(5_200)));
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

    /// Connections that lived on speak against a timer, whether they were used again or not.
    #[test]
    fn gaps_that_outlive_a_cluster_make_it_no_timer() {
        let mut idle =
            IdleGaps { closed_by_backend: closes(&[5_000, 5_001, 5_002]), ..Default::default() };
        assert!(idle.backend_timer().is_some());
        idle.reused.record(Duration::from_secs(30));
        idle.still_open.record(Duration::from_secs(40));
        assert!(idle.backend_timer().is_some(), "two of five outlived it");
        idle.closed_by_proxy.record(Duration::from_secs(60));
        assert_eq!(idle.backend_timer(), None, "three of six did");
        idle.reused.record(Duration::from_secs(1));
        assert_eq!(idle.backend_timer(), None, "shorter gaps say nothing");
    }

    #[test]
    fn any_gap_fits() {
        let mut gaps = Gaps::default();
        gaps.record(Duration::ZERO);
        gaps.record(Duration::MAX);
        assert_eq!(gaps.count(), 2);
    }
}
