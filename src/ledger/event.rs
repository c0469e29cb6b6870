//! What happened to a backend, so that many of its failures have one reason.

use crate::base::time::Timestamp;
use crate::flow::Leg;
use crate::verdict::Cause;
use std::collections::BTreeMap;

/// What happened to a backend.
#[derive(Clone, Debug)]
pub struct Event {
    /// Of which kind.
    pub kind: EventKind,
    /// Whose.
    pub leg: Leg,
    /// When its first failure began.
    pub first: Timestamp,
    /// When its last failure ended.
    pub last: Timestamp,
    /// Connections that the backend closed within moments.
    pub closed: usize,
    /// When the first new connection came about after it.
    pub recovered: Option<Timestamp>,
    /// Failures that belong to it, by cause.
    pub causes: BTreeMap<Cause, u64>,
}

/// Kinds of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// The backend worked before, and soon after.
    Restart,
    /// The backend did not work before, or not again within the capture or for long.
    Outage,
}

impl EventKind {
    /// The kind's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Outage => "outage",
        }
    }
}
