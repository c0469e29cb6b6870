//! What the connections of a backend have in common: how they end, what runs on either side.

use crate::base::time::Timestamp;
use crate::exchange::{Ended, ProxyKind, ServerKind};
use crate::facts::closing;
use crate::flow::{Connection, Side, Start};
use crate::knowledge::timers::{Closes, Timer};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Different counts of requests remembered; beyond, there is no one limit.
const COUNTS: usize = 64;
/// Connections whose span is remembered, per listener: the latest.
const SPANS: usize = 4_096;
/// Fewer closes are chance.
const MIN_SAMPLES: u64 = 3;

/// How a backend's connections end.
#[derive(Clone, Debug, Default)]
pub struct Endings {
    /// Closes by the backend, by how many requests it had answered.
    after: BTreeMap<u32, After>,
    /// Closes by the backend.
    total: u64,
    /// The most requests answered on any connection.
    most: u32,
    /// How old idle connections were that the backend closed.
    ages: Closes,
    /// When connections began and ended.
    pub spans: VecDeque<LifeSpan>,
}

#[derive(Clone, Copy, Debug, Default)]
struct After {
    closes: u64,
    announced: u64,
}

/// The life of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LifeSpan {
    /// When it began, as far as was captured.
    pub opened: Timestamp,
    /// The first close; [`Timestamp::MAX`] when there was none.
    pub closed: Timestamp,
    /// The backend closed first.
    pub by_backend: bool,
    /// How long it had been idle then.
    pub idle: Option<Duration>,
    /// When the last answer on it came, unless a request was outstanding at the end.
    pub answered: Option<Timestamp>,
    /// The connection came about.
    pub established: bool,
}

/// A limit on the requests of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestLimit {
    /// Requests answered before the backend closes.
    pub requests: u32,
    /// In how many connections.
    pub samples: u64,
    /// How many of these connections' last answers announced it.
    pub announced: u64,
}

impl Endings {
    /// Notes how a connection ended. With `room`, or in the place of an older one, its span is
    /// remembered. Returns whether room was used.
    pub fn note(
        &mut self,
        ended: &Ended,
        connection: &Connection,
        established: bool,
        room: bool,
    ) -> bool {
        let closing = closing::first(connection);
        let by_backend = closing.is_some_and(|closing| closing.by == Side::Server);
        let closed = closing.map_or(Timestamp::MAX, |closing| closing.mark.frame.at);
        let idle = ended.quiet_since.filter(|_| closing.is_some() && ended.exchanges > 0);
        // The oldest makes room in any case.
        let full = self.spans.len() >= SPANS || !room;
        let kept = !full || self.spans.pop_front().is_some();
        if kept {
            self.spans.push_back(LifeSpan {
                opened: connection.opened.at,
                closed,
                by_backend,
                idle: idle.map(|quiet| closed.since(quiet.at)),
                answered: ended.quiet_since.filter(|_| ended.exchanges > 0).map(|quiet| quiet.at),
                established,
            });
        }
        // What is outstanding at the end was not answered.
        let open = u32::from(ended.quiet_since.is_none());
        let answered = ended.exchanges.saturating_sub(open);
        self.most = self.most.max(answered);
        if !by_backend || answered == 0 || connection.start != Start::Handshake {
            return !full;
        }
        self.total = self.total.saturating_add(1);
        // A close in the middle of a request has another reason than age.
        if ended.quiet_since.is_some() {
            self.ages.record(closed.since(connection.opened.at));
        }
        if self.after.len() < COUNTS || self.after.contains_key(&answered) {
            let after = self.after.entry(answered).or_default();
            after.closes = after.closes.saturating_add(1);
            after.announced = after.announced.saturating_add(ended.close_announced.into());
        }
        !full
    }

    /// The limit on requests, if most connections end after the same number and none has more. A
    /// backend whose `timer` explains its closes shows none.
    pub fn request_limit(&self, timer: Option<Timer>) -> Option<RequestLimit> {
        let (requests, after) = self.after.iter().max_by_key(|(_, after)| after.closes)?;
        let most = after.closes.saturating_mul(10) >= self.total.saturating_mul(6);
        let limit = timer.is_none()
            && most
            && after.closes >= MIN_SAMPLES
            && *requests > 1
            && self.most == *requests;
        let After { closes: samples, announced } = *after;
        limit.then_some(RequestLimit { requests: *requests, samples, announced })
    }

    /// The age at which connections are closed, if most are closed at the same one, whatever was asked
    /// on them.
    pub fn age_limit(&self, timer: Option<Timer>) -> Option<Timer> {
        let limited = timer.is_some() || self.request_limit(timer).is_some();
        self.ages.timer().filter(|_| !limited)
    }
}

/// The software on one side, by how often headers give it away.
#[derive(Clone, Debug)]
pub struct Guesses<K>(BTreeMap<K, u64>);

impl<K> Default for Guesses<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Copy + Ord> Guesses<K> {
    /// Counts what one message gives away, if it does.
    pub fn note(&mut self, seen: Option<K>) {
        if let Some(kind) = seen {
            let count = self.0.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The one seen most.
    pub fn best(&self) -> Option<K> {
        self.0.iter().max_by_key(|(_, count)| **count).map(|(kind, _)| *kind)
    }
}

/// What is known of both sides of a failure, for the advice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Context {
    /// The backend's server, a guess.
    pub server: Option<ServerKind>,
    /// The proxy, a guess.
    pub proxy: Option<ProxyKind>,
    /// The backend's server as told, by its id among the known ones.
    pub told_server: Option<&'static str>,
    /// The proxy as told, by its id among the known ones.
    pub told_proxy: Option<&'static str>,
    /// The proxy's idle timeout, as told or observed.
    pub proxy_idle: Option<Duration>,
    /// The backend closes after so many requests.
    pub request_limit: Option<RequestLimit>,
    /// The backend closes at this age.
    pub age_limit: Option<Duration>,
    /// Another port of the backend's host, which answers.
    pub answers_on: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endings(counts: &[(u32, u64)]) -> Endings {
        let mut endings = Endings::default();
        for (requests, closes) in counts {
            endings.after.insert(*requests, After { closes: *closes, announced: 0 });
            endings.total += closes;
            endings.most = endings.most.max(*requests);
        }
        endings
    }

    #[test]
    fn most_connections_ending_after_the_same_number_is_a_limit() {
        let limit =
            |counts: &[(u32, u64)]| endings(counts).request_limit(None).map(|limit| limit.requests);
        assert_eq!(limit(&[(100, 5)]), Some(100));
        assert_eq!(limit(&[(100, 5), (7, 2)]), Some(100));
        assert_eq!(limit(&[(100, 2)]), None, "too few");
        assert_eq!(limit(&[(1, 9)]), None, "no keep-alive at all");
        assert_eq!(limit(&[(50, 5), (100, 1)]), None, "one had more");
        assert_eq!(limit(&[(5, 3), (6, 3)]), None, "no one number");
        let timer = Timer::told(Duration::from_secs(5));
        assert_eq!(endings(&[(2, 9)]).request_limit(Some(timer)), None, "the timer explains it");
    }
}
