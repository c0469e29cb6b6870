//! `stalled`: the backend stopped in the middle: of its answer, or of reading.

use super::cause_words::CauseWords;
use crate::verdict::Detail;
use crate::words::phrases::duration;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["stalled exchange", "stalled exchanges"],
    page: include_str!("stalled.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::Stalled { zero_window: true, silence } => format!(
            "the backend {backend} stopped reading {request}: its receive window was zero for {}",
            duration(silence)
        ),
        Detail::Stalled { silence, .. } => format!(
            "the backend {backend} stopped in the middle of its answer to {request}; the proxy closed \
             after {} of silence",
            duration(silence)
        ),
        _ => format!("the backend {backend} stopped in the middle of {request}"),
    }
}

fn fix(subject: &Subject<'_>) -> String {
    match subject.failure.verdict.detail {
        Detail::Stalled { zero_window: true, .. } => {
            "look at the backend for what \
             keeps it from reading: all workers busy, a blocked event loop, a full disk or queue behind it"
        }
        _ => {
            "look at the backend for what stopped it in the middle of an answer (a \
             lock, a slow query, a call to another service), or raise the proxy's read timeout, which \
             counts from byte to byte"
        }
    }
    .to_owned()
}
