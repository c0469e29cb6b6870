//! Idle gaps: how long connections had nothing outstanding, and what ended that.

use hdrhistogram::Histogram;
use std::time::Duration;

/// Two digits: a gap of 5 s is told from one of 5.1 s, in a few KiB.
const DIGITS: u8 = 2;

/// A distribution of gaps. Empty ones cost nothing.
#[derive(Clone, Debug, Default)]
pub struct Gaps(Option<Box<Filled>>);

#[derive(Clone, Debug)]
struct Filled {
    histogram: Histogram<u32>,
    /// Exact, where the histogram rounds.
    min: u64,
    max: u64,
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
        if self.0.is_none() {
            // It resizes by itself; only a wrong number of digits could fail.
            let Ok(histogram) = Histogram::new(DIGITS) else {
                return;
            };
            self.0 = Some(Box::new(Filled { histogram, min: nanos, max: nanos }));
        }
        if let Some(filled) = &mut self.0 {
            // It resizes: only a value beyond all memory could fail, and a day is 2^47 ns.
            let _ = filled.histogram.record(nanos.clamp(1, 1 << 60));
            filled.min = filled.min.min(nanos);
            filled.max = filled.max.max(nanos);
        }
    }

    /// Adds all gaps of another distribution.
    pub fn add(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (Some(filled), Some(more)) => {
                // Both resize by themselves: adding cannot fail.
                let _ = filled.histogram.add(&more.histogram);
                filled.min = filled.min.min(more.min);
                filled.max = filled.max.max(more.max);
            }
            (None, Some(_)) => self.0.clone_from(&other.0),
            (_, None) => {}
        }
    }

    /// How many gaps.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |filled| filled.histogram.len())
    }

    /// Where they lie; `None` when there are none.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let filled = self.0.as_ref()?;
        let at = |quantile| {
            let value = filled.histogram.value_at_quantile(quantile);
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

/// The idle gaps between one proxy and one backend, by what ended them.
#[derive(Clone, Debug, Default)]
pub struct IdleGaps {
    /// The next request.
    pub reused: Gaps,
    /// The backend closed.
    pub closed_by_backend: Gaps,
    /// The proxy closed.
    pub closed_by_proxy: Gaps,
}

impl IdleGaps {
    /// Adds all gaps of another pair.
    pub fn add(&mut self, other: &Self) {
        self.reused.add(&other.reused);
        self.closed_by_backend.add(&other.closed_by_backend);
        self.closed_by_proxy.add(&other.closed_by_proxy);
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
    }

    #[test]
    fn any_gap_fits() {
        let mut gaps = Gaps::default();
        gaps.record(Duration::ZERO);
        gaps.record(Duration::MAX);
        assert_eq!(gaps.count(), 2);
    }
}
