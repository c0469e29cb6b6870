//! Failures that are what another one looks like to the proxy before: of proxies in a row each shows the failure
//! of the last leg once more.

use super::roles::Roles;
use crate::base::time::Timestamp;
use crate::facts::KeptAttempt;
use crate::flow::Leg;
use crate::ledger::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Two interfaces may stamp so much apart.
const JITTER: Duration = Duration::from_millis(5);
/// Failures looked at for one.
const LOOKED_AT: usize = 256;

impl Roles {
    /// Finds which of these failures another one tells of.
    pub fn explain(&mut self, failures: &[Failure]) {
        self.explained = consequences(failures.iter().map(Failure::attempt), self);
    }

    /// Whether one of the attempts that failed last tells of this one.
    pub fn is_explained<'a>(
        &self,
        above: &KeptAttempt,
        last: impl Iterator<Item = &'a KeptAttempt>,
    ) -> bool {
        let mut last = last.take(LOOKED_AT);
        last.any(|one| self.is_told_on(above.leg(), one.leg()) && is_told_by(above, one))
    }
}

/// The attempts, each by its connection and its number on it, of which another one tells.
fn consequences<'a>(
    attempts: impl Iterator<Item = &'a KeptAttempt>,
    roles: &Roles,
) -> BTreeSet<(u64, u32)> {
    let mut of: BTreeMap<Leg, Vec<&KeptAttempt>> = BTreeMap::new();
    attempts.for_each(|attempt| of.entry(attempt.leg()).or_default().push(attempt));
    of.values_mut().for_each(|list| list.sort_by_key(|one| begun(one)));
    let explained = |above: &KeptAttempt| {
        roles.told_on(above.leg()).filter_map(|leg| of.get(&leg)).any(|list| {
            let from = list.partition_point(|one| begun(one).plus(JITTER) < begun(above));
            let near = list.iter().skip(from).take(LOOKED_AT);
            let mut during = near.take_while(|one| begun(one) <= ended(above));
            during.any(|one| is_told_by(above, one))
        })
    };
    let all = of.values().flatten().filter(|one| explained(one));
    let name = |one: &&KeptAttempt| {
        (one.number(), one.as_exchange().map_or(0, |exchange| exchange.ordinal))
    };
    all.map(name).collect()
}

/// A request may have become another one, or a connect, that failed: this came while it was on its way, and
/// nothing says that the two are of different clients.
fn is_told_by(above: &KeptAttempt, below: &KeptAttempt) -> bool {
    let id = |attempt: &KeptAttempt| {
        let head = attempt.as_exchange()?.request.head.as_ref()?;
        let id = head.request_id();
        (!id.is_empty()).then(|| id.to_vec())
    };
    above.as_exchange().is_some()
        && begun(below).plus(JITTER) >= begun(above)
        && begun(below) <= ended(above)
        && id(above).zip(id(below)).is_none_or(|(one, other)| one == other)
}

/// When a request began, or a connect.
fn begun(attempt: &KeptAttempt) -> Timestamp {
    let connection = attempt.connection();
    let connect = || connection.syn.unwrap_or(connection.opened);
    attempt.as_exchange().map_or_else(connect, |exchange| exchange.request.first).at
}

/// As far as anything was captured of it.
fn ended(attempt: &KeptAttempt) -> Timestamp {
    attempt.connection().last.at.plus(JITTER)
}
