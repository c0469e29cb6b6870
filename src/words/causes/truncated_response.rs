//! `truncated_response`: the backend closed in the middle of its answer.

use super::cause_words::CauseWords;
use crate::verdict::Detail;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["truncated response", "truncated responses"],
    page: include_str!("truncated_response.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let close = subject.closed();
    let response = failure.response;
    let (received, expected) =
        response.map_or((0, None), |response| (response.received, response.expected));
    let how_far = match (failure.verdict.detail, expected) {
        (Detail::Truncated { head_complete: false }, _) => {
            "in the middle of the response's head".to_owned()
        }
        (_, Some(expected)) => {
            format!("after {received} of the {expected} bytes that it had announced")
        }
        (_, None) => format!("after {received} bytes of a body that had not ended"),
    };
    format!("the backend {backend} {close} the connection {how_far} in answer to {request}")
}

fn fix(_: &Subject<'_>) -> String {
    "look on the backend at that second for a crash or a worker \
     timeout in the middle of an answer, and for a Content-Length that is larger than the body"
        .to_owned()
}
