//! `stale_reuse`: the proxy sent a request although its kernel had the backend's close.

use super::Words;
use crate::words::attempt::Attempt;
use crate::words::settings;

pub(super) const WORDS: Words = Words {
    noun: ["stale reuse", "stale reuses"],
    page: include_str!("stale_reuse.md"),
    summary,
    fix,
};

fn summary(attempt: &Attempt<'_>) -> String {
    let Attempt { request, failure, .. } = *attempt;
    let backend = failure.server;
    format!(
        "the proxy sent {request} on a connection that the backend {backend} had already closed; \
         the request itself acknowledges that close"
    )
}

fn fix(attempt: &Attempt<'_>) -> String {
    if let Some(known) = settings::bounds_answer(&attempt.failure.context) {
        let seconds = settings::longer_than(attempt.failure.context.proxy_idle, Some(known));
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
        settings::proxy_setting(&attempt.failure.context)
    )
}
