//! One direction: which wire numbers hold which text.
//!
//! Wire numbers and numbers of text are both counted from the first byte. Pieces lie one behind the
//! other without holes on the wire. In a piece the text lies at its end: a seal of 16 bytes or so comes
//! after it, while all else, headers, tickets, the rest of a handshake, comes before; and not before all
//! of the ciphertext has arrived can the last of it be read.

use super::spoken::{Spoken, TextOrigin};
use crate::packet::SeqNum;
use std::collections::VecDeque;

/// Where text of unknown length is missing, the numbers go on so much later: more than what can be
/// missing of a message whose ciphertext was counted as text, so that nobody takes what follows for a
/// part of it; far less than what [`flow`](crate::flow) takes for a stray.
const JUMP: i64 = 1 << 24;
/// A number that far from all others is of no window.
const FAR: i64 = 1 << 28;
/// More than the longest record, with what may wait of another in the same buffer.
const RECORD: i64 = 1 << 16;
/// The least that a record adds to its text: header and seal.
const SEAL: i64 = 21;
/// The most that one record adds to its text (CBC with SHA-384: header, vector, digest, padding).
const OVERHEAD: i64 = 96;
/// A record as long as it can be, sealed.
const LONGEST: i64 = 16_384 + SEAL + 1;
/// So many acknowledgements later a segment may come that they are of: [`flow`](crate::flow) waits for
/// frames out of order as long.
const ACKS_BEFORE: u8 = 4;
/// Pieces that are kept for segments that are sent again.
const KEPT: usize = 64;
/// Pieces in all. Of a connection whose segments are not captured nothing else is forgotten.
const MOST: usize = 4_096;

/// Wire numbers `from..to`, which hold the text `at..at + len`.
#[derive(Clone, Debug)]
struct TextPiece {
    from: i64,
    to: i64,
    at: i64,
    len: i64,
    text: Box<[u8]>,
    /// Nobody told what this is.
    unexplained: bool,
    /// More text should follow here, and is missing.
    missing: bool,
}

/// One direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    /// The number of its first byte, in both countings.
    first: Option<SeqNum>,
    /// Who tells.
    by: Option<TextOrigin>,
    pieces: VecDeque<TextPiece>,
    /// Everything before this is explained, or given up.
    known: i64,
    /// Segments went on up to here.
    passed: i64,
    /// And without a hole up to here, but for holes that nothing is to be waited for in.
    whole_to: i64,
    /// Acknowledgements of more than that since.
    acks_of_hole: u8,
    /// What comes before this is no business of ours.
    begin: i64,
    /// The sender opened the connection, or may have: what it says are requests.
    pub(super) asks: bool,
    /// The direction's end was passed on.
    ended: bool,
    /// The last text, or some before it, is of unknown length.
    blind: bool,
    /// The other side has spoken since: what comes next begins a message.
    turned: bool,
    /// What is told next.
    order: u32,
    text_bytes: usize,
}

/// Text that belongs to wire numbers which went on before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Late {
    /// Place in the text.
    at: i64,
    /// Length of the text.
    len: i64,
}

impl Way {
    /// A direction whose first byte has this number.
    pub(super) fn from(first: SeqNum) -> Self {
        Self { first: Some(first), ..Self::default() }
    }

    pub(super) fn first(&self) -> Option<SeqNum> {
        self.first
    }

    pub(super) fn begin_at(&mut self, first: SeqNum) {
        self.first.get_or_insert(first);
    }

    /// Who tells.
    pub(super) fn by(&self) -> Option<TextOrigin> {
        self.by
    }

    /// Whether the receiver tells: more text of what went on may still come.
    pub(super) fn is_told_by_receiver(&self) -> bool {
        self.by == Some(TextOrigin::Receiver)
    }

    /// Bytes of text held.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// The place of a number on the wire; `None` where it belongs to no window.
    pub(super) fn place(&self, seq: SeqNum) -> Option<i64> {
        let first = self.first?;
        let near = self.known;
        let low = u32::try_from(near.cast_unsigned() & 0xffff_ffff).unwrap_or_default();
        let apart = i64::from(seq.0.wrapping_sub(first.0.wrapping_add(low)).cast_signed());
        (apart.saturating_abs() <= FAR).then_some(near.saturating_add(apart))
    }

    /// Everything before `place` is explained.
    pub(super) fn knows(&self, place: i64) -> bool {
        place <= self.known
    }

    /// Everything before this is explained, or given up.
    pub(super) fn known(&self) -> i64 {
        self.known
    }

    /// Something was said before this of which we did not hear.
    pub(super) fn misses(&self, spoken: &Spoken) -> bool {
        self.by == Some(spoken.by) && spoken.order != self.order
    }

    /// Takes what was said. `strictly`: the first that is told must be the first byte. Returns whether
    /// it was of use; text that belongs to wire numbers which went on before is pushed to `late`.
    pub(super) fn hear(&mut self, spoken: Spoken, strictly: bool, late: &mut Vec<Late>) -> Heard {
        let (Some(mut from), Some(to)) = (self.place(spoken.from), self.place(spoken.to)) else {
            return Heard::Ignored;
        };
        let len = i64::from(spoken.len);
        // Ciphertext is longer than its text; of a record the last bytes may have come alone.
        let most = if spoken.again { 0 } else { to.saturating_sub(from) };
        if len > most.saturating_add(RECORD) {
            return Heard::Ignored;
        }
        if self.by == Some(TextOrigin::Receiver)
            && spoken.by == TextOrigin::Sender
            && from == 0
            && self.passed == 0
        {
            // Its word is exact.
            *self = Self { first: self.first, asks: self.asks, ..Self::default() };
        }
        match self.by {
            Some(by) if by != spoken.by => return Heard::Ignored,
            None if strictly && from != 0 => return Heard::Ignored,
            _ => {}
        }
        let lost = self.by.is_some() && spoken.order != self.order;
        self.order = spoken.order.wrapping_add(1);
        if lost {
            // It may have been more text of the last numbers.
            (self.blind, self.turned) = (true, false);
            if let Some(rest) = self.untold().filter(|rest| *rest > SEAL) {
                self.fill_with(rest, late);
            }
        }
        if spoken.again {
            return if to == self.known && !self.ended && self.by.is_some() {
                self.more(len, spoken.text, false, late);
                Heard::Text
            } else {
                Heard::Ignored
            };
        }
        if to <= from || to <= self.known {
            return Heard::Ignored;
        }
        let first = self.by.is_none();
        self.by = Some(spoken.by);
        let mut unexplained = lost;
        if first && !strictly {
            // Where a watch begins in the middle, what came before is not asked for.
            self.begin = from.max(0);
            self.known = self.begin;
            (self.passed, self.whole_to) = (self.begin, self.begin);
        } else if from > self.known {
            self.give_up(from);
            unexplained = true;
        }
        let mut text = spoken.text;
        let mut straddles = false;
        if from < self.known {
            // A part of it was given up before: which part of the text that was, nobody knows.
            from = self.known;
            text = Box::default();
            straddles = len > 0;
        }
        let piece_len = if straddles { to.saturating_sub(from) } else { len };
        self.add(from, to, piece_len, text, straddles);
        match (unexplained || straddles, len > 0) {
            (true, _) => Heard::Hole,
            (_, true) => Heard::Text,
            _ => Heard::Quiet,
        }
    }

    /// More text of the wire numbers that were told last.
    fn more(&mut self, len: i64, text: Box<[u8]>, unexplained: bool, late: &mut Vec<Late>) {
        let Some(last) = self.pieces.back_mut() else { return };
        let at = last.at.saturating_add(last.len);
        let gone_on = self.passed > last.from || last.to == last.from;
        if !gone_on && !unexplained && !self.blind {
            // As if it had been told at once.
            self.text_bytes = self.text_bytes.saturating_add(text.len());
            if i64::try_from(last.text.len()) == Ok(last.len) {
                last.text = [&*last.text, &*text].concat().into();
            } else {
                self.text_bytes = self.text_bytes.saturating_sub(text.len());
            }
            last.len = last.len.saturating_add(len);
            return;
        }
        let to = last.to;
        let jumps = self.blind && self.turned && !unexplained;
        let hidden = self.asks && self.blind && !jumps;
        self.add(to, to, len, text, unexplained);
        if hidden {
            self.mark_missing();
        } else if self.passed >= to && !jumps {
            late.push(Late { at, len });
        }
    }

    /// Adds a piece behind all others.
    fn add(&mut self, from: i64, to: i64, len: i64, text: Box<[u8]>, unexplained: bool) {
        let mut at = self.pieces.back().map_or(from, |last| last.at.saturating_add(last.len));
        let mut text = text;
        if unexplained {
            (self.blind, self.turned) = (true, false);
        } else if len > 0 && self.blind {
            if self.turned {
                // How long the text was that is missing nobody knows.
                at = at.saturating_add(JUMP);
                self.blind = false;
            } else {
                // Where in a message this is cannot be told: it may look like anything.
                text = Box::default();
            }
        }
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        self.pieces.push_back(TextPiece { from, to, at, len, text, unexplained, missing: false });
        self.known = self.known.max(to);
        if self.pieces.len() > MOST {
            self.forget_first();
        }
    }

    /// The other side speaks.
    pub(super) fn turn(&mut self) {
        self.turned = true;
    }

    /// Nobody will explain what comes before `to`, which goes on with a message: it counts as missing,
    /// as if it had been sealed in records as long as they can be.
    pub(super) fn miss(&mut self, to: i64) {
        let from = self.known;
        let wire = to.saturating_sub(from);
        if wire > 0 {
            let records = wire.saturating_add(LONGEST - 1).checked_div(LONGEST).unwrap_or(1);
            let len = wire.saturating_sub(records.saturating_mul(SEAL + 1)).max(0);
            self.add(from, to, len, Box::default(), true);
            self.mark_missing();
        }
    }

    /// Nobody will explain what comes before `to`: it counts as bytes that were not captured.
    pub(super) fn give_up(&mut self, to: i64) {
        let from = self.known;
        if to > from {
            self.add(from, to, to.saturating_sub(from), Box::default(), true);
        }
    }

    /// What comes before `to` holds no message.
    pub(super) fn is_silent_to(&mut self, to: i64) {
        if to > self.known {
            self.add(self.known, to, 0, Box::default(), false);
        }
    }

    /// Ends the direction at `place`: the end takes a number of its own, in both countings.
    pub(super) fn end(&mut self, place: i64) {
        if place == self.known && !self.ended {
            self.ended = true;
            self.blind = false;
            self.add(place, place.saturating_add(1), 1, Box::default(), false);
        }
    }

    /// The connection ends, and the receiver did not ask for all that it had taken from the wire: the
    /// rest of it is there, though nobody told it.
    pub(super) fn fill(&mut self, late: &mut Vec<Late>) {
        let least = if self.blind { SEAL } else { OVERHEAD };
        if let Some(rest) = self.untold().filter(|rest| *rest > least) {
            self.fill_with(rest, late);
        }
    }

    /// What asks is not to be taken for the beginning of another request: of that the rest is missing,
    /// while of an answer it was not captured.
    fn fill_with(&mut self, rest: i64, late: &mut Vec<Late>) {
        if self.asks {
            let to = self.known;
            self.add(to, to, rest.saturating_sub(SEAL), Box::default(), true);
            self.mark_missing();
        } else {
            self.more(rest, Box::default(), true, late);
        }
    }

    /// By how much the text of the wire numbers that the receiver told last is shorter than they are;
    /// `None` where it is no text, or ended.
    fn untold(&self) -> Option<i64> {
        if !self.is_told_by_receiver() || self.ended {
            return None;
        }
        let mut told = 0_i64;
        for piece in self.pieces.iter().rev() {
            if piece.unexplained {
                return None;
            }
            told = told.saturating_add(piece.len);
            if piece.to > piece.from {
                let wire = piece.to.saturating_sub(piece.from);
                return (told > 0).then_some(wire.saturating_sub(told));
            }
        }
        None
    }

    fn mark_missing(&mut self) {
        if let Some(piece) = self.pieces.back_mut() {
            piece.missing = true;
        }
    }

    /// The number of a place in the text.
    fn number(&self, at: i64) -> Option<SeqNum> {
        let low = u32::try_from(at.cast_unsigned() & 0xffff_ffff).unwrap_or_default();
        self.first.map(|first| first.plus(low))
    }

    /// How much text has gone over the wire before `place`.
    fn text_before(&self, place: i64) -> i64 {
        let ended = self.pieces.partition_point(|piece| piece.to <= place);
        if let Some(piece) = self.pieces.get(ended).filter(|piece| place > piece.from) {
            let open = piece.to.saturating_sub(place);
            return piece.at.saturating_add(piece.len.saturating_sub(open).max(0));
        }
        match ended.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(last) => {
                let end = last.at.saturating_add(last.len);
                end.saturating_add(place.saturating_sub(last.to))
            }
            None => {
                let first = self.pieces.front().map_or((0, 0), |piece| (piece.from, piece.at));
                first.1.saturating_add(place.saturating_sub(first.0))
            }
        }
    }

    /// What an acknowledgement of everything before `place` says in numbers of text.
    pub(super) fn acknowledged(&self, place: i64) -> Option<SeqNum> {
        self.number(self.text_before(place))
    }

    /// The parts of a segment with the wire numbers `from..to`; several where text is missing in
    /// between. Each is given with its number, its length, and the beginning of its text.
    pub(super) fn parts(&mut self, from: i64, to: i64, mut part: impl FnMut(SeqNum, u32, &[u8])) {
        let from = from.max(self.begin.min(to));
        self.passed = self.passed.max(to);
        if from <= self.whole_to && to > self.whole_to {
            (self.whole_to, self.acks_of_hole) = (to, 0);
        }
        let mut start = from;
        loop {
            // Where numbers jump a part ends.
            let next = self.pieces.partition_point(|piece| piece.from < start || piece.to <= start);
            let jump = self
                .pieces
                .iter()
                .skip(next.saturating_sub(1))
                .zip(self.pieces.iter().skip(next.saturating_sub(1).saturating_add(1)))
                .take_while(|(_, after)| after.from < to)
                .find(|(before, after)| {
                    after.from > start && before.at.saturating_add(before.len) != after.at
                })
                .map(|(_, after)| after.from);
            let end = jump.unwrap_or(to);
            let (mut first, last) = (self.begins_at(start), self.text_before(end));
            if self.pieces.back().is_some_and(|piece| piece.missing && piece.from <= start) {
                first = last;
            }
            let len = u32::try_from(last.saturating_sub(first)).unwrap_or(0);
            let text = self.text(first, last);
            if let Some(seq) = self.number(first) {
                part(seq, len, &text);
            }
            match jump {
                Some(next) => start = next,
                None => return,
            }
        }
    }

    /// The place in the text at which a segment begins that begins at `place` on the wire.
    fn begins_at(&self, place: i64) -> i64 {
        let next = self.pieces.partition_point(|piece| piece.to <= place);
        match self.pieces.get(next) {
            Some(piece) if piece.from == place => piece.at,
            _ => self.text_before(place),
        }
    }

    /// What is there of the text from `from` on, without a hole.
    fn text(&self, from: i64, to: i64) -> Vec<u8> {
        let mut text = Vec::new();
        let mut at = from;
        let begin = self.pieces.partition_point(|piece| piece.at.saturating_add(piece.len) <= from);
        for piece in self.pieces.iter().skip(begin) {
            if at >= to || piece.at > at {
                break;
            }
            let skip = usize::try_from(at.saturating_sub(piece.at)).unwrap_or(usize::MAX);
            let most = usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX);
            let there = piece.text.get(skip..).unwrap_or_default();
            let there = there.get(..most).unwrap_or(there);
            text.extend_from_slice(there);
            at = at.saturating_add(i64::try_from(there.len()).unwrap_or(i64::MAX));
            if at < piece.at.saturating_add(piece.len) {
                break;
            }
        }
        text
    }

    /// Text that was told late: its number, its length, and the beginning of it.
    pub(super) fn late(&self, late: Late) -> Option<(SeqNum, u32, Vec<u8>)> {
        let text = self.text(late.at, late.at.saturating_add(late.len));
        Some((self.number(late.at)?, u32::try_from(late.len).unwrap_or(u32::MAX), text))
    }

    /// The peer has all before `place`: its text is needed no more, unless a segment of it may still come.
    pub(super) fn forget_before(&mut self, place: i64) {
        if place > self.whole_to {
            self.acks_of_hole = self.acks_of_hole.saturating_add(1);
            if self.acks_of_hole > ACKS_BEFORE {
                (self.whole_to, self.acks_of_hole) = (place.max(self.passed), 0);
            }
        }
        let place = place.min(self.whole_to);
        for piece in self.pieces.iter_mut().rev().filter(|piece| piece.to <= place) {
            if piece.text.is_empty() && piece.len > 0 {
                break;
            }
            self.text_bytes = self.text_bytes.saturating_sub(piece.text.len());
            piece.text = Box::default();
        }
        while self.pieces.len() > KEPT && self.pieces.front().is_some_and(|one| one.to <= place) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(piece) = self.pieces.pop_front() {
            self.text_bytes = self.text_bytes.saturating_sub(piece.text.len());
        }
    }
}

/// What came of what was heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// Nothing.
    Ignored,
    /// Wire numbers are explained, without text.
    Quiet,
    /// Text is told.
    Text,
    /// Text is told, or quiet, and something before it is missing.
    Hole,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::packet::Endpoint;

    const FIRST: u32 = 0xffff_fff0;

    fn spoken(by: TextOrigin, from: u32, to: u32, text: &str, order: u32) -> Spoken {
        let end = Endpoint { addr: [10, 0, 0, 1].into(), port: 443 };
        Spoken {
            at: Timestamp::default(),
            src: end,
            dst: end,
            by,
            from: SeqNum(FIRST.wrapping_add(from)),
            to: SeqNum(FIRST.wrapping_add(to)),
            again: false,
            order,
            len: text.len().try_into().unwrap(),
            text: text.as_bytes().into(),
        }
    }

    /// A handshake of 100 bytes, then `GET /` in 27.
    fn way(by: TextOrigin) -> Way {
        let mut way = Way::from(SeqNum(FIRST));
        let mut late = Vec::new();
        assert_eq!(way.hear(spoken(by, 0, 100, "", 0), true, &mut late), Heard::Quiet);
        assert_eq!(way.hear(spoken(by, 100, 127, "GET /", 1), true, &mut late), Heard::Text);
        assert!(late.is_empty());
        way
    }

    fn parts(way: &mut Way, from: i64, to: i64) -> Vec<(u32, u32, String)> {
        let mut parts = Vec::new();
        way.parts(from, to, |seq, len, text| {
            let text = String::from_utf8(text.to_vec()).unwrap();
            parts.push((seq.0.wrapping_sub(FIRST), len, text));
        });
        parts
    }

    fn part(seq: u32, len: u32, text: &str) -> (u32, u32, String) {
        (seq, len, text.to_owned())
    }

    #[test]
    fn a_handshake_is_no_text_and_text_lies_at_the_end_of_its_ciphertext() {
        let mut way = way(TextOrigin::Sender);
        assert_eq!(parts(&mut way, 0, 100), [part(0, 0, "")]);
        assert_eq!(parts(&mut way, 100, 127), [part(0, 5, "GET /")]);
        assert_eq!(parts(&mut way, 100, 120), [part(0, 0, "")]);
        assert_eq!(parts(&mut way, 120, 127), [part(0, 5, "GET /")]);
        // The last of the text needs the last of the ciphertext.
        assert_eq!(parts(&mut way, 120, 126), [part(0, 4, "GET ")]);
        assert_eq!(way.acknowledged(126), Some(SeqNum(FIRST.wrapping_add(4))));
        assert_eq!(way.acknowledged(127), Some(SeqNum(FIRST.wrapping_add(5))));
    }

    #[test]
    fn more_of_what_the_receiver_had_comes_late_or_at_once() {
        let more =
            |order| Spoken { again: true, ..spoken(TextOrigin::Receiver, 100, 127, "more", order) };
        let mut late = Vec::new();
        let mut waiting = way(TextOrigin::Receiver);
        waiting.hear(more(2), true, &mut late);
        assert!(late.is_empty());
        assert_eq!(parts(&mut waiting, 100, 127), [part(0, 9, "GET /more")]);
        let mut gone = way(TextOrigin::Receiver);
        parts(&mut gone, 100, 127);
        gone.hear(more(2), true, &mut late);
        let (seq, len, text) = gone.late(late[0]).unwrap();
        assert_eq!((seq, len, &*text), (SeqNum(FIRST.wrapping_add(5)), 4, &b"more"[..]));
        assert_eq!(gone.acknowledged(127), Some(SeqNum(FIRST.wrapping_add(9))));
    }

    #[test]
    fn after_a_hole_text_is_read_again_where_the_other_side_has_spoken() {
        let mut way = way(TextOrigin::Sender);
        let hear = |way: &mut Way, from, order| {
            let said = spoken(TextOrigin::Sender, from, from + 27, "again", order);
            way.hear(said, true, &mut Vec::new())
        };
        assert_eq!(hear(&mut way, 200, 3), Heard::Hole);
        // The hole of 73 counts as text, for it may be; what follows may be the middle of anything.
        assert_eq!(parts(&mut way, 100, 227), [part(0, 5 + 73 + 5, "GET /")]);
        way.turn();
        assert_eq!(hear(&mut way, 227, 4), Heard::Text);
        let jump = 5 + 73 + 5 + u32::try_from(JUMP).unwrap();
        assert_eq!(parts(&mut way, 227, 254), [part(jump, 5, "again")]);
    }

    #[test]
    fn a_lost_word_of_the_same_numbers_is_missed() {
        let mut way = way(TextOrigin::Receiver);
        parts(&mut way, 100, 127);
        let mut late = Vec::new();
        let heard = way.hear(spoken(TextOrigin::Receiver, 127, 150, "x", 3), true, &mut late);
        assert_eq!(heard, Heard::Hole);
        // All that these numbers can have held, and what follows, without what it says.
        let (seq, len, text) = way.late(late[0]).unwrap();
        assert_eq!((seq.0.wrapping_sub(FIRST), len, text.len()), (5, 22, 0));
        assert_eq!(parts(&mut way, 127, 150), [part(27, 1, "")]);
    }

    #[test]
    fn the_first_word_must_be_of_the_first_byte_and_the_senders_counts_more() {
        let mut way = Way::from(SeqNum(FIRST));
        let mut hear = |spoken| way.hear(spoken, true, &mut Vec::new());
        assert_eq!(hear(spoken(TextOrigin::Sender, 50, 80, "late", 0)), Heard::Ignored);
        assert_eq!(hear(spoken(TextOrigin::Receiver, 0, 40, "", 0)), Heard::Quiet);
        assert_eq!(hear(spoken(TextOrigin::Sender, 0, 30, "", 0)), Heard::Quiet);
        assert_eq!(hear(spoken(TextOrigin::Receiver, 40, 80, "its", 1)), Heard::Ignored);
        assert!(way.knows(30) && !way.knows(31));
    }
}
