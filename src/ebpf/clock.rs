//! The kernel's clock, and that of the world.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Nanoseconds from the start of this host to the epoch: records carry the former's clock, which no one
/// sets. Of a few readings that counts which was interrupted least.
pub(super) fn epoch() -> u64 {
    let readings = (0..5).map(|_| {
        let before = nanos(ClockId::CLOCK_MONOTONIC);
        let wall = nanos(ClockId::CLOCK_REALTIME);
        let took = nanos(ClockId::CLOCK_MONOTONIC).saturating_sub(before);
        (took, wall.saturating_sub(before.saturating_add(took / 2)))
    });
    readings.min().map_or(0, |(_, offset)| offset)
}

/// The kernel's clock now, in nanoseconds.
pub(super) fn now() -> u64 {
    nanos(ClockId::CLOCK_MONOTONIC)
}

fn nanos(clock: ClockId) -> u64 {
    let now = clock_gettime(clock).map(Duration::from).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
