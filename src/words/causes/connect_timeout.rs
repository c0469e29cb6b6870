//! `connect_timeout`: SYNs of the proxy got no answer.

use super::accept_queue_full::more_room;
use super::cause_words::CauseWords;
use crate::verdict::Detail;
use crate::words::fix::{Fix, FixSide};
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["connect timeout", "connect timeouts"],
    page: include_str!("connect_timeout.md"),
    expected_status: &[504, 503, 502],
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let failure = subject.failure;
    let backend = failure.server;
    let asked = |syns| if syns == 1 { "SYN".to_owned() } else { format!("{syns} SYNs") };
    match failure.verdict.detail {
        Detail::Unanswered { syns, challenged: true, .. } => format!(
            "the host of {backend} answered the proxy's {} with an ACK of an older connection between \
             the same ports, and no new connection was established",
            asked(syns)
        ),
        Detail::Unanswered { syns, fits_connect_timeout, .. } => format!(
            "{backend} did not answer the proxy's {}{}",
            asked(syns),
            if fits_connect_timeout {
                ", and the proxy stopped at its configured connect timeout"
            } else {
                ""
            }
        ),
        _ => format!("{backend} did not answer the proxy's SYN"),
    }
}

fn fix(subject: &Subject<'_>) -> Fix {
    match subject.failure.verdict.detail {
        _ if subject.failure.full_queue().is_some() => more_room(&subject.failure.context),
        Detail::Unanswered { challenged: true, .. } => Fix::on(
            FixSide::Proxy,
            "find out why the proxy uses the ports of a connection that the backend's host still has: the \
             proxy was replaced without closing its connections, has too few source ports, or a firewall \
             lost the connection and drops the RST that would end it",
        ),
        _ => Fix::on(
            FixSide::Path,
            "find what drops the SYNs: a firewall or security group, a host that is down, a wrong address, \
             or a full backlog (on the backend: `nstat -az TcpExtListenOverflows`)",
        )
        .instead_of("a longer connect timeout in the proxy: nothing answers the SYNs"),
    }
}
