//! What the proxy said, joined with what the packets show.
//!
//! [`Trail`] keeps the exchanges of a capture in little room, [`Lines`] the error lines of logs; [`join()`]
//! finds which line is of which exchange, how far the clocks are apart, and what to say of a line that is
//! of none. The front leg, where the capture holds it, is joined in the same way. Pure: lines and
//! exchanges come from outside.

mod answer;
mod attempts;
mod candidates;
mod client_answer;
mod client_answers;
mod clock_offset;
mod connects;
mod errors_got;
mod explaining;
mod fit;
mod hits;
mod index;
mod interest;
mod legs;
mod lines;
mod log_answer;
mod matching;
mod messages;
#[cfg(test)]
mod naive;
mod one_failure;
mod rivals;
mod rows;
mod sharing;
mod targets;
mod time_window;
mod unexplained;

use crate::base::time::Timestamp;
use crate::ledger::Judgement;
use crate::topology::front_leg::{self, FrontJoin};
use crate::topology::roles::{Role, Roles};
use crate::topology::{FrontLeg, SeenExchange, Trail};
pub use answer::{Answer, Missing, Own};
pub use client_answer::ClientAnswer;
use client_answers::ClientAnswers;
pub use clock_offset::ClockOffset;
use connects::connects;
pub use explaining::ExplainedFailures;
use hits::{Connect, Hit};
use index::Index;
pub use interest::interest;
use legs::{fronts, leg};
pub use lines::{KeptLine, Lines};
pub use log_answer::{FailureIndex, LinePart, LogAnswer};
use messages::say_what_messages_say;
use std::collections::{BTreeMap, HashMap};
use targets::HitTargets;
pub use unexplained::{Reason, ShownBy, Unexplained};

/// All that the join found.
#[derive(Debug, Default)]
pub struct Joined {
    /// The lines.
    pub lines: Lines,
    /// One for each error line.
    pub told: Vec<LogAnswer>,
    /// Lines that explain others, with what they explain.
    pub explained: Vec<ExplainedFailures>,
    /// The clock of each file.
    pub clocks: Vec<ClockOffset>,
    /// What clients got of failures.
    pub clients: BTreeMap<FailureIndex, ClientAnswer>,
    /// The front leg, where there is one.
    pub front: Option<FrontLeg>,
    /// Clients that got 502, 503 or 504, which no attempt explains.
    pub unexplained: Vec<Unexplained>,
}

/// Joins the lines and the front leg with the exchanges. `span` is what the captures cover, if
/// any were given (`captured`). What a log proves of a failure (that its client left) is told to the ledger.
pub fn join(
    trail: &Trail,
    ledger: &mut Judgement<'_>,
    roles: &Roles,
    lines: Lines,
    span: Option<(Timestamp, Timestamp)>,
    captured: bool,
) -> Joined {
    let fronts = fronts(ledger, roles);
    let FrontJoin { leg: front, passed, errors, owned } =
        front_leg::join(trail.seen(), roles, &fronts);
    ledger.clients_got(&errors_got::find(&errors, trail.seen(), &ledger.outstanding()));
    let places = failing(ledger, roles);
    let seen = on_backend_leg(trail, roles, &places);
    let connects = connects(ledger, roles);
    let failing = failing_hits(&seen, &connects, &places);
    let all: Vec<&KeptLine> = lines.errors().iter().chain(lines.others()).collect();
    let cause = |hit| {
        let place = *failing.get(&hit)?;
        ledger.failures_from(place).first().map(|failure| failure.verdict().cause())
    };
    let index = Index::new(&seen, &connects, &all, &cause);
    let clocks = clocks(&lines, &all, &seen, &index);
    let matches = matching::join(&all, &clocks, &index);
    let table = HitTargets { index: &index, failing: &failing, ledger };
    let mut clients = ClientAnswers::default();
    clients.note_lines(&all, &matches, &clocks, &table);
    clients.note_front(&passed, trail.seen(), &places, &table);
    let ground = answer::Coverage {
        span,
        ledger: table.ledger,
        forgotten: trail.forgotten,
        joined: matches.iter().flatten().any(|one| !one.ambiguous),
        captured,
        probes_failed: table.ledger.failures_from(0).iter().any(|one| one.health.is_some()),
    };
    let mut told = Vec::new();
    for (at, (line, found)) in lines.errors().iter().zip(&matches).enumerate() {
        let clock = ClockOffset::of(&clocks, line);
        let answer = ground.answer(line, found.as_ref(), &clock, &index, &failing);
        told.push(table.told(at, line, found.as_ref(), answer));
    }
    say_what_messages_say(&lines, &clocks, &mut told);
    one_failure::tell(&lines, &clocks, &mut told);
    let explained = explaining::find(&lines, &clocks, &told);
    let comparison = unexplained::Comparison {
        trail: trail.seen(),
        ledger: table.ledger,
        failing: &places,
        connects: &connects,
        lines: lines.errors(),
        told: &told,
        clocks: &clocks,
        roles,
        leg: leg(trail, table.ledger, roles),
    };
    let unexplained =
        if front.requests > 0 { comparison.of_front(&errors, &owned) } else { comparison.of_log() };
    let clients = clients.tell(ledger);
    for one in &mut told {
        one.take_cause(ledger);
    }
    let front = (front.requests > 0).then_some(front);
    Joined { lines, told, explained, clocks, clients, front, unexplained }
}

/// Failures of exchanges that are judged, by connection and number on it.
fn failing(ledger: &Judgement<'_>, roles: &Roles) -> HashMap<(u64, u32), FailureIndex> {
    let failures = ledger.failures_from(0).iter().enumerate();
    failures
        .filter(|(_, failure)| failure.request().is_some() && roles.judges(failure))
        .map(|(place, failure)| ((failure.connection, failure.ordinal), place))
        .collect()
}

/// Exchanges with backends. A failure that another vantage shows was none where it was noted.
fn on_backend_leg(
    trail: &Trail,
    roles: &Roles,
    failing: &HashMap<(u64, u32), FailureIndex>,
) -> Vec<SeenExchange> {
    let with_backends = trail.seen().iter().filter(|one| roles.of(one.leg()) == Role::Backend);
    with_backends
        .map(|one| {
            let known = failing.contains_key(&(one.connection, one.ordinal));
            SeenExchange { failed: one.failed || known, ..*one }
        })
        .collect()
}

/// Which hits are failures.
fn failing_hits(
    seen: &[SeenExchange],
    connects: &[Connect],
    failing: &HashMap<(u64, u32), FailureIndex>,
) -> HashMap<Hit, FailureIndex> {
    let exchanges = (0..).zip(seen).filter_map(|(at, one)| {
        Some((Hit::Exchange(at), *failing.get(&(one.connection, one.ordinal))?))
    });
    let connects = (0..).zip(connects).map(|(at, one)| (Hit::Connect(at), one.failure));
    exchanges.chain(connects).collect()
}

/// The clock of each file, found from its lines and what they can be of.
fn clocks(
    lines: &Lines,
    all: &[&KeptLine],
    seen: &[SeenExchange],
    index: &Index<'_>,
) -> Vec<ClockOffset> {
    (0..lines.files())
        .map(|file| {
            let mine: Vec<&KeptLine> =
                all.iter().filter(|line| line.file == file).copied().collect();
            ClockOffset::find(&mine, seen, &|line, most| index.asked_alike(line, most))
        })
        .collect()
}
