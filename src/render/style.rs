//! What the files of the text share: colours, and how points in time and counts of kinds are written.

use crate::base::time::Timestamp;
use crate::report::{Named, Tally};
use anstyle::{AnsiColor, Style};

pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Date and time, to the millisecond.
pub(super) fn clock(at: Timestamp) -> String {
    at.date_and_time()
}

/// `2 safe, 1 unknown`.
pub(super) fn counted<K: Named>(ones: impl Iterator<Item = K>) -> String {
    let counts: Tally<K> = ones.map(|one| (one, 1)).collect();
    let parts: Vec<String> =
        counts.iter().map(|(one, count)| format!("{count} {}", one.named())).collect();
    parts.join(", ")
}
