//! Failures that come together: a restart, an outage, or a burst of which nothing more is known.
//!
//! Failures of one backend with less than ten seconds between them are together. They are an event where there are at
//! least three, and so many are rare: by Poisson, at the rate of the minute before and the minute after, and of the whole
//! log, less than 1e-4 for all stretches of that length. Where a backend fails all the time there is no event.

use super::chance;
use super::rows::{FailedBy, FailedRequest};

const SECOND: u64 = 1_000_000;
/// Failures with less between them are together.
const TOGETHER: u64 = 10 * SECOND;
/// The rate is that of so long before and after.
const AROUND: u64 = 60 * SECOND;
/// Fewer are no event.
const FEWEST: usize = 3;
/// What chance brings less often is an event.
const RARE: f64 = 1e-4;
/// Requests in flight are cut within so long of the first.
const IN_FLIGHT: u64 = 2 * SECOND;

/// What a burst of one backend is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BurstKind {
    /// Requests in flight were cut, then nothing could be sent, then it answered again.
    Restart,
    /// Nothing could be sent.
    Outage,
    /// Neither.
    Unknown,
}

/// Failures of one backend that came together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BurstFound {
    pub(super) kind: BurstKind,
    /// The first and the last failure: microseconds.
    pub(super) span: [u64; 2],
    /// Closed or reset.
    pub(super) cut: usize,
    /// Not sent.
    pub(super) not_sent: usize,
    /// Since when the backend answers again.
    pub(super) again: Option<u64>,
    /// The places, among those given, of the failures.
    pub(super) explains: Vec<usize>,
}

/// Failures of one backend, with their places elsewhere, in the order of time; when its answered requests were sent,
/// sorted; and the span of the log.
pub(super) fn bursts(
    failed: &[(usize, &FailedRequest)],
    answered: &[u64],
    log: [u64; 2],
) -> Vec<BurstFound> {
    let runs = failed.chunk_by(|(_, one), (_, next)| next.end.saturating_sub(one.end) <= TOGETHER);
    let mut from = 0_usize;
    let mut found = Vec::new();
    for run in runs {
        let others = [failed.get(..from), failed.get(from.saturating_add(run.len())..)];
        let others = others.map(Option::unwrap_or_default);
        from = from.saturating_add(run.len());
        if run.len() >= FEWEST && is_rare(run, others, log) {
            found.extend(burst(run, answered));
        }
    }
    found
}

fn burst(run: &[(usize, &FailedRequest)], answered: &[u64]) -> Option<BurstFound> {
    let span = [run.first()?.1.end, run.last()?.1.end];
    let count = |by: FailedBy| run.iter().filter(|(_, one)| one.by == by).count();
    let (cut, not_sent) = (count(FailedBy::Cut), count(FailedBy::NotSent));
    let again = answered.get(answered.partition_point(|sent| *sent <= span[1])).copied();
    let first_not_sent = run.iter().find(|(_, one)| one.by == FailedBy::NotSent);
    let first_cut = run.iter().find(|(_, one)| one.by == FailedBy::Cut);
    let kind = match (first_cut, first_not_sent) {
        (Some((_, cut)), Some((_, refused)))
            if again.is_some()
                && cut.end <= refused.end.saturating_add(IN_FLIGHT)
                && cut.end.saturating_sub(span[0]) <= IN_FLIGHT =>
        {
            BurstKind::Restart
        }
        (_, Some(_)) if not_sent >= FEWEST && not_sent >= cut => BurstKind::Outage,
        _ => BurstKind::Unknown,
    };
    let explains = run.iter().map(|(place, _)| *place).collect();
    Some(BurstFound { kind, span, cut, not_sent, again, explains })
}

/// So many within that time are no chance at the rate before and after.
fn is_rare(
    run: &[(usize, &FailedRequest)],
    others: [&[(usize, &FailedRequest)]; 2],
    [begin, end]: [u64; 2],
) -> bool {
    let (Some((_, first)), Some((_, last))) = (run.first(), run.last()) else { return false };
    let (first, last) = (first.end, last.end);
    let [before, after] = others;
    let near = |one: &&(usize, &FailedRequest)| {
        first.saturating_sub(one.1.end) <= AROUND && one.1.end.saturating_sub(last) <= AROUND
    };
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let seconds = |micros: u64| std::time::Duration::from_micros(micros).as_secs_f64();
    let around = number(before.iter().chain(after).filter(near).count());
    let seen = first.saturating_sub(begin).min(AROUND);
    let seen = seconds(seen.saturating_add(end.saturating_sub(last).min(AROUND)));
    // Without anything to hold it against nothing is rare.
    if seen < seconds(AROUND) / 2.0 {
        return false;
    }
    let length = seconds(last.saturating_sub(first).max(TOGETHER));
    let log = seconds(end.saturating_sub(begin)).max(length);
    let elsewhere = number(before.len().saturating_add(after.len())) + 1.0;
    let rate = (around / seen).max(elsewhere / log);
    let count = u32::try_from(run.len()).unwrap_or(u32::MAX);
    let windows = (log / length).max(1.0);
    chance::at_least_events(count, rate * length) * windows < RARE
}
