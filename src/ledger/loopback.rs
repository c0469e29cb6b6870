//! `localhost` stands for both loopback addresses: who connects to it tries one, and where nothing listens there
//! the other at once. Nobody but the program itself ever knows of the first.

use crate::base::time::Timestamp;
use crate::flow::{Connection, Side};
use crate::packet::{Endpoint, Segment};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// So soon a program turns to the other address.
const AT_ONCE: Duration = Duration::from_millis(20);
/// So many are remembered at most: a refused connect is booked when no straggler of it comes any more.
const ROOM: usize = 1 << 14;
/// So far back it is looked for another copy of the same word.
const COPIES: usize = 32;

/// Connections that were accepted at loopback addresses a short while ago, in the order of the capture.
#[derive(Clone, Debug, Default)]
pub(super) struct Loopback {
    accepted: VecDeque<LoopbackConnect>,
}

/// A connection that was accepted.
#[derive(Clone, Copy, Debug)]
struct LoopbackConnect {
    at: Timestamp,
    server: Endpoint,
    client: Endpoint,
    /// The refused connect in whose stead it was made.
    instead: Option<Endpoint>,
}

impl Loopback {
    /// Takes a segment: what says that a connection was accepted is remembered.
    pub(super) fn hear(&mut self, segment: &Segment<'_>) {
        let accepts = segment.flags.syn() && segment.flags.ack();
        if !accepts || other(segment.src.addr).is_none() || !segment.dst.addr.is_loopback() {
            return;
        }
        let (at, server, client) = (segment.frame.at, segment.src, segment.dst);
        let known = |one: &LoopbackConnect| one.server == server && one.client == client;
        if self.accepted.iter().rev().take(COPIES).any(known) {
            return;
        }
        if self.accepted.len() >= ROOM {
            self.accepted.pop_front();
        }
        self.accepted.push_back(LoopbackConnect { at, server, client, instead: None });
    }

    /// Whether a connect to a loopback address was refused and the same port took one at the other loopback
    /// address at once. Each connection that was accepted stands for one that was refused.
    pub(super) fn takes_instead(&mut self, connection: &Connection) -> bool {
        let Connection { client, server, .. } = connection;
        let (Some(addr), true) = (other(server.addr), client.addr.is_loopback()) else {
            return false;
        };
        let refused = connection.half(Side::Server).rst.filter(|_| connection.syn_ack.is_none());
        let Some(refused) = refused.map(|rst| rst.frame.at) else { return false };
        let there = Endpoint { addr, port: server.port };
        // The first one after it, of those that stand for no other.
        let since = self.accepted.iter_mut().rev().take_while(|one| one.at >= refused);
        let found = since.filter(|one| {
            let free = one.instead.is_none_or(|instead| instead == *client);
            free && one.server == there && one.at.since(refused) <= AT_ONCE
        });
        let found = found.last();
        found.is_some_and(|one| {
            one.instead = Some(*client);
            true
        })
    }
}

/// The loopback address of the other family.
fn other(addr: IpAddr) -> Option<IpAddr> {
    match addr {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => None,
    }
}
