//! Apache httpd: the directives of its access log, and its error log.

use super::error_messages;
use crate::logs::entry::{Attempt, Entry, LineKind, Says};
use crate::logs::fields::{Slot, Unfit, address, find};
use crate::logs::times::LogTime;
use std::borrow::Cow;
use std::net::SocketAddr;

/// What a directive means. Apache's time is that at which it received the request, unless `end:` says
/// otherwise. h2o, lighttpd and Varnish have the same directives.
pub(in crate::logs) fn slot(name: &str) -> Slot {
    let name = name.trim_start_matches(|sign: char| {
        matches!(sign, '>' | '<' | '!' | ',' | '^') || sign.is_ascii_digit()
    });
    let (argument, kind) = match name.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((argument, kind)) => (argument, kind),
        None => ("", name),
    };
    match (kind, argument) {
        (
            "t",
            "msec_frac" | "begin:msec_frac" | "end:msec_frac" | "usec_frac" | "begin:usec_frac",
        ) => Slot::Millis,
        ("t", argument) if argument.starts_with("end:") => Slot::Ended,
        ("t", _) => Slot::Begun,
        ("r", _) => Slot::Request,
        ("m", _) => Slot::Method,
        ("U", _) => Slot::Target,
        ("q", _) => Slot::Query,
        ("s", _) => Slot::Status,
        ("h" | "a", _) => Slot::Client,
        ("D", _) | ("T", "us") => Slot::Micros,
        ("T", "ms") => Slot::Milliseconds,
        ("T", _) => Slot::Seconds,
        ("v" | "V", _) => Slot::Host,
        ("i", header) if header.eq_ignore_ascii_case("host") => Slot::Host,
        ("i", header)
            if ["x-request-id", "x-amzn-trace-id", "traceparent"]
                .iter()
                .any(|id| header.eq_ignore_ascii_case(id)) =>
        {
            Slot::Id
        }
        ("e" | "n", "UNIQUE_ID") => Slot::Id,
        ("e" | "n", "BALANCER_WORKER_NAME") => Slot::Backends,
        _ => Slot::Skip,
    }
}

/// Levels that stand alone.
const LEVELS: [&[u8]; 8] =
    [b"emerg", b"alert", b"crit", b"error", b"warn", b"notice", b"info", b"debug"];

/// One line of the error log: `Ok(None)` when it is of nothing between the proxy and a backend.
pub(in crate::logs) fn error_line(line: &[u8]) -> Result<Option<Entry<'_>>, Unfit> {
    let rest = line.strip_prefix(b"[").ok_or(Unfit::Time)?;
    let end = rest.iter().position(|byte| *byte == b']').ok_or(Unfit::Time)?;
    let when = rest.get(..end).and_then(LogTime::read).ok_or(Unfit::Time)?;
    let text = rest.get(end.saturating_add(1)..).unwrap_or_default();
    // `[proxy:error]`; before 2.4 `[error]`.
    let module = text.strip_prefix(b" [").and_then(|rest| rest.split(|byte| *byte == b']').next());
    if !module.is_some_and(|name| name.contains(&b':') || LEVELS.contains(&name)) {
        return Err(Unfit::Request);
    }
    let code = find(text, b"AH").filter(|at| {
        let digits = text.get(at.saturating_add(2)..at.saturating_add(7));
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    });
    let Some(code) =
        code.filter(|_| has(text, b":error]") || has(text, b":crit]") || has(text, b":warn]"))
    else {
        return Ok(None);
    };
    // The error's name stands before the client: `(104)Connection reset by peer: [client …] AH01102`.
    let says = error_messages::says(text).filter(|_| has(text, b"proxy") || has(text, b"[http:"));
    // `ap_proxy_connect_backend disabling worker for (10.0.0.1:80) for 30s`
    let disabled = has(text, b"AH00959");
    let Some(says) = says.or(Some(Says::NoBackend).filter(|_| disabled)) else {
        return Ok(None);
    };
    let word = |marker: &[u8], ends: &[u8]| {
        let at = find(text, marker)?.saturating_add(marker.len());
        let word = text.get(at..)?;
        let end = word.iter().position(|byte| ends.contains(byte)).unwrap_or(word.len());
        word.get(..end)
    };
    let with_port = |text: &[u8]| {
        let text = text.strip_suffix(b":").unwrap_or(text);
        address(text).filter(|one: &SocketAddr| one.port() != 0)
    };
    let backend = word(b"remote server ", b" ,(")
        .or_else(|| word(b"attempt to connect to ", b" ,"))
        .or_else(|| word(b"disabling worker for (", b")"))
        .and_then(with_port);
    let attempt = Attempt { backend, connected: Some(!says.is_connect()), ..Attempt::default() };
    let said = text.get(code..).unwrap_or_default();
    let said = find(said, b", referer: ").and_then(|end| said.get(..end)).unwrap_or(said);
    let id = find(said, b" id=").and_then(|at| said.get(at.saturating_add(4)..));
    let id = id.filter(|id| !id.is_empty() && !id.contains(&b' ') && *id != b"-");
    Ok(Some(Entry {
        kind: if disabled { LineKind::Explains } else { LineKind::Message },
        ended: Some(when.at),
        resolution: when.resolution,
        local: when.local,
        client: word(b"[client ", b"]").and_then(address),
        target: Cow::Borrowed(word(b"returned by ", b" ,").unwrap_or_default()),
        // `[pid 19779:tid 19788]`
        thread: word(b"[pid ", b"]").unwrap_or_default().into(),
        ids: id.map(Cow::Borrowed).into_iter().collect(),
        attempts: backend.is_some().then_some(attempt).into_iter().collect(),
        kept: says.is_kept(),
        code: Cow::Borrowed(said),
        says: Some(says).filter(|says| *says != Says::Proxy),
        ..Entry::default()
    }))
}

fn has(text: &[u8], word: &[u8]) -> bool {
    find(text, word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_line_names_the_backend_and_the_error() {
        let line = b"[Fri Nov 20 16:24:22.729 2026] [proxy_http:error] [pid 1:tid 2] (104)Connection reset by peer: [client 10.77.1.2:33406] AH01102: error reading status line from remote server 10.77.2.2:3000";
        let entry = error_line(line).unwrap().unwrap();
        assert_eq!(entry.says, Some(Says::Reset));
        assert_eq!(entry.attempts[0].backend.unwrap().port(), 3000);
        assert_eq!(entry.client.unwrap().port(), 33406);
        let line = b"[Fri Nov 20 16:24:21.852599 2026] [ssl:info] AH01883: Init: Initialized OpenSSL library";
        assert!(error_line(line).unwrap().is_none());
    }
}
