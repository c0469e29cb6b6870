//! What is asked of the kernel's programs, and how it refuses: the same in a program built without them.

/// Why the kernel does not do what is wanted of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// The most that is kept of a turn.
pub const TURN: u32 = 4_096;

/// What is to be watched.
#[derive(Clone, Debug)]
pub struct HookOptions<'w> {
    /// The interfaces, as the user named them.
    pub interfaces: &'w [String],
    /// Only frames from or to these ports; all where there are none.
    pub ports: &'w [u16],
    /// Bytes of each turn that are kept, at most `TURN`.
    pub turn_bytes: u32,
    /// Segments that only go on with a body are told as one.
    pub joining: bool,
    /// The ring buffer.
    pub buffer_bytes: u32,
}
