//! What is remembered of all connections: counts per listener and proxy, and the failures.
//!
//! Successes are counted and forgotten; only failures are kept, at most [`LedgerLimits::failures`] of them,
//! and of one cause never more than half of the room that is left: a flood must not hide what is rare.
//! Which listeners are backends is not known before the end, so everything is booked here and
//! `roles` chooses later.

mod connects;
mod events;
mod failure;
mod listener;
mod probes;
mod spoken;
mod translated;
mod unread;
mod views;

use crate::exchange::{Ended, Exchange, Outcome, Output, Request, RequestDigest};
use crate::facts::closing::Closer;
use crate::facts::kernel::Ends;
use crate::flow::{Connection, Side, Start};
use crate::knowledge::idle_gaps::Timer;
use crate::knowledge::{Configured, Context};
use crate::packet::Endpoint;
use crate::verdict::{self, Cause, Certainty, Detail, Fate};
pub use events::{Event, EventKind};
pub use failure::{Failure, Listening, ListeningProgram};
use foldhash::fast::RandomState;
pub use listener::{Listener, ProxySide, Unanswered};
pub use probes::Health;
use probes::ProbeSource;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;
pub use unread::{Amount, NotRead, What};

/// Bounds on what is kept.
#[derive(Clone, Copy, Debug)]
pub struct LedgerLimits {
    /// Failures kept with their evidence; all are counted.
    pub failures: usize,
    /// Listeners, whoever they are.
    pub listeners: usize,
    /// Proxies of one listener.
    pub proxies: usize,
    /// Proxies of all listeners: one that connects to ten of them counts ten times.
    pub pairs: usize,
    /// Connections whose begin and end are remembered, to find what explains many failures.
    pub spans: usize,
}

impl Default for LedgerLimits {
    fn default() -> Self {
        Self { failures: 20_000, listeners: 12_288, proxies: 1_024, pairs: 24_576, spans: 1 << 18 }
    }
}

/// A failure just booked.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// As it is known so far.
    pub failure: Failure,
    /// It is among those that are kept, so that the end may show it otherwise.
    pub kept: bool,
    /// It is one of a row of failing probes, and not the first.
    pub another_probe: bool,
}

/// The books.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    limits: LedgerLimits,
    told: Configured,
    /// Boxed, for the table is doubled to grow.
    listeners: HashMap<Endpoint, Box<Listener>, RandomState>,
    /// Hosts that open connections to something like a backend.
    openers: HashSet<IpAddr, RandomState>,
    failures: Vec<Failure>,
    /// How many of them were kept, by cause when they were booked.
    kept: BTreeMap<Cause, usize>,
    /// Those booked since they were last asked for, where somebody asks.
    fresh: Option<Vec<Fresh>>,
    /// Connections whose last answer the proxy did not take.
    spoiled: HashSet<u64, RandomState>,
    /// Connections of which an exchange was not read, or not judged.
    unread: HashSet<u64, RandomState>,
    /// Connects that never left, by hosts of which it is not known whether they are proxies.
    never_left: Vec<Failure>,
    /// Connections that the accepting side closed before anything was asked, wherever that was.
    closed_at_once: Vec<Failure>,
    /// Something of the accepting side of a connection was captured, of whichever.
    backends_heard: bool,
    /// What explains many of them.
    events: Vec<Event>,
    /// The same failures, seen elsewhere: before or after address translation, or at another
    /// viewpoint.
    opinions: Vec<Failure>,
    /// Connections whose begin and end are remembered.
    spans: usize,
    /// Connections that two captures hold, by which two.
    pub shared: BTreeMap<(u32, u32), u64>,
    /// Failures that the capture named second shows better than the first one.
    pub better: u64,
    /// Failures that were counted and not kept.
    pub failures_dropped: u64,
    /// Proxies of all listeners.
    pairs: usize,
    /// Connections to listeners for which there was no room.
    pub listeners_forgotten: u64,
}

impl Ledger {
    /// Empty books. `told` is what the capture need not show.
    pub fn new(limits: LedgerLimits, told: Configured) -> Self {
        Self { limits, told, ..Self::default() }
    }

    /// From now on failures are made known as they are booked.
    pub fn tell_fresh(&mut self) {
        self.fresh.get_or_insert_default();
    }

    /// The failures booked since the last call, in the order of booking.
    pub fn take_fresh(&mut self) -> Vec<Fresh> {
        self.fresh.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Notes on a failure that is kept what its host says of its ports.
    pub fn note_listening(&mut self, connection: u64, listening: &Listening) {
        let of_connection = |failure: &&mut Failure| failure.connection == connection;
        if let Some(failure) = self.failures.iter_mut().rev().find(of_connection) {
            failure.listening = Some(Box::new(listening.clone()));
        }
    }

    /// Notes on a failure that is kept what the kernel says of its connection's ends.
    pub fn note_ends(&mut self, of: &Failure, ends: &Ends) {
        let same = |failure: &&mut Failure| {
            (failure.connection, failure.ordinal) == (of.connection, of.ordinal)
        };
        let Some(failure) = self.failures.iter_mut().rev().find(same) else { return };
        let (server, before) = (failure.server, failure.verdict.cause);
        failure.meet(ends.clone());
        let after = failure.verdict.cause;
        self.recount(server, before, after);
    }

    /// What was told of backends and proxies.
    pub const fn told(&self) -> &Configured {
        &self.told
    }

    /// Makes one failure of all the failed probes of a kind.
    fn gather_probes(&mut self) {
        let proxies = self.limits.proxies;
        self.listeners.values_mut().for_each(|listener| listener.settle_probes(proxies));
        for failure in std::mem::take(&mut self.failures) {
            let listener = self.listeners.get_mut(&failure.server);
            match (listener, failure.source()) {
                (Some(listener), Some(source))
                    if listener.probes.is_probe(source)
                        && (self.backends_heard || source.asked != RequestDigest::NOTHING) =>
                {
                    listener.probes.failed(source, &failure);
                    uncount(&mut listener.causes, failure.verdict.cause);
                }
                _ => self.failures.push(failure),
            }
        }
        let mut gathered = Vec::new();
        for listener in self.listeners.values_mut() {
            for (health, example) in listener.probes.health() {
                if let Some(example) = example {
                    let mut failure = example.clone();
                    failure.verdict.fail_probes(health.prober.is_some());
                    failure.health = Some(Box::new(health));
                    gathered.push(failure);
                }
            }
        }
        for failure in gathered {
            if let Some(listener) = self.listeners.get_mut(&failure.server) {
                count(listener.causes.entry(Cause::HealthCheckFailing).or_default());
            }
            self.keep(failure);
        }
    }

    /// A failure of `server` has another cause than it was booked under.
    fn recount(&mut self, server: Endpoint, before: Cause, after: Cause) {
        if let Some(listener) = self.listeners.get_mut(&server) {
            uncount(&mut listener.causes, before);
            count(listener.causes.entry(after).or_default());
        }
    }

    /// Judges again what depends on all that was seen: what another viewpoint and the front leg show,
    /// probes, the backend's keep-alive timer, what explains many failures at once.
    pub fn revise(&mut self) {
        self.join();
        self.meet_taken_headers();
        self.find_proxies();
        self.doubt_connects();
        self.join_translated();
        self.gather_probes();
        self.find_closed_at_once();
        self.find_nothing_answered();
        self.meet_front_leg();
        self.lose_in_host();
        self.give_context();
        self.find_events();
    }

    /// The host that captured accepts what goes to `front` and opens what goes to `back`: it is the
    /// proxy between them, whichever of its addresses it uses on either leg.
    pub fn passes_through(&self, front: Endpoint, back: Endpoint) -> bool {
        let (front, back) = (self.listener_at(front), self.listener_at(back));
        front.is_some_and(|front| front.accepted_here > 0 && front.opened_here == 0)
            && back.is_some_and(|back| back.opened_here > 0 && back.accepted_here == 0)
    }

    /// Where the front leg shows that a client left, the proxy only followed.
    fn meet_front_leg(&mut self) {
        let mut left: HashMap<(Vec<u8>, Vec<u8>), Vec<usize>, RandomState> = HashMap::default();
        let asked = |failure: &Failure| {
            let head = failure.request.as_ref()?.head.as_ref()?;
            Some((head.method().to_vec(), head.target().to_vec()))
        };
        for (place, failure) in self.failures.iter().enumerate() {
            let by_client = failure.verdict.close.is_some_and(|close| close.by == Closer::Proxy);
            if let Some(asked) = asked(failure).filter(|_| by_client) {
                left.entry(asked).or_default().push(place);
            }
        }
        let mut changed = Vec::new();
        for place in 0..self.failures.len() {
            let Some(failure) = self.failures.get(place) else { continue };
            let fronts = asked(failure).and_then(|asked| left.get(&asked));
            let fronts = fronts.into_iter().flatten().filter_map(|front| self.failures.get(*front));
            // On the front leg the proxy is the server.
            let front = fronts
                .filter(|front| {
                    front.server.addr == failure.client.addr
                        || self.passes_through(front.server, failure.server)
                })
                .filter(|front| front.server != failure.server)
                .filter(|front| could_become(front, failure))
                .map(|front| (front.verdict.clone(), front.client))
                .next();
            if let (Some((verdict, client)), Some(failure)) = (front, self.failures.get_mut(place))
            {
                let before = failure.verdict.cause;
                if verdict::client_gone(&mut failure.verdict, &verdict, client) {
                    changed.push((failure.server, before, failure.verdict.cause));
                }
            }
        }
        for (server, before, after) in changed {
            self.recount(server, before, after);
        }
    }

    /// Whether a close came just when the backend's keep-alive timer fired.
    fn lose_in_host(&mut self) {
        let told = &self.told;
        let mut timers: HashMap<Endpoint, [Option<Timer>; 2], RandomState> = HashMap::default();
        let mut longest: HashMap<Endpoint, Duration, RandomState> = HashMap::default();
        let mut changed = Vec::new();
        for failure in &mut self.failures {
            let Some(listener) = self.listeners.get(&failure.server) else {
                continue;
            };
            // What was told may not be in effect, and what is seen may be another timer's.
            let timers = timers.entry(failure.server).or_insert_with(|| {
                let told = told.backend(failure.server).keepalive;
                [told.map(|told| Timer::told(told.value)), listener.timer()]
            });
            let before = failure.verdict.cause;
            let meets = timers.iter().flatten().any(|timer| {
                verdict::lost_in_host(&mut failure.verdict, timer.value, |gap| timer.fits(gap))
            });
            if meets {
                changed.push((failure.server, before, failure.verdict.cause));
            } else {
                let longest = longest.entry(failure.server).or_insert_with(|| listener.kept_idle());
                verdict::kept_for_longer(&mut failure.verdict, *longest);
            }
        }
        for (server, before, after) in changed {
            self.recount(server, before, after);
        }
    }

    /// Tells each failure what is known of both its sides.
    fn give_context(&mut self) {
        let mut contexts: HashMap<(Endpoint, IpAddr), Context, RandomState> = HashMap::default();
        let mut answering: HashMap<IpAddr, BTreeSet<u16>, RandomState> = HashMap::default();
        for (endpoint, listener) in &self.listeners {
            if !listener.statuses.is_empty() {
                answering.entry(endpoint.addr).or_default().insert(endpoint.port);
            }
        }
        for failure in &mut self.failures {
            let Some(listener) = self.listeners.get(&failure.server) else {
                continue;
            };
            let of = (failure.server, failure.client.addr);
            let told = (self.told.backend(of.0), self.told.proxy(of.1));
            failure.context = *contexts.entry(of).or_insert_with(|| {
                let proxy = listener.proxies.get(&failure.client.addr);
                let observed = proxy.and_then(|proxy| proxy.idle.proxy_timer());
                Context {
                    server: listener.server(),
                    proxy: proxy.and_then(|proxy| proxy.kind()),
                    told_server: told.0.kind,
                    told_proxy: told.1.kind,
                    proxy_idle: told
                        .1
                        .idle
                        .map(|told| told.value)
                        .or(observed.map(|timer| timer.value)),
                    request_limit: listener.request_limit(),
                    age_limit: listener.age_limit().map(|timer| timer.value),
                    answers_on: answering
                        .get(&of.0.addr)
                        .and_then(|ports| ports.iter().find(|port| **port != of.0.port))
                        .copied(),
                }
            });
        }
    }

    /// Finds what explains many failures at once.
    fn find_events(&mut self) {
        let mut of: BTreeMap<Endpoint, Vec<usize>> = BTreeMap::new();
        for (place, failure) in self.failures.iter().enumerate() {
            of.entry(failure.server).or_default().push(place);
        }
        for (server, places) in of {
            let Some(listener) = self.listeners.get(&server) else { continue };
            let failures: Vec<(usize, &Failure)> = places
                .iter()
                .filter_map(|place| Some((*place, self.failures.get(*place)?)))
                .collect();
            let spans: Vec<crate::knowledge::connection_ends::LifeSpan> =
                listener.endings.spans.iter().copied().collect();
            for (event, members) in events::find(server, &failures, &spans, listener.timer()) {
                let number = self.events.len();
                self.events.push(event);
                for place in members {
                    if let Some(failure) = self.failures.get_mut(place) {
                        failure.event = Some(number);
                    }
                }
            }
        }
    }

    /// The proxy's log shows that the client of a failure had left; `place` is that among
    /// [`Self::failures_from`]`(0)`.
    pub fn client_left(&mut self, place: usize, status: Option<u16>) {
        let Some(failure) = self.failures.get_mut(place) else { return };
        let before = failure.verdict.cause;
        if verdict::client_logged(&mut failure.verdict, status) {
            let (server, after) = (failure.server, failure.verdict.cause);
            self.recount(server, before, after);
        }
    }

    /// The client that left was another one than that of this failure, which the front leg shows too.
    pub fn client_stayed(&mut self, place: usize) {
        if let Some(failure) = self.failures.get_mut(place) {
            failure.verdict.certainty = Certainty::Possible;
        }
    }

    /// The hosts of these listeners ask others while they answer: each may be a proxy after all, which asks
    /// for something else than it was asked and answers 502, 503 and 504 for itself.
    pub fn doubt_errors(&mut self, ask_others: &BTreeSet<Endpoint>) {
        for failure in &mut self.failures {
            let verdict = &mut failure.verdict;
            let of_proxies = matches!(verdict.detail, Detail::Status(502..=504));
            if of_proxies && ask_others.contains(&failure.server) {
                verdict.certainty = verdict.certainty.min(Certainty::Likely);
            }
        }
    }

    /// Books what a reader made known; returns whether it failed.
    pub fn book(&mut self, output: Output, connection: &Connection) -> bool {
        // It was captured elsewhere as well, and is booked there.
        if let Some(twin) = connection.same_as.as_deref() {
            return self.second(output, connection, twin);
        }
        match output {
            Output::Exchange(exchange) => self.exchange(exchange, connection),
            Output::Ended(ended) => self.ended(&ended, connection),
        }
    }

    /// One listener.
    pub fn listener_at(&self, endpoint: Endpoint) -> Option<&Listener> {
        self.listeners.get(&endpoint).map(Box::as_ref)
    }

    /// A host was seen to open connections to something like a backend elsewhere.
    pub fn opens_like_a_proxy(&self, addr: IpAddr) -> bool {
        self.openers.contains(&addr)
    }

    /// What explains many failures at once, by backend and time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The failures kept, in the order of booking, from a place on.
    pub fn failures_from(&self, place: usize) -> &[Failure] {
        self.failures.get(place..).unwrap_or_default()
    }

    /// Every listener, by address and port.
    pub fn listeners(&self) -> BTreeMap<Endpoint, &Listener> {
        self.listeners.iter().map(|(endpoint, listener)| (*endpoint, listener.as_ref())).collect()
    }

    /// The failures kept, by the frame that completed them; `several` captures were read.
    pub fn failures(&self, several: bool) -> Vec<&Failure> {
        let mut failures: Vec<&Failure> = self.failures.iter().collect();
        failures.sort_by_key(|failure| failure.completed(several));
        failures
    }

    fn exchange(&mut self, mut exchange: Box<Exchange>, connection: &Connection) -> bool {
        let Connection { client, server, .. } = connection;
        if self.listener_at(*server).is_some_and(|listener| listener.takes_header) {
            // It is no reason for anything.
            exchange.proxied = None;
        }
        let timeouts = self.told.timeouts(*server, client.addr);
        let fate = verdict::judge(&exchange, connection, &timeouts);
        let accepted = self.told.accepted(*server, client.addr);
        let proxies = self.proxies_at_most();
        let first_unread = matches!(fate, Fate::Open | Fate::Unread(_))
            && self.unread.len() < self.limits.failures
            && self.unread.insert(connection.number);
        if let Some(listener) = entry(&mut self.listeners, &self.limits, connection.server) {
            let known = listener.proxies.len();
            listener.exchange(&exchange, &fate, connection, accepted, proxies, first_unread);
            self.pairs = self.pairs.saturating_add(listener.proxies.len().saturating_sub(known));
        }
        if let Fate::Failed(verdict) = fate {
            // The end of such a connection is the end of the failure, and of no idleness.
            let answered = exchange.outcome == Outcome::Answered;
            let refused = answered && verdict.cause != Cause::BackendError;
            if refused && self.spoiled.len() < self.limits.failures {
                self.spoiled.insert(connection.number);
            }
            self.keep(Failure::new(*verdict, Some(*exchange), connection));
            return true;
        }
        false
    }

    /// How many proxies a listener may have now: none more, once there are too many of all listeners.
    fn proxies_at_most(&self) -> usize {
        if self.pairs < self.limits.pairs { self.limits.proxies } else { 0 }
    }

    fn ended(&mut self, ended: &Ended, connection: &Connection) -> bool {
        self.backends_heard |= !connection.half(Side::Server).is_unheard();
        let spoiled = self.spoiled.remove(&connection.number);
        let counted = self.unread.remove(&connection.number);
        let quiet_since = ended.quiet_since.filter(|_| !spoiled);
        let ended = &Ended { quiet_since, ..*ended };
        let timeouts = self.told.timeouts(connection.server, connection.client.addr);
        let fate = verdict::judge_connect(ended, connection, &timeouts);
        let fate = self.hold_closed_at_once(fate, connection);
        let proxies = self.proxies_at_most();
        if connection.is_unnamed() {
            // Any host asks for neighbours: it is told of proxies.
            if let Fate::Failed(verdict) = fate
                && self.never_left.len() < self.limits.failures
            {
                self.never_left.push(Failure::new(*verdict, None, connection));
            }
            return false;
        }
        let Some(listener) = entry(&mut self.listeners, &self.limits, connection.server) else {
            count(&mut self.listeners_forgotten);
            return false;
        };
        let failed = matches!(fate, Fate::Failed(_));
        let established = matches!(fate, Fate::Sound);
        let known = listener.proxies.len();
        listener.connection(ended, connection, proxies, counted);
        self.pairs = self.pairs.saturating_add(listener.proxies.len().saturating_sub(known));
        let room = self.spans < self.limits.spans;
        if listener.endings.note(ended, connection, established, room) {
            self.spans = self.spans.saturating_add(1);
        }
        // Where the SYN is missing it is not known when it was asked.
        let timed = connection.start == Start::Midstream || connection.syn.is_some();
        let asked = ended.last_asked.filter(|asked| *asked == RequestDigest::NOTHING && timed);
        if let Some(asked) = asked {
            let source = ProbeSource { client: connection.client.addr, asked };
            listener.note_asked(source, connection.opened.at, None, proxies);
            if failed {
                listener.probes.count_failed(source);
            }
        }
        match fate {
            Fate::Failed(verdict) => {
                count(&mut listener.connects_failed);
                if verdict.cause == Cause::ProtocolMismatch {
                    count(&mut listener.mismatched);
                }
                listener.unanswered(connection.client.addr, &verdict, proxies);
                count(listener.causes.entry(verdict.cause).or_default());
                self.keep(Failure::new(*verdict, None, connection));
            }
            Fate::Open if connection.given_up => {}
            Fate::Open => {
                count(&mut listener.connects_unanswered);
                let amount = Amount { connections: 1, ..Amount::default() };
                listener.not_read.entry(What::Unfinished).or_default().add(amount);
            }
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
        let of_cause = self.kept.entry(failure.verdict.cause).or_default();
        let room = self.limits.failures.saturating_sub(self.failures.len());
        let kept = *of_cause < room;
        if let Some(fresh) = &mut self.fresh {
            let listener = self.listeners.get(&failure.server);
            let another_probe = listener
                .zip(failure.source())
                .is_some_and(|(listener, source)| listener.probes.has_failed_before(source));
            fresh.push(Fresh { failure: failure.clone(), kept, another_probe });
        }
        if kept {
            *of_cause = of_cause.saturating_add(1);
            self.failures.push(failure);
        } else {
            count(&mut self.failures_dropped);
        }
    }
}

/// What was asked on the front leg came before, and says nothing else of who it is.
fn could_become(front: &Failure, back: &Failure) -> bool {
    /// Interfaces of one host are stamped so far apart at most.
    const JITTER: Duration = Duration::from_millis(5);
    let (Some(front), Some(back)) = (front.request.as_ref(), back.request.as_ref()) else {
        return false;
    };
    let id = |request: &Request| {
        request.head.as_ref().map(|head| head.request_id().to_vec()).unwrap_or_default()
    };
    let (one, other) = (id(front), id(back));
    let same = one.is_empty() || other.is_empty() || one == other;
    same && front.first.at <= back.first.at.plus(JITTER)
}

/// The books of one listener; `None` when there is no room for another.
fn entry<'l>(
    listeners: &'l mut HashMap<Endpoint, Box<Listener>, RandomState>,
    limits: &LedgerLimits,
    endpoint: Endpoint,
) -> Option<&'l mut Listener> {
    if listeners.len() >= limits.listeners && !listeners.contains_key(&endpoint) {
        return None;
    }
    Some(listeners.entry(endpoint).or_default())
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// One failure fewer of this cause.
fn uncount(causes: &mut BTreeMap<Cause, u64>, cause: Cause) {
    if let Some(count) = causes.get_mut(&cause) {
        *count = count.saturating_sub(1);
    }
    causes.retain(|_, count| *count > 0);
}
