//! What lines can be of, found by a look at each exchange: what the rows are held against.

use super::clock_offset::ClockOffset;
use super::fit::{fits_backend, fits_status, is_listed};
use super::hits::{Connect, Hit, MAX_ATTEMPTS};
use super::index::Index;
use super::lines::{Interest, KeptLine, Lines};
use super::time_window::TimeWindow;
use crate::base::time::Timestamp;
use crate::logs::{Attempt, Entry, LineKind, Says};
use crate::packet::Endpoint;
use crate::topology::SeenExchange;
use crate::topology::request_key::{self, MatchedBy, RequestKey};
use crate::verdict::Cause;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// All exchanges, all connects, one line.
struct Reference<'a> {
    seen: &'a [SeenExchange],
    connects: &'a [Connect],
    index: &'a Index<'a>,
    line: &'a KeptLine,
    window: TimeWindow,
}

impl Reference<'_> {
    fn all(&self, fits: impl Fn(&SeenExchange) -> bool) -> Vec<Hit> {
        let exchanges = (0..).zip(self.seen);
        exchanges.filter(|(_, one)| fits(one)).map(|(place, _)| Hit::Exchange(place)).collect()
    }

    fn exchange(&self, hit: Hit) -> &SeenExchange {
        let Hit::Exchange(place) = hit else { panic!("{hit:?}") };
        &self.seen[place as usize]
    }

    fn inside(&self, hits: &[Hit]) -> Vec<Hit> {
        let times = |hit: &Hit| self.index.times(*hit);
        hits.iter().filter(|hit| self.window.holds(times(hit).0, times(hit).1)).copied().collect()
    }

    /// Hits that are certain, or those that the ids leave.
    fn by_ids(&self) -> (Option<Vec<Hit>>, Option<Vec<Hit>>) {
        let mut among = None;
        for id in &self.line.ids {
            let with_id = self.all(|one| one.ids.contains(id));
            if with_id.is_empty() {
                continue;
            }
            let same =
                self.all(|one| one.ids.contains(id) && one.asked.whole == self.line.asked.whole);
            let mut places = if same.is_empty() { with_id } else { same };
            places.sort_by_key(|hit| (self.index.times(*hit).0, *hit));
            let carried = self.index.lines_of_id.get(&(*id, self.line.asked.whole));
            let alone = carried.is_none_or(|lines| *lines < 2);
            if alone && places.len() <= MAX_ATTEMPTS && self.index.is_chain(&places) {
                let inside = self.inside(&places);
                let found =
                    if inside.is_empty() && places.len() == 1 { places.clone() } else { inside };
                if !found.is_empty() {
                    return (Some(found), None);
                }
            }
            among = Some(places);
        }
        (None, among)
    }

    fn connects(&self) -> Vec<Hit> {
        let all = (0..).zip(self.connects);
        let fits = all.filter(|(_, one)| fits_backend(self.line, one.server));
        self.inside(&fits.map(|(place, _)| Hit::Connect(place)).collect::<Vec<_>>())
    }

    fn candidates(&self) -> Option<(MatchedBy, Vec<Hit>)> {
        let line = self.line;
        let some = |by, hits: Vec<Hit>| Some((by, hits)).filter(|(_, hits)| !hits.is_empty());
        let (certain, among) = self.by_ids();
        if let Some(hits) = certain {
            return Some((MatchedBy::Id, hits));
        }
        let leaves = |hit: &Hit| among.as_ref().is_none_or(|among| among.contains(hit));
        let fitting = |hits: &[Hit]| -> Vec<Hit> {
            hits.iter().filter(|hit| fits_status(line, self.exchange(**hit))).copied().collect()
        };
        let path = line.asked.path;
        let from_port = self.all(|one| {
            Some(one.client) == line.source()
                && fits_backend(line, one.server)
                && (path == 0 || one.asked.path == 0 || one.asked.path == path)
        });
        let from_port: Vec<Hit> = self.inside(&from_port).into_iter().filter(leaves).collect();
        let fit = fitting(&from_port);
        if let Some(found) =
            some(MatchedBy::SourcePort, if fit.is_empty() { from_port } else { fit })
        {
            return Some(found);
        }
        let connecting = line.says.is_some_and(Says::is_connect)
            || line.attempts.last().is_some_and(|last| last.connected == Some(false));
        let whole = self.all(|one| one.asked.whole != 0 && one.asked.whole == line.asked.whole);
        let by_path = whole.is_empty() && !line.asked.query && path != 0;
        let alike = if by_path {
            self.all(|one| one.asked.whole != 0 && one.asked.path == path)
        } else {
            whole
        };
        let fits = |hit: &Hit| leaves(hit) && fits_backend(line, self.exchange(*hit).server);
        let mut sound: Vec<Hit> = self.inside(&alike).into_iter().filter(fits).collect();
        if !connecting || is_listed(line) {
            let mut hits = fitting(&sound);
            if !hits.is_empty() {
                if is_listed(line) {
                    hits.extend(self.connects());
                }
                return Some((MatchedBy::TargetAndTime, hits));
            }
            if path == 0 && line.error && !line.kept {
                let failed = self.all(|one| one.failed && fits_backend(line, one.server));
                let found = some(MatchedBy::BackendAndTime, self.inside(&failed));
                if found.is_some() {
                    return found;
                }
            }
        } else {
            sound.clear();
        }
        if (connecting || line.error && line.says.is_none()) && !line.kept {
            let found = some(MatchedBy::BackendAndTime, self.connects());
            if found.is_some() {
                return found;
            }
        }
        let alone = line.kind == LineKind::Access && line.error && !line.kept;
        some(MatchedBy::TargetAndTime, sound).filter(|_| alone)
    }
}

fn backend(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 80))
}

fn target(number: u8) -> &'static [u8] {
    [&b"/a"[..], b"/a?b=c", b"/b", b""][usize::from(number % 4)]
}

fn id(number: u8) -> Option<&'static [u8]> {
    [None, Some(&b"first-of-ids"[..]), Some(b"second-of-ids")][usize::from(number % 3)]
}

prop_compose! {
    fn exchange()(
        begun in 0..8_000_u64, took in prop_oneof![0..50_u64, 0..3_000_u64],
        server in 1..3_u8, port in 1..4_u16, asked in 0..4_u8, ided in 0..6_u8,
        status in prop::option::of(prop::sample::select(vec![200_u16, 502, 503])),
        failed in any::<bool>(), unread in prop::bool::weighted(0.1),
    ) -> SeenExchange {
        let begun = Timestamp::from_nanos(SECOND * 100 + begun * 1_000_000);
        let ended = begun.plus(Duration::from_millis(took));
        let digest = id(ided).map_or(0, request_key::id);
        SeenExchange {
            connection: 0, ordinal: 0,
            client: Endpoint { addr: [10, 0, 0, 9].into(), port },
            server: request_key::endpoint(backend(server)),
            opened: begun, begun, sent: begun, answered: None, ended, status, body: 0,
            asked: RequestKey::of(b"GET", target(asked)),
            ids: [digest, 0, 0],
            idempotent: true, forwarded: false, as_to_proxy: false, probe: false, failed, unread,
        }
    }
}

prop_compose! {
    fn entry()(
        at in 0..9_000_u64, took in prop::option::of(0..2_000_u64), whole_seconds in any::<bool>(),
        shape in 0..5_u8, server in 0..3_u8, port in 0..12_u16, asked in 0..4_u8, ided in 0..9_u8,
        status in prop::sample::select(vec![200_u16, 502, 503, 504]), message in prop::bool::weighted(0.2),
        says in prop::sample::select(vec![None, Some(Says::Refused), Some(Says::Cut), Some(Says::NoBackend)]),
        tries in 0..3_usize,
    ) -> Entry<'static> {
        let resolution = Duration::from_millis(if whole_seconds { 1_000 } else { 1 });
        let at = if whole_seconds { at / 1_000 * 1_000 } else { at };
        let ended = Timestamp::from_nanos(SECOND * 100 + at * 1_000_000);
        let begun = |took: u64| Timestamp::from_nanos(ended.as_nanos() - took * 1_000_000);
        let attempt = |number: usize| Attempt {
            backend: Some(backend(server)),
            status: Some(502),
            begun: Some(begun(900 - 400 * number as u64)),
            sent: Some(begun(900 - 400 * number as u64)),
            connected: Some(number == 0),
        };
        let attempts = if server == 0 { Vec::new() } else { (0..tries).map(attempt).collect() };
        Entry {
            kind: if message { LineKind::Message } else { LineKind::Access },
            begun: took.map(begun).filter(|_| shape < 3),
            ended: (shape != 3).then_some(ended),
            about: (shape == 3).then_some(ended),
            floor: shape == 1,
            resolution,
            duration: took.filter(|_| shape < 2).map(Duration::from_millis),
            method: b"GET"[..].into(),
            target: target(asked).into(),
            status: (!message).then_some(status),
            attempts,
            kept: says == Some(Says::NoBackend),
            ids: id(ided).filter(|_| ided < 3).map(Into::into).into_iter().collect(),
            source: Some(SocketAddr::from(([10, 0, 0, 9], port % 4))).filter(|_| port > 7),
            says,
            ..Entry::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_find_what_a_look_at_each_exchange_finds(
        seen in prop::collection::vec(exchange(), 0..70),
        failed in prop::collection::vec((0..8_000_u64, 0..900_u64, 1..3_u8), 0..24),
        entries in prop::collection::vec(entry(), 1..12),
        offset in prop::sample::select(vec![0_i64, 40_000_000, -300_000_000]),
    ) {
        let connects: Vec<Connect> = failed
            .into_iter()
            .map(|(begun, took, server)| {
                let begun = Timestamp::from_nanos(SECOND * 100 + begun * 1_000_000);
                let ended = begun.plus(Duration::from_millis(took));
                let server = request_key::endpoint(backend(server));
                Connect { failure: 0, server, begun, ended, cause: Cause::ConnectionRefused }
            })
            .collect();
        let mut lines = Lines::new(Interest::default());
        for (number, entry) in (1..).zip(&entries) {
            lines.push(entry, 0, number);
        }
        let lines: Vec<&KeptLine> = lines.errors().iter().collect();
        let index = Index::new(&seen, &connects, &lines, &|_| None);
        for line in lines {
            let clock = ClockOffset { offset, ..ClockOffset::assumed(line.resolution) };
            let window = TimeWindow::of(line, &clock);
            let reference =
                Reference { seen: &seen, connects: &connects, index: &index, line, window };
            let wanted = reference.candidates();
            let found = index.candidates(line, &clock);
            let Some((by, all)) = wanted else {
                prop_assert!(found.is_none(), "{line:?}: {found:?}");
                continue;
            };
            let found = found.unwrap();
            prop_assert_eq!(found.by, by);
            let listed: BTreeSet<Hit> = found.hits.iter().copied().collect();
            let all: BTreeSet<Hit> = all.into_iter().collect();
            prop_assert_eq!(listed.len(), found.hits.len());
            if all.len() <= MAX_ATTEMPTS {
                prop_assert!(!found.is_crowd());
                prop_assert_eq!(listed, all);
                continue;
            }
            prop_assert!(found.is_crowd() && listed.is_subset(&all));
            prop_assert_eq!(listed.len(), MAX_ATTEMPTS);
            let far = |hit: &Hit| index.distance(line, *hit, &clock);
            let exchanges = all.iter().all(|hit| matches!(hit, Hit::Exchange(_)));
            if exchanges && line.about.is_none() {
                let farthest = listed.iter().map(far).max();
                prop_assert!(all.difference(&listed).all(|hit| Some(far(hit)) >= farthest));
            }
            let in_runs: BTreeSet<Hit> = found
                .crowd
                .iter()
                .flat_map(|run| (run.from..run.to).filter_map(|at| index.entry(run.of, at)))
                .collect();
            prop_assert!(all.is_subset(&in_runs));
        }
    }
}
