//! What is known beside an attempt when it is judged: of its backend, its proxy and its kind of request,
//! over all that was captured so far.

use super::configured::Timeouts;
use super::timers::Timer;
use std::time::Duration;

/// What a judge may ask that is not a fact of the attempt itself. Empty knowledge is what there is when an
/// attempt is booked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Knowledge {
    /// Timeouts of either side, as configured.
    pub timeouts: Timeouts,
    /// The backend's keep-alive timer: as configured, and as its closes show it. What was configured may not
    /// be in effect, and what is seen may be another timer's.
    pub timers: [Option<Timer>; 2],
    /// The longest that the backend kept a connection idle which was then of use again.
    pub kept_idle: Duration,
    /// The user named the backend.
    pub named: bool,
    /// The backend answers what follows a header of the PROXY protocol.
    pub takes_header: bool,
    /// The backend answers: it is known what it speaks.
    pub answers: bool,
    /// No word of any backend was captured, nor did a host repeat its SYN to this one: that of this one may
    /// be what is missing.
    pub deaf: bool,
    /// The backend's host asks others while it answers: it may be a proxy itself.
    pub asks_others: bool,
    /// Each new connection to the backend ended as soon as something was asked, and nothing was ever
    /// answered: so many connections.
    pub nothing_answered: Option<u64>,
    /// A loopback address refused it, and at the other one the same port took a connection at once.
    pub taken_beside: bool,
    /// The attempt is one of a row of probes that fail.
    pub probe: Option<FailingProbe>,
    /// What may still become known.
    pub ahead: Ahead,
}

/// One of a row of probes that fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FailingProbe {
    /// Known by its user agent, not by a constant period alone: a job may ask as steadily.
    pub named: bool,
    /// Failed by the status of its answer, which its proxy does not accept.
    pub by_status: bool,
}

/// What may still become known that a verdict depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ahead {
    /// Nothing: all was read.
    #[default]
    Nothing,
    /// More frames, and with them timers, clients that left, a header that is taken after all.
    More {
        /// The attempt may turn out to be a probe.
        probe: bool,
        /// The backend may turn out to be a proxy.
        role: bool,
    },
}
