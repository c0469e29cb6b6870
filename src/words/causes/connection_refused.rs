//! `connection_refused`: a reset answered the SYN.

use super::cause_words::CauseWords;
use super::health_check_failing::other_port;
use crate::words::listening;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["refused connect", "refused connects"],
    page: include_str!("connection_refused.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let failure = subject.failure;
    let backend = failure.server;
    format!(
        "the connection to {backend} was refused: its SYN was answered by a reset{}{}",
        subject.after_wait(),
        failure.listening.as_deref().map_or_else(String::new, |listening| {
            listening::sentence(failure.server, listening)
        })
    )
}

fn fix(subject: &Subject<'_>) -> String {
    format!(
        "start the server, or point the proxy at the address and port on which it listens (on the \
         backend: `ss -ltn`{}); a firewall that rejects looks the same",
        other_port(subject.failure)
    )
}
