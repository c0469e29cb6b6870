//! `connection_refused`: a reset answered the SYN.

use super::Words;
use super::health_check_failing::other_port;
use crate::words::attempt::Attempt;
use crate::words::listening;

pub(super) const WORDS: Words = Words {
    noun: ["refused connect", "refused connects"],
    page: include_str!("connection_refused.md"),
    summary,
    fix,
};

fn summary(attempt: &Attempt<'_>) -> String {
    let failure = attempt.failure;
    let backend = failure.server;
    format!(
        "the connection to {backend} was refused: its SYN was answered by a reset{}{}",
        attempt.after_wait(),
        failure.listening.as_deref().map_or_else(String::new, |listening| {
            listening::sentence(failure.server, listening)
        })
    )
}

fn fix(attempt: &Attempt<'_>) -> String {
    format!(
        "start the server, or point the proxy at the address and port on which it listens (on the \
         backend: `ss -ltn`{}); a firewall that rejects looks the same",
        other_port(attempt.failure)
    )
}
