//! `stalled`: the backend stopped in the middle: of its answer, or of reading.

use super::Words;
use crate::verdict::Detail;
use crate::words::attempt::Attempt;
use crate::words::phrases::duration;

pub(super) const WORDS: Words = Words {
    noun: ["stalled exchange", "stalled exchanges"],
    page: include_str!("stalled.md"),
    summary,
    fix,
};

fn summary(attempt: &Attempt<'_>) -> String {
    let Attempt { request, failure, .. } = *attempt;
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

fn fix(attempt: &Attempt<'_>) -> String {
    match attempt.failure.verdict.detail {
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
