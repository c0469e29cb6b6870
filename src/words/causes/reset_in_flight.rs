//! `reset_in_flight`: the connection was reset while the request waited for its answer.

use super::cause_words::CauseWords;
use super::closed_in_flight::{PROXY_WAITS, fix_of_either, summary_of_either};
use crate::facts::closing::Received;
use crate::verdict::ResetBy;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["connection reset before a response", "connections reset before a response"],
    page: include_str!("reset_in_flight.md"),
    expected_status: &[502, 503],
    helped: Some("each request gets its response"),
};

pub(super) fn summary(subject: &Subject<'_>, by: ResetBy) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let known = match by {
        ResetBy::Backend(known) => known,
        ResetBy::Path { ttl, usual } => {
            return format!(
                "the connection to {backend} was reset{} during {request}: the RST has TTL {ttl}, the \
                 other segments of that side {usual}, so something between sent it",
                subject.after_wait()
            );
        }
    };
    if let Some(summary) = summary_of_either(subject, known) {
        return summary;
    }
    let verdict = failure.verdict();
    let wait = verdict.wait().map(duration);
    let when = match (verdict.close().and_then(|close| close.received), wait) {
        (Some(Received::All), Some(wait)) => format!(" {wait} after it had received {request}"),
        (Some(Received::All), None) => format!(" after it had received {request}"),
        (Some(Received::Part), _) => format!(" while it was receiving {request}"),
        (Some(Received::None), _) => format!(" before it had received any of {request}"),
        (None, Some(wait)) => format!(" {wait} after {request}, without sending a response"),
        (None, None) => format!(" without a response to {request}"),
    };
    format!("the backend {backend} reset the connection (RST){when}")
}

pub(super) fn fix(subject: &Subject<'_>, by: ResetBy) -> Fix {
    let known = match by {
        ResetBy::Backend(known) => known,
        ResetBy::Path { ttl, usual } => {
            return Fix::on(
                FixSide::Path,
                "find what resets connections between proxy and backend: a firewall, an intrusion \
                 prevention system, a NAT or load balancer",
            )
            .why(format!("the RST has TTL {ttl}, the other segments of that side {usual}"));
        }
    };
    let text = fix_of_either(subject, known).unwrap_or_else(|| {
        format!(
            "check the backend's log{} for a process that died or closed the connection with data unread: \
             a crash, a worker killed or recycled, a limit reached",
            subject.at_time()
        )
    });
    Fix::on(FixSide::Backend, text).instead_of(PROXY_WAITS)
}
