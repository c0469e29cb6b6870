//! `accept_queue_full`: the backend did not accept the connection in time.

use super::cause_words::CauseWords;
use crate::words::fix::Fix;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["full accept queue", "full accept queues"],
    page: include_str!("accept_queue_full.md"),
    expected_status: &[504, 502],
    summary,
    fix: |subject| Fix::saying(fix(subject)),
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    if failure.request.is_none() {
        return format!(
            "the backend {backend} reset the connection right after the handshake, before any request: its \
             accept queue may be full"
        );
    }
    format!(
        "the backend {backend} did not accept the connection for {request}: it retransmitted its SYN-ACK \
         although the proxy had acknowledged it, a sign of a full accept queue"
    )
}

fn fix(_: &Subject<'_>) -> String {
    QUEUE.to_owned()
}

/// What to change where connections wait too long to be accepted.
pub(super) const QUEUE: &str = "the server accepts too slowly: give it more workers or threads, or a \
                                longer queue (`listen` backlog and `net.core.somaxconn`; `ss -ltn` \
                                shows Recv-Q against Send-Q)";
