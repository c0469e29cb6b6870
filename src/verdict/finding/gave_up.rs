//! What the proxy gave up on, or who left it.

use crate::packet::Endpoint;
use std::time::Duration;

/// What the proxy waited for, if it is known how long it waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GaveUp {
    /// The wait fits the read timeout that was told.
    pub fits_read_timeout: bool,
    /// An answer came after the proxy had closed.
    pub answered_late: bool,
}

/// How long nothing moved before the proxy closed, or the capture ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standstill {
    /// So long.
    pub silence: Duration,
    /// The backend's window was zero: it did not read. Otherwise it did not write on.
    pub zero_window: bool,
}

/// What shows that the client had left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    /// Nothing but that the proxy closed for no other reason.
    Unseen,
    /// The connection of the front leg whose client left.
    FrontLeg {
        /// The client's address and port.
        client: Endpoint,
        /// From its close to the proxy's on the backend leg.
        before: Duration,
    },
    /// The proxy's log says so.
    Logged {
        /// With this status, if it has one for that.
        status: Option<u16>,
    },
}
