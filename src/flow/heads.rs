//! Which bytes of a stream are heads of messages: what may be kept of a frame depends on it.

use super::position::StreamPos;

/// Heads noted at once, on each side. Of a segment with parts of more, the rest counts as body.
const MOST: usize = 2;

/// A part of a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Position of the first byte of the head here.
    pub start: StreamPos,
    /// How many bytes of it are here.
    pub len: u32,
    /// The head begins here; else this continues one.
    pub begins: bool,
}

/// The parts of heads that one side sent in a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heads([Option<Head>; MOST]);

impl Heads {
    /// Notes one more, if there is room.
    pub fn note(&mut self, head: Head) {
        if let Some(free) = self.0.iter_mut().find(|part| part.is_none()) {
            *free = Some(head);
        }
    }

    /// The heads, in the order in which they were noted.
    pub fn iter(&self) -> impl Iterator<Item = Head> {
        self.0.into_iter().flatten()
    }
}
