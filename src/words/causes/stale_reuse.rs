//! `stale_reuse`: the proxy sent a request although its kernel had the backend's close.

use super::cause_words::CauseWords;
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["stale reuse", "stale reuses"],
    page: include_str!("stale_reuse.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    format!(
        "the proxy sent {request} on a connection that the backend {backend} had already closed; \
         the request itself acknowledges that close"
    )
}

fn fix(subject: &Subject<'_>) -> String {
    if let Some(known) = settings::bounds_answer(&subject.failure.context) {
        let seconds = settings::longer_than(subject.failure.context.proxy_idle, Some(known));
        return format!(
            "raise the backend's keep-alive timeout above the proxy's idle timeout, to {seconds} s or \
             more; do not lower that of the {} instead: {}",
            known.name,
            settings::ITS_LIMIT
        );
    }
    format!(
        "lower the proxy's idle timeout below the backend's keep-alive timeout{}, and let the proxy check \
         a pooled connection before it reuses it",
        settings::proxy_setting(&subject.failure.context)
    )
}
