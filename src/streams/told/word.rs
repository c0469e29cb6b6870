//! What was said, as it is handed to the readers of a connection: several viewpoints may have one.

use super::{Spoken, TextOrigin};
use crate::base::time::Timestamp;
use crate::packet::{Endpoint, SeqNum};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is told to the readers of connections.
#[derive(Clone, Debug)]
pub enum Word {
    /// What was said on one of them.
    Said(SaidWord),
    /// What was said of it for now is told: what waited for it goes on.
    GoOn,
}

/// What one call of a TLS library moved: see [`Spoken`].
#[derive(Clone, Debug)]
pub struct SaidWord {
    pub(super) at: Timestamp,
    pub(super) src: Endpoint,
    pub(super) dst: Endpoint,
    pub(super) by: TextOrigin,
    pub(super) from: SeqNum,
    pub(super) to: SeqNum,
    pub(super) again: bool,
    pub(super) order: u32,
    pub(super) len: u32,
    pub(super) text: HeldText,
}

impl SaidWord {
    /// When it was said.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Who sent it, and to whom.
    pub const fn ends(&self) -> (Endpoint, Endpoint) {
        (self.src, self.dst)
    }

    /// The number on the wire at which its ciphertext begins, and the one after it.
    pub const fn numbers(&self) -> (SeqNum, SeqNum) {
        (self.from, self.to)
    }

    /// Keeps its text for as long as somebody needs it, unless `budget` has no room for it.
    pub(super) fn of(spoken: Spoken, budget: &TextBudget) -> Self {
        let Spoken { at, src, dst, by, from, to, again, order, len, text } = spoken;
        let text = budget.keep(text);
        Self { at, src, dst, by, from, to, again, order, len, text }
    }
}

/// How much text is held of all connections: what one holder lets go another may keep.
#[derive(Clone, Debug, Default)]
pub(super) struct TextBudget(Arc<AtomicUsize>);

impl TextBudget {
    /// Bytes of text that are held of all connections at the most.
    const BYTES: usize = 32 << 20;

    /// Bytes of text that are held.
    pub(super) fn held(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn keep(&self, text: Box<[u8]>) -> HeldText {
        if text.is_empty() || self.held().saturating_add(text.len()) > Self::BYTES {
            return HeldText::default();
        }
        self.0.fetch_add(text.len(), Ordering::Relaxed);
        HeldText(Some(Arc::new(CountedText { text, held: Arc::clone(&self.0) })))
    }
}

/// The beginning of some text; empty where there was no room for it.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldText(Option<Arc<CountedText>>);

impl HeldText {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], |counted| &counted.text)
    }
}

/// Text that counts as held for as long as it is there.
#[derive(Debug)]
struct CountedText {
    text: Box<[u8]>,
    held: Arc<AtomicUsize>,
}

impl Drop for CountedText {
    fn drop(&mut self) {
        self.held.fetch_sub(self.text.len(), Ordering::Relaxed);
    }
}
