//! The proxy closed first: `response_timeout`.
//!
//! That it gave up is a fact; that its patience was over is the usual reading. Its client may have
//! left as well.

use super::closing::Closing;
use super::unproven::{self, Doubt};
use super::{Case, Cause, Certainty, Detail, Fate, Timeouts, failed, in_flight};
use crate::exchange::Outcome;
use crate::flow::Side;
use std::time::Duration;

/// A side that closed only its own direction can still be answered, for so long.
const HALF_CLOSE: Duration = Duration::from_millis(500);

/// The proxy closed with the request outstanding.
pub(super) fn judge(case: &Case<'_>, closing: &Closing, timeouts: &Timeouts) -> Fate {
    let (exchange, connection) = (case.exchange, case.connection);
    let server = connection.half(Side::Server);
    let client = connection.half(Side::Client);
    let answered_late = exchange.outcome == Outcome::Late;
    // A late answer is refused by a reset, or by silence.
    let last = exchange.response.map_or(closing.mark.frame, |response| response.last);
    let watched = connection.seen_until.since(last.at) >= HALF_CLOSE;
    let closed_too = !answered_late && (server.fin.is_some() || server.rst.is_some());
    if client.rst.is_none() && !closed_too && !watched {
        return Fate::Open;
    }
    if let Some(foreign) = in_flight::foreign_reset(case, closing) {
        return failed(foreign);
    }
    let doubt = |doubt| failed(unproven::judge(case, closing, doubt));
    let request = &exchange.request;
    if let Some(why) = request.unread {
        return doubt(Doubt::from(why));
    }
    // Anything of the backend that was not captured may have been the answer, or its close.
    if server.last_gap.is_some_and(|gap| gap.to > request.server_pos) {
        return doubt(Doubt::Gap);
    }
    let received = request.complete && client.acked.is_some_and(|acked| acked.pos >= request.end);
    if exchange.outcome == Outcome::Partial || !received {
        return doubt(Doubt::ProxyClosedFirst);
    }
    let wait = closing.mark.frame.at.since(request.last.at);
    let fits_read_timeout = timeouts.proxy_read.is_some_and(|read| {
        let slack = Duration::from_millis(50).max(read.checked_div(25).unwrap_or_default());
        wait >= read.saturating_sub(slack) && wait <= read.saturating_add(slack)
    });
    let certainty = if fits_read_timeout { Certainty::Proven } else { Certainty::Likely };
    let detail = Detail::GaveUp { fits_read_timeout, answered_late };
    failed(case.verdict(Cause::ResponseTimeout, certainty, detail, closing))
}
