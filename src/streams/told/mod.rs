//! TLS connections whose text is told by somebody who has it: their segments go on as if they had
//! carried the text.
//!
//! [`Clear`] stands between decoding and the connection table. It is told what was said ([`Spoken`]):
//! text, and which numbers on the wire its ciphertext took. Of a connection of which that is known it
//! rewrites each segment: numbers count text instead of ciphertext, the payload is the text. Handshakes,
//! alerts and tickets become segments without payload. Frames stay what they were, so that everything
//! behind sees an ordinary conversation, and evidence names real frames.
//!
//! Text comes to be known a little later than its segments, so these wait, in the order in which they
//! came. What nobody told is never made up:
//! - a connection of which nothing is told in time passes as it is, TLS;
//! - ciphertext in the middle that nobody explained passes as bytes that were not captured, and a gap
//!   behind them, for how long the text was is not known;
//! - at the end of a connection the same without a gap, unless it can hold no message (`record`).
//!
//! Either end may tell. The sender's word is taken before the receiver's: it says exactly where its text
//! lies, while the receiver may have taken more from the wire than the text it returned.

mod connection;
mod record;
mod spoken;
mod totals;
mod wire_map;

use crate::base::time::Timestamp;
use crate::packet::{Endpoint, Segment, SeqNum};
pub use connection::Pass;
use connection::{Session, Waits};
use foldhash::fast::RandomState;
pub use spoken::{Spoken, TextOrigin};
use std::collections::{BTreeSet, HashMap};
use totals::HeldTotals;
pub use totals::TlsCounts;

/// Connections in each of two generations: as many as the table of connections holds.
const CONNECTIONS: usize = 65_536;

/// Two ends, the same from either side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct EndsKey(Endpoint, Endpoint);

impl EndsKey {
    fn between(one: Endpoint, other: Endpoint) -> Self {
        if one <= other { Self(one, other) } else { Self(other, one) }
    }
}

/// Rewrites the segments of connections whose text is told.
#[derive(Debug, Default)]
pub struct Clear {
    recent: HashMap<EndsKey, Box<Session>, RandomState>,
    before: HashMap<EndsKey, Box<Session>, RandomState>,
    /// Connections whose patience ends, and when.
    due: BTreeSet<(Timestamp, EndsKey)>,
    /// Connections of which something was heard just now.
    heard: Vec<EndsKey>,
    held: HeldTotals,
    counts: TlsCounts,
}

impl Clear {
    /// What was counted so far.
    pub fn counts(&self) -> TlsCounts {
        self.counts
    }

    /// Bytes of text, and of segments that are not understood yet.
    pub fn held_bytes(&self) -> usize {
        self.held.bytes
    }

    /// Takes what was said. Segments that waited for it go on with [`Self::go_on`]: more of what belongs
    /// to them may have been said at once.
    pub fn hear(&mut self, spoken: Spoken, pass: &mut Pass<'_>) {
        let full = self.held.is_full();
        let key = EndsKey::between(spoken.src, spoken.dst);
        self.with(key, |session, counts| session.hear(spoken, full, counts, pass));
        if self.heard.last() != Some(&key) {
            self.heard.push(key);
        }
    }

    /// So many words were lost, of whatever connections.
    pub fn miss(&mut self, lost: u64) {
        self.counts.lost = self.counts.lost.saturating_add(lost);
    }

    /// Lets go on what waited for what was heard.
    pub fn go_on(&mut self, pass: &mut Pass<'_>) {
        let mut heard = std::mem::take(&mut self.heard);
        for key in heard.drain(..) {
            self.with(key, |session, counts| session.go_on(counts, pass));
        }
        self.heard = heard;
    }

    /// Takes the next segment. Returns whether it went on at once, and as it was.
    pub fn take(&mut self, segment: &Segment<'_>, pass: &mut Pass<'_>) -> bool {
        let key = EndsKey::between(segment.src, segment.dst);
        let full = self.held.is_full();
        let mut as_it_was = false;
        self.with(key, |session, counts| {
            as_it_was = session.take(segment, full, counts, pass);
        });
        as_it_was
    }

    /// What a number on the wire of what `src` sends to `dst` is in numbers of text, where the two are
    /// read; else the same.
    pub fn in_text(&self, src: Endpoint, dst: Endpoint, number: SeqNum) -> SeqNum {
        let key = EndsKey::between(src, dst);
        let session = self.recent.get(&key).or_else(|| self.before.get(&key));
        session.and_then(|session| session.in_text(src, dst, number)).unwrap_or(number)
    }

    /// Lets time pass until `now`: what has waited long enough goes on.
    pub fn pass_time(&mut self, now: Timestamp, pass: &mut Pass<'_>) {
        while let Some((due, key)) = self.due.first().copied()
            && due <= now
        {
            self.due.pop_first();
            self.with(key, |session, counts| session.give_up(now, counts, pass));
        }
    }

    /// Nothing more will be told: what waits goes on.
    pub fn finish(&mut self, pass: &mut Pass<'_>) {
        let keys = self.recent.keys().chain(self.before.keys());
        let mut waiting: Vec<(Timestamp, EndsKey)> = keys
            .filter_map(|key| {
                let session = self.recent.get(key).or_else(|| self.before.get(key))?;
                Some((session.waits_since()?, *key))
            })
            .collect();
        waiting.sort_unstable();
        for (_, key) in waiting {
            self.with(key, |session, counts| session.give_up(Timestamp::MAX, counts, pass));
        }
    }

    /// Does something with a connection, and keeps the books of it.
    fn with(&mut self, key: EndsKey, what: impl FnOnce(&mut Session, &mut TlsCounts)) {
        if !self.recent.contains_key(&key) {
            let session = self.before.remove(&key).unwrap_or_default();
            if self.recent.len() >= CONNECTIONS {
                let old = std::mem::replace(&mut self.before, std::mem::take(&mut self.recent));
                for session in old.values() {
                    self.held.replace(session.held(), HeldTotals::default());
                    let waits = session.waits_since().is_some();
                    self.counts.unread = self.counts.unread.saturating_add(waits.into());
                }
            }
            self.recent.insert(key, session);
        }
        let Some(session) = self.recent.get_mut(&key) else { return };
        let before = session.held();
        what(session, &mut self.counts);
        self.held.replace(before, session.held());
        if let Some(Waits { until }) = session.take_wait() {
            self.due.insert((until, key));
        }
    }
}
