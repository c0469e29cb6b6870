//! Lines of no known format that say what they mean: `urt=0.003`, `"upstream_status": "502"`.
//!
//! People put nginx's variables behind the combined format, or write lines of their own: a time, a
//! request, a status, and values with names before them.

use super::nginx_variables;
use crate::logs::times::LogTime;
use crate::logs::{Entry, fields};
use fields::{Fields, METHODS, Slot, Unfit, closing_quote, request_line, status};

/// What people call a value.
pub(super) fn slot(name: &str) -> Slot {
    let name = name.trim_matches(['"', '\'']);
    match name.to_ascii_lowercase().as_str() {
        "id" | "rid" | "reqid" | "requestid" | "x_request_id" | "x-request-id" | "trace_id"
        | "traceid" | "traceparent" | "correlation_id" => Slot::Id,
        "ua" | "up" | "upstream" | "ups" | "upstream_host" | "upstream_address" | "backend" => {
            Slot::Backends
        }
        "us" | "ust" | "upstatus" => Slot::BackendStatuses,
        "uct" => Slot::Connects,
        "uht" => Slot::Headers,
        "urt" | "upstream_time" => Slot::Responses,
        "rt" | "reqtime" | "duration_s" => Slot::Seconds,
        "ms" | "duration_ms" | "took_ms" | "duration" => Slot::Milliseconds,
        "method" | "verb" => Slot::Method,
        "path" | "uri" | "url" | "target" => Slot::Target,
        "request" | "req" => Slot::Request,
        "query" | "args" => Slot::Query,
        "status" | "status_code" | "response_code" | "code" => Slot::Status,
        "host" | "vhost" | "authority" => Slot::Host,
        "client" | "client_ip" | "remote_ip" | "downstream_remote_address" => Slot::Client,
        "start_time" => Slot::Begun,
        "time" | "ts" | "timestamp" | "@timestamp" => Slot::About,
        "term" | "termination" | "termination_state" => Slot::Term,
        "retries" | "rc" => Slot::Retries,
        "t" | "timers" => Slot::Timers,
        "srv" | "server" => Slot::Server,
        "conn" | "local" | "source" | "upstream_local_address" => Slot::Source,
        "flags" | "response_flags" => Slot::Flags,
        "details" | "response_code_details" | "fail" | "upstream_transport_failure_reason" => {
            Slot::Details
        }
        "attempts" | "upstream_request_attempt_count" => Slot::Attempts,
        "err" | "error" => Slot::Error,
        other => nginx_variables::slot(other),
    }
}

/// One piece of a line.
pub(super) enum LineWord<'l> {
    Named(&'l str, &'l [u8]),
    Quoted(&'l [u8]),
    Bare(&'l [u8]),
}

/// Longer names are none, …
const NAME: usize = 48;
/// … and what stands in brackets is a time or an address.
const BRACKETED: usize = 256;

/// The pieces of a line, in turn.
pub(super) fn pieces(line: &[u8]) -> impl Iterator<Item = LineWord<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        if let Some(inside) = rest.strip_prefix(b"\"") {
            let end = closing_quote(inside).unwrap_or(inside.len());
            rest = inside.get(end.saturating_add(1)..).unwrap_or_default();
            return Some(LineWord::Quoted(inside.get(..end).unwrap_or_default()));
        }
        if let Some(inside) = rest.strip_prefix(b"[")
            && let Some(end) = inside.iter().take(BRACKETED).position(|byte| *byte == b']')
        {
            rest = inside.get(end.saturating_add(1)..).unwrap_or_default();
            return Some(LineWord::Bare(inside.get(..end).unwrap_or_default()));
        }
        // What has no name, or a quoted value, is not looked through to its end.
        let name = rest.iter().take(NAME).position(|byte| *byte == b'=').and_then(|at| {
            let name = std::str::from_utf8(rest.get(..at)?).ok()?;
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
            (!name.is_empty() && name.chars().all(plain)).then_some((name, at))
        });
        if let Some((name, at)) = name {
            let value = rest.get(at.saturating_add(1)..).unwrap_or_default();
            if let Some(inside) = value.strip_prefix(b"\"") {
                let close = closing_quote(inside).unwrap_or(inside.len());
                rest = inside.get(close.saturating_add(1)..).unwrap_or_default();
                return Some(LineWord::Named(name, inside.get(..close).unwrap_or_default()));
            }
            let mut end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            // A list of attempts goes on behind a comma, and around a colon.
            while end < rest.len()
                && (rest
                    .get(..end)
                    .is_some_and(|before| before.ends_with(b",") || before.ends_with(b" :"))
                    || rest.get(end..).is_some_and(|after| after.starts_with(b" : ")))
            {
                let from = end.saturating_add(1);
                let more = rest.get(from..).unwrap_or_default();
                let next = more.iter().position(|byte| *byte == b' ');
                end = next.map_or(rest.len(), |next| from.saturating_add(next));
            }
            let value = rest.get(at.saturating_add(1)..end).unwrap_or_default();
            rest = rest.get(end..).unwrap_or_default();
            return Some(LineWord::Named(name, value));
        }
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        rest = rest.get(end..).unwrap_or_default();
        Some(LineWord::Bare(word))
    })
}

/// What is in the rest of a line whose begin is known: named values, and bare addresses and statuses.
pub(super) fn rest<'l>(fields: &mut Fields<'l>, line: &'l [u8]) {
    for piece in pieces(line) {
        match piece {
            LineWord::Named(name, value) => fields.add(slot(name), value),
            LineWord::Bare(value) | LineWord::Quoted(value) => {
                if fields::address(value).is_some_and(|address| address.port() != 0) {
                    fields.add(Slot::Backends, value);
                } else if status(value).is_some_and(|status| status < 600) && value.len() == 3 {
                    fields.add(Slot::BackendStatuses, value);
                }
            }
        }
    }
}

/// A whole line.
pub(in crate::logs) fn line(line: &[u8]) -> Result<Entry<'_>, Unfit> {
    let mut fields = Fields::default();
    let mut time = None;
    let mut method = None;
    for piece in pieces(line) {
        match piece {
            LineWord::Named(name, value) => {
                let slot = slot(name);
                let about = matches!(slot, Slot::About | Slot::Begun | Slot::Ended);
                if about && LogTime::read(value).is_some() {
                    time = time.or(Some(value));
                } else if !about {
                    fields.add(slot, value);
                }
            }
            LineWord::Quoted(value) => {
                let (method, target) = request_line(value);
                let bad = value == b"<BADREQ>";
                let asked = METHODS.contains(&method) && !target.is_empty() || bad;
                if asked && !fields.has(Slot::Request) {
                    fields.add(Slot::Request, value);
                }
            }
            LineWord::Bare(value) => {
                let asked = fields.has(Slot::Request) || fields.has(Slot::Target);
                if time.is_none() && LogTime::read(value).is_some() {
                    time = Some(value);
                } else if METHODS.contains(&value) && method.is_none() {
                    method = Some(value);
                } else if let Some(method) = method.filter(|_| !asked) {
                    fields.add(Slot::Method, method);
                    fields.add(Slot::Target, value);
                } else if asked && value.len() == 3 && !fields.has(Slot::Status) {
                    if status(value).is_some() || value == b"000" {
                        fields.add(Slot::Status, value);
                    }
                } else if let Some(millis) = value.strip_suffix(b"ms")
                    && fields::decimal::<u64>(millis).is_some()
                {
                    fields.add(Slot::Milliseconds, millis);
                }
            }
        }
    }
    if !fields.has(Slot::Request) && !fields.has(Slot::Target) {
        return Err(Unfit::Request);
    }
    if !fields.has(Slot::Status) {
        return Err(Unfit::Status);
    }
    fields.add(which_time(&fields), time.ok_or(Unfit::Time)?);
    fields.entry()
}

/// Of which end of the request a time is: HAProxy and Envoy write that of its begin, or sooner, nginx that of its
/// end; others say.
pub(super) fn which_time(fields: &Fields<'_>) -> Slot {
    if fields.has(Slot::Term) {
        // HAProxy's may be that of the connection.
        Slot::Accepted
    } else if fields.has(Slot::Flags) {
        Slot::Begun
    } else if fields.has(Slot::Responses) || fields.has(Slot::Connects) {
        Slot::Ended
    } else {
        Slot::About
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_values_in_any_order_are_read() {
        let text = br#"1795191732.678 rt=0.076 "GET /ok?id=7 HTTP/1.1" 200 ust=502, 200 up=10.77.2.2:3000, 10.77.2.2:3001 urt=0.014, 0.062 uct=0.000, 0.031 id=r-7"#;
        let entry = line(text).unwrap();
        assert_eq!(entry.attempts.len(), 2);
        assert_eq!(entry.attempts[1].backend.unwrap().port(), 3001);
        assert_eq!(entry.attempts[0].status, Some(502));
        assert_eq!(entry.status, Some(200));
        assert!(entry.was_retried() && entry.ids[0].as_ref() == b"r-7");
        // The second attempt began 62 ms before the end, and connected for 31.
        let sent = entry.attempts[1].sent.unwrap();
        assert_eq!(sent.to_string(), "2026-11-20T16:22:12.647000000Z");
    }

    #[test]
    fn without_request_status_or_time_there_is_no_entry() {
        assert_eq!(line(b"1795191732.678 \"GET / HTTP/1.1\"").unwrap_err(), Unfit::Status);
        assert_eq!(line(b"1795191732.678 502").unwrap_err(), Unfit::Request);
        assert_eq!(line(b"\"GET / HTTP/1.1\" 502").unwrap_err(), Unfit::Time);
        assert!(line(b"").is_err() && line(b"= = \"").is_err());
    }
}
