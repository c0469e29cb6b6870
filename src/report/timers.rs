//! Timeouts as told and as seen, and the distributions of idle gaps that they are seen in.

use super::model::{BackendIdle, GapsRecord, Idle, IdleBucket, Timeout};
use crate::base::time::nanos;
use crate::knowledge::distribution::{EDGES, Gaps};
use crate::knowledge::timers::{Closes, Timer};
use crate::knowledge::{Setting, idle_gaps};
use crate::ledger;
use crate::timeouts::Product;
use std::time::Duration;

/// How long a known kind keeps idle connections by default.
pub(super) fn default_idle(known: &Product) -> Option<u64> {
    known.idle.value().filter(|idle| !idle.is_zero()).map(nanos)
}

/// A timeout as told and as seen; nothing when neither is known.
pub(super) fn timeout(
    told: Option<Setting>,
    timer: Option<Timer>,
    closes: &Closes,
) -> Option<Timeout> {
    let count = closes.gaps.count();
    (told.is_some() || count > 0).then(|| Timeout {
        configured_ns: told.map(|told| nanos(told.value)),
        configured_by: told.map(|told| told.by),
        observed_ns: timer.map(|timer| nanos(timer.value)),
        samples: timer.map_or(count, |timer| timer.samples),
        low_ns: timer.map(|timer| nanos(timer.low)),
        high_ns: timer.map(|timer| nanos(timer.high)),
    })
}

/// The timers behind the closes that are not the one that is told as the backend's.
pub(super) fn other_timers(keepalive: Option<Timer>, closes: &Closes) -> Vec<Timeout> {
    // Within a range that is told everything is one timer's.
    let known = |timer: &Timer| keepalive.is_some_and(|known| known.fits(timer.value));
    let others = closes.timers().into_iter().filter(|timer| !known(timer));
    others.filter_map(|timer| timeout(None, Some(timer), closes)).collect()
}

/// How long a proxy waits for a connection: what it gave up says from when on, and until when.
pub(super) fn connect_timeout(
    told: Option<Setting>,
    connects: &ledger::Unanswered,
) -> Option<Timeout> {
    (told.is_some() || connects.given_up > 0).then(|| Timeout {
        configured_ns: told.map(|told| nanos(told.value)),
        configured_by: told.map(|told| told.by),
        observed_ns: None,
        samples: connects.given_up,
        low_ns: (connects.given_up > 0).then(|| nanos(connects.at_least)),
        high_ns: connects.less_than.map(nanos),
    })
}

pub(super) fn gaps_of(idle: &idle_gaps::IdleGaps) -> Idle {
    Idle {
        reused: gaps(&idle.reused),
        closed_by_backend: gaps(&idle.closed_by_backend.gaps),
        closed_by_proxy: gaps(&idle.closed_by_proxy.gaps),
    }
}

/// The idle gaps of a backend, by their lengths too, and which outlived its timer.
pub(super) fn idle_of(idle: &idle_gaps::IdleGaps, keepalive: Option<&Timeout>) -> BackendIdle {
    // Of a timer that was seen, the closes lie around it: what is no longer than the longest outlived nothing.
    let timer = keepalive.and_then(|timer| timer.high_ns.or(timer.configured_ns));
    let ranges = [
        idle.reused.ranges(),
        idle.raced.ranges(),
        idle.closed_by_backend.gaps.ranges(),
        idle.closed_by_proxy.gaps.ranges(),
    ];
    let nanos = |place: usize| EDGES.get(place).map(|millis| millis.saturating_mul(1_000_000));
    let bucket = |place: usize| {
        let [reused, lost, backend, proxy] =
            ranges.map(|range| range.get(place).copied().unwrap_or(0));
        let (from_ns, to_ns) = (nanos(place)?, nanos(place.saturating_add(1)));
        let answered = reused.saturating_sub(lost);
        let late = timer.map_or(0, |timer| answered_from(idle, from_ns.max(timer), to_ns));
        Some(IdleBucket {
            from_ns,
            to_ns,
            answered,
            answered_late: late.min(answered),
            lost,
            closed_by_backend: backend,
            closed_by_proxy: proxy,
        })
    };
    let filled = |bucket: &IdleBucket| {
        bucket.reused() > 0 || bucket.closed_by_backend > 0 || bucket.closed_by_proxy > 0
    };
    let buckets = (0..EDGES.len()).filter_map(bucket).filter(filled).collect();
    BackendIdle { gaps: gaps_of(idle), buckets }
}

/// How many gaps of at least `from`, and shorter than `to`, a request ended that was not lost.
fn answered_from(idle: &idle_gaps::IdleGaps, from: u64, to: Option<u64>) -> u64 {
    let at_least = |gaps: &Gaps, from: u64| gaps.count_from(Duration::from_nanos(from));
    let between = |gaps: &Gaps| {
        let beyond = to.map_or(0, |to| at_least(gaps, to));
        at_least(gaps, from).saturating_sub(beyond)
    };
    between(&idle.reused).saturating_sub(between(&idle.raced))
}

fn gaps(gaps: &Gaps) -> GapsRecord {
    let Some(quantiles) = gaps.quantiles() else {
        return GapsRecord::default();
    };
    GapsRecord {
        count: gaps.count(),
        min_ns: Some(nanos(quantiles.min)),
        p50_ns: Some(nanos(quantiles.p50)),
        p90_ns: Some(nanos(quantiles.p90)),
        p99_ns: Some(nanos(quantiles.p99)),
        max_ns: Some(nanos(quantiles.max)),
    }
}
