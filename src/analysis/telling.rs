//! What is made known of failures while frames come, and at the end: each once, then what is learned of it.

use super::revisions::{Told, retracted, withdrawn};
use super::{Analysis, FrameObserver, RecordSink};
use crate::base::time::Timestamp;
use crate::facts::kernel::Ends;
use crate::ledger::{self, Failure, Fresh, Ledger};
use crate::report::records::Record;
use crate::report::{self, FailureRecord, Report};
use crate::topology::roles::Roles;

impl Analysis {
    /// Asks this host what it knows of the failures booked since the last time: later its kernel has
    /// forgotten it.
    pub(super) fn ask_host(&mut self) -> Vec<Fresh> {
        let Self { ledger, host, .. } = self;
        let mut fresh = ledger.take_fresh();
        fresh.retain(|fresh| !fresh.another_probe);
        let Some(host) = host else { return fresh };
        for fresh in &mut fresh {
            let Some(attempt) = ledger.fresh_mut(fresh) else { continue };
            let (client, server) = (attempt.client(), attempt.server());
            let at = attempt.connection().last.at;
            let mut ends = host.ends(client, server, at);
            for alias in attempt.connection().aliases() {
                fill_in(&mut ends, || host.ends(alias.client, alias.server, at));
            }
            attempt.kernel = ends.map(Box::new).or(attempt.kernel.take());
            if attempt.is_refused() {
                attempt.listening = host.listening(server).map(Box::new);
            }
        }
        fresh
    }

    /// Makes known the failures booked since the last time, unless it is still to be looked what was lost.
    /// Those that turn out to be a backend's later are told at the end.
    pub(super) fn tell_failures(&mut self, out: &mut RecordSink<'_>) {
        let fresh = self.ask_host();
        let fresh = self.held_back.pass(fresh);
        self.tell_of(fresh, out);
    }

    /// Makes known these failures, as far as they are a backend's by what is known so far.
    pub(super) fn tell_of(&mut self, fresh: Vec<Fresh>, out: &mut RecordSink<'_>) {
        if fresh.is_empty() && self.roles.is_empty() {
            return;
        }
        let now = self.table.now();
        let anew = self.roles.decide(&self.ledger, &self.trail, &self.settings.told);
        let mut to_tell = self.roles.release(now, anew);
        to_tell.extend(fresh.into_iter().map(|fresh| (now, fresh)));
        self.tell_each(to_tell, out);
    }

    /// Makes known these failures, each of which waits since some time, unless it is still open whose they are.
    pub(super) fn tell_each(&mut self, to_tell: Vec<(Timestamp, Fresh)>, out: &mut RecordSink<'_>) {
        let goes_on = self.goes_on();
        let now = goes_on.now;
        let Self { ledger, settings, told, told_early, keeper, words, roles, .. } = self;
        let young = roles.is_young(now);
        let mut known = ledger::Known::new(ledger, Some(goes_on));
        let mut failures: Vec<(Failure, Timestamp, Fresh)> = to_tell
            .into_iter()
            .filter_map(|(since, fresh)| {
                Some((known.failure(ledger.fresh(&fresh)?)?, since, fresh))
            })
            .collect();
        failures.sort_by_key(|(failure, ..)| failure.completed(settings.records.several));
        for (failure, since, fresh) in failures {
            match whose(&failure, roles.get(), ledger, young, fresh.is_early()) {
                Whose::Open if roles.may_wait(since, now) => {
                    roles.wait(since, fresh);
                    continue;
                }
                // What is known so far is all that there is.
                Whose::Open if !roles.get().is_new(&failure) && !roles.get().judges(&failure) => {
                    continue;
                }
                Whose::Open | Whose::Backends => {}
                Whose::Nobodys => continue,
            }
            let record = report::failure(&failure, settings.style);
            let was_early = told_early.remove(&record.id);
            if fresh.is_early() {
                told_early.insert(record.id.clone());
            }
            if fresh.is_withdrawn() {
                if told.remove(&record.id).is_some() {
                    out(withdrawn(record));
                }
                continue;
            }
            if let Some(known) = told.get_mut(&record.id) {
                // Its evidence waited for what came since it was told early.
                if let Some(keeper) = keeper
                    && was_early
                {
                    keep_failure(&mut **keeper, &record, words.is_some());
                }
                let revised = known.as_mut().and_then(|known| known.revise(&record));
                revised.into_iter().for_each(&mut *out);
                continue;
            }
            if let Some(keeper) = keeper
                && !fresh.is_early()
            {
                keep_failure(&mut **keeper, &record, words.is_some());
            }
            if fresh.is_kept() {
                let as_told = settings.records.revisions.then(|| Told::of(&record));
                told.insert(record.id.clone(), as_told);
            }
            out(Record::Failure(Box::new(record)));
        }
    }

    /// Makes known what was learned by now of failures that were told: the timer behind them, the event that
    /// they belong to, and what has come to its last word. Costs as much as a report.
    pub fn revise(&mut self, out: &mut RecordSink<'_>) {
        let segments = self.table.counts().segments;
        let quiet = std::mem::replace(&mut self.revised_at, segments) == segments;
        if quiet || !self.settings.records.revisions || self.told.is_empty() {
            return;
        }
        let report = self.so_far([]);
        for failure in &report.failures {
            if let Some(Some(told)) = self.told.get_mut(&failure.id) {
                told.revise(failure).into_iter().for_each(&mut *out);
            }
        }
    }

    /// Makes known what the end showed: failures that were not told yet, and what changed of those
    /// that were.
    pub(super) fn tell_the_rest(mut self, report: &Report, out: &mut RecordSink<'_>) {
        for failure in &report.failures {
            match self.told.remove(&failure.id) {
                None => {
                    if let Some(keeper) = &mut self.keeper {
                        keep_failure(&mut **keeper, failure, self.words.is_some());
                    }
                    out(Record::Failure(Box::new(failure.clone())));
                }
                Some(as_told) => {
                    if let Some(keeper) = &mut self.keeper
                        && self.told_early.contains(&failure.id)
                    {
                        keep_failure(&mut **keeper, failure, self.words.is_some());
                    }
                    let revised = as_told.and_then(|mut told| told.revise(failure));
                    revised.into_iter().for_each(&mut *out);
                }
            }
        }
        // What was told as a backend's failure and is none: the listener is the proxy's own.
        for id in self.told.keys() {
            out(retracted(id));
        }
    }
}

/// Whose a failure is, as far as is known.
enum Whose {
    /// A backend's: it is told.
    Backends,
    /// Whose it is will show soon, or whether another failure tells of it.
    Open,
    /// Not a backend's, as far as is known: if it is one after all, it is told at the end.
    Nobodys,
}

fn whose(failure: &Failure, roles: &Roles, ledger: &Ledger, young: bool, early: bool) -> Whose {
    if roles.is_open(failure, young) {
        return Whose::Open;
    }
    let judged = roles.is_new(failure) || roles.judges(failure);
    if !judged && early {
        // What it was asked for may still be on its way.
        return Whose::Open;
    }
    if !judged || roles.is_explained(failure.attempt(), ledger.last_failed()) {
        return Whose::Nobodys;
    }
    if roles.may_be_explained(failure.leg()) { Whose::Open } else { Whose::Backends }
}

/// Fills in what is not known of either end: the socket of one has the addresses before a translation, that of the
/// other those behind it.
fn fill_in(ends: &mut Option<Ends>, by_alias: impl FnOnce() -> Option<Ends>) {
    if ends.as_ref().is_some_and(|ends| ends.client.is_some() && ends.server.is_some()) {
        return;
    }
    let Some(more) = by_alias() else { return };
    let ends = ends.get_or_insert_default();
    ends.client = ends.client.take().or(more.client);
    ends.server = ends.server.take().or(more.server);
}

/// Hands a failure on to be kept. Where TLS is read in clear, no file shall say what was asked: its
/// frames do not say it either.
fn keep_failure(keeper: &mut dyn FrameObserver, failure: &FailureRecord, in_clear: bool) {
    if !in_clear {
        return keeper.failed(failure);
    }
    let [proxy, backend] = [failure.proxy, failure.backend]
        .map(|end| end.map_or_else(|| "a client".to_owned(), |end| end.to_string()));
    let summary = format!("between {proxy} and {backend}");
    keeper.failed(&FailureRecord { request: None, summary, ..failure.clone() });
}
