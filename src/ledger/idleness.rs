//! How a connection was idle.

use std::time::Duration;

/// What ended an idle gap, and how long it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Idleness {
    /// The next request.
    Reused(Duration),
    /// The backend closed.
    ClosedByBackend(Duration),
    /// The backend closed, as it had announced with its answer.
    ClosedAsAnnounced(Duration),
    /// The proxy closed.
    ClosedByProxy(Duration),
    /// The capture ended.
    StillOpen(Duration),
}
