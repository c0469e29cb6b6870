//! `connect_timeout`: SYNs of the proxy got no answer.

use super::Words;
use super::accept_queue_full::QUEUE;
use crate::verdict::Detail;
use crate::words::attempt::Attempt;

pub(super) const WORDS: Words = Words {
    noun: ["connect timeout", "connect timeouts"],
    page: include_str!("connect_timeout.md"),
    summary,
    fix,
};

fn summary(attempt: &Attempt<'_>) -> String {
    let failure = attempt.failure;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::Unanswered { syns, challenged: true, .. } => format!(
            "the host of {backend} answered the proxy's {} with an ACK of an older connection between \
             the same ports, and no new one came about",
            if syns == 1 { "SYN".to_owned() } else { format!("{syns} SYNs") },
        ),
        Detail::Unanswered { syns, fits_connect_timeout, .. } => format!(
            "nobody at {backend} answered the proxy's {}{}",
            if syns == 1 { "SYN".to_owned() } else { format!("{syns} SYNs") },
            if fits_connect_timeout {
                ", which stopped when its connect timeout was over, as told"
            } else {
                ""
            }
        ),
        _ => format!("nobody at {backend} answered the proxy's SYN"),
    }
}

fn fix(attempt: &Attempt<'_>) -> String {
    match attempt.failure.verdict.detail {
        _ if attempt.failure.full_queue().is_some() => QUEUE,
        Detail::Unanswered { challenged: true, .. } => {
            "find out why the proxy uses the ports of a connection that the backend's host still has: a \
             proxy that was replaced without closing its connections, too few source ports, or a \
             firewall that forgot it; the reset that would clear it does not come"
        }
        _ => {
            "look for what drops SYNs: a firewall or security group, a host \
             that is down, a wrong address, or a full backlog (on the backend: `nstat -az \
             TcpExtListenOverflows`)"
        }
    }
    .to_owned()
}
