//! What is counted of segments and connections.

/// What happened at the bounds and edges. All of it is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Segments pushed.
    pub segments: u64,
    /// Segments that had been captured before.
    pub duplicates: u64,
    /// Connections seen.
    pub connections: u64,
    /// Segments whose numbers fit no window.
    pub stray_segments: u64,
    /// Segments that brought something after their connection was judged.
    pub late: u64,
    /// Connections forgotten before they ended, for want of room.
    pub evicted: u64,
    /// Times that waiting segments were given up, for want of room.
    pub waiting_overflows: u64,
    /// Listeners not remembered, for want of room.
    pub listeners_forgotten: u64,
    /// Ends of connections not remembered, for want of room.
    pub aliases_forgotten: u64,
}
