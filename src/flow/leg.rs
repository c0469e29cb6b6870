//! Which connections belong together: those to one listener, from one side of it.

use super::connection::Connection;
use crate::packet::Endpoint;
use std::fmt;
use std::net::IpAddr;

/// The connections to one listener that come from elsewhere, or those that come from its own host.
///
/// Mostly a listener has one of the two. Where it has both, they may be two legs of a proxy: a sidecar takes what
/// comes to the address and port of a program, and asks the program there itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Leg {
    /// Where connections are accepted.
    pub server: Endpoint,
    /// Connections come from the server's own host.
    pub inside: bool,
}

impl Leg {
    /// The leg of connections from `client` to `server`.
    pub fn of(client: IpAddr, server: Endpoint) -> Self {
        Self { server, inside: client == server.addr || client.is_loopback() }
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

impl Connection {
    /// The leg that it belongs to.
    pub fn leg(&self) -> Leg {
        Leg::of(self.client.addr, self.server)
    }
}
