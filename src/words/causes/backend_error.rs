//! `backend_error`: the backend answered 5xx, and the proxy passed that on.

use super::Words;
use crate::verdict::Detail;
use crate::words::attempt::Attempt;

pub(super) const WORDS: Words = Words {
    noun: ["error of the backend's own", "errors of the backend's own"],
    page: include_str!("backend_error.md"),
    summary,
    fix,
};

fn summary(attempt: &Attempt<'_>) -> String {
    let Attempt { request, failure, .. } = *attempt;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::Status(status) => {
            format!("the backend {backend} itself answered {request} with {status}")
        }
        _ => format!("the backend {backend} itself answered {request} with 5xx"),
    }
}

fn fix(_: &Attempt<'_>) -> String {
    "look in the backend's own log at that second: it answered, and \
     the proxy only passed that on"
        .to_owned()
}
