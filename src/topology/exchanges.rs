//! The exchanges that a capture holds, each in little room: what a log is joined with.
//!
//! Where there is neither a log nor a front leg, nothing is kept but what may have been sent again. What is kept is bounded: when there is
//! no more room, exchanges that went well make place, and that is counted.

use super::repeats::Repeats;
use super::roles::Roles;
use super::seen::SeenExchange;
use crate::exchange::{Exchange, Outcome};
use crate::facts::SentAgain;
use crate::flow::Connection;
use crate::ledger::Judgement;
use foldhash::fast::RandomState;
use std::collections::HashSet;
use std::net::IpAddr;

/// So many exchanges are kept at most, of about 150 bytes each.
const ROOM: usize = 1 << 18;
/// So many are kept before it shows whether there is a front leg at all.
const TRIAL: usize = 4_096;
/// Hosts looked at for that.
const HOSTS: usize = 64;

/// The exchanges kept.
#[derive(Debug, Default)]
pub struct Trail {
    seen: Vec<SeenExchange>,
    /// There is a log to join.
    log: bool,
    /// There is a front leg, it seems.
    front: bool,
    clients: HashSet<IpAddr, RandomState>,
    servers: HashSet<IpAddr, RandomState>,
    /// Connections left the host that captured them; others came to it.
    directions: [bool; 2],
    /// What failed was asked so.
    failing: HashSet<u64, RandomState>,
    /// No room any more for what went well.
    full: bool,
    /// The exchange noted last is kept.
    noted: bool,
    /// What may have been sent again; that is kept always.
    repeats: Repeats,
    /// Exchanges that were not kept.
    pub forgotten: u64,
}

impl Trail {
    /// Nothing yet. Without a `log`, exchanges are kept where a front leg shows, or was told.
    pub fn new(log: bool, front: bool) -> Self {
        Self { log, front, ..Self::default() }
    }

    /// The exchanges kept, in the order in which their fate was known.
    pub fn seen(&self) -> &[SeenExchange] {
        &self.seen
    }

    /// Notes one exchange, unless it is another view of one. Whether it `failed` is said afterwards; see
    /// [`Self::failed`].
    pub fn note(&mut self, exchange: &Exchange, connection: &Connection) -> bool {
        // Seen elsewhere as well, it is noted there.
        if connection.same_as.is_some() {
            return false;
        }
        self.repeats.note(exchange, connection);
        self.noted = self.keep(exchange, connection);
        true
    }

    /// Keeps an exchange; returns whether it did.
    fn keep(&mut self, exchange: &Exchange, connection: &Connection) -> bool {
        if !self.log && !self.front {
            // What an earlier exchange of the connection showed, this one shows no better.
            if exchange.ordinal == 0 || self.seen.is_empty() {
                self.look(connection);
            }
            if !self.front && self.seen.len() >= TRIAL {
                return false;
            }
        }
        if self.seen.len() >= ROOM && !self.full {
            self.make_room();
        }
        let sound = matches!(exchange.outcome, Outcome::Answered)
            && exchange.response.and_then(|response| response.status).is_some_and(|one| one < 400);
        if self.full && sound || self.seen.len() >= ROOM.saturating_mul(2) {
            self.forgotten = self.forgotten.saturating_add(1);
            return false;
        }
        self.seen.push(SeenExchange::of(exchange, connection));
        true
    }

    /// The exchange noted last failed.
    pub fn failed(&mut self) {
        self.repeats.failed();
        if let Some(last) = self.seen.last_mut().filter(|_| self.noted) {
            last.failed = true;
            self.failing.insert(last.asked.whole);
        }
    }

    /// The failures whose request was sent again, by their places among those that were judged.
    pub fn sent_again(&self, judged: &Judgement<'_>, roles: &Roles) -> Vec<(usize, SentAgain)> {
        self.repeats.found(judged, roles)
    }

    /// Whether a host both accepts connections and opens them.
    fn look(&mut self, connection: &Connection) {
        let Connection { client, server, .. } = connection;
        match connection.outgoing {
            Some(true) => self.directions[0] = true,
            Some(false) => self.directions[1] = true,
            None => {}
        }
        self.front = self.directions == [true, true]
            || client.addr != server.addr
                && (self.servers.contains(&client.addr) || self.clients.contains(&server.addr));
        if self.clients.len() < HOSTS {
            self.clients.insert(client.addr);
        }
        if self.servers.len() < HOSTS {
            self.servers.insert(server.addr);
        }
    }

    /// What went well makes place, unless something else that was asked the same did not.
    fn make_room(&mut self) {
        let before = self.seen.len();
        let failing = &self.failing;
        let mut place = 0_usize;
        self.seen.retain(|seen| {
            place = place.saturating_add(1);
            let matters = seen.failed || seen.unread || failing.contains(&seen.asked.whole);
            matters || seen.status.is_none_or(|status| status >= 400) || place.is_multiple_of(16)
        });
        let gone = before.saturating_sub(self.seen.len());
        self.forgotten = self.forgotten.saturating_add(u64::try_from(gone).unwrap_or(u64::MAX));
        self.full = self.seen.len() > ROOM.saturating_sub(ROOM / 4);
    }
}
