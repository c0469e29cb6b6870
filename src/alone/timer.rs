//! The backend's keep-alive timer: an answer of the same backend ended T before each failure, with one T for all of
//! them, and less often T before requests that went well. Times are microseconds.

use super::chance;
use super::grid::{AnswerEnds, Hits};
use super::rows::{Answered, FailedRequest};
use std::collections::BTreeSet;

const SECOND: u64 = 1_000_000;
/// From the shortest timer that is looked for …
const SHORTEST: u64 = 300_000;
/// … to the longest.
const LONGEST: u64 = 130 * SECOND;
/// Windows around T. The wide ones find timers that are looked at once a second, and logs in whole seconds.
const WINDOWS: [u64; 4] = [30_000, 120_000, 500_000, 1_100_000];
/// Usual timers: looked at first, at a price of their own, for few failures are too few to look at all times.
const USUAL: [u64; 15] = [
    2_000_000,
    2_200_000,
    3_000_000,
    4_000_000,
    5_000_000,
    6_000_000,
    10_000_000,
    15_000_000,
    20_000_000,
    30_000_000,
    60_000_000,
    65_000_000,
    72_000_000,
    75_000_000,
    120_000_000,
];
/// A timer is named where chance gives as much less often than this: once for the usual timers and once for all times,
/// a quarter of it for each window.
const RARE: f64 = 0.01;
/// So many windows share it.
const SHARES: f64 = 4.0;
/// Failures nearer to each other count once: what came before them is the same.
const APART: u64 = 2 * SECOND;
/// Fewer failures show nothing.
const FEWEST: u32 = 3;
/// Fewer requests that went well are no control.
const CONTROLS: usize = 30;
/// So large a share of the failures must a timer explain, beside those that have an answer T before by chance.
const EXPLAINED: f64 = 0.6;
/// Failures and controls looked at; more are thinned out evenly.
const LOOKED_AT: usize = 400;
/// From this share of requests that went well on, every moment has an answer T before.
const BUSY: f64 = 0.6;

/// A timer, and what it rests on.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct TimerFound {
    /// The median time from the answer to the failure; microseconds, as all times here.
    pub(super) time: u64,
    /// The least and the most.
    pub(super) span: [u64; 2],
    /// The window in which it was found.
    pub(super) window: u64,
    /// Failures that have an answer T before, and how many could have one.
    pub(super) failures: Hits,
    /// Requests that went well with an answer T before, likewise.
    pub(super) controls: Hits,
    /// How often chance gives that, however many times and places were looked at.
    pub(super) chance: f64,
    /// The places of the failures that it explains, among those given.
    pub(super) explains: Vec<usize>,
}

/// What came of the search at one place.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum TimerSearch {
    /// A timer.
    Found(TimerFound),
    /// Too many requests: so large a share of those that went well has an answer T before, whatever T is.
    Busy(f64),
    /// Fewer than three failures at different moments.
    FewFailures,
    /// Fewer than thirty requests that went well and asked for the same.
    FewControls,
    /// None stands out.
    Nothing,
}

/// What bounds a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct SearchBounds {
    /// Backends that are searched in all: each may give one by chance.
    pub(super) places: usize,
    /// No timer lies above that.
    pub(super) below: Option<u64>,
    /// The unit of the log's times.
    pub(super) unit: u64,
}

/// A time that was looked at, and what it shows.
#[derive(Clone, Copy)]
struct TriedTimer {
    time: u64,
    window: u64,
    failures: Hits,
    controls: Hits,
    /// Below 1 it is told.
    odds: f64,
}

/// All of one place: its answers in the order in which they were sent, its failures that may be races in the order of
/// time.
pub(super) fn search(
    answers: &[Answered],
    failed: &[&FailedRequest],
    bounds: SearchBounds,
) -> TimerSearch {
    let sent: Vec<u64> = failed.iter().filter_map(|one| one.sent).collect();
    let mut moments: Vec<u64> = Vec::new();
    for moment in &sent {
        if moments.last().is_none_or(|last| moment.saturating_sub(*last) > APART) {
            moments.push(*moment);
        }
    }
    if moments.len() < usize::try_from(FEWEST).unwrap_or(usize::MAX) {
        return TimerSearch::FewFailures;
    }
    let until = moments.last().copied().unwrap_or_default();
    let patterns: BTreeSet<u32> = failed.iter().map(|one| one.pattern).collect();
    let seen = answers.get(..answers.partition_point(|one| one.sent <= until)).unwrap_or(answers);
    let controls = seen.iter().filter(|one| patterns.contains(&one.pattern));
    let controls = thinned(controls.map(|one| one.sent).collect());
    if controls.len() < CONTROLS {
        return TimerSearch::FewControls;
    }
    let begin = seen.first().map_or(0, |first| first.sent);
    let mut ends: Vec<u64> = seen.iter().filter_map(Answered::end).collect();
    ends.sort_unstable();
    let ends = AnswerEnds { ends: &ends, begin };
    let trial = Trial {
        ends,
        failures: thinned(moments),
        controls,
        places: f64::from(u32::try_from(bounds.places.max(1)).unwrap_or(u32::MAX)),
        below: bounds.below.unwrap_or(LONGEST).min(LONGEST),
        unit: bounds.unit,
    };
    let (best, least) = trial.best();
    match best {
        Some(best) => TimerSearch::Found(found(&best, &ends, failed)),
        None if least > BUSY => TimerSearch::Busy(least),
        None => TimerSearch::Nothing,
    }
}

/// What is held against what.
struct Trial<'a> {
    ends: AnswerEnds<'a>,
    failures: Vec<u64>,
    controls: Vec<u64>,
    places: f64,
    below: u64,
    unit: u64,
}

impl Trial<'_> {
    /// The time that is least by chance, if that is little enough; and the least share of controls that any time has.
    fn best(&self) -> (Option<TriedTimer>, f64) {
        let mut best: Option<TriedTimer> = None;
        let mut least = f64::INFINITY;
        let mut take = |tried: Option<TriedTimer>| {
            if let Some(tried) = tried
                && tried.odds < best.map_or(1.0, |best| best.odds)
            {
                best = Some(tried);
            }
        };
        let narrow = WINDOWS.first().copied().unwrap_or_default();
        let usual = f64::from(u32::try_from(USUAL.len()).unwrap_or(u32::MAX));
        for time in USUAL.into_iter().filter(|time| *time <= self.below) {
            let failures = self.ends.at(&self.failures, time, narrow);
            let controls = self.ends.at(&self.controls, time, narrow);
            take(self.tried([time, narrow], failures, controls, usual));
        }
        for window in WINDOWS {
            let span = [SHORTEST, self.below];
            let failures = self.ends.grid(&self.failures, span, window);
            let controls = self.ends.grid(&self.controls, span, window);
            let times = LONGEST.saturating_sub(SHORTEST).checked_div(window).unwrap_or(1);
            let tests = f64::from(u32::try_from(times).unwrap_or(u32::MAX)) * SHARES;
            let first = SHORTEST.div_ceil(window);
            for (step, (failures, controls)) in (first..).zip(failures.into_iter().zip(controls)) {
                if window == narrow && is_control(controls) {
                    least = least.min(share(controls));
                }
                let time = step.saturating_mul(window);
                take(self.tried([time, window], failures, controls, tests));
            }
        }
        (best, if least.is_finite() { least } else { 0.0 })
    }

    /// `None` where it is no timer at all.
    fn tried(
        &self,
        [time, window]: [u64; 2],
        failures: Hits,
        controls: Hits,
        tests: f64,
    ) -> Option<TriedTimer> {
        if failures.hits < FEWEST || !is_control(controls) {
            return None;
        }
        // What chance gives of the failures is no part of what the timer explains.
        let by_chance = share(controls);
        if share(failures) - by_chance < EXPLAINED * (1.0 - by_chance) {
            return None;
        }
        let chance = chance::at_least(failures, controls);
        let controls = match chance * tests * self.places < RARE {
            true => self.next_to(time, window, controls),
            false => controls,
        };
        let chance = chance.max(chance::at_least(failures, controls));
        let odds = chance * tests * self.places / RARE;
        Some(TriedTimer { time, window, failures, controls, odds })
    }
}

impl Trial<'_> {
    /// The hits of controls, or what they have one unit of the log's times farther, where that is more and the unit counts: a client that
    /// polls next to a full second has its quick failures cut off to one second, and its answers to the next.
    fn next_to(&self, time: u64, window: u64, controls: Hits) -> Hits {
        if self.unit.saturating_mul(10) < window {
            return controls;
        }
        let next = [time.saturating_sub(self.unit), time.saturating_add(self.unit)];
        let next = next.map(|time| self.ends.at(&self.controls, time, window));
        next.into_iter()
            .chain([controls])
            .max_by(|one, other| share(*one).total_cmp(&share(*other)))
            .unwrap_or(controls)
    }
}

fn is_control(controls: Hits) -> bool {
    usize::try_from(controls.of).unwrap_or(usize::MAX) >= CONTROLS
}

fn share(of: Hits) -> f64 {
    f64::from(of.hits) / f64::from(of.of.max(1))
}

/// Which failures a time explains, and how near they lie to it.
fn found(best: &TriedTimer, ends: &AnswerEnds<'_>, failed: &[&FailedRequest]) -> TimerFound {
    let mut gaps: Vec<u64> = Vec::new();
    let mut explains = Vec::new();
    for (place, one) in failed.iter().enumerate() {
        let Some(sent) = one.sent else { continue };
        if let Some(end) = ends.nearest(sent, best.time, best.window) {
            gaps.push(sent.saturating_sub(end));
            explains.push(place);
        }
    }
    gaps.sort_unstable();
    let median = gaps.get(gaps.len().checked_div(2).unwrap_or(0)).copied();
    let span = [gaps.first(), gaps.last()].map(|gap| gap.copied().unwrap_or(best.time));
    TimerFound {
        time: median.unwrap_or(best.time),
        span,
        window: best.window,
        failures: best.failures,
        controls: best.controls,
        chance: best.odds * RARE,
        explains,
    }
}

/// At most so many as are looked at, spread evenly.
fn thinned(moments: Vec<u64>) -> Vec<u64> {
    let step = moments.len().div_ceil(LOOKED_AT).max(1);
    moments.into_iter().step_by(step).collect()
}
