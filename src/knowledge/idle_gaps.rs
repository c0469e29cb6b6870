//! Idle gaps: how long connections had nothing outstanding, what ended that, and which side gives up an
//! idle connection first.

use super::distribution::Gaps;
use super::timers::{Closes, Timer};

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
    /// The ordering's name in JSON.
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
    /// Gaps that the next request ended.
    pub reused: Gaps,
    /// Gaps among those reused that a close by the backend had ended already.
    pub raced: Gaps,
    /// Gaps that the backend ended, by closing.
    pub closed_by_backend: Closes,
    /// Gaps that the proxy ended, by closing.
    pub closed_by_proxy: Closes,
    /// Waits for an answer that the proxy ended.
    pub gave_up: Closes,
    /// Gaps that neither side ended: the connection was idle for so long when the capture ended.
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

    /// The backend's keep-alive where its closes are spread: a server that looks only now and then, or a
    /// timer with jitter.
    pub fn backend_range(&self) -> Option<Timer> {
        let others = [&self.reused, &self.closed_by_proxy.gaps, &self.still_open];
        self.closed_by_backend.range().filter(|timer| timer.ends_most(&others, &self.raced))
    }

    /// The proxy's idle timeout where its closes are spread.
    pub fn proxy_range(&self) -> Option<Timer> {
        let others = [&self.reused, &self.closed_by_backend.gaps, &self.still_open];
        self.closed_by_proxy.range().filter(|timer| timer.ends_most(&others, &self.raced))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn closes(millis: &[u64]) -> Closes {
        let mut closes = Closes::default();
        millis.iter().for_each(|millis| closes.record(Duration::from_millis(*millis)));
        closes
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
}
