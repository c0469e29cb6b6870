//! How what a reader made known is booked.

use super::books::Ledger;
use super::counts::count;
use super::failure;
use super::fresh::{Fresh, FreshAttempt};
use super::limits::LedgerLimits;
use super::listener::Listener;
use super::probe_source::ProbeSource;
use super::unread::{Amount, What};
use crate::exchange::{Ended, Exchange, Outcome, Output, RequestDigest, TurnsEnded};
use crate::facts::{Facts, KeptAttempt};
use crate::flow::{Connection, Leg, Side, Start};
use crate::knowledge::Knowledge;
use crate::packet::Endpoint;
use crate::verdict::{self, Cause, Fate};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

impl Ledger {
    /// Books what a reader made known; returns whether it failed.
    pub fn book(&mut self, output: Output, connection: &Connection) -> bool {
        // A connection that was captured elsewhere as well is booked there.
        if let Some(twin) = connection.same_as.as_deref() {
            return self.second(output, connection, twin);
        }
        match output {
            Output::SoFar(exchange) => self.so_far(exchange, connection),
            Output::Exchange(exchange) => self.exchange(exchange, connection),
            Output::Ended(ended) => self.ended(&ended, connection),
        }
    }

    fn exchange(&mut self, exchange: Box<Exchange>, connection: &Connection) -> bool {
        if let Some(early) = self.last_known(&exchange, connection)
            && let Some(exchange) = early.as_exchange()
        {
            return self.exchange(Box::new(exchange.clone()), early.connection());
        }
        let Connection { client, server, .. } = connection;
        let knowledge = self.at_first(*server, client.addr);
        let fate =
            verdict::judge(&self.lost.with(Facts::of_exchange(&exchange, connection)), &knowledge);
        let accepted = self.told.accepted(*server, client.addr);
        let proxies = self.proxies_at_most();
        let first_unread = matches!(fate, Fate::Open | Fate::Undecided | Fate::Unread(_))
            && self.unread.len() < self.limits.failures
            && self.unread.insert(connection.number);
        if let Some(listener) = entry(&mut self.listeners, &self.limits, connection.leg()) {
            let known = listener.proxies.len();
            listener.exchange(&exchange, &fate, connection, accepted, proxies, first_unread);
            self.pairs = self.pairs.saturating_add(listener.proxies.len().saturating_sub(known));
        }
        if let Fate::Failed(verdict) = fate {
            // The end of such a connection is the end of the failure, and of no idleness.
            let answered = exchange.outcome == Outcome::Answered;
            let refused = answered && !verdict.cause().is_own_answer();
            if refused && self.spoiled.len() < self.limits.failures {
                self.spoiled.insert(connection.number);
            }
            let early = self.end_early(&exchange, connection, true);
            let mut attempt = KeptAttempt::exchange(exchange, connection);
            // What its host said of it then it may have forgotten by now.
            attempt.kernel = early.and_then(|early| early.kernel.clone());
            self.keep(attempt, verdict.cause());
            return true;
        }
        self.end_early(&exchange, connection, false);
        let undecided = matches!(fate, Fate::Undecided) && !connection.given_up;
        if undecided && self.unsettled.len() < self.limits.failures {
            let attempt = Arc::new(KeptAttempt::exchange(exchange, connection));
            self.unsettled.push((attempt, first_unread));
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
        let spoken = ended.turns.and_then(|turns| turns.spoken);
        let ended = self.with_turns(ended, connection);
        let quiet_since = ended.quiet_since.filter(|_| !spoiled);
        let ended = &Ended { quiet_since, ..ended };
        let taken_beside = self.loopback.takes_instead(connection);
        let knowledge = self.at_first(connection.server, connection.client.addr);
        let knowledge = Knowledge { taken_beside, ..knowledge };
        let fate =
            verdict::judge(&self.lost.with(Facts::of_connect(ended, connection)), &knowledge);
        if matches!(fate, Fate::Undecided)
            && self.undecided.len() < self.limits.failures
            && connection.same_as.is_none()
        {
            self.undecided.push(Arc::new(KeptAttempt::connect(ended.clone(), connection)));
        }
        let proxies = self.proxies_at_most();
        if connection.is_unnamed() {
            // Any host asks for neighbours: it is told of proxies.
            if matches!(fate, Fate::Failed(_)) && self.never_left.len() < self.limits.failures {
                self.never_left.push(Arc::new(KeptAttempt::connect(ended.clone(), connection)));
            }
            return false;
        }
        let Some(listener) = entry(&mut self.listeners, &self.limits, connection.leg()) else {
            count(&mut self.listeners_forgotten);
            return false;
        };
        let failed = matches!(fate, Fate::Failed(_));
        let established = matches!(fate, Fate::Sound | Fate::Undecided) && !taken_beside;
        listener.taken_beside = listener.taken_beside.saturating_add(taken_beside.into());
        let known = listener.proxies.len();
        listener.spoken = listener.spoken.or(spoken);
        listener.connection(ended, connection, proxies, counted);
        self.pairs = self.pairs.saturating_add(listener.proxies.len().saturating_sub(known));
        let room = self.spans < self.limits.spans;
        if listener.endings.note(ended, connection, established, room) {
            self.spans = self.spans.saturating_add(1);
        }
        note_asked(listener, ended, connection, proxies, failed);
        match fate {
            Fate::Failed(verdict) => {
                count(&mut listener.connects_failed);
                if matches!(verdict.cause(), Cause::ProtocolMismatch | Cause::TlsHandshakeFailed) {
                    count(&mut listener.mismatched);
                }
                listener.unanswered(connection.client.addr, &verdict, proxies);
                if connection.syns > 1 && self.tried_again.len() < self.limits.listeners {
                    self.tried_again.insert(connection.leg());
                }
                self.keep(KeptAttempt::connect(ended.clone(), connection), verdict.cause());
            }
            Fate::Open if connection.given_up => {}
            Fate::Open => {
                count(&mut listener.connects_unanswered);
                let amount = Amount { connections: 1, ..Amount::default() };
                listener.not_read.entry(What::Unfinished).or_default().add(amount);
            }
            Fate::Sound | Fate::Unread(_) | Fate::Undecided => {}
        }
        let Connection { client, server, .. } = connection;
        let like_a_proxy =
            self.listener_at(connection.leg()).is_some_and(Listener::is_like_a_backend);
        if like_a_proxy && client.addr != server.addr && self.openers.len() < self.limits.listeners
        {
            self.openers.insert(client.addr);
        }
        failed
    }

    /// The end of a connection with what its turns came to, where these are judged, and without elsewhere.
    fn with_turns(&self, ended: &Ended, connection: &Connection) -> Ended {
        match ended.turns.filter(|_| self.is_named(connection.leg())) {
            Some(TurnsEnded { exchanges, quiet_since, .. }) => {
                Ended { exchanges, quiet_since, ..ended.clone() }
            }
            None => Ended { turns: None, ..ended.clone() },
        }
    }

    /// What is known beside an attempt when it is booked: timeouts, and what takes no search.
    pub(super) fn at_first(&self, server: Endpoint, client: IpAddr) -> Knowledge {
        let leg = Leg::of(client, server);
        let listener = self.listener_at(leg);
        let takes_header = listener.is_some_and(|listener| listener.takes_header);
        let timeouts = self.told.timeouts(server, client);
        let named = self.is_named(leg);
        Knowledge { timeouts, takes_header, named, ..Knowledge::default() }
    }

    /// Keeps an attempt that failed, for `cause` as packets alone show it.
    fn keep(&mut self, attempt: KeptAttempt, cause: Cause) {
        let attempt = Arc::new(attempt);
        let of_cause = self.kept.entry(cause).or_default();
        let room = self.limits.failures.saturating_sub(self.failures.len());
        let kept = *of_cause < room;
        let (client, leg) = (attempt.client(), attempt.leg());
        if let Some(fresh) = &mut self.fresh {
            let asked = failure::asked(&attempt);
            let source = asked.map(|asked| ProbeSource { client: client.addr, asked });
            let listener = self.listeners.get(&leg);
            let another_probe = listener
                .zip(source)
                .is_some_and(|(listener, source)| listener.probes.has_failed_before(source));
            let attempt = if kept {
                FreshAttempt::Kept(self.failures.len())
            } else {
                FreshAttempt::OnlyCounted(Arc::clone(&attempt))
            };
            fresh.push(Fresh { attempt, another_probe });
        }
        if kept {
            *of_cause = of_cause.saturating_add(1);
            self.failures.push(attempt);
        } else {
            if let Some(listener) = self.listeners.get_mut(&leg) {
                count(listener.only_counted.entry(cause).or_default());
            }
            count(&mut self.failures_dropped);
        }
    }

    /// Nothing more comes: what was held back of idle connections is booked where it belongs.
    pub fn settle(&mut self) {
        let proxies = self.limits.proxies;
        self.listeners.values_mut().for_each(|listener| listener.settle_probes(proxies));
    }
}

/// The books of one leg; `None` when there is no room for another.
pub(super) fn entry<'l>(
    listeners: &'l mut HashMap<Leg, Box<Listener>, RandomState>,
    limits: &LedgerLimits,
    leg: Leg,
) -> Option<&'l mut Listener> {
    if listeners.len() >= limits.listeners && !listeners.contains_key(&leg) {
        return None;
    }
    Some(listeners.entry(leg).or_default())
}

/// Notes a connection on which nothing was asked, which may be a probe.
fn note_asked(
    listener: &mut Listener,
    ended: &Ended,
    connection: &Connection,
    proxies: usize,
    failed: bool,
) {
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
}
