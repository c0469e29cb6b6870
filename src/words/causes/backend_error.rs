//! `backend_error`: the backend answered 5xx, and the proxy passed that on.

use super::cause_words::CauseWords;
use crate::verdict::Detail;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["error of the backend's own", "errors of the backend's own"],
    page: include_str!("backend_error.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::Status(status) => {
            format!("the backend {backend} itself answered {request} with {status}")
        }
        _ => format!("the backend {backend} itself answered {request} with 5xx"),
    }
}

fn fix(_: &Subject<'_>) -> String {
    "look in the backend's own log at that second: it answered, and \
     the proxy only passed that on"
        .to_owned()
}
