//! All that a log shows by itself: events first, then limits, then what is no race, then timers, for each may only be
//! looked for among the failures that those before it leave.

use super::bursts;
use super::events::{self, BackendBurst};
use super::finding::{
    KeepaliveTimer, LogFinding, LogFindingKind, LoggedEvent, TimeLimit, Together,
};
use super::late;
use super::limit::{self, LimitFound};
use super::rows::{Answered, FailedBy, FailedRequest, LoggedRequests};
use super::timer::{self, SearchBounds, TimerFound, TimerSearch};
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Places at which a timer is looked for, those with the most failures first; each costs a walk over its answers.
const PLACES: usize = 64;

/// What the log shows, what explains most first. A backend's timer above the `proxy_idle` of the proxy's own would
/// never meet a request, so none is named.
pub fn findings(mut requests: LoggedRequests, proxy_idle: Option<Duration>) -> Vec<LogFinding> {
    // Messages are about requests of which an access log tells as well; without one, they are what there is.
    let access = requests.failed.iter().any(|one| !one.message);
    requests.failed.retain(|one| !(access && one.message));
    requests.failed.sort_by_key(|one| (one.end, one.line));
    requests.answered.sort_unstable_by_key(|one| (one.place, one.sent));
    if requests.failed.is_empty() {
        return Vec::new();
    }
    let mut search =
        Search { open: vec![true; requests.failed.len()], requests: &requests, found: Vec::new() };
    search.limits();
    search.events();
    search.too_late();
    search.timers(proxy_idle);
    let mut found = search.found;
    found.sort_by_key(|one| (Reverse(one.explains()), Reverse(one.count), one.first));
    found
}

/// A search under way.
struct Search<'r> {
    requests: &'r LoggedRequests,
    /// Which of the failures nothing explains yet.
    open: Vec<bool>,
    found: Vec<LogFinding>,
}

impl<'r> Search<'r> {
    /// The failures that nothing explains yet, with their places.
    fn left(&self) -> impl Iterator<Item = (usize, &'r FailedRequest)> {
        let failed = self.requests.failed.iter().enumerate();
        let open = self.open.clone();
        failed.filter(move |(place, _)| open.get(*place).copied().unwrap_or(false))
    }

    /// The answers of one place.
    fn answers(&self, place: u32) -> &'r [Answered] {
        let all = self.requests.answered.as_slice();
        let from = all.partition_point(|one| one.place < place);
        let until = all.partition_point(|one| one.place <= place);
        all.get(from..until).unwrap_or_default()
    }

    fn backend(&self, place: u32) -> Option<Endpoint> {
        let place = usize::try_from(place).ok()?;
        self.requests.places.get(place)?.backend
    }

    /// The coarsest unit of times at a place.
    fn unit(&self, place: u32) -> u64 {
        let place = usize::try_from(place).ok();
        place.and_then(|place| self.requests.units.get(place)).copied().unwrap_or_default()
    }

    /// Notes what explains these failures.
    fn note(&mut self, kind: LogFindingKind, explains: &[usize]) {
        for place in explains {
            if let Some(open) = self.open.get_mut(*place) {
                *open = false;
            }
        }
        let failed: Vec<&FailedRequest> =
            explains.iter().filter_map(|place| self.requests.failed.get(*place)).collect();
        let ends = || failed.iter().map(|one| one.end);
        let mut backends: Vec<Endpoint> =
            failed.iter().filter_map(|one| self.backend(one.place)).collect();
        backends.sort_by_key(Endpoint::to_string);
        backends.dedup();
        let mut patterns = failed.iter().map(|one| one.pattern);
        let pattern = patterns.next().filter(|first| patterns.all(|other| other == *first));
        self.found.push(LogFinding {
            kind,
            backends,
            asked: pattern.and_then(|pattern| self.requests.asked.get(&pattern)).cloned(),
            first: moment(ends().min().unwrap_or_default()),
            last: moment(ends().max().unwrap_or_default()),
            count: count(failed.len()),
            lines: failed.iter().map(|one| one.line).collect(),
        });
    }

    fn limits(&mut self) {
        for found in limit::limits(&self.requests.answered, &self.requests.failed) {
            let LimitFound { span, by_proxy, explains, of, answers: [answers, as_long] } = found;
            let [shortest, longest] = span.map(Duration::from_micros);
            let limit = TimeLimit {
                shortest,
                longest,
                by_proxy,
                of: count(of),
                answers: count(answers),
                as_long: count(as_long),
            };
            self.note(LogFindingKind::Limit(limit), &explains);
        }
    }

    fn events(&mut self) {
        let mut of_backend: BTreeMap<Option<String>, Vec<(usize, &FailedRequest)>> =
            BTreeMap::new();
        let mut endpoints: BTreeMap<String, Endpoint> = BTreeMap::new();
        for (place, failed) in self.left().filter(|(_, one)| one.by != FailedBy::NoAnswer) {
            let backend = self.backend(failed.place);
            let name = backend.map(|backend| backend.to_string());
            endpoints.extend(name.clone().zip(backend));
            of_backend.entry(name).or_default().push((place, failed));
        }
        let answered = &self.requests.answered;
        let ends = self.requests.failed.iter().map(|one| one.end);
        let times = || answered.iter().map(|one| one.sent).chain(ends.clone());
        let log = [times().min().unwrap_or_default(), times().max().unwrap_or_default()];
        let mut found: Vec<BackendBurst> = Vec::new();
        for (name, failed) in of_backend {
            let backend = name.and_then(|name| endpoints.get(&name).copied());
            let mut sent: Vec<u64> = Vec::new();
            for place in (0..).zip(&self.requests.places).filter(|(_, one)| one.backend == backend)
            {
                sent.extend(self.answers(place.0).iter().map(|one| one.sent));
            }
            sent.sort_unstable();
            let bursts = bursts::bursts(&failed, &sent, log);
            found.extend(bursts.into_iter().map(|burst| (backend, burst)));
        }
        let named = self.requests.places.iter().filter_map(|place| place.backend);
        let named: BTreeSet<String> = named.map(|backend| backend.to_string()).collect();
        for (event, of) in events::events(found, named.len()) {
            self.note_event(event, &of);
        }
    }

    fn note_event(&mut self, event: LoggedEvent, of: &[BackendBurst]) {
        let sum = |part: fn(&BackendBurst) -> usize| count(of.iter().map(part).sum());
        let again = match of {
            [(_, one)] => one.again.map(moment),
            _ => None,
        };
        let together = Together {
            event,
            cut: sum(|(_, burst)| burst.cut),
            not_sent: sum(|(_, burst)| burst.not_sent),
            again,
        };
        let mut explains: Vec<usize> =
            of.iter().flat_map(|(_, burst)| burst.explains.iter().copied()).collect();
        explains.sort_unstable();
        // A burst of unknown reason is told, and its failures stay: they may be races all the same.
        let open = self.open.clone();
        self.note(LogFindingKind::Together(together), &explains);
        if event == LoggedEvent::Burst {
            self.open = open;
        }
    }

    /// Failures by place, of those that are left and were closed or reset.
    fn cut(&self) -> BTreeMap<u32, Vec<(usize, &'r FailedRequest)>> {
        let mut cut: BTreeMap<u32, Vec<(usize, &FailedRequest)>> = BTreeMap::new();
        for (place, failed) in self.left().filter(|(_, one)| one.by == FailedBy::Cut) {
            cut.entry(failed.place).or_default().push((place, failed));
        }
        cut
    }

    fn too_late(&mut self) {
        for (place, failed) in self.cut() {
            let bound = late::too_late_after(self.answers(place));
            let late = failed.iter().filter(|(_, one)| one.took.is_some_and(|took| took > bound));
            let late: Vec<&(usize, &FailedRequest)> = late.collect();
            let took = || late.iter().filter_map(|(_, one)| one.took);
            let Some((shortest, longest)) = took().min().zip(took().max()) else { continue };
            let [shortest, longest, bound] = [shortest, longest, bound].map(Duration::from_micros);
            let places: Vec<usize> = late.iter().map(|(place, _)| *place).collect();
            self.note(LogFindingKind::TooLate { shortest, longest, bound }, &places);
        }
    }

    fn timers(&mut self, proxy_idle: Option<Duration>) {
        let below = proxy_idle.map(|idle| u64::try_from(idle.as_micros()).unwrap_or(u64::MAX));
        let mut places: Vec<(u32, Vec<(usize, &FailedRequest)>)> = Vec::new();
        for (place, mut failed) in self.cut() {
            failed.retain(|(_, one)| one.sent.is_some() && one.took.is_some());
            failed.sort_by_key(|(_, one)| one.sent);
            places.push((place, failed));
        }
        places.sort_by_key(|(place, failed)| (Reverse(failed.len()), *place));
        places.retain(|(_, failed)| failed.len() > 2);
        places.truncate(PLACES);
        let searched = places.len();
        for (place, failed) in places {
            let ones: Vec<&FailedRequest> = failed.iter().map(|(_, one)| *one).collect();
            let indices: Vec<usize> = failed.iter().map(|(index, _)| *index).collect();
            let bounds = SearchBounds { places: searched, below, unit: self.unit(place) };
            match timer::search(self.answers(place), &ones, bounds) {
                TimerSearch::Found(found) => {
                    let explains = found.explains.iter().filter_map(|one| indices.get(*one));
                    let explains: Vec<usize> = explains.copied().collect();
                    let timer = timer_of(&found, self.unit(place));
                    self.note(LogFindingKind::KeepaliveTimer(timer), &explains);
                }
                TimerSearch::Busy(share) => {
                    self.note(LogFindingKind::TooBusy { share }, &indices);
                }
                TimerSearch::FewFailures | TimerSearch::FewControls | TimerSearch::Nothing => {}
            }
        }
    }
}

fn timer_of(found: &TimerFound, unit: u64) -> KeepaliveTimer {
    let [shortest, longest] = found.span.map(Duration::from_micros);
    KeepaliveTimer {
        after: Duration::from_micros(found.time),
        shortest,
        longest,
        window: Duration::from_micros(found.window.max(unit)),
        hits: found.failures.hits.into(),
        failures: found.failures.of.into(),
        control_hits: found.controls.hits.into(),
        controls: found.controls.of.into(),
        chance: found.chance,
    }
}

fn moment(micros: u64) -> Timestamp {
    Timestamp::from_nanos(micros.saturating_mul(1_000))
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
