//! `backend_error`: the backend answered 5xx, and the proxy passed that on.

use super::cause_words::CauseWords;
use crate::words::fix::{Fix, FixSide};
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["error response of the backend itself", "error responses of the backend itself"],
    page: include_str!("backend_error.md"),
    // Its own status stands in its record.
    expected_status: &[],
    helped: Some("the backend answers no 5xx"),
};

pub(super) fn summary(subject: &Subject<'_>, status: u16) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    format!("{request}: the backend {backend} answered {status}; the proxy is not the cause")
}

pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    let at = subject.at_time();
    Fix::on(
        FixSide::Backend,
        format!("check the backend's own log{at}: it sent this response itself"),
    )
    .instead_of("the proxy's timeouts: the backend sent this response itself")
}
