//! Exchanges and connects, found by what lines know them by.

use super::clock_offset::{self, ClockOffset};
use super::fit::{fits_backend, fits_status};
use super::hits::{Connect, Hit, Match, index};
use super::lines::KeptLine;
use super::rows::{Anchor, RowRun, Rows, RowsOf};
use crate::base::time::Timestamp;
use crate::logs::LineKind;
use crate::packet::Endpoint;
use crate::topology::SeenExchange;
use crate::verdict::Cause;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::time::Duration;

/// What an exchange is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum LookedUpBy {
    /// An id.
    Id(u64),
    /// An id, with method and target.
    IdWhole(u64, u64),
    /// An id, with the path.
    IdPath(u64, u64),
    /// The address and port that the proxy spoke from.
    Source(Endpoint),
    /// Address and port, with the path.
    SourcePath(Endpoint, u64),
    /// Method and target.
    Whole(u64),
    /// The path.
    Path(u64),
    /// That it failed.
    Failed,
    /// A failed connect.
    Connect,
}

/// What exchanges have in common of which a line can tell none from the others but by its time.
#[derive(PartialEq, Eq, Hash)]
struct Likeness {
    server: Endpoint,
    status: Option<u16>,
    failed: bool,
    unread: bool,
    cause: Option<Cause>,
}

/// Exchanges and connects by what lines know them by.
pub(super) struct Index<'a> {
    seen: &'a [SeenExchange],
    connects: &'a [Connect],
    hasher: RandomState,
    exchanges: Rows,
    failed_connects: Rows,
    /// Lines of requests, by an id and what was asked.
    pub(super) lines_of_id: HashMap<(u64, u64), u32>,
}

/// A proxy that tries again does so sooner.
const AT_ONCE: Duration = Duration::from_millis(200);

impl<'a> Index<'a> {
    /// Of the exchanges and connects for some lines. `cause` knows why a hit failed.
    pub(super) fn new(
        seen: &'a [SeenExchange],
        connects: &'a [Connect],
        lines: &[&KeptLine],
        cause: &dyn Fn(Hit) -> Option<Cause>,
    ) -> Self {
        let mut lines_of_id: HashMap<(u64, u64), u32> = HashMap::new();
        for line in lines.iter().filter(|line| line.kind == LineKind::Access) {
            for id in &line.ids {
                let count = lines_of_id.entry((*id, line.asked.whole)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let hasher = RandomState::default();
        let digest = |key: LookedUpBy| hasher.hash_one(key);
        let exchanges = Rows::new(
            RowsOf::Exchanges,
            seen.iter().map(|one| (one.begun, one.ended)).collect(),
            (0..).zip(seen).flat_map(|(place, one)| {
                let cause = cause(Hit::Exchange(place));
                keys(one).map(move |key| {
                    let SeenExchange { server, status, failed, unread, .. } = *one;
                    (digest(key), Likeness { server, status, failed, unread, cause }, place)
                })
            }),
        );
        let failed_connects = Rows::new(
            RowsOf::Connects,
            connects.iter().map(|one| (one.begun, one.ended)).collect(),
            (0..)
                .zip(connects)
                .map(|(place, one)| (digest(LookedUpBy::Connect), (one.server, one.cause), place)),
        );
        Self { seen, connects, hasher, exchanges, failed_connects, lines_of_id }
    }

    /// The exchange at a place.
    pub(super) fn get(&self, place: u32) -> Option<&'a SeenExchange> {
        self.seen.get(index(place))
    }

    /// The connect at a place.
    pub(super) fn connect(&self, place: u32) -> Option<&'a Connect> {
        self.connects.get(index(place))
    }

    /// The rows of a key, each with its first hit, which stands for the others where time is no matter.
    pub(super) fn rows(&self, key: LookedUpBy) -> impl Iterator<Item = (RowRun, Hit)> {
        let rows = if key == LookedUpBy::Connect { &self.failed_connects } else { &self.exchanges };
        let runs = rows.of_key(self.hasher.hash_one(key));
        runs.filter_map(|run| Some((run, self.first(run)?)))
    }

    /// The first hit of a run.
    pub(super) fn first(&self, run: RowRun) -> Option<Hit> {
        Some(Self::hit(run.of, self.rows_of(run).place(run.from)?))
    }

    /// The hit of an entry of rows.
    pub(super) fn entry(&self, of: RowsOf, at: u32) -> Option<Hit> {
        let run = RowRun { of, from: at, to: at };
        self.first(run)
    }

    pub(super) const fn hit(of: RowsOf, place: u32) -> Hit {
        match of {
            RowsOf::Exchanges => Hit::Exchange(place),
            RowsOf::Connects => Hit::Connect(place),
        }
    }

    /// The rows that a run is of.
    pub(super) const fn rows_of(&self, run: RowRun) -> &Rows {
        match run.of {
            RowsOf::Exchanges => &self.exchanges,
            RowsOf::Connects => &self.failed_connects,
        }
    }

    /// Hits that stand for all that a line can be of, as to how they failed.
    pub(super) fn standing_for(&self, found: &Match) -> Vec<Hit> {
        if found.crowd.is_empty() {
            return found.hits.clone();
        }
        found.crowd.iter().filter_map(|run| self.first(*run)).collect()
    }

    /// The first exchanges that could be a line's by what was asked, whatever their time: so many of each row.
    pub(super) fn asked_alike(&self, line: &KeptLine, most: usize) -> Vec<&'a SeenExchange> {
        let rows = self.alike(line).into_iter().flat_map(|key| self.rows(key));
        let fits = |hit: &Hit| self.fits_exchange(line, *hit, true);
        let runs = rows.filter(|(_, hit)| fits(hit));
        let of_row = |run: RowRun| (run.from..run.to).take(most);
        let mut alike: Vec<(Timestamp, u32)> = runs
            .flat_map(|(run, _)| of_row(run).filter_map(move |at| self.exchanges.place(at)))
            .filter_map(|place| Some((self.get(place)?.begun, place)))
            .collect();
        alike.sort_unstable();
        alike.into_iter().take(most).filter_map(|(_, place)| self.get(place)).collect()
    }

    /// Whether an exchange is with a backend that the line names, and (`by_status`) has its status.
    pub(super) fn fits_exchange(&self, line: &KeptLine, hit: Hit, by_status: bool) -> bool {
        let Hit::Exchange(place) = hit else { return false };
        self.get(place).is_some_and(|seen| {
            fits_backend(line, seen.server) && (!by_status || fits_status(line, seen))
        })
    }

    /// By method and target, or by the path where a log leaves the query out.
    pub(super) fn alike(&self, line: &KeptLine) -> Option<LookedUpBy> {
        let whole = LookedUpBy::Whole(line.asked.whole);
        if self.rows(whole).next().is_some() {
            return Some(whole);
        }
        (!line.asked.query && line.asked.path != 0).then_some(LookedUpBy::Path(line.asked.path))
    }

    /// How far a hit is from where the line's times put it.
    pub(super) fn distance(&self, line: &KeptLine, hit: Hit, clock: &ClockOffset) -> Duration {
        match hit {
            Hit::Exchange(place) => self
                .get(place)
                .and_then(|seen| clock_offset::apart(line, seen))
                .map_or(Duration::MAX, |apart| Duration::from_nanos(apart.abs_diff(clock.offset))),
            Hit::Connect(place) => self.connect(place).map_or(Duration::MAX, |connect| {
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

    /// The time that [`Self::distance`] reckons from, for exchanges or connects.
    pub(super) fn anchor(line: &KeptLine, of: RowsOf, clock: &ClockOffset) -> Anchor {
        let last = line.attempts.last();
        if of == RowsOf::Connects {
            let begun = last.and_then(|last| last.begun).unwrap_or(line.at());
            return Anchor::Begin(clock.corrected(begun));
        }
        let half = line.resolution.checked_div(2).unwrap_or_default();
        let corrected = |at: Timestamp| clock.corrected(at.plus(half));
        if line.floor || line.about.is_some() {
            return Anchor::Begin(corrected(line.at()));
        }
        match (last.and_then(|last| last.sent), line.ended) {
            (Some(sent), _) => Anchor::Begin(corrected(sent)),
            (None, Some(ended)) => Anchor::End(corrected(ended)),
            (None, None) => Anchor::Begin(corrected(line.at())),
        }
    }

    /// When a hit began, and when it ended.
    pub(super) fn times(&self, hit: Hit) -> (Timestamp, Timestamp) {
        match hit {
            Hit::Exchange(place) => self.get(place).map(|seen| (seen.begun, seen.ended)),
            Hit::Connect(place) => self.connect(place).map(|one| (one.begun, one.ended)),
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
                    let addr = |place: &u32| self.get(*place).map(|seen| seen.client.addr);
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

/// What an exchange is known by.
fn keys(one: &SeenExchange) -> impl Iterator<Item = LookedUpBy> + use<> {
    let (asked, ids) = (one.asked, one.ids);
    let fresh = move |(at, id): &(usize, u64)| {
        *id != 0 && !ids.get(..*at).is_some_and(|before| before.contains(id))
    };
    let by_id = ids.into_iter().enumerate().filter(fresh).flat_map(move |(_, id)| {
        [
            LookedUpBy::Id(id),
            LookedUpBy::IdWhole(id, asked.whole),
            LookedUpBy::IdPath(id, asked.path),
        ]
    });
    let by_source =
        [LookedUpBy::Source(one.client), LookedUpBy::SourcePath(one.client, asked.path)];
    let by_asked = [LookedUpBy::Whole(asked.whole), LookedUpBy::Path(asked.path)];
    let by_asked = by_asked.into_iter().filter(move |_| asked.whole != 0);
    by_id.chain(by_source).chain(by_asked).chain(one.failed.then_some(LookedUpBy::Failed))
}
