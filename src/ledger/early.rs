//! Attempts that are judged before their connection has ended: their client has closed, nothing came for a
//! while, and somebody waits for the answer. The last word follows, and may be another one.

use super::books::Ledger;
use super::failure;
use super::fresh::{Fresh, FreshAttempt};
use super::listener::Listener;
use crate::exchange::Exchange;
use crate::facts::{Facts, KeptAttempt};
use crate::flow::{Connection, Leg};
use crate::verdict::{self, Cause, Fate, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Legs of which that is taken.
const LEGS: usize = 256;

impl Ledger {
    /// Books what would have become of an exchange if nothing more came; returns whether it would have
    /// failed.
    pub(super) fn so_far(&mut self, exchange: Box<Exchange>, connection: &Connection) -> bool {
        if self.fresh.is_none() {
            return false;
        }
        let room = self.early.len() < self.limits.failures;
        let knowledge = self.at_first(connection.server, connection.client.addr);
        let fate = verdict::judge(&Facts::of_exchange(&exchange, connection), &knowledge);
        // Who closes for another reason than that it waited may only have closed its own direction.
        let waited =
            |verdict: &Verdict| matches!(verdict.cause(), Cause::ResponseTimeout | Cause::Stalled);
        let failed = matches!(&fate, Fate::Failed(verdict) if waited(verdict))
            && connection.same_as.is_none()
            && room;
        if failed {
            let attempt = Arc::new(KeptAttempt::exchange(exchange, connection));
            let key = failure::key(&attempt);
            self.early.insert(key, attempt);
            let fresh = Fresh { attempt: FreshAttempt::Early(key), another_probe: false };
            self.fresh.get_or_insert_default().push(fresh);
        }
        failed
    }

    /// The attempts that were judged before their end, which has not come yet.
    pub fn early(&self) -> impl Iterator<Item = &KeptAttempt> {
        self.early.values().map(Arc::as_ref)
    }

    /// Legs that nothing shows but attempts that were judged before their end, as if these had ended.
    pub fn early_legs(&self) -> BTreeMap<Leg, Listener> {
        let mut legs: BTreeMap<Leg, Listener> = BTreeMap::new();
        let new = self.early().filter(|attempt| self.listener_at(attempt.leg()).is_none());
        for attempt in new.take(LEGS) {
            let listener = legs.entry(attempt.leg()).or_default();
            listener.exchanges = listener.exchanges.saturating_add(1);
            let _ = listener.proxy(attempt.client().addr, usize::MAX);
            listener.note_direction(attempt.connection());
        }
        legs
    }

    /// There was no room to follow a connection to its end: what was said of its exchange earlier is the last
    /// that is known.
    pub(super) fn last_known(
        &self,
        exchange: &Exchange,
        connection: &Connection,
    ) -> Option<Arc<KeptAttempt>> {
        if self.early.is_empty() || !connection.given_up {
            return None;
        }
        self.early.get(&failure::key_of(Some(exchange), connection)).cloned()
    }

    /// The last word on an exchange has come: what was said of it earlier is taken out, and withdrawn where it
    /// has not `failed` after all.
    pub(super) fn end_early(
        &mut self,
        exchange: &Exchange,
        connection: &Connection,
        failed: bool,
    ) -> Option<Arc<KeptAttempt>> {
        if self.early.is_empty() {
            return None;
        }
        let early = self.early.remove(&failure::key_of(Some(exchange), connection))?;
        if let Some(fresh) = self.fresh.as_mut().filter(|_| !failed) {
            fresh.push(Fresh {
                attempt: FreshAttempt::Withdrawn(Arc::clone(&early)),
                another_probe: false,
            });
        }
        Some(early)
    }
}
