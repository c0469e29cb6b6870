//! Which processes have the ends of a connection, and what they and the kernel did. Names of processes are text that anybody can choose.

use super::process_model::{
    ProcessClose, ProcessEnd, ProcessName, ProcessQueue, ProcessRecord, ProcessReset,
};
use crate::base::escape;
use crate::facts::kernel::{self, Closed, End, How};
use crate::ledger::Failure;
use crate::verdict::Sent;

/// The record of both ends; `None` where nothing is known of either.
pub fn record(failure: &Failure) -> Option<ProcessRecord> {
    let ends = failure.ends()?;
    let sent = failure.sent();
    Some(ProcessRecord {
        proxy: ends.client.as_ref().map(|end| end_record(end, None)),
        backend: ends.server.as_ref().map(|end| end_record(end, sent.as_ref())),
    })
}

fn end_record(end: &End, request: Option<&Sent>) -> ProcessEnd {
    let (pid, command, container) = match end.owner.as_ref().map(name) {
        Some(ProcessName { pid, command, container }) => (Some(pid), Some(command), container),
        None => (None, None, None),
    };
    ProcessEnd {
        pid,
        command,
        container,
        last_read: end.last_read,
        last_written: end.last_written,
        closed: end.closed.as_ref().map(|closed| ProcessClose {
            at: closed.at,
            by: closed.by.as_ref().map(name),
            how: closed.how,
            signal: signal(closed),
            unread_bytes: request.map(|request| request.unread_at(closed)),
        }),
        reset: end.reset.map(|reset| ProcessReset { at: reset.at, reason: reset.why }),
        retransmits: end.retransmits,
        queue: end.queue.map(|queue| ProcessQueue {
            at: queue.at,
            length: queue.length,
            most: queue.most,
        }),
    }
}

fn name(process: &kernel::Process) -> ProcessName {
    ProcessName {
        pid: process.pid,
        command: escape::text(&process.command),
        container: process.container.as_deref().map(|id| escape::text(id.as_bytes())),
    }
}

const fn signal(closed: &Closed) -> Option<u8> {
    match closed.how {
        How::Exit { signal } => signal,
        How::Close | How::Shutdown | How::Untold => None,
    }
}
