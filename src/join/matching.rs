//! Lines and exchanges, matched.
//!
//! Where a line has a key (an id that the exchange carries, or the proxy's own port), that decides. Else
//! it is target, backend, status and time. Two lines that could be of either of two exchanges stay so: a
//! line that is joined to the wrong exchange would be worse than none.

use super::clock_offset::{self, ClockOffset};
use super::lines::KeptLine;
use super::{crowd, rivals};
use crate::base::time::Timestamp;
use crate::logs::LineKind;
use crate::packet::Endpoint;
use crate::topology::exchanges::SeenExchange;
use crate::topology::request_key::{self, MatchedBy};
use std::collections::HashMap;
use std::time::Duration;

/// A failed connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connect {
    /// Its place among the failures.
    pub(crate) failure: usize,
    pub(crate) server: Endpoint,
    pub(crate) begun: Timestamp,
    /// When the proxy knew, or gave up at the latest.
    pub(crate) ended: Timestamp,
}

/// What a line can be of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Hit {
    /// An exchange, by its place in the trail.
    Exchange(usize),
    /// A failed connect, by its place among them.
    Connect(usize),
}

/// What a line was matched with: the attempts in the order of time; several that it could be of, when it
/// is ambiguous.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) hits: Vec<Hit>,
    pub(crate) by: MatchedBy,
    pub(crate) ambiguous: bool,
    /// More lines can be of these than they are: most are of none of them.
    pub(crate) outnumbered: bool,
}

/// Exchanges and connects by what lines know them by.
pub(crate) struct Index<'a> {
    seen: &'a [SeenExchange],
    connects: &'a [Connect],
    ids: HashMap<u64, Vec<usize>>,
    sources: HashMap<Endpoint, Vec<usize>>,
    whole: HashMap<u64, Vec<usize>>,
    path: HashMap<u64, Vec<usize>>,
    failed: Vec<usize>,
    /// Lines of requests, by an id and what was asked.
    lines_of_id: HashMap<(u64, u64), u32>,
}

/// A proxy that tries again does so sooner.
const AT_ONCE: Duration = Duration::from_millis(200);
/// More than that are no attempts of one request.
pub(crate) const MAX_ATTEMPTS: usize = 16;
/// One candidate costs time: no line has more.
const CANDIDATES: usize = 4_096;

impl<'a> Index<'a> {
    pub(crate) fn new(
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

    fn get(&self, place: usize) -> Option<&'a SeenExchange> {
        self.seen.get(place)
    }

    /// Exchanges that could be a line's by what was asked, whatever their time.
    pub(crate) fn asked_alike(&self, line: &KeptLine) -> Vec<&'a SeenExchange> {
        self.alike(line)
            .iter()
            .filter_map(|place| self.get(*place))
            .filter(|seen| fits_backend(line, seen.server) && fits_status(line, seen))
            .collect()
    }

    /// By method and target, or by the path where a log leaves the query out.
    fn alike(&self, line: &KeptLine) -> &[usize] {
        let whole = self.whole.get(&line.asked.whole);
        let by_path = whole.is_none() && !line.asked.query && line.asked.path != 0;
        let alike = if by_path { self.path.get(&line.asked.path) } else { whole };
        alike.map(Vec::as_slice).unwrap_or_default()
    }

    fn in_window(&self, places: &[usize], window: &TimeWindow) -> Vec<usize> {
        // They are sorted by their begin.
        let end = places
            .partition_point(|place| self.get(*place).is_some_and(|seen| seen.begun <= window.to));
        let before = places.get(..end).unwrap_or_default();
        let fits = |place: &&usize| {
            self.get(**place).is_some_and(|seen| window.holds(seen.begun, seen.ended))
        };
        before.iter().rev().take(CANDIDATES).filter(fits).copied().collect()
    }

    /// The candidates of a line, and how they were found. `Id` and `SourcePort` are certain of the
    /// exchange, the others are not.
    pub(crate) fn candidates(
        &self,
        line: &KeptLine,
        clock: &ClockOffset,
    ) -> Option<(MatchedBy, Vec<Hit>)> {
        let window = TimeWindow::of(line, clock);
        let exchanges = |places: Vec<usize>| {
            (!places.is_empty()).then(|| places.into_iter().map(Hit::Exchange).collect::<Vec<_>>())
        };
        // An id that several requests carry is none of them's, but still leaves out all others.
        let mut of_id: Option<Vec<usize>> = None;
        for id in &line.ids {
            let Some(places) = self.ids.get(id) else { continue };
            // One trace can be of several requests.
            let same = |place: &&usize| {
                self.get(**place).is_some_and(|seen| seen.asked.whole == line.asked.whole)
            };
            let same: Vec<usize> = places.iter().filter(same).copied().collect();
            let places = if same.is_empty() { places.clone() } else { same };
            let chain: Vec<Hit> = places.iter().map(|place| Hit::Exchange(*place)).collect();
            let alone =
                self.lines_of_id.get(&(*id, line.asked.whole)).is_none_or(|lines| *lines < 2);
            if alone && chain.len() <= MAX_ATTEMPTS && self.is_chain(&chain) {
                let inside = self.in_window(&places, &window);
                let only = inside.is_empty() && places.len() == 1;
                let found = if only { places.clone() } else { inside };
                if let Some(hits) = exchanges(found) {
                    return Some((MatchedBy::Id, hits));
                }
            }
            of_id = Some(places);
        }
        let may_be = |place: &usize| of_id.as_ref().is_none_or(|places| places.contains(place));
        let by_port = line.source.and_then(|source| self.sources.get(&source)).map(|places| {
            let same = |seen: &SeenExchange| {
                let unknown = line.asked.path == 0 || seen.asked.path == 0;
                fits_backend(line, seen.server) && (unknown || seen.asked.path == line.asked.path)
            };
            let mut inside = self.in_window(places, &window);
            inside.retain(|place| self.get(*place).is_some_and(same) && may_be(place));
            let fits = |place: &usize| self.get(*place).is_some_and(|seen| fits_status(line, seen));
            let fitting: Vec<usize> = inside.iter().filter(|place| fits(place)).copied().collect();
            if fitting.is_empty() { inside } else { fitting }
        });
        if let Some(hits) = by_port.and_then(exchanges) {
            return Some((MatchedBy::SourcePort, hits));
        }
        let connecting = line.says.is_some_and(crate::logs::Says::is_connect)
            || line.attempts.last().is_some_and(|last| last.connected == Some(false));
        let mut sound = Vec::new();
        // Of several attempts some may be exchanges and some connects.
        let listed = is_listed(line);
        if !connecting || listed {
            let by_target = || {
                let mut inside = self.in_window(self.alike(line), &window);
                inside.retain(|place| {
                    may_be(place)
                        && self.get(*place).is_some_and(|seen| fits_backend(line, seen.server))
                });
                let fitting: Vec<usize> = inside
                    .iter()
                    .filter(|place| self.get(**place).is_some_and(|seen| fits_status(line, seen)))
                    .copied()
                    .collect();
                (fitting, inside)
            };
            let (fitting, answered) = by_target();
            sound = answered;
            if let Some(mut hits) = exchanges(fitting) {
                if listed {
                    hits.extend(self.connects_in(line, &window));
                }
                return Some((MatchedBy::TargetAndTime, hits));
            }
            if line.asked.path == 0 && line.error && !line.kept {
                let mut inside = self.in_window(&self.failed, &window);
                inside.retain(|place| {
                    self.get(*place).is_some_and(|seen| fits_backend(line, seen.server))
                });
                if let Some(hits) = exchanges(inside) {
                    return Some((MatchedBy::BackendAndTime, hits));
                }
            }
        }
        let may_connect = connecting || line.error && line.says.is_none();
        if may_connect && !line.kept {
            let hits = self.connects_in(line, &window);
            if !hits.is_empty() {
                return Some((MatchedBy::BackendAndTime, hits));
            }
        }
        // Nothing that went wrong: then the proxy made an error of an answer that was none.
        let alone = line.kind == LineKind::Access && line.error && !line.kept;
        exchanges(sound).filter(|_| alone).map(|hits| (MatchedBy::TargetAndTime, hits))
    }

    /// Failed connects that could be a line's.
    fn connects_in(&self, line: &KeptLine, window: &TimeWindow) -> Vec<Hit> {
        let fits =
            |one: &Connect| fits_backend(line, one.server) && window.holds(one.begun, one.ended);
        let places = self.connects.iter().enumerate().filter(|(_, one)| fits(one));
        places.take(CANDIDATES).map(|(place, _)| Hit::Connect(place)).collect()
    }

    /// Connects carry no id: those among the attempts of a line are found by their times.
    fn attach_connects(&self, line: &KeptLine, found: &mut Match, clock: &ClockOffset) {
        if found.ambiguous || !is_listed(line) {
            return;
        }
        let connects = self.connects_in(line, &TimeWindow::of(line, clock));
        let failed = line.attempts.iter().filter(|one| one.connected == Some(false));
        for attempt in failed {
            let alone = KeptLine { attempts: vec![*attempt], ..line.clone() };
            if let Some(hits) = self.by_attempts(&alone, &connects, clock) {
                found.hits.extend(hits);
            }
        }
        found.hits.sort_by_key(|hit| self.times(*hit));
        found.hits.dedup();
    }

    /// One hit for each attempt of a line whose times the log has, by these times; `None` unless all of
    /// them are clear.
    fn by_attempts(&self, line: &KeptLine, hits: &[Hit], clock: &ClockOffset) -> Option<Vec<Hit>> {
        let near = clock.spread.saturating_add(line.resolution);
        let mut chosen: Vec<Hit> = Vec::new();
        for attempt in &line.attempts {
            let connect = attempt.connected == Some(false);
            let at = clock.corrected(if connect { attempt.begun? } else { attempt.sent? });
            let mut ranked: Vec<(Duration, Hit)> = hits
                .iter()
                .filter(|hit| matches!(hit, Hit::Connect(_)) == connect)
                .map(|hit| {
                    let begun = self.times(*hit).0;
                    (begun.since(at).max(at.since(begun)), *hit)
                })
                .collect();
            ranked.sort();
            let (first, nearest) = *ranked.first()?;
            let clear = ranked.get(1).is_none_or(|(second, _)| {
                *second >= near.saturating_mul(2).max(first.saturating_mul(3))
            });
            if first > near || !clear || chosen.contains(&nearest) {
                return None;
            }
            chosen.push(nearest);
        }
        (!chosen.is_empty()).then_some(chosen)
    }

    /// How far a hit is from where the line's times put it.
    pub(crate) fn distance(&self, line: &KeptLine, hit: Hit, clock: &ClockOffset) -> Duration {
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

    fn times(&self, hit: Hit) -> (Timestamp, Timestamp) {
        match hit {
            Hit::Exchange(place) => self.get(place).map(|seen| (seen.begun, seen.ended)),
            Hit::Connect(place) => self.connects.get(place).map(|one| (one.begun, one.ended)),
        }
        .unwrap_or_default()
    }

    /// Each begins when the one before has just failed.
    fn follow_at_once(&self, hits: &[Hit]) -> bool {
        hits.windows(2).all(|pair| {
            let [first, second] = pair else { return true };
            self.times(*second).0.since(self.times(*first).1) <= AT_ONCE
        })
    }

    /// They can be attempts of one request: by one proxy, one after the other.
    fn is_chain(&self, hits: &[Hit]) -> bool {
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

/// What connecting may take before a request is sent, where the log tells no more than a time.
const CONNECT: Duration = Duration::from_secs(1);
/// No client's connection is believed to have lasted for longer.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// The time in which what a line is of must lie, by the capture's clock.
struct TimeWindow {
    from: Timestamp,
    to: Timestamp,
    /// Both ends of the request are known: it was sent between them. Else it went on at that moment.
    within: bool,
}

impl TimeWindow {
    fn of(line: &KeptLine, clock: &ClockOffset) -> Self {
        let around = clock.tolerance();
        let earlier = |at: Timestamp| {
            let around = u64::try_from(around.as_nanos()).unwrap_or(u64::MAX);
            Timestamp::from_nanos(clock.corrected(at).as_nanos().saturating_sub(around))
        };
        let later = |at: Timestamp| clock.corrected(at).plus(around);
        match (line.begun, line.ended) {
            (Some(begun), _) if line.floor => {
                Self { from: earlier(begun), to: later(begun).plus(LONGEST), within: true }
            }
            (Some(begun), Some(ended)) if line.duration.is_some() => {
                Self { from: earlier(begun), to: later(ended), within: true }
            }
            _ if line.about.is_some() => {
                // If that is its begin, a connect may have come before the request.
                let to = later(line.at()).plus(CONNECT);
                Self { from: earlier(line.at()), to, within: false }
            }
            _ => Self { from: earlier(line.at()), to: later(line.at()), within: false },
        }
    }

    fn holds(&self, begun: Timestamp, ended: Timestamp) -> bool {
        if self.within {
            begun >= self.from && begun <= self.to
        } else {
            begun <= self.to && ended >= self.from
        }
    }
}

/// The log tells of each attempt of this line when it was, as finely as it takes.
fn is_listed(line: &KeptLine) -> bool {
    line.attempts.len() > 1
        && line.resolution <= Duration::from_millis(10)
        && line.attempts.iter().all(|one| one.begun.is_some() && one.sent.is_some())
}

/// The line names no backend, or that one.
fn fits_backend(line: &KeptLine, server: Endpoint) -> bool {
    let mut named =
        line.attempts.iter().filter_map(|one| one.backend).map(request_key::endpoint).peekable();
    named.peek().is_none() || named.any(|backend| backend == server)
}

/// What became of the exchange is what the line says.
fn fits_status(line: &KeptLine, seen: &SeenExchange) -> bool {
    if seen.unread {
        return true;
    }
    if seen.failed && seen.status.is_none_or(|status| status < 500) {
        return line.error || !line.was_sent_once();
    }
    match (line.kind, seen.status) {
        (LineKind::Message, status) => status.is_none_or(|status| status >= 500),
        (LineKind::Access, status) => {
            status.is_some() && (status == line.target_status || status == line.status)
        }
    }
}

/// Matches lines with what they are of, each as far as it can be told. `clocks` are those of the files.
/// The lines of one request may be several: the access log's and messages of the error log.
pub(crate) fn join(
    lines: &[&KeptLine],
    clocks: &[ClockOffset],
    index: &Index<'_>,
) -> Vec<Option<Match>> {
    let clock = |line: &KeptLine| {
        clocks.get(line.file).copied().unwrap_or(ClockOffset::assumed(line.resolution))
    };
    let (mut open, crowded) = crowd::candidates(lines, &clock, index);
    let mut matches: Vec<Option<Match>> = lines.iter().map(|_| None).collect();
    // What a key decides is decided.
    let mut taken: HashMap<(LineKind, Hit), usize> = HashMap::new();
    for (place, line) in lines.iter().enumerate() {
        let Some(slot) = open.get_mut(place) else { continue };
        let Some((by, hits)) =
            slot.take_if(|(by, _)| matches!(by, MatchedBy::Id | MatchedBy::SourcePort))
        else {
            continue;
        };
        let mut found = exact(line, by, hits, &clock(line), index);
        index.attach_connects(line, &mut found, &clock(line));
        for hit in found.hits.iter().filter(|_| !found.ambiguous) {
            taken.insert((line.kind, *hit), place);
        }
        if let Some(slot) = matches.get_mut(place) {
            *slot = Some(found);
        }
    }
    // The others share what is left: nearest times first, as long as that decides anything.
    loop {
        let mut owners: HashMap<(LineKind, Hit), u32> = HashMap::new();
        for (line, slot) in lines.iter().zip(&mut open) {
            let Some((_, hits)) = slot else { continue };
            hits.retain(|hit| !taken.contains_key(&(line.kind, *hit)));
            for hit in hits {
                let count = owners.entry((line.kind, *hit)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let mut decided = false;
        for (place, line) in lines.iter().enumerate() {
            let Some(slot) = open.get_mut(place) else { continue };
            let Some((by, hits)) = slot.as_ref() else { continue };
            let alone = |hit: &Hit| owners.get(&(line.kind, *hit)) == Some(&1);
            let crowd = crowded.contains(&place);
            let chosen = choose(line, by, hits, crowd, &alone, &clock(line), index);
            let Some(chosen) = chosen else { continue };
            let fresh = chosen.iter().all(|hit| !taken.contains_key(&(line.kind, *hit)));
            if !fresh {
                continue;
            }
            // Several messages can be about one request, but one connect fails once.
            for hit in &chosen {
                if line.kind == LineKind::Access || matches!(hit, Hit::Connect(_)) {
                    taken.insert((line.kind, *hit), place);
                }
            }
            let by = *by;
            if let Some(slot) = matches.get_mut(place) {
                *slot = Some(Match { hits: chosen, by, ambiguous: false, outnumbered: false });
            }
            *slot = None;
            decided = true;
        }
        if !decided {
            break;
        }
    }
    for (slot, left) in matches.iter_mut().zip(open) {
        if let Some((by, mut hits)) = left.filter(|(_, hits)| !hits.is_empty()) {
            hits.sort_by_key(|hit| index.times(*hit));
            *slot = Some(Match { hits, by, ambiguous: true, outnumbered: false });
        }
    }
    rivals::mark(lines, &mut matches);
    matches
}

/// A line with a key: of one id there can be several attempts, on one port several requests.
fn exact(
    line: &KeptLine,
    by: MatchedBy,
    mut hits: Vec<Hit>,
    clock: &ClockOffset,
    index: &Index<'_>,
) -> Match {
    hits.sort_by_key(|hit| index.times(*hit));
    let ambiguous = match by {
        MatchedBy::Id => !index.is_chain(&hits),
        _ => {
            hits.sort_by_key(|hit| index.distance(line, *hit, clock));
            let distance =
                |place: usize| hits.get(place).map(|hit| index.distance(line, *hit, clock));
            match (distance(0), distance(1)) {
                (Some(first), Some(second)) => {
                    let clear = second > first.saturating_mul(2).saturating_add(line.resolution);
                    if clear {
                        hits.truncate(1);
                    }
                    !clear
                }
                _ => false,
            }
        }
    };
    Match { hits, by, ambiguous, outnumbered: false }
}

/// What a line is of, if that can be told: the only one that it can be of; attempts of which no other
/// line can be; or the one that its times point at while all others are far. Of a `crowd` not all are known.
fn choose(
    line: &KeptLine,
    by: &MatchedBy,
    hits: &[Hit],
    crowd: bool,
    alone: &dyn Fn(&Hit) -> bool,
    clock: &ClockOffset,
    index: &Index<'_>,
) -> Option<Vec<Hit>> {
    let message = line.kind == LineKind::Message;
    let listed = is_listed(line);
    if let Some(chosen) = index.by_attempts(line, hits, clock).filter(|_| listed) {
        return Some(chosen);
    }
    let mut ranked: Vec<(Duration, Hit)> =
        hits.iter().map(|hit| (index.distance(line, *hit, clock), *hit)).collect();
    ranked.sort();
    let (first, nearest) = *ranked.first()?;
    let Some((second, _)) = ranked.get(1).copied() else {
        let repeats = message && matches!(nearest, Hit::Exchange(_));
        return ((alone(&nearest) || repeats) && !crowd).then(|| vec![nearest]);
    };
    let mut chain: Vec<Hit> = hits.to_vec();
    chain.sort_by_key(|hit| index.times(*hit));
    let unshared = hits.iter().all(alone);
    let counted = match line.tries {
        Some(tries) => usize::try_from(tries).is_ok_and(|tries| tries >= hits.len()),
        None if line.attempts.len() > 1 => line.attempts.len() >= hits.len(),
        None => !line.was_sent_once(),
    };
    let within = line.duration.is_some() && line.about.is_none();
    let connects = chain.iter().all(|hit| matches!(hit, Hit::Connect(_)));
    // Where the log has no duration, a retry follows at once.
    let at_once = *by == MatchedBy::TargetAndTime && index.follow_at_once(&chain);
    let attempts = within || connects || at_once;
    if !message && !crowd && unshared && counted && attempts && index.is_chain(&chain) {
        return Some(chain);
    }
    // One of them fits the times well, and nothing else comes near.
    let near = clock.spread.saturating_add(line.resolution);
    let fine = line.about.is_none() && !line.floor && !listed;
    let clear = fine && first <= near && second >= near.max(first).saturating_mul(3);
    let repeats = message && matches!(nearest, Hit::Exchange(_));
    (clear && (alone(&nearest) || repeats || line.was_sent_once())).then(|| vec![nearest])
}
