//! The requests of the last exchanges, whatever became of them: which of them are the same request.
//!
//! A request that was sent again may be answered, and so be known, before the end of the connection on which
//! it was lost.

use super::request_key;
use crate::base::time::Timestamp;
use crate::exchange::{Exchange, Outcome, RequestHead};
use crate::flow::{Connection, Leg};
use crate::packet::{Endpoint, FrameRef};
use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;

/// So many are kept, of about 100 bytes each.
const ROOM: usize = 1_024;
/// Of a target that long only the beginning may be known.
const LONG: usize = 2_048;

/// One request, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentRequest {
    /// What it is known again by.
    pub(super) key: SameRequest,
    /// Number of the connection, and that of the exchange on it.
    pub(super) exchange: (u64, u32),
    /// Who asked.
    pub(super) client: IpAddr,
    /// Who was asked.
    pub(super) server: Endpoint,
    /// The request's first frame.
    pub(super) begun: FrameRef,
    /// When its answer was over, or else what was captured of its connection.
    pub(super) ended: Timestamp,
    /// Of its answer.
    pub(super) status: Option<u16>,
}

impl SentRequest {
    /// The leg of its connection.
    pub(super) fn leg(&self) -> Leg {
        Leg::of(self.client, self.server)
    }
}

/// What a request is known again by: a digest of what it asks, and of who it says that it is, or else of who
/// asks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct SameRequest {
    digest: u64,
    /// The request has ids.
    pub(super) has_id: bool,
}

/// The last requests, the newest of which takes the place of the oldest.
#[derive(Debug)]
pub(super) struct RecentRequests {
    hasher: RandomState,
    places: Vec<Remembered>,
    /// Of each bucket of digests, the newest: its number plus one.
    newest: Vec<u64>,
    /// Of each bucket, when the last of those began that were forgotten and nobody had taken.
    forgotten: Vec<Timestamp>,
    /// How many there were.
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Remembered {
    request: SentRequest,
    /// The one before in its bucket: its number plus one.
    before: u64,
    /// Somebody keeps it.
    taken: bool,
}

impl Default for RecentRequests {
    fn default() -> Self {
        Self {
            hasher: RandomState::default(),
            places: Vec::new(),
            newest: vec![0; ROOM],
            forgotten: vec![Timestamp::default(); ROOM],
            count: 0,
        }
    }
}

impl RecentRequests {
    /// What a request of `client` is known again by; `None` where that is not known.
    pub(super) fn key(&self, head: &RequestHead, client: IpAddr) -> Option<SameRequest> {
        let (method, target) = head.asked()?;
        if method.is_empty() || target.is_empty() || target.len() >= LONG {
            return None;
        }
        let ids = request_key::ids(head);
        let has_id = ids != [0; 3];
        // A proxy may name another host to another backend; without an id it is another request then.
        let digest = if has_id {
            self.hasher.hash_one((method, target, ids))
        } else {
            self.hasher.hash_one((method, target, head.host(), client))
        };
        Some(SameRequest { digest, has_id })
    }

    /// Remembers the request of an exchange; `None` where it cannot be known again.
    pub(super) fn add(
        &mut self,
        exchange: &Exchange,
        connection: &Connection,
    ) -> Option<SentRequest> {
        let request = &exchange.request;
        let key = self.key(request.head.as_ref()?, connection.client.addr)?;
        let response = exchange.response;
        let last = response.map_or(request.last.at, |response| response.last.at);
        let answered = exchange.outcome == Outcome::Answered;
        let until = if answered { last } else { connection.seen_until.max(connection.last.at) };
        let sent = SentRequest {
            key,
            exchange: (connection.number, exchange.ordinal),
            client: connection.client.addr,
            server: connection.server,
            begun: request.first,
            ended: until.max(last),
            status: response.and_then(|response| response.status),
        };
        self.push(sent);
        Some(sent)
    }

    fn push(&mut self, request: SentRequest) {
        let (bucket, place) = (bucket(request.key), place(self.count));
        self.count = self.count.saturating_add(1);
        let before = self.newest.get_mut(bucket);
        let before = before.map(|newest| std::mem::replace(newest, self.count)).unwrap_or_default();
        let new = Remembered { request, before, taken: false };
        let Some(old) = self.places.get_mut(place) else { return self.places.push(new) };
        let old = std::mem::replace(old, new);
        if let Some(forgotten) = self.forgotten.get_mut(self::bucket(old.request.key))
            && !old.taken
        {
            *forgotten = (*forgotten).max(old.request.begun.at);
        }
    }

    /// Somebody keeps the newest.
    pub(super) fn take_newest(&mut self) {
        if let Some(newest) = self.places.get_mut(place(self.count.saturating_sub(1))) {
            newest.taken = true;
        }
    }

    /// Those of a key that nobody took, of all after the first `seen`; now somebody does.
    pub(super) fn take(&mut self, key: SameRequest, seen: u64, to: &mut dyn FnMut(SentRequest)) {
        let room = u64::try_from(ROOM).unwrap_or(u64::MAX);
        let oldest = self.count.saturating_sub(room).max(seen);
        let mut next = self.newest.get(bucket(key)).copied().unwrap_or_default();
        while next > oldest
            && let Some(one) = self.places.get_mut(place(next.saturating_sub(1)))
        {
            if one.request.key == key && !std::mem::replace(&mut one.taken, true) {
                to(one.request);
            }
            next = one.before;
        }
    }

    /// How many there were.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// When the last request began that may have been of this key, and is not known any more.
    pub(super) fn forgotten(&self, key: SameRequest) -> Timestamp {
        self.forgotten.get(bucket(key)).copied().unwrap_or_default()
    }
}

fn bucket(key: SameRequest) -> usize {
    place(key.digest)
}

/// The remainder, of so many places.
fn place(number: u64) -> usize {
    let room = u64::try_from(ROOM).unwrap_or(u64::MAX);
    usize::try_from(number.checked_rem(room).unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(digest: u64, number: u64) -> SentRequest {
        let server = Endpoint { addr: [10, 0, 0, 1].into(), port: 80 };
        let at = Timestamp::from_nanos(number);
        SentRequest {
            key: SameRequest { digest, has_id: false },
            exchange: (number, 0),
            client: [10, 0, 0, 9].into(),
            server,
            begun: FrameRef { capture: 0, number, at },
            ended: at,
            status: None,
        }
    }

    fn taken(recent: &mut RecentRequests, digest: u64, seen: u64) -> Vec<u64> {
        let mut numbers = Vec::new();
        let key = SameRequest { digest, has_id: false };
        recent.take(key, seen, &mut |one| numbers.push(one.begun.number));
        numbers
    }

    #[test]
    fn requests_that_are_alike_are_found_once() {
        let mut recent = RecentRequests::default();
        let bucket = ROOM as u64;
        for number in 1..=9 {
            // Three kinds, two of which share a bucket.
            let kind = [1, 1 + bucket, 2][usize::try_from(number % 3).unwrap()];
            recent.push(sent(kind, number));
        }
        assert_eq!(taken(&mut recent, 1, 8), [9]);
        assert_eq!(taken(&mut recent, 1, 0), [6, 3]);
        assert_eq!(taken(&mut recent, 1, 0), [0; 0]);
        recent.push(sent(2, 10));
        recent.take_newest();
        assert_eq!(taken(&mut recent, 2, 0), [8, 5, 2]);
    }

    #[test]
    fn what_is_forgotten_is_known_to_be() {
        let mut recent = RecentRequests::default();
        let forgotten = |recent: &RecentRequests| recent.forgotten(sent(1, 0).key).as_nanos();
        recent.push(sent(1, 1));
        recent.push(sent(1, 2));
        for number in 0..ROOM as u64 {
            assert_eq!(forgotten(&recent), (number + 2).saturating_sub(ROOM as u64), "{number}");
            recent.push(sent(5, 100 + number));
        }
        assert_eq!(forgotten(&recent), 2);
        assert_eq!(taken(&mut recent, 1, 0), [0; 0]);
        // What somebody keeps is not forgotten.
        recent.push(sent(1, 9_000));
        assert_eq!(taken(&mut recent, 1, 0), [9_000]);
        for number in 0..=ROOM as u64 {
            recent.push(sent(5, 10_000 + number));
        }
        assert_eq!(forgotten(&recent), 2);
    }
}
