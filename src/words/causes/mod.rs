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
mod truncated_response;
mod unproven;
mod unreachable;
mod upload_cut_short;

use crate::verdict::Cause;
pub use cause_words::CauseWords;

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
        Cause::HealthCheckFailing => &health_check_failing::WORDS,
        Cause::BackendError => &backend_error::WORDS,
        Cause::Unproven => &unproven::WORDS,
    }
}
