//! What a segment of a failure's timeline is to that failure.

use super::ladder_layout::LadderArrow;
use crate::report::model::{EvidenceKind, EvidenceSide, FailureRecord};
use crate::verdict::Cause;

/// The backend took no more: what it acknowledged last says so.
pub(in crate::render) fn is_window_closed(failure: &FailureRecord) -> bool {
    failure.detail.get("form").and_then(|form| form.as_str()) == Some("zero_window")
}

/// The close that ended the connection: both captures may name it.
pub(in crate::render) fn is_close(failure: &FailureRecord, arrow: &LadderArrow<'_>) -> bool {
    let Some(frame) = failure.close.as_ref().and_then(|close| close.frame) else { return false };
    let own = arrow.segment.frame;
    let other = arrow.segment.other.map(|one| (one.capture, one.number));
    (own.capture, own.number) == (frame.capture, frame.number)
        || other == Some((frame.capture, frame.number))
}

/// A segment that nobody has received, as far as anybody can know.
pub(in crate::render) fn is_lost(
    failure: &FailureRecord,
    arrow: &LadderArrow<'_>,
    all: &[LadderArrow<'_>],
) -> bool {
    if !matches!(failure.cause, Cause::ConnectTimeout | Cause::SilentDrop | Cause::Unreachable)
        || !arrow.by_proxy()
    {
        return false;
    }
    let kind = arrow.segment.kind;
    if !matches!(kind, EvidenceKind::Syn | EvidenceKind::Request | EvidenceKind::Repeated) {
        return false;
    }
    let after = all.iter().filter(|one| one.segment.at > arrow.segment.at);
    let next = after.min_by_key(|one| one.segment.at);
    next.is_none_or(|next| next.by_proxy())
}

/// The answer is itself what went wrong.
pub(in crate::render) fn is_bad(failure: &FailureRecord) -> bool {
    let status = failure.response.and_then(|response| response.status);
    match failure.cause {
        Cause::BackendError | Cause::InvalidResponse | Cause::ProtocolMismatch => true,
        Cause::HealthCheckFailing | Cause::UploadCutShort => {
            status.is_some_and(|status| status >= 400)
        }
        _ => status.is_some_and(|status| status >= 500),
    }
}

/// How much of the request the backend acknowledges with a segment, and how long the request is.
pub(in crate::render) fn acks(
    failure: &FailureRecord,
    arrow: &LadderArrow<'_>,
) -> Option<(u64, u64)> {
    if arrow.segment.side != Some(EvidenceSide::Backend) {
        return None;
    }
    let (from, to) = request_span(failure)?;
    // One number more is the FIN's.
    let of_fin = |ack: &i64| arrow.segment.kind == EvidenceKind::Ack && *ack > to;
    let ack = arrow.segment.ack.filter(|ack| !of_fin(ack))?;
    let whole = u64::try_from(to.saturating_sub(from)).ok()?;
    let got = u64::try_from(ack.saturating_sub(from)).unwrap_or(0);
    Some((got.min(whole), whole)).filter(|_| whole > 0)
}

/// Where the request begins and ends in the proxy's stream.
pub(in crate::render) fn request_span(failure: &FailureRecord) -> Option<(i64, i64)> {
    let of_request = || failure.timeline.iter().filter(|one| one.kind == EvidenceKind::Request);
    let from = of_request().find_map(|one| one.from)?;
    let to = of_request().filter_map(|one| one.to).max()?;
    Some((from, to))
}
