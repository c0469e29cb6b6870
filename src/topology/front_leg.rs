//! The front leg: which client request became which exchange with a backend, from packets alone.

use super::seen::SeenExchange;
use crate::base::time::Timestamp;
use crate::flow::Leg;
use crate::packet::Endpoint;
use crate::topology::request_key::MatchedBy;
use crate::topology::roles::{Role, Roles};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Clocks of two captures, or two interfaces, may differ by so much.
const JITTER: Duration = Duration::from_millis(5);
/// Candidates looked at for one exchange.
const CANDIDATES: usize = 256;
/// The proxy's own listeners that are named.
const LISTENERS: usize = 64;

/// A client's request, and the exchanges that it became.
#[derive(Clone, Debug)]
pub struct Passed {
    /// The request's place in the trail.
    pub front: usize,
    /// Places of the exchanges, in the order of time.
    pub attempts: Vec<usize>,
    /// How these were found.
    pub by: MatchedBy,
}

/// A client's request that was answered 502, 503 or 504, and the exchanges that it can have become.
#[derive(Clone, Debug)]
pub struct FrontError {
    /// The request's place in the trail.
    pub front: usize,
    /// Places of the exchanges.
    pub candidates: Vec<usize>,
}

/// What the join found.
#[derive(Debug, Default)]
pub struct FrontJoin {
    /// What the legs show together.
    pub leg: FrontLeg,
    /// Requests of clients that are known to have become exchanges.
    pub passed: Vec<Passed>,
    /// Errors that clients got, in the order of time.
    pub errors: Vec<FrontError>,
    /// Places of exchanges that can be some client's.
    pub owned: HashSet<usize>,
}

/// What the two legs show together.
#[derive(Clone, Debug, Default)]
pub struct FrontLeg {
    /// The proxy's own listeners.
    pub listeners: Vec<Endpoint>,
    /// Requests of clients.
    pub requests: u64,
    /// Requests of clients that are known to have become an exchange with a backend.
    pub joined: u64,
    /// How these were found.
    pub by: BTreeMap<MatchedBy, u64>,
    /// Client requests that could be of several exchanges.
    pub ambiguous: u64,
    /// What clients got, by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Error answers to clients for which no exchange with a backend is found.
    pub alone: u64,
    /// Client requests that went well though an attempt had failed.
    pub hidden: u64,
    /// How long the proxy itself took for each request joined: its client's wait less that for backends.
    pub took: Vec<Duration>,
}

/// Joins both legs. `listeners` are the proxy's own.
pub fn join(seen: &[SeenExchange], roles: &Roles, listeners: &HashSet<Leg>) -> FrontJoin {
    let legs = Legs::new(seen, roles, listeners);
    let mut join = FrontJoin::default();
    // Whose request an exchange can be.
    let mut owners: HashMap<usize, u32> = HashMap::new();
    let mut found: Vec<(usize, MatchedBy, Vec<usize>)> = Vec::new();
    for place in &legs.fronts {
        let Some(front) = seen.get(*place) else { continue };
        join.leg.count_request(front);
        let (by, places) = legs.candidates(front);
        for one in &places {
            let count = owners.entry(*one).or_default();
            *count = count.saturating_add(1);
        }
        found.push((*place, by, places));
    }
    join.leg.listeners.sort_unstable();
    for (front, by, attempts) in found {
        let Some(client) = seen.get(front) else { continue };
        if matches!(client.status, Some(502..=504)) {
            join.errors.push(FrontError { front, candidates: attempts.clone() });
        }
        let shared = attempts.iter().any(|one| owners.get(one).is_some_and(|count| *count > 1));
        let passed = Passed { front, attempts, by };
        if join.leg.count_passed(client, &passed, shared, seen) {
            join.passed.push(passed);
        }
    }
    join.leg.took.sort_unstable();
    join.owned = owners.into_keys().collect();
    join
}

impl FrontLeg {
    /// Counts a client's request.
    fn count_request(&mut self, front: &SeenExchange) {
        if !self.listeners.contains(&front.server) && self.listeners.len() < LISTENERS {
            self.listeners.push(front.server);
        }
        self.requests = self.requests.saturating_add(1);
        if let Some(status) = front.status {
            let count = self.statuses.entry(status).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Counts what the request of a client became, if it can be told: one exchange, or several attempts, that
    /// are no other's where time alone tells (`shared`). Returns whether it can.
    fn count_passed(
        &mut self,
        client: &SeenExchange,
        passed: &Passed,
        shared: bool,
        seen: &[SeenExchange],
    ) -> bool {
        let Passed { attempts, by, .. } = passed;
        if attempts.is_empty() {
            self.alone = self.alone.saturating_add(u64::from(client.status >= Some(500)));
            return false;
        }
        // Attempts come one after the other, each after the one before had failed.
        let chain = attempts.windows(2).all(|pair| {
            let [first, _] = pair else { return true };
            seen.get(*first).is_some_and(|one| one.failed || one.status >= Some(500))
        });
        if !chain || *by == MatchedBy::FrontLegTime && shared {
            self.ambiguous = self.ambiguous.saturating_add(1);
            return false;
        }
        self.joined = self.joined.saturating_add(1);
        let count = self.by.entry(*by).or_default();
        *count = count.saturating_add(1);
        if let Some(took) = own_time(client, attempts, seen) {
            self.took.push(took);
        }
        // What the client got was that of the last one.
        let has_failed = |one: &usize| seen.get(*one).is_some_and(|one| one.failed);
        let failed = attempts.iter().any(has_failed) && !attempts.last().is_some_and(has_failed);
        if failed && client.status.is_some_and(|status| status < 500) {
            self.hidden = self.hidden.saturating_add(1);
        }
        true
    }
}

/// The exchanges of both legs, by their places in the trail, in the order of time.
struct Legs<'a> {
    seen: &'a [SeenExchange],
    /// Requests of clients.
    fronts: Vec<usize>,
    /// How many of them carry an id, by that and by what was asked.
    carried: HashMap<(u64, u64), u32>,
    /// Exchanges with backends, by an id.
    by_id: HashMap<u64, Vec<usize>>,
    /// Exchanges with backends, by what was asked.
    by_asked: HashMap<u64, Vec<usize>>,
}

impl<'a> Legs<'a> {
    fn new(seen: &'a [SeenExchange], roles: &Roles, listeners: &HashSet<Leg>) -> Self {
        let mut fronts: Vec<usize> = Vec::new();
        let mut by_id: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut by_asked: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, one) in seen.iter().enumerate() {
            match roles.of(one.leg()) {
                _ if one.probe => {}
                _ if listeners.contains(&one.leg()) => fronts.push(place),
                Role::Backend if one.asked.whole != 0 => {
                    one.ids.iter().filter(|id| **id != 0).for_each(|id| {
                        by_id.entry(*id).or_default().push(place);
                    });
                    by_asked.entry(one.asked.whole).or_default().push(place);
                }
                _ => {}
            }
        }
        let begun = |place: &usize| begun(seen, *place);
        by_id
            .values_mut()
            .chain(by_asked.values_mut())
            .for_each(|places| places.sort_by_key(begun));
        fronts.sort_by_key(begun);
        let hops = hops(&fronts, seen, roles);
        fronts.retain(|place| !hops.contains(place));
        fronts.retain(|place| seen.get(*place).is_none_or(|one| !roles.is_between(one.leg())));
        let mut carried: HashMap<(u64, u64), u32> = HashMap::new();
        for front in fronts.iter().filter_map(|place| seen.get(*place)) {
            for id in front.ids.iter().filter(|id| **id != 0) {
                let count = carried.entry((*id, front.asked.whole)).or_default();
                *count = count.saturating_add(1);
            }
        }
        Self { seen, fronts, carried, by_id, by_asked }
    }

    /// The exchanges that a client's request can have become, and how they were found.
    fn candidates(&self, front: &SeenExchange) -> (MatchedBy, Vec<usize>) {
        let inside = |places: &Vec<usize>| self.inside(places, front);
        // An id that several requests carry is none of them's; one that the proxy gave to the request itself
        // is on the backend leg alone.
        let once = |id: &&u64| self.carried.get(&(**id, front.asked.whole)) == Some(&1);
        let ids = front.ids.iter().filter(|id| **id != 0).filter(once);
        let ided: Vec<usize> = ids
            .filter_map(|id| self.by_id.get(id))
            .map(inside)
            .find(|places| !places.is_empty())
            .unwrap_or_default();
        if !ided.is_empty() {
            return (MatchedBy::FrontLegId, ided);
        }
        let other = |one: &usize| {
            self.seen.get(*one).is_some_and(|back| {
                front.ids.iter().zip(back.ids).any(|(a, b)| *a != 0 && b != 0 && *a != b)
            })
        };
        let mut alike = self.by_asked.get(&front.asked.whole).map(inside).unwrap_or_default();
        alike.retain(|one| !other(one));
        (MatchedBy::FrontLegTime, alike)
    }

    /// Exchanges, of those at some places, that began while the client waited.
    fn inside(&self, places: &[usize], front: &SeenExchange) -> Vec<usize> {
        let begun = |place: &usize| begun(self.seen, *place);
        let until = front.ended.plus(JITTER);
        let from = places.partition_point(|one| begun(one).plus(JITTER) < front.begun);
        let rest = places.get(from..).unwrap_or_default().iter();
        rest.take(CANDIDATES).take_while(|one| begun(one) <= until).copied().collect()
    }
}

/// When the exchange at a place began.
fn begun(seen: &[SeenExchange], place: usize) -> Timestamp {
    seen.get(place).map(|one| one.begun).unwrap_or_default()
}

/// Requests from one proxy to the next: each came while another front was asked the same, by the host of that
/// front, or of one that passes on what it is asked. No client counts them. `fronts` are in the order of time.
fn hops(fronts: &[usize], seen: &[SeenExchange], roles: &Roles) -> HashSet<usize> {
    let mut open: HashMap<u64, Vec<&SeenExchange>> = HashMap::new();
    let mut hops = HashSet::new();
    for place in fronts {
        let Some(inner) = seen.get(*place).filter(|one| one.asked.whole != 0) else { continue };
        let before = open.entry(inner.asked.whole).or_default();
        let within = before.iter().rev().take(CANDIDATES).any(|outer| {
            let pairs =
                || outer.ids.iter().zip(inner.ids).filter(|(one, other)| **one != 0 && *other != 0);
            let same_host = outer.server.addr == inner.client.addr || roles.passes_on(outer.leg());
            outer.leg() != inner.leg()
                && inner.ended <= outer.ended.plus(JITTER)
                && pairs().all(|(one, other)| *one == other)
                && (same_host || pairs().next().is_some())
        });
        if within {
            hops.insert(*place);
        }
        before.push(inner);
    }
    hops
}

/// What the client waited for and no backend.
pub fn own_time(
    front: &SeenExchange,
    attempts: &[usize],
    seen: &[SeenExchange],
) -> Option<Duration> {
    front.answered?;
    let whole = front.ended.since(front.begun);
    let backends =
        attempts.iter().filter_map(|place| seen.get(*place)).fold(Duration::ZERO, |sum, one| {
            let ended = one.ended.min(front.ended);
            // A connection that was opened for it is no time of the proxy's either.
            sum.saturating_add(ended.since(one.opened.max(front.begun)))
        });
    Some(whole.saturating_sub(backends))
}
