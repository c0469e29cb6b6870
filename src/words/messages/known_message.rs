//! What is known of one message.

use crate::verdict::Cause;

/// A message, and what to make of it.
pub struct KnownMessage {
    /// As it is written; `…` stands for what differs.
    pub text: &'static str,
    /// Who writes it.
    pub whose: &'static str,
    /// What it can mean, the likeliest first; none where nothing on the way to a backend failed.
    pub causes: &'static [Cause],
    /// How to tell these apart, and what to do.
    pub apart: &'static str,
}

pub(super) const fn of(
    text: &'static str,
    whose: &'static str,
    causes: &'static [Cause],
    apart: &'static str,
) -> KnownMessage {
    KnownMessage { text, whose, causes, apart }
}
