//! Failures that are alike: of one cause, at one backend, of one method and one pattern of targets.

use super::ids;
use super::model::{FailureGroup, FailureRecord, GapsRecord, GroupUsers};
use super::user_saw::UserSaw;
use crate::base::path_pattern::pattern;
use crate::packet::Endpoint;
use crate::verdict::{Cause, Retry};
use std::cmp::Reverse;
use std::collections::HashMap;

/// What the failures of a group have in common.
type Alike = (Cause, Option<Endpoint>, Option<String>, Option<String>);

/// The groups, the largest first; of those of one size, the one that began first.
pub(super) fn groups(failures: &[FailureRecord]) -> Vec<FailureGroup> {
    let mut groups: HashMap<Alike, Vec<&FailureRecord>> = HashMap::new();
    for failure in failures {
        let request = failure.request.as_ref();
        let target = request.and_then(|request| request.target.as_deref());
        let method = request.and_then(|request| request.method.clone());
        let alike = (failure.cause, failure.backend, method, target.map(pattern));
        groups.entry(alike).or_default().push(failure);
    }
    let mut groups: Vec<FailureGroup> =
        groups.into_iter().filter_map(|(alike, failures)| group(alike, &failures)).collect();
    groups.sort_by(|one, other| {
        let order = |group: &FailureGroup| (Reverse(group.count), group.first);
        order(one).cmp(&order(other)).then_with(|| one.id.cmp(&other.id))
    });
    groups
}

fn group(alike: Alike, failures: &[&FailureRecord]) -> Option<FailureGroup> {
    let (cause, backend, method, target_pattern) = alike;
    // The first of the surest speaks for all of them.
    let example = failures.iter().rev().max_by_key(|failure| failure.certainty)?;
    let retry = example.retry;
    let same = failures.iter().all(|failure| failure.retry == retry);
    let known = |value: &Option<String>| value.clone().unwrap_or_default();
    let at = backend.map(|backend| backend.to_string()).unwrap_or_default();
    let (named, asked) = (known(&method), known(&target_pattern));
    Some(FailureGroup {
        id: ids::of(&format!("group|{}|{at}|{named}|{asked}", cause.name())),
        cause,
        certainty: failures.iter().map(|failure| failure.certainty).min()?,
        backend,
        method,
        target_pattern,
        count: u64::try_from(failures.len()).unwrap_or(u64::MAX),
        first: failures.iter().map(|failure| failure.at).min()?,
        last: failures.iter().map(|failure| failure.at).max()?,
        idle_gap: quantiles(failures.iter().filter_map(|failure| failure.idle_gap_ns)),
        wait: quantiles(failures.iter().filter_map(|failure| failure.wait_ns)),
        retry: if same { retry } else { Retry::Unknown },
        example: example.id.clone(),
        users: users(failures.iter().copied()),
    })
}

/// What users saw of these failures.
pub(super) fn users<'f>(failures: impl Iterator<Item = &'f FailureRecord>) -> GroupUsers {
    let mut users = GroupUsers::default();
    for failure in failures {
        match failure.user_saw() {
            UserSaw::Hidden(_) | UserSaw::SentAgain(_) => add(&mut users.answered),
            UserSaw::Cut(_) => add(&mut users.cut),
            UserSaw::Left => add(&mut users.left),
            UserSaw::Status(status) => add(users.errors.entry(status).or_default()),
            UserSaw::Nothing | UserSaw::Unknown => {
                add(&mut users.likely);
                users.expected = users.expected.or(failure.expected_status.first().copied());
            }
        }
    }
    users
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

fn quantiles(values: impl Iterator<Item = u64>) -> GapsRecord {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    // The smallest value that so many of a hundred are no larger than.
    let share = |percent: usize| {
        let rank = values.len().saturating_mul(percent).div_ceil(100);
        values.get(rank.saturating_sub(1)).copied()
    };
    GapsRecord {
        count: u64::try_from(values.len()).unwrap_or(u64::MAX),
        min_ns: values.first().copied(),
        p50_ns: share(50),
        p90_ns: share(90),
        p99_ns: share(99),
        max_ns: values.last().copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_there() {
        let of = quantiles([30, 10, 20].into_iter());
        assert_eq!((of.count, of.min_ns, of.p50_ns, of.max_ns), (3, Some(10), Some(20), Some(30)));
        assert_eq!((of.p90_ns, of.p99_ns), (Some(30), Some(30)));
        let none = quantiles(std::iter::empty());
        assert_eq!((none.count, none.min_ns, none.p99_ns), (0, None, None));
    }
}
