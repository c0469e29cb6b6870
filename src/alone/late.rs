//! Time until the close: a keep-alive race ends within a round trip, so a close that comes later is none.
//!
//! What bounds the round trip is the fastest answer of the backend: one percent of its answers, so that a single odd one
//! counts for nothing. Says only what a failure is *not*. Left out are closes inside of a host while the request lies
//! unread, which answer at once too.

use super::rows::Answered;

/// What a close may take beside the round trip.
const BESIDE: u64 = 50_000;
/// No round trip is longer: what is said where no answer tells.
const NO_ANSWER: u64 = 1_000_000;

/// From how many microseconds on a close is too late for a race, by the answers of its backend.
pub(super) fn too_late_after(answers: &[Answered]) -> u64 {
    let mut took: Vec<u64> = answers.iter().map(Answered::took).collect();
    let fastest = took.len().checked_div(100).unwrap_or(0);
    if took.is_empty() {
        return NO_ANSWER;
    }
    let (_, fastest, _) = took.select_nth_unstable(fastest);
    fastest.saturating_add(BESIDE)
}
