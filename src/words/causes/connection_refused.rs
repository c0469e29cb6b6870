//! `connection_refused`: a reset answered the SYN.

use super::cause_words::CauseWords;
use super::health_check_failing::other_port;
use crate::words::fix::{Fix, FixSide};
use crate::words::listening;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["connection refused", "connections refused"],
    page: include_str!("connection_refused.md"),
    expected_status: &[502, 503],
    helped: Some("each connect is accepted"),
};

pub(super) fn summary(subject: &Subject<'_>) -> String {
    let failure = subject.failure;
    format!(
        "the connection to {} was refused: RST in answer to the SYN{}{}",
        failure.server,
        subject.after_wait(),
        failure.listening().map_or_else(String::new, |listening| {
            listening::sentence(failure.server, listening)
        })
    )
}

pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    let text = format!(
        "start the server, or set in the proxy the address and port on which it listens (on the backend: \
         `ss -ltn`{}); a firewall that rejects looks the same",
        other_port(subject.failure)
    );
    Fix::on(FixSide::Backend, text)
        .instead_of("longer timeouts in the proxy: the connection is refused at once")
}
