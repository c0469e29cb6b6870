//! Listeners whose requests became requests to others while they answered them: proxies, though nothing
//! else gives them away. A proxy with an address on each leg looks like two hosts, and so does one that
//! reaches its backend over `lo`.

use super::exchanges::{SeenExchange, Trail};
use crate::base::time::Timestamp;
use crate::flow::Leg;
use crate::ledger::Judgement;
use crate::packet::Endpoint;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

/// Fewer requests passed on can be chance.
const ENOUGH: u32 = 3;
/// Exchanges of the same kind looked at for one.
const LOOKED_AT: usize = 256;
/// Two interfaces may stamp so much apart.
const JITTER: Duration = Duration::from_millis(1);

/// The listeners that passed on four of five of the requests that they answered well, each of which is
/// known again by its id, or by what it asks where nothing else was asked so at the time; and those that
/// tried to, each time that they answered as only a proxy does.
pub fn nested(trail: &Trail, ledger: &Judgement<'_>) -> BTreeSet<Leg> {
    let seen = trail.seen();
    let mut alike: HashMap<u64, Vec<&SeenExchange>> = HashMap::new();
    for one in seen.iter().filter(|one| one.asked.whole != 0) {
        alike.entry(one.asked.whole).or_default().push(one);
    }
    alike.values_mut().for_each(|alike| alike.sort_by_key(|one| one.begun));
    // Of each listener: requests answered well, and those of them that were passed on.
    let mut passed: BTreeMap<Leg, (u32, u32)> = BTreeMap::new();
    for front in seen.iter().filter(|one| one.status.is_some_and(|status| status < 500)) {
        let Some(same) = alike.get(&front.asked.whole) else { continue };
        let below = front.asked.below.iter().filter_map(|asked| alike.get(asked));
        let (answered, passed_on) = passed.entry(front.leg()).or_default();
        *answered = answered.saturating_add(1);
        let mut asked = std::iter::once(same).chain(below);
        *passed_on = passed_on.saturating_add(asked.any(|alike| is_passed_on(front, alike)).into());
    }
    let mostly = |(answered, passed_on): &(u32, u32)| {
        *passed_on >= ENOUGH && passed_on.saturating_mul(5) >= answered.saturating_mul(4)
    };
    let passing = passed.into_iter().filter(|(_, counts)| mostly(counts));
    passing.map(|(listener, _)| listener).chain(in_vain(seen, &alike, ledger)).collect()
}

/// The listeners that answered 502 or 504, which only a proxy has a reason to (RFC 9110, sections 15.6.3
/// and 15.6.5), and each time after the same host had failed to get that from somebody else: a connect that
/// failed, or an exchange that did, while it answered.
fn in_vain(
    seen: &[SeenExchange],
    alike: &HashMap<u64, Vec<&SeenExchange>>,
    ledger: &Judgement<'_>,
) -> BTreeSet<Leg> {
    let connects = ledger.failures_from(0).iter().filter_map(|failure| {
        let connect = failure.request().is_none() && failure.health.is_none();
        let begun = failure.verdict().evidence().first().filter(|_| connect)?.frame.at;
        Some(FailedAttempt { begun, ended: begun, client: failure.client, server: failure.server })
    });
    // The proxy may have asked for something else than it was asked for.
    let exchanges = seen.iter().filter(|one| one.failed).map(|one| {
        let SeenExchange { begun, ended, client, server, .. } = *one;
        FailedAttempt { begun, ended, client, server }
    });
    let mut failed: Vec<FailedAttempt> = connects.chain(exchanges).collect();
    failed.sort_by_key(|one| one.begun);
    let mut clients: BTreeMap<Leg, BTreeSet<IpAddr>> = BTreeMap::new();
    for front in seen.iter().filter(|one| matches!(one.status, Some(502 | 504))) {
        clients.entry(front.leg()).or_insert_with(|| {
            let listener = ledger.listener_at(front.leg());
            listener.into_iter().flat_map(|one| one.proxies.keys()).copied().collect()
        });
    }
    // Whether it was by this listener's host, for sure.
    let tied = |front: &SeenExchange, one: &FailedAttempt| {
        let (own, other) = (front.server.addr, one.client.addr);
        own == other
            || own.is_loopback() && other.is_loopback()
            || ledger.passes_through(front.leg(), one.leg())
    };
    // Of each listener: such answers; those that are explained; those explained by its own host.
    let mut answers: BTreeMap<Leg, (u32, u32, u32)> = BTreeMap::new();
    for front in seen.iter().filter(|one| matches!(one.status, Some(502 | 504))) {
        let since = failed.partition_point(|one| one.begun.plus(JITTER) < front.begun);
        let within = failed.iter().skip(since).take(LOOKED_AT);
        let within: Vec<&FailedAttempt> = within
            .take_while(|one| one.begun <= front.ended)
            .filter(|one| one.leg() != front.leg() && one.ended <= front.ended.plus(JITTER))
            .collect();
        // Not what a client of the listener tried elsewhere meanwhile.
        let others = clients.get(&front.leg());
        let stranger =
            |one: &&FailedAttempt| others.is_none_or(|all| !all.contains(&one.client.addr));
        let own = within.iter().any(|one| tied(front, one));
        let perhaps = within.iter().any(stranger);
        let alike = alike.get(&front.asked.whole).is_some_and(|alike| failed_within(front, alike));
        let (all, explained, by_own) = answers.entry(front.leg()).or_default();
        *all = all.saturating_add(1);
        *explained = explained.saturating_add((own || perhaps || alike).into());
        *by_own = by_own.saturating_add((own || alike).into());
    }
    let in_vain = answers.into_iter().filter(|(_, (all, explained, by_own))| {
        explained == all && (*by_own > 0 || *all >= ENOUGH)
    });
    in_vain.map(|(listener, _)| listener).collect()
}

/// A connect, or an exchange, that failed.
#[derive(Clone, Copy, Debug)]
struct FailedAttempt {
    begun: Timestamp,
    ended: Timestamp,
    client: Endpoint,
    server: Endpoint,
}

impl FailedAttempt {
    fn leg(&self) -> Leg {
        Leg::of(self.client.addr, self.server)
    }
}

/// While `front` was answered, a request like it to another listener failed.
fn failed_within(front: &SeenExchange, alike: &[&SeenExchange]) -> bool {
    let from = alike.partition_point(|one| one.begun.plus(JITTER) < front.begun);
    let near = alike.iter().skip(from).take(LOOKED_AT);
    let mut during = near.take_while(|one| one.begun <= front.ended);
    during.any(|one| {
        let inside = one.begun >= front.begun && one.ended <= front.ended.plus(JITTER);
        one.leg() != front.leg() && inside && (one.failed || one.status >= Some(500))
    })
}

/// While `front` was answered, one request like it, and only one, went to another listener and was
/// answered alike. `alike` are in the order of time.
fn is_passed_on(front: &SeenExchange, alike: &[&SeenExchange]) -> bool {
    let from = alike.partition_point(|one| one.begun.plus(JITTER) < front.begun);
    let near = alike.iter().skip(from).take(LOOKED_AT);
    let during = near.take_while(|one| one.begun <= front.ended);
    let mut within = 0_u32;
    let mut beside = 0_u32;
    for one in during {
        let shares_id = front.ids.iter().zip(one.ids).any(|(a, b)| *a != 0 && *a == b);
        let differs = front.ids.iter().zip(one.ids).any(|(a, b)| *a != 0 && b != 0 && *a != b);
        if one.leg() == front.leg() {
            let itself = (one.connection, one.ordinal) == (front.connection, front.ordinal);
            beside = beside.saturating_add((!itself && !differs).into());
        } else if one.begun >= front.begun
            && one.ended <= front.ended.plus(JITTER)
            && one.status == front.status
            && !differs
        {
            if shares_id {
                return true;
            }
            within = within.saturating_add(1);
        }
    }
    within == 1 && beside == 0
}

/// Requests during which others were asked for something else; one can be chance.
const ASKED_OTHERS: u32 = 2;

/// The listeners whose hosts asked others while they answered, and never for what they were asked
/// themselves, nor mostly for the same below a path: backends that need others, no proxies.
pub fn ask_others(trail: &Trail) -> BTreeSet<Leg> {
    let mut by_client: HashMap<IpAddr, Vec<&SeenExchange>> = HashMap::new();
    for one in trail.seen().iter().filter(|one| one.asked.whole != 0) {
        by_client.entry(one.client.addr).or_default().push(one);
    }
    by_client.values_mut().for_each(|asked| asked.sort_by_key(|one| one.begun));
    // Of each listener: requests during which something else was asked, the same, and the same below a
    // path.
    let mut asked: BTreeMap<Leg, (u32, u32, u32)> = BTreeMap::new();
    for front in trail.seen().iter().filter(|one| one.asked.whole != 0) {
        let own = by_client.get(&front.server.addr).map(Vec::as_slice).unwrap_or_default();
        let from = own.partition_point(|one| one.begun < front.begun);
        let within = own
            .iter()
            .skip(from)
            .take(LOOKED_AT)
            .take_while(|one| one.begun <= front.ended)
            .filter(|one| one.leg() != front.leg());
        let (mut same, mut other, mut below) = (false, false, false);
        for one in within {
            same |= one.asked.whole == front.asked.whole || one.asked.path == front.asked.path;
            below |= one.asked.is_below(&front.asked);
            other |= !one.forwarded;
        }
        if same || other || below {
            let (others, alike, renamed) = asked.entry(front.leg()).or_default();
            *others = others.saturating_add((other && !same && !below).into());
            *alike = alike.saturating_add(same.into());
            *renamed = renamed.saturating_add(below.into());
        }
    }
    let asks = |(others, alike, renamed): &(u32, u32, u32)| {
        *alike == 0 && *others >= ASKED_OTHERS && others > renamed
    };
    asked.into_iter().filter(|(_, counts)| asks(counts)).map(|(listener, _)| listener).collect()
}
