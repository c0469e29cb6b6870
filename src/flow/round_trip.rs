//! On which side of a capture the way lies, going by the waits of a handshake.

use std::time::Duration;

/// Below this, a round trip cannot be told from the time that a host takes to answer.
pub const TELLING: Duration = Duration::from_micros(200);

/// `far` is a round trip to a host elsewhere, seeing how soon a `near` one answers.
#[must_use]
pub fn is_round_trip(far: Duration, near: Duration) -> bool {
    far >= TELLING && near.saturating_mul(4) < far
}
