//! Errors that clients got while an exchange was outstanding.

use crate::ledger::ErrorGot;
use crate::topology::SeenExchange;
use crate::topology::front_leg::FrontError;
use std::collections::HashSet;

/// The errors that exchanges at these places, by connection and number on it, are the only ones to explain.
/// Each explains one.
pub(super) fn find(
    errors: &[FrontError],
    trail: &[SeenExchange],
    outstanding: &HashSet<(u64, u32)>,
) -> Vec<ErrorGot> {
    if outstanding.is_empty() {
        return Vec::new();
    }
    let place = |one: &SeenExchange| (one.connection, one.ordinal);
    let mut taken = HashSet::new();
    let mut found = Vec::new();
    for error in errors {
        let candidates = || error.candidates.iter().filter_map(|one| trail.get(*one));
        // What another attempt explains tells nothing of this one.
        let explained = candidates().any(|one| {
            !outstanding.contains(&place(one)) && (one.failed || one.status >= Some(500))
        });
        let Some(front) = trail.get(error.front).filter(|_| !explained) else { continue };
        let open = candidates().find(|one| {
            outstanding.contains(&place(one))
                && one.server != front.server
                && taken.insert(place(one))
        });
        found.extend(open.map(|one| ErrorGot {
            connection: one.connection,
            ordinal: one.ordinal,
            at: front.answered.unwrap_or(front.ended),
            sure: error.candidates.len() == 1,
        }));
    }
    found
}
