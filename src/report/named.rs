//! How values of other rooms stand in JSON: those of a closed set by their names, times in RFC 3339,
//! endpoints as `ip:port`. What counts such values is sorted by their names.

use crate::base::time::Timestamp;
use crate::exchange::{Prober, Protocol, ProxyKind, ServerKind};
use crate::facts::closing::{CloseKind, Closer, Received};
use crate::facts::kernel::{How, ResetReason};
use crate::input::CaptureFormat;
use crate::join::{Answer, Reason};
use crate::knowledge::SettingOrigin;
use crate::knowledge::expected_losses::Basis;
use crate::knowledge::idle_gaps::Ordering;
use crate::ledger::{EventKind, What};
use crate::logs::{LineError, LogFormat, Says};
use crate::packet::{Endpoint, Skip};
use crate::topology::request_key::MatchedBy;
use crate::topology::roles::Role;
use crate::topology::vantage::Vantage;
use crate::verdict::{Cause, Certainty, Retry};
use crate::words::fix::FixSide;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A value of a closed set, which has a name in JSON.
pub trait Named: Copy {
    /// The name.
    fn named(self) -> &'static str;
}

/// Implements [`Named`] by a function, and [`Serialize`] by the name.
macro_rules! named {
    ($($kind:ty: $name:expr;)*) => {$(
        impl Named for $kind {
            fn named(self) -> &'static str {
                $name(self)
            }
        }

        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.named())
            }
        }
    )*};
}
pub(super) use named;

named! {
    Answer: Self::name;
    Basis: Self::name;
    CaptureFormat: Self::name;
    Cause: Self::name;
    Certainty: Self::name;
    CloseKind: close_kind;
    Closer: closer;
    EventKind: Self::name;
    FixSide: Self::name;
    How: how;
    LineError: Self::reason;
    LogFormat: Self::name;
    MatchedBy: Self::name;
    Ordering: Self::name;
    Prober: Self::user_agent;
    Protocol: Self::name;
    ProxyKind: Self::name;
    Reason: Self::name;
    Received: received;
    ResetReason: reset_reason;
    Retry: Self::name;
    Role: Self::name;
    Says: Self::name;
    ServerKind: Self::name;
    Skip: Self::name;
    Vantage: Self::name;
    What: Self::name;
}

const fn close_kind(kind: CloseKind) -> &'static str {
    match kind {
        CloseKind::Fin => "fin",
        CloseKind::Rst => "rst",
    }
}

const fn closer(by: Closer) -> &'static str {
    match by {
        Closer::Backend => "backend",
        Closer::Proxy => "proxy",
        Closer::Path => "path",
    }
}

const fn received(received: Received) -> &'static str {
    match received {
        Received::None => "none",
        Received::Part => "part",
        Received::All => "all",
    }
}

const fn how(how: How) -> &'static str {
    match how {
        How::Close => "close",
        How::Shutdown => "shutdown",
        How::Exit { .. } => "exit",
        How::Untold => "untold",
    }
}

const fn reset_reason(reason: ResetReason) -> &'static str {
    match reason {
        ResetReason::NoSocket => "no_socket",
        ResetReason::TimeWait => "time_wait",
        ResetReason::AfterClose => "after_close",
        ResetReason::UnreadData => "unread_data",
        ResetReason::LingerZero => "linger_zero",
        ResetReason::Other(_) => "other",
        ResetReason::Untold => "untold",
    }
}

/// Implements [`Serialize`] by what is displayed.
macro_rules! displayed {
    ($($kind:ty)*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
    )*};
}

displayed! { Endpoint SettingOrigin Timestamp }

/// How often each value of a closed set was met; those that never were are not in it. In the order of
/// their names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tally<K>(BTreeMap<&'static str, (K, u64)>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Named> Tally<K> {
    /// Counts `more` of one.
    pub fn add(&mut self, one: K, more: u64) {
        let (_, count) = self.0.entry(one.named()).or_insert((one, 0));
        *count = count.saturating_add(more);
    }

    /// How many of one there are.
    pub fn of(&self, one: K) -> u64 {
        self.0.get(one.named()).map_or(0, |(_, count)| *count)
    }

    /// All of them.
    pub fn sum(&self) -> u64 {
        self.iter().fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// How many different ones there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, with how often it was met.
    pub fn iter(&self) -> impl Iterator<Item = (K, u64)> + '_ {
        self.0.values().copied()
    }
}

impl<K: Named> FromIterator<(K, u64)> for Tally<K> {
    fn from_iter<I: IntoIterator<Item = (K, u64)>>(counts: I) -> Self {
        let mut tally = Self::default();
        counts.into_iter().for_each(|(one, count)| tally.add(one, count));
        tally
    }
}

impl<K: Named + Serialize> Serialize for Tally<K> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}
