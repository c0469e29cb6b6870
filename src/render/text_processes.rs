//! What processes did with the ends of a connection, a line each.

use super::style::precise_time_of_day as clock;
use crate::facts::kernel::{How, ResetReason};
use crate::report::Named;
use crate::report::model::{ProcessClose, ProcessEnd, ProcessRecord};
use crate::words::phrases::plural;
use crate::words::process::{named, signal_named};

/// What was done with it, in a line for each end of which that is known.
pub(super) fn lines(process: &ProcessRecord) -> Vec<String> {
    let line = |side: &str, end: &ProcessEnd| {
        let owner = end.pid.zip(end.command.as_deref());
        let owner = owner.map(|(pid, command)| named(pid, command, end.container.as_deref()));
        let mut parts: Vec<String> = owner.into_iter().collect();
        parts.extend(end.closed.as_ref().map(|closed| close_line(closed, end.pid)));
        parts.extend(end.reset.as_ref().map(|reset| {
            let why = match reset.reason {
                ResetReason::Other(_) | ResetReason::Untold => String::new(),
                reason => format!(" ({})", reason.named().replace('_', " ")),
            };
            format!("its kernel reset at {}{why}", clock(reset.at))
        }));
        if end.retransmits > 0 {
            parts.push(format!("{} sent again", plural(end.retransmits.into(), "segment")));
        }
        (!parts.is_empty()).then(|| format!("{side}: {}", parts.join(", ")))
    };
    let ends =
        [("on the proxy's side", &process.proxy), ("on the backend's side", &process.backend)];
    ends.into_iter().filter_map(|(side, end)| line(side, end.as_ref()?)).collect()
}

fn close_line(closed: &ProcessClose, owner: Option<u32>) -> String {
    // A worker's connection may be closed by its parent.
    let other = closed.by.as_ref().filter(|by| owner != Some(by.pid));
    let who = other.map_or_else(String::new, |by| {
        format!("{} ", named(by.pid, &by.command, by.container.as_deref()))
    });
    let how = match closed.how {
        How::Exit { signal: Some(signal) } => format!("killed by {}", signal_named(signal)),
        How::Exit { signal: None } => "ended".to_owned(),
        How::Shutdown => "shut it down".to_owned(),
        How::Close | How::Untold => "closed it".to_owned(),
    };
    let unread = closed.unread_bytes.filter(|bytes| *bytes > 0);
    let unread = unread.map_or_else(String::new, |bytes| format!(" with {bytes} bytes unread"));
    format!("{who}{how} at {}{unread}", clock(closed.at))
}
