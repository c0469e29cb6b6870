//! What limits the answer, or completes it: which notes these captures call for.

use super::model::{Capture, Counters, Note, Skipped};
use super::named::Tally;
use super::sources::Sources;
use crate::exchange::{Protocol, Unread};
use crate::flow::Leg;
use crate::ledger::{Judgement, Listener, What};
use crate::packet::{Endpoint, EndpointPattern, Skip};
use crate::streams::told;
use crate::topology::roles::{Role, Roles};
use crate::words::headline::seen_instead;
use crate::words::notices::{Countable, Notice};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

type ByLeg<'a> = BTreeMap<Leg, &'a Listener>;

/// Every note that these captures call for.
pub(super) fn notes(
    sources: &Sources,
    ledger: &Judgement<'_>,
    roles: &Roles,
    counters: &Counters,
) -> Vec<Note> {
    let listeners = &ledger.listeners();
    let notices = of_captures(sources, ledger)
        .into_iter()
        .chain(of_frames(sources, listeners, roles, counters))
        .chain(of_exchanges(listeners, roles, counters))
        .chain(handshakes_paid(listeners, roles))
        .chain(of_roles(listeners, roles))
        .chain(failed_beside(ledger, roles))
        .chain(of_reading(sources, listeners, roles, counters));
    let seen = listeners
        .iter()
        .flat_map(|(leg, one)| std::iter::once(leg.server).chain(one.aliases.iter().copied()));
    let untried = roles.untried(seen);
    let untried = untried.into_iter().map(|pattern| untried_note(pattern, sources.span, listeners));
    notices.map(Note::new).chain(untried).collect()
}

/// What is to be said of the captures themselves.
fn of_captures(sources: &Sources, ledger: &Judgement<'_>) -> Vec<Notice> {
    let damaged = sources.captures.iter().filter_map(|capture| {
        let damage = capture.damage.clone()?;
        Some(Notice::DamagedCapture { path: capture.path.clone(), damage })
    });
    damaged.chain(vantages(&sources.captures, ledger)).chain(tunnels(&sources.skipped)).collect()
}

/// Adds up what backends have.
fn sum(listeners: &ByLeg<'_>, roles: &Roles, value: &dyn Fn(&Listener) -> u64) -> u64 {
    let backends = listeners.iter().filter(|(leg, _)| roles.of(**leg) == Role::Backend);
    backends.fold(0, |sum, (_, listener)| sum.saturating_add(value(listener)))
}

/// Exchanges of backends that were not read, for one reason.
fn unread(listeners: &ByLeg<'_>, roles: &Roles, why: Unread) -> u64 {
    sum(listeners, roles, &|one| one.unread.get(&why).copied().unwrap_or(0))
}

/// What is missing: frames, and parts of them.
fn of_frames(
    sources: &Sources,
    listeners: &ByLeg<'_>,
    roles: &Roles,
    counters: &Counters,
) -> Vec<Notice> {
    let unread = |why| unread(listeners, roles, why);
    let mut notices = Vec::new();
    if counters.capture_gaps > 0 {
        notices.push(Notice::CaptureLoss {
            places: counters.capture_gaps,
            hidden: unread(Unread::Gap),
        });
    }
    for capture in &sources.captures {
        let path = || capture.path.clone();
        if let Some(frames) = capture.kernel_drops.filter(|lost| *lost > 0) {
            notices.push(Notice::BufferFull { path: path(), frames });
        }
        if let Some(frames) = capture.interface_drops.filter(|lost| *lost > 0) {
            notices.push(Notice::InterfaceDrops { path: path(), frames });
        }
    }
    let empty = |one: &Listener| one.not_read.get(&What::NoPayload).map_or(0, |n| n.connections);
    let counted = [
        (Countable::HeadsCut, unread(Unread::HeadCut)),
        (Countable::NoPayload, sum(listeners, roles, &empty)),
        (Countable::BodiesCut, unread(Unread::BodyCut)),
    ];
    notices.extend(seen(counted));
    notices
}

/// What is said of the kinds of which there is at least one.
fn seen<const N: usize>(counted: [(Countable, u64); N]) -> impl Iterator<Item = Notice> {
    let some = counted.into_iter().filter(|(_, count)| *count > 0);
    some.map(|(what, count)| Notice::Counted(what, count))
}

/// What is odd about exchanges and connects.
fn of_exchanges(listeners: &ByLeg<'_>, roles: &Roles, counters: &Counters) -> Vec<Notice> {
    let unread = |why| unread(listeners, roles, why);
    let sum = |value: &dyn Fn(&Listener) -> u64| sum(listeners, roles, value);
    let malformed = sum(&|one| one.malformed);
    let counted = [
        (Countable::MalformedAnswers, malformed),
        (Countable::ConflictingLengths, unread(Unread::Conflicting)),
        (Countable::ProxyProtocol, sum(&|one| one.proxied)),
        (Countable::ByTurns, sum(&|one| one.answered_by_turns)),
        (Countable::NotHttp, unread(Unread::NotHttp).saturating_sub(malformed)),
        (Countable::UnansweredAtEnd, counters.exchanges_open),
        (Countable::AnswersUnacknowledged, sum(&|one| one.unacknowledged)),
        (Countable::ConnectsUnanswered, counters.connects_unanswered),
        (Countable::OneDirectionOnly, sum(&|one| one.one_direction)),
        (Countable::RolesGuessed, sum(&|one| one.guessed)),
    ];
    seen(counted).collect()
}

/// Who is taken for what.
fn of_roles(listeners: &ByLeg<'_>, roles: &Roles) -> Vec<Notice> {
    let mut notices = Vec::new();
    if !roles.pass_on.is_empty() {
        notices.push(Notice::FrontFound(roles.pass_on.iter().map(|leg| leg.server).collect()));
    }
    let fronts = listeners.keys().filter(|leg| roles.of(**leg) == Role::Front).count();
    let backends = listeners.keys().filter(|leg| roles.is_on_backend(**leg)).count();
    if fronts > 0 && backends == 0 {
        notices.push(Notice::NoBackendLeg);
    } else {
        notices.extend(gateway(listeners, roles));
    }
    let scans = roles.scanners.iter();
    notices.extend(scans.map(|(by, refused)| Notice::Scan { by: *by, refused: *refused }));
    notices.extend(not_judged(listeners, roles));
    notices.extend(same_port_answers(listeners));
    let detours = listeners.iter().filter(|(_, listener)| listener.taken_beside > 0);
    notices.extend(detours.map(|(leg, listener)| Notice::LocalhostDetour {
        refused: leg.server,
        connects: listener.taken_beside,
    }));
    notices
}

/// Loopback addresses that refuse every connect, where the same port at the other one answers.
fn same_port_answers(listeners: &ByLeg<'_>) -> Vec<Notice> {
    let loopback = |leg: &&Leg| leg.server.addr.is_loopback();
    let at = || listeners.iter().filter(|(leg, _)| loopback(leg));
    let answers = |of: Endpoint| {
        let other = |(leg, listener): &(&Leg, &&Listener)| {
            leg.server.port == of.port
                && leg.server.addr.is_ipv4() != of.addr.is_ipv4()
                && listener.connections > listener.connects_failed
        };
        at().find(other).map(|(leg, _)| leg.server)
    };
    let refuses =
        at().filter(|(_, one)| one.connections > 0 && one.connects_failed == one.connections);
    let pairs = refuses.filter_map(|(leg, _)| Some((leg.server, answers(leg.server)?)));
    pairs.map(|(refused, answers)| Notice::SamePortAnswers { refused, answers }).collect()
}

/// Calls that failed and are nobody's whom the proxy asked.
fn failed_beside(ledger: &Judgement<'_>, roles: &Roles) -> Option<Notice> {
    let mut calls: BTreeMap<Endpoint, u64> = BTreeMap::new();
    for failure in ledger.failures_from(0) {
        if roles.of(failure.leg()) == Role::Beside {
            let count = calls.entry(failure.server).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut calls: Vec<(Endpoint, u64)> = calls.into_iter().collect();
    calls.sort_by_key(|(at, count)| (Reverse(*count), *at));
    (!calls.is_empty()).then_some(Notice::FailedBeside(calls))
}

/// What limits what was read.
fn of_reading(
    sources: &Sources,
    listeners: &ByLeg<'_>,
    roles: &Roles,
    counters: &Counters,
) -> Vec<Notice> {
    let clear = sources.clear.as_ref().and_then(in_clear);
    let late = seen([(Countable::AfterTheEnd, sources.flow.late)]);
    let limits = counters.limits_hit.iter();
    let limits = limits.map(|(bound, times)| Notice::LimitHit { bound: bound.name(), times });
    let clients = clients_unknown(listeners, roles);
    clear.into_iter().chain(late).chain(limits).chain(clients).collect()
}

/// Proxies that pay a full TLS handshake for nearly each request.
fn handshakes_paid(listeners: &ByLeg<'_>, roles: &Roles) -> Vec<Notice> {
    let backends = listeners.iter().filter(|(leg, _)| roles.of(**leg) == Role::Backend);
    let paid = backends.flat_map(|(leg, listener)| {
        let times = listener.handshakes.as_ref().and_then(|all| all.times.quantiles());
        let proxies = listener.proxies.iter().filter(|(_, proxy)| proxy.paid.is_too_much());
        proxies.map(move |(proxy, side)| Notice::HandshakePerRequest {
            proxy: *proxy,
            backend: leg.server,
            handshakes: side.paid.full,
            requests: side.paid.requests,
            each: times.map(|times| times.p50),
        })
    });
    paid.collect()
}

/// The front leg is there and cannot be read: a listener that speaks TLS, on the host of a proxy that is
/// known by what it opens.
fn clients_unknown(listeners: &ByLeg<'_>, roles: &Roles) -> Option<Notice> {
    let backends = || listeners.iter().filter(|(leg, _)| roles.of(**leg) == Role::Backend);
    let opens = |front: &Leg, listener: &Listener| {
        backends().any(|(backend, one)| {
            backend.server.addr != front.server.addr && one.proxies.contains_key(&front.server.addr)
                || listener.accepted_here && !listener.opened_here && one.opened_here
        })
    };
    let mut tls = listeners.iter().filter(|(leg, listener)| {
        roles.of(**leg) != Role::Backend
            && listener.spoke(Protocol::Tls) > 0
            && opens(leg, listener)
    });
    let (front, _) = tls.next()?;
    Some(Notice::ClientsUnknown(front.server))
}

/// Which TLS connections were read as the programs of this host gave their text to OpenSSL.
fn in_clear(counts: &told::TlsCounts) -> Option<Notice> {
    let told::TlsCounts { read, unread, unexplained, lost } = *counts;
    (read.saturating_add(unread) > 0).then_some(Notice::TlsInClear {
        read,
        unread,
        unexplained,
        lost,
        // Connections that missed some go on by their records: places where text is unknown.
        muted: 0,
    })
}

/// That nobody tried a backend that was named, and what is tried instead.
fn untried_note(pattern: EndpointPattern, span: Duration, listeners: &ByLeg<'_>) -> Note {
    const NAMED: usize = 4;
    let same_host = |endpoint: &Endpoint| pattern.addr.is_none_or(|addr| addr == endpoint.addr);
    let mut others: Vec<(u64, Endpoint, bool, bool)> = listeners
        .iter()
        .map(|(leg, listener)| {
            let refused = listener.connects_failed == listener.connections;
            let http = listener.spoke_any(Protocol::is_http);
            (listener.connections, leg.server, refused, http)
        })
        .collect();
    others.sort_by_key(|(connections, endpoint, ..)| (Reverse(*connections), *endpoint));
    let near = others.iter().filter(|(_, endpoint, ..)| same_host(endpoint)).take(NAMED);
    let near: Vec<_> = near.map(|(_, endpoint, refused, _)| (*endpoint, *refused)).collect();
    let names = |wanted: &dyn Fn(bool) -> bool| -> Vec<String> {
        let wanted = others.iter().filter(|(.., http)| wanted(*http));
        wanted.map(|(_, endpoint, ..)| endpoint.to_string()).collect()
    };
    let servers = names(&|http| http);
    let headline = seen_instead(&pattern.to_string(), &servers, &names(&|_| true));
    let others = !listeners.is_empty();
    Note {
        headline: Some(headline),
        ..Note::new(Notice::NoTrafficForBackend { named: pattern, span, near, others })
    }
}

/// A listener that answers 502 or 504 is a proxy: only these say so of a backend (RFC 9110, sections
/// 15.6.3 and 15.6.5). Where it opens no connection, its backend leg was not captured.
fn gateway(listeners: &ByLeg<'_>, roles: &Roles) -> Option<Notice> {
    let opens = |addr| listeners.values().any(|listener| listener.proxies.contains_key(&addr));
    let (at, status) = listeners.iter().find_map(|(leg, listener)| {
        let status =
            [502, 504].into_iter().find(|status| listener.statuses.contains_key(status))?;
        let alone = roles.of(*leg) == Role::Backend && !opens(leg.server.addr);
        alone.then_some((leg.server, status))
    })?;
    Some(Notice::Gateway { at, status })
}

/// Names the listeners that were seen and not judged, the busiest first.
fn not_judged(listeners: &ByLeg<'_>, roles: &Roles) -> Option<Notice> {
    let speaks = |listener: &Listener| match (listener.mostly_spoke(), listener.spoken) {
        (Some(Protocol::Opaque), Some(known)) => known.name(),
        (spoke, _) => spoke.map_or("silent", Protocol::name),
    };
    let mut others: Vec<(u64, Endpoint, &'static str)> = listeners
        .iter()
        .filter(|(leg, _)| roles.of(**leg) != Role::Backend)
        .filter(|(_, listener)| listener.connects_failed < listener.connections)
        .map(|(leg, listener)| {
            let what = match roles.of(*leg) {
                Role::Front => "the proxy's client side",
                _ => speaks(listener),
            };
            (listener.connections, leg.server, what)
        })
        .collect();
    others.sort_by_key(|(connections, endpoint, _)| (Reverse(*connections), *endpoint));
    let others: Vec<_> = others.into_iter().map(|(_, endpoint, what)| (endpoint, what)).collect();
    (!others.is_empty()).then_some(Notice::NotJudged(others))
}

/// Which captures hold the same connections.
fn vantages(captures: &[Capture], ledger: &Judgement<'_>) -> Option<Notice> {
    let path = |index: u32| {
        let capture = usize::try_from(index).ok().and_then(|index| captures.get(index));
        capture.map_or("?", |capture| capture.path.as_str())
    };
    let pairs = ledger.books().shared.iter();
    let pairs = pairs.map(|((first, second), connections)| {
        (path(*first).to_owned(), path(*second).to_owned(), *connections)
    });
    let pairs: Vec<_> = pairs.collect();
    (!pairs.is_empty()).then_some(Notice::TwoVantages { pairs, better: ledger.better_elsewhere() })
}

/// How many frames are inside of which tunnels.
fn tunnels(skipped: &Tally<Skipped>) -> Option<Notice> {
    let kinds = Skip::ALL.into_iter().filter(|kind| kind.is_tunnel());
    let found = kinds.map(|kind| (kind.name(), skipped.of(Skipped::NoSegment(kind))));
    let found: Vec<_> = found.filter(|(_, count)| *count > 0).collect();
    (!found.is_empty()).then_some(Notice::TunnelsSkipped(found))
}
