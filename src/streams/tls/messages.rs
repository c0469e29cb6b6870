//! Handshake messages in clear are put together from records.

use super::cursor::Cursor;
use super::records::RecordPart;
use crate::packet::FrameRef;

/// Longest message that is put together; of a longer one the beginning is read.
const LIMIT: usize = 1 << 16;
/// No message is longer: what claims more is none.
const LONGEST: usize = 1 << 20;
/// A message's type and length.
const HEAD: usize = 4;

/// A handshake message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
    /// All of the body is there.
    pub(super) whole: bool,
    /// The frame in which it began.
    pub(super) frame: FrameRef,
}

/// What one side says in its handshake, as far as it is in clear.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// A message that has begun: at most `LIMIT` bytes, and none where messages end with their segments.
    begun: Vec<u8>,
    frame: Option<FrameRef>,
    /// How much of a message that was read is still to come.
    skip: usize,
    /// Where messages begin is not known, until a record begins with one.
    lost: bool,
}

impl Messages {
    /// Takes part of a record; `tell` is called with each message as soon as all of it came that will.
    pub(super) fn on(&mut self, part: &RecordPart<'_>, tell: &mut dyn FnMut(Message<'_>)) {
        self.lost &= !part.begins;
        self.take(part.bytes, part.carrier.frame, tell);
        if part.hidden > 0 {
            self.miss(usize::try_from(part.hidden).unwrap_or(usize::MAX), tell);
        }
    }

    /// Records were lost: what has begun will not be whole.
    pub(super) fn lose(&mut self, tell: &mut dyn FnMut(Message<'_>)) {
        self.cut(tell);
        self.skip = 0;
        self.lost = true;
    }

    fn take(&mut self, bytes: &[u8], frame: FrameRef, tell: &mut dyn FnMut(Message<'_>)) {
        let mut rest = Cursor(bytes);
        while !rest.0.is_empty() && !self.lost {
            if self.skip > 0 {
                let (skipped, _) = rest.some(self.skip);
                self.skip = self.skip.saturating_sub(skipped.len());
            } else if self.begun.is_empty() {
                self.begin(&mut rest, frame, tell);
            } else {
                self.go_on(&mut rest, tell);
            }
        }
    }

    /// A message begins: where all of it is here, nothing is copied.
    fn begin(&mut self, rest: &mut Cursor<'_>, frame: FrameRef, tell: &mut dyn FnMut(Message<'_>)) {
        let here = *rest;
        if let Some((kind, len)) = head(here.0) {
            if !is_plausible(kind, len) {
                self.lost = true;
                return;
            }
            let all = len.saturating_add(HEAD);
            if let Some(message) = rest.take(all) {
                let body = message.get(HEAD..).unwrap_or_default();
                tell(Message { kind, body, whole: true, frame });
                return;
            }
        }
        self.frame = Some(frame);
        let (taken, _) = rest.some(LIMIT);
        self.begun.extend_from_slice(taken);
        self.end(tell);
    }

    fn go_on(&mut self, rest: &mut Cursor<'_>, tell: &mut dyn FnMut(Message<'_>)) {
        let have = self.begun.len();
        let wanted = match head(&self.begun) {
            Some((_, len)) => len.saturating_add(HEAD).min(LIMIT).saturating_sub(have),
            None => HEAD.saturating_sub(have),
        };
        let (taken, _) = rest.some(wanted);
        self.begun.extend_from_slice(taken);
        self.end(tell);
    }

    /// Reads what has begun, if no more of it is to come, or to be kept.
    fn end(&mut self, tell: &mut dyn FnMut(Message<'_>)) {
        let Some((kind, len)) = head(&self.begun) else { return };
        if !is_plausible(kind, len) {
            (self.begun, self.lost) = (Vec::new(), true);
            return;
        }
        let missing = len.saturating_add(HEAD).saturating_sub(self.begun.len());
        if missing == 0 || self.begun.len() >= LIMIT {
            self.cut(tell);
            self.skip = missing;
        }
    }

    /// Reads what there is of the message that has begun.
    fn cut(&mut self, tell: &mut dyn FnMut(Message<'_>)) {
        let begun = std::mem::take(&mut self.begun);
        if let (Some((kind, len)), Some(frame)) = (head(&begun), self.frame) {
            let body = begun.get(HEAD..).unwrap_or_default();
            tell(Message { kind, body, whole: body.len() == len, frame });
        }
    }

    /// So many bytes were not captured.
    fn miss(&mut self, count: usize, tell: &mut dyn FnMut(Message<'_>)) {
        let left = match head(&self.begun) {
            Some((_, len)) => len.saturating_add(HEAD).saturating_sub(self.begun.len()),
            None => self.skip,
        };
        self.cut(tell);
        self.skip = left.saturating_sub(count);
        // Beyond it another message begins, somewhere.
        self.lost |= count > left;
    }
}

/// Type and length.
fn head(bytes: &[u8]) -> Option<(u8, usize)> {
    let mut head = Cursor(bytes);
    head.u8().zip(head.u24())
}

/// Types that are in use, encrypted ones left out.
fn is_plausible(kind: u8, len: usize) -> bool {
    matches!(kind, 0..=6 | 8 | 11..=16 | 20..=25 | 67 | 203 | 254) && len <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::flow::StreamPos;
    use crate::streams::tls::records::Carrier;

    /// Kind, captured length of the body, whole, frame.
    type Told = Vec<(u8, usize, bool, u64)>;

    fn on(messages: &mut Messages, number: u64, begins: bool, bytes: &[u8], hidden: u64) -> Told {
        let frame = FrameRef { capture: 0, number, at: Timestamp::from_nanos(1) };
        let carrier = Carrier { ack: None, first_copy: true, missing: false, frame };
        let (header, pos, len, ends) = (None, StreamPos(0), 0, false);
        let part = RecordPart { header, pos, len, begins, ends, bytes, hidden, carrier };
        let mut told = Vec::new();
        messages.on(&part, &mut |message| {
            told.push((message.kind, message.body.len(), message.whole, message.frame.number));
        });
        told
    }

    #[test]
    fn messages_stand_in_a_record_and_over_records() {
        let mut messages = Messages::default();
        let two = [2, 0, 0, 2, 7, 7, 14, 0, 0, 0];
        assert_eq!(on(&mut messages, 1, true, &two, 0), [(2, 2, true, 1), (14, 0, true, 1)]);
        assert!(on(&mut messages, 2, true, &[11, 0], 0).is_empty());
        assert!(on(&mut messages, 3, true, &[0], 0).is_empty());
        assert!(on(&mut messages, 4, true, &[3, 9], 0).is_empty());
        let end = on(&mut messages, 5, true, &[9, 9, 14, 0, 0, 0], 0);
        assert_eq!(end, [(11, 3, true, 2), (14, 0, true, 5)]);
        assert!(messages.begun.capacity() == 0, "nothing is kept");
    }

    #[test]
    fn of_a_message_that_was_cut_the_beginning_is_read() {
        let mut messages = Messages::default();
        assert_eq!(on(&mut messages, 1, true, &[11, 0, 0, 9, 5, 5], 3), [(11, 2, false, 1)]);
        assert_eq!(on(&mut messages, 2, true, &[5, 5, 5, 5, 14, 0, 0, 0], 0), [(14, 0, true, 2)]);
        assert_eq!(on(&mut messages, 3, true, &[11, 0, 0, 1], 5), [(11, 0, false, 3)]);
        assert!(on(&mut messages, 4, false, &[14, 0, 0, 0], 0).is_empty());
        assert_eq!(on(&mut messages, 5, true, &[14, 0, 0, 0], 0), [(14, 0, true, 5)]);
    }

    #[test]
    fn what_is_no_message_is_none_and_what_is_long_is_cut() {
        let mut messages = Messages::default();
        assert!(on(&mut messages, 1, true, &[99, 0, 0, 1, 5, 14, 0, 0, 0], 0).is_empty());
        assert!(on(&mut messages, 2, true, &[11, 0xff, 0, 0, 5], 0).is_empty());
        let long = [&[11, 2, 0, 0][..], &[5; 40_000]].concat();
        assert!(on(&mut messages, 3, true, &long, 0).is_empty());
        assert_eq!(on(&mut messages, 4, true, &long, 0), [(11, LIMIT - HEAD, false, 3)]);
        assert!(on(&mut messages, 5, true, &[5; 51_068], 0).is_empty());
        let rest = 131_072 + 4 - 40_004 - 40_004 - 51_068;
        let last = [&vec![5; rest][..], &[14, 0, 0, 0]].concat();
        assert_eq!(on(&mut messages, 6, true, &last, 0), [(14, 0, true, 6)]);
    }
}
