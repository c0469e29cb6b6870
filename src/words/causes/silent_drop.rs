//! `silent_drop`: what was sent vanished, or the other end no longer knew the connection.

use super::cause_words::CauseWords;
use crate::knowledge::connection_ends::Context;
use crate::verdict::{Drop, RetryReason, Vanished, Verdict};
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::settings;
use crate::words::subject::Subject;
use std::time::Duration;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["silent drop", "silent drops"],
    page: include_str!("silent_drop.md"),
    expected_status: &[504, 502],
    helped: Some("each request is acknowledged"),
};

pub(super) fn summary(subject: &Subject<'_>, what: Vanished) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let before = subject.after_idle();
    match (what.form, what.copies) {
        (Drop::Forgotten, _) => format!(
            "the connection no longer existed at its other end ({backend}) when the proxy sent {request} \
             on it{before}: the answer was an RST without ACK"
        ),
        (form @ (Drop::Answer | Drop::Rest { .. }), 0) => format!(
            "the backend {backend} had sent {} to {request} (its next sequence number shows it), and none \
             of it arrived before the proxy closed: packets to the proxy are dropped on the path",
            if form == Drop::Answer { "a response" } else { "more of its response" }
        ),
        (Drop::Rest { size }, _) => {
            let why = match size {
                Some(size) => format!(
                    "segments of {size} bytes do not arrive, smaller ones do, so the path does not carry \
                     large packets (MTU)"
                ),
                None => "packets to the proxy are dropped on the path".to_owned(),
            };
            format!(
                "the backend {backend} retransmitted the rest of its response to {request}, and none of \
                 it was acknowledged: {why}"
            )
        }
        (Drop::Answer, copies) => format!(
            "the backend {backend} sent its response to {request} {copies} times, and none was \
             acknowledged: packets to the proxy are dropped on the path"
        ),
        (Drop::Request, copies @ 2..) => format!(
            "{request} to {backend} was sent {copies} times {}{before}: packets of this connection are \
             dropped on the path",
            if is_unacknowledged(failure.verdict()) {
                "and never acknowledged"
            } else {
                "before it was acknowledged"
            }
        ),
        (Drop::Request, 0 | 1) => format!(
            "{request} to {backend} was not acknowledged before the proxy timed out{before}: packets of \
             this connection are dropped on the path"
        ),
    }
}

pub(super) fn fix(subject: &Subject<'_>, what: Vanished) -> Fix {
    let idle = subject.failure.verdict().idle_gap().filter(|idle| *idle >= Duration::from_secs(1));
    match (what.form, idle) {
        (Drop::Rest { .. }, _) => Fix::on(
            FixSide::Path,
            "compare the MTU of both hosts with what the path \
             carries (from the backend: `ping -M do -s 1472` to the proxy): a tunnel or overlay network \
             takes 50 bytes and more of each packet, and a firewall that drops ICMP hides that; if the MTU \
             is right, find what drops the packets of long responses",
        ),
        (Drop::Answer, _) => Fix::on(
            FixSide::Path,
            "find what drops the packets from backend to proxy: \
             asymmetric routing, a firewall that saw only one direction, an expired NAT entry",
        ),
        (Drop::Request | Drop::Forgotten, Some(idle)) => {
            of_idleness(&subject.failure.context, idle)
        }
        (Drop::Request | Drop::Forgotten, None) => Fix::on(
            FixSide::Path,
            "find what drops packets between proxy and backend: a firewall, a NAT, a path that does \
             not carry full-sized packets (compare the MTU), a host that was rebooted",
        ),
    }
}

/// What to change where the connection was forgotten while it was idle.
fn of_idleness(context: &Context, idle: Duration) -> Fix {
    let bounds = settings::bounds_answer(context);
    let text = format!(
        "find what drops idle connections between proxy and backend (NAT, firewall, load \
         balancer; here after {} at most; an AWS NLB does after 350 s): {}",
        duration(idle),
        match bounds {
            Some(_) => "raise its timeout, or enable earlier TCP keep-alives on the backend's host",
            None => {
                "lower the proxy's idle timeout below that, or enable earlier TCP keep-alives on \
                 both hosts"
            }
        }
    );
    let fix = Fix::on(FixSide::Path, text)
        .why(format!("the connection was idle for {} before the request", duration(idle)));
    match bounds {
        Some(proxy) => fix.instead_of(settings::lowered(proxy)),
        None => fix,
    }
}

/// Nobody acknowledged any of the request, as far as was captured.
const fn is_unacknowledged(verdict: &Verdict) -> bool {
    matches!(
        verdict.retry_reason(),
        RetryReason::NotTold | RetryReason::NothingReceived | RetryReason::NotRefused
    )
}
