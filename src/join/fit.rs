//! Whether an exchange is what a line says, whatever its time.

use super::lines::KeptLine;
use crate::logs::LineKind;
use crate::packet::Endpoint;
use crate::topology::SeenExchange;
use crate::topology::request_key;
use std::time::Duration;

/// The log tells of each attempt of this line when it was, as finely as it takes.
pub(super) fn is_listed(line: &KeptLine) -> bool {
    line.attempts.len() > 1
        && line.resolution <= Duration::from_millis(10)
        && line.attempts.iter().all(|one| one.begun.is_some() && one.sent.is_some())
}

/// The line names no backend, or that one.
pub(super) fn fits_backend(line: &KeptLine, server: Endpoint) -> bool {
    let mut named =
        line.attempts.iter().filter_map(|one| one.backend).map(request_key::endpoint).peekable();
    named.peek().is_none() || named.any(|backend| backend == server)
}

/// What became of the exchange is what the line says.
pub(super) fn fits_status(line: &KeptLine, seen: &SeenExchange) -> bool {
    if seen.unread {
        return true;
    }
    if seen.failed && seen.status.is_none_or(|status| status < 500) {
        return line.error || !line.was_sent_once();
    }
    match (line.kind, seen.status) {
        (LineKind::Message | LineKind::Explains, status) => {
            status.is_none_or(|status| status >= 500)
        }
        (LineKind::Access, status) => {
            status.is_some() && (status == line.target_status() || status == line.status)
        }
    }
}
