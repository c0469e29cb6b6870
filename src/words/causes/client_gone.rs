//! `client_gone`: the proxy closed early, perhaps because its own client had left.

use super::Words;
use crate::verdict::Detail;
use crate::words::attempt::Attempt;
use crate::words::phrases::duration;

pub(super) const WORDS: Words = Words {
    noun: ["client that left", "clients that left"],
    page: include_str!("client_gone.md"),
    summary,
    fix,
};

fn summary(attempt: &Attempt<'_>) -> String {
    let Attempt { request, failure, .. } = *attempt;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::FrontLeg { client, before } => format!(
            "the client {client} left, and {} later the proxy gave up {request} to {backend}",
            duration(before)
        ),
        Detail::Logged { status } => format!(
            "the client left, says the proxy's log{}, and the proxy gave up {request} to {backend}{}",
            status.map_or_else(String::new, |status| format!(" ({status})")),
            attempt.after_wait()
        ),
        _ if failure.response.is_some() => format!(
            "the proxy closed the connection to {backend} while the answer to {request} was flowing; \
             perhaps its own client had left"
        ),
        _ if attempt.backend_has_all() => format!(
            "the proxy closed the connection to {backend}{} once it had sent {request}, and got no \
             answer: its own client had left, or it closed only its side (a half close) and the \
             backend took that for the end",
            attempt.after_wait()
        ),
        _ => format!(
            "the proxy closed the connection to {backend} before it had sent all of {request}; perhaps \
             its own client had left"
        ),
    }
}

fn fix(attempt: &Attempt<'_>) -> String {
    match attempt.failure.verdict.detail {
        Detail::FrontLeg { .. } => {
            "nothing is wrong between proxy and backend: if \
             clients should wait for longer, make the answer faster or raise the client's own timeout"
        }
        _ => {
            "look for this request in the proxy's log (nginx logs 499): if the \
             client left, nothing is wrong between proxy and backend; else compare with the proxy's \
             timeouts"
        }
    }
    .to_owned()
}
