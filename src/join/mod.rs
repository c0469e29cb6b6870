//! What the proxy said, joined with what the packets show.
//!
//! [`Trail`] keeps the exchanges of a capture in little room, [`Lines`] the error lines of logs; [`matching`]
//! finds which line is of which exchange, how far the clocks are apart, and what to say of a line that is
//! of none. The front leg, where the capture holds it, is joined in the same way. Pure: lines and
//! exchanges come from outside.

mod answer;
mod attempts;
mod candidates;
mod client_answer;
mod clock_offset;
mod connects;
mod crowd;
mod fit;
mod hits;
mod index;
mod interest;
mod legs;
mod lines;
mod log_answer;
pub mod matching;
mod messages;
mod rivals;
mod targets;
mod time_window;
mod unexplained;

use crate::base::time::Timestamp;
use crate::ledger::Ledger;
use crate::logs::{LineKind, Says};
use crate::topology::front_leg::FrontJoin;
use crate::topology::roles::{Role, Roles};
use crate::topology::{FrontLeg, SeenExchange, Trail, front_leg};
use crate::verdict::Detail;
pub use answer::{Answer, Missing, Own};
pub use client_answer::ClientAnswer;
pub use clock_offset::ClockOffset;
use connects::connects;
use hits::Hit;
use index::Index;
pub use interest::interest;
use legs::{fronts, leg};
pub use lines::{Interest, KeptLine, Lines};
pub use log_answer::{FailureIndex, LogAnswer, Split};
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
    /// The clock of each file.
    pub clocks: Vec<ClockOffset>,
    /// What clients got of failures.
    pub clients: BTreeMap<FailureIndex, ClientAnswer>,
    /// The front leg, where there is one.
    pub front: Option<FrontLeg>,
    /// Clients that got 502, 503 or 504, which no attempt explains.
    pub unexplained: Vec<Unexplained>,
    /// Exchanges for which there was no room.
    pub forgotten: u64,
}

/// Joins the lines and the front leg with the exchanges. `span` is what the captures cover, if
/// any were given (`captured`). What a log proves of a failure (that its client left) is told to the ledger.
pub fn join(
    trail: &Trail,
    ledger: &mut Ledger,
    roles: &Roles,
    lines: Lines,
    span: Option<(Timestamp, Timestamp)>,
    captured: bool,
) -> Joined {
    let fronts = fronts(ledger, roles);
    let FrontJoin { leg: front, passed, errors, owned } =
        front_leg::join(trail.seen(), roles, &fronts);
    let mut places: HashMap<(u64, u32), FailureIndex> = HashMap::new();
    for (place, failure) in ledger.failures_from(0).iter().enumerate() {
        if failure.request.is_some() && roles.judges(failure) {
            places.insert((failure.connection, failure.ordinal), place);
        }
    }
    // A failure that another vantage shows was none where it was noted.
    let seen: Vec<SeenExchange> = trail
        .seen()
        .iter()
        .filter(|one| roles.of(one.server) == Role::Backend)
        .map(|one| {
            let known = places.contains_key(&(one.connection, one.ordinal));
            SeenExchange { failed: one.failed || known, ..*one }
        })
        .collect();
    let connects = connects(ledger, roles);
    let failing: HashMap<Hit, FailureIndex> = seen
        .iter()
        .enumerate()
        .filter_map(|(at, one)| {
            Some((Hit::Exchange(at), *places.get(&(one.connection, one.ordinal))?))
        })
        .chain(connects.iter().enumerate().map(|(at, one)| (Hit::Connect(at), one.failure)))
        .collect();
    let all: Vec<&KeptLine> = lines.errors().iter().chain(lines.others()).collect();
    let index = Index::new(&seen, &connects, &all);
    let clocks: Vec<ClockOffset> = (0..lines.files())
        .map(|file| {
            let mine: Vec<&KeptLine> =
                all.iter().filter(|line| line.file == file).copied().collect();
            ClockOffset::find(&mine, &seen, &|line| index.asked_alike(line))
        })
        .collect();
    let matches = matching::join(&all, &clocks, &index);
    let mut clients: BTreeMap<FailureIndex, ClientAnswer> = BTreeMap::new();
    // Of failures whose client left, says the log; and of those that the front leg contradicts.
    let mut left: Vec<(FailureIndex, Option<u16>)> = Vec::new();
    let mut stayed: Vec<FailureIndex> = Vec::new();
    let table = HitTargets { seen: &seen, connects: &connects, failing: &failing, ledger };
    for (line, found) in all.iter().zip(&matches) {
        let (Some(found), LineKind::Access) =
            (found.as_ref().filter(|one| !one.ambiguous), line.kind)
        else {
            continue;
        };
        let clock = clocks.get(line.file).copied().unwrap_or(ClockOffset::assumed(line.resolution));
        for (place, client) in table.clients(line, found, &clock) {
            if line.says == Some(Says::Client) && !client.retried {
                left.push((place, line.status));
            }
            clients.entry(place).or_insert(client);
        }
    }
    for one in &passed {
        for (place, client) in table.front_clients(one, trail.seen(), &places) {
            let took = client.proxy_took;
            let asked_by = trail.seen().get(one.front).map(|front| front.client);
            let gone = table.failure(place).map(|failure| failure.verdict.detail);
            if let Some(Detail::FrontLeg { client, .. }) = gone
                && asked_by.is_some_and(|asked_by| asked_by != client)
            {
                stayed.push(place);
            }
            clients.entry(place).or_insert(client).proxy_took = took;
        }
    }
    let ground = answer::Coverage {
        span,
        ledger: table.ledger,
        forgotten: trail.forgotten,
        joined: matches.iter().flatten().any(|one| !one.ambiguous),
        captured,
    };
    let mut told = Vec::new();
    for (at, (line, found)) in lines.errors().iter().zip(&matches).enumerate() {
        let clock = clocks.get(line.file).copied().unwrap_or(ClockOffset::assumed(line.resolution));
        let answer = ground.answer(line, found.as_ref(), &clock, &seen, &failing);
        let one = table.told(at, line, found.as_ref(), answer);
        told.push(one);
    }
    say_what_messages_say(&lines, &clocks, &mut told);
    let clients_table = unexplained::Comparison {
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
    let unexplained = if front.requests > 0 {
        clients_table.of_front(&errors, &owned)
    } else {
        clients_table.of_log()
    };
    // What is proven changes the verdict.
    stayed.into_iter().for_each(|place| ledger.client_stayed(place));
    for (place, status) in left {
        ledger.client_left(place, status);
    }
    for one in &mut told {
        let cause = |place: &FailureIndex| {
            ledger.failures_from(*place).first().map(|one| one.verdict.cause)
        };
        if one.answer == Answer::OnLeg {
            one.cause = one.failures.last().and_then(cause);
        }
    }
    let front = (front.requests > 0).then_some(front);
    Joined { lines, told, clocks, clients, front, unexplained, forgotten: trail.forgotten }
}
