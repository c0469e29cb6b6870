//! What connects met that were not answered by the backend.

use crate::packet::icmp;
use std::net::IpAddr;

/// What shows that there is no way to the backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoWay {
    /// Who said what of the way.
    Told(icmp::Unreachable),
    /// Nobody has the backend's address.
    NoNeighbour {
        /// The address.
        about: IpAddr,
        /// How often its host was asked for.
        times: u32,
    },
}

/// SYNs that nobody answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnansweredSyns {
    /// SYNs captured.
    pub syns: u32,
    /// The backend's host did answer, with an ACK of an older connection between the same ports.
    pub challenged: bool,
    /// When they stopped fits the connect timeout that was told.
    pub fits_connect_timeout: bool,
}
