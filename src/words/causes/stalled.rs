//! `stalled`: the backend stopped in the middle: of its answer, or of reading.

use super::cause_words::CauseWords;
use crate::verdict::Detail;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["stalled transfer", "stalled transfers"],
    page: include_str!("stalled.md"),
    expected_status: &[504, 502],
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::Stalled { zero_window: true, silence } => format!(
            "the backend {backend} stopped reading {request}: its receive window was 0 for {}",
            duration(silence)
        ),
        Detail::Stalled { silence, .. } => format!(
            "the backend {backend} stopped in the middle of its response to {request}; after {} of \
             silence the proxy closed the connection",
            duration(silence)
        ),
        _ => format!("the backend {backend} stopped in the middle of {request}"),
    }
}

fn fix(subject: &Subject<'_>) -> Fix {
    match subject.failure.verdict.detail {
        Detail::Stalled { zero_window: true, .. } => Fix::on(
            FixSide::Backend,
            "find what keeps the backend from reading: all workers busy, a blocked event loop, a full disk \
             or queue behind it",
        )
        .instead_of("longer timeouts in the proxy: the backend does not read"),
        _ => Fix::on(
            FixSide::Backend,
            "find what stopped the backend in the middle of its response (a lock, a slow query, a call to \
             another service), or raise the proxy's read timeout, which counts from byte to byte",
        ),
    }
}
