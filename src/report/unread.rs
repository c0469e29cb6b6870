//! What was judged, and what was not read or not judged: how much of it, where, why, and what to do.

use super::model::{Bound, Counters};
use super::{Judged, UnreadRecord};
use crate::ledger::{Amount, Ledger, Listener, What};
use crate::packet::Endpoint;
use crate::topology::roles::Roles;
use crate::words::phrases::{bytes, plural};
use std::collections::BTreeMap;

/// Entries of the report; the rest is added up.
const LISTED: usize = 100;
/// Reasons and listeners named in a sentence.
const NAMED: [usize; 2] = [4, 3];

/// What was judged of what was counted.
pub(super) fn judged(counters: &Counters, backends: &[(Endpoint, &Listener)]) -> Judged {
    let not_judged = counters.exchanges_unread.saturating_add(counters.exchanges_open);
    let exchanges = counters.exchanges.saturating_sub(not_judged);
    let probes = backends.iter().fold(0_u64, |sum, (_, one)| sum.saturating_add(probes(one)));
    Judged { exchanges, probes: probes.min(exchanges), connects: counters.connects_failed }
}

/// Requests that probe a listener's health.
pub(super) fn probes(listener: &Listener) -> u64 {
    let asked = listener.health().into_iter().filter(|health| !health.method.is_empty());
    asked.fold(0, |sum, health| sum.saturating_add(health.of))
}

/// What was not read of the backends. Where nothing at all was judged, that
/// nobody is known for a backend is no reason to be silent of the others.
pub(super) fn unread(
    ledger: &Ledger,
    roles: &Roles,
    counters: &Counters,
    judged: &Judged,
) -> Vec<UnreadRecord> {
    let listeners = ledger.listeners();
    let mut unread = of(&listeners, &|endpoint| roles.is_on_backend(endpoint));
    if unread.is_empty() && judged.is_nothing() && roles.told().is_empty() {
        unread = of(&listeners, &|_| true);
    }
    let given_up = counters.limits_hit.of(Bound::Connections);
    let given_up = given_up.saturating_add(ledger.listeners_forgotten);
    if given_up > 0 {
        let amount = Amount { connections: given_up, ..Amount::default() };
        unread.insert(0, entry(What::Bound, None, amount));
    }
    unread
}

fn of(
    listeners: &BTreeMap<Endpoint, &Listener>,
    wanted: &dyn Fn(Endpoint) -> bool,
) -> Vec<UnreadRecord> {
    let mut all: Vec<(What, Endpoint, Amount)> = listeners
        .iter()
        .filter(|(endpoint, _)| wanted(**endpoint))
        .flat_map(|(endpoint, one)| one.not_read.iter().map(|(what, n)| (*what, *endpoint, *n)))
        .collect();
    all.sort_by_key(|(what, endpoint, amount)| {
        (std::cmp::Reverse((amount.connections, amount.requests)), *what, *endpoint)
    });
    let rest = all.split_off(all.len().min(LISTED));
    let mut more: BTreeMap<What, Amount> = BTreeMap::new();
    for (what, _, amount) in rest {
        more.entry(what).or_default().add(amount);
    }
    let listed = all.into_iter().map(|(what, at, amount)| entry(what, Some(at), amount));
    listed.chain(more.into_iter().map(|(what, amount)| entry(what, None, amount))).collect()
}

fn entry(what: What, backend: Option<Endpoint>, amount: Amount) -> UnreadRecord {
    let Amount { connections, requests, bytes } = amount;
    UnreadRecord { what, backend, connections, requests, bytes, advice: advice(what) }
}

/// What to do to have it read.
const fn advice(what: What) -> &'static str {
    match what {
        What::Tls => {
            "give the proxy's log (--access-log FILE), capture where TLS has ended, or watch on that host \
             with `why502 live --tls-uprobes`"
        }
        What::Http2 => {
            "give the proxy's log (--access-log FILE), or let the proxy speak HTTP/1.1 to the backend while \
             you capture"
        }
        What::UnknownProtocol => {
            "only HTTP/1 in clear is read; the proxy's log (--access-log FILE) tells what clients got"
        }
        What::NoPayload | What::HeadsCut | What::BodiesCut => "capture whole frames: tcpdump -s 0",
        What::OneDirection => {
            "capture where both directions pass: on the proxy's or the backend's host, tcpdump -i any"
        }
        What::Gap => {
            "capture less, or with more room: a filter on the backend's port, tcpdump -B 16384"
        }
        What::NotHttp | What::Conflicting => {
            "look at these answers: --format jsonl --exchanges names their frames"
        }
        What::Unfinished => "capture for longer",
        What::Bound => "ask for less at a time: --filter, or shorter captures",
    }
}

/// All of it in sentences, what there is most of first; `None` where all was read.
pub fn sentence(unread: &[UnreadRecord]) -> Option<String> {
    let mut kinds: BTreeMap<What, (Amount, Vec<String>, bool)> = BTreeMap::new();
    for one in unread {
        let (amount, names, more) = kinds.entry(one.what).or_default();
        let UnreadRecord { connections, requests, bytes, .. } = *one;
        amount.add(Amount { connections, requests, bytes });
        match one.backend {
            Some(backend) if names.len() < NAMED[1] => names.push(backend.to_string()),
            _ => *more = true,
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(what, (amount, ..))| {
        (*what != What::Bound, std::cmp::Reverse((amount.connections, amount.requests)))
    });
    let parts = kinds.iter().take(NAMED[0]).map(|(what, (amount, names, more))| {
        let more = if *more && !names.is_empty() { " and others" } else { "" };
        let names = format!("{}{more}", names.join(", "));
        format!("{} ({})", amount_of(*what, *amount, &names), advice(*what))
    });
    let parts: Vec<String> = parts.collect();
    let rest = kinds.len().saturating_sub(parts.len());
    let rest = if rest > 0 { format!("; and for {rest} more reasons") } else { String::new() };
    (!parts.is_empty()).then(|| format!("{}{rest}", parts.join("; ")))
}

/// So much of a kind.
fn amount_of(what: What, amount: Amount, at: &str) -> String {
    let Amount { connections, requests, bytes: size } = amount;
    let size = bytes(size);
    let connections = plural(connections, "connection");
    let requests = plural(requests, "request");
    match what {
        What::Tls => format!("TLS on {connections} to {at}, {size}"),
        What::Http2 => format!("HTTP/2 on {connections} to {at}, {size}"),
        What::UnknownProtocol => format!("what is no HTTP on {connections} to {at}, {size}"),
        What::NoPayload => {
            format!("not a byte of the {size} on {connections} to {at} was captured")
        }
        What::OneDirection => format!("only one direction captured of {connections} to {at}"),
        What::HeadsCut => format!("heads of {requests} to {at}, cut by the snap length"),
        What::BodiesCut => format!("answers to {requests} to {at}, cut by the snap length"),
        What::Gap => format!("{requests} to {at}, for the capture misses frames there"),
        What::NotHttp => format!("{requests} to {at}, answered by what is no HTTP/1"),
        What::Conflicting => {
            format!("{requests} to {at}, whose answers' lengths contradict each other")
        }
        What::Unfinished if amount.requests > 0 => {
            format!("{requests} to {at}, not answered yet when the capture ended")
        }
        What::Unfinished => format!("{connections} to {at}, not answered when the capture ended"),
        What::Bound => format!("{connections}, given up at a bound"),
    }
}
