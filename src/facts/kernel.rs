//! What the kernel of this very host says of the ends of a connection: who has them, who closed them,
//! how much was unread then, why a reset was sent. Facts, no judgement.
//!
//! Only a watch can know it, and only of ends on the host that it runs on.

use crate::base::time::Timestamp;
use crate::packet::SeqNum;

/// Both ends of a connection, as far as they are on this host.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ends {
    /// The end that opened it.
    pub client: Option<End>,
    /// The end that accepted it.
    pub server: Option<End>,
}

/// One end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct End {
    /// Who read from it or wrote to it last; else who has it open.
    pub owner: Option<Process>,
    /// When the owner last took something from it.
    pub last_read: Option<Timestamp>,
    /// When the owner last put something into it.
    pub last_written: Option<Timestamp>,
    /// How it was closed on this side, the first time.
    pub closed: Option<Closed>,
    /// The first reset that the kernel sent from it.
    pub reset: Option<Reset>,
    /// Segments that were sent again.
    pub retransmits: u32,
    /// The queue of connections to be accepted, when it was last seen full: a connection of it had to
    /// wait, or was turned away.
    pub queue: Option<Queue>,
}

/// A process of this host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// The process's number, as this program sees it.
    pub pid: u32,
    /// The process's name; text that is not to be trusted.
    pub command: Vec<u8>,
    /// The container that it runs in, if its control group tells.
    pub container: Option<String>,
}

/// How a process closed its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// Who called; not always the owner.
    pub by: Option<Process>,
    /// By what.
    pub how: How,
    /// Everything of the peer's before this number had been read by then.
    pub read_to: SeqNum,
    /// Everything of the peer's before this number had arrived by then; a FIN takes a number of its own.
    pub received_to: SeqNum,
}

/// By what an end was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// `close()`: nothing can be read any more.
    Close,
    /// `shutdown()`: it may still be read.
    Shutdown,
    /// The process ended, and the kernel closed what it had open.
    Exit {
        /// The signal that killed the process, if one did.
        signal: Option<u8>,
    },
    /// Which of them is not known.
    Untold,
}

/// A reset that the kernel sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: ResetReason,
}

/// The kernel's reason for a reset (`include/net/rstreason.h`, Linux 6.10). Before that none is told, nor
/// that there was a reset where the connection was gone or over: only that one was sent from a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResetReason {
    /// There is no such connection.
    NoSocket,
    /// The connection had been closed in order: the segment came after that.
    TimeWait,
    /// The end had been closed, the other had not yet heard of it or had not closed its own: what came
    /// after that had nobody to read it.
    AfterClose,
    /// The end was closed with bytes in it that nobody had read.
    UnreadData,
    /// The end was closed with a linger time of zero, which asks for a reset.
    LingerZero,
    /// Another one, by its number in the running kernel.
    Other(u32),
    /// The kernel does not tell.
    Untold,
}

/// A queue of connections to be accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Queue {
    /// When it was seen.
    pub at: Timestamp,
    /// Connections in it.
    pub length: u32,
    /// Connections that it takes (`listen()`'s backlog, at most `net.core.somaxconn`).
    pub most: u32,
}
