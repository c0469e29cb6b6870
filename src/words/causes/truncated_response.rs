//! `truncated_response`: the backend closed in the middle of its answer.

use super::cause_words::CauseWords;
use super::closed_in_flight::PROXY_WAITS;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::grouped;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["truncated response", "truncated responses"],
    page: include_str!("truncated_response.md"),
    expected_status: &[502, 200],
    helped: Some("each response comes whole"),
};

pub(super) fn summary(subject: &Subject<'_>, head_complete: bool) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let close = subject.closed();
    let response = failure.response();
    let (received, expected) =
        response.map_or((0, None), |response| (response.received, response.expected));
    let [received, expected] = [Some(received), expected].map(|count| count.map(grouped));
    let received = received.unwrap_or_default();
    let cut = response.is_some_and(|response| response.cut);
    let least = response.and_then(|response| response.least).filter(|_| cut).map(grouped);
    let how_far = match expected {
        // Where its head ends, and the number in it, is not known.
        Some(expected) if cut => format!("at most {received} of {expected} bytes (Content-Length)"),
        None if let Some(least) = least => {
            format!("at most {received} of at least {least} bytes (Content-Length)")
        }
        _ if !head_complete => "its head is not complete".to_owned(),
        Some(expected) => format!("{received} of {expected} bytes (Content-Length)"),
        None => format!("{received} bytes of a body without its last chunk"),
    };
    format!(
        "the backend {backend} {close} the connection in the middle of the response to {request}: {how_far}"
    )
}

pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    let text = format!(
        "check the backend's log{} for a crash or a worker timeout during a response, and compare \
         Content-Length with the size of the body",
        subject.at_time()
    );
    Fix::on(FixSide::Backend, text).instead_of(PROXY_WAITS)
}
