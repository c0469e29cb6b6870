//! `response_timeout`: the proxy closed while it waited for an answer.

use super::cause_words::CauseWords;
use crate::verdict::GaveUp;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["response timeout", "response timeouts"],
    page: include_str!("response_timeout.md"),
    expected_status: &[504, 502],
    helped: Some("each response comes in time"),
};

pub(super) fn summary(subject: &Subject<'_>, on: GaveUp) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let within = failure.verdict().wait().map(|wait| format!(" within {}", duration(wait)));
    let within = within.unwrap_or_default();
    if on.answered_late {
        return format!(
            "{request} timed out: the backend {backend} sent no response{within}, then the proxy closed \
             the connection; the response came after that"
        );
    }
    format!(
        "{request} timed out: the backend {backend} received it and sent no response{within}, then the \
         proxy closed the connection"
    )
}

pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    let text = format!(
        "find what made the backend slow{} (load, a lock, a query, a call to another service), or raise \
         the proxy's read timeout above what this request may take",
        subject.at_time()
    );
    let (context, verdict) = (&subject.failure.context, subject.failure.verdict());
    let fix =
        settings::longer_read(context, &text).unwrap_or_else(|| Fix::on(FixSide::Backend, text));
    let Some(wait) = verdict.wait().map(duration) else { return fix };
    // There a longer time to answer is a longer idle timeout, too.
    let also = settings::bounds_answer(context)
        .map_or("", |_| "; the backend's keep-alive timeout must stay above the new value");
    fix.why(format!("the backend sent no response within {wait}{also}"))
}
