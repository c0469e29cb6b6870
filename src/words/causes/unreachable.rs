//! `unreachable`: something on the way said that the backend cannot be reached, or nobody has its address.

use super::cause_words::CauseWords;
use crate::verdict::NoWay;
use crate::words::fix::{Fix, FixSide};
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["unreachable backend", "unreachable backends"],
    page: include_str!("unreachable.md"),
    expected_status: &[502, 503],
    helped: Some("each connect is answered"),
};

pub(super) fn summary(subject: &Subject<'_>, why: NoWay) -> String {
    let failure = subject.failure;
    let backend = failure.server;
    match why {
        NoWay::Told(error) => format!(
            "the connection to {backend} failed: {} answered the SYN with ICMP \"{}\" (code {})",
            error.by,
            error.meaning(),
            error.code
        ),
        NoWay::NoNeighbour { about, times } => format!(
            "the proxy's SYN to {backend} never left its host: nobody answered {} for {about} (sent \
             {times} times)",
            if about.is_ipv4() { "ARP requests" } else { "neighbour solicitations" }
        ),
    }
}

pub(super) fn fix(_: &Subject<'_>, why: NoWay) -> Fix {
    match why {
        NoWay::NoNeighbour { .. } => Fix::on(
            FixSide::Backend,
            "check whether the backend's host is down or has another address: \
             make the proxy resolve the name again (nginx: `resolver` and a variable, or reload)",
        ),
        NoWay::Told(error) => Fix::on(
            FixSide::Path,
            format!(
                "check {}, which sent the ICMP error: a firewall rule (REJECT), a missing route, or the \
                 backend's address is gone",
                error.by
            ),
        ),
    }
}
