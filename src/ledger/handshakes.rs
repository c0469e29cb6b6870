//! What the TLS handshakes with one listener come to.

use super::counts::count;
use crate::base::time::Timestamp;
use crate::exchange::Ended;
use crate::facts::closing;
use crate::flow::Connection;
use crate::knowledge::distribution::Gaps;
use crate::streams::tls::{Handshake, TlsVersion};
use std::collections::BTreeMap;
use std::time::Duration;

/// Names of one kind that are kept of a listener.
const NAMES: usize = 16;

/// A connection that is closed so soon after its last words is not kept for another request.
const AT_ONCE: Duration = Duration::from_millis(100);
/// A connection of more requests than these is one that is kept.
const FEW: u64 = 2;

/// Names, and how many handshakes each stood in.
pub type CountedNames = BTreeMap<Box<[u8]>, u64>;

/// The handshakes with one listener that were captured and came to their end.
#[derive(Clone, Debug, Default)]
pub struct HandshakeTally {
    /// How many.
    pub done: u64,
    /// Of these, those that went on with an earlier session.
    pub resumed: u64,
    /// Of these, those that did not.
    pub full: u64,
    /// How many chose which version.
    pub versions: BTreeMap<TlsVersion, u64>,
    /// Server names that were asked for.
    pub names: CountedNames,
    /// Handshakes in which none was asked for.
    pub nameless: u64,
    /// Protocols that the listener chose, as far as that is in clear.
    pub protocols: CountedNames,
    /// Protocols that were offered to it.
    pub offered: CountedNames,
    /// How long they took.
    pub times: Gaps,
}

impl HandshakeTally {
    /// Books the handshake of a connection, if it came to its end.
    pub(super) fn note(&mut self, ended: &Ended) {
        let Some(facts) = ended.tls.as_deref() else { return };
        if facts.handshake != Handshake::Done || facts.client_hello.is_none() {
            return;
        }
        count(&mut self.done);
        match facts.resumed {
            Some(true) => count(&mut self.resumed),
            Some(false) => count(&mut self.full),
            None => {}
        }
        if let Some(version) = facts.chosen
            && (self.versions.len() < NAMES || self.versions.contains_key(&version))
        {
            count(self.versions.entry(version).or_default());
        }
        if let Some(name) = &facts.sni {
            count_name(&mut self.names, name);
        }
        if facts.sni.is_none() && facts.hello_whole {
            count(&mut self.nameless);
        }
        if let Some(name) = &facts.alpn {
            count_name(&mut self.protocols, name);
        }
        facts.alpn_offered.iter().for_each(|name| count_name(&mut self.offered, name));
        if let Some(time) = facts.handshake_time() {
            self.times.record(time);
        }
    }
}

fn count_name(names: &mut CountedNames, name: &[u8]) {
    if let Some(known) = names.get_mut(name) {
        count(known);
    } else if names.len() < NAMES {
        names.insert(name.into(), 1);
    }
}

/// What handshakes one client of a listener pays for its requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paid {
    /// Requests in TLS of all its connections on which both sides spoke by turns.
    pub requests: u64,
    /// Full handshakes whose connections were closed at once behind a request or two.
    pub full: u64,
    /// When the first and the last of these began.
    span: Option<(Timestamp, Timestamp)>,
}

impl Paid {
    /// Fewer handshakes than these say nothing: a pool is filled once.
    const LEAST: u64 = 10;
    /// Probes of health come seldom, and keeping connections would be of no use for so few requests either.
    const SELDOM: Duration = Duration::from_millis(500);

    /// Books what was paid for the requests of a connection.
    pub(super) fn note(&mut self, ended: &Ended, connection: &Connection) {
        let (Some(facts), Some(turns)) = (ended.tls.as_deref(), ended.turns) else { return };
        // How many requests there were on it is not known.
        if turns.overlapping {
            return;
        }
        let requests = u64::from(turns.exchanges);
        self.requests = self.requests.saturating_add(requests);
        let closed_at_once = turns.quiet_since.is_some_and(|quiet| {
            let closing = closing::first(connection);
            let gap = closing.and_then(|closing| connection.span(quiet, closing.mark.frame));
            gap.is_some_and(|gap| gap < AT_ONCE)
        });
        if let Some(hello) = facts.client_hello
            && facts.resumed == Some(false)
            && (1..=FEW).contains(&requests)
            && closed_at_once
        {
            count(&mut self.full);
            let (first, last) = self.span.unwrap_or((hello.at, hello.at));
            self.span = Some((first.min(hello.at), last.max(hello.at)));
        }
    }

    /// A full handshake is paid for at least every other request, and often.
    pub fn is_too_much(&self) -> bool {
        let span = self.span.map_or(Duration::ZERO, |(first, last)| last.since(first));
        let times = u32::try_from(self.full).unwrap_or(u32::MAX);
        self.full >= Self::LEAST
            && self.full.saturating_mul(2) >= self.requests
            && span < Self::SELDOM.saturating_mul(times)
    }
}

#[cfg(test)]
mod tests {
    use super::Paid;
    use crate::base::time::Timestamp;

    fn paid(full: u64, requests: u64, millis: u64) -> Paid {
        let at = |millis: u64| Timestamp::from_nanos(millis * 1_000_000);
        Paid { requests, full, span: Some((at(0), at(millis))) }
    }

    #[test]
    fn only_many_handshakes_for_about_as_many_requests_are_too_much() {
        assert!(paid(10, 10, 1_000).is_too_much());
        assert!(paid(50, 100, 1_000).is_too_much(), "two requests each");
        assert!(!paid(9, 9, 100).is_too_much(), "a pool that is filled");
        assert!(!paid(50, 101, 1_000).is_too_much(), "of several pools one is kept");
        assert!(!paid(10, 10, 10_000).is_too_much(), "probes");
        assert!(!Paid::default().is_too_much());
    }
}
