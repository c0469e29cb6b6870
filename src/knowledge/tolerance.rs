//! How far a time that was seen may lie from the timeout that it is held against.

use std::time::Duration;

/// The tolerance of every comparison with a timeout, configured or observed: what schedulers, sweeps and
/// round trips add, and that a capture shows when frames left, not when a timer began. In the laboratory
/// servers closed up to 4 % late.
pub fn tolerance(timeout: Duration) -> Duration {
    Duration::from_millis(30).max(timeout.checked_div(25).unwrap_or_default())
}

/// Whether a time fits a timeout.
pub fn fits(time: Duration, timeout: Duration) -> bool {
    let tolerance = tolerance(timeout);
    time >= timeout.saturating_sub(tolerance) && time <= timeout.saturating_add(tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_fits_within_a_25th_and_never_closer_than_30_ms() {
        let ms = Duration::from_millis;
        for (timeout, near, far) in
            [(500, 529, 531), (5_000, 5_199, 5_201), (60_000, 57_601, 57_599)]
        {
            assert!(fits(ms(near), ms(timeout)), "{timeout}");
            assert!(!fits(ms(far), ms(timeout)), "{timeout}");
        }
    }
}
