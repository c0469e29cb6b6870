//! A failure just booked, for who waits for it.

use super::failure::Failure;

/// A failure just booked.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// As it is known so far.
    pub failure: Failure,
    /// It is among those that are kept, so that the end may show it otherwise.
    pub kept: bool,
    /// It is one of a row of failing probes, and not the first.
    pub another_probe: bool,
}
