//! `client_gone`: the proxy closed early, perhaps because its own client had left.

use super::cause_words::CauseWords;
use crate::verdict::Departure;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["client gone", "clients gone"],
    page: include_str!("client_gone.md"),
    // The proxy has nobody left to answer; nginx logs 499.
    expected_status: &[499],
    helped: Some("no client leaves before its response"),
};

pub(super) fn summary(subject: &Subject<'_>, shown: Departure) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    match shown {
        Departure::FrontLeg { client, before } => format!(
            "the client {client} left, and {} later the proxy aborted {request} to {backend}",
            duration(before)
        ),
        Departure::Logged { status } => format!(
            "the client left (by the proxy's log{}), and the proxy aborted {request} to {backend}{}",
            status.map_or_else(String::new, |status| format!(": {status}")),
            subject.after_wait()
        ),
        Departure::Unseen if failure.response().is_some() => format!(
            "the proxy closed the connection to {backend} during the response to {request}: its own \
             client may have left"
        ),
        Departure::Unseen if subject.backend_has_all() => format!(
            "the proxy closed the connection to {backend}{} after it had sent {request}, and got no \
             response: its own client had left, or it closed only its side (a half close) and the backend \
             took that for the end",
            subject.after_wait()
        ),
        Departure::Unseen => format!(
            "the proxy closed the connection to {backend} before it had sent all of {request}: its own \
             client may have left"
        ),
    }
}

pub(super) fn fix(_: &Subject<'_>, shown: Departure) -> Fix {
    match shown {
        Departure::FrontLeg { .. } => Fix::on(
            FixSide::Backend,
            "nothing is wrong between proxy and backend: to keep clients longer, make the response faster \
             or raise the client's own timeout",
        ),
        Departure::Unseen | Departure::Logged { .. } => Fix::on(
            FixSide::Proxy,
            "find this request in the proxy's log (nginx logs 499): if the client left, nothing is wrong \
             between proxy and backend; if not, compare with the proxy's timeouts",
        ),
    }
}
