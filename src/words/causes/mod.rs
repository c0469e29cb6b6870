//! A file a cause: its name in sentences, what happened, what to change, and beside it its page.

mod accept_queue_full;
mod backend_error;
mod cause_words;
mod client_gone;
mod closed_in_flight;
mod connect_timeout;
mod connection_refused;
mod health_check_failing;
mod invalid_response;
mod keepalive_race;
mod protocol_mismatch;
mod reset_in_flight;
mod response_timeout;
mod silent_drop;
mod stale_reuse;
mod stalled;
mod tls_handshake_failed;
mod truncated_response;
mod unproven;
mod unreachable;
mod upload_cut_short;

use super::fix::Fix;
use super::subject::Subject;
use crate::verdict::{Cause, Finding};
pub use cause_words::CauseWords;
pub use keepalive_race::{before_it_happens, longer_keepalive_by_log};

/// The words of a cause. A cause without them does not compile.
pub const fn words(cause: Cause) -> &'static CauseWords {
    match cause {
        Cause::KeepaliveRace => &keepalive_race::WORDS,
        Cause::StaleReuse => &stale_reuse::WORDS,
        Cause::ClosedInFlight => &closed_in_flight::WORDS,
        Cause::ResetInFlight => &reset_in_flight::WORDS,
        Cause::TruncatedResponse => &truncated_response::WORDS,
        Cause::ResponseTimeout => &response_timeout::WORDS,
        Cause::ConnectionRefused => &connection_refused::WORDS,
        Cause::Unreachable => &unreachable::WORDS,
        Cause::ConnectTimeout => &connect_timeout::WORDS,
        Cause::AcceptQueueFull => &accept_queue_full::WORDS,
        Cause::SilentDrop => &silent_drop::WORDS,
        Cause::UploadCutShort => &upload_cut_short::WORDS,
        Cause::Stalled => &stalled::WORDS,
        Cause::ClientGone => &client_gone::WORDS,
        Cause::InvalidResponse => &invalid_response::WORDS,
        Cause::ProtocolMismatch => &protocol_mismatch::WORDS,
        Cause::TlsHandshakeFailed => &tls_handshake_failed::WORDS,
        Cause::HealthCheckFailing => &health_check_failing::WORDS,
        Cause::BackendError => &backend_error::WORDS,
        Cause::Unproven => &unproven::WORDS,
    }
}

/// A failure of this cause as `why502 show` draws it, under a heading, where there is one to look at.
pub fn drawing(cause: Cause) -> Option<(&'static str, &'static str)> {
    (cause == Cause::KeepaliveRace).then_some((
        "One, seen from both hosts (why502 show)",
        include_str!("keepalive_race.ladder.txt"),
    ))
}

/// What happened, in one sentence: each cause is told with the facts that it alone has.
pub(super) fn summary(subject: &Subject<'_>) -> String {
    match subject.failure.verdict().finding() {
        Finding::KeepaliveRace(race) => keepalive_race::summary(subject, race),
        Finding::StaleReuse => stale_reuse::summary(subject),
        Finding::ClosedInFlight(known) => closed_in_flight::summary(subject, known),
        Finding::ResetInFlight(by) => reset_in_flight::summary(subject, by),
        Finding::TruncatedResponse { head_complete } => {
            truncated_response::summary(subject, head_complete)
        }
        Finding::ResponseTimeout(on) => response_timeout::summary(subject, on),
        Finding::ConnectionRefused { .. } => connection_refused::summary(subject),
        Finding::Unreachable(why) => unreachable::summary(subject, why),
        Finding::ConnectTimeout(syns) => connect_timeout::summary(subject, syns),
        Finding::AcceptQueueFull => accept_queue_full::summary(subject),
        Finding::SilentDrop(what) => silent_drop::summary(subject, what),
        Finding::UploadCutShort { sent } => upload_cut_short::summary(subject, sent),
        Finding::Stalled(how) => stalled::summary(subject, how),
        Finding::ClientGone(shown) => client_gone::summary(subject, shown),
        Finding::InvalidResponse(why) => invalid_response::summary(subject, why),
        Finding::ProtocolMismatch(how) => protocol_mismatch::summary(subject, how),
        Finding::TlsHandshakeFailed(end) => tls_handshake_failed::summary(subject, end),
        Finding::HealthCheckFailing => health_check_failing::summary(subject),
        Finding::BackendError { status } => backend_error::summary(subject, status),
        Finding::Unproven(doubt) => unproven::summary(subject, doubt),
    }
}

/// What to change, by what was found.
pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    match subject.failure.verdict().finding() {
        Finding::KeepaliveRace(race) => keepalive_race::fix(subject, race),
        Finding::StaleReuse => stale_reuse::fix(subject),
        Finding::ClosedInFlight(known) => closed_in_flight::fix(subject, known),
        Finding::ResetInFlight(by) => reset_in_flight::fix(subject, by),
        Finding::TruncatedResponse { .. } => truncated_response::fix(subject),
        Finding::ResponseTimeout(_) => response_timeout::fix(subject),
        Finding::ConnectionRefused { .. } => connection_refused::fix(subject),
        Finding::Unreachable(why) => unreachable::fix(subject, why),
        Finding::ConnectTimeout(syns) => connect_timeout::fix(subject, syns),
        Finding::AcceptQueueFull => accept_queue_full::fix(subject),
        Finding::SilentDrop(what) => silent_drop::fix(subject, what),
        Finding::UploadCutShort { .. } => upload_cut_short::fix(subject),
        Finding::Stalled(how) => stalled::fix(subject, how),
        Finding::ClientGone(shown) => client_gone::fix(subject, shown),
        Finding::InvalidResponse(why) => invalid_response::fix(subject, why),
        Finding::ProtocolMismatch(how) => protocol_mismatch::fix(subject, how),
        Finding::TlsHandshakeFailed(end) => tls_handshake_failed::fix(subject, end),
        Finding::HealthCheckFailing => health_check_failing::fix(subject),
        Finding::BackendError { .. } => backend_error::fix(subject),
        Finding::Unproven(doubt) => unproven::fix(subject, doubt),
    }
}
