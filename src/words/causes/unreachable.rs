//! `unreachable`: something on the way said that the backend cannot be reached, or nobody has its address.

use super::cause_words::CauseWords;
use crate::verdict::Detail;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["unreachable backend", "unreachable backends"],
    page: include_str!("unreachable.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let failure = subject.failure;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::Unreachable(said) => format!(
            "the connection to {backend} could not be made: {} answered the SYN with ICMP \"{}\" \
             (code {})",
            said.by,
            said.meaning(),
            said.code
        ),
        Detail::NoNeighbour { about, times } => format!(
            "the proxy's connect never left its host: nobody answers {} for {about}, which was asked for \
             {times} times",
            if about.is_ipv4() { "ARP" } else { "neighbour solicitations" }
        ),
        _ => format!("the connection to {backend} could not be made"),
    }
}

fn fix(subject: &Subject<'_>) -> String {
    match subject.failure.verdict.detail {
        Detail::NoNeighbour { .. } => {
            "nobody has that address any more, or its host is down: let the proxy resolve the \
             backend's name again (nginx: `resolver` and a variable, or reload)"
        }
        _ => {
            "look at the host that said so: a firewall that rejects, a missing \
             route, or an address that nobody has any more"
        }
    }
    .to_owned()
}
