//! How what a reader made known is booked.

use super::books::Ledger;
use super::counts::count;
use super::failure::Failure;
use super::fresh::Fresh;
use super::limits::LedgerLimits;
use super::listener::Listener;
use super::probe_source::ProbeSource;
use super::unread::{Amount, What};
use crate::exchange::{Ended, Exchange, Outcome, Output, RequestDigest};
use crate::flow::{Connection, Side, Start};
use crate::packet::Endpoint;
use crate::verdict::{self, Cause, Fate};
use foldhash::fast::RandomState;
use std::collections::HashMap;

impl Ledger {
    /// From now on failures are made known as they are booked.
    pub fn tell_fresh(&mut self) {
        self.fresh.get_or_insert_default();
    }

    /// The failures booked since the last call, in the order of booking.
    pub fn take_fresh(&mut self) -> Vec<Fresh> {
        self.fresh.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Books what a reader made known; returns whether it failed.
    pub fn book(&mut self, output: Output, connection: &Connection) -> bool {
        // A connection that was captured elsewhere as well is booked there.
        if let Some(twin) = connection.same_as.as_deref() {
            return self.second(output, connection, twin);
        }
        match output {
            Output::Exchange(exchange) => self.exchange(exchange, connection),
            Output::Ended(ended) => self.ended(&ended, connection),
        }
    }

    fn exchange(&mut self, mut exchange: Box<Exchange>, connection: &Connection) -> bool {
        let Connection { client, server, .. } = connection;
        if self.listener_at(*server).is_some_and(|listener| listener.takes_header) {
            // A header that this listener takes is no reason for anything.
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
            let refused = answered && !verdict.cause.is_own_answer();
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

    pub(super) fn keep(&mut self, failure: Failure) {
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

/// The books of one listener; `None` when there is no room for another.
pub(super) fn entry<'l>(
    listeners: &'l mut HashMap<Endpoint, Box<Listener>, RandomState>,
    limits: &LedgerLimits,
    endpoint: Endpoint,
) -> Option<&'l mut Listener> {
    if listeners.len() >= limits.listeners && !listeners.contains_key(&endpoint) {
        return None;
    }
    Some(listeners.entry(endpoint).or_default())
}
