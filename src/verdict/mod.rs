//! Why an exchange, or a connect, failed.
//!
//! [`judge`] and [`judge_connect`] are pure functions of a finished exchange and the facts of its
//! connection. They yield a cause, how sure it is, and numbers and frames that show it; `report`
//! finds the words. The order of judgement stands in [`judge`]; each family of causes has a file.
//!
//! The proof is the acknowledgement number, not the clock: a close carries how many bytes of the
//! request its sender's kernel had received, and a request how much of the backend's stream the
//! proxy's kernel had. That holds wherever the capture was taken.

mod answered;
mod case;
mod cause;
mod connect;
mod detail;
pub mod evidence;
mod fate;
mod gave_up;
mod in_flight;
mod invalid;
mod kernel;
mod lost;
mod retry;
mod reused;
mod unproven;

use crate::exchange::{Exchange, Outcome, Tunnel, Unread};
use crate::facts::closing;
use crate::flow::{Connection, Side};
use crate::knowledge::Timeouts;
pub use answered::failing_probe;
use case::Case;
pub use cause::{Cause, Certainty};
pub use connect::judge_connect;
pub use detail::{Detail, Drop};
pub use evidence::{Evidence, Shows};
use fate::failed;
pub use fate::{Fate, Verdict};
pub use gave_up::{client_gone, client_logged};
pub use kernel::{Sent, kernel_says};
pub use retry::{Retry, RetryReason};
pub use reused::{kept_for_longer, lost_in_host};
pub use unproven::Doubt;

/// What became of an exchange, now that its connection has ended, or the next request has come.
pub fn judge(exchange: &Exchange, connection: &Connection, timeouts: &Timeouts) -> Fate {
    let mut fate = framed(exchange, connection, timeouts);
    if let Fate::Failed(verdict) = &mut fate
        && exchange.response.is_some_and(|response| response.found)
    {
        // What was taken for the head of its answer may lie inside of a body.
        verdict.certainty = Certainty::Possible;
    }
    // It may be of what others say to each other in a tunnel, and no failure of the backend's.
    match (&mut fate, exchange.tunnel) {
        (Fate::Failed(_), Tunnel::Likely) => return Fate::Unread(Unread::Gap),
        (Fate::Failed(verdict), Tunnel::Possible) => verdict.certainty = Certainty::Possible,
        _ => {}
    }
    fate
}

/// The same, if messages are where they seem to be.
fn framed(exchange: &Exchange, connection: &Connection, timeouts: &Timeouts) -> Fate {
    let case = Case { exchange, connection };
    if exchange.outcome == Outcome::Answered {
        return answered::judge(&case);
    }
    if connection.given_up {
        return Fate::Open;
    }
    if let Some(why) = case::unread(&case) {
        // What was not captured cannot be an answer if the backend closed without having received
        // the request.
        let closing = closing::first(connection);
        let crossing = closing
            .filter(|closing| {
                closing.by == Side::Server && exchange.request.unread != Some(Unread::Gap)
            })
            .and_then(|closing| reused::judge(&case, &closing));
        let refused = || closing.and_then(|closing| invalid::judge(&case, &closing));
        let cut = || answered::cut(&case, closing.as_ref());
        return crossing.or_else(refused).or_else(cut).map_or(Fate::Unread(why), failed);
    }
    if case.is_one_sided() {
        return closing::first(connection).map_or(Fate::Open, |closing| {
            failed(unproven::judge(&case, &closing, Doubt::OneDirection))
        });
    }
    let Some(closing) = closing::first(connection) else {
        return lost::unclosed(&case).map_or(Fate::Open, failed);
    };
    let closing = case::decided(&case, closing);
    if closing.contested {
        return failed(unproven::judge(&case, &closing, Doubt::SeveralReadings));
    }
    if closing.by == Side::Client {
        return gave_up::judge(&case, &closing, timeouts);
    }
    if exchange.outcome == Outcome::Partial {
        return failed(in_flight::truncated(&case, &closing));
    }
    if let Some(verdict) = invalid::proxy_header(&case, &closing) {
        return failed(verdict);
    }
    let mut verdict = in_flight::foreign_reset(&case, &closing)
        .or_else(|| lost::held_back(&case, Some(&closing)))
        .or_else(|| reused::judge(&case, &closing))
        .or_else(|| reused::announced(&case, &closing))
        .unwrap_or_else(|| in_flight::judge(&case, &closing));
    if exchange.blind && in_flight::may_be_race(&verdict) {
        // What was not read before it may have shown a timer.
        verdict.certainty = Certainty::Possible;
    }
    if exchange.request.unread.is_some() {
        // That it is a request shows; where it ends is taken from whose turn it is.
        verdict.certainty = verdict.certainty.min(Certainty::Likely);
    }
    failed(verdict)
}
