//! What parsers call harmless of what was sent. Everything else is taken for a secret: what no parser read, read
//! in vain, or has not read yet, and what it knows to be one. So a parser that fails shows nothing.
//!
//! A parser marks which bytes it has read as what ([`HarmlessSpan`]), which costs it next to nothing; which of
//! these are harmless is asked only where frames are kept ([`super::each_harmless`]).

use crate::flow::StreamPos;

/// Spans marked at once, on each side. Of a segment with more, the rest counts as secret.
const MOST: usize = 2;

/// What a parser has read a span as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadAs {
    /// A head of HTTP/1, from its first byte on.
    HeadBegins,
    /// More of a head of HTTP/1 that began before.
    HeadGoesOn,
}

/// Bytes of one side of which a parser can say which are harmless.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HarmlessSpan {
    /// Position of the first byte.
    pub start: StreamPos,
    /// How many bytes.
    pub len: u32,
    /// What they were read as.
    pub read_as: ReadAs,
}

/// The spans of what one side sent that a parser marked, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HarmlessSpans([Option<HarmlessSpan>; MOST]);

impl HarmlessSpans {
    /// Marks one more, if there is room.
    pub(super) fn mark(&mut self, span: HarmlessSpan) {
        if let Some(free) = self.0.iter_mut().find(|one| one.is_none()) {
            *free = Some(span);
        }
    }

    /// The spans, in the order in which they were marked.
    pub fn iter(&self) -> impl Iterator<Item = HarmlessSpan> {
        self.0.into_iter().flatten()
    }
}
