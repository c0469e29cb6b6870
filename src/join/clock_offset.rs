//! How far the proxy's clock is from the capture's, found from the matches themselves.
//!
//! Lines and exchanges that are of one request for sure (the same id, or the only ones with that target)
//! tell the offset. Where there are none, the offset is sought at which most lines meet an exchange that
//! could be theirs; traffic in step with itself has several such, and then none of them counts.

use super::lines::KeptLine;
use crate::base::time::Timestamp;
use crate::logs::LineKind;
use crate::topology::SeenExchange;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// The clock of one log file, held against the capture's.
#[derive(Clone, Copy, Debug)]
pub struct ClockOffset {
    /// Nanoseconds that the log is ahead of the capture; less than 0 when it is behind.
    pub offset: i64,
    /// How far single lines lie from that, nearly all of them.
    pub spread: Duration,
    /// The unit of the log's times.
    pub resolution: Duration,
    /// So many lines tell it; 0 when it is only assumed.
    pub samples: usize,
}

/// Spread where nothing tells it: good clocks are no further apart, and proxies log at once.
const USUAL: Duration = Duration::from_millis(250);
/// No spread is believed to be larger.
const WIDEST: Duration = Duration::from_secs(2);
/// No spread is believed to be smaller: of few lines, and of many.
const NARROWEST: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(3)];
/// So many are many.
const MANY: usize = 8;
/// Lines and exchanges looked at where offsets are voted on.
const VOTERS: usize = 512;
/// Candidates of one line there.
const BALLOTS: usize = 256;

impl ClockOffset {
    /// As if both were the same clock.
    pub const fn assumed(resolution: Duration) -> Self {
        Self { offset: 0, spread: USUAL, resolution, samples: 0 }
    }

    /// The clock of a line's file, of `clocks` by file.
    pub(super) fn of(clocks: &[Self], line: &KeptLine) -> Self {
        clocks.get(line.file).copied().unwrap_or(Self::assumed(line.resolution))
    }

    /// A time of the log, by the capture's clock.
    pub fn corrected(&self, at: Timestamp) -> Timestamp {
        let nanos = at.as_nanos();
        let by = self.offset.unsigned_abs();
        Timestamp::from_nanos(if self.offset >= 0 {
            nanos.saturating_sub(by)
        } else {
            nanos.saturating_add(by)
        })
    }

    /// How far a time in the log may be from what it is of.
    pub(super) fn tolerance(&self) -> Duration {
        self.resolution.saturating_add(self.spread)
    }

    /// Of the lines of one file. `of` finds the first exchanges that could be a line's.
    pub(super) fn find<'s>(
        lines: &[&KeptLine],
        seen: &'s [SeenExchange],
        of: &dyn Fn(&KeptLine, usize) -> Vec<&'s SeenExchange>,
    ) -> Self {
        let resolution = lines.iter().map(|line| line.resolution).max().unwrap_or_default();
        let mut sure = certain(lines, seen);
        sure.sort_unstable();
        from_certain(&sure, resolution, lines.iter().any(|line| line.local))
            .or_else(|| vote(lines, of, resolution))
            .unwrap_or(Self::assumed(resolution))
    }
}

/// How much later a line is than an exchange, the one being of the other.
pub(super) fn apart(line: &KeptLine, seen: &SeenExchange) -> Option<i64> {
    let difference = |log: Timestamp, capture: Timestamp| {
        let (log, capture) = (i128::from(log.as_nanos()), i128::from(capture.as_nanos()));
        i64::try_from(log.checked_sub(capture)?).ok()
    };
    if line.floor {
        return None;
    }
    // A line is written within the unit of its time.
    let half = line.resolution.checked_div(2).unwrap_or_default();
    let sent = line.attempts.last().and_then(|last| last.sent);
    if let Some(about) = line.about {
        // The time is near one of the exchange's ends.
        let both = [seen.begun, seen.ended].map(|one| difference(about.plus(half), one));
        return both.into_iter().flatten().min_by_key(|one| one.unsigned_abs());
    }
    match (sent, line.ended, line.begun) {
        (Some(sent), ..) => difference(sent.plus(half), seen.begun),
        (_, Some(ended), _) => difference(ended.plus(half), seen.ended),
        (_, None, Some(begun)) => difference(begun.plus(half), seen.begun),
        (_, None, None) => None,
    }
}

/// The differences of those that are of one request for sure: the only ones with an id, or with what
/// was asked.
fn certain(lines: &[&KeptLine], seen: &[SeenExchange]) -> Vec<(i64, bool)> {
    let mut of_id: HashMap<u64, Option<usize>> = HashMap::new();
    let mut of_asked: HashMap<u64, Option<usize>> = HashMap::new();
    for (place, one) in seen.iter().enumerate() {
        for id in one.ids.iter().filter(|id| **id != 0) {
            of_id.entry(*id).and_modify(|known| *known = None).or_insert(Some(place));
        }
        if one.asked.whole != 0 {
            of_asked
                .entry(one.asked.whole)
                .and_modify(|known| *known = None)
                .or_insert(Some(place));
        }
    }
    let mut asked_in_log: HashMap<u64, u32> = HashMap::new();
    for line in lines {
        let count = asked_in_log.entry(line.asked.whole).or_default();
        *count = count.saturating_add(1);
    }
    let mut ids_in_log: HashMap<u64, u32> = HashMap::new();
    for id in lines.iter().filter(|line| line.kind == LineKind::Access).flat_map(|line| &line.ids) {
        let count = ids_in_log.entry(*id).or_default();
        *count = count.saturating_add(1);
    }
    let once = |id: &&u64| ids_in_log.get(id).is_none_or(|count| *count == 1);
    let place = |known: &HashMap<u64, Option<usize>>, digest| known.get(&digest).copied().flatten();
    lines
        .iter()
        .filter_map(|line| {
            let by_id = line.ids.iter().filter(once).find_map(|id| place(&of_id, *id));
            let alone = asked_in_log.get(&line.asked.whole) == Some(&1);
            let by_asked = || place(&of_asked, line.asked.whole).filter(|_| alone);
            let found = by_id.or_else(by_asked)?;
            Some((apart(line, seen.get(found)?)?, by_id.is_some()))
        })
        .collect()
}

/// The offset that sure pairs tell, if they agree. `sure` is sorted.
fn from_certain(sure: &[(i64, bool)], resolution: Duration, local: bool) -> Option<ClockOffset> {
    let median = sure.get(sure.len() / 2)?.0;
    let mut spreads: Vec<Duration> =
        sure.iter().map(|(one, _)| Duration::from_nanos(one.abs_diff(median))).collect();
    spreads.sort_unstable();
    let half = *spreads.get(spreads.len() / 2)?;
    if half > WIDEST.saturating_add(resolution) {
        return None;
    }
    let most = spreads.len().saturating_mul(9).checked_div(10).unwrap_or(0);
    let spread = spreads.get(most.min(spreads.len().saturating_sub(1))).copied().unwrap_or(half);
    let far = Duration::from_nanos(median.unsigned_abs()) > WIDEST.saturating_add(resolution);
    let by_id = sure.iter().any(|(_, by_id)| *by_id);
    // A log of another day has the same targets. One pair that is far off is no offset, unless it is
    // that of a time zone.
    let quarter = Duration::from_secs(15 * 60);
    let zone = {
        let nanos = u128::from(median.unsigned_abs());
        let rest = nanos.checked_rem(quarter.as_nanos()).unwrap_or(0);
        let near = WIDEST.saturating_add(resolution).as_nanos();
        local && (rest <= near || quarter.as_nanos().saturating_sub(rest) <= near)
    };
    if far && !by_id && !zone && sure.len() < 3 {
        return None;
    }
    let [few, many] = NARROWEST;
    let narrowest = if sure.len() < MANY { few } else { many };
    Some(ClockOffset {
        offset: median,
        spread: spread.saturating_mul(2).clamp(narrowest, WIDEST),
        resolution,
        samples: sure.len(),
    })
}

/// The offset at which most lines meet an exchange that could be theirs.
fn vote<'s>(
    lines: &[&KeptLine],
    of: &dyn Fn(&KeptLine, usize) -> Vec<&'s SeenExchange>,
    resolution: Duration,
) -> Option<ClockOffset> {
    let mut votes: Vec<(i64, usize)> = Vec::new();
    let voters = lines.iter().filter(|line| line.error).take(VOTERS);
    for (voter, line) in voters.enumerate() {
        let differences = of(line, BALLOTS).into_iter().filter_map(|seen| apart(line, seen));
        votes.extend(differences.map(|difference| (difference, voter)));
    }
    votes.sort_unstable();
    // Good clocks and a proxy that logs at once show in a narrow window.
    let [narrow, _] = NARROWEST;
    // Whole seconds do not.
    let fine = resolution <= Duration::from_millis(100);
    let found = if fine { count(&votes, resolution, narrow) } else { None };
    found.or_else(|| count(&votes, resolution, USUAL).filter(far))
}

/// Further off than good clocks are: what is nearer, the usual spread covers.
fn far(clock: &ClockOffset) -> bool {
    Duration::from_nanos(clock.offset.unsigned_abs()) > USUAL.saturating_add(clock.resolution)
}

/// The place at which most voters agree within the resolution and a `spread`. `votes` are sorted.
fn count(votes: &[(i64, usize)], resolution: Duration, spread: Duration) -> Option<ClockOffset> {
    let width = i64::try_from(resolution.saturating_add(spread).as_nanos()).ok()?;
    let all: HashSet<usize> = votes.iter().map(|(_, voter)| *voter).collect();
    // Windows of that width, by how many different lines vote within.
    let mut windows: Vec<(usize, i64)> = Vec::new();
    let mut inside: HashMap<usize, u32> = HashMap::new();
    let mut begin = 0_usize;
    for (end, (last, voter)) in votes.iter().enumerate() {
        let count = inside.entry(*voter).or_default();
        *count = count.saturating_add(1);
        while let Some((first, gone)) = votes.get(begin) {
            if last.saturating_sub(*first) <= width {
                break;
            }
            let left = inside.get(gone).copied().unwrap_or(0).saturating_sub(1);
            if left == 0 {
                inside.remove(gone);
            } else {
                inside.insert(*gone, left);
            }
            begin = begin.saturating_add(1);
        }
        let middle = begin.saturating_add(end) / 2;
        windows.push((inside.len(), votes.get(middle).map_or(*last, |(one, _)| *one)));
    }
    let best = *windows
        .iter()
        .max_by_key(|(voters, middle)| (*voters, std::cmp::Reverse(middle.unsigned_abs())))?;
    let usual = i64::try_from(USUAL.saturating_add(resolution).as_nanos()).ok()?;
    let near_zero = windows
        .iter()
        .filter(|(_, middle)| middle.unsigned_abs() <= usual.unsigned_abs())
        .max_by_key(|(voters, middle)| (*voters, std::cmp::Reverse(middle.unsigned_abs())));
    // Both clocks are most often right: nothing far off counts that is hardly better.
    let best = match near_zero {
        Some(near) if near.0.saturating_mul(5) >= best.0.saturating_mul(4) => *near,
        _ => best,
    };
    let is_near = best.1.unsigned_abs() <= usual.unsigned_abs();
    // Most of the lines that can tell have to agree.
    if best.0 < 3 || best.0.saturating_mul(3) < all.len().saturating_mul(2) {
        return None;
    }
    let apart = |middle: i64| middle.abs_diff(best.1) > width.unsigned_abs();
    let second =
        windows.iter().filter(|(_, middle)| apart(*middle)).map(|(voters, _)| *voters).max();
    let clear = is_near || second.unwrap_or(0).saturating_mul(3) <= best.0.saturating_mul(2);
    // Whole seconds tell the offset no better than that.
    let half = resolution.checked_div(2).unwrap_or_default();
    let spread = spread.max(half);
    clear.then_some(ClockOffset { offset: best.1, spread, resolution, samples: best.0 })
}
