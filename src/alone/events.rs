//! Bursts of several backends that belong together: a deploy that goes round, or all of them at once.

use super::bursts::{BurstFound, BurstKind};
use super::finding::LoggedEvent;
use crate::packet::Endpoint;
use std::collections::BTreeSet;

const SECOND: u64 = 1_000_000;
/// Bursts that begin within so long are at once.
const AT_ONCE: u64 = 10 * SECOND;
/// A deploy goes on to the next backend within so long.
const NEXT: u64 = 900 * SECOND;
/// So many bursts in turn are a deploy although nothing was refused in any.
const IN_TURN: usize = 3;

/// A burst, and whose it is; `None` is a backend that the log does not name.
pub(super) type BackendBurst = (Option<Endpoint>, BurstFound);

/// What bursts are, those of one event together. `backends` is how many the log names.
pub(super) fn events(
    mut bursts: Vec<BackendBurst>,
    backends: usize,
) -> Vec<(LoggedEvent, Vec<BackendBurst>)> {
    bursts.sort_by_key(|(_, burst)| burst.span);
    let mut events: Vec<(LoggedEvent, Vec<BackendBurst>)> = Vec::new();
    let mut rest = Vec::new();
    // Those at once, with any others: then no backend alone is the reason.
    for group in grouped(bursts, |last, next| next.span[0] <= last.span[0].saturating_add(AT_ONCE))
    {
        if backends > 1 && distinct(&group) == backends {
            events.push((LoggedEvent::AllAtOnce, group));
        } else {
            rest.extend(group);
        }
    }
    let (in_turn, others): (Vec<BackendBurst>, Vec<BackendBurst>) = rest
        .into_iter()
        .partition(|(backend, burst)| backend.is_some() && burst.again.is_some() && burst.cut > 0);
    let follows = |last: &BurstFound, next: &BurstFound| {
        next.span[0] > last.span[1] && next.span[0] <= last.span[1].saturating_add(NEXT)
    };
    let mut alone = others;
    for group in grouped(in_turn, follows) {
        let restarts = group.iter().any(|(_, burst)| burst.kind == BurstKind::Restart);
        let all_cut = group.iter().all(|(_, burst)| burst.kind != BurstKind::Outage);
        let each_once = distinct(&group) == group.len() && group.len() > 1;
        if each_once && all_cut && (restarts || group.len() >= IN_TURN) {
            events.push((LoggedEvent::Deploy, group));
        } else {
            alone.extend(group);
        }
    }
    events.extend(alone.into_iter().map(|(backend, burst)| {
        let event = match burst.kind {
            BurstKind::Restart => LoggedEvent::Restart,
            BurstKind::Outage => LoggedEvent::Outage,
            BurstKind::Unknown => LoggedEvent::Burst,
        };
        (event, vec![(backend, burst)])
    }));
    events
}

/// Each with those that follow it, in the order given.
fn grouped(
    bursts: Vec<BackendBurst>,
    follows: impl Fn(&BurstFound, &BurstFound) -> bool,
) -> Vec<Vec<BackendBurst>> {
    let mut groups: Vec<Vec<BackendBurst>> = Vec::new();
    for burst in bursts {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|(_, last)| follows(last, &burst.1)) => {
                group.push(burst);
            }
            _ => groups.push(vec![burst]),
        }
    }
    groups
}

fn distinct(group: &[BackendBurst]) -> usize {
    group
        .iter()
        .map(|(backend, _)| backend.map(|one| one.to_string()))
        .collect::<BTreeSet<_>>()
        .len()
}
