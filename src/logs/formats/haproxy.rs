//! HAProxy: its variables, the httplog format, and what termination states mean.

use crate::logs::entry::{Attempt, Entry, LineKind, Says};
use crate::logs::fields::{Fields, Slot, closing_quote, decimal, find};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// `option httplog` up to the captured headers, which may be missing.
pub(in crate::logs) const HTTPLOG: &str =
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq";

/// What a variable means. `%tr` is the time of the request's first byte; the others are that of the
/// connection, which may have had requests before.
pub(in crate::logs) fn slot(name: &str) -> Slot {
    let name = name
        .split_once('}')
        .map_or(name, |(options, rest)| if options.starts_with('{') { rest } else { name });
    match name {
        "tr" | "trg" | "trl" => Slot::Begun,
        "t" | "T" | "Tl" | "Ts" => Slot::Accepted,
        "ms" => Slot::Millis,
        "r" => Slot::Request,
        "HM" => Slot::Method,
        "HU" | "HP" | "HPO" => Slot::Target,
        "HQ" => Slot::Query,
        "ST" => Slot::Status,
        "ci" => Slot::Client,
        "cp" => Slot::ClientPort,
        "bi" => Slot::Source,
        "bp" => Slot::SourcePort,
        "ts" | "tsc" => Slot::Term,
        "TR" | "Tq" => Slot::UntilRequest,
        "Tw" => Slot::Queued,
        "Tc" => Slot::Connect,
        "Tr" => Slot::Answer,
        "Ta" | "Tt" => Slot::Active,
        "rc" => Slot::Retries,
        "b" => Slot::Group,
        "s" => Slot::Server,
        "si" => Slot::ServerIp,
        "sp" => Slot::ServerPort,
        "ID" => Slot::Id,
        // What is captured is most often what identifies the request.
        name if name.starts_with("[capture.req.hdr") || name.contains("unique-id") => Slot::Id,
        name if name.contains("x-request-id") || name.contains("X-Request-Id") => Slot::Id,
        "[src]" => Slot::Client,
        "[status]" => Slot::Status,
        "[method]" => Slot::Method,
        "[path]" | "[url]" | "[pathq]" => Slot::Target,
        "[query]" => Slot::Query,
        "[bc_src]" => Slot::Source,
        "[bc_src_port]" => Slot::SourcePort,
        "[bc_dst]" => Slot::ServerIp,
        "[bc_dst_port]" => Slot::ServerPort,
        _ => Slot::Skip,
    }
}

/// What follows the queues in httplog: captured headers in braces, then the quoted request.
pub(in crate::logs) fn tail<'l>(fields: &mut Fields<'l>, tail: &'l [u8]) -> bool {
    let Some(at) = find(tail, b" \"") else { return false };
    let inside = tail.get(at.saturating_add(2)..).unwrap_or_default();
    let end = closing_quote(inside).unwrap_or(inside.len());
    fields.add(Slot::Request, inside.get(..end).unwrap_or_default());
    true
}

/// `Server down/s1 is DOWN, reason: …`: what HAProxy says of a server's state. The line has no time of its own.
pub(in crate::logs) fn state_line(line: &[u8]) -> Option<Entry<'_>> {
    let rest = line.get(find(line, b"Server ")?..)?.strip_prefix(b"Server ")?;
    let end = find(rest, b" is DOWN")?;
    let group = rest.get(..end)?.split(|byte| *byte == b'/').next()?;
    let until = find(rest, b", check duration").or_else(|| find(rest, b". ")).unwrap_or(rest.len());
    (!group.contains(&b' ')).then(|| Entry {
        kind: LineKind::Explains,
        group: group.into(),
        code: rest.get(..until).unwrap_or_default().into(),
        says: Some(Says::NoBackend),
        ..Entry::default()
    })
}

/// Timers, attempts and termination state.
pub(super) fn understand<'l>(fields: &mut Fields<'l>, entry: &mut Entry<'l>) {
    if let Some(timers) = fields.of(Slot::Timers).map(<[u8]>::to_vec) {
        let slots = [Slot::UntilRequest, Slot::Queued, Slot::Connect, Slot::Answer, Slot::Active];
        for (slot, value) in slots.into_iter().zip(timers.split(|byte| *byte == b'/')) {
            fields.add(slot, value.to_vec());
        }
        let took = fields.of(Slot::Active).and_then(decimal::<u64>);
        entry.duration = entry.duration.or(took.map(Duration::from_millis));
        if let (Some(begun), Some(took)) = (entry.begun.filter(|_| !entry.floor), entry.duration) {
            entry.ended = Some(begun.plus(took));
        }
    }
    let millis = |slot| fields.of(slot).and_then(decimal::<u64>).map(Duration::from_millis);
    let missing = |slot| fields.of(slot).is_some_and(|value| value.starts_with(b"-"));
    let until = [Slot::UntilRequest, Slot::Queued, Slot::Connect].map(millis);
    let sent = match (entry.begun, until) {
        (Some(begun), [Some(request), Some(queued), Some(connect)]) if !entry.floor => {
            Some(begun.plus(request).plus(queued).plus(connect))
        }
        _ => None,
    };
    let server = fields.of(Slot::Server);
    let unserved = server.is_some_and(|server| server.ends_with(b"<NOSRV>"));
    let backend = fields
        .of(Slot::ServerIp)
        .and_then(decimal::<IpAddr>)
        .zip(fields.of(Slot::ServerPort).and_then(decimal::<u16>))
        .map(|(ip, port)| SocketAddr::new(ip, port));
    entry.tries =
        fields.of(Slot::Retries).and_then(decimal::<u32>).map(|retries| retries.saturating_add(1));
    entry.kept = unserved;
    entry.group = fields.of(Slot::Group).unwrap_or_default().to_vec().into();
    if !unserved {
        let connected = if missing(Slot::Connect) {
            Some(false)
        } else {
            until.last().copied().flatten().map(|_| true)
        };
        entry.attempts.push(Attempt { backend, sent, connected, ..Attempt::default() });
    }
    entry.code = fields.take_code(Slot::Term);
    entry.says = says(&entry.code, entry.status, unserved);
    if entry.says == Some(Says::Backend) {
        entry.target_status = entry.status;
    }
}

/// What a termination state says (HAProxy's configuration manual, section 8.5).
fn says(state: &[u8], status: Option<u16>, unserved: bool) -> Option<Says> {
    let [first, second] = [state.first().copied()?, state.get(1).copied()?];
    Some(match (first, second) {
        (b'C' | b'c', _) => Says::Client,
        (b'S' | b's', b'C') if unserved => Says::NoBackend,
        (b'S', b'C') => Says::Refused,
        (b's', b'C') => Says::ConnectTimeout,
        (b'S' | b'D', b'H') => Says::Cut,
        (b's', b'H') => Says::Timeout,
        (b'S' | b'D', b'D' | b'L') => Says::Truncated,
        (b's', b'D' | b'L') => Says::Stalled,
        (b's' | b'S', b'Q') | (b'R', _) | (b'P', b'C') => Says::Overflow,
        (b'P', b'H' | b'D' | b'L') => Says::Invalid,
        (b'P' | b'L' | b'I', _) => Says::Proxy,
        (b'U' | b'K' | b'D', _) => Says::Cut,
        (b'-', _) if status.is_some_and(|status| status >= 500) => {
            if unserved {
                Says::NoBackend
            } else {
                Says::Backend
            }
        }
        _ => return None,
    })
}
