//! nginx: its variables, the combined format, that of ingress-nginx, and the error log.

use super::{error_messages, labelled};
use crate::logs::entry::{Attempt, Entry, LineKind, Says};
use crate::logs::fields::{Fields, Slot, Unfit, address, closing_quote, find, request_line};
use crate::logs::times::LogTime;
use std::borrow::Cow;

/// What nginx writes unless told otherwise, Apache too: the common log format, and more after it.
pub(in crate::logs) const COMBINED: &str =
    r#"$remote_addr $ident $remote_user [$time] "$request" $status $body_bytes_sent"#;

/// What ingress-nginx writes unless told otherwise.
pub(in crate::logs) const INGRESS: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"#;

/// What follows the common log format: quoted referer and user agent, then what somebody added.
pub(in crate::logs) fn tail<'l>(fields: &mut Fields<'l>, tail: &'l [u8]) {
    let mut rest = tail;
    for _ in 0..2 {
        let Some(inside) = rest.strip_prefix(b" \"") else { break };
        let Some(end) = closing_quote(inside) else { break };
        rest = inside.get(end.saturating_add(1)..).unwrap_or_default();
    }
    if !traefik(fields, rest) {
        labelled::rest(fields, rest);
    }
}

/// What Traefik writes behind the common log format: ` 2 "app@docker" "http://10.0.0.5:3000" 4ms`, the number of
/// the request, the router, the server, the time. Its time is that of the begin.
fn traefik<'l>(fields: &mut Fields<'l>, rest: &'l [u8]) -> bool {
    let mut parts = rest.split(|byte| *byte == b'"');
    let (number, router, between) = (parts.next(), parts.next(), parts.next());
    let (server, took, end) = (parts.next(), parts.next(), parts.next());
    let (Some(number), Some(_), Some(b" "), Some(server), Some(took), None) =
        (number, router, between, server, took, end)
    else {
        return false;
    };
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let took = took.trim_ascii().strip_suffix(b"ms").filter(|took| digits(took));
    let Some(took) = took.filter(|_| digits(number.trim_ascii())) else { return false };
    for (slot, _) in &mut fields.0 {
        if *slot == Slot::About {
            *slot = Slot::Begun;
        }
    }
    fields.add(Slot::Milliseconds, took);
    fields.add(Slot::Server, server);
    true
}

/// `2026/11/27 06:47:52 [error] `: a message begins so.
pub(in crate::logs) fn begins_message(line: &[u8]) -> bool {
    let bracket = line.get(19..21) == Some(b" [");
    bracket && line.get(4) == Some(&b'/') && line.get(..19).and_then(LogTime::read).is_some()
}

/// Whether a line, in whatever it is wrapped, may be such a message.
pub(in crate::logs) fn may_be_open(line: &[u8]) -> bool {
    find(line, b" FastCGI sent in stderr: ").is_some()
}

/// A message that quotes what a program wrote to its standard error, which may have several lines, and whose end
/// is not there yet: nginx names the client behind it.
pub(in crate::logs) fn is_open(message: &[u8]) -> bool {
    begins_message(message) && may_be_open(message) && find(message, b", client: ").is_none()
}

/// One line of the error log: `Ok(None)` when it is of nothing that a client saw.
pub(in crate::logs) fn error_line(line: &[u8]) -> Result<Option<Entry<'_>>, Unfit> {
    let when = line.get(..19).and_then(LogTime::read).ok_or(Unfit::Time)?;
    let rest = line.get(19..).unwrap_or_default();
    let rest = rest.strip_prefix(b" [").ok_or(Unfit::Request)?;
    let end = rest.iter().position(|byte| *byte == b']').ok_or(Unfit::Request)?;
    let level = rest.get(..end).unwrap_or_default();
    let text = rest.get(end..).unwrap_or_default();
    // `]: 6600#6600: *2 what happened, client: …`
    let Some(star) = find(text, b": *") else { return Ok(None) };
    let text = text.get(star.saturating_add(3)..).unwrap_or_default();
    let space = text.iter().position(|byte| *byte == b' ').unwrap_or(0);
    let thread = text.get(..space).unwrap_or_default();
    let text = text.get(space.saturating_add(1)..).unwrap_or_default();
    let said = find(text, b", client: ").and_then(|end| text.get(..end)).unwrap_or(text);
    let says = error_messages::says(said);
    let grave = matches!(level, b"error" | b"crit" | b"alert" | b"emerg");
    let quoted = |name: &[u8]| {
        let at = find(text, name)?.saturating_add(name.len());
        let inside = text.get(at..)?;
        inside.get(..closing_quote(inside).unwrap_or(inside.len()))
    };
    let disabled = said.starts_with(b"upstream server temporarily disabled");
    let told = |_: &&[u8]| grave || says.is_some() || disabled;
    let Some(request) = quoted(b", request: \"").filter(told) else {
        return Ok(None);
    };
    let (method, target) = request_line(request);
    let upstream = quoted(b", upstream: \"");
    // Of a file, a password or a limit, not of a backend.
    let own = [&b"open() "[..], b"stat() ", b"user \"", b"limiting ", b"directory index"];
    if upstream.is_none() && own.iter().any(|begin| said.starts_with(begin)) {
        return Ok(None);
    }
    let backend = upstream.and_then(address).filter(|backend| backend.port() != 0);
    // What was sent to the backend may be another target than what the client asked for.
    let sent = upstream.and_then(|url| {
        let host = find(url, b"://")?.saturating_add(3);
        let path = url.get(host..)?.iter().position(|byte| *byte == b'/')?;
        url.get(host.saturating_add(path)..)
    });
    let http = upstream.is_some_and(|url| url.starts_with(b"http"));
    let attempt =
        Attempt { backend, connected: says.map(|says| !says.is_connect()), ..Attempt::default() };
    let client = find(text, b", client: ").and_then(|at| {
        let rest = text.get(at.saturating_add(10)..)?;
        address(rest.get(..rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len()))?)
    });
    Ok(Some(Entry {
        kind: if disabled { LineKind::Explains } else { LineKind::Message },
        ended: Some(when.at),
        resolution: when.resolution,
        local: when.local,
        client,
        method: method.into(),
        target: sent.filter(|_| http).unwrap_or(target).into(),
        client_target: Some(Cow::Borrowed(target)),
        thread: thread.into(),
        host: quoted(b", host: \"").unwrap_or_default().into(),
        attempts: backend.is_some().then_some(attempt).into_iter().collect(),
        kept: upstream.is_none() || says.is_some_and(Says::is_kept),
        code: Cow::Borrowed(said),
        says,
        ..Entry::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_line_tells_what_was_sent_where_and_how_it_ended() {
        let line = br#"2024/11/03 06:09:29 [error] 184#184: *94 upstream prematurely closed connection while reading response header from upstream, client: 192.168.58.11, server: o.hi.local, request: "GET / HTTP/1.1", upstream: "http://10.244.3.84:5601/app/?a=b", host: "o""#;
        let entry = error_line(line).unwrap().unwrap();
        assert_eq!(entry.target.as_ref(), b"/app/?a=b");
        assert_eq!(entry.says, Some(Says::Closed));
        assert_eq!(entry.attempts[0].backend, "10.244.3.84:5601".parse().ok());
        assert!(entry.local && entry.is_error());
    }

    #[test]
    fn a_notice_is_nothing_that_a_client_saw() {
        let line = b"2026/11/20 16:25:19 [notice] 6598#6598: nginx/1.22.1";
        assert!(error_line(line).unwrap().is_none());
        assert!(error_line(b"something else").is_err());
    }
}
