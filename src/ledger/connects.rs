//! Connects that failed, in the light of all that was captured.

use super::probes::ProbeSource;
use super::{Failure, Ledger, count, entry};
use crate::exchange::RequestDigest;
use crate::flow::Connection;
use crate::packet::Endpoint;
use crate::verdict::{Cause, Certainty, Detail, Fate, Verdict};
use std::collections::BTreeSet;

impl Ledger {
    /// Connects that never left are told of hosts that pass on what they are asked, or open connections
    /// to something like a backend.
    pub(super) fn find_proxies(&mut self) {
        for mut failure in std::mem::take(&mut self.never_left) {
            let proxy = failure.client.addr;
            let serves = self.listeners.iter().any(|(endpoint, listener)| {
                endpoint.addr == proxy && !listener.statuses.is_empty()
            });
            if !serves && !self.openers.contains(&proxy) {
                continue;
            }
            // The one port that was used at that address is the one that was meant.
            let about = failure.server.addr;
            let mut ports = self.listeners.keys().filter(|at| at.addr == about && at.port != 0);
            if let (Some(port), None) = (ports.next().map(|at| at.port), ports.next()) {
                failure.server.port = port;
            }
            if let Some(listener) = entry(&mut self.listeners, &self.limits, failure.server) {
                count(&mut listener.connects_failed);
                count(listener.causes.entry(failure.verdict.cause).or_default());
                self.keep(failure);
            }
        }
    }

    /// A connection that the accepting side closed before anything was asked came about. Whether that is a
    /// failure shows in what else is known of who closed, at the end.
    pub(super) fn hold_closed_at_once(&mut self, fate: Fate, connection: &Connection) -> Fate {
        match fate {
            Fate::Failed(verdict) if verdict.cause == Cause::ClosedInFlight => {
                let room = self.closed_at_once.len() < self.limits.failures;
                if room && connection.same_as.is_none() {
                    self.closed_at_once.push(Failure::new(*verdict, None, connection));
                }
                Fate::Sound
            }
            fate => fate,
        }
    }

    /// Connections that were closed before anything was asked are told of backends that answer others: a
    /// port that speaks something else may do so rightly. Whoever probes by connecting has what it wanted.
    pub(super) fn find_closed_at_once(&mut self) {
        for failure in std::mem::take(&mut self.closed_at_once) {
            let source = ProbeSource { client: failure.client.addr, asked: RequestDigest::NOTHING };
            let Some(listener) = self.listeners.get_mut(&failure.server) else { continue };
            if listener.statuses.is_empty() || listener.probes.is_steady(source) {
                continue;
            }
            count(&mut listener.connects_failed);
            count(listener.causes.entry(failure.verdict.cause).or_default());
            self.keep(failure);
        }
    }

    /// What single connects seemed to show, and all of them together do not.
    pub(super) fn doubt_connects(&mut self) {
        let tried_again: BTreeSet<Endpoint> = self
            .failures
            .iter()
            .filter(|failure| failure.verdict.detail.syns().is_some_and(|syns| syns > 1))
            .map(|failure| failure.server)
            .collect();
        for failure in &mut self.failures {
            let Verdict { cause, certainty, detail, .. } = &mut failure.verdict;
            match (*cause, *detail) {
                // Where no word of any backend was captured, that of this one may be what is missing;
                // but a kernel that repeats its SYN did not get one either.
                (Cause::ConnectTimeout, Detail::Unanswered { syns: 1, .. })
                    if !self.backends_heard && !tried_again.contains(&failure.server) =>
                {
                    *certainty = Certainty::Possible;
                }
                // Among connections that work it is likely that there was no room for this one.
                (Cause::AcceptQueueFull, Detail::Nothing) if failure.request.is_none() => {
                    let listener = self.listeners.get(&failure.server);
                    if listener.is_some_and(|listener| !listener.statuses.is_empty()) {
                        *certainty = Certainty::Likely;
                    }
                }
                _ => {}
            }
        }
    }
}
