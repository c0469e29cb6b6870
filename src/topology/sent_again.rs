//! Which of several requests that are alike is the repetition of one that was lost.
//!
//! A proxy sends again, on another connection, right after the loss. So does a client that got an error, and
//! others may ask the same by chance: what is said here is what was sent, not why. Whether a request is a
//! repetition can be told
//!
//! - where losses and requests pair one to one in the order of time, and
//! - it came soon ([`SOON`]), and nothing else like it in twenty times the time that it took to come, nor, where
//!   that did not fail, within a second: then it is no chance; or
//! - all of them have the ids of the one that was lost, and all that have those are lost or such repetitions.
//!
//! Whatever else there is leaves it open.

use super::recent::{SameRequest, SentRequest};
use crate::base::time::Timestamp;
use crate::facts::SentAgain;
use crate::packet::FrameRef;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// A proxy that waits before it sends again waits no longer: Envoy at most 250 ms unless told otherwise, others
/// not at all; and a handshake.
const SOON: Duration = Duration::from_millis(300);
/// What has an id is known again also after connects in between that failed, each of which Linux gives up after
/// 127 s.
const IN_TIME: Duration = Duration::from_secs(130);
/// What is asked more often is asked anyway.
const OFTEN: Duration = Duration::from_secs(1);
/// What comes so many times sooner than anything else like it is no chance.
const SOONER: u32 = 20;
/// Interfaces of one host are stamped so far apart at most.
const JITTER: Duration = Duration::from_millis(5);
/// No proxy tries so often; with ids, no proxy tries oftener.
const TRIES: [usize; 2] = [4, 16];

/// How long after a loss requests matter that are like the one that was lost.
pub(super) fn reach(key: SameRequest) -> Duration {
    if key.has_id { IN_TIME } else { SOON.saturating_mul(SOONER.saturating_add(2)) }
}

/// A request that was lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct LostRequest {
    /// The failure's place.
    pub(super) place: usize,
    /// Number of the connection, and that of the exchange on it.
    pub(super) exchange: (u64, u32),
    /// The frame with which it was lost.
    pub(super) frame: FrameRef,
    /// When the last request began that may have been like it and is not known.
    pub(super) forgotten: Timestamp,
}

/// Requests that are alike, in the order of time.
pub(super) struct AlikeRequests<'a> {
    requests: Vec<&'a SentRequest>,
    /// Those of them that were lost, and what is known of these.
    lost: HashMap<(u64, u32), LostRequest>,
    /// What is asked of hosts that ask so themselves.
    servers: BTreeSet<IpAddr>,
    /// When the first began that are not known.
    no_room_from: Timestamp,
    /// Frames of several captures.
    several: bool,
}

impl<'a> AlikeRequests<'a> {
    /// `is_front` says which are no requests to backends.
    pub(super) fn new(
        requests: &'a [SentRequest],
        lost: Vec<LostRequest>,
        no_room_from: Timestamp,
        is_front: impl Fn(&SentRequest) -> bool,
    ) -> Self {
        let servers = requests.iter().map(|one| one.server.addr).collect();
        let mut requests: Vec<&SentRequest> =
            requests.iter().filter(|one| !is_front(one)).collect();
        requests.sort_by_key(|one| (one.begun.at, one.begun.capture, one.begun.number));
        let first = requests.first().map(|one| one.begun.capture);
        let several = requests.iter().any(|one| Some(one.begun.capture) != first)
            || lost.iter().any(|one| Some(one.frame.capture) != first);
        let lost = lost.into_iter().map(|one| (one.exchange, one)).collect();
        Self { requests, lost, servers, no_room_from, several }
    }

    /// The failures whose request was sent again, by their places.
    pub(super) fn sent_again(&self, has_id: bool) -> Vec<(usize, SentAgain)> {
        let mut of_client: BTreeMap<IpAddr, Vec<&SentRequest>> = BTreeMap::new();
        for one in &self.requests {
            of_client.entry(one.client).or_default().push(one);
        }
        let mut found: Vec<Repetition<'_>> = Vec::new();
        for requests in of_client.values() {
            let row = RequestRow::new(requests, self, if has_id { IN_TIME } else { SOON });
            found.extend(row.told(has_id));
        }
        if has_id {
            found.extend(self.at_another_address(&of_client));
        }
        found.into_iter().map(|pair| (pair.lost.place, pair.fact())).collect()
    }

    /// Requests with ids that came again from another address alone, and soon.
    fn at_another_address(
        &self,
        of_client: &BTreeMap<IpAddr, Vec<&'a SentRequest>>,
    ) -> Vec<Repetition<'a>> {
        let mut pairs: Vec<Repetition<'a>> = Vec::new();
        for request in of_client.values().filter_map(|own| own.first().filter(|_| own.len() == 1)) {
            let Some(lost) = self.lost.get(&request.exchange) else { continue };
            let until = lost.frame.at.plus(SOON);
            let others = self.requests.iter().filter(|one| {
                one.client != request.client
                    && one.begun.at >= request.begun.at
                    && one.begun.at <= until
            });
            let others: Vec<&&SentRequest> = others.collect();
            let [again] = others[..] else { continue };
            let known = lost.forgotten < request.begun.at && self.no_room_from > until;
            // Who is asked for it, and asks others, passes it on.
            let passed_on = self.servers.contains(&again.client);
            if known && !passed_on && self.lost_at(lost, request) <= again.begun.at {
                pairs.push(Repetition { request, lost: *lost, again });
            }
        }
        let of = |pair: &Repetition<'_>| pair.again.exchange;
        let mut times: BTreeMap<(u64, u32), u32> = BTreeMap::new();
        for pair in &pairs {
            let count = times.entry(of(pair)).or_default();
            *count = count.saturating_add(1);
        }
        pairs.retain(|pair| times.get(&of(pair)) == Some(&1));
        pairs
    }

    /// When a repetition can have begun at the earliest.
    fn lost_at(&self, lost: &LostRequest, request: &SentRequest) -> Timestamp {
        let at = lost.frame.at.as_nanos();
        let jitter = u64::try_from(JITTER.as_nanos()).unwrap_or_default();
        let at = if self.several { at.saturating_sub(jitter) } else { at };
        Timestamp::from_nanos(at).max(request.begun.at.plus(Duration::from_nanos(1)))
    }
}

/// A request that was lost, and its repetition.
#[derive(Clone, Copy)]
struct Repetition<'a> {
    request: &'a SentRequest,
    lost: LostRequest,
    again: &'a SentRequest,
}

impl Repetition<'_> {
    fn after(&self) -> Duration {
        self.again.begun.at.since(self.lost.frame.at)
    }

    fn fact(self) -> SentAgain {
        let SentRequest { exchange: (connection, _), begun: frame, status, .. } = *self.again;
        SentAgain { connection, frame, status, after: self.after() }
    }
}

/// What happens in a row, by places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    /// A request was lost.
    Lost(usize),
    /// A request began.
    Began(usize),
}

/// Requests of one client that are alike, in the order of time.
struct RequestRow<'r, 'a> {
    requests: &'r [&'a SentRequest],
    alike: &'r AlikeRequests<'a>,
    /// Of each, whether it was lost.
    lost: Vec<Option<LostRequest>>,
    /// Of each, the one that it repeats.
    repeats: Vec<Option<usize>>,
    /// Of each, the one that repeats it.
    repeated: Vec<Option<usize>>,
    /// Losses that wait for their repetitions at the same time.
    waits: Vec<Vec<usize>>,
}

impl<'r, 'a> RequestRow<'r, 'a> {
    /// Pairs losses with what began within a time after them, one to one.
    fn new(
        requests: &'r [&'a SentRequest],
        alike: &'r AlikeRequests<'a>,
        within: Duration,
    ) -> Self {
        let lost: Vec<Option<LostRequest>> =
            requests.iter().map(|one| alike.lost.get(&one.exchange).copied()).collect();
        let mut row = Self {
            requests,
            alike,
            lost,
            repeats: vec![None; requests.len()],
            repeated: vec![None; requests.len()],
            waits: Vec::new(),
        };
        let mut waiting: VecDeque<(usize, Timestamp)> = VecDeque::new();
        for (at, happens) in row.in_order() {
            while waiting.front().is_some_and(|(_, since)| since.plus(within) < at) {
                waiting.pop_front();
            }
            match happens {
                Happens::Lost(place) => {
                    if waiting.is_empty() {
                        row.waits.push(Vec::new());
                    }
                    row.waits.last_mut().into_iter().for_each(|all| all.push(place));
                    waiting.push_back((place, at));
                }
                Happens::Began(place) => row.begins(place, &mut waiting),
            }
        }
        row
    }

    /// What happens, in the order of the frames.
    fn in_order(&self) -> Vec<(Timestamp, Happens)> {
        let mut all: Vec<(Timestamp, u64, Happens)> = Vec::new();
        for (place, (request, lost)) in self.requests.iter().zip(&self.lost).enumerate() {
            all.push((request.begun.at, request.begun.number, Happens::Began(place)));
            if let Some(lost) = lost {
                let number = if self.alike.several { 0 } else { lost.frame.number };
                all.push((self.alike.lost_at(lost, request), number, Happens::Lost(place)));
            }
        }
        all.sort_unstable();
        all.into_iter().map(|(at, _, happens)| (at, happens)).collect()
    }

    /// One began: it repeats the first that was lost on another connection.
    fn begins(&mut self, place: usize, waiting: &mut VecDeque<(usize, Timestamp)>) {
        let connection = |place: usize| self.requests.get(place).map(|one| one.exchange.0);
        let own = connection(place);
        let first = waiting.iter().position(|(lost, _)| connection(*lost) != own);
        let Some((lost, _)) = first.and_then(|first| waiting.remove(first)) else { return };
        if let Some(repeats) = self.repeats.get_mut(place) {
            *repeats = Some(lost);
        }
        if let Some(repeated) = self.repeated.get_mut(lost) {
            *repeated = Some(place);
        }
    }

    /// The pairs that can be told.
    fn told(&self, has_id: bool) -> Vec<Repetition<'a>> {
        let alone = has_id && (0..self.requests.len()).all(|place| !self.is_other(place));
        let mut told = Vec::new();
        for wait in &self.waits {
            let pairs: Vec<Repetition<'a>> =
                wait.iter().filter_map(|lost| self.pair(*lost)).collect();
            // Where one is missing, whose it is is open.
            if pairs.len() == wait.len()
                && (alone && self.is_known(&pairs) || self.is_soon(wait, &pairs))
            {
                let [few, many] = TRIES;
                if self.linked(wait, if has_id { many } else { few }).is_some() {
                    told.extend(pairs);
                }
            }
        }
        told
    }

    /// One that neither failed nor repeats one that did.
    fn is_other(&self, place: usize) -> bool {
        let none = |all: &[Option<usize>]| all.get(place).copied().flatten().is_none();
        self.lost.get(place).is_some_and(Option::is_none) && none(&self.repeats)
    }

    fn pair(&self, lost: usize) -> Option<Repetition<'a>> {
        let again = self.repeated.get(lost).copied().flatten()?;
        let (request, again) = (self.requests.get(lost)?, self.requests.get(again)?);
        Some(Repetition { request, lost: self.lost.get(lost).copied().flatten()?, again })
    }

    /// All that have these ids since the first of them are known.
    fn is_known(&self, pairs: &[Repetition<'_>]) -> bool {
        pairs.iter().all(|pair| {
            pair.lost.forgotten < pair.request.begun.at
                && self.alike.no_room_from > pair.again.begun.at
        })
    }

    /// The requests of a wait, and all before and after that they repeat and are repeated by; `None` where
    /// these are more than `most` tries.
    fn linked(&self, wait: &[usize], most: usize) -> Option<BTreeSet<usize>> {
        let mut linked = BTreeSet::new();
        for lost in wait {
            let (mut tries, mut first) = (1_usize, *lost);
            while let Some(before) = self.repeats.get(first).copied().flatten() {
                (tries, first) = (tries.saturating_add(1), before);
                linked.insert(first);
                if tries > most {
                    return None;
                }
            }
            let mut last = *lost;
            linked.insert(last);
            while let Some(next) = self.repeated.get(last).copied().flatten() {
                (tries, last) = (tries.saturating_add(1), next);
                linked.insert(last);
                if tries > most {
                    return None;
                }
            }
        }
        Some(linked)
    }

    /// All of them came soon, and much sooner than anything else that is alike.
    fn is_soon(&self, wait: &[usize], pairs: &[Repetition<'_>]) -> bool {
        let longest = pairs.iter().map(Repetition::after).max().unwrap_or_default();
        let [_, most] = TRIES;
        let Some(linked) = self.linked(wait, most).filter(|_| longest <= SOON) else {
            return false;
        };
        let begun = |one: &Repetition<'_>| one.request.begun.at;
        let first = pairs.iter().map(begun).min().unwrap_or_default();
        let last = pairs.iter().map(|pair| pair.again.begun.at).max().unwrap_or_default();
        let near = longest.saturating_mul(SOONER);
        let nearest = near.max(OFTEN);
        let forgotten = pairs.iter().map(|pair| pair.lost.forgotten).max().unwrap_or_default();
        if forgotten.plus(nearest) >= first || self.alike.no_room_from <= last.plus(nearest) {
            return false;
        }
        let from = self.requests.partition_point(|one| one.begun.at.plus(nearest) < first);
        let around = self.requests.iter().enumerate().skip(from);
        let mut around = around.take_while(|(_, one)| one.begun.at <= last.plus(nearest));
        around.all(|(place, one)| {
            let away = first.since(one.begun.at).max(one.begun.at.since(last));
            let enough = if self.is_other(place) { nearest } else { near };
            linked.contains(&place) || away > enough
        })
    }
}
