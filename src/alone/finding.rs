//! What a log alone shows of some of its failures.

use super::rows::AskedFor;
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use std::time::Duration;

/// Something that several failures have in common. Nothing of it is proven: a log has no packets.
#[derive(Clone, Debug)]
pub struct LogFinding {
    /// What they have in common.
    pub kind: LogFindingKind,
    /// The backends, as the log names them; none where it does not.
    pub backends: Vec<Endpoint>,
    /// What was asked for, where all asked for the same.
    pub asked: Option<AskedFor>,
    /// When the first of them failed.
    pub first: Timestamp,
    /// When the last of them did.
    pub last: Timestamp,
    /// Failures that it is of: requests, and attempts that a retry hid.
    pub count: u64,
    /// The file, from 0, and the line of it, from 1, of each.
    pub lines: Vec<(usize, u64)>,
}

/// What failures have in common.
#[derive(Clone, Debug)]
pub enum LogFindingKind {
    /// Failures that came together.
    Together(Together),
    /// An answer of the same backend had ended T before each.
    KeepaliveTimer(KeepaliveTimer),
    /// Failures that took the same time each.
    Limit(TimeLimit),
    /// Failures too late for a keep-alive race.
    TooLate {
        /// The shortest time until the close.
        shortest: Duration,
        /// The longest.
        longest: Duration,
        /// A race ends earlier than that.
        bound: Duration,
    },
    /// Failures that may be keep-alive races, and the log cannot tell: so large a share of the requests that went well has an
    /// answer T before, whatever T is.
    TooBusy {
        /// The least share for any T.
        share: f64,
    },
}

/// Failures that came together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Together {
    /// What it was.
    pub event: LoggedEvent,
    /// Closed or reset.
    pub cut: u64,
    /// Refused, or not sent at all.
    pub not_sent: u64,
    /// When the backend answered again; `None` where it did not, or several are meant.
    pub again: Option<Timestamp>,
}

/// What makes failures come together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoggedEvent {
    /// A backend stopped, and came again.
    Restart,
    /// Several did so one after the other.
    Deploy,
    /// A backend could not be reached.
    Outage,
    /// All backends failed at once.
    AllAtOnce,
    /// What made them so is not known.
    Burst,
}

/// A backend's keep-alive timer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct KeepaliveTimer {
    /// The median time from the end of an answer to a request that failed.
    pub after: Duration,
    /// The shortest.
    pub shortest: Duration,
    /// The longest.
    pub longest: Duration,
    /// How far from one time they may lie to count.
    pub window: Duration,
    /// Failures of different moments with an answer T before.
    pub hits: u64,
    /// Failures of different moments.
    pub failures: u64,
    /// Requests that went well with an answer T before.
    pub control_hits: u64,
    /// Requests that went well, and were looked at.
    pub controls: u64,
    /// How often chance gives as much.
    pub chance: f64,
}

/// A limit of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeLimit {
    /// The shortest time until the failure.
    pub shortest: Duration,
    /// The longest.
    pub longest: Duration,
    /// The proxy says that it waited no longer; else the connection was closed or reset.
    pub by_proxy: bool,
    /// Failures of this kind at the same backend, or of the same pattern.
    pub of: u64,
    /// Requests that went well there.
    pub answers: u64,
    /// Of these, as long as the limit.
    pub as_long: u64,
}

impl LogFinding {
    /// Whether it says what happened, not only what did not or what cannot be told.
    pub const fn explains(&self) -> bool {
        match self.kind {
            LogFindingKind::KeepaliveTimer(_) | LogFindingKind::Limit(_) => true,
            LogFindingKind::Together(together) => !matches!(together.event, LoggedEvent::Burst),
            LogFindingKind::TooLate { .. } | LogFindingKind::TooBusy { .. } => false,
        }
    }
}
