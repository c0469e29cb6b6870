//! What is remembered of all connections: counts per listener and proxy, and the failures.
//!
//! Successes are counted and forgotten; only failures are kept, the first [`Limits::failures`] of
//! them. Which listeners are backends is not known before the end, so everything is booked here and
//! `roles` chooses later.

use crate::exchange::{Ended, Exchange, Outcome, Output, Protocol, Request, Response, Unread};
use crate::flow::{Connection, Half, Side, SidesBy, Twin};
use crate::idle::{IdleGaps, Timer};
use crate::packet::{Endpoint, SeqNum};
use crate::time::Timestamp;
use crate::verdict::{self, Cause, Certainty, Fate, Timeouts, Verdict};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

/// Bounds on what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Failures kept with their evidence; all are counted.
    pub failures: usize,
    /// Listeners, whoever they are.
    pub listeners: usize,
    /// Proxies of one listener.
    pub proxies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { failures: 10_000, listeners: 65_536, proxies: 1_024 }
    }
}

/// A failed exchange or connect.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Why.
    pub verdict: Verdict,
    /// Number of its connection.
    pub connection: u64,
    /// Number of the exchange on it; 0 for a connect.
    pub ordinal: u32,
    /// The client side.
    pub client: Endpoint,
    /// The server side.
    pub server: Endpoint,
    /// What was asked; `None` for a connect.
    pub request: Option<Request>,
    /// What came of an answer.
    pub response: Option<Response>,
    /// The number on the wire of the request's first byte, which is the same wherever it was
    /// captured.
    pub wire: Option<SeqNum>,
}

impl Failure {
    fn new(verdict: Verdict, exchange: Option<Exchange>, connection: &Connection) -> Self {
        let twin = connection.same_as;
        let client = connection.half(Side::Client);
        let ordinal = exchange.as_ref().map_or(0, |exchange| exchange.ordinal);
        let (request, response) =
            exchange.map_or((None, None), |exchange| (Some(exchange.request), exchange.response));
        Self {
            verdict,
            connection: twin.map_or(connection.number, |twin| twin.number),
            ordinal,
            client: twin.map_or(connection.client, |twin| twin.client),
            server: twin.map_or(connection.server, |twin| twin.server),
            wire: request.as_ref().and_then(|request| client.wire(request.start)),
            request,
            response,
        }
    }

    /// What failures are sorted by: the frame that completed them, then who they belong to. Frames of
    /// `several` captures that overlap are in the order of their time.
    pub fn completed(&self, several: bool) -> (Timestamp, Option<(u32, u64)>, u64, u32) {
        let last = self.verdict.evidence.last().map(|last| last.frame);
        let at = last.filter(|_| several).map_or(Timestamp::default(), |frame| frame.at);
        (at, last.map(|frame| (frame.capture, frame.number)), self.connection, self.ordinal)
    }
}

/// What is known of one listener.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    /// Connections to it.
    pub connections: u64,
    /// Of them, those that were never established: refused.
    pub connects_failed: u64,
    /// SYNs that got no answer at all in the capture.
    pub connects_unanswered: u64,
    /// Connections by what they spoke.
    pub protocols: HashMap<Protocol, u64>,
    /// Exchanges.
    pub exchanges: u64,
    /// Exchanges by final status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by cause.
    pub causes: BTreeMap<Cause, u64>,
    /// Exchanges that may have been answered, by why that cannot be read.
    pub unread: HashMap<Unread, u64>,
    /// Exchanges with neither answer nor close in the capture.
    pub open: u64,
    /// Closes by the listener that harmed no request.
    pub benign_closes: u64,
    /// Gaps in the capture of its connections.
    pub capture_gaps: u64,
    /// Connections whose sides were guessed by their ports.
    pub guessed: u64,
    /// Connections of which one direction was not captured at all.
    pub one_direction: u64,
    /// Connections that left the host that captured them, as far as the capture tells.
    pub opened_here: u64,
    /// Connections that came to that host.
    pub accepted_here: u64,
    /// Who connects to it.
    pub proxies: BTreeMap<IpAddr, Proxy>,
    /// Connections of proxies for which there was no room.
    pub proxies_forgotten: u64,
    /// The shortest time from a SYN to its SYN+ACK.
    pub syn_to_syn_ack: Option<Duration>,
    /// The shortest time from a SYN+ACK to the client's answer.
    pub syn_ack_to_ack: Option<Duration>,
}

/// What is known of one client of a listener.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    /// Its connections.
    pub connections: u64,
    /// Their idle gaps.
    pub idle: IdleGaps,
}

impl Listener {
    /// Connections that spoke `protocol`.
    pub fn spoke(&self, protocol: Protocol) -> u64 {
        self.protocols.get(&protocol).copied().unwrap_or(0)
    }

    /// It speaks HTTP or TLS, or nobody got through to it.
    pub fn is_like_a_backend(&self) -> bool {
        let web = [Protocol::Http1, Protocol::Http2, Protocol::Tls];
        web.iter().any(|protocol| self.spoke(*protocol) > 0) || self.connects_failed > 0
    }

    /// The idle gaps of all its proxies.
    pub fn idle(&self) -> IdleGaps {
        let mut idle = IdleGaps::default();
        self.proxies.values().for_each(|proxy| idle.add(&proxy.idle));
        idle
    }

    /// Failed exchanges and connects.
    pub fn failed(&self) -> u64 {
        self.causes.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// The books.
#[derive(Debug, Default)]
pub struct Ledger {
    limits: Limits,
    timeouts: Timeouts,
    listeners: HashMap<Endpoint, Listener, RandomState>,
    /// Hosts that open connections to something like a backend.
    openers: HashSet<IpAddr, RandomState>,
    failures: Vec<Failure>,
    /// The same failures, seen elsewhere: before or after address translation, or at another
    /// viewpoint.
    opinions: Vec<Failure>,
    /// Connections that two captures hold, by which two.
    pub shared: BTreeMap<(u32, u32), u64>,
    /// Failures that the capture named second shows better than the first one.
    pub better: u64,
    /// Failures that were counted and not kept.
    pub failures_dropped: u64,
    /// Connections to listeners for which there was no room.
    pub listeners_forgotten: u64,
}

impl Ledger {
    /// Empty books. `timeouts` is what was told of them.
    pub fn new(limits: Limits, timeouts: Timeouts) -> Self {
        Self { limits, timeouts, ..Self::default() }
    }

    /// Joins what was seen of one failure at several places: the better proof wins.
    fn join(&mut self) {
        let mut known: HashMap<(u64, Option<u32>), usize, RandomState> = HashMap::default();
        let name = |failure: &Failure| (failure.connection, failure.wire.map(|wire| wire.0));
        for (index, failure) in self.failures.iter().enumerate() {
            known.insert(name(failure), index);
        }
        for opinion in std::mem::take(&mut self.opinions) {
            let place = known.get(&name(&opinion)).copied();
            let Some(failure) = place.and_then(|place| self.failures.get_mut(place)) else {
                // Where it was captured first it did not show as a failure: that takes proof.
                if opinion.verdict.cause != Cause::Unproven
                    && opinion.verdict.certainty >= Certainty::Likely
                {
                    if let Some(listener) = self.listeners.get_mut(&opinion.server) {
                        count(listener.causes.entry(opinion.verdict.cause).or_default());
                    }
                    known.insert(name(&opinion), self.failures.len());
                    count(&mut self.better);
                    self.keep(opinion);
                }
                continue;
            };
            let before = failure.verdict.cause;
            if failure.verdict.join(opinion.verdict) {
                let after = failure.verdict.cause;
                let server = failure.server;
                count(&mut self.better);
                self.recount(server, before, after);
            }
        }
    }

    /// A failure of `server` has another cause than it was booked under.
    fn recount(&mut self, server: Endpoint, before: Cause, after: Cause) {
        if let Some(listener) = self.listeners.get_mut(&server) {
            if let Some(count) = listener.causes.get_mut(&before) {
                *count = count.saturating_sub(1);
            }
            listener.causes.retain(|_, count| *count > 0);
            count(listener.causes.entry(after).or_default());
        }
    }

    /// Judges again what depends on all that was seen: what another viewpoint shows, and whether a
    /// close came just when the backend's keep-alive timer fired.
    pub fn revise(&mut self) {
        self.join();
        let told = self.timeouts.backend_keepalive.map(Timer::told);
        let mut timers: HashMap<Endpoint, Option<Timer>, RandomState> = HashMap::default();
        let mut changed = Vec::new();
        for failure in &mut self.failures {
            let Some(listener) = self.listeners.get(&failure.server) else {
                continue;
            };
            let timer = *timers
                .entry(failure.server)
                .or_insert_with(|| told.or_else(|| listener.idle().closed_by_backend.timer()));
            let before = failure.verdict.cause;
            if let Some(timer) = timer
                && verdict::lost_in_host(&mut failure.verdict, timer.value, |gap| timer.fits(gap))
            {
                changed.push((failure.server, before, failure.verdict.cause));
            }
        }
        for (server, before, after) in changed {
            self.recount(server, before, after);
        }
    }

    /// Books what a reader made known; returns whether it failed.
    pub fn book(&mut self, output: Output, connection: &Connection) -> bool {
        // It was captured elsewhere as well, and is booked there.
        if let Some(twin) = connection.same_as {
            return self.second(output, connection, twin);
        }
        match output {
            Output::Exchange(exchange) => self.exchange(*exchange, connection),
            Output::Ended(ended) => self.ended(&ended, connection),
        }
    }

    /// Keeps what a connection that is booked already shows of failures.
    fn second(&mut self, output: Output, connection: &Connection, twin: Twin) -> bool {
        let (fate, exchange) = match output {
            Output::Exchange(exchange) => {
                (verdict::judge(&exchange, connection, &self.timeouts), Some(*exchange))
            }
            Output::Ended(ended) => {
                let captures = (twin.capture, connection.opened.capture);
                if captures.0 != captures.1 {
                    count(self.shared.entry(captures).or_default());
                }
                (verdict::judge_connect(&ended, connection), None)
            }
        };
        let Fate::Failed(verdict) = fate else {
            return false;
        };
        if self.opinions.len() < self.limits.failures {
            self.opinions.push(Failure::new(*verdict, exchange, connection));
        }
        true
    }

    /// One listener.
    pub fn listener_at(&self, endpoint: Endpoint) -> Option<&Listener> {
        self.listeners.get(&endpoint)
    }

    /// A host was seen to open connections to something like a backend elsewhere.
    pub fn opens_like_a_proxy(&self, addr: IpAddr) -> bool {
        self.openers.contains(&addr)
    }

    /// The failures booked since `seen` were, in the order of booking.
    pub fn failures_from(&self, seen: usize) -> &[Failure] {
        self.failures.get(seen..).unwrap_or_default()
    }

    /// Every listener, by address and port.
    pub fn listeners(&self) -> BTreeMap<Endpoint, &Listener> {
        self.listeners.iter().map(|(endpoint, listener)| (*endpoint, listener)).collect()
    }

    /// The failures kept, by the frame that completed them; `several` captures were read.
    pub fn failures(&self, several: bool) -> Vec<&Failure> {
        let mut failures: Vec<&Failure> = self.failures.iter().collect();
        failures.sort_by_key(|failure| failure.completed(several));
        failures
    }

    fn listener(&mut self, endpoint: Endpoint) -> Option<&mut Listener> {
        if self.listeners.len() >= self.limits.listeners && !self.listeners.contains_key(&endpoint)
        {
            return None;
        }
        Some(self.listeners.entry(endpoint).or_default())
    }

    fn exchange(&mut self, exchange: Exchange, connection: &Connection) -> bool {
        let fate = verdict::judge(&exchange, connection, &self.timeouts);
        let proxies = self.limits.proxies;
        if let Some(listener) = self.listener(connection.server) {
            count(&mut listener.exchanges);
            let status = exchange.response.and_then(|response| response.status);
            if let Some(status) = status.filter(|_| exchange.outcome == Outcome::Answered) {
                count(listener.statuses.entry(status).or_default());
            }
            match &fate {
                Fate::Sound => {}
                Fate::Failed(verdict) => count(listener.causes.entry(verdict.cause).or_default()),
                Fate::Open => count(&mut listener.open),
                Fate::Unread(why) => count(listener.unread.entry(*why).or_default()),
            }
            if let Some(proxy) = listener.proxy(connection.client.addr, proxies) {
                if let Some(gap) = exchange.idle_gap().filter(|_| exchange.ordinal > 0) {
                    proxy.idle.reused.record(gap);
                }
                if let Fate::Failed(verdict) = &fate {
                    match (verdict.cause, verdict.closed_after, verdict.wait) {
                        // The timer fired, whether or not a request was on its way.
                        (Cause::KeepaliveRace | Cause::StaleReuse, Some(gap), _) => {
                            proxy.idle.closed_by_backend.record(gap);
                        }
                        (Cause::ResponseTimeout, _, Some(wait)) => proxy.idle.gave_up.record(wait),
                        _ => {}
                    }
                }
            }
        }
        if let Fate::Failed(verdict) = fate {
            self.keep(Failure::new(*verdict, Some(exchange), connection));
            return true;
        }
        false
    }

    fn ended(&mut self, ended: &Ended, connection: &Connection) -> bool {
        let fate = verdict::judge_connect(ended, connection);
        let proxies = self.limits.proxies;
        let Some(listener) = self.listener(connection.server) else {
            count(&mut self.listeners_forgotten);
            return false;
        };
        listener.connection(ended, connection, proxies);
        let failed = matches!(fate, Fate::Failed(_));
        match fate {
            Fate::Failed(verdict) => {
                count(&mut listener.connects_failed);
                count(listener.causes.entry(verdict.cause).or_default());
                self.keep(Failure::new(*verdict, None, connection));
            }
            Fate::Open => count(&mut listener.connects_unanswered),
            Fate::Sound | Fate::Unread(_) => {}
        }
        let Connection { client, server, .. } = connection;
        let like_a_proxy = self.listener_at(*server).is_some_and(Listener::is_like_a_backend);
        if like_a_proxy && client.addr != server.addr && self.openers.len() < self.limits.listeners
        {
            self.openers.insert(client.addr);
        }
        failed
    }

    fn keep(&mut self, failure: Failure) {
        if self.failures.len() < self.limits.failures {
            self.failures.push(failure);
        } else {
            count(&mut self.failures_dropped);
        }
    }
}

impl Listener {
    fn proxy(&mut self, addr: IpAddr, limit: usize) -> Option<&mut Proxy> {
        if self.proxies.len() >= limit && !self.proxies.contains_key(&addr) {
            return None;
        }
        Some(self.proxies.entry(addr).or_default())
    }

    fn connection(&mut self, ended: &Ended, connection: &Connection, proxies: usize) {
        count(&mut self.connections);
        count(self.protocols.entry(ended.protocol).or_default());
        match connection.outgoing {
            Some(true) => count(&mut self.opened_here),
            Some(false) => count(&mut self.accepted_here),
            None => {}
        }
        let (client, server) = (connection.half(Side::Client), connection.half(Side::Server));
        let gaps = u64::from(client.gaps).saturating_add(u64::from(server.gaps));
        self.capture_gaps = self.capture_gaps.saturating_add(gaps);
        if connection.sides_by == Some(SidesBy::LowerPort) {
            count(&mut self.guessed);
        }
        // A client that sent a request and heard nothing, not even an acknowledgement, is another
        // matter; here bytes or acknowledgements say that the other direction did speak.
        let unheard = |half: &Half, peer: &Half| {
            half.segments == 0 && peer.segments > 1 && ended.protocol != Protocol::None
        };
        if unheard(client, server) || unheard(server, client) {
            count(&mut self.one_direction);
        }
        let shortest = |kept: &mut Option<Duration>, new: Duration| {
            *kept = Some(kept.map_or(new, |kept| kept.min(new)));
        };
        if let (Some(syn), Some(syn_ack)) = (connection.syn, connection.syn_ack) {
            shortest(&mut self.syn_to_syn_ack, syn_ack.at.since(syn.at));
            if let Some(ack) = connection.established {
                shortest(&mut self.syn_ack_to_ack, ack.at.since(syn_ack.at));
            }
        }
        let closing = verdict::first_close(connection).filter(|_| ended.quiet_since.is_some());
        let by_server = closing.is_some_and(|closing| closing.by == Side::Server);
        if by_server {
            count(&mut self.benign_closes);
        }
        let Some(proxy) = self.proxy(connection.client.addr, proxies) else {
            count(&mut self.proxies_forgotten);
            return;
        };
        count(&mut proxy.connections);
        if let (Some(closing), Some(quiet)) = (closing, ended.quiet_since)
            && ended.exchanges > 0
        {
            let gap = closing.mark.frame.at.since(quiet.at);
            if by_server {
                proxy.idle.closed_by_backend.record(gap);
            } else {
                proxy.idle.closed_by_proxy.record(gap);
            }
        }
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
