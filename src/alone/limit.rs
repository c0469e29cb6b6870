//! Failures that took the same time each: whoever ends them has a limit of that length.
//!
//! At least five at different moments, three of five of a backend's, of a pattern's or of all, within 30 ms or 2 % of
//! each other, of 0.3 s or more; and no more than one in a hundred of the requests that went well took as long, else
//! that time is nothing special. Microseconds throughout.

use super::rows::{Answered, FailedBy, FailedRequest};
use std::collections::BTreeMap;

/// Fewer failures show no limit.
const FEWEST: usize = 5;
/// Failures nearer to each other count once: one moment may have ended them all.
const APART: u64 = 2_000_000;
/// Shorter times are no limit that anybody sets.
const SHORTEST: u64 = 300_000;
/// Limits told; each costs a walk over all requests.
const MOST: usize = 16;
/// Groups of failures held against the requests that went well, for each limit; likewise.
const TRIED: usize = 32;

/// A limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LimitFound {
    /// How long the requests took: the least and the most.
    pub(super) span: [u64; 2],
    /// Whether the proxy says that it waited no longer; else the connection was closed or reset.
    pub(super) by_proxy: bool,
    /// The places, among those given, of failures that it explains.
    pub(super) explains: Vec<usize>,
    /// Of so many failures of this kind.
    pub(super) of: usize,
    /// Requests that went well and are held against it, and how many of them took as long.
    pub(super) answers: [usize; 2],
}

/// What failures are looked at together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum LimitScope {
    All,
    Place(u32),
    Pattern(u32),
}

impl LimitScope {
    const fn has(self, place: u32, pattern: u32) -> bool {
        match self {
            Self::All => true,
            Self::Place(one) => one == place,
            Self::Pattern(one) => one == pattern,
        }
    }
}

/// The limits, the one that explains most first; no failure is of two.
pub(super) fn limits(answers: &[Answered], failed: &[FailedRequest]) -> Vec<LimitFound> {
    let mut found = Vec::new();
    for by_proxy in [false, true] {
        let by = if by_proxy { FailedBy::NoAnswer } else { FailedBy::Cut };
        let mut open: Vec<usize> = (0..failed.len())
            .filter(|place| failed.get(*place).is_some_and(|one| one.by == by))
            .collect();
        while let Some(limit) = largest(answers, failed, &open, by_proxy) {
            open.retain(|place| limit.explains.binary_search(place).is_err());
            found.push(limit);
            if found.len() >= MOST {
                return found;
            }
        }
    }
    found
}

/// The limit that explains most of these failures.
fn largest(
    answers: &[Answered],
    failed: &[FailedRequest],
    open: &[usize],
    by_proxy: bool,
) -> Option<LimitFound> {
    let mut scopes: BTreeMap<LimitScope, Vec<usize>> = BTreeMap::new();
    for place in open {
        let Some(one) = failed.get(*place) else { continue };
        let of = [LimitScope::All, LimitScope::Place(one.place), LimitScope::Pattern(one.pattern)];
        for scope in of {
            scopes.entry(scope).or_default().push(*place);
        }
    }
    let mut found: Vec<(LimitScope, LimitFound)> = scopes
        .into_iter()
        .filter(|(_, of)| of.len() >= FEWEST)
        .filter_map(|(scope, of)| Some((scope, cluster(failed, &of, by_proxy)?)))
        .collect();
    // Of those that explain as many the narrowest: more requests of other kinds say nothing of it.
    found.sort_by_key(|(scope, limit)| (limit.explains.len(), *scope));
    found.into_iter().rev().take(TRIED).find_map(|(scope, limit)| {
        let answers = answers_as_long(answers, scope, limit.span);
        let [all, as_long] = answers;
        (as_long.saturating_mul(100) <= all).then_some(LimitFound { answers, ..limit })
    })
}

/// Failures that took the same time, if they are most.
fn cluster(failed: &[FailedRequest], of: &[usize], by_proxy: bool) -> Option<LimitFound> {
    let row = |place: &usize| failed.get(*place);
    let timed = || of.iter().filter_map(|place| Some((*place, row(place)?, row(place)?.took?)));
    let mut by_time: Vec<(u64, u64)> = timed().map(|(_, one, took)| (one.end, took)).collect();
    by_time.sort_unstable();
    let mut lone: Vec<u64> = Vec::new();
    let mut last: Option<u64> = None;
    for (end, took) in by_time {
        if last.is_none_or(|last| end.saturating_sub(last) > APART) {
            lone.push(took);
            last = Some(end);
        }
    }
    lone.sort_unstable();
    let close = |shortest: u64| shortest.saturating_add(within(shortest));
    let (count, shortest) = lone
        .iter()
        .enumerate()
        .filter(|(_, took)| **took >= SHORTEST)
        .map(|(at, took)| {
            let until = lone.partition_point(|other| *other <= close(*took));
            (until.saturating_sub(at), *took)
        })
        .max_by_key(|(count, shortest)| (*count, std::cmp::Reverse(*shortest)))?;
    if count < FEWEST || count.saturating_mul(5) < lone.len().saturating_mul(3) {
        return None;
    }
    let fits = |took: u64| (shortest..=close(shortest)).contains(&took);
    let explained = || timed().filter(|(.., took)| fits(*took));
    let longest = explained().map(|(.., took)| took).max()?;
    Some(LimitFound {
        span: [shortest, longest],
        by_proxy,
        explains: explained().map(|(place, ..)| place).collect(),
        of: of.len(),
        answers: [0, 0],
    })
}

/// Requests of such a scope that went well, and those of them that took as long as the limit.
fn answers_as_long(answers: &[Answered], scope: LimitScope, [shortest, _]: [u64; 2]) -> [usize; 2] {
    let from = shortest.saturating_sub(within(shortest));
    let of = || answers.iter().filter(|one| scope.has(one.place, one.pattern));
    [of().count(), of().filter(|one| one.took() >= from).count()]
}

/// How far times of one limit lie from each other.
fn within(time: u64) -> u64 {
    time.checked_div(50).unwrap_or(0).max(30_000)
}
