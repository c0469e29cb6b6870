//! Exchanges and connects, found by what lines know them by.

use super::clock_offset::{self, ClockOffset};
use super::fit::{fits_backend, fits_status};
use super::hits::{Connect, Hit};
use super::lines::KeptLine;
use super::time_window::TimeWindow;
use crate::base::time::Timestamp;
use crate::logs::LineKind;
use crate::packet::Endpoint;
use crate::topology::SeenExchange;
use std::collections::HashMap;
use std::time::Duration;

/// Exchanges and connects by what lines know them by.
pub(super) struct Index<'a> {
    seen: &'a [SeenExchange],
    connects: &'a [Connect],
    /// Places of exchanges by an id, in the order of time, as all places here are.
    pub(super) ids: HashMap<u64, Vec<usize>>,
    /// Exchanges by the address and port that the proxy spoke from.
    pub(super) sources: HashMap<Endpoint, Vec<usize>>,
    /// Exchanges by method and target.
    whole: HashMap<u64, Vec<usize>>,
    /// Exchanges by method and path.
    path: HashMap<u64, Vec<usize>>,
    /// Exchanges that failed.
    pub(super) failed: Vec<usize>,
    /// Lines of requests, by an id and what was asked.
    pub(super) lines_of_id: HashMap<(u64, u64), u32>,
}

/// A proxy that tries again does so sooner.
const AT_ONCE: Duration = Duration::from_millis(200);
/// One candidate costs time: no line has more.
const CANDIDATES: usize = 4_096;

impl<'a> Index<'a> {
    pub(super) fn new(
        seen: &'a [SeenExchange],
        connects: &'a [Connect],
        lines: &[&KeptLine],
    ) -> Self {
        let mut index = Self {
            seen,
            connects,
            ids: HashMap::new(),
            sources: HashMap::new(),
            whole: HashMap::new(),
            path: HashMap::new(),
            failed: Vec::new(),
            lines_of_id: HashMap::new(),
        };
        for line in lines.iter().filter(|line| line.kind == LineKind::Access) {
            for id in &line.ids {
                let count = index.lines_of_id.entry((*id, line.asked.whole)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let mut order: Vec<usize> = (0..seen.len()).collect();
        order.sort_by_key(|place| seen.get(*place).map(|seen| seen.begun));
        for place in order {
            let Some(one) = seen.get(place) else { continue };
            for (at, id) in one.ids.iter().enumerate() {
                let again = one.ids.get(..at).is_some_and(|before| before.contains(id));
                if *id != 0 && !again {
                    index.ids.entry(*id).or_default().push(place);
                }
            }
            index.sources.entry(one.client).or_default().push(place);
            if one.asked.whole != 0 {
                index.whole.entry(one.asked.whole).or_default().push(place);
                index.path.entry(one.asked.path).or_default().push(place);
            }
            if one.failed {
                index.failed.push(place);
            }
        }
        index
    }

    /// The exchange at a place.
    pub(super) fn get(&self, place: usize) -> Option<&'a SeenExchange> {
        self.seen.get(place)
    }

    /// Exchanges that could be a line's by what was asked, whatever their time.
    pub(super) fn asked_alike(&self, line: &KeptLine) -> Vec<&'a SeenExchange> {
        self.alike(line)
            .iter()
            .filter_map(|place| self.get(*place))
            .filter(|seen| fits_backend(line, seen.server) && fits_status(line, seen))
            .collect()
    }

    /// By method and target, or by the path where a log leaves the query out.
    pub(super) fn alike(&self, line: &KeptLine) -> &[usize] {
        let whole = self.whole.get(&line.asked.whole);
        let by_path = whole.is_none() && !line.asked.query && line.asked.path != 0;
        let alike = if by_path { self.path.get(&line.asked.path) } else { whole };
        alike.map(Vec::as_slice).unwrap_or_default()
    }

    /// Exchanges, of those at some places, whose times lie in the window, the latest first.
    pub(super) fn in_window(&self, places: &[usize], window: &TimeWindow) -> Vec<usize> {
        // Places are sorted by the begin of what is there.
        let end = places
            .partition_point(|place| self.get(*place).is_some_and(|seen| seen.begun <= window.to));
        let before = places.get(..end).unwrap_or_default();
        let fits = |place: &&usize| {
            self.get(**place).is_some_and(|seen| window.holds(seen.begun, seen.ended))
        };
        before.iter().rev().take(CANDIDATES).filter(fits).copied().collect()
    }

    /// Failed connects that could be a line's.
    pub(super) fn connects_in(&self, line: &KeptLine, window: &TimeWindow) -> Vec<Hit> {
        let fits =
            |one: &Connect| fits_backend(line, one.server) && window.holds(one.begun, one.ended);
        let places = self.connects.iter().enumerate().filter(|(_, one)| fits(one));
        places.take(CANDIDATES).map(|(place, _)| Hit::Connect(place)).collect()
    }

    /// How far a hit is from where the line's times put it.
    pub(super) fn distance(&self, line: &KeptLine, hit: Hit, clock: &ClockOffset) -> Duration {
        match hit {
            Hit::Exchange(place) => self
                .get(place)
                .and_then(|seen| clock_offset::apart(line, seen))
                .map_or(Duration::MAX, |apart| Duration::from_nanos(apart.abs_diff(clock.offset))),
            Hit::Connect(place) => self.connects.get(place).map_or(Duration::MAX, |connect| {
                let begun = line.attempts.last().and_then(|last| last.begun);
                match begun.map(|begun| clock.corrected(begun)) {
                    Some(begun) => connect.begun.since(begun).max(begun.since(connect.begun)),
                    None => {
                        let at = clock.corrected(line.at());
                        at.since(connect.ended).max(connect.begun.since(at))
                    }
                }
            }),
        }
    }

    /// When a hit began, and when it ended.
    pub(super) fn times(&self, hit: Hit) -> (Timestamp, Timestamp) {
        match hit {
            Hit::Exchange(place) => self.get(place).map(|seen| (seen.begun, seen.ended)),
            Hit::Connect(place) => self.connects.get(place).map(|one| (one.begun, one.ended)),
        }
        .unwrap_or_default()
    }

    /// Whether each hit begins when the one before has just failed.
    pub(super) fn follow_at_once(&self, hits: &[Hit]) -> bool {
        hits.windows(2).all(|pair| {
            let [first, second] = pair else { return true };
            self.times(*second).0.since(self.times(*first).1) <= AT_ONCE
        })
    }

    /// Whether hits can be attempts of one request: by one proxy, one after the other.
    pub(super) fn is_chain(&self, hits: &[Hit]) -> bool {
        hits.windows(2).all(|pair| {
            let [first, second] = pair else { return true };
            let (first_times, second_times) = (self.times(*first), self.times(*second));
            let same_proxy = match (first, second) {
                (Hit::Exchange(first), Hit::Exchange(second)) => {
                    let addr = |place: &usize| self.get(*place).map(|seen| seen.client.addr);
                    addr(first) == addr(second)
                }
                _ => true,
            };
            // The one before has to have failed; its connection may linger.
            let failed = match first {
                Hit::Exchange(first) => {
                    self.get(*first).is_some_and(|seen| seen.failed || seen.status >= Some(500))
                }
                Hit::Connect(_) => true,
            };
            same_proxy && failed && second_times.0 > first_times.0
        })
    }
}
