//! `silent_drop`: what was sent vanished, or the other end no longer knew the connection.

use super::cause_words::CauseWords;
use crate::verdict::{Detail, Drop, RetryReason, Verdict};
use crate::words::phrases::duration;
use crate::words::settings;
use crate::words::subject::Subject;
use std::time::Duration;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["silent drop", "silent drops"],
    page: include_str!("silent_drop.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let before = subject.after_idle();
    match failure.verdict.detail {
        Detail::Dropped { form: Drop::Forgotten, .. } => format!(
            "the other end of the connection to {backend} no longer knew it when {request} came{before}: \
             the answer was a reset without any acknowledgement"
        ),
        Detail::Dropped { form: form @ (Drop::Answer | Drop::Rest), copies: 0, .. } => format!(
            "the backend {backend} had sent {} to {request}, by the number of its next segment, and none \
             of that arrived before the proxy gave up: the way back to the proxy is dead for it",
            if form == Drop::Rest { "more of its answer" } else { "an answer" }
        ),
        Detail::Dropped { form: Drop::Rest, size, .. } => {
            let arrived = match size {
                Some(size) => format!(
                    "its segments of {size} bytes do not arrive, smaller ones do, as where the path cannot \
                     carry large packets (MTU)"
                ),
                None => "the way back to the proxy is dead for it".to_owned(),
            };
            format!(
                "the backend {backend} sent the rest of its answer to {request} again and again, and none \
                 of that was ever acknowledged: {arrived}"
            )
        }
        Detail::Dropped { form: Drop::Answer, copies, .. } => format!(
            "the backend {backend} answered {request} {copies} times, and none of it was ever \
             acknowledged: the way back to the proxy is dead"
        ),
        Detail::Dropped { copies, .. } if copies > 1 => format!(
            "{request} to {backend} was sent {copies} times {}{before}: \
             something on the way drops what belongs to this connection",
            if is_unacknowledged(&failure.verdict) {
                "and never acknowledged"
            } else {
                "before anybody acknowledged it"
            }
        ),
        _ => format!(
            "{request} reached {backend} when the proxy had given up on it, or never did{before}: \
             something on the way drops what belongs to this connection"
        ),
    }
}

fn fix(subject: &Subject<'_>) -> String {
    let verdict = &subject.failure.verdict;
    match verdict.detail {
        Detail::Dropped { form: Drop::Rest, .. } => "compare the MTU of both hosts \
             with what the way between them carries (from the backend: `ping -M do -s 1472` to the proxy): \
             a tunnel or overlay network takes 50 bytes and more of each packet, and a firewall that drops \
             ICMP hides that; else look for what drops answers in the middle"
            .to_owned(),
        Detail::Dropped { form: Drop::Answer, .. } => "look between backend and \
             proxy for what drops answers: asymmetric routing, a firewall that saw only one direction, a \
             NAT entry that expired"
            .to_owned(),
        _ => match verdict.idle_gap {
            Some(idle) if idle >= Duration::from_secs(1) => format!(
                "look between proxy and backend for what forgets idle connections (NAT, firewall, load \
                 balancer; here after {} at the latest; an AWS NLB does after 350 s): {}",
                duration(idle),
                match settings::bounds_answer(&subject.failure.context) {
                    Some(_) => "raise its timeout, or let the backend's host send TCP keep-alives sooner",
                    None => {
                        "lower the proxy's idle timeout below that, or let both hosts send TCP \
                         keep-alives sooner"
                    }
                }
            ),
            _ => "look between proxy and backend for what drops segments: a firewall, a NAT, a path \
                  that cannot carry full-sized segments (compare the MTU), a host that was rebooted"
                .to_owned(),
        },
    }
}

/// Nobody acknowledged any of the request, as far as was captured.
const fn is_unacknowledged(verdict: &Verdict) -> bool {
    matches!(
        verdict.retry_reason,
        RetryReason::NotTold | RetryReason::NothingReceived | RetryReason::NotRefused
    )
}
