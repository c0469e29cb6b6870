//! `connect_timeout`: SYNs of the proxy got no answer.

use super::accept_queue_full::more_room;
use super::cause_words::CauseWords;
use crate::verdict::UnansweredSyns;
use crate::words::fix::{Fix, FixSide};
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["connect timeout", "connect timeouts"],
    page: include_str!("connect_timeout.md"),
    expected_status: &[504, 503, 502],
    helped: Some("each SYN is answered"),
};

pub(super) fn summary(subject: &Subject<'_>, syns: UnansweredSyns) -> String {
    let failure = subject.failure;
    let backend = failure.server;
    let UnansweredSyns { syns, challenged, fits_connect_timeout } = syns;
    let asked = if syns == 1 { "SYN".to_owned() } else { format!("{syns} SYNs") };
    if challenged {
        return format!(
            "the host of {backend} answered the proxy's {asked} with an ACK of an older connection \
             between the same ports, and no new connection was established"
        );
    }
    let stopped = if fits_connect_timeout {
        ", and the proxy stopped at its configured connect timeout"
    } else {
        ""
    };
    format!("{backend} did not answer the proxy's {asked}{stopped}")
}

pub(super) fn fix(subject: &Subject<'_>, syns: UnansweredSyns) -> Fix {
    if subject.failure.full_queue().is_some() {
        return more_room(&subject.failure.context);
    }
    if syns.challenged {
        return Fix::on(
            FixSide::Proxy,
            "find out why the proxy uses the ports of a connection that the backend's host still has: the \
             proxy was replaced without closing its connections, has too few source ports, or a firewall \
             lost the connection and drops the RST that would end it",
        );
    }
    Fix::on(
        FixSide::Path,
        "find what drops the SYNs: a firewall or security group, a host that is down, a wrong address, or a \
         full backlog (on the backend: `nstat -az TcpExtListenOverflows`)",
    )
    .instead_of("a longer connect timeout in the proxy: nothing answers the SYNs")
}
