//! Which listeners are backends.
//!
//! An address and port that accepts connections is a listener. A host that both accepts and opens
//! connections may be a proxy: what it accepts is the front leg, what it opens the backend leg. Opening
//! connections to something that speaks neither HTTP nor TLS (a database, say) makes no proxy, nor does
//! asking others for something else while it answers, as a backend does that needs them.

use crate::exchange::Protocol;
use crate::ledger::{Failure, Judgement, Ledger, Listener};
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

/// What a listener is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Judged.
    Backend,
    /// Accepts the proxy's clients.
    Front,
    /// Judged only if connects to it fail.
    Other,
}

impl Role {
    /// The role's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Front => "front",
            Self::Other => "other",
        }
    }
}

/// The roles of all listeners.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    roles: BTreeMap<Endpoint, Role>,
    /// The backends that were told.
    told: Vec<EndpointPattern>,
    /// Hosts that try many addresses and ports in vain, and how many.
    pub scanners: BTreeMap<IpAddr, usize>,
    /// Listeners that are the proxy's own by nothing but what they do: they pass on what they are asked.
    pub pass_on: Vec<Endpoint>,
    /// All that pass on what they are asked, whatever else shows it.
    passing: BTreeSet<Endpoint>,
    /// Listeners that are not judged, and to which a proxy of judged ones connects.
    beside: BTreeSet<Endpoint>,
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
    /// Decides, of everything that was seen. `pass_on` are listeners that pass on what they are asked,
    /// `ask_others` those that ask for something else instead.
    pub fn assign(
        ledger: &Judgement<'_>,
        told: &ToldRoles,
        pass_on: BTreeSet<Endpoint>,
        ask_others: &BTreeSet<Endpoint>,
    ) -> Self {
        let listeners = ledger.listeners();
        let proxies = openers(&listeners);
        let scanners = scanners(&listeners);
        // A host with several addresses gives itself away where the capture tells what came to it.
        let opens_here =
            listeners.values().any(|one| one.is_like_a_backend() && one.opened_here > 0);
        let matches = |patterns: &[EndpointPattern], endpoint: Endpoint| {
            patterns.iter().any(|pattern| pattern.matches(endpoint))
        };
        let role = |endpoint: Endpoint, listener: &Listener| {
            if !told.backends.is_empty() {
                let is_told = |one| matches(&told.backends, one);
                let judged = listener.is_known_by(endpoint, is_told);
                return if judged { Role::Backend } else { Role::Other };
            }
            let http = listener.spoke_any(Protocol::is_http);
            // Nobody got through, so what it would have spoken is not known; scans aside.
            let refuses = listener.connects_failed == listener.connections
                && !listener.proxies.keys().all(|addr| scanners.contains_key(addr));
            if listener.is_known_by(endpoint, |one| matches(&told.fronts, one)) {
                Role::Front
            } else if !http {
                if refuses { Role::Backend } else { Role::Other }
            } else if pass_on.contains(&endpoint)
                || !ask_others.contains(&endpoint)
                    && (proxies.contains(&endpoint.addr)
                        || opens_here && listener.accepted_here > 0 && listener.opened_here == 0)
            {
                Role::Front
            } else {
                Role::Backend
            }
        };
        let roles: BTreeMap<Endpoint, Role> = listeners
            .iter()
            .map(|(endpoint, listener)| (*endpoint, role(*endpoint, listener)))
            .collect();
        let beside = if told.backends.is_empty() {
            beside(&listeners, &roles, opens_here)
        } else {
            BTreeSet::new()
        };
        let passing = pass_on.clone();
        let by_that_alone = |endpoint: &Endpoint| {
            told.backends.is_empty()
                && !matches(&told.fronts, *endpoint)
                && !proxies.contains(&endpoint.addr)
        };
        let pass_on = pass_on.into_iter().filter(by_that_alone).collect();
        Self { roles, told: told.backends.clone(), scanners, pass_on, passing, beside }
    }

    /// The role of one listener.
    pub fn of(&self, endpoint: Endpoint) -> Role {
        self.roles.get(&endpoint).copied().unwrap_or(Role::Other)
    }

    /// Whether what a listener does is done on a backend: it is judged, or a known proxy connects to it.
    pub fn is_on_backend(&self, endpoint: Endpoint) -> bool {
        self.of(endpoint) == Role::Backend || self.beside.contains(&endpoint)
    }

    /// Whether a listener was seen to pass on what it is asked.
    pub fn passes_on(&self, endpoint: Endpoint) -> bool {
        self.passing.contains(&endpoint)
    }

    /// The backends that were told.
    pub fn told(&self) -> &[EndpointPattern] {
        &self.told
    }

    /// The backends that were told and that nobody tried, of all listeners seen.
    pub fn untried<'a>(&self, seen: impl Iterator<Item = &'a Endpoint>) -> Vec<EndpointPattern> {
        let seen: Vec<&Endpoint> = seen.collect();
        let tried = |told: &EndpointPattern| seen.iter().any(|endpoint| told.matches(**endpoint));
        self.told.iter().filter(|told| !tried(told)).copied().collect()
    }

    /// What a listener is as far as is known before the end, which may show more: what was told, or
    /// what it speaks and whether its host was seen to open connections like a proxy. It was `asked` for
    /// something in HTTP, perhaps on a connection that is not over and nowhere booked.
    pub fn so_far(ledger: &Ledger, told: &ToldRoles, endpoint: Endpoint, asked: bool) -> Role {
        let listener = ledger.listener_at(endpoint);
        let matches = |patterns: &[EndpointPattern]| {
            let is_told = |at: Endpoint| patterns.iter().any(|one| one.matches(at));
            listener.map_or_else(|| is_told(endpoint), |one| one.is_known_by(endpoint, is_told))
        };
        if !told.backends.is_empty() {
            return if matches(&told.backends) { Role::Backend } else { Role::Other };
        }
        // What a connection speaks is booked at its end; its exchanges are before.
        let booked = |listener: &Listener| listener.exchanges > 0 || listener.connects_failed > 0;
        let http = asked || listener.is_some_and(booked);
        if matches(&told.fronts) || http && ledger.opens_like_a_proxy(endpoint.addr) {
            Role::Front
        } else if http {
            Role::Backend
        } else {
            Role::Other
        }
    }

    /// Whether a failure counts: a backend's does, and so does a failed connect to anything that
    /// the user did not exclude and nobody scanned.
    pub fn judges(&self, failure: &Failure) -> bool {
        match self.of(failure.server) {
            Role::Backend => true,
            Role::Front => false,
            Role::Other => {
                failure.request().is_none()
                    && self.told.is_empty()
                    && !self.scanners.contains_key(&failure.client.addr)
            }
        }
    }
}

/// Listeners that are not judged, to which the host of a judged one's proxy, or of a front, connects, and
/// that are of no service that such a host only uses.
fn beside(
    listeners: &BTreeMap<Endpoint, &Listener>,
    roles: &BTreeMap<Endpoint, Role>,
    opens_here: bool,
) -> BTreeSet<Endpoint> {
    let of = |endpoint: &Endpoint| roles.get(endpoint).copied().unwrap_or(Role::Other);
    let mut proxies: BTreeSet<IpAddr> = BTreeSet::new();
    let mut front_here = false;
    for (endpoint, listener) in listeners {
        match of(endpoint) {
            Role::Backend => proxies.extend(listener.proxies.keys()),
            Role::Front => {
                proxies.insert(endpoint.addr);
                front_here |= listener.accepted_here > 0;
            }
            Role::Other => {}
        }
    }
    // A proxy with an address on each leg opens here what it accepted here.
    let connects = |listener: &Listener| {
        listener.proxies.keys().any(|addr| proxies.contains(addr))
            || opens_here && front_here && listener.opened_here > 0
    };
    let others = listeners.iter().filter(|(endpoint, _)| of(endpoint) == Role::Other);
    others
        .filter(|(endpoint, listener)| !SERVICES.contains(&endpoint.port) && connects(listener))
        .map(|(endpoint, _)| *endpoint)
        .collect()
}

/// Hosts that open connections as a proxy does: to HTTP, to TLS, or in vain.
fn openers(listeners: &BTreeMap<Endpoint, &Listener>) -> BTreeSet<IpAddr> {
    let mut openers = BTreeSet::new();
    for (endpoint, listener) in listeners {
        // On one host everything both accepts and opens: that says nothing.
        if listener.is_like_a_backend() {
            openers.extend(listener.proxies.keys().filter(|addr| **addr != endpoint.addr));
        }
    }
    openers
}

/// Hosts that were refused at many addresses and ports, and to whom nothing was ever answered. Whoever
/// comes back to the same ones again and again wants something there: that is an outage.
fn scanners(listeners: &BTreeMap<Endpoint, &Listener>) -> BTreeMap<IpAddr, usize> {
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
