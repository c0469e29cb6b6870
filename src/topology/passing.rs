//! What became of requests: which of them became requests to others while they were answered, and what their
//! listener's host asked others for meanwhile.
//!
//! A request was passed on where another one, to somebody else, came after it and was over before it, and it is
//! known again by an id, by what it asks, or by what it was answered. That a host both accepts and opens
//! connections is no reason to think so.

use super::seen::SeenExchange;
use crate::flow::Leg;
use crate::ledger::{FailedConnect, Listener};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

/// Exchanges looked at for one request.
const LOOKED_AT: usize = 256;
/// Exchanges looked at in all: as many of the first, and as many of the last.
const EXCHANGES: usize = 1 << 14;
/// Two interfaces may stamp so much apart.
const JITTER: Duration = Duration::from_millis(1);

/// What the requests of one leg became, and for whom they were made.
#[derive(Clone, Debug, Default)]
pub struct Passing {
    /// Requests.
    pub requests: u32,
    /// Requests answered, and not with an error of a server.
    pub well: u32,
    /// Requests answered well that were passed on.
    pub passed: u32,
    /// Requests that were passed on for sure: by an id, or by the listener's own host.
    pub surely: u32,
    /// Requests that failed, and that were passed on.
    pub failed_below: u32,
    /// Requests during which the listener's host asked others for something else.
    pub others: u32,
    /// Requests answered well during which the listener's host asked nobody for anything.
    pub alone: u32,
    /// Answers 502 and 504, which only a proxy has a reason to give (RFC 9110, sections 15.6.3 and 15.6.5).
    pub gateway: u32,
    /// Answers 502 and 504 that came after somebody had failed to get that from somebody else.
    pub in_vain: u32,
    /// Answers 502 and 504 of which it was the listener's own host that had failed to, for sure.
    pub in_vain_itself: u32,
    /// To whom requests were passed on, and how many.
    pub to: BTreeMap<Leg, u32>,
    /// Requests here that are others' passed on.
    pub for_others: u32,
    /// Requests here that say that they are made for a client.
    pub forwarded: u32,
    /// Requests here that are made as to a proxy.
    pub as_to_proxy: u32,
    /// Requests here, or connects, by the requests of which leg they came in between that became nothing else.
    pub during: BTreeMap<Leg, u32>,
}

impl Passing {
    /// Fewer requests passed on can be chance.
    const ENOUGH: u32 = 3;
    /// Legs remembered of one.
    const LEGS: usize = 64;

    /// What accepts these requests is a proxy.
    pub fn passes_on(&self) -> bool {
        let most = self.passed.saturating_mul(5) >= self.well.saturating_mul(4);
        let mostly = self.passed >= Self::ENOUGH && most;
        // Whoever asks others for nothing else than it was asked for.
        let only =
            self.others == 0 && (self.surely >= Self::ENOUGH || self.surely > 0 && self.alone == 0);
        let explained = self.gateway > 0 && self.in_vain == self.gateway;
        let in_vain = explained && (self.in_vain_itself > 0 || self.gateway >= Self::ENOUGH);
        mostly || only || in_vain
    }

    /// What accepts these requests asks others while it answers, and not for what it was asked: a backend that
    /// needs others.
    pub fn asks_others(&self) -> bool {
        /// One can be chance.
        const SEVERAL: u32 = 2;
        self.others >= SEVERAL && self.others > self.passed.saturating_add(self.failed_below)
    }

    fn came_during(&mut self, leg: Leg) {
        if self.during.len() < Self::LEGS || self.during.contains_key(&leg) {
            let count = self.during.entry(leg).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// How many requests here, or connects, came while some legs answered what became nothing else.
    pub fn during(&self, of: impl Fn(Leg) -> bool) -> u32 {
        let counts = self.during.iter().filter(|(leg, _)| of(**leg)).map(|(_, count)| *count);
        counts.fold(0, u32::saturating_add)
    }

    /// Too few requests to tell from a proxy that asks for something else than it was asked for.
    pub fn may_pass_on(&self) -> bool {
        self.others > 0 && self.requests < Self::ENOUGH && !self.asks_others()
    }

    /// What accepts these requests has shown that it answers by itself.
    pub fn answers_itself(&self) -> bool {
        self.alone >= Self::ENOUGH || self.asks_others()
    }
}

/// The exchanges of a capture, by what they ask and by who asks, in the order of time.
struct Asked<'a> {
    by_digest: HashMap<u64, Vec<&'a SeenExchange>>,
    by_host: HashMap<IpAddr, Vec<&'a SeenExchange>>,
    connects: Vec<FailedConnect>,
    hosts: Hosts,
}

/// Which addresses are of one host, as far as the capture shows.
#[derive(Default)]
struct Hosts {
    /// Legs that the capturing host accepts: packets say that they came to it, and none that they left it.
    accepted: BTreeSet<Leg>,
    /// Addresses from which the capturing host opens connections.
    opening: Vec<IpAddr>,
}

impl Hosts {
    /// Addresses named of one host.
    const NAMED: usize = 16;

    fn of(listeners: &BTreeMap<Leg, &Listener>) -> Self {
        let mut hosts = Self::default();
        for (leg, listener) in listeners {
            if listener.accepted_here && !listener.opened_here {
                hosts.accepted.insert(*leg);
            }
            // A loopback address is the capturing host's, whatever packets say.
            let own = |addr: &&IpAddr| {
                addr.is_loopback() || listener.opened_here && !listener.accepted_here
            };
            for addr in listener.proxies.keys().filter(own) {
                if hosts.opening.len() < Self::NAMED && !hosts.opening.contains(addr) {
                    hosts.opening.push(*addr);
                }
            }
        }
        hosts
    }

    /// The addresses from which the host that accepts a leg opens connections, as far as is known.
    fn opening(&self, leg: Leg) -> impl Iterator<Item = IpAddr> + '_ {
        let here = leg.server.addr.is_loopback() || self.accepted.contains(&leg);
        let others =
            self.opening.iter().copied().filter(move |addr| here && *addr != leg.server.addr);
        std::iter::once(leg.server.addr).chain(others)
    }

    /// Whether it is the host that accepts a leg that opens connections from an address.
    fn is_one(&self, leg: Leg, addr: IpAddr) -> bool {
        self.opening(leg).any(|one| one == addr)
    }
}

/// What became of the requests of every leg, those `early` counted that are judged before their end.
pub fn observe(
    seen: &[SeenExchange],
    early: &[SeenExchange],
    mut connects: Vec<FailedConnect>,
    listeners: &BTreeMap<Leg, &Listener>,
) -> BTreeMap<Leg, Passing> {
    // To pass on takes somebody else.
    if listeners.len() < 2 {
        return BTreeMap::new();
    }
    connects.sort_by_key(|one| one.begun);
    let last = seen.len().saturating_sub(EXCHANGES).max(EXCHANGES.min(seen.len()));
    let first = seen.get(..EXCHANGES.min(seen.len())).unwrap_or_default();
    let parts = [first, seen.get(last..).unwrap_or_default(), early];
    let mut asked = Asked {
        by_digest: HashMap::new(),
        by_host: HashMap::new(),
        connects,
        hosts: Hosts::of(listeners),
    };
    let mut legs: BTreeMap<Leg, Passing> = BTreeMap::new();
    for one in parts.into_iter().flatten() {
        asked.by_host.entry(one.client.addr).or_default().push(one);
        for digest in one.asked.digests() {
            asked.by_digest.entry(digest).or_default().push(one);
        }
        let of = legs.entry(one.leg()).or_default();
        of.requests = of.requests.saturating_add(1);
        count(&mut of.forwarded, one.forwarded);
        count(&mut of.as_to_proxy, one.as_to_proxy);
    }
    let lists = asked.by_digest.values_mut().chain(asked.by_host.values_mut());
    lists.for_each(|list| list.sort_by_key(|one| one.begun));
    // What is known by what it asks is nobody else's.
    let mut owned: HashSet<(u64, u32)> = HashSet::new();
    let mut left: Vec<&SeenExchange> = Vec::new();
    for outer in parts.into_iter().flatten() {
        match asked.passed_on(outer) {
            Some((inner, by)) => {
                owned.insert(name(inner));
                asked.count_passed(outer, inner, by, &mut legs);
            }
            None => left.push(outer),
        }
    }
    for outer in left {
        let own: Vec<&SeenExchange> =
            asked.of_host(outer).filter(|one| !owned.contains(&name(one))).collect();
        match answered_alone(outer, &own) {
            Some(inner) => asked.count_passed(outer, inner, PassedBy::Answer, &mut legs),
            None => asked.count_not_passed(outer, &own, &mut legs),
        }
    }
    legs
}

/// What an exchange is known by: its connection, and its number on it.
const fn name(exchange: &SeenExchange) -> (u64, u32) {
    (exchange.connection, exchange.ordinal)
}

/// How an exchange within another one is known to be that one, passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum PassedBy {
    /// Both have an id.
    Id,
    /// Both ask for the same, or for the same below a path.
    Target,
    /// The host that was asked asked this alone, and passed on its answer; or it says that it asks for a client.
    Answer,
}

impl Asked<'_> {
    /// Counts a request that was passed on.
    fn count_passed(
        &self,
        outer: &SeenExchange,
        inner: &SeenExchange,
        by: PassedBy,
        legs: &mut BTreeMap<Leg, Passing>,
    ) {
        count(&mut legs.entry(inner.leg()).or_default().for_others, true);
        // The proxy may have tried somebody else before.
        for connect in self.connects_within(outer) {
            if connect.client.addr == inner.client.addr {
                legs.entry(connect_leg(connect)).or_default().came_during(outer.leg());
            }
        }
        let of = legs.entry(outer.leg()).or_default();
        let well = is_well(outer);
        count(&mut of.well, well);
        count(&mut of.passed, well);
        count(&mut of.failed_below, !well);
        let own = self.hosts.is_one(outer.leg(), inner.client.addr);
        count(&mut of.surely, by == PassedBy::Id || own);
        count(of.to.entry(inner.leg()).or_default(), true);
        let gateway = is_gateways(outer);
        count(&mut of.gateway, gateway);
        count(&mut of.in_vain, gateway);
        count(&mut of.in_vain_itself, gateway);
    }

    /// Counts a request of which it does not show that it was passed on; `own` is what the host that was asked
    /// asked others for meanwhile.
    fn count_not_passed(
        &self,
        outer: &SeenExchange,
        own: &[&SeenExchange],
        legs: &mut BTreeMap<Leg, Passing>,
    ) {
        for one in own {
            legs.entry(one.leg()).or_default().came_during(outer.leg());
        }
        for connect in self.connects_within(outer) {
            legs.entry(connect_leg(connect)).or_default().came_during(outer.leg());
        }
        let of = legs.entry(outer.leg()).or_default();
        let well = is_well(outer);
        count(&mut of.well, well);
        let known = outer.asked.whole != 0;
        let others = own.iter().any(|one| one.asked.whole != 0 && !one.forwarded);
        count(&mut of.others, known && others);
        count(&mut of.alone, well && own.is_empty());
        if is_gateways(outer) {
            let (somebody, itself) = self.in_vain(outer, own);
            count(&mut of.gateway, true);
            count(&mut of.in_vain, somebody);
            count(&mut of.in_vain_itself, itself);
        }
    }

    /// The exchange that a request became, as what it asks shows, and how it is known.
    fn passed_on(&self, outer: &SeenExchange) -> Option<(&SeenExchange, PassedBy)> {
        let mut same: Vec<&SeenExchange> = Vec::new();
        let mut rivals = false;
        for digest in outer.asked.digests() {
            for one in within(self.by_digest.get(&digest), outer) {
                if differ(one, outer) {
                    continue;
                }
                let asks_same = one.asked.whole == outer.asked.whole;
                if one.leg() == outer.leg() {
                    rivals |= name(one) != name(outer) && asks_same;
                } else if is_within(one, outer) {
                    // A program that asks others passes on the ids of what it was asked, too.
                    let same_target = asks_same || one.asked.is_below(&outer.asked);
                    let passed = one.forwarded || relays(outer, one);
                    let fitting =
                        if is_well(outer) { same_target || passed } else { fits(one, outer) };
                    if share(one, outer) && fitting {
                        return Some((one, PassedBy::Id));
                    }
                    let alike = same_target || passed;
                    if alike && fits(one, outer) && !same.iter().any(|two| name(two) == name(one)) {
                        same.push(one);
                    }
                }
            }
        }
        same.sort_by_key(|one| one.begun);
        let first = same.first().filter(|_| !rivals)?;
        // Who was asked may have passed it on as well; and what failed may have been tried again.
        let again = |one: &SeenExchange| !is_well(outer) && one.leg() == first.leg();
        let one = |one: &&SeenExchange| one.ended <= first.ended.plus(JITTER) || again(one);
        same.iter().all(one).then_some((*first, PassedBy::Target))
    }

    /// What the host that was asked asked others for while it answered.
    fn of_host<'s>(&'s self, outer: &SeenExchange) -> impl Iterator<Item = &'s SeenExchange> {
        let leg = outer.leg();
        let lists = self.hosts.opening(leg).filter_map(|addr| self.by_host.get(&addr));
        lists
            .flat_map(|list| within(Some(list), outer))
            .filter(|one| one.leg() != leg && is_within(one, outer))
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn connects_within(&self, outer: &SeenExchange) -> impl Iterator<Item = &FailedConnect> {
        let from = self.connects.partition_point(|one| one.begun < outer.begun);
        let near = self.connects.iter().skip(from).take(LOOKED_AT);
        let (leg, ended) = (outer.leg(), outer.ended);
        near.take_while(move |one| one.begun <= ended).filter(move |one| connect_leg(one) != leg)
    }

    /// Whether somebody, and whether the listener's own host, had failed to get from somebody else what was
    /// answered with 502 or 504.
    fn in_vain(&self, outer: &SeenExchange, own: &[&SeenExchange]) -> (bool, bool) {
        let mut found = (false, false);
        let mut note = |addr: IpAddr| {
            let itself = self.hosts.is_one(outer.leg(), addr);
            // Not what a client of the listener tried elsewhere meanwhile.
            found.0 |= addr != outer.client.addr || itself;
            found.1 |= itself;
        };
        self.connects_within(outer).for_each(|one| note(one.client.addr));
        own.iter().filter(|one| one.failed).for_each(|one| note(one.client.addr));
        found
    }
}

/// The only exchange that the host that was asked had meanwhile, where its answer was passed on, or what was
/// asked is not known of one of the two.
fn answered_alone<'s>(outer: &SeenExchange, own: &[&'s SeenExchange]) -> Option<&'s SeenExchange> {
    let [one] = own else { return None };
    let unknown = outer.asked.whole == 0 || one.asked.whole == 0;
    let told = one.forwarded || unknown || is_well(outer) && relays(outer, one);
    (told && fits(one, outer)).then_some(*one)
}

fn count(counter: &mut u32, holds: bool) {
    *counter = counter.saturating_add(holds.into());
}

fn connect_leg(connect: &FailedConnect) -> Leg {
    Leg::of(connect.client.addr, connect.server)
}

/// Answered, and not with an error of a server.
fn is_well(exchange: &SeenExchange) -> bool {
    !exchange.failed && exchange.status.is_some_and(|status| status < 500)
}

/// Answered as only a proxy has a reason to (RFC 9110, sections 15.6.3 and 15.6.5).
const fn is_gateways(exchange: &SeenExchange) -> bool {
    matches!(exchange.status, Some(502 | 504))
}

/// What came of one can be what came of the other.
fn fits(inner: &SeenExchange, outer: &SeenExchange) -> bool {
    if is_well(outer) {
        inner.status == outer.status
    } else {
        inner.failed || inner.status.is_none_or(|status| status >= 500)
    }
}

/// What failed, or was not answered as far as was captured, may have been over later than what came of it.
const fn is_over_later(inner: &SeenExchange) -> bool {
    inner.failed || inner.status.is_none()
}

/// One began while the other was not answered, and was over before it.
fn is_within(inner: &SeenExchange, outer: &SeenExchange) -> bool {
    inner.begun >= outer.begun
        && inner.begun < outer.answered.unwrap_or(outer.ended)
        && (is_over_later(inner) || inner.ended <= outer.ended.plus(JITTER))
}

/// Of a list in the order of time, what began while a request was on its way.
fn within<'s>(
    list: Option<&'s Vec<&'s SeenExchange>>,
    outer: &SeenExchange,
) -> impl Iterator<Item = &'s SeenExchange> + use<'s> {
    let list = list.map(Vec::as_slice).unwrap_or_default();
    let from = list.partition_point(|one| one.begun < outer.begun);
    let until = outer.ended;
    let near = list.iter().skip(from).take(LOOKED_AT);
    near.take_while(move |one| one.begun <= until).copied()
}

/// Both have the same id.
fn share(one: &SeenExchange, other: &SeenExchange) -> bool {
    one.ids.iter().zip(other.ids).any(|(a, b)| *a != 0 && *a == b)
}

/// Both have ids, and another one each.
fn differ(one: &SeenExchange, other: &SeenExchange) -> bool {
    one.ids.iter().zip(other.ids).any(|(a, b)| *a != 0 && b != 0 && *a != b)
}

/// What came from within is what was answered.
fn relays(outer: &SeenExchange, inner: &SeenExchange) -> bool {
    inner.status.is_some()
        && outer.status == inner.status
        && outer.body == inner.body
        && inner.body > 0
}
