//! One side of an HTTP/1 connection: where in its messages it is.

use super::body::Body;
use super::head::{MAX_HEAD, Parsed};
use crate::exchange::marks::{HarmlessSpan, HarmlessSpans, ReadAs};
use crate::flow::StreamPos;
use crate::packet::FrameRef;

#[derive(Debug)]
pub(super) struct Direction {
    pub(super) phase: Phase,
    /// The head so far, when it began in an earlier segment.
    pub(super) partial: Vec<u8>,
    /// The heads that were met, but for those that stand there by their looks alone.
    pub(super) marks: HarmlessSpans,
    /// Since the last turn heads are found by their looks: they may stand in a body.
    by_looks: bool,
}

/// Where in its messages a side is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// In a head, or before one.
    Head,
    /// In a body.
    Body(Body),
    /// Somewhere: what would tell was not captured.
    Lost,
}

/// What is left of a segment.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    /// Position of the first byte.
    pub(super) pos: StreamPos,
    /// What was captured of it.
    pub(super) bytes: &'a [u8],
    /// How long it was on the wire.
    pub(super) len: u64,
    /// See `StreamEvent::Bytes`.
    pub(super) ack: Option<StreamPos>,
    /// See `StreamEvent::Bytes`.
    pub(super) first_copy: bool,
    /// The frame.
    pub(super) frame: FrameRef,
}

impl Rest<'_> {
    pub(super) fn skip(&mut self, count: u64) {
        self.pos = self.pos.plus(count);
        self.len = self.len.saturating_sub(count);
        self.bytes =
            usize::try_from(count).ok().and_then(|at| self.bytes.get(at..)).unwrap_or_default();
    }

    /// Empty lines between messages are no part of them.
    pub(super) fn skip_blank(&mut self) {
        let blank = self.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.skip(u64::try_from(blank).unwrap_or_default());
    }

    pub(super) fn is_cut(&self) -> bool {
        u64::try_from(self.bytes.len()).is_ok_and(|captured| captured < self.len)
    }

    pub(super) fn end(&self) -> StreamPos {
        self.pos.plus(self.len)
    }
}

/// What the next bytes of a head came to.
pub(super) enum HeadStep<T, L> {
    /// The head ended.
    Whole {
        /// What it says.
        head: T,
        /// How many.
        used: u64,
        /// What follows; `None` where readers of a request differ.
        body: Option<Body>,
    },
    /// The head goes on.
    More,
    /// The rest of it was not captured, or it is longer than any head should be: what there is of it says.
    Cut(L),
    /// No head; what there is of it says.
    Invalid(L),
}

impl Direction {
    /// At this place of its messages.
    pub(super) fn new(phase: Phase) -> Self {
        Self { phase, partial: Vec::new(), marks: HarmlessSpans::default(), by_looks: false }
    }

    /// Takes bytes of a head. They are copied only when it does not end within them. `line` reads what
    /// there is of one that was cut.
    pub(super) fn head_bytes<T, L>(
        &mut self,
        rest: &Rest<'_>,
        parse: impl Fn(&[u8]) -> Parsed<T>,
        line: impl Fn(&[u8]) -> L,
    ) -> HeadStep<T, L> {
        let before = self.partial.len();
        let parsed = if before == 0 {
            parse(rest.bytes)
        } else {
            self.partial.extend_from_slice(rest.bytes);
            if ends_head(&self.partial, before) { parse(&self.partial) } else { Parsed::Partial }
        };
        let by_looks = self.by_looks;
        let mut mark = |len: usize| {
            if by_looks {
                return;
            }
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            let read_as = if before == 0 { ReadAs::HeadBegins } else { ReadAs::HeadGoesOn };
            self.marks.mark(HarmlessSpan { start: rest.pos, len, read_as });
        };
        match parsed {
            Parsed::Whole(read) => {
                let used = read.len.saturating_sub(before);
                mark(used);
                self.partial = Vec::new();
                let used = u64::try_from(used).unwrap_or_default();
                HeadStep::Whole { head: read.head, used, body: read.body }
            }
            Parsed::Partial if rest.is_cut() || self.partial.len() > MAX_HEAD => {
                mark(rest.bytes.len());
                let partial = std::mem::take(&mut self.partial);
                HeadStep::Cut(line(if before == 0 { rest.bytes } else { &partial }))
            }
            Parsed::Partial => {
                mark(rest.bytes.len());
                if before == 0 {
                    self.partial.extend_from_slice(rest.bytes);
                }
                HeadStep::More
            }
            Parsed::Invalid => {
                let partial = std::mem::take(&mut self.partial);
                HeadStep::Invalid(line(if before == 0 { rest.bytes } else { &partial }))
            }
        }
    }

    pub(super) fn lose(&mut self) {
        self.partial = Vec::new();
        self.phase = Phase::Lost;
    }

    /// What comes next looks like a head, in a direction that was lost.
    pub(super) fn find_head(&mut self) {
        (self.phase, self.by_looks) = (Phase::Head, true);
    }

    /// The other side has spoken: what comes next begins a message.
    pub(super) fn turn(&mut self) {
        self.by_looks = false;
    }
}

/// There is an empty line in `head` that ends at `from` or later.
fn ends_head(head: &[u8], from: usize) -> bool {
    let tail = head.get(from.saturating_sub(3)..).unwrap_or_default();
    tail.windows(2).any(|pair| pair == b"\n\n") || tail.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::http1::head;

    #[test]
    fn an_empty_line_ends_a_head_wherever_segments_end() {
        assert!(ends_head(b"GET / HTTP/1.1\r\n\r\n", 17));
        assert!(ends_head(b"GET / HTTP/1.1\r\n\r\n", 0));
        assert!(ends_head(b"GET / HTTP/1.1\n\n", 15));
        assert!(!ends_head(b"GET / HTTP/1.1\r\nHost: a\r\n", 16));
    }

    /// The whole of it is parsed when it has ended, and not again with every segment.
    #[test]
    fn a_head_in_single_bytes_is_parsed_once() {
        let lines: String = (0..60).map(|line| format!("x{line}: {}\n", "1".repeat(250))).collect();
        let head = format!("GET /slow HTTP/1.1\r\n{lines}\r\n");
        let parsed = std::cell::RefCell::new(Vec::new());
        let parse = |bytes: &[u8]| {
            parsed.borrow_mut().push(bytes.len());
            head::request(bytes)
        };
        let mut direction = Direction::new(Phase::Head);
        let (mut whole, mut pos) = (0, StreamPos::default());
        for byte in head.as_bytes().chunks(1) {
            let frame =
                FrameRef { capture: 0, number: 1, at: crate::base::time::Timestamp::default() };
            let rest = Rest { pos, bytes: byte, len: 1, ack: None, first_copy: true, frame };
            let step = direction.head_bytes(&rest, parse, crate::exchange::http1::cut::request);
            whole += usize::from(matches!(step, HeadStep::Whole { .. }));
            pos = pos.plus(1);
        }
        assert_eq!(whole, 1);
        // The first segment may hold all of it.
        assert_eq!(*parsed.borrow(), [1, head.len()]);
    }
}
