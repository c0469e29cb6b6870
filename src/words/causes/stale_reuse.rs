//! `stale_reuse`: the proxy sent a request although its kernel had the backend's close.

use super::cause_words::CauseWords;
use crate::words::fix::Fix;
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["request on a closed connection", "requests on closed connections"],
    page: include_str!("stale_reuse.md"),
    expected_status: &[502, 503],
    helped: Some("none comes after the backend's close"),
};

pub(super) fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    format!(
        "the proxy sent {request} on a connection that the backend {backend} had already closed: the \
         request itself acknowledges the close"
    )
}

pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    let context = &subject.failure.context;
    if let Some(known) = settings::bounds_answer(context) {
        let text = format!(
            "raise the backend's keep-alive timeout above the proxy's idle timeout, to {} s or more; {}",
            settings::longer_than(context.proxy_idle, Some(known)),
            settings::not_instead(known)
        );
        return settings::longer_keepalive(context, text);
    }
    let text = format!(
        "lower the proxy's idle timeout below the backend's keep-alive timeout{}, and make the proxy check \
         a pooled connection before it reuses it",
        settings::proxy_setting(context)
    );
    settings::shorter_idle(context, subject.failure.verdict().closed_after(), text)
}
