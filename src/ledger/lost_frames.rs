//! When a watch itself lost frames, and what of that an attempt saw.

use crate::base::time::Timestamp;
use crate::facts::losses::{Losses, Stretch};
use crate::facts::{Facts, KeptAttempt, Tried, closing};
use crate::flow::{Connection, Side};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Spans that are kept of one capture.
const MOST: usize = 1_024;

/// Spans of time in which frames were lost: in order, apart from each other, and not too many.
#[derive(Clone, Debug, Default)]
pub(super) struct LostSpans(Vec<(Timestamp, Timestamp)>);

impl LostSpans {
    /// Adds a span; what touches it becomes one with it. Where there are too many, the two nearest do.
    fn add(&mut self, from: Timestamp, to: Timestamp) {
        let (mut from, mut to) = (from.min(to), from.max(to));
        self.0.retain(|(begin, end)| {
            let apart = *end < from || *begin > to;
            if !apart {
                (from, to) = (from.min(*begin), to.max(*end));
            }
            apart
        });
        let place = self.0.partition_point(|(begin, _)| *begin < from);
        self.0.insert(place, (from, to));
        if self.0.len() > MOST {
            self.join_nearest();
        }
    }

    fn join_nearest(&mut self) {
        let apart = self.0.windows(2).map(|pair| match pair {
            [(_, end), (begin, _)] => begin.since(*end),
            _ => std::time::Duration::MAX,
        });
        let Some((place, _)) = apart.enumerate().min_by_key(|(_, apart)| *apart) else { return };
        let next = self.0.remove(place.saturating_add(1));
        if let Some(span) = self.0.get_mut(place) {
            span.1 = span.1.max(next.1);
        }
    }

    /// Frames were lost between these times.
    fn overlap(&self, from: Timestamp, to: Timestamp) -> bool {
        let place = self.0.partition_point(|(_, end)| *end < from);
        self.0.get(place).is_some_and(|(begin, _)| *begin <= to)
    }
}

/// What is known of frames that a watch lost.
#[derive(Clone, Debug, Default)]
pub(super) struct LostFrames {
    spans: BTreeMap<u32, LostSpans>,
    /// How many attempts of each list were held against that.
    pub(super) settled: [usize; 4],
    /// How many of the exchanges that are unsettled.
    pub(super) settled_exchanges: usize,
}

impl LostFrames {
    /// A capture lost frames between these times.
    pub(super) fn add(&mut self, capture: u32, from: Timestamp, to: Timestamp) {
        self.spans.entry(capture).or_default().add(from, to);
    }

    /// What was lost in an attempt's life.
    pub(super) fn of(&self, tried: Tried<'_>, connection: &Connection) -> Losses {
        match self.spans.get(&connection.opened.capture) {
            Some(spans) => stretches(tried, connection, |from, to| spans.overlap(from, to)),
            None => Losses::NONE,
        }
    }

    /// Facts, with what is known by now of what was lost.
    pub(super) fn with<'f>(&self, facts: Facts<'f>) -> Facts<'f> {
        Facts { losses: self.of(facts.tried, facts.connection), ..facts }
    }
}

impl LostFrames {
    /// Notes with an attempt what was lost in its life.
    pub(super) fn note(&self, attempt: &mut Arc<KeptAttempt>) {
        let losses = self.of(attempt.tried(), attempt.connection());
        if losses != Losses::NONE {
            Arc::make_mut(attempt).losses = losses;
        }
    }
}

/// What was lost in an attempt's life; `lost` says whether frames were between two times.
fn stretches(
    tried: Tried<'_>,
    connection: &Connection,
    lost: impl Fn(Timestamp, Timestamp) -> bool,
) -> Losses {
    let close = closing::first(connection).map(|closing| closing.mark.frame.at);
    let end = connection.seen_until.max(connection.last.at).max(close.unwrap_or_default());
    let until = close.unwrap_or(end);
    let mut losses = Losses::NONE;
    let mut note = |stretch, from: Timestamp, to: Timestamp| {
        if lost(from.min(to), from.max(to)) {
            losses = losses.with(stretch);
        }
    };
    match tried {
        Tried::Exchange(exchange) => {
            let begun = exchange.request.first.at;
            let quiet = exchange.quiet_since.map_or(connection.opened.at, |quiet| quiet.at);
            note(Stretch::Before, quiet.min(begun), begun);
            note(Stretch::Waiting, begun, until);
            let again = [Side::Client, Side::Server].into_iter().filter_map(|side| {
                let again = connection.half(side).last_resent.as_deref()?.at;
                (again > begun).then_some(again)
            });
            note(Stretch::LastCopy, again.min().unwrap_or(begun), until);
        }
        Tried::Connect(_) => connect(connection, until, &mut note),
    }
    if close.is_some() {
        note(Stretch::Closed, until, end);
    }
    losses
}

/// The parts of a connect.
fn connect(
    connection: &Connection,
    until: Timestamp,
    note: &mut impl FnMut(Stretch, Timestamp, Timestamp),
) {
    if let Some(asked) = connection.no_neighbour.as_deref() {
        note(Stretch::Waiting, asked.first.at, until);
        note(Stretch::LastCopy, asked.last.at, until);
        return;
    }
    note(Stretch::Waiting, connection.opened.at, until);
    note(Stretch::LastCopy, connection.last_syn.unwrap_or(connection.opened).at, until);
    if let (Some(first), Some(last)) = (connection.syn, connection.last_syn) {
        // No try waits for longer than those after it: the first for no longer than they all do on average.
        let tries = connection.syns.saturating_sub(1).max(1);
        let wait = last.at.since(first.at).checked_div(tries).unwrap_or_default();
        note(Stretch::FirstTry, first.at, first.at.plus(wait));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn spans(all: &[(u64, u64)]) -> LostSpans {
        let mut spans = LostSpans::default();
        all.iter().for_each(|(from, to)| spans.add(at(*from), at(*to)));
        spans
    }

    #[test]
    fn spans_that_touch_are_one_in_whatever_order_they_come() {
        let joined = spans(&[(30, 40), (10, 20), (50, 45), (20, 30), (60, 70)]);
        assert_eq!(joined.0, [(at(10), at(40)), (at(45), at(50)), (at(60), at(70))]);
        for (from, to, lost) in
            [(0, 9, false), (0, 10, true), (40, 41, true), (41, 44, false), (71, 99, false)]
        {
            assert_eq!(joined.overlap(at(from), at(to)), lost, "{from}..{to}");
        }
    }

    #[test]
    fn where_there_are_too_many_the_two_nearest_become_one() {
        let many: Vec<(u64, u64)> =
            (0..1_024).map(|place| (place * 100, place * 100 + 1)).collect();
        let mut spans = spans(&many);
        spans.add(at(50_060), at(50_060));
        assert_eq!(spans.0.len(), MOST);
        assert!(spans.overlap(at(50_070), at(50_090)), "40 apart");
        assert!(!spans.overlap(at(50_010), at(50_050)), "59 apart");
    }
}
