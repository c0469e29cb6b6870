//! What all connections add up to: counts, and what is held of them.

/// Segments that wait in all connections.
const WAITING: usize = 65_536;

/// Bytes of text, and of segments that are not understood yet, that are held in all connections.
const BYTES: usize = 32 << 20;

/// What was made of the connections. All of it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TlsCounts {
    /// TLS connections that were read in clear.
    pub read: u64,
    /// TLS connections of which nothing was told.
    pub unread: u64,
    /// Places in those that were read where ciphertext is not explained.
    pub unexplained: u64,
    /// Words that were lost on their way here.
    pub lost: u64,
    /// Segments of connections of which words were lost: they went no further.
    pub muted: u64,
}

/// What every connection's holdings add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeldTotals {
    pub(super) segments: usize,
    pub(super) bytes: usize,
}

impl HeldTotals {
    pub(super) fn is_full(self) -> bool {
        self.segments > WAITING || self.bytes > BYTES
    }

    pub(super) fn replace(&mut self, before: Self, after: Self) {
        self.segments =
            self.segments.saturating_sub(before.segments).saturating_add(after.segments);
        self.bytes = self.bytes.saturating_sub(before.bytes).saturating_add(after.bytes);
    }
}
