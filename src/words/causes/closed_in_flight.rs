//! `closed_in_flight`: the backend closed with the request in flight.

use super::cause_words::CauseWords;
use crate::facts::closing::Received;
use crate::verdict::InFlight;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::subject::Subject;
use std::time::Duration;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["connection closed without a response", "connections closed without a response"],
    page: include_str!("closed_in_flight.md"),
    expected_status: &[502, 503],
    helped: Some("each request gets its response"),
};

pub(super) fn summary(subject: &Subject<'_>, known: InFlight) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    if let Some(summary) = summary_of_either(subject, known) {
        return summary;
    }
    let verdict = failure.verdict();
    let later =
        verdict.wait().map_or_else(String::new, |wait| format!(" {} later", duration(wait)));
    if failure.request().is_none() {
        return format!(
            "the backend {backend} closed the connection right after the handshake, before any request, \
             and the proxy closed without having sent anything"
        );
    }
    match verdict.close().and_then(|close| close.received) {
        Some(Received::All) => format!(
            "the backend {backend} received {request} completely and closed the connection{later} without \
             sending a response"
        ),
        Some(Received::Part) => format!(
            "the backend {backend} closed the connection{} while it was receiving {request}, without \
             sending a response",
            subject.after_wait()
        ),
        Some(Received::None) | None if known.is_fresh() => format!(
            "the backend {backend} accepted a new connection and closed it before {request} reached it"
        ),
        Some(Received::None) | None => {
            format!("the backend {backend} closed the connection without a response to {request}")
        }
    }
}

pub(super) fn fix(subject: &Subject<'_>, known: InFlight) -> Fix {
    let text = fix_of_either(subject, known).unwrap_or_else(|| {
        let at = subject.at_time();
        if known.is_fresh() {
            format!(
                "check the backend's log{at} for what closes new connections: a crash, a worker being \
                 killed or restarted, a connection limit"
            )
        } else {
            format!(
                "check the backend's log{at} for a worker that crashed, or was killed or recycled (memory, \
                 timeout, deploy), or a handler that closes the connection"
            )
        }
    });
    Fix::on(FixSide::Backend, text).instead_of(PROXY_WAITS)
}

/// What does not help where the backend ended the connection.
pub(super) const PROXY_WAITS: &str = "longer timeouts in the proxy: the backend closed first";

/// What is said alike whether the backend closed or reset.
pub(super) fn summary_of_either(subject: &Subject<'_>, known: InFlight) -> Option<String> {
    let Subject { request, failure, .. } = *subject;
    let (backend, close) = (failure.server, subject.closed());
    let verdict = failure.verdict();
    Some(match known {
        InFlight::NothingAnswered { connections } => format!(
            "the backend {backend} {close} each of {connections} new connections at its first request, \
             {request} for example, and never answered on this port: it may expect another protocol, a \
             PROXY protocol header, or TLS"
        ),
        InFlight::MaybeUnread => format!(
            "the backend {backend} {close} the connection{} after it had received {} of {request}, without \
             sending a response: a crash, a handler that closes the connection, or a keep-alive race inside \
             the backend's host, where its timer ran out before it read the request{idle}",
            subject.after_wait().strip_prefix(" after").unwrap_or_default(),
            match verdict.close().and_then(|close| close.received) {
                Some(Received::All) => "all",
                Some(Received::Part) => "a part",
                Some(Received::None) => "nothing",
                None => "some",
            },
            idle = verdict.closed_after().map_or_else(String::new, |after| {
                format!(" ({} after its last response)", duration(after))
            })
        ),
        InFlight::Fresh | InFlight::Used | InFlight::Unread { .. } | InFlight::Read { .. } => {
            return None;
        }
    })
}

/// What to change, alike whether the backend closed or reset.
pub(super) fn fix_of_either(subject: &Subject<'_>, known: InFlight) -> Option<String> {
    let verdict = subject.failure.verdict();
    Some(match known {
        InFlight::NothingAnswered { .. } => "check what listens on this port, and its log: it may speak \
             another protocol (uWSGI, FastCGI, AJP), expect a PROXY protocol header (HAProxy `send-proxy`, \
             nginx `proxy_protocol on`), or TLS (`https://`); if it is the right one, it crashes on every \
             request, or denies this proxy"
            .to_owned(),
        InFlight::MaybeUnread => format!(
            "check the backend's log{} for a crash, a worker killed or recycled, or a handler that closes \
             the connection; if it has nothing, compare the idle time with the backend's keep-alive \
             timeout{}, which must be longer than the proxy's idle timeout",
            subject.at_time(),
            verdict.closed_after().map_or_else(String::new, |after| {
                format!(" (the close came {} after the last response)", duration(after))
            })
        ),
        InFlight::Unread { .. } if verdict.wait().is_some_and(|wait| wait > NOT_LONG) => {
            "find what kept the backend from reading the request (all workers busy, a blocked event loop), \
             and what closed the connection then: a timeout, a restart"
                .to_owned()
        }
        InFlight::Fresh | InFlight::Used | InFlight::Unread { .. } | InFlight::Read { .. } => {
            return None;
        }
    })
}

/// A request that lay unread for longer met a server that did not read.
const NOT_LONG: Duration = Duration::from_millis(100);
