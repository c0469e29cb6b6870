//! Where a capture was taken, by its handshakes.

use crate::flow::{Leg, TELLING, is_round_trip};
use crate::ledger::Listener;

/// Where a capture was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vantage {
    /// On the proxy's host.
    Proxy,
    /// On the backend's host.
    Backend,
    /// On the way.
    Between,
    /// Both run on one host.
    SameHost,
    /// The capture does not show it.
    Unknown,
}

impl Vantage {
    /// The vantage's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Backend => "backend",
            Self::Between => "between",
            Self::SameHost => "same_host",
            Self::Unknown => "unknown",
        }
    }

    /// Going by handshakes: whoever is near answers at once, and the round trip lies on the other
    /// side.
    pub fn of(leg: Leg, listener: &Listener) -> Self {
        if !listener.proxies.is_empty()
            && listener.proxies.keys().all(|addr| *addr == leg.server.addr)
        {
            return Self::SameHost;
        }
        let (Some(far), Some(near)) = (listener.syn_to_syn_ack, listener.syn_ack_to_ack) else {
            return Self::Unknown;
        };
        if is_round_trip(far, near) {
            Self::Proxy
        } else if is_round_trip(near, far) {
            Self::Backend
        } else if near >= TELLING && far >= TELLING {
            Self::Between
        } else {
            Self::Unknown
        }
    }
}
