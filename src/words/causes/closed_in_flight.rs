//! `closed_in_flight`: the backend closed with the request in flight.

use super::cause_words::CauseWords;
use crate::facts::closing::Received;
use crate::verdict::Detail;
use crate::words::phrases::duration;
use crate::words::subject::Subject;
use std::time::Duration;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["close in flight", "closes in flight"],
    page: include_str!("closed_in_flight.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    if let Some(summary) = summary_of_either(subject) {
        return summary;
    }
    if failure.request.is_none() {
        return format!(
            "the backend {backend} closed the connection right after the handshake, before anything was \
             asked, and the proxy closed without having sent anything"
        );
    }
    let verdict = &failure.verdict;
    match verdict.close.and_then(|close| close.received) {
        Some(Received::All) => format!(
            "the backend {backend} received all of {request} and closed the connection{} \
                 without a byte of an answer",
            subject.after_wait()
        ),
        Some(Received::Part) => format!(
            "the backend {backend} closed the connection{} while it was receiving {request}, \
                 without a byte of an answer",
            subject.after_wait()
        ),
        _ if is_fresh(verdict.detail) => format!(
            "the backend {backend} accepted a new connection and closed it before {request} \
                 reached it"
        ),
        _ => format!("the backend {backend} closed the connection without answering {request}"),
    }
}

fn fix(subject: &Subject<'_>) -> String {
    if let Some(fix) = fix_of_either(subject) {
        return fix;
    }
    if is_fresh(subject.failure.verdict.detail) {
        return "look on the backend at that second for what closes \
             new connections: a crash, a worker being killed or restarted, a connection limit"
            .to_owned();
    }
    "look on the backend at that second for a crash, a worker \
     killed or recycled (memory, timeout, deploy), or a handler that drops the connection"
        .to_owned()
}

/// What is said alike whether the backend closed or reset.
pub(super) fn summary_of_either(subject: &Subject<'_>) -> Option<String> {
    let Subject { request, failure, .. } = *subject;
    let (backend, close, idle) = (failure.server, subject.closed(), subject.closed_after());
    let verdict = &failure.verdict;
    Some(match verdict.detail {
        Detail::NothingAnswered { connections } => format!(
            "the backend {backend} {close} each of {connections} new connections as soon as something was \
             asked, {request} for one, and never answered anything on this port: it may expect another \
             protocol, a header of the PROXY protocol, or TLS"
        ),
        Detail::MaybeUnread => format!(
            "the backend {backend} {close} the connection{} after it had received {} of {request}, \
             without a byte of an answer: a crash or a handler that drops the connection, or a keep-alive \
             race inside the backend's host{idle}, whose idle timer fired before anybody read the request",
            subject.after_wait().strip_prefix(" after").unwrap_or_default(),
            match verdict.close.and_then(|close| close.received) {
                Some(Received::All) => "all",
                Some(Received::Part) => "a part",
                Some(Received::None) => "nothing",
                None => "some",
            }
        ),
        _ => return None,
    })
}

/// What to change, alike whether the backend closed or reset.
pub(super) fn fix_of_either(subject: &Subject<'_>) -> Option<String> {
    let verdict = &subject.failure.verdict;
    Some(match verdict.detail {
        Detail::NothingAnswered { .. } => "look at what \
             listens on this port, and at its log: it may speak another protocol (uWSGI, FastCGI, AJP), expect \
             a header of the PROXY protocol (HAProxy `send-proxy`, nginx `proxy_protocol on`), or TLS \
             (`https://`); if it is the right one, it crashes on every request, or denies this proxy"
            .to_owned(),
        Detail::MaybeUnread => format!(
            "look on the backend at that second for a crash, a worker killed or recycled, or a handler \
             that drops the connection; if nothing is logged there, compare the idle time with its \
             keep-alive timeout{}: that must be longer than the proxy's idle timeout",
            verdict.closed_after.map_or_else(String::new, |after| {
                format!(" (the close came {} after the last answer)", duration(after))
            })
        ),
        Detail::Unread { .. } if verdict.wait.is_some_and(|wait| wait > NOT_LONG) => {
            "look on the backend for what kept the server from reading the request (all workers busy, a \
             blocked event loop), and for what closed the connection then: a timeout, a restart"
                .to_owned()
        }
        _ => return None,
    })
}

/// The connection had not been used before.
const fn is_fresh(detail: Detail) -> bool {
    matches!(
        detail,
        Detail::Fresh | Detail::Unread { fresh: true, .. } | Detail::Read { fresh: true, .. }
    )
}

/// A request that lay unread for longer met a server that did not read.
const NOT_LONG: Duration = Duration::from_millis(100);
