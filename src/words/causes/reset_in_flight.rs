//! `reset_in_flight`: the connection was reset while the request waited for its answer.

use super::cause_words::CauseWords;
use super::closed_in_flight::{fix_of_either, summary_of_either};
use crate::facts::closing::Received;
use crate::verdict::Detail;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["reset in flight", "resets in flight"],
    page: include_str!("reset_in_flight.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    if let Some(summary) = summary_of_either(subject) {
        return summary;
    }
    let verdict = &failure.verdict;
    if let Detail::ForeignReset { ttl, usual } = verdict.detail {
        return format!(
            "the connection to {backend} was reset{} with {request} outstanding; the reset has TTL \
             {ttl} where the other segments from that side have {usual}, so something between sent it",
            subject.after_wait()
        );
    }
    let had = match verdict.close.and_then(|close| close.received) {
        Some(Received::All) => "after it had received all of the request",
        Some(Received::Part) => "while it was receiving the request",
        Some(Received::None) => "before it had received any of the request",
        None => "without a byte of an answer",
    };
    format!(
        "the backend {backend} reset the connection{} with {request} outstanding, {had}",
        subject.after_wait()
    )
}

fn fix(subject: &Subject<'_>) -> String {
    if let Some(fix) = fix_of_either(subject) {
        return fix;
    }
    match subject.failure.verdict.detail {
        Detail::ForeignReset { .. } => {
            "look between proxy and backend for \
             what resets connections: a firewall, an intrusion prevention system, a NAT or load balancer"
        }
        _ => {
            "look on the backend at that second for a process that died or \
             closed the socket with data unread: a crash, a worker killed or recycled, a limit reached"
        }
    }
    .to_owned()
}
