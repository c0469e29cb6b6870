//! How many exchanges, and how many failures, began when: a row of buckets over the span of the captures.
//!
//! Which listeners are backends shows only at the end, so each has buckets of its own until then. How
//! long a bucket is, is one for all, and grows with what there is: each length is a multiple of the one
//! before, so that nothing has to be split.

use super::model::{FailureRecord, OverTime};
use crate::base::time::Timestamp;
use crate::flow::Leg;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Buckets of a report.
const MOST: usize = 200;
/// Buckets of all listeners together; as many listeners at most.
const ALL: usize = 1 << 16;
/// Lengths of buckets in seconds.
const SECONDS: [u64; 16] = [
    1,
    2,
    10,
    20,
    60,
    120,
    600,
    1_200,
    3_600,
    7_200,
    43_200,
    86_400,
    864_000,
    8_640_000,
    86_400_000,
    864_000_000,
];

/// Exchanges by listener and time.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// The length of a bucket, by its place in [`SECONDS`].
    length: usize,
    /// Of each listener the buckets in which something began: which one, and how often. In order.
    listeners: HashMap<Leg, Vec<(u64, u64)>, RandomState>,
    /// Buckets in all.
    buckets: usize,
}

impl Activity {
    /// An exchange of a leg began.
    pub fn note(&mut self, leg: Leg, at: Timestamp) {
        if self.listeners.len() >= ALL && !self.listeners.contains_key(&leg) {
            return;
        }
        let index = bucket(at, self.length);
        let buckets = self.listeners.entry(leg).or_default();
        match buckets.last_mut() {
            Some((last, count)) if *last == index => {
                *count = count.saturating_add(1);
                return;
            }
            _ => {}
        }
        match buckets.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(place) => {
                if let Some((_, count)) = buckets.get_mut(place) {
                    *count = count.saturating_add(1);
                }
                return;
            }
            Err(place) => buckets.insert(place, (index, 1)),
        }
        self.buckets = self.buckets.saturating_add(1);
        let full = buckets.len() > MOST || self.buckets > ALL;
        if full && self.length.saturating_add(1) < SECONDS.len() {
            self.lengthen();
        }
    }

    /// Exchanges of all legs.
    pub fn total(&self) -> u64 {
        let counts = self.listeners.values().flatten().map(|(_, count)| *count);
        counts.fold(0, u64::saturating_add)
    }

    /// Makes the buckets longer, those of all listeners.
    fn lengthen(&mut self) {
        let longer = self.length.saturating_add(1);
        let times = seconds(longer).checked_div(seconds(self.length)).unwrap_or(1);
        self.buckets = 0;
        for buckets in self.listeners.values_mut() {
            let mut merged: Vec<(u64, u64)> = Vec::new();
            for (index, more) in buckets.iter() {
                let index = index.checked_div(times).unwrap_or(0);
                match merged.last_mut() {
                    Some((last, count)) if *last == index => *count = count.saturating_add(*more),
                    _ => merged.push((index, *more)),
                }
            }
            self.buckets = self.buckets.saturating_add(merged.len());
            *buckets = merged;
        }
        self.length = longer;
    }

    /// What began between the first frame and the last: exchanges with the listeners that are wanted.
    /// Nothing has failed yet.
    pub(super) fn over_time(
        mut self,
        first: Timestamp,
        last: Timestamp,
        wanted: impl Fn(Leg) -> bool,
    ) -> Vec<OverTime> {
        let count = |length: usize| {
            let count = bucket(last, length).saturating_sub(bucket(first, length));
            usize::try_from(count).unwrap_or(usize::MAX).saturating_add(1)
        };
        while count(self.length) > MOST && self.length.saturating_add(1) < SECONDS.len() {
            self.lengthen();
        }
        let begin = bucket(first, self.length);
        let nanos = seconds(self.length).saturating_mul(1_000_000_000);
        let mut row: Vec<OverTime> = (begin..)
            .take(count(self.length).min(MOST))
            .map(|index| Timestamp::from_nanos(index.saturating_mul(nanos)))
            .map(|at| OverTime { at, exchanges: 0, failed: 0, exchanges_failed: 0 })
            .collect();
        let wanted = self.listeners.iter().filter(|(leg, _)| wanted(**leg));
        for (index, more) in wanted.flat_map(|(_, buckets)| buckets) {
            let place = usize::try_from(index.saturating_sub(begin)).unwrap_or(usize::MAX);
            if let Some(bucket) = row.get_mut(place) {
                bucket.exchanges = bucket.exchanges.saturating_add(*more);
            }
        }
        row
    }
}

/// Counts failures in the buckets in which they began; those of a log may have begun outside of all.
pub(super) fn count_failures(row: &mut [OverTime], last: Timestamp, failures: &[FailureRecord]) {
    for failure in failures.iter().filter(|failure| failure.at <= last) {
        let after = row.partition_point(|bucket| bucket.at <= failure.at);
        if let Some(bucket) = after.checked_sub(1).and_then(|place| row.get_mut(place)) {
            bucket.failed = bucket.failed.saturating_add(1);
            // What has no attempt at a backend behind it, or never got a connection, is none of the exchanges.
            let is_exchange = failure.connection.is_some() && failure.request.is_some();
            let more = u64::from(is_exchange);
            bucket.exchanges_failed = bucket.exchanges_failed.saturating_add(more);
        }
    }
}

fn seconds(length: usize) -> u64 {
    SECONDS.get(length).copied().unwrap_or(1)
}

fn bucket(at: Timestamp, length: usize) -> u64 {
    (at.as_nanos() / 1_000_000_000).checked_div(seconds(length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Endpoint;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000 + 7)
    }

    #[test]
    fn each_length_is_a_multiple_of_the_one_before() {
        assert!(SECONDS.windows(2).all(|two| two[1] % two[0] == 0 && two[1] > two[0]));
    }

    #[test]
    fn whatever_the_span_there_are_few_buckets_and_nothing_is_lost() {
        let leg = |last| {
            let server = Endpoint { addr: [10, 0, 0, last].into(), port: 80 };
            Leg { server, inside: false }
        };
        for span in [0, 1, 199, 200, 201, 4_000, 90_000, 40_000_000, 18_000_000_000] {
            let mut activity = Activity::default();
            for step in 0..1_000 {
                activity.note(leg(1), at(span * step / 1_000));
                activity.note(leg(2), at(span - span * step / 1_000));
                activity.note(leg(3), at(span));
            }
            let row = activity.over_time(at(0), at(span), |one| one != leg(3));
            assert!(row.len() <= MOST && !row.is_empty(), "{span}: {}", row.len());
            assert_eq!(row.iter().map(|one| one.exchanges).sum::<u64>(), 2_000, "{span}");
            assert!(row.is_sorted_by(|one, next| one.at < next.at));
        }
    }
}
