//! What was not read or not judged, in words: how much of it, where, why, and what to do.

use super::phrases::{bytes, plural};
use crate::ledger::{Amount, What};
use crate::packet::Endpoint;
use std::collections::BTreeMap;

/// Reasons and listeners named in a sentence.
const NAMED: [usize; 2] = [4, 3];

/// What to do to have it read.
pub const fn advice(what: What) -> &'static str {
    match what {
        What::Tls => {
            "name it with --backend to have it judged by who speaks when; for what is said, give the proxy's \
             log (--access-log FILE), capture where TLS has ended, or use `why502 live --tls-uprobes`"
        }
        What::Http2 => {
            "give the proxy's log (--access-log FILE), or make the proxy use HTTP/1.1 to the backend while you \
             capture"
        }
        What::UnknownProtocol => {
            "name it with --backend to have it judged by who speaks when; for what clients got, give the \
             proxy's log: --access-log FILE"
        }
        What::Turns => {
            "what is said cannot be read; for what clients got, give the proxy's log: --access-log FILE"
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
pub fn sentence(
    unread: impl IntoIterator<Item = (What, Option<Endpoint>, Amount)>,
) -> Option<String> {
    let mut kinds: BTreeMap<What, (Amount, Vec<String>, bool)> = BTreeMap::new();
    for (what, backend, some) in unread {
        let (amount, names, more) = kinds.entry(what).or_default();
        amount.add(some);
        match backend {
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
        What::Turns if amount.requests > 0 => {
            format!("{requests} to {at}, where who spoke when does not tell what became of them")
        }
        What::Turns => format!(
            "{connections} to {at} on which both sides speak at any time (HTTP/2 inside TLS, perhaps), {size}"
        ),
        What::UnknownProtocol => {
            format!("traffic that is not HTTP on {connections} to {at}, {size}")
        }
        What::NoPayload => {
            format!("not a byte of the {size} on {connections} to {at} was captured")
        }
        What::OneDirection => format!("only one direction captured of {connections} to {at}"),
        What::HeadsCut => format!("heads of {requests} to {at}, cut by the snap length"),
        What::BodiesCut => format!("responses to {requests} to {at}, cut by the snap length"),
        What::Gap => format!("{requests} to {at}, where packets are missing from the capture"),
        What::NotHttp => format!("{requests} to {at}, with a response that is not HTTP/1"),
        What::Conflicting => {
            format!("{requests} to {at}, with lengths in the response that contradict each other")
        }
        What::Unfinished if amount.requests > 0 => {
            format!("{requests} to {at}, not answered yet when the capture ended")
        }
        What::Unfinished => format!("{connections} to {at}, not answered when the capture ended"),
        What::Bound => format!("{connections}, given up at a bound"),
    }
}
