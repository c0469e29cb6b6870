//! Probes of a backend's health, told from requests that are made for clients.
//!
//! A probe names itself by its user agent, or it is always the same (the same request, or a connect
//! without any) at a constant period. Until that is known what it shows of idle connections is held
//! back: probes say nothing of keep-alive.

use super::health::Health;
use super::idleness::Idleness;
use super::probe_source::ProbeSource;
use crate::base::time::Timestamp;
use crate::exchange::{Prober, RequestDigest, RequestHead};
use crate::facts::KeptAttempt;
use crate::knowledge::configured::Accepted;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Kinds of requests watched per listener; the one that was silent longest makes room.
const WATCHED: usize = 32;
/// After so many intervals a request is a probe or an ordinary one, unless that is in doubt; then the
/// same is asked of the last ones, again and again.
const DECIDED: usize = 8;
/// Fewer intervals are chance.
const MIN_INTERVALS: usize = 5;
/// Intervals remembered, the last ones. After as many nothing is in doubt any more.
const INTERVALS: usize = 16;
/// Nobody probes more often.
const SHORTEST_PERIOD: Duration = Duration::from_millis(200);
/// Nobody probes less often: the next probe would have come by then.
const LONGEST_PERIOD: Duration = Duration::from_secs(300);
/// Failing probes that are known by their period alone; a client may ask as steadily.
const ENOUGH_FAILED: u64 = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ProbeStage {
    Watching,
    Probe,
    Ordinary,
}

/// One kind of request from one client.
#[derive(Clone, Debug)]
struct Candidate {
    source: ProbeSource,
    stage: ProbeStage,
    prober: Option<Prober>,
    last: Timestamp,
    intervals: Vec<u64>,
    held: Vec<Idleness>,
    health: Health,
    /// The first that was answered outside of what is accepted.
    refused: Option<Arc<KeptAttempt>>,
}

/// A request seen once: most are never seen again, so it costs little.
#[derive(Clone, Copy, Debug)]
struct Once {
    source: ProbeSource,
    at: Timestamp,
    /// How it was answered.
    status: Option<u16>,
    failed: bool,
    /// How its connection was idle before it, and after.
    held: [Option<Idleness>; 2],
}

/// The probes of one listener, and what may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    /// What was asked once, to look for in one short piece of memory; the rest is beside it.
    asked_once: Vec<RequestDigest>,
    once: Vec<Once>,
    /// Where room was made last among those.
    turn: usize,
    candidates: Vec<Candidate>,
}

impl Probes {
    /// Notes a request, or a connect without any; `head` is that of the request.
    pub(super) fn note(
        &mut self,
        source: ProbeSource,
        at: Timestamp,
        head: Option<&RequestHead>,
        release: &mut impl FnMut(IpAddr, Idleness),
    ) {
        if let Some(place) = self.place(source) {
            self.asked_once.swap_remove(place);
            let first = self.once.swap_remove(place);
            self.promote(Candidate::again_after(&first), release);
        }
        if let Some(candidate) = self.of(source) {
            candidate.again(at, head, release);
        } else if let Some(prober) = head.and_then(|head| head.signs.prober) {
            self.promote(Candidate::named(source, at, prober), release);
            if let Some(candidate) = self.of(source) {
                candidate.ask(head);
            }
        } else {
            self.note_once(
                Once { source, at, status: None, failed: false, held: [None; 2] },
                release,
            );
        }
    }

    fn note_once(&mut self, one: Once, release: &mut impl FnMut(IpAddr, Idleness)) {
        if self.once.len() < WATCHED {
            self.asked_once.push(one.source.asked);
            self.once.push(one);
            return;
        }
        self.turn = self.turn.saturating_add(1);
        if self.turn >= self.once.len() {
            self.turn = 0;
        }
        if let (Some(place), Some(asked)) =
            (self.once.get_mut(self.turn), self.asked_once.get_mut(self.turn))
        {
            place.give_back(release);
            (*place, *asked) = (one, one.source.asked);
        }
    }

    /// Watches another; the one that was silent longest and is no probe makes room.
    fn promote(&mut self, candidate: Candidate, release: &mut impl FnMut(IpAddr, Idleness)) {
        if self.candidates.len() >= WATCHED {
            let stalest = (0..self.candidates.len()).min_by_key(|place| {
                self.candidates.get(*place).map(|one| (one.is_probe(), one.last))
            });
            if let Some(place) = stalest {
                self.candidates.swap_remove(place).give_back(release);
            }
        }
        self.candidates.push(candidate);
    }

    /// Where a request seen once stands.
    fn place(&self, source: ProbeSource) -> Option<usize> {
        let mut places = self.asked_once.iter().enumerate();
        let found = places.find(|(place, asked)| {
            **asked == source.asked && self.once.get(*place).is_some_and(|one| one.source == source)
        });
        found.map(|(place, _)| place)
    }

    fn first(&mut self, source: ProbeSource) -> Option<&mut Once> {
        let place = self.place(source)?;
        self.once.get_mut(place)
    }

    fn of(&mut self, source: ProbeSource) -> Option<&mut Candidate> {
        self.candidates
            .iter_mut()
            .find(|one| one.source.asked == source.asked && one.source == source)
    }

    /// Notes how a request was answered. `attempt` is asked for of the first that was answered outside of
    /// what is accepted.
    pub(super) fn answered(
        &mut self,
        source: ProbeSource,
        status: u16,
        accepted: &Accepted,
        attempt: impl FnOnce() -> KeptAttempt,
    ) {
        if let Some(one) = self.first(source) {
            one.status = Some(status);
            one.failed = !accepted.holds(status);
            return;
        }
        let Some(candidate) = self.of(source).filter(|one| one.stage != ProbeStage::Ordinary)
        else {
            return;
        };
        let count = candidate.health.statuses.entry(status).or_default();
        *count = count.saturating_add(1);
        if !accepted.holds(status) {
            candidate.health.failed = candidate.health.failed.saturating_add(1);
            candidate.refused.get_or_insert_with(|| Arc::new(attempt()));
        }
    }

    /// Takes what a connection shows of idleness, if it is a probe's or may be; `false` when it is not.
    pub(super) fn withhold(&mut self, source: ProbeSource, idleness: Idleness) -> bool {
        if let Some(one) = self.first(source) {
            let free = one.held.iter_mut().find(|place| place.is_none());
            return free.map(|place| *place = Some(idleness)).is_some();
        }
        match self.of(source) {
            Some(candidate) => match candidate.stage {
                ProbeStage::Probe => true,
                ProbeStage::Ordinary => false,
                ProbeStage::Watching => {
                    candidate.held.push(idleness);
                    true
                }
            },
            None => false,
        }
    }

    /// Nothing more comes: what is no probe gives back what was held.
    pub(super) fn settle(&mut self, release: &mut impl FnMut(IpAddr, Idleness)) {
        self.asked_once.clear();
        self.once.drain(..).for_each(|mut one| one.give_back(release));
        for candidate in &mut self.candidates {
            candidate.decide(release);
        }
    }

    /// A failure is a probe's.
    pub(super) fn is_probe(&self, source: ProbeSource) -> bool {
        self.candidates.iter().any(|one| one.source == source && one.is_failing_probe())
    }

    /// How the probes of a kind fare so far that names itself, if they fail.
    pub(super) fn health_of_named(&self, source: ProbeSource) -> Option<Health> {
        let named = self.is_named(source) && self.is_probe(source);
        let of_it = |kind: &ProbeKind<'_>| kind.probes.iter().any(|one| one.source == source);
        named.then(|| self.kinds().into_iter().find(of_it).map(|kind| kind.health)).flatten()
    }

    /// The source is a probe by its own word.
    pub(super) fn is_named(&self, source: ProbeSource) -> bool {
        self.candidates.iter().any(|one| one.source == source && one.prober.is_some())
    }

    /// The source asks in a constant rhythm, though one of the row be missing.
    pub(super) fn is_steady(&self, source: ProbeSource) -> bool {
        let steady = |one: &Candidate| one.is_probe() || one.period_but_one().is_some();
        self.candidates.iter().any(|one| one.source == source && steady(one))
    }

    /// A probe of this kind has failed before: the failure counted last is another of a row.
    pub(super) fn has_failed_before(&self, source: ProbeSource) -> bool {
        let again = |one: &Candidate| one.is_probe() && one.health.failed > 1;
        self.candidates.iter().any(|one| one.source == source && again(one))
    }

    /// Counts a failed probe without an answer in the range of statuses.
    pub(super) fn count_failed(&mut self, source: ProbeSource) {
        if let Some(one) = self.first(source) {
            one.failed = true;
            return;
        }
        if let Some(candidate) = self.of(source) {
            candidate.health.failed = candidate.health.failed.saturating_add(1);
        }
    }

    /// The attempt may yet turn out to be one of a row of probes: it is one, it is steady so far, or it was
    /// made once and the next would not have been due yet.
    pub(super) fn may_turn_out(&self, source: ProbeSource, now: Timestamp) -> bool {
        let once = self.place(source).and_then(|place| self.once.get(place));
        let candidate = self.candidates.iter().find(|one| one.source == source);
        once.is_some_and(|once| now.since(once.at) <= LONGEST_PERIOD)
            || candidate.is_some_and(Candidate::may_be_probe)
    }

    /// What may have been a probe is held back.
    pub(super) fn holds_back(&self) -> bool {
        let watched = |one: &Candidate| one.stage == ProbeStage::Watching;
        !self.once.is_empty() || self.candidates.iter().any(watched)
    }

    /// The probes by what they ask, those of several clients as one kind, the most frequent first.
    pub(super) fn kinds(&self) -> Vec<ProbeKind<'_>> {
        let mut kinds: Vec<(RequestDigest, ProbeKind<'_>)> = Vec::new();
        for one in self.candidates.iter().filter(|one| one.is_probe()) {
            let failing = one.is_failing_probe();
            let probe = ProbeOfKind { source: one.source, failing, refused: one.refused.as_ref() };
            match kinds.iter_mut().find(|(asked, _)| *asked == one.source.asked) {
                Some((_, kind)) => {
                    kind.health.add(&one.health);
                    kind.probes.push(probe);
                }
                None => {
                    let mut health = one.health.clone();
                    (health.prober, health.period) = (one.prober, one.period_but_one());
                    kinds.push((one.source.asked, ProbeKind { health, probes: vec![probe] }));
                }
            }
        }
        kinds.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.health.of));
        kinds.into_iter().map(|(_, kind)| kind).collect()
    }
}

/// Probes that ask the same.
pub(super) struct ProbeKind<'p> {
    /// How they fare, by their answers.
    pub(super) health: Health,
    /// The probes of each client.
    pub(super) probes: Vec<ProbeOfKind<'p>>,
}

/// The probes of a kind that come from one client.
pub(super) struct ProbeOfKind<'p> {
    pub(super) source: ProbeSource,
    /// Enough of them fail.
    pub(super) failing: bool,
    /// The first that was answered outside of what is accepted.
    pub(super) refused: Option<&'p Arc<KeptAttempt>>,
}

impl Once {
    fn give_back(&mut self, release: &mut impl FnMut(IpAddr, Idleness)) {
        for idleness in self.held.iter_mut().filter_map(Option::take) {
            release(self.source.client, idleness);
        }
    }
}

impl Candidate {
    /// One that names itself.
    fn named(source: ProbeSource, at: Timestamp, prober: Prober) -> Self {
        let (stage, prober) = (ProbeStage::Probe, Some(prober));
        Self { stage, prober, ..Self::begin(source, at) }
    }

    /// One that was seen before.
    fn again_after(first: &Once) -> Self {
        let mut candidate = Self::begin(first.source, first.at);
        candidate.held.extend(first.held.iter().flatten());
        candidate.health.failed = first.failed.into();
        candidate.health.statuses.extend(first.status.map(|status| (status, 1)));
        candidate
    }

    fn begin(source: ProbeSource, at: Timestamp) -> Self {
        Self {
            source,
            stage: ProbeStage::Watching,
            prober: None,
            last: at,
            intervals: Vec::new(),
            held: Vec::new(),
            health: Health { of: 1, ..Health::default() },
            refused: None,
        }
    }

    /// Notes that the request was made again.
    fn again(
        &mut self,
        at: Timestamp,
        head: Option<&RequestHead>,
        release: &mut impl FnMut(IpAddr, Idleness),
    ) {
        self.ask(head);
        self.health.of = self.health.of.saturating_add(1);
        self.interval(at, release);
    }

    /// What is asked.
    fn ask(&mut self, head: Option<&RequestHead>) {
        if let Some(head) = head.filter(|_| self.health.method.is_empty()) {
            self.health.method = head.method().to_vec();
            self.health.path = head.target().to_vec();
        }
    }

    fn interval(&mut self, at: Timestamp, release: &mut impl FnMut(IpAddr, Idleness)) {
        let interval = at.since(self.last).max(self.last.since(at));
        self.last = self.last.max(at);
        if self.stage == ProbeStage::Ordinary {
            return;
        }
        if self.intervals.len() >= INTERVALS {
            self.intervals.remove(0);
        }
        self.intervals.push(u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX));
        let seen = self.intervals.len();
        let due = seen >= DECIDED && !self.in_doubt() || seen >= INTERVALS;
        if self.stage == ProbeStage::Watching && due {
            self.decide(release);
        }
    }

    fn decide(&mut self, release: &mut impl FnMut(IpAddr, Idleness)) {
        if self.stage == ProbeStage::Watching {
            if self.period_but_one().is_some() {
                self.stage = ProbeStage::Probe;
                self.held = Vec::new();
            } else {
                self.stage = ProbeStage::Ordinary;
                self.give_back(release);
            }
        }
    }

    fn give_back(&mut self, release: &mut impl FnMut(IpAddr, Idleness)) {
        self.held.drain(..).for_each(|idleness| release(self.source.client, idleness));
    }

    /// The period, if four of five intervals are within a fiftieth of it. Connects are all alike, and a
    /// client that asks in turn and is refused is nearly as steady: of those it takes more, and closer.
    fn period(&self) -> Option<Duration> {
        let last = self.last_intervals();
        self.period_of(&last, 0)
    }

    /// The period although one of the row is missing, or has a wrong place in it: what one frame can hide, or
    /// one stamp spoil, must not make many failures of one.
    fn period_but_one(&self) -> Option<Duration> {
        let last = self.last_intervals();
        self.period().or_else(|| self.period_of(&last, self.forgiven(&last)))
    }

    /// Intervals that are none of the period's, and would be if one probe had come as it should: twice as
    /// long, or two that are so together.
    fn forgiven(&self, intervals: &[u64]) -> usize {
        let Some((middle, _)) = self.steady(intervals) else { return 0 };
        let doubled = |interval: u64| self.is_near(interval, middle.saturating_mul(2));
        let displaced = |pair: &[u64]| match pair {
            [one, other] => {
                let near = self.is_near(*one, middle) || self.is_near(*other, middle);
                !near && doubled(one.saturating_add(*other))
            }
            _ => false,
        };
        if intervals.windows(2).any(displaced) {
            2
        } else {
            intervals.iter().any(|interval| doubled(*interval)).into()
        }
    }

    /// The period of a row of intervals, some of which are forgiven.
    fn period_of(&self, intervals: &[u64], forgiven: usize) -> Option<Duration> {
        let enough = if self.is_bare() { DECIDED } else { MIN_INTERVALS };
        let (middle, near) = self.steady(intervals)?;
        let steady = near.saturating_add(forgiven);
        let mostly = steady.saturating_mul(5) >= intervals.len().saturating_mul(4);
        (intervals.len() >= enough && mostly).then_some(middle)
    }

    /// No period, but half of the intervals are steady: a busy host delays some of the first few. Connects
    /// get no such chance: three retries a second apart, and a client that asks in turn, look like that.
    /// Only where the last one came at an odd time the next one is waited for, which may set it right.
    fn in_doubt(&self) -> bool {
        let last = self.last_intervals();
        if self.is_bare() {
            let middle = self.steady(&last).map(|(middle, _)| middle);
            let newest = last.last().zip(middle);
            return newest.is_some_and(|(newest, middle)| !self.is_near(*newest, middle));
        }
        let half = self.steady(&last).is_some_and(|(_, near)| near.saturating_mul(2) >= last.len());
        self.period().is_none() && half
    }

    /// The last intervals; all that are remembered, once it is decided.
    fn last_intervals(&self) -> Vec<u64> {
        let last = if self.stage == ProbeStage::Watching { DECIDED } else { INTERVALS };
        let from = self.intervals.len().saturating_sub(last);
        self.intervals.get(from..).unwrap_or_default().to_vec()
    }

    /// The middle one of these intervals, and how many are near it; `None` where nobody probes so often.
    fn steady(&self, intervals: &[u64]) -> Option<(Duration, usize)> {
        let mut sorted = intervals.to_vec();
        sorted.sort_unstable();
        let middle = Duration::from_nanos(*sorted.get(sorted.len() / 2)?);
        let near = sorted.iter().filter(|interval| self.is_near(**interval, middle)).count();
        (middle >= SHORTEST_PERIOD).then_some((middle, near))
    }

    /// Whether an interval is within a fiftieth of `middle`; of a connect, within a two hundredth.
    fn is_near(&self, interval: u64, middle: Duration) -> bool {
        let width = if self.is_bare() { 200 } else { 50 };
        let middle = u64::try_from(middle.as_nanos()).unwrap_or(u64::MAX);
        interval.abs_diff(middle) <= middle.checked_div(width).unwrap_or_default()
    }

    /// Only connects, nothing is asked.
    fn is_bare(&self) -> bool {
        self.source.asked == RequestDigest::NOTHING
    }

    fn is_probe(&self) -> bool {
        self.stage == ProbeStage::Probe
    }

    /// A probe, or steady so far.
    fn may_be_probe(&self) -> bool {
        match self.stage {
            ProbeStage::Probe => true,
            ProbeStage::Ordinary => false,
            ProbeStage::Watching => {
                let last = self.last_intervals();
                let steady = |(_, near): (Duration, usize)| near.saturating_mul(2) >= last.len();
                last.is_empty() || self.steady(&last).is_some_and(steady)
            }
        }
    }

    /// Whether the request is a probe, and fails often enough to be reported as one.
    fn is_failing_probe(&self) -> bool {
        let Health { failed, of, .. } = self.health;
        let enough = failed >= ENOUGH_FAILED && failed.saturating_mul(5) >= of;
        self.is_probe() && failed > 0 && (self.prober.is_some() || enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_of_five_intervals_near_the_middle_are_a_period() {
        let source = ProbeSource { client: IpAddr::from([10, 0, 0, 9]), asked: RequestDigest(7) };
        let period = |millis: &[u64]| {
            let mut one = Candidate::begin(source, Timestamp::default());
            let mut at = 0;
            for interval in millis {
                at += interval * 1_000_000;
                one.interval(Timestamp::from_nanos(at), &mut |_, _| {});
            }
            one.period()
        };
        assert_eq!(period(&[500, 501, 499, 500, 502]), Some(Duration::from_millis(500)));
        assert_eq!(period(&[5_000, 5_001, 4_999, 5_000, 10_000]), Some(Duration::from_secs(5)));
        assert_eq!(period(&[500, 501, 499, 500]), None, "too few");
        assert_eq!(period(&[100, 100, 100, 100, 100, 100]), None, "too often");
        assert_eq!(period(&[500, 700, 499, 900, 502]), None, "no period");
    }

    #[test]
    fn an_irregular_beginning_hides_no_period() {
        let source = ProbeSource { client: IpAddr::from([10, 0, 0, 9]), asked: RequestDigest(7) };
        let stage = |millis: &[u64]| {
            let mut one = Candidate::begin(source, Timestamp::default());
            let mut at = 0;
            for interval in millis {
                at += interval * 1_000_000;
                one.interval(Timestamp::from_nanos(at), &mut |_, _| {});
            }
            one.stage
        };
        let begin = [464, 501, 550, 453, 502, 502, 500, 503];
        assert_eq!(stage(&begin), ProbeStage::Watching);
        assert_eq!(stage(&[&begin[..], &[500; 7]].concat()), ProbeStage::Probe);
        assert_eq!(stage(&[100, 900, 300, 700].repeat(4)), ProbeStage::Ordinary);
    }
}
