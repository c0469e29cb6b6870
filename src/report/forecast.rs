//! What a backend's keep-alive timer is expected to hit, today and with other timeouts.

use super::model::{EstimateRecord, HazardRecord, SpanRecord};
use crate::base::time::nanos;
use crate::knowledge::Timeouts;
use crate::knowledge::expected_losses::{self, Window};
use crate::knowledge::idle_gaps::IdleGaps;
use crate::knowledge::timers::Timer;
use crate::ledger::Listener;
use std::time::Duration;

/// A day in seconds.
const DAY: f64 = 86_400.0;
/// What is seen in less says nothing of a day.
const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// All that a forecast rests on.
pub(super) struct Forecast<'a> {
    pub(super) listener: &'a Listener,
    /// Requests that were lost to the backend's timer.
    pub(super) raced: u64,
    pub(super) idle: &'a IdleGaps,
    /// The backend's timer, as seen or told.
    pub(super) timer: Option<Timer>,
    /// The proxy's.
    pub(super) proxy: Option<Timer>,
    /// From the first frame of all captures to the last.
    pub(super) span: Duration,
}

impl Forecast<'_> {
    /// With the timeouts as they are; `None` when no timer or no round trip is known.
    pub(super) fn today(&self) -> Option<HazardRecord> {
        let (timer, window) = (self.timer?, Window::of(&self.listener.round_trips)?);
        let found = expected_losses::expected(&self.idle.reused, timer, self.proxy, window);
        let found = found.with_losses(self.raced);
        Some(self.told(&found, timer, self.proxy))
    }

    /// With those of `wanted` instead, where it has any.
    pub(super) fn what_if(&self, wanted: Option<Timeouts>) -> Option<HazardRecord> {
        let wanted = wanted?;
        let timer = wanted.backend_keepalive.map(Timer::told).or(self.timer)?;
        let proxy = wanted.proxy_idle.map(Timer::told).or(self.proxy);
        let window = Window::of(&self.listener.round_trips)?;
        // What ends gaps now is what was seen to, whatever was told.
        let today = self.idle.backend_timer().or_else(|| self.idle.backend_range());
        let closed = self.idle.closed_by_backend.gaps.count();
        let found =
            expected_losses::what_if(&self.idle.reused, today, closed, timer, proxy, window);
        Some(self.told(&found, timer, proxy))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    fn told(
        &self,
        found: &expected_losses::Hazard,
        timer: Timer,
        proxy: Option<Timer>,
    ) -> HazardRecord {
        let requests = self.listener.exchanges.max(1) as f64;
        let seconds = self.span.as_secs_f64();
        HazardRecord {
            lost: estimate(found.lost),
            per_million: share(found.lost.times(1e6 / requests)),
            per_day: (self.span >= LONG_ENOUGH).then(|| estimate(found.lost.times(DAY / seconds))),
            window_ns: SpanRecord {
                low: nanos(found.window.low),
                mid: nanos(found.window.mid),
                high: nanos(found.window.high),
            },
            near: found.near,
            within_ns: nanos(found.stretch),
            basis: found.basis,
            backend_keepalive_ns: nanos(timer.value),
            proxy_idle_ns: proxy.map(|proxy| nanos(proxy.value)),
        }
    }
}

/// Of a million no more than all.
fn share(found: expected_losses::Estimate) -> EstimateRecord {
    let all = |number: f64| number.min(1e6);
    let expected_losses::Estimate { low, mid, high } = found;
    estimate(expected_losses::Estimate { low: all(low), mid: all(mid), high: all(high) })
}

/// To three digits: more would promise what no count of events can hold.
fn estimate(found: expected_losses::Estimate) -> EstimateRecord {
    let three = |number: f64| {
        if number <= 0.0 {
            return 0.0;
        }
        let unit = 10_f64.powi(2) / 10_f64.powf(number.log10().floor());
        (number * unit).round() / unit
    };
    EstimateRecord { low: three(found.low), mid: three(found.mid), high: three(found.high) }
}
