//! One direction: which positions on the wire hold which text.

use super::spoken::TextOrigin;
use super::word::{HeldText, SaidWord};
use crate::flow::StreamPos;
use std::collections::VecDeque;

/// More than the longest record, with what may wait of another in the same buffer.
const RECORD: u64 = 1 << 16;
/// Ranges in all. Of a connection whose segments are not captured nothing else is forgotten.
const MOST: usize = 4_096;
/// Records that are remembered of the range that was told last.
const RECORDS: usize = 4_096;

/// Positions `from..to`, which hold a text of `len` bytes, right-aligned.
#[derive(Clone, Debug)]
struct ToldRange {
    from: StreamPos,
    to: StreamPos,
    len: u64,
    /// How much of it was handed on.
    given: u64,
    /// How much more of it was told when its positions had been passed.
    late: u64,
    text: Vec<HeldText>,
}

impl ToldRange {
    /// How much of its text lies before a position on the wire.
    fn before(&self, place: StreamPos) -> u64 {
        if place <= self.from {
            return 0;
        }
        self.len.saturating_sub(self.to.since(place))
    }

    /// What is there of its text from `from` on, up to `to`.
    fn part(&self, from: u64, to: u64) -> Vec<u8> {
        let [from, to] = [from, to].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        let text = self.text.iter().flat_map(|text| text.bytes());
        text.take(to).skip(from).copied().collect()
    }
}

/// Text on the wire: its first byte's position, its length, and as much of its beginning as there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextChunk {
    pub(super) pos: StreamPos,
    pub(super) len: u64,
    pub(super) bytes: Vec<u8>,
}

impl TextChunk {
    /// Text of this length that ends at a position.
    fn ending(to: StreamPos, len: u64, bytes: Vec<u8>) -> Self {
        let len_back = i64::try_from(len).unwrap_or(i64::MAX);
        Self { pos: StreamPos(to.0.saturating_sub(len_back)), len, bytes }
    }
}

/// What came of what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing.
    Ignored,
    /// Positions are explained, without text.
    Quiet,
    /// Text is told.
    Text,
    /// Text of positions that were passed before.
    Late(TextChunk),
}

/// One direction.
#[derive(Clone, Debug, Default)]
pub(super) struct TextMap {
    /// Who tells.
    by: Option<TextOrigin>,
    ranges: VecDeque<ToldRange>,
    /// The first that was told begins here, where the watch began later than the connection.
    begin: Option<StreamPos>,
    /// Up to here something was told.
    known: StreamPos,
    /// Up to here it was handed on.
    passed: StreamPos,
    /// What is told next.
    order: u32,
    /// Behind this text is missing.
    broken: bool,
    /// Text was told.
    speaks: bool,
    /// Where the latest records of text end, and how long their text is, where that is known.
    records: VecDeque<(StreamPos, Option<u32>)>,
}

impl TextMap {
    /// Takes what was said of the positions `from..to`. `strictly`: the first that is told must be the first byte.
    pub(super) fn hear(
        &mut self,
        word: &SaidWord,
        (from, to): (StreamPos, StreamPos),
        strictly: bool,
    ) -> Heard {
        let len = u64::from(word.len);
        // Ciphertext is longer than its text; of a record the last bytes may have come alone.
        let most = if word.again { 0 } else { to.since(from) };
        if len > most.saturating_add(RECORD) {
            return Heard::Ignored;
        }
        let first_byte = from == StreamPos::default();
        let exact = self.by == Some(TextOrigin::Receiver) && word.by == TextOrigin::Sender;
        if exact && first_byte && self.passed == StreamPos::default() {
            let records = std::mem::take(&mut self.records);
            *self = Self { records, ..Self::default() };
        }
        match self.by {
            Some(by) if by != word.by => return Heard::Ignored,
            None if strictly && !first_byte || word.again => return Heard::Ignored,
            _ => {}
        }
        if self.by.is_some() && word.order != self.order || self.ranges.len() >= MOST {
            // What was lost may have been more text of the last range.
            self.broken = true;
        }
        self.order = word.order.wrapping_add(1);
        if self.broken {
            return Heard::Ignored;
        }
        if word.again {
            return self.more(len, to, word);
        }
        if to <= from || to <= self.known {
            self.broken |= len > 0;
            return Heard::Ignored;
        }
        if self.by.is_none() && !strictly {
            self.begin = Some(from);
            self.known = from;
        }
        self.by = Some(word.by);
        if from < self.known {
            self.broken = true;
            return Heard::Ignored;
        }
        let text = if len > 0 { vec![word.text.clone()] } else { Vec::new() };
        let range = ToldRange { from, to, len, given: 0, late: 0, text };
        if range.before(self.passed) > 0 {
            // What was taken for a part of the handshake, by its length or its place, was none.
            self.broken = true;
            return Heard::Ignored;
        }
        self.speaks |= len > 0;
        self.ranges.push_back(range);
        self.known = to;
        while self.records.front().is_some_and(|(end, _)| *end <= from) {
            self.records.pop_front();
        }
        if len > 0 { Heard::Text } else { Heard::Quiet }
    }

    /// More text of the range that was told last.
    fn more(&mut self, len: u64, to: StreamPos, word: &SaidWord) -> Heard {
        let Some(last) = self.ranges.back_mut().filter(|last| last.to == to) else {
            self.broken |= len > 0;
            return Heard::Ignored;
        };
        if len == 0 {
            return Heard::Quiet;
        }
        if self.passed >= last.to {
            last.late = last.late.saturating_add(len);
            return Heard::Late(TextChunk::ending(to, len, word.text.bytes().to_vec()));
        }
        // As if it had been told at once, unless the text before it was too long to be kept.
        let kept: usize = last.text.iter().map(|text| text.bytes().len()).sum();
        if u64::try_from(kept).is_ok_and(|kept| kept == last.len) {
            last.text.push(word.text.clone());
        }
        last.len = last.len.saturating_add(len);
        Heard::Text
    }

    /// Text of it was told.
    pub(super) const fn speaks(&self) -> bool {
        self.speaks
    }

    /// Something was told of it.
    pub(super) const fn is_told(&self) -> bool {
        self.by.is_some()
    }

    /// Up to `to` everything was told that was asked for.
    pub(super) fn knows(&self, from: StreamPos, to: StreamPos) -> bool {
        let mut at = self.begin.map_or(from, |begin| from.max(begin));
        for range in &self.ranges {
            if at >= to || range.from > at {
                break;
            }
            at = at.max(range.to);
        }
        at >= to
    }

    /// Nothing will be told of what comes before `to`: more was told behind it.
    pub(super) fn passes_over(&self, to: StreamPos) -> bool {
        self.broken || to <= self.known
    }

    /// The text on the positions `from..to`, with what was told late of that before, which is needed no more.
    pub(super) fn pass(&mut self, from: StreamPos, to: StreamPos) -> Vec<TextChunk> {
        let mut chunks = Vec::new();
        for range in self.ranges.iter_mut().filter(|range| range.from < to && range.to > from) {
            let (begin, end) = (range.given, range.before(to.min(range.to)));
            if end > begin {
                range.given = end;
                let open = range.len.saturating_sub(end);
                let to = TextChunk::ending(range.to, open, Vec::new()).pos;
                let bytes = range.part(begin, end);
                chunks.push(TextChunk::ending(to, end.saturating_sub(begin), bytes));
            }
        }
        self.passed = self.passed.max(to);
        // Of the last one more may be told.
        while self.ranges.len() > 1 && self.ranges.front().is_some_and(|range| range.to <= to) {
            self.ranges.pop_front();
        }
        chunks
    }

    /// A record of text ends here, and its text is so long, if that is known.
    pub(super) fn note_record(&mut self, end: StreamPos, text: Option<u32>) {
        if self.records.len() >= RECORDS {
            self.records.clear();
            self.records.push_back((end, None));
        }
        let begin = self.ranges.back().map_or(end, |last| last.from);
        if end > begin || self.ranges.is_empty() {
            self.records.push_back((end, text));
        }
    }

    /// More of what was handed on may still be told: the receiver asks for the text of what it has taken from the wire
    /// when it likes.
    pub(super) fn may_go_on(&self) -> bool {
        self.by == Some(TextOrigin::Receiver) && self.lacks_text()
    }

    /// Behind what was handed on so far text is missing.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// The text of the last range is not that of its records, as far as is known, for nobody knows how long that is.
    fn lacks_text(&self) -> bool {
        let Some(last) = self.ranges.back() else { return false };
        let told = last.len.saturating_add(last.late);
        let here = self.records.iter().filter(|(end, _)| *end > last.from && *end <= last.to);
        let texts = here.map(|(_, text)| text.map(u64::from));
        let expected =
            texts.into_iter().try_fold(0_u64, |sum, text| Some(sum.saturating_add(text?)));
        expected != Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::super::word::TextBudget;
    use super::*;
    use crate::base::time::Timestamp;
    use crate::packet::{Endpoint, SeqNum};
    use crate::streams::told::Spoken;

    /// What `by` tells of the positions `from..to`, as its word number `order`.
    fn hear(
        map: &mut TextMap,
        by: TextOrigin,
        (from, to): (i64, i64),
        text: &str,
        order: u32,
    ) -> Heard {
        hear_more(map, by, (from, to), text, order, false)
    }

    fn hear_more(
        map: &mut TextMap,
        by: TextOrigin,
        (from, to): (i64, i64),
        text: &str,
        order: u32,
        again: bool,
    ) -> Heard {
        let end = Endpoint { addr: [10, 0, 0, 1].into(), port: 1 };
        let spoken = Spoken {
            at: Timestamp::default(),
            src: end,
            dst: end,
            by,
            from: SeqNum(0),
            to: SeqNum(0),
            again,
            order,
            len: u32::try_from(text.len()).unwrap(),
            text: text.as_bytes().into(),
        };
        let word = SaidWord::of(spoken, &TextBudget::default());
        map.hear(&word, (StreamPos(from), StreamPos(to)), true)
    }

    fn pass(map: &mut TextMap, from: i64, to: i64) -> Vec<(i64, String)> {
        let chunks = map.pass(StreamPos(from), StreamPos(to)).into_iter();
        chunks.map(|chunk| (chunk.pos.0, String::from_utf8(chunk.bytes).unwrap())).collect()
    }

    fn knows(map: &TextMap, from: i64, to: i64) -> bool {
        map.knows(StreamPos(from), StreamPos(to))
    }

    #[test]
    fn text_lies_at_the_end_of_its_ciphertext_however_that_is_cut() {
        let mut map = TextMap::default();
        assert_eq!(hear(&mut map, TextOrigin::Sender, (0, 100), "", 0), Heard::Quiet);
        assert_eq!(hear(&mut map, TextOrigin::Sender, (100, 130), "GET /", 1), Heard::Text);
        assert!(knows(&map, 0, 130) && knows(&map, 90, 110) && !knows(&map, 120, 131));
        assert_eq!(pass(&mut map, 0, 110), []);
        assert_eq!(pass(&mut map, 110, 127), [(125, "GE".to_owned())]);
        assert_eq!(pass(&mut map, 127, 130), [(127, "T /".to_owned())]);
    }

    #[test]
    fn more_text_of_what_was_received_keeps_its_order_before_and_after_its_segments_went_on() {
        let by = TextOrigin::Receiver;
        let mut map = TextMap::default();
        assert_eq!(hear(&mut map, by, (0, 40), "ab", 0), Heard::Text);
        assert_eq!(hear_more(&mut map, by, (0, 40), "cd", 1, true), Heard::Text);
        assert_eq!(pass(&mut map, 0, 38), [(36, "ab".to_owned())]);
        // Half of it went on: the rest comes with the other half.
        assert_eq!(hear_more(&mut map, by, (0, 40), "ef", 2, true), Heard::Text);
        assert_eq!(pass(&mut map, 38, 40), [(36, "cdef".to_owned())]);
        let late = TextChunk { pos: StreamPos(38), len: 2, bytes: b"gh".to_vec() };
        assert_eq!(hear_more(&mut map, by, (0, 40), "gh", 3, true), Heard::Late(late));
        assert!(!map.is_broken());
    }

    #[test]
    fn what_was_lost_shows_and_ends_what_is_known() {
        let by = TextOrigin::Sender;
        let mut map = TextMap::default();
        hear(&mut map, by, (0, 30), "one", 0);
        assert_eq!(hear(&mut map, by, (60, 90), "three", 2), Heard::Ignored);
        assert!(map.is_broken() && knows(&map, 0, 30) && !knows(&map, 30, 60));
        assert!(!knows(&map, 60, 90), "it may go on with a message");
        let mut map = TextMap::default();
        hear(&mut map, by, (0, 30), "one", 0);
        // In order, but for what no function of the library sent.
        assert_eq!(hear(&mut map, by, (60, 90), "two", 1), Heard::Text);
        assert!(!map.is_broken() && knows(&map, 60, 90) && !knows(&map, 30, 60));
        assert!(map.passes_over(StreamPos(60)) && !map.passes_over(StreamPos(91)));
    }

    #[test]
    fn the_first_word_must_be_of_the_first_byte_and_the_senders_counts_more() {
        let mut map = TextMap::default();
        assert_eq!(hear(&mut map, TextOrigin::Sender, (50, 80), "late", 0), Heard::Ignored);
        assert_eq!(hear(&mut map, TextOrigin::Receiver, (0, 40), "", 0), Heard::Quiet);
        assert_eq!(hear(&mut map, TextOrigin::Sender, (0, 30), "", 0), Heard::Quiet);
        assert_eq!(hear(&mut map, TextOrigin::Receiver, (40, 80), "its", 1), Heard::Ignored);
        assert!(knows(&map, 0, 30) && !knows(&map, 0, 31));
    }

    /// A receiver that closes before it has asked for all of a record.
    #[test]
    fn that_a_receiver_did_not_ask_for_all_shows_in_the_length_of_its_records() {
        let by = TextOrigin::Receiver;
        let read = |text: Option<u32>, told: &[&str]| {
            let mut map = TextMap::default();
            map.note_record(StreamPos(30), text);
            for (order, text) in (0..).zip(told) {
                hear_more(&mut map, by, (0, 30), text, order, order > 0);
            }
            map.may_go_on()
        };
        assert!(read(Some(8), &["half"]) && !read(Some(8), &["half", "rest"]));
        assert!(read(None, &["half", "rest"]), "nobody knows how long it is");
        let mut sender = TextMap::default();
        sender.note_record(StreamPos(30), Some(8));
        hear(&mut sender, TextOrigin::Sender, (0, 30), "whole", 0);
        assert!(!sender.may_go_on(), "its word is exact");
    }

    #[test]
    fn text_of_what_was_taken_for_a_part_of_the_handshake_ends_what_is_known() {
        let mut map = TextMap::default();
        hear(&mut map, TextOrigin::Sender, (0, 30), "", 0);
        assert_eq!(pass(&mut map, 0, 60), []);
        assert_eq!(hear(&mut map, TextOrigin::Sender, (30, 60), "text", 1), Heard::Ignored);
        assert!(map.is_broken());
    }
}
