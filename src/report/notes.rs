//! What limits the answer, or completes it: the notes.

use super::headline::seen_instead;
use super::model::{Capture, Counters, Note, Skipped};
use super::named::Tally;
use super::sources::Sources;
use crate::exchange::{Protocol, Unread};
use crate::ledger::{Ledger, Listener, What};
use crate::packet::{Endpoint, EndpointPattern, Skip};
use crate::streams::tls;
use crate::topology::roles::{Role, Roles};
use crate::words::phrases::{duration, plural};
use std::collections::BTreeMap;
use std::time::Duration;

/// Every note that these captures call for.
pub(super) fn notes(
    sources: &Sources,
    ledger: &Ledger,
    roles: &Roles,
    counters: &Counters,
) -> Vec<Note> {
    let (listeners, mut notes) = (&ledger.listeners(), Vec::new());
    let mut add = |code, text: String| notes.push(Note { code, text, headline: None });
    let of_backends = |value: &dyn Fn(&Listener) -> u64| {
        listeners
            .iter()
            .filter(|(endpoint, _)| roles.of(**endpoint) == Role::Backend)
            .fold(0_u64, |sum, (_, listener)| sum.saturating_add(value(listener)))
    };
    let unread = |why| of_backends(&|listener| listener.unread.get(&why).copied().unwrap_or(0));
    for capture in &sources.captures {
        if let Some(damage) = &capture.damage {
            add(
                "damaged_capture",
                format!("{}: {damage}; what came before was read", capture.path),
            );
        }
    }
    if let Some(text) = vantages(&sources.captures, ledger) {
        add("two_vantages", text);
    }
    if let Some(text) = tunnels(&sources.skipped) {
        add("tunnels_skipped", text);
    }
    if counters.capture_gaps > 0 {
        let hidden = unread(Unread::Gap);
        add(
            "capture_loss",
            format!(
                "the capture misses segments in {} that the hosts did exchange{}",
                plural(counters.capture_gaps, "place"),
                match hidden {
                    0 => String::new(),
                    hidden => format!("; {} cannot be judged for it", plural(hidden, "request")),
                }
            ),
        );
    }
    for capture in &sources.captures {
        for (lost, by) in [
            (capture.kernel_drops, "the kernel's buffer was full (--buffer-size)"),
            (capture.interface_drops, "the interface lost them"),
        ] {
            if let Some(lost) = lost.filter(|lost| *lost > 0) {
                let frames = plural(lost, "frame");
                let text = format!("{}: {frames} never reached why502: {by}", capture.path);
                add("frames_dropped", text);
            }
        }
    }
    let cut = unread(Unread::HeadCut);
    if cut > 0 {
        add("heads_cut", format!("the snap length cut the heads of {}", plural(cut, "exchange")));
    }
    let empty = of_backends(&|one| one.not_read.get(&What::NoPayload).map_or(0, |n| n.connections));
    if empty > 0 {
        let of = plural(empty, "connection");
        add("heads_cut", format!("the snap length left not a byte of what was said on {of}"));
    }
    let cut = unread(Unread::BodyCut);
    if cut > 0 {
        let answers = plural(cut, "answer");
        let text =
            format!("the snap length cut {answers} in chunks, so that their end does not show");
        add("bodies_cut", text);
    }
    let malformed = of_backends(&|listener| listener.malformed);
    if malformed > 0 {
        let text = format!(
            "{} malformed (no proper HTTP/1), and nothing shows that the proxy refused it",
            match malformed {
                1 => "1 answer is".to_owned(),
                more => format!("{more} answers are"),
            }
        );
        add("malformed_answers", text);
    }
    let conflicting = unread(Unread::Conflicting);
    if conflicting > 0 {
        let text = format!(
            "{} not judged: readers differ in where its answer, or the one before, ends (Transfer-Encoding, \
             Content-Length)",
            match conflicting {
                1 => "1 exchange is".to_owned(),
                more => format!("{more} exchanges are"),
            }
        );
        add("conflicting_lengths", text);
    }
    let proxied = of_backends(&|listener| listener.proxied);
    if proxied > 0 {
        let text = format!(
            "{} with a header of the PROXY protocol; what follows it was read",
            match proxied {
                1 => "1 connection begins".to_owned(),
                more => format!("{more} connections begin"),
            }
        );
        add("proxy_protocol", text);
    }
    let unreadable = unread(Unread::NotHttp).saturating_sub(malformed);
    if unreadable > 0 {
        let text =
            format!("{} got what is no HTTP/1 answer: not judged", plural(unreadable, "exchange"));
        add("not_http", text);
    }
    if counters.exchanges_open > 0 {
        let text = format!(
            "{} had neither an answer nor a close when the capture ended",
            plural(counters.exchanges_open, "request")
        );
        add("unanswered_at_end", text);
    }
    let unacknowledged = of_backends(&|listener| listener.unacknowledged);
    if unacknowledged > 0 {
        let text = format!(
            "the capture does not show that {} reached the proxy",
            plural(unacknowledged, "answer")
        );
        add("answers_unacknowledged", text);
    }
    if counters.connects_unanswered > 0 {
        let text = format!(
            "{} to a backend got no answer in the capture",
            plural(counters.connects_unanswered, "connect")
        );
        add("connects_unanswered", text);
    }
    let one_direction = of_backends(&|listener| listener.one_direction);
    if one_direction > 0 {
        let text =
            format!("of {} only one direction was captured", plural(one_direction, "connection"));
        add("one_direction_only", text);
    }
    let guessed = of_backends(&|listener| listener.guessed);
    if guessed > 0 {
        let text = format!(
            "which side of {} is the backend was guessed by the lower port",
            plural(guessed, "connection")
        );
        add("roles_guessed", text);
    }
    if !roles.pass_on.is_empty() {
        let names: Vec<String> = roles.pass_on.iter().map(Endpoint::to_string).collect();
        let text = format!(
            "{} passed on what it was asked to another listener while it answered: taken for the \
             proxy's own; --backend ADDR:PORT tells otherwise",
            names.join(", ")
        );
        add("front_found", text);
    }
    let fronts = listeners.keys().filter(|endpoint| roles.of(**endpoint) == Role::Front).count();
    let backends = listeners.keys().filter(|endpoint| roles.is_on_backend(**endpoint)).count();
    if fronts > 0 && backends == 0 {
        let text = "the proxy's own listeners are seen and no connection to a backend: perhaps it \
                    reaches it by a Unix socket, or on an interface that was not captured";
        add("unix_socket_possible", text.to_owned());
    } else if let Some(text) = gateway(listeners, roles) {
        add("unix_socket_possible", text);
    }
    for (addr, ports) in &roles.scanners {
        add(
            "scan",
            format!("{addr} was refused at {ports} addresses and ports: a scan, not judged"),
        );
    }
    if let Some(text) = not_judged(listeners, roles) {
        add("not_judged", text);
    }
    if let Some(counts) = &sources.clear
        && let Some(text) = in_clear(counts)
    {
        add("tls_in_clear", text);
    }
    if sources.flow.late > 0 {
        let text = format!(
            "{} came on connections that had ended, as far as was captured: not read",
            plural(sources.flow.late, "segment")
        );
        add("after_the_end", text);
    }
    for (bound, hits) in counters.limits_hit.iter() {
        let (bound, hits) = (bound.name(), plural(hits, "time"));
        add("limit_hit", format!("the bound on {bound} was reached {hits}"));
    }
    if let Some(text) = clients_unknown(listeners, roles) {
        add("clients_unknown", text);
    }
    for pattern in roles.untried(listeners.keys()) {
        notes.push(untried(pattern, sources.span, listeners));
    }
    notes
}

/// The front leg is there and cannot be read: a listener that speaks TLS, on the host of a proxy that is
/// known by what it opens.
fn clients_unknown(listeners: &BTreeMap<Endpoint, &Listener>, roles: &Roles) -> Option<String> {
    let backends =
        || listeners.iter().filter(|(endpoint, _)| roles.of(**endpoint) == Role::Backend);
    let opens = |front: &Endpoint, listener: &Listener| {
        backends().any(|(backend, one)| {
            backend.addr != front.addr && one.proxies.contains_key(&front.addr)
                || listener.accepted_here > 0 && listener.opened_here == 0 && one.opened_here > 0
        })
    };
    let mut tls = listeners.iter().filter(|(endpoint, listener)| {
        roles.of(**endpoint) != Role::Backend
            && listener.spoke(Protocol::Tls) > 0
            && opens(endpoint, listener)
    });
    let (front, _) = tls.next()?;
    Some(format!(
        "what clients got is not known, for they speak TLS with the proxy ({front}): its log tells \
         (--access-log FILE)"
    ))
}

/// Which TLS connections were read as the programs of this host gave their text to OpenSSL.
fn in_clear(counts: &tls::TlsCounts) -> Option<String> {
    let tls::TlsCounts { read, unread, unexplained, lost, muted } = *counts;
    let all = read.saturating_add(unread);
    if all == 0 {
        return None;
    }
    let programs = "as programs of this host gave them to OpenSSL (--tls-uprobes): protocols, sizes and \
                    counts of these are those of the text";
    let mut text = match (read, unread) {
        (0, _) => format!("none of {} was read in clear", plural(all, "TLS connection")),
        (_, 0) => format!("{} read in clear, {programs}", were(read)),
        _ => format!("{} read in clear, {programs}; {unread} more could not be", were(read)),
    };
    if unexplained > 0 {
        let places = plural(unexplained, "place");
        text = format!("{text}; in {places} nobody told what was said");
    }
    if lost > 0 {
        text = format!(
            "{text}; {} of text came faster than they could be read",
            plural(lost, "piece")
        );
    }
    if muted > 0 {
        text =
            format!("{text}, and the connections that missed some were not followed any further");
    }
    Some(text)
}

fn were(count: u64) -> String {
    match count {
        1 => "1 TLS connection was".to_owned(),
        more => format!("{more} TLS connections were"),
    }
}

/// That nobody tried a backend that was named, and what is tried instead.
fn untried(
    pattern: EndpointPattern,
    span: Duration,
    listeners: &BTreeMap<Endpoint, &Listener>,
) -> Note {
    const NAMED: usize = 4;
    let same_host = |endpoint: &Endpoint| pattern.addr.is_none_or(|addr| addr == endpoint.addr);
    let mut others: Vec<(u64, Endpoint, bool, bool)> = listeners
        .iter()
        .map(|(endpoint, listener)| {
            let refused = listener.connects_failed == listener.connections;
            let http =
                [Protocol::Http1, Protocol::Http2].iter().any(|one| listener.spoke(*one) > 0);
            (listener.connections, *endpoint, refused, http)
        })
        .collect();
    others.sort_by_key(|(connections, endpoint, ..)| (std::cmp::Reverse(*connections), *endpoint));
    let near = others.iter().filter(|(_, endpoint, ..)| same_host(endpoint)).take(NAMED);
    let named = near.map(|(_, endpoint, refused, _)| {
        format!("{endpoint}{}", if *refused { " (in vain)" } else { "" })
    });
    let named: Vec<String> = named.collect();
    let instead = match (named.is_empty(), listeners.is_empty()) {
        (false, _) => format!("; tried instead: {}", named.join(", ")),
        (true, false) => ", though other traffic is seen".to_owned(),
        (true, true) => String::new(),
    };
    let names = |wanted: &dyn Fn(bool) -> bool| -> Vec<String> {
        let wanted = others.iter().filter(|(.., http)| wanted(*http));
        wanted.map(|(_, endpoint, ..)| endpoint.to_string()).collect()
    };
    let servers = names(&|http| http);
    let headline = seen_instead(&pattern.to_string(), &servers, &names(&|_| true));
    Note {
        code: "no_traffic_for_backend",
        text: format!(
            "nobody tried {pattern} in {}{instead}: look at the security group, the target port, or \
             where the proxy points",
            duration(span)
        ),
        headline: Some(headline),
    }
}

/// A listener that answers 502 or 504 is a proxy: only these say so of a backend (RFC 9110, sections
/// 15.6.3 and 15.6.5). Where it opens no connection, its backend leg was not captured.
fn gateway(listeners: &BTreeMap<Endpoint, &Listener>, roles: &Roles) -> Option<String> {
    let opens = |addr| listeners.values().any(|listener| listener.proxies.contains_key(&addr));
    let (endpoint, status) = listeners.iter().find_map(|(endpoint, listener)| {
        let status =
            [502, 504].into_iter().find(|status| listener.statuses.contains_key(status))?;
        let alone = roles.of(*endpoint) == Role::Backend && !opens(endpoint.addr);
        alone.then_some((endpoint, status))
    })?;
    Some(format!(
        "{endpoint} answers {status}, as only a proxy does, and no connection from it to a backend is in \
         the capture: perhaps it reaches it by a Unix socket, on an interface that was not captured, or \
         answers by itself; --front {endpoint} tells that it is the proxy"
    ))
}

/// Names the listeners that were seen and not judged, the busiest first.
fn not_judged(listeners: &BTreeMap<Endpoint, &Listener>, roles: &Roles) -> Option<String> {
    const NAMED: usize = 5;
    let speaks = |listener: &Listener| {
        [Protocol::Http1, Protocol::Http2, Protocol::Tls, Protocol::Opaque]
            .into_iter()
            .max_by_key(|protocol| listener.spoke(*protocol))
            .filter(|protocol| listener.spoke(*protocol) > 0)
            .map_or("silent", Protocol::name)
    };
    let mut others: Vec<(u64, Endpoint, String)> = listeners
        .iter()
        .filter(|(endpoint, _)| roles.of(**endpoint) != Role::Backend)
        .filter(|(_, listener)| listener.connects_failed < listener.connections)
        .map(|(endpoint, listener)| {
            let what = match roles.of(*endpoint) {
                Role::Front => "front leg",
                _ => speaks(listener),
            };
            (listener.connections, *endpoint, format!("{endpoint} ({what})"))
        })
        .collect();
    others.sort_by_key(|(connections, endpoint, _)| (std::cmp::Reverse(*connections), *endpoint));
    let named: Vec<&str> = others.iter().take(NAMED).map(|(_, _, text)| text.as_str()).collect();
    let rest = others.len().saturating_sub(NAMED);
    match (named.is_empty(), rest) {
        (true, _) => None,
        (false, 0) => Some(format!("seen, not judged as a backend: {}", named.join(", "))),
        (false, rest) => {
            Some(format!("seen, not judged as a backend: {} and {rest} more", named.join(", ")))
        }
    }
}

/// Which captures hold the same connections.
fn vantages(captures: &[Capture], ledger: &Ledger) -> Option<String> {
    let path = |index: u32| {
        let capture = usize::try_from(index).ok().and_then(|index| captures.get(index));
        capture.map_or("?", |capture| capture.path.as_str())
    };
    let pairs: Vec<String> = ledger
        .shared
        .iter()
        .map(|((first, second), connections)| {
            let both = plural(*connections, "connection");
            format!("{} and {} are two vantages of {both}", path(*first), path(*second))
        })
        .collect();
    let better = match ledger.better {
        0 => String::new(),
        better => format!("; the second one shows {} better", plural(better, "failure")),
    };
    (!pairs.is_empty())
        .then(|| format!("{}: each was judged, then joined{better}", pairs.join(", ")))
}

/// How many frames are inside of which tunnels.
fn tunnels(skipped: &Tally<Skipped>) -> Option<String> {
    let found: Vec<String> = Skip::ALL
        .into_iter()
        .filter(|kind| kind.is_tunnel())
        .map(|kind| (kind, skipped.of(Skipped::NoSegment(kind))))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{} {count}", kind.name()))
        .collect();
    (!found.is_empty()).then(|| {
        format!(
            "frames inside of tunnels were not looked into ({}): capture where the tunnel ends",
            found.join(", ")
        )
    })
}
