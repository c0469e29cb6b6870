//! Words that come before the segments that they are about, of connections that are not known yet, or not yet known
//! to speak TLS.

use super::Spoken;
use super::word::{SaidWord, TextBudget, Word};
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::time::Duration;

/// Words that are kept of one pair of ends.
const OF_ENDS: usize = 1_024;
/// Words that are kept in all.
const IN_ALL: usize = 65_536;
/// A word is of no use any more when nothing came for so long.
const FORGOTTEN: Duration = Duration::from_secs(5);

/// Two ends, the same from either side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WordEnds(Endpoint, Endpoint);

impl WordEnds {
    /// The ends of what goes from one to the other.
    pub fn between(one: Endpoint, other: Endpoint) -> Self {
        if one <= other { Self(one, other) } else { Self(other, one) }
    }

    /// The two, in an order of their own.
    pub const fn both(self) -> (Endpoint, Endpoint) {
        (self.0, self.1)
    }
}

/// Words that wait for their connections, and what is held of all.
#[derive(Debug, Default)]
pub struct EarlyWords {
    waiting: HashMap<WordEnds, Vec<Word>, RandomState>,
    count: usize,
    /// Connections of which something was heard just now.
    heard: Vec<WordEnds>,
    budget: TextBudget,
    looked: Timestamp,
}

impl EarlyWords {
    /// Bytes of text that are held, here and of connections that are known.
    pub fn held_bytes(&self) -> usize {
        self.budget.held()
    }

    /// What was said, to be told to the readers of its connection, and the ends of that.
    pub fn word(&mut self, spoken: Spoken) -> (WordEnds, Word) {
        let ends = WordEnds::between(spoken.src, spoken.dst);
        if self.heard.last() != Some(&ends) {
            self.heard.push(ends);
        }
        (ends, Word::Said(SaidWord::of(spoken, &self.budget)))
    }

    /// The connections of which something was heard since this was last asked.
    pub fn take_heard(&mut self) -> Vec<WordEnds> {
        std::mem::take(&mut self.heard)
    }

    /// Whether words wait for a connection between these ends.
    pub fn waits_for(&self, ends: WordEnds) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&ends)
    }

    /// Keeps a word that no connection took, if there is room.
    pub fn keep(&mut self, ends: WordEnds, word: Word) {
        if self.count < IN_ALL {
            let words = self.waiting.entry(ends).or_default();
            if words.len() < OF_ENDS {
                words.push(word);
                self.count = self.count.saturating_add(1);
            }
        }
    }

    /// Offers what waits for a connection in the order in which it came; what `take` does not take waits on.
    /// Returns whether it took any.
    pub fn offer(&mut self, ends: WordEnds, mut take: impl FnMut(&Word) -> bool) -> bool {
        let Some(words) = self.waiting.get_mut(&ends) else { return false };
        let before = words.len();
        words.retain(|word| !take(word));
        let taken = before.saturating_sub(words.len());
        self.count = self.count.saturating_sub(taken);
        if words.is_empty() {
            self.waiting.remove(&ends);
        }
        taken > 0
    }

    /// Forgets what has waited for too long at `now`.
    pub fn pass_time(&mut self, now: Timestamp) {
        if self.waiting.is_empty() || now.since(self.looked) < Duration::from_secs(1) {
            return;
        }
        self.looked = now;
        let fresh = |word: &Word| match word {
            Word::Said(said) => said.at.plus(FORGOTTEN) > now,
            Word::GoOn => false,
        };
        self.waiting.retain(|_, words| {
            words.retain(fresh);
            !words.is_empty()
        });
        self.count = self.waiting.values().map(Vec::len).sum();
    }
}
