//! `accept_queue_full`: the backend did not accept the connection in time.

use super::cause_words::CauseWords;
use crate::knowledge::connection_ends::Context;
use crate::words::fix::{Fix, FixSide};
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["full accept queue", "full accept queues"],
    page: include_str!("accept_queue_full.md"),
    expected_status: &[504, 502],
    helped: Some("each connection is accepted at once"),
};

pub(super) fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    if failure.request().is_none() {
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

pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    more_room(&subject.failure.context)
}

/// More room where connections wait to be accepted.
pub(super) fn more_room(context: &Context) -> Fix {
    Fix {
        product: settings::server_of(context).map(|(known, _)| known.name),
        ..Fix::on(FixSide::Server, QUEUE)
            .instead_of("a longer queue alone: it only hides short bursts")
    }
}

/// What to change where connections wait too long to be accepted.
const QUEUE: &str = "the server accepts too slowly: give it more workers or threads, or a \
                                longer queue (`listen` backlog and `net.core.somaxconn`; `ss -ltn` \
                                shows Recv-Q against Send-Q)";
