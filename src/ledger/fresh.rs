//! A failure just booked, for who waits for it.

use super::failure::Failure;

/// A failure just booked.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// The failure, as it is known so far.
    pub failure: Failure,
    /// The failure is among those that are kept, so that the end may show it otherwise.
    pub kept: bool,
    /// The failure is one of a row of failing probes, and not the first.
    pub another_probe: bool,
}
