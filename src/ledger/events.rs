//! Events: what explains many failures of a backend at once.
//!
//! A restart or deploy closes all connections within moments, connects are refused for a while, new
//! connections follow. An outage is the same without its end, or without its beginning. A backend that
//! was too slow to answer just before belongs to the same story.

use super::event::{Event, EventKind};
use super::failure::Failure;
use super::judgement::Judgement;
use crate::base::time::Timestamp;
use crate::flow::Leg;
use crate::knowledge::connection_ends::LifeSpan;
use crate::knowledge::timers::Timer;
use crate::knowledge::tolerance::tolerance;
use std::collections::BTreeMap;
use std::time::Duration;

/// Closes no further apart belong together: a server shuts its connections down one by one.
const MOMENT: Duration = Duration::from_millis(500);
/// Failed connects no further apart belong together, and to closes before them: proxies try again
/// after seconds.
const RETRIES: Duration = Duration::from_secs(10);
/// So long before a restart slowness is its prelude: health checks and watchdogs take that long.
const PRELUDE: Duration = Duration::from_secs(60);
/// Fewer failed connects are told one by one.
const MIN_CONNECTS: usize = 3;
/// One connection that closes is no event, unless connects fail after it.
const MIN_CLOSES: usize = 2;
/// An event explains several failures.
const MIN_FAILURES: usize = 2;
/// No server restarts for longer.
const LONGEST_RESTART: Duration = Duration::from_secs(120);

/// When a failure came to its end.
fn ended(failure: &Failure) -> Timestamp {
    let close = failure.verdict().close().map(|close| close.frame.at);
    close.or(failure.verdict().evidence().last().map(|last| last.frame.at)).unwrap_or_default()
}

/// When it began.
fn begun(failure: &Failure) -> Timestamp {
    failure.verdict().evidence().first().map_or_else(|| ended(failure), |first| first.frame.at)
}

/// A connect that failed, and whose reason is not told already: that nobody has the address.
fn is_connect(failure: &Failure) -> bool {
    let verdict = failure.verdict();
    verdict.cause().is_failed_connect() && !verdict.finding().never_left()
}

/// Cut off while something was outstanding, or about to be.
fn is_cut(failure: &Failure) -> bool {
    // Who closes before anything is asked takes no more connections, and need not end for that.
    let asked = failure.request().is_some();
    asked && failure.verdict().cause().is_cut()
}

fn is_slow(failure: &Failure) -> bool {
    failure.verdict().cause().is_slow()
}

/// A stretch of trouble: closes within moments, failed connects, or both.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    first: Timestamp,
    last: Timestamp,
    closed: usize,
    refused: usize,
}

impl Judgement<'_> {
    /// Finds what explains many failures at once.
    pub(super) fn find_events(&mut self) {
        let mut of: BTreeMap<Leg, Vec<usize>> = BTreeMap::new();
        for (place, failure) in self.failures.iter().enumerate() {
            of.entry(failure.leg()).or_default().push(place);
        }
        for (leg, places) in of {
            let Some(listener) = self.listener_at(leg) else { continue };
            let failures: Vec<(usize, &Failure)> = places
                .iter()
                .filter_map(|place| Some((*place, self.failures.get(*place)?)))
                .collect();
            let spans: Vec<LifeSpan> = listener.endings.spans.iter().copied().collect();
            for (event, members) in find(leg, &failures, &spans, listener.keepalive()) {
                let number = self.events.len();
                self.events.push(event);
                for place in members {
                    if let Some(failure) = self.failures.get_mut(place) {
                        failure.event = Some(number);
                    }
                }
            }
        }
    }
}

/// The events of one backend, in the order of time, with the places of the failures that belong to
/// each. `failures` are all of its failures, `spans` the lives of its connections, `timer` its
/// keep-alive.
fn find(
    leg: Leg,
    failures: &[(usize, &Failure)],
    spans: &[LifeSpan],
    timer: Option<Timer>,
) -> Vec<(Event, Vec<usize>)> {
    let comings = Comings::of(spans);
    let mut troubles = bursts(spans, failures, timer);
    troubles.extend(refusals(failures, &comings));
    troubles.sort_by_key(|trouble| trouble.first);
    let mut events = Vec::new();
    for trouble in joined(troubles, &comings) {
        let told = trouble.closed >= MIN_CLOSES
            || trouble.refused >= MIN_CONNECTS
            || trouble.closed > 0 && trouble.refused > 0;
        if !told || is_contradicted(&trouble, spans) {
            continue;
        }
        let within = |failure: &Failure| {
            let end = ended(failure);
            (is_cut(failure) || is_connect(failure))
                && end.plus(MOMENT) >= trouble.first
                && end <= trouble.last.plus(MOMENT)
        };
        let prelude = |failure: &Failure| {
            let end = ended(failure);
            is_slow(failure)
                && end <= trouble.last.plus(MOMENT)
                && trouble.first.since(end) <= PRELUDE
        };
        let members: Vec<(usize, &Failure)> = failures
            .iter()
            .filter(|(_, failure)| within(failure) || prelude(failure))
            .copied()
            .collect();
        if members.len() < MIN_FAILURES {
            continue;
        }
        let mut causes = BTreeMap::new();
        for (_, failure) in &members {
            let count: &mut u64 = causes.entry(failure.verdict().cause()).or_default();
            *count = count.saturating_add(1);
        }
        let first = members.iter().map(|(_, one)| begun(one)).min().unwrap_or(trouble.first);
        let first = first.min(trouble.first);
        let before = spans.iter().any(|span| span.established && span.opened < trouble.first);
        let recovered = spans
            .iter()
            .filter(|span| span.established && span.opened > trouble.last)
            .map(|span| span.opened)
            .min();
        let soon = recovered.is_some_and(|at| at.since(trouble.first) <= LONGEST_RESTART);
        let event = Event {
            kind: if before && soon { EventKind::Restart } else { EventKind::Outage },
            leg,
            first,
            last: trouble.last,
            closed: trouble.closed,
            recovered,
            causes,
        };
        events.push((event, members.into_iter().map(|(place, _)| place).collect()));
    }
    events
}

/// Meanwhile the backend did what one that is down or restarts cannot: it accepted a connection, or
/// answered on one that it had from before.
fn is_contradicted(trouble: &Trouble, spans: &[LifeSpan]) -> bool {
    let works = |span: &LifeSpan| {
        let accepted = span.opened > trouble.first && span.opened < trouble.last;
        let answered = span.opened < trouble.first
            && span
                .answered
                .is_some_and(|at| at > trouble.first.plus(MOMENT) && at <= trouble.last);
        let outlives = span.opened < trouble.first
            && span.closed > trouble.last.plus(MOMENT)
            && span.answered.is_some_and(|at| at > trouble.last);
        span.established && (accepted || answered || outlives)
    };
    spans.iter().any(works)
}

/// When connections to the backend came about, in order.
struct Comings(Vec<Timestamp>);

impl Comings {
    fn of(spans: &[LifeSpan]) -> Self {
        let mut times: Vec<Timestamp> =
            spans.iter().filter(|span| span.established).map(|span| span.opened).collect();
        times.sort_unstable();
        Self(times)
    }

    /// One came about after `from` and before `to`.
    fn any_between(&self, from: Timestamp, to: Timestamp) -> bool {
        let next = self.0.partition_point(|opened| *opened <= from);
        self.0.get(next).is_some_and(|opened| *opened < to)
    }
}

/// Troubles that follow each other closely are one, unless the backend was there in between: one that
/// refuses every second connect was not out of service.
fn joined(troubles: Vec<Trouble>, comings: &Comings) -> Vec<Trouble> {
    let mut joined: Vec<Trouble> = Vec::new();
    for trouble in troubles {
        match joined.last_mut() {
            // Closes lead to failed connects, and these to more of them; closes apart from each other
            // have nothing in common.
            Some(before)
                if trouble.refused > 0
                    && trouble.first.since(before.last) <= RETRIES
                    && !comings.any_between(before.last, trouble.first)
                    || trouble.first <= before.last =>
            {
                before.last = before.last.max(trouble.last);
                before.closed = before.closed.saturating_add(trouble.closed);
                before.refused = before.refused.saturating_add(trouble.refused);
            }
            _ => joined.push(trouble),
        }
    }
    joined
}

/// Moments in which the backend closed all its connections, some of them in the middle of a request.
/// Connections that its keep-alive timer ends together are none, and neither is a coming and going, in
/// which it closes connections that were opened meanwhile.
fn bursts(
    spans: &[LifeSpan],
    failures: &[(usize, &Failure)],
    timer: Option<Timer>,
) -> Vec<Trouble> {
    let mut closed: Vec<&LifeSpan> =
        spans.iter().filter(|span| span.by_backend && span.established).collect();
    closed.sort_by_key(|span| span.closed);
    let mut bursts = Vec::new();
    let mut rest = closed.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let mut last = first.closed;
        let more = after.iter().take_while(|span| {
            let near = span.closed.since(last) <= MOMENT;
            last = last.max(if near { span.closed } else { last });
            near
        });
        let count = more.count().saturating_add(1);
        let (group, beyond) = rest.split_at(count.min(rest.len()));
        rest = beyond;
        let comes_and_goes = group.iter().any(|span| span.opened >= first.closed);
        let survives = |span: &LifeSpan| {
            span.established && span.opened < first.closed && span.closed > last.plus(MOMENT)
        };
        let cut = failures.iter().any(|(_, failure)| {
            let end = ended(failure);
            is_cut(failure) && end.plus(MOMENT) >= first.closed && end <= last.plus(MOMENT)
        });
        // The survivors last: they are sought among all connections.
        let stopped = cut
            && !comes_and_goes
            && !by_timer(group, timer)
            && !waited_alike(group, failures, last);
        if stopped && !spans.iter().any(survives) {
            bursts.push(Trouble { first: first.closed, last, closed: count, refused: 0 });
        }
    }
    bursts
}

/// No request waited for so short a time by a timer.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// All of them were waiting for an answer, and had been for the same time: that is what a limit on the
/// time of a request does to requests that came together.
fn waited_alike(group: &[&LifeSpan], failures: &[(usize, &Failure)], last: Timestamp) -> bool {
    let Some(first) = group.first().map(|span| span.closed) else { return false };
    let mut waits: Vec<Duration> = failures
        .iter()
        .filter(|(_, failure)| is_cut(failure))
        .filter(|(_, failure)| (first..=last).contains(&ended(failure)))
        .filter_map(|(_, failure)| failure.verdict().wait())
        .collect();
    waits.sort_unstable();
    let (Some(shortest), Some(longest)) = (waits.first(), waits.last()) else { return false };
    waits.len() >= group.len()
        && *shortest >= SHORTEST_WAIT
        && longest.saturating_sub(*shortest) <= tolerance(*shortest)
}

/// All of them had been idle for the same time, or for that of the timer. One that was not idle had a request
/// outstanding, which a timer does not ask for.
fn by_timer(group: &[&LifeSpan], timer: Option<Timer>) -> bool {
    let idle: Vec<Duration> = group.iter().filter_map(|span| span.idle).collect();
    let (Some(shortest), Some(longest)) = (idle.iter().min(), idle.iter().max()) else {
        return false;
    };
    let alike = longest.saturating_sub(*shortest) <= tolerance(*shortest);
    alike && idle.len() == group.len()
        || timer.is_some_and(|timer| idle.iter().all(|gap| timer.fits(*gap)))
}

/// Connects that failed one after the other, with none between that came about.
fn refusals(failures: &[(usize, &Failure)], comings: &Comings) -> Vec<Trouble> {
    let mut times: Vec<(Timestamp, Timestamp)> = failures
        .iter()
        .filter(|(_, failure)| is_connect(failure))
        .map(|(_, failure)| (begun(failure), ended(failure)))
        .collect();
    times.sort_unstable();
    let mut troubles: Vec<Trouble> = Vec::new();
    for (begun, ended) in times {
        if let Some(run) = troubles.last_mut()
            && begun.since(run.last) <= RETRIES
            && !comings.any_between(run.last, begun)
        {
            run.last = run.last.max(ended);
            run.refused = run.refused.saturating_add(1);
            continue;
        }
        troubles.push(Trouble { first: begun, last: ended, closed: 0, refused: 1 });
    }
    troubles
}
