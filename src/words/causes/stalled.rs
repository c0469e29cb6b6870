//! `stalled`: the backend stopped in the middle: of its answer, or of reading.

use super::cause_words::CauseWords;
use crate::verdict::Standstill;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["stalled transfer", "stalled transfers"],
    page: include_str!("stalled.md"),
    expected_status: &[504, 502],
    helped: Some("no transfer stands still"),
};

pub(super) fn summary(subject: &Subject<'_>, how: Standstill) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let silence = duration(how.silence);
    if how.zero_window {
        format!(
            "the backend {backend} stopped reading {request}: its receive window was 0 for {silence}"
        )
    } else {
        format!(
            "the backend {backend} stopped in the middle of its response to {request}; after {silence} of \
             silence the proxy closed the connection"
        )
    }
}

pub(super) fn fix(_: &Subject<'_>, how: Standstill) -> Fix {
    if how.zero_window {
        return Fix::on(
            FixSide::Backend,
            "find what keeps the backend from reading: all workers busy, a blocked event loop, a full disk \
             or queue behind it",
        )
        .instead_of("longer timeouts in the proxy: the backend does not read");
    }
    Fix::on(
        FixSide::Backend,
        "find what stopped the backend in the middle of its response (a lock, a slow query, a call to \
         another service), or raise the proxy's read timeout, which counts from byte to byte",
    )
}
