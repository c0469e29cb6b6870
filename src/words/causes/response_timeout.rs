//! `response_timeout`: the proxy closed while it waited for an answer.

use super::cause_words::CauseWords;
use crate::verdict::Detail;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["response timeout", "response timeouts"],
    page: include_str!("response_timeout.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::GaveUp { answered_late: true, .. } => format!(
            "the proxy gave up on {request} to {backend}{}; the answer came after that",
            subject.after_wait()
        ),
        _ => format!(
            "the proxy gave up on {request} to {backend}{}; the backend had received it and sent \
             nothing",
            subject.after_wait()
        ),
    }
}

fn fix(_: &Subject<'_>) -> String {
    "find what made the backend slow at that second (load, a lock, \
     a query, a call to another service), or raise the proxy's read timeout above what the \
     request may take"
        .to_owned()
}
