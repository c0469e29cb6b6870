//! Why an exchange, or a connect, failed.
//!
//! [`judge`] is the only maker of verdicts: a pure function of the facts of one attempt and of what is known
//! beside it. It yields a cause, how sure it is, and numbers and frames that show it; `words` finds the
//! words. In which order facts became known makes no difference, for it is asked again with all of them. The
//! order of judgement stands here; each family of causes has a file.
//!
//! The proof is the acknowledgement number, not the clock: a close carries how many bytes of the
//! request its sender's kernel had received, and a request how much of the backend's stream the
//! proxy's kernel had. That holds wherever the capture was taken.

mod ahead;
mod answered;
mod case;
mod cause;
mod connect;
mod crossing;
mod cut;
mod doubt;
mod evidence;
mod fate;
mod finding;
mod gave_up;
mod handshake;
mod in_flight;
mod invalid;
mod kernel;
mod loss;
mod lost;
mod nothing_answered;
mod probe;
mod retry;
mod reused;
mod turns;
mod unproven;

use crate::exchange::{Outcome, Tunnel, Unread};
use crate::facts::{Facts, Tried, closing};
use crate::flow::{Connection, Side};
use crate::knowledge::Knowledge;
use case::Case;
pub use cause::{Cause, Certainty};
pub use doubt::Doubt;
pub use evidence::{Evidence, Shows};
use fate::failed;
pub use fate::{Fate, Verdict};
pub use finding::{
    Departure, Drop, Finding, GaveUp, HandshakeEnd, InFlight, Misread, NoWay, Race, Rejected,
    ResetBy, Standstill, UnansweredSyns, Vanished,
};
pub use kernel::Sent;
pub use nothing_answered::ends_at_once;
pub use retry::{Retry, RetryReason};

/// What became of an attempt, by all that is known of it and beside it.
pub fn judge(facts: &Facts<'_>, knowledge: &Knowledge) -> Fate {
    let mut fate = at_one_place(facts.tried, facts.connection, facts, knowledge);
    for attempt in facts.elsewhere {
        let (tried, connection) = (attempt.tried(), attempt.connection());
        let elsewhere = at_one_place(tried, connection, facts, knowledge);
        if let (Fate::Failed(verdict), Fate::Failed(other)) = (&mut fate, elsewhere) {
            verdict.join(*other);
        }
    }
    if let Some(probe) = knowledge.probe {
        let hidden = !probe.by_status && loss::may_hide(&fate, facts);
        return loss::of_probe(probe::judge(fate, facts.tried, probe), hidden);
    }
    let Fate::Failed(verdict) = &mut fate else { return fate };
    connect::among_others(verdict, facts.tried, knowledge);
    nothing_answered::judge(verdict, facts.tried, knowledge);
    reused::by_timer(verdict, knowledge);
    gave_up::by_client(verdict, &facts.client);
    answered::by_proxy(verdict, knowledge);
    loss::doubt(verdict, facts);
    ahead::limit(verdict, knowledge.ahead);
    fate
}

/// What became of an attempt as it was captured at one place, and as the kernel of an end's host saw it.
fn at_one_place(
    tried: Tried<'_>,
    connection: &Connection,
    facts: &Facts<'_>,
    knowledge: &Knowledge,
) -> Fate {
    let mut fate = match tried {
        Tried::Exchange(exchange) => {
            let (header_taken, errored) = (knowledge.takes_header, facts.client.errored);
            exchanged(&Case { exchange, connection, header_taken, errored }, knowledge)
        }
        Tried::Connect(ended) => connect::judge(ended, connection, knowledge),
    };
    if let (Fate::Failed(verdict), Some(ends)) = (&mut fate, facts.kernel) {
        let sent = Sent::of(tried, connection);
        kernel::kernel_says(verdict, ends, sent.as_ref());
    }
    fate
}

/// What became of an exchange, now that its connection has ended, or the next request has come.
fn exchanged(case: &Case<'_>, knowledge: &Knowledge) -> Fate {
    let exchange = case.exchange;
    if let Some(known) = &exchange.turns {
        return turns::judge(case, known, &knowledge.timeouts);
    }
    if exchange.request.slight && !knowledge.named {
        // A few bytes look like HTTP, and nobody says that it is.
        return Fate::Unread(Unread::HeadCut);
    }
    let mut fate = framed(case, knowledge);
    if let Fate::Failed(verdict) = &mut fate {
        cut::limit(verdict, case);
    }
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

/// What became of an exchange, if messages are where they seem to be.
fn framed(case: &Case<'_>, knowledge: &Knowledge) -> Fate {
    let (exchange, connection) = (case.exchange, case.connection);
    if exchange.outcome == Outcome::Answered {
        return answered::judge(case);
    }
    if connection.given_up {
        return Fate::Open;
    }
    if let Some(why) = case::unread(case) {
        // What was not captured cannot be an answer if the backend closed without having received
        // the request.
        let closing = closing::first(connection);
        let crossing = closing
            .filter(|closing| {
                closing.by == Side::Server && exchange.request.unread != Some(Unread::Gap)
            })
            .and_then(|closing| reused::judge(case, &closing));
        let refused = || closing.and_then(|closing| invalid::judge(case, &closing));
        let cut = || answered::cut(case, closing.as_ref());
        return crossing.or_else(refused).or_else(cut).map_or(Fate::Unread(why), failed);
    }
    if case.is_one_sided() {
        return closing::first(connection).map_or(Fate::Open, |closing| {
            failed(unproven::judge(case, &closing, Doubt::OneDirection))
        });
    }
    let Some(closing) = closing::first(connection) else {
        return lost::unclosed(case);
    };
    let closing = case::decided(case, closing);
    if closing.contested {
        return failed(unproven::judge(case, &closing, Doubt::SeveralReadings));
    }
    if closing.by == Side::Client {
        return gave_up::judge(case, &closing, &knowledge.timeouts);
    }
    if exchange.outcome == Outcome::Partial {
        return failed(in_flight::truncated(case, &closing));
    }
    if let Some(verdict) = invalid::proxy_header(case, &closing) {
        return failed(verdict);
    }
    let mut verdict = in_flight::foreign_reset(case, &closing)
        .or_else(|| lost::held_back(case, Some(&closing)))
        .or_else(|| reused::judge(case, &closing))
        .or_else(|| reused::announced(case, &closing))
        .unwrap_or_else(|| in_flight::judge(case, &closing));
    if exchange.blind && in_flight::may_be_race(&verdict) {
        // What was not read before it may have shown a timer.
        verdict.certainty = Certainty::Possible;
    }
    if case.is_unread() {
        // The bytes show that they are a request; where it ends is taken from whose turn it is.
        verdict.certainty = verdict.certainty.min(Certainty::Likely);
    }
    failed(verdict)
}
