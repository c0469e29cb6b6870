//! What processes did with the ends of a connection, a line each.

use crate::report::model::{ProcessClose, ProcessEnd, ProcessName, ProcessRecord};
use crate::words::process::named;
use crate::words::process_lines as words;

/// What was done with it, in a line for each end of which that is known.
pub(super) fn lines(process: &ProcessRecord) -> Vec<String> {
    let line = |side: &str, end: &ProcessEnd| {
        let owner = end.pid.zip(end.command.as_deref());
        let owner = owner.map(|(pid, command)| named(pid, command, end.container.as_deref()));
        let mut parts: Vec<String> = owner.into_iter().collect();
        parts.extend(end.closed.as_ref().map(|closed| close(closed, end.pid)));
        parts.extend(end.reset.as_ref().map(|reset| words::reset(reset.at, reset.reason)));
        if end.retransmits > 0 {
            parts.push(words::sent_again(end.retransmits.into()));
        }
        (!parts.is_empty()).then(|| format!("{side}: {}", parts.join(", ")))
    };
    let ends = [(words::PROXYS_SIDE, &process.proxy), (words::BACKENDS_SIDE, &process.backend)];
    ends.into_iter().filter_map(|(side, end)| line(side, end.as_ref()?)).collect()
}

fn close(closed: &ProcessClose, owner: Option<u32>) -> String {
    // A worker's connection may be closed by its parent.
    let other = closed.by.as_ref().filter(|by| owner != Some(by.pid));
    let other = other
        .map(|ProcessName { pid, command, container }| named(*pid, command, container.as_deref()));
    words::closed(other.as_deref(), closed.how, closed.at, closed.unread_bytes)
}
