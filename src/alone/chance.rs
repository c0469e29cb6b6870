//! How likely so many hits are by chance.

use super::grid::Hits;

/// Of two groups that are alike, that the first has at least so many of the hits of both: Fisher's exact test. It knows
/// that the second group is a sample, too.
pub(super) fn at_least(first: Hits, second: Hits) -> f64 {
    let hits = first.hits.saturating_add(second.hits);
    let all = first.of.saturating_add(second.of);
    // Logarithms of factorials: the numbers themselves leave what a float holds.
    let mut factorials = vec![0.0];
    let mut sum = 0.0;
    for number in 1..=all {
        sum += f64::from(number).ln();
        factorials.push(sum);
    }
    let ln_factorial = |number: u32| {
        let place = usize::try_from(number).ok();
        place.and_then(|place| factorials.get(place)).copied().unwrap_or_default()
    };
    let ln_ways = |of: u32, take: u32| {
        ln_factorial(of) - ln_factorial(take) - ln_factorial(of.saturating_sub(take))
    };
    let most = first.of.min(hits);
    let of_first =
        (first.hits..=most).filter(|of_first| hits.saturating_sub(*of_first) <= second.of);
    let chances = of_first.map(|of_first| {
        let ways = ln_ways(first.of, of_first) + ln_ways(second.of, hits.saturating_sub(of_first));
        (ways - ln_ways(all, hits)).exp()
    });
    chances.sum::<f64>().min(1.0)
}

/// At least so many events where so many are expected, by Poisson.
pub(super) fn at_least_events(events: u32, expected: f64) -> f64 {
    let events_float = f64::from(events);
    if events_float <= expected {
        return 1.0;
    }
    let ln_factorial: f64 = (1..=events).map(|one| f64::from(one).ln()).sum();
    let first = (events_float * expected.ln() - expected - ln_factorial).exp();
    // Each further term is smaller by at least this share: a geometric series bounds the rest.
    first / (1.0 - expected / (events_float + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_those_of_the_books() {
        let near = |one: f64, other: f64| (one - other).abs() <= other * 1e-6;
        let of = |hits, of| Hits { hits, of };
        // The lady who tastes tea: 1 of 70, and 17 of 70.
        assert!(near(at_least(of(4, 4), of(0, 4)), 1.0 / 70.0));
        assert!(near(at_least(of(3, 4), of(1, 4)), 17.0 / 70.0));
        assert!(near(at_least(of(0, 4), of(2, 4)), 1.0));
        assert!(at_least(of(9, 9), of(8, 400)) < 1e-11);
        // Half of a few hundred controls is not exactly known to be a half.
        assert!(at_least(of(145, 221), of(205, 399)) > 3e-4);
        let tail = 1.0 - (-0.1_f64).exp() * (1.0 + 0.1 + 0.005);
        assert!((at_least_events(3, 0.1) / tail - 1.0).abs() < 0.01);
        assert!(near(at_least_events(2, 5.0), 1.0));
    }
}
