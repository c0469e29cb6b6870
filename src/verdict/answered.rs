//! What the backend itself says in full: `backend_error`.

use super::{Case, Cause, Certainty, Detail, Fate, Retry, RetryReason, Verdict, failed};

/// A whole answer is sound, unless it is a 5xx: the proxy only passes that on.
pub(super) fn judge(case: &Case<'_>) -> Fate {
    let Some(status @ 500..) = case.exchange.response.and_then(|response| response.status) else {
        return Fate::Sound;
    };
    let response = case.exchange.response;
    let last = case.exchange.request.last;
    failed(Verdict {
        cause: Cause::BackendError,
        certainty: Certainty::Proven,
        detail: Detail::Status(status),
        close: None,
        retry: Retry::Unsafe,
        retry_reason: RetryReason::AnswerBegun,
        idle_gap: case.exchange.idle_gap(),
        wait: response.map(|response| response.first.at.since(last.at)),
        closed_after: None,
        evidence: case.evidence(),
    })
}
