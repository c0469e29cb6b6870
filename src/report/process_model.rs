//! The report's record of the processes at the ends of a connection, field by field as `--format json`
//! writes it.

use crate::base::time::Timestamp;
use crate::facts::kernel::{How, ResetReason};
use serde::Serialize;

/// The processes at the ends of a connection, and what the kernel says of these.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessRecord {
    /// At the client side, if it is on the host that watches.
    pub proxy: Option<ProcessEnd>,
    /// At the server side, if it is on the host that watches.
    pub backend: Option<ProcessEnd>,
}

/// One end. Times are those of `at`.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessEnd {
    /// Who read from it or wrote to it last, else who had it open.
    pub pid: Option<u32>,
    /// The name of its program.
    pub command: Option<String>,
    /// The id of the container that it runs in.
    pub container: Option<String>,
    /// How it was closed on this side, the first time.
    pub closed: Option<ProcessClose>,
    /// The first reset that the kernel sent from it.
    pub reset: Option<ProcessReset>,
    /// Segments that the kernel sent again.
    pub retransmits: u32,
    /// When a process last took something from it.
    pub last_read: Option<Timestamp>,
    /// When a process last put something into it.
    pub last_written: Option<Timestamp>,
    /// The listener's queue of connections to be accepted, if that was seen full.
    pub queue: Option<ProcessQueue>,
}

/// A process.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessName {
    /// The number of the process.
    pub pid: u32,
    /// The name of its program; not its arguments.
    pub command: String,
    /// The id of the container that it runs in.
    pub container: Option<String>,
}

/// A close by a process.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessClose {
    /// When.
    pub at: Timestamp,
    /// Who, if that is known.
    pub by: Option<ProcessName>,
    /// By what.
    pub how: How,
    /// What killed the process.
    pub signal: Option<u8>,
    /// Bytes of the peer's that had arrived and not been read; `null` on the proxy's side, and where
    /// there was no request.
    pub unread_bytes: Option<u64>,
}

/// A reset that the kernel sent.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessReset {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: ResetReason,
}

/// A queue of connections to be accepted that was full.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessQueue {
    /// When it was last seen full.
    pub at: Timestamp,
    /// Connections in it.
    pub length: u32,
    /// Connections that it takes.
    pub most: u32,
}
