//! Exchanges of which it is open whether they failed, and what clients got meanwhile.

use crate::base::time::Timestamp;
use crate::facts::KeptAttempt;
use crate::knowledge::Knowledge;
use std::sync::Arc;

/// An exchange of which it is open whether it failed.
#[derive(Clone, Debug)]
pub(super) struct Unsettled {
    pub(super) attempt: Arc<KeptAttempt>,
    pub(super) knowledge: Knowledge,
    /// The first of its connection that was not judged.
    pub(super) first_unread: bool,
}

/// An error that a client got, while an exchange that it can be about was outstanding.
#[derive(Clone, Copy, Debug)]
pub struct ErrorGot {
    /// Number of the exchange's connection.
    pub connection: u64,
    /// Number of the exchange on it.
    pub ordinal: u32,
    /// When the client got it.
    pub at: Timestamp,
    /// No other exchange can be what it is about.
    pub sure: bool,
}

impl Unsettled {
    pub(super) fn place(&self) -> Option<(u64, u32)> {
        place(&self.attempt)
    }
}

/// The connection of an exchange, and its number on it.
pub(super) fn place(attempt: &KeptAttempt) -> Option<(u64, u32)> {
    attempt.as_exchange().map(|exchange| (attempt.number(), exchange.ordinal))
}
