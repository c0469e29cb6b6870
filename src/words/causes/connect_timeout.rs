//! `connect_timeout`: SYNs of the proxy got no answer.

use super::accept_queue_full::QUEUE;
use super::cause_words::CauseWords;
use crate::verdict::Detail;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["connect timeout", "connect timeouts"],
    page: include_str!("connect_timeout.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let failure = subject.failure;
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

fn fix(subject: &Subject<'_>) -> String {
    match subject.failure.verdict.detail {
        _ if subject.failure.full_queue().is_some() => QUEUE,
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
