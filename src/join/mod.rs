//! What the proxy said, joined with what the packets show.
//!
//! [`Trail`] keeps the exchanges of a capture in little room, [`Lines`] the error lines of logs; [`matching`]
//! finds which line is of which exchange, how far the clocks are apart, and what to say of a line that is
//! of none. The front leg, where the capture holds it, is joined in the same way. Pure: lines and
//! exchanges come from outside.

mod answer;
mod clock_offset;
mod crowd;
mod lines;
pub mod matching;
mod rivals;
mod unexplained;

use crate::base::time::Timestamp;
use crate::ledger::{Failure, Ledger};
use crate::logs::{LineKind, Says};
use crate::packet::Endpoint;
use crate::topology::request_key::MatchedBy;
use crate::topology::roles::{Role, Roles};
use crate::topology::{FrontLeg, SeenExchange, Trail};
use crate::verdict::{Cause, Detail, Retry};
pub use answer::{Answer, Missing, Own};
pub use clock_offset::ClockOffset;
pub use lines::{Interest, KeptLine, Lines};
use matching::{Connect, Hit, Index, Match};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;
use unexplained::Leg;
pub use unexplained::{Reason, ShownBy, Unexplained};

/// Of which failure something is: its place among [`Ledger::failures_from`]`(0)`.
pub type FailureIndex = usize;

/// What a client got of a request that failed on the leg.
#[derive(Clone, Copy, Debug)]
pub struct ClientAnswer {
    /// `None` when it got no status.
    pub status: Option<u16>,
    /// When it had its answer, or none, by the capture's clock.
    pub at: Timestamp,
    /// How long it waited.
    pub latency: Option<Duration>,
    /// The proxy sent the request again after this attempt.
    pub retried: bool,
    /// How long after this attempt had begun the next one did: what the failure cost.
    pub cost: Option<Duration>,
    /// The next attempt sent what may have run already, and must not run twice.
    pub ran_twice: bool,
    /// How long the proxy itself took, where the front leg shows it.
    pub proxy_took: Option<Duration>,
    /// How it was found.
    pub by: MatchedBy,
    /// The line that says it: which file, which line.
    pub line: Option<(usize, u64)>,
}

/// Where the time of a request went, by a load balancer's times and by the packets.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// The backend.
    pub server: Endpoint,
    /// From the request's last byte to the answer's first, or to the close that came instead, where the
    /// capture was taken.
    pub waited: Duration,
    /// From the answer's first byte to its last; zero when there was none.
    pub answering: Duration,
    /// There was an answer.
    pub answered: bool,
}

/// What is said of one error line.
#[derive(Clone, Debug)]
pub struct LogAnswer {
    /// Its place in [`Lines::errors`].
    pub line: usize,
    /// The answer.
    pub answer: Answer,
    /// How it was matched, if it was.
    pub by: Option<MatchedBy>,
    /// The failures that it is of; those that it could be of when it is ambiguous.
    pub failures: Vec<FailureIndex>,
    /// The cause: that of the last attempt, or of all that it could be of.
    pub cause: Option<Cause>,
    /// More lines can be of these failures than there are failures.
    pub outnumbered: bool,
    /// The connection and the number of its last attempt on it.
    pub exchange: Option<(u64, u32)>,
    /// Where the time went.
    pub split: Option<Split>,
}

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

/// What of a capture's exchanges lines can be of interest for.
pub fn interest(trail: &Trail, ledger: &Ledger) -> Interest {
    let mut interest = Interest::default();
    for one in trail.seen() {
        let count = interest.seen.entry(one.asked.whole).or_default();
        *count = count.saturating_add(1);
        for id in one.ids.iter().filter(|id| **id != 0) {
            let count = interest.ids.entry(*id).or_default();
            *count = count.saturating_add(1);
            if one.failed {
                interest.failing_ids.insert(*id);
            }
        }
        if one.failed {
            interest.failing.extend([one.asked.whole, one.asked.path]);
        }
    }
    interest.failing.remove(&0);
    for failure in ledger.failures_from(0) {
        if let Some(head) = failure.request.as_ref().and_then(|request| request.head.as_ref()) {
            let asked = crate::topology::request_key::RequestKey::of(head.method(), head.target());
            interest.failing.extend([asked.whole, asked.path]);
            interest
                .failing_ids
                .extend(crate::topology::request_key::ids(head).into_iter().filter(|id| *id != 0));
        }
    }
    interest
}

/// The proxy's own listeners: those with that role; and where backends were told, those of a host that
/// opens connections to them.
fn fronts(ledger: &Ledger, roles: &Roles) -> HashSet<Endpoint> {
    let listeners = ledger.listeners();
    let backends = || listeners.iter().filter(|(one, _)| roles.of(**one) == Role::Backend);
    let opens = |front: Endpoint| {
        backends().any(|(backend, listener)| {
            let apart = backend.addr != front.addr;
            apart && listener.proxies.contains_key(&front.addr)
                || ledger.passes_through(front, *backend)
        })
    };
    let front = |one: Endpoint| match roles.of(one) {
        Role::Front => true,
        Role::Backend => false,
        Role::Other => opens(one) || roles.passes_on(one),
    };
    let speaking = listeners.iter().filter(|(_, listener)| listener.exchanges > 0);
    speaking.map(|(endpoint, _)| *endpoint).filter(|endpoint| front(*endpoint)).collect()
}

/// Connects that failed, as lines meet them.
fn connects(ledger: &Ledger, roles: &Roles) -> Vec<Connect> {
    let failures = ledger.failures_from(0).iter().enumerate();
    failures
        .filter(|(_, failure)| {
            failure.request.is_none() && failure.health.is_none() && roles.judges(failure)
        })
        .map(|(place, failure)| {
            let evidence = &failure.verdict.evidence;
            let begun = evidence.first().map(|first| first.frame.at).unwrap_or_default();
            let last = evidence.last().map_or(begun, |last| last.frame.at);
            let close = failure.verdict.close.map_or(last, |close| close.frame.at);
            // Giving up puts nothing on the wire: it came before the next SYN would have.
            let unanswered = failure.verdict.cause == Cause::ConnectTimeout;
            let next = last.since(begun).saturating_mul(2).saturating_add(Duration::from_secs(1));
            let ended = if unanswered { begun.plus(next) } else { close.max(last) };
            Connect { failure: place, server: failure.server, begun, ended }
        })
        .collect()
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
    let crate::topology::front_leg::FrontJoin { leg: front, passed, errors, owned } =
        crate::topology::front_leg::join(trail.seen(), roles, &fronts);
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

/// What of the backend leg was read.
fn leg(trail: &Trail, ledger: &Ledger, roles: &Roles) -> Leg {
    let listeners = ledger.listeners();
    let mut of_backends = listeners.iter().filter(|(one, _)| roles.is_on_backend(**one)).peekable();
    if of_backends.peek().is_none() {
        return Leg::NotCaptured;
    }
    let whole = of_backends.all(|(_, one)| one.not_read.is_empty() && one.capture_gaps == 0);
    if whole && trail.forgotten == 0 { Leg::Read } else { Leg::NotAllRead }
}

/// A line of a request of which nothing was found, and a message that says that nothing was sent for it: that
/// is why.
fn say_what_messages_say(lines: &Lines, clocks: &[ClockOffset], told: &mut [LogAnswer]) {
    let mut messages: HashMap<u64, Vec<&KeptLine>> = HashMap::new();
    let kept = |line: &&KeptLine| {
        line.kind == LineKind::Message
            && line.says.is_some_and(Says::is_kept)
            && line.asked.whole != 0
    };
    for line in lines.errors().iter().filter(kept) {
        messages.entry(line.asked.whole).or_default().push(line);
    }
    let clock = |line: &KeptLine| {
        clocks.get(line.file).copied().unwrap_or(ClockOffset::assumed(line.resolution))
    };
    for one in told {
        let Some(line) = lines.errors().get(one.line) else { continue };
        let open = matches!(
            one.answer,
            Answer::NotInCapture(Missing::NotFound | Missing::OtherBackend(_))
                | Answer::NotOnLeg(Own::Nothing)
        );
        if line.kind != LineKind::Access || !open {
            continue;
        }
        let about = messages.get(&line.asked.whole).into_iter().flatten().find(|message| {
            let (at, then) =
                (clock(line).corrected(line.at()), clock(message).corrected(message.at()));
            let tolerance = clock(line).tolerance().saturating_add(clock(message).tolerance());
            at.since(then).max(then.since(at)) <= tolerance
        });
        if let Some(says) = about.and_then(|message| message.says) {
            one.answer = Answer::NotOnLeg(Own::Said(says));
        }
    }
}

/// What hits are of.
struct HitTargets<'a> {
    seen: &'a [SeenExchange],
    connects: &'a [Connect],
    failing: &'a HashMap<Hit, FailureIndex>,
    ledger: &'a Ledger,
}

impl HitTargets<'_> {
    fn failure(&self, place: FailureIndex) -> Option<&Failure> {
        self.ledger.failures_from(place).first()
    }

    fn begun(&self, hit: Hit) -> Timestamp {
        match hit {
            Hit::Exchange(place) => self.seen.get(place).map(|one| one.begun),
            Hit::Connect(place) => self.connects.get(place).map(|one| one.begun),
        }
        .unwrap_or_default()
    }

    fn ended(&self, hit: Hit) -> Timestamp {
        match hit {
            Hit::Exchange(place) => self.seen.get(place).map(|one| one.ended),
            Hit::Connect(place) => self.connects.get(place).map(|one| one.ended),
        }
        .unwrap_or_default()
    }

    /// What failing at `hit` cost when `next` came after it, and whether it may have run twice.
    fn retry(&self, hit: Hit, next: Option<Hit>) -> (Option<Duration>, bool) {
        let Some(next) = next else { return (None, false) };
        let cost = self.begun(next).since(self.begun(hit));
        let failure = self.failing.get(&hit).and_then(|place| self.failure(*place));
        let harmless = match hit {
            Hit::Exchange(place) => self.seen.get(place).is_some_and(|one| one.idempotent),
            Hit::Connect(_) => true,
        };
        let may_have_run = failure.is_some_and(|one| one.verdict.retry != Retry::Safe);
        (Some(cost), may_have_run && !harmless)
    }

    /// What the client of a line got, for each of its attempts that failed.
    fn clients(
        &self,
        line: &KeptLine,
        found: &Match,
        clock: &ClockOffset,
    ) -> Vec<(FailureIndex, ClientAnswer)> {
        let mut clients = Vec::new();
        for (at, hit) in found.hits.iter().enumerate() {
            let Some(place) = self.failing.get(hit) else { continue };
            let next = found.hits.get(at.saturating_add(1)).copied();
            let (cost, ran_twice) = self.retry(*hit, next);
            // The log has more attempts than were found, and this one was not the last.
            let unseen = line.attempts.len() > found.hits.len()
                && matches!(hit, Hit::Exchange(_))
                && line.attempts.last().is_some_and(|last| last.connected == Some(false));
            let last = found.hits.last().map_or(*hit, |last| *last);
            let at = if line.floor { self.ended(last) } else { clock.corrected(line.at()) };
            clients.push((
                *place,
                ClientAnswer {
                    status: line.status,
                    at,
                    latency: line.duration,
                    retried: next.is_some() || unseen,
                    cost,
                    ran_twice,
                    proxy_took: None,
                    by: found.by,
                    line: Some((line.file, line.number)),
                },
            ));
        }
        clients
    }

    /// The same from the front leg. Places there are those of the whole trail.
    fn front_clients(
        &self,
        passed: &crate::topology::front_leg::Passed,
        trail: &[SeenExchange],
        places: &HashMap<(u64, u32), FailureIndex>,
    ) -> Vec<(FailureIndex, ClientAnswer)> {
        let Some(front) = trail.get(passed.front) else { return Vec::new() };
        let mut clients = Vec::new();
        for (at, attempt) in passed.attempts.iter().enumerate() {
            let Some(one) = trail.get(*attempt) else { continue };
            let Some(place) = places.get(&(one.connection, one.ordinal)) else { continue };
            let next = passed.attempts.get(at.saturating_add(1)).and_then(|next| trail.get(*next));
            let safe = self.failure(*place).is_some_and(|one| one.verdict.retry == Retry::Safe);
            clients.push((
                *place,
                ClientAnswer {
                    status: front.status,
                    at: front.ended,
                    latency: Some(front.ended.since(front.begun)),
                    retried: next.is_some(),
                    cost: next.map(|next| next.begun.since(one.begun)),
                    ran_twice: next.is_some() && !safe && !one.idempotent,
                    proxy_took: crate::topology::front_leg::own_time(
                        front,
                        &passed.attempts,
                        trail,
                    ),
                    by: passed.by,
                    line: None,
                },
            ));
        }
        clients
    }

    fn told(&self, at: usize, line: &KeptLine, found: Option<&Match>, answer: Answer) -> LogAnswer {
        let hits = found.map(|one| one.hits.as_slice()).unwrap_or_default();
        let failures: Vec<FailureIndex> =
            hits.iter().filter_map(|hit| self.failing.get(hit)).copied().collect();
        let causes =
            failures.iter().filter_map(|place| self.failure(*place)).map(|one| one.verdict.cause);
        let causes: Vec<Cause> = causes.collect();
        let cause = match answer {
            Answer::OnLeg => causes.last().copied(),
            // All that it can be of failed alike, and there is one for each line.
            Answer::Ambiguous
                if failures.len() == hits.len() && found.is_none_or(|one| !one.outnumbered) =>
            {
                causes.first().copied().filter(|first| causes.iter().all(|one| one == first))
            }
            _ => None,
        };
        let exchange = match hits.last() {
            Some(Hit::Exchange(place)) if found.is_some_and(|one| !one.ambiguous) => {
                self.seen.get(*place)
            }
            _ => None,
        };
        let split = exchange.filter(|_| line.times.is_some()).map(|one| {
            let until = one.answered.unwrap_or(one.ended);
            Split {
                server: one.server,
                waited: until.since(one.sent),
                answering: one.ended.since(until),
                answered: one.answered.is_some(),
            }
        });
        let exchange =
            exchange.map(|one| (one.connection, one.ordinal)).or_else(|| match hits.last() {
                Some(Hit::Connect(_)) if answer == Answer::OnLeg => {
                    let failure = failures.last().and_then(|place| self.failure(*place))?;
                    Some((failure.connection, failure.ordinal))
                }
                _ => None,
            });
        let outnumbered = found.is_some_and(|one| one.outnumbered);
        let by = found.map(|one| one.by);
        LogAnswer { line: at, answer, by, failures, cause, outnumbered, exchange, split }
    }
}
