//! Which legs are backends'.
//!
//! A leg whose requests are passed on is the proxy's front: its clients' side. What the proxy opens for them are the
//! legs of its backends. Whatever else speaks HTTP may be a backend whose proxy's front was not captured, unless
//! the capture shows for whom it is asked.

use super::passing::{self, Passing};
use super::seen::SeenExchange;
use crate::exchange::Protocol;
use crate::flow::Leg;
use crate::ledger::{FailedConnect, Failure, Listener};
use crate::packet::{Endpoint, EndpointPattern};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What the user said of roles.
#[derive(Clone, Debug, Default)]
pub struct ToldRoles {
    /// Listeners that are judged, and no others, if there are any.
    pub backends: Vec<EndpointPattern>,
    /// Listeners that are the proxy's own.
    pub fronts: Vec<EndpointPattern>,
}

impl ToldRoles {
    /// Whether patterns name a leg, by any address of its listener.
    fn name(patterns: &[EndpointPattern], leg: Leg, listener: Option<&&Listener>) -> bool {
        let named = |at: Endpoint| patterns.iter().any(|pattern| pattern.matches(at));
        listener.map_or_else(|| named(leg.server), |one| one.is_known_by(leg.server, named))
    }
}

/// What a leg is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Judged.
    Backend,
    /// The proxy's clients'.
    Front,
    /// Asked by somebody for something else than what the proxy is asked for: not judged.
    Beside,
    /// Judged only if connects to it fail.
    Other,
}

impl Role {
    /// The role's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Front => "front",
            Self::Beside | Self::Other => "other",
        }
    }
}

/// The roles of all legs.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    roles: BTreeMap<Leg, Role>,
    /// Somebody was asked in HTTP.
    http: bool,
    /// What may still show to be something else.
    open: Open,
    /// The backends that were told.
    told: Vec<EndpointPattern>,
    /// Hosts that try many addresses and ports in vain, and how many.
    pub scanners: BTreeMap<IpAddr, usize>,
    /// Legs that are the proxy's clients' by nothing but what they do: what they are asked is passed on.
    pub pass_on: Vec<Leg>,
    /// What became of the requests of each leg.
    passing: BTreeMap<Leg, Passing>,
    /// Legs that are not judged, and on which a proxy of judged ones asks.
    reached: BTreeSet<Leg>,
    /// Legs between two proxies.
    between: BTreeSet<Leg>,
    /// Failures that another one tells of, on a leg to which what was asked was passed on.
    pub(super) explained: BTreeSet<(u64, u32)>,
}

/// Legs that are backends' as far as is known, which may still show to be a proxy's clients', or asked for something
/// else than what the proxy is asked for.
#[derive(Clone, Debug, Default)]
struct Open {
    /// What else was seen makes it possible.
    legs: BTreeSet<Leg>,
    /// Nothing else was seen, which says little as long as hardly anything was.
    at_first: BTreeSet<Leg>,
}

/// So many addresses and ports that refuse one host are a scan.
const SCAN: usize = 16;
/// No scan tries the same address and port so often.
const AGAIN_AND_AGAIN: u64 = 3;

/// Ports of services that a proxy's host uses and no proxy has behind it: SSH, mail, DNS, databases,
/// caches, queues.
const SERVICES: [u16; 21] = [
    22, 25, 53, 111, 389, 465, 587, 636, 1433, 1521, 2049, 3306, 5432, 5672, 6379, 9042, 9092,
    9200, 11211, 27017, 50000,
];

impl Roles {
    /// Decides, of everything that was seen so far: `listeners` are all of them, `connects` those that failed.
    /// While it `goes_on`, what may show soon is left open; `early` are exchanges that are judged before their end.
    pub fn assign(
        listeners: &BTreeMap<Leg, &Listener>,
        connects: Vec<FailedConnect>,
        [seen, early]: [&[SeenExchange]; 2],
        told: &ToldRoles,
        goes_on: bool,
    ) -> Self {
        let passing = passing::observe(seen, early, connects, listeners);
        let scanners = scanners(listeners);
        let assignment = Assignment::new(listeners, told, &passing, &scanners);
        let roles = assignment.roles();
        let open = if goes_on { assignment.open(&roles) } else { Open::default() };
        let reached =
            if told.backends.is_empty() { assignment.reached(&roles) } else { BTreeSet::new() };
        let by_that_alone = |leg: &Leg| {
            told.backends.is_empty()
                && !ToldRoles::name(&told.fronts, *leg, listeners.get(leg))
                && !assignment.like_proxies.addresses.contains(&leg.server.addr)
        };
        let pass_on = passing.iter().filter(|(leg, one)| one.passes_on() && by_that_alone(leg));
        let pass_on = pass_on.map(|(leg, _)| *leg).collect();
        let told = told.backends.clone();
        let between = between(&roles, &passing);
        let http = listeners.values().any(|one| asks_in_http(one));
        let explained = BTreeSet::new();
        Self { roles, http, open, told, scanners, pass_on, passing, reached, between, explained }
    }

    /// Whether a failure is all that is known of its leg: then something is asked there in HTTP.
    pub fn is_new(&self, failure: &Failure) -> bool {
        let asked = failure.request().is_some() && self.told.is_empty();
        asked && self.of(failure.leg()) == Role::Other
    }

    /// Whether it is still open whose a failure is; `young` is a watch that has hardly seen anything.
    pub fn is_open(&self, failure: &Failure, young: bool) -> bool {
        let Open { legs, at_first } = &self.open;
        let leg = failure.leg();
        let new = || (self.http || young) && self.is_new(failure);
        legs.contains(&leg) || young && at_first.contains(&leg) || new()
    }

    /// The role of one leg.
    pub fn of(&self, leg: Leg) -> Role {
        self.roles.get(&leg).copied().unwrap_or(Role::Other)
    }

    /// Whether what happens on a leg happens on a backend: it is judged, or a known proxy asks there.
    pub fn is_on_backend(&self, leg: Leg) -> bool {
        self.of(leg) == Role::Backend || self.reached.contains(&leg)
    }

    /// Whether what is asked on a leg was seen to be passed on.
    pub fn passes_on(&self, leg: Leg) -> bool {
        self.passing.get(&leg).is_some_and(Passing::passes_on)
    }

    /// Whether a failure of one leg may be told by one of another: what is asked there was seen to be asked on
    /// the other then, and failures of that count.
    pub fn is_told_on(&self, leg: Leg, to: Leg) -> bool {
        (self.of(to) == Role::Backend || self.is_between(to)) && self.passes_on_to(leg, to)
    }

    /// Whether what is asked on one leg was seen to be asked on another one then.
    pub fn passes_on_to(&self, leg: Leg, to: Leg) -> bool {
        let passing = self.passing.get(&leg);
        passing.is_some_and(|one| one.to.contains_key(&to) && (one.surely > 0 || one.passes_on()))
    }

    /// Whether a leg lies between two proxies: what is asked there is passed on, and was by another one.
    pub fn is_between(&self, leg: Leg) -> bool {
        self.between.contains(&leg)
    }

    /// Legs whose listener asks others while it answers, and not for what it was asked.
    pub fn ask_others(&self) -> BTreeSet<Leg> {
        let ask = self.passing.iter().filter(|(_, one)| one.asks_others() && !one.passes_on());
        ask.map(|(leg, _)| *leg).collect()
    }

    /// The backends that were told.
    pub fn told(&self) -> &[EndpointPattern] {
        &self.told
    }

    /// The backends that were told and that nobody tried, of all addresses of listeners seen.
    pub fn untried(&self, seen: impl Iterator<Item = Endpoint>) -> Vec<EndpointPattern> {
        let seen: Vec<Endpoint> = seen.collect();
        let tried = |told: &EndpointPattern| seen.iter().any(|endpoint| told.matches(*endpoint));
        self.told.iter().filter(|told| !tried(told)).copied().collect()
    }

    /// Legs whose failures may tell of one of this leg.
    pub(super) fn told_on(&self, leg: Leg) -> impl Iterator<Item = Leg> + '_ {
        let to = self.passing.get(&leg).into_iter().flat_map(|one| one.to.keys().copied());
        to.filter(move |to| self.is_told_on(leg, *to))
    }

    /// Whether another failure may show yet that tells of one of this leg.
    pub fn may_be_explained(&self, leg: Leg) -> bool {
        self.told_on(leg).next().is_some()
    }

    /// Whether a failure counts: a backend's does, and so does a failed connect to anything that
    /// the user did not exclude and nobody scanned. Between two proxies what was cut counts, unless it failed
    /// behind the second.
    pub fn judges(&self, failure: &Failure) -> bool {
        let explained = || self.explained.contains(&(failure.connection, failure.ordinal));
        match self.of(failure.leg()) {
            Role::Backend => !explained(),
            Role::Front => {
                let cause = failure.verdict().cause();
                self.is_between(failure.leg()) && cause.fails_an_attempt() && !explained()
            }
            Role::Beside => false,
            Role::Other => {
                failure.request().is_none()
                    && self.told.is_empty()
                    && !self.scanners.contains_key(&failure.client.addr)
            }
        }
    }
}

/// What roles are decided by. There may be as many listeners as a flood makes: what holds for all of them is found
/// once.
struct Assignment<'a> {
    listeners: &'a BTreeMap<Leg, &'a Listener>,
    told: &'a ToldRoles,
    passing: &'a BTreeMap<Leg, Passing>,
    scanners: &'a BTreeMap<IpAddr, usize>,
    /// Who opens connections to HTTP or TLS, or in vain.
    like_proxies: Openers,
    /// Who opens connections to what hides requests.
    in_hiding: Openers,
    /// Legs on which what is asked is passed on.
    fronts: BTreeSet<Leg>,
    /// Addresses from which it is passed on.
    proxies: BTreeSet<IpAddr>,
    /// What the proxy is asked for shows: its fronts were read, and there is none that cannot be.
    fronts_tell: bool,
    /// That shows, or will when more requests were passed on.
    fronts_readable: bool,
}

impl<'a> Assignment<'a> {
    /// So many requests passed on show what a front is asked for.
    const ENOUGH: u32 = 3;

    fn new(
        listeners: &'a BTreeMap<Leg, &'a Listener>,
        told: &'a ToldRoles,
        passing: &'a BTreeMap<Leg, Passing>,
        scanners: &'a BTreeMap<IpAddr, usize>,
    ) -> Self {
        let (fronts, proxies) = (BTreeSet::new(), BTreeSet::new());
        let mut new = Self {
            listeners,
            told,
            passing,
            scanners,
            like_proxies: Openers::of(listeners, Listener::is_like_a_backend),
            in_hiding: Openers::of(listeners, |one| one.spoke_any(Protocol::hides_requests)),
            fronts,
            proxies,
            fronts_tell: false,
            fronts_readable: false,
        };
        new.fronts = listeners.keys().filter(|leg| new.is_front(**leg)).copied().collect();
        new.proxies = new.proxies_of_fronts();
        new.fronts_readable = !new.fronts.is_empty() && !new.is_a_front_hidden();
        new.fronts_tell = new.fronts_readable && new.passed() >= Self::ENOUGH;
        new
    }

    fn roles(&self) -> BTreeMap<Leg, Role> {
        let fronts = &self.fronts;
        let mut roles = BTreeMap::new();
        for (leg, listener) in self.listeners {
            let role = if !self.told.backends.is_empty() {
                self.where_told(*leg)
            } else if fronts.contains(leg) || self.is_named(&self.told.fronts, *leg) {
                Role::Front
            } else if self.is_beside(*leg, listener) {
                Role::Beside
            } else if asks_in_http(listener) || self.refuses(listener) {
                Role::Backend
            } else {
                Role::Other
            };
            roles.insert(*leg, role);
        }
        roles
    }

    fn is_named(&self, patterns: &[EndpointPattern], leg: Leg) -> bool {
        ToldRoles::name(patterns, leg, self.listeners.get(&leg))
    }

    /// Where backends were named, these are judged, and no others; but a sidecar that bears the name of one is
    /// none, if it passes on to it what it is asked.
    fn where_told(&self, leg: Leg) -> Role {
        let passing = self.passing.get(&leg).filter(|one| one.passes_on());
        let to_a_backend = passing
            .is_some_and(|one| one.to.keys().any(|to| self.is_named(&self.told.backends, *to)));
        if self.is_named(&self.told.backends, leg) && !to_a_backend {
            Role::Backend
        } else if passing.is_some() || self.is_named(&self.told.fronts, leg) {
            Role::Front
        } else {
            Role::Other
        }
    }

    /// What is asked there is passed on. Where that cannot be read, its host asks others, and there is no other
    /// reason for what it answers, or is asked.
    fn is_front(&self, leg: Leg) -> bool {
        let Some(listener) = self.listeners.get(&leg) else { return false };
        let Some(passing) = self.passing.get(&leg) else {
            let hidden = listener.exchanges == 0 && listener.spoke_any(Protocol::is_http);
            return hidden && self.like_proxies.accept(leg, listener);
        };
        if passing.passes_on() {
            return true;
        }
        let in_hiding = passing.gateway > 0 && self.in_hiding.accept(leg, listener);
        let as_proxy = passing.as_to_proxy.saturating_mul(2) > passing.requests
            && self.like_proxies.accept(leg, listener);
        passing.for_others == 0 && (in_hiding || as_proxy || passing.may_pass_on())
    }

    /// Nobody got through, so what it would have spoken is not known; scans aside.
    fn refuses(&self, listener: &Listener) -> bool {
        listener.connects_failed == listener.connections
            && !listener.proxies.keys().all(|addr| self.scanners.contains_key(addr))
    }

    /// Whether somebody asks there for something else than what a proxy was asked for: a program that answers a
    /// proxy and needs others, or, where the proxy's front shows what it is asked for, anybody.
    fn is_beside(&self, leg: Leg, listener: &Listener) -> bool {
        let fronts = &self.fronts;
        let none = Passing::default();
        let passing = self.passing.get(&leg).unwrap_or(&none);
        if passing.for_others > 0 || passing.forwarded > 0 {
            return false;
        }
        let tries =
            passing.requests.max(u32::try_from(listener.connects_failed).unwrap_or(u32::MAX));
        let mostly = |count: u32| count > 0 && count.saturating_mul(2) >= tries;
        let needed = |leg: Leg| {
            let asking = self.passing.get(&leg);
            !fronts.contains(&leg) && asking.is_some_and(Passing::asks_others)
        };
        if listener.exchanges > 0 && mostly(passing.during(needed)) {
            return true;
        }
        let speaks = asks_in_http(listener) || self.refuses(listener);
        speaks
            && self.fronts_tell
            && !mostly(passing.during(|leg| fronts.contains(&leg)))
            && (listener.exchanges > 0 || !self.is_asked_by_proxy(listener))
    }

    /// Requests that fronts passed on.
    fn passed(&self) -> u32 {
        let passed = self.fronts.iter().filter_map(|leg| self.passing.get(leg));
        passed.fold(0, |sum, one| sum.saturating_add(one.passed).saturating_add(one.failed_below))
    }

    /// What a front is asked, and what passes it on, may be hidden.
    fn is_a_front_hidden(&self) -> bool {
        let addresses: BTreeSet<IpAddr> =
            self.fronts.iter().map(|leg| leg.server.addr).chain(self.proxies.clone()).collect();
        self.listeners.iter().any(|(leg, listener)| {
            listener.spoke_any(Protocol::hides_requests)
                && !listener.opened_here
                && (listener.accepted_here || addresses.contains(&leg.server.addr))
        })
    }

    fn proxies_of_fronts(&self) -> BTreeSet<IpAddr> {
        let legs = self
            .fronts
            .iter()
            .filter_map(|leg| self.passing.get(leg))
            .flat_map(|one| one.to.keys());
        let listeners = legs.filter_map(|leg| self.listeners.get(leg));
        listeners.flat_map(|listener| listener.proxies.keys().copied()).collect()
    }

    fn is_asked_by_proxy(&self, listener: &Listener) -> bool {
        let proxies = &self.proxies;
        let of_loopback = proxies.iter().any(IpAddr::is_loopback);
        // By both families it is one host.
        let asks = |addr: &IpAddr| proxies.contains(addr) || of_loopback && addr.is_loopback();
        listener.proxies.keys().any(asks)
    }

    /// Legs that are not judged, on which the host of a judged one's proxy, or of a front, asks, and that are of
    /// no service that such a host only uses.
    fn reached(&self, roles: &BTreeMap<Leg, Role>) -> BTreeSet<Leg> {
        let of = |leg: &Leg| roles.get(leg).copied().unwrap_or(Role::Other);
        let mut proxies: BTreeSet<IpAddr> = BTreeSet::new();
        let mut front_here = false;
        for (leg, listener) in self.listeners {
            match of(leg) {
                Role::Backend => proxies.extend(listener.proxies.keys()),
                Role::Front => {
                    proxies.insert(leg.server.addr);
                    front_here |= listener.accepted_here;
                }
                Role::Beside | Role::Other => {}
            }
        }
        let here = front_here && !self.fronts_tell && self.like_proxies.here;
        // A proxy with an address on each leg opens here what it accepted here.
        let asks = |listener: &Listener| {
            let by_address = listener.proxies.keys().any(|addr| proxies.contains(addr));
            by_address || here && listener.opened_here
        };
        let others = self.listeners.iter().filter(|(leg, _)| of(leg) == Role::Other);
        others
            .filter(|(leg, listener)| !SERVICES.contains(&leg.server.port) && asks(listener))
            .map(|(leg, _)| *leg)
            .collect()
    }

    /// Legs of backends of which it may still show that what is asked there is passed on, or asked for nobody that
    /// the proxy serves.
    fn open(&self, roles: &BTreeMap<Leg, Role>) -> Open {
        let backends = roles.iter().filter(|(_, role)| **role == Role::Backend);
        let backends = backends.map(|(leg, _)| *leg);
        if !self.told.backends.is_empty() {
            let legs = backends.filter(|leg| self.may_pass_on_to_told(*leg, roles)).collect();
            return Open { legs, at_first: BTreeSet::new() };
        }
        let asked = |one: &&Listener| asks_in_http(one) || one.connects_failed > 0;
        let others = self.listeners.values().copied().filter(asked).nth(1).is_some();
        let tried = self.tried();
        let may_scan = |addr: &IpAddr| {
            tried.get(addr).is_some_and(|(refused, answered)| *refused > 1 && !answered)
        };
        let mut open = Open::default();
        for leg in backends {
            let Some(one) = self.listeners.get(&leg) else { continue };
            let front = asks_in_http(one) && !self.answers(leg);
            let scanned =
                !asks_in_http(one) && !one.proxies.is_empty() && one.proxies.keys().all(may_scan);
            let beside = !self.is_asked_for_others(leg, one);
            if front && others || scanned || beside && self.fronts_readable {
                open.legs.insert(leg);
            } else if front || beside && self.fronts.is_empty() {
                open.at_first.insert(leg);
            }
        }
        open
    }

    /// Legs on which each host was refused, and whether it was answered on any: who is refused here and there, and
    /// answered nowhere, may scan.
    fn tried(&self) -> BTreeMap<IpAddr, (u32, bool)> {
        let mut tried: BTreeMap<IpAddr, (u32, bool)> = BTreeMap::new();
        for listener in self.listeners.values() {
            for addr in listener.proxies.keys() {
                let (refused, answered) = tried.entry(*addr).or_default();
                *refused = refused.saturating_add((listener.connects_failed > 0).into());
                *answered |= listener.exchanges > 0;
            }
        }
        tried
    }

    /// What accepts there was seen to answer by itself. What it passed on may be known later than its answer.
    fn answers(&self, leg: Leg) -> bool {
        self.passing.get(&leg).is_some_and(|one| {
            let passed = one.passed.saturating_add(one.failed_below);
            one.answers_itself() || one.for_others > 0 && one.alone > passed
        })
    }

    /// What is asked there is asked for others, or by nobody but the proxy. That it comes while a front is asked may
    /// be chance, once.
    fn is_asked_for_others(&self, leg: Leg, listener: &Listener) -> bool {
        let by_proxy = listener.exchanges == 0 && self.is_asked_by_proxy(listener);
        let for_others = self.passing.get(&leg).is_some_and(|one| {
            let during = one.during(|leg| self.fronts.contains(&leg));
            one.for_others > 0 || one.forwarded > 0 || during > 1
        });
        self.fronts_tell && by_proxy || for_others
    }

    /// What is asked on the leg of one told backend may be passed on to another one that its own host asks: it may
    /// be a sidecar's, which bears the name of the backend.
    fn may_pass_on_to_told(&self, leg: Leg, roles: &BTreeMap<Leg, Role>) -> bool {
        let Some(listener) = self.listeners.get(&leg) else { return false };
        let here = listener.accepted_here && !listener.opened_here;
        let own = |other: &Leg| other.inside && other.server.addr == leg.server.addr;
        let asks = |addr: &IpAddr| *addr == leg.server.addr || here && addr.is_loopback();
        let told = |other: &Leg| *other != leg && roles.get(other) == Some(&Role::Backend);
        let mut others = self.listeners.iter().filter(|(other, _)| told(other));
        !self.answers(leg) && others.any(|(leg, other)| own(leg) || other.proxies.keys().any(asks))
    }
}

/// Something was asked in HTTP. What a connection speaks is booked at its end, its exchanges are before.
fn asks_in_http(listener: &Listener) -> bool {
    listener.exchanges > 0 || listener.spoke_any(Protocol::is_http)
}

/// Legs of proxies' clients to which the front of another proxy passes on what it is asked.
fn between(roles: &BTreeMap<Leg, Role>, passing: &BTreeMap<Leg, Passing>) -> BTreeSet<Leg> {
    let is_front = |leg: &Leg| roles.get(leg) == Some(&Role::Front);
    let above = passing.iter().filter(|(leg, _)| is_front(leg));
    let below = above.flat_map(|(leg, one)| one.to.keys().filter(move |to| *to != leg));
    below.filter(|to| is_front(to)).copied().collect()
}

/// Who opens connections to listeners of a kind.
struct Openers {
    /// Hosts that do, to listeners at other addresses: on one host everything both accepts and opens.
    addresses: BTreeSet<IpAddr>,
    /// The host that captured does.
    here: bool,
}

impl Openers {
    fn of(listeners: &BTreeMap<Leg, &Listener>, kind: impl Fn(&Listener) -> bool) -> Self {
        let mut openers = Self { addresses: BTreeSet::new(), here: false };
        for (leg, listener) in listeners.iter().filter(|(_, listener)| kind(listener)) {
            let elsewhere = listener.proxies.keys().filter(|addr| **addr != leg.server.addr);
            openers.addresses.extend(elsewhere);
            openers.here |= listener.opened_here;
        }
        openers
    }

    /// The host that accepts a leg is one of them.
    fn accept(&self, leg: Leg, listener: &Listener) -> bool {
        let here = listener.accepted_here && !listener.opened_here;
        self.addresses.contains(&leg.server.addr) || here && self.here
    }
}

/// Hosts that were refused at many addresses and ports, and to whom nothing was ever answered. Whoever
/// comes back to the same ones again and again wants something there: that is an outage.
fn scanners(listeners: &BTreeMap<Leg, &Listener>) -> BTreeMap<IpAddr, usize> {
    let mut refused: BTreeMap<IpAddr, (usize, u64)> = BTreeMap::new();
    for listener in listeners.values() {
        if listener.connects_failed == listener.connections && listener.connects_failed > 0 {
            for addr in listener.proxies.keys() {
                let (ends, tries) = refused.entry(*addr).or_default();
                *ends = ends.saturating_add(1);
                *tries = tries.saturating_add(listener.connections);
            }
        }
    }
    for listener in listeners.values().filter(|listener| listener.exchanges > 0) {
        refused.retain(|addr, _| !listener.proxies.contains_key(addr));
    }
    let passing = |ends: usize, tries: u64| {
        u64::try_from(ends).is_ok_and(|ends| tries < ends.saturating_mul(AGAIN_AND_AGAIN))
    };
    refused.retain(|_, (ends, tries)| *ends >= SCAN && passing(*ends, *tries));
    refused.into_iter().map(|(addr, (ends, _))| (addr, ends)).collect()
}
