//! Messages of proxies that are programs of their own: Go's ReverseProxy, Traefik, Node's http-proxy, h2o, nghttpx,
//! and what is built from these. A phrase that only such a proxy writes, a time where it writes one, a request
//! where it names one.

use super::error_messages;
use crate::logs::entry::{Attempt, Entry, LineKind, Says};
use crate::logs::fields::{METHODS, Unfit, address, find};
use crate::logs::times::LogTime;

/// Phrases that stand before what went wrong.
const PHRASES: [&[u8]; 15] = [
    b"http: proxy error: ",
    b"httputil: ReverseProxy read error",
    b"' caused by: ",
    b"Bad Gateway error=",
    b"Gateway Timeout error=",
    b"Client Closed Request error=",
    b"Internal Server Error error=",
    b"proxy error",
    b"Proxy error",
    b"Error occurred while trying to proxy",
    b"Error occurred while proxying request",
    b"[lib/core/proxy.c] in request:",
    b"Backend connect failed",
    b"Connect time out; addr=",
    b"h2o: ",
];

/// One line.
pub(in crate::logs) fn line(line: &[u8]) -> Result<Entry<'_>, Unfit> {
    let at = PHRASES.iter().filter_map(|phrase| find(line, phrase)).min().ok_or(Unfit::Request)?;
    let (before, said) = (line.get(..at), line.get(at..));
    let (before, said) = (before.unwrap_or_default(), said.unwrap_or_default());
    let says = error_messages::says(said);
    let died = said.starts_with(b"h2o: ");
    if says.is_none() && !(died && find(said, b"Assertion").is_some()) {
        return Err(Unfit::Request);
    }
    let (method, target) =
        h2o_target(said).map_or_else(|| request(said), |target| (&b""[..], target));
    let mut entry = message(said, says);
    if let Some(when) = time(before) {
        entry.ended = Some(when.at);
        entry.resolution = when.resolution;
        entry.local = when.local;
    }
    entry.method = method.into();
    entry.target = target.into();
    Ok(entry)
}

/// A message without its time and request: what it says, and of which connection.
pub(super) fn message(said: &[u8], says: Option<Says>) -> Entry<'_> {
    let ends = error_messages::ends(said);
    let backend = ends.map(|(_, to)| to).or_else(|| error_messages::dialed(said));
    let backend = backend.or_else(|| {
        let at = find(said, b"addr=")?.saturating_add(5);
        let word = said.get(at..)?.split(|byte| *byte == b' ').next()?;
        address(word.strip_suffix(b":").unwrap_or(word)).filter(|one| one.port() != 0)
    });
    let connected = says.map(|says| !says.is_connect());
    let attempt = Attempt { backend, connected, ..Attempt::default() };
    Entry {
        kind: LineKind::Message,
        attempts: backend.is_some().then_some(attempt).into_iter().collect(),
        source: ends.map(|(from, _)| from),
        kept: says.is_some_and(Says::is_kept),
        code: said.into(),
        says,
        ..Entry::default()
    }
}

/// h2o names the target alone: `in request:/a?b=c:I/O timeout`.
fn h2o_target(said: &[u8]) -> Option<&[u8]> {
    let rest = said.strip_prefix(b"[lib/core/proxy.c] in request:")?;
    let end = rest.iter().rposition(|byte| *byte == b':')?;
    rest.get(..end)
}

/// The first method, and the word behind it.
fn request(said: &[u8]) -> (&[u8], &[u8]) {
    let words: Vec<&[u8]> = said.split(|byte| *byte == b' ').take(12).collect();
    let found = words.windows(2).find_map(|pair| match pair {
        [method, target] if METHODS.contains(method) && target.starts_with(b"/") => {
            Some((*method, *target))
        }
        _ => None,
    });
    found.unwrap_or_default()
}

/// The time at the begin of a line: one word, or two, or behind `time=`.
fn time(before: &[u8]) -> Option<LogTime> {
    let text = before.strip_prefix(b"time=").unwrap_or(before);
    let mut ends = text.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(at, _)| at);
    let (first, second) = (ends.next(), ends.next());
    let two = second.and_then(|end| text.get(..end));
    let one = first.and_then(|end| text.get(..end));
    let bare = |text: &[u8]| LogTime::read(text.trim_ascii().trim_quotes());
    two.and_then(bare).or_else(|| one.and_then(bare)).or_else(|| bare(text))
}

trait TrimQuotes {
    fn trim_quotes(&self) -> &Self;
}

impl TrimQuotes for [u8] {
    fn trim_quotes(&self) -> &Self {
        let inside = self.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        inside.unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_what_they_can() {
        for (text, says, backend, target, timed) in [
            ("2026/11/27 06:51:25 http: proxy error: EOF", Says::Closed, None, "", true),
            (
                "2026/11/27 06:51:25 http: proxy error: read tcp 10.77.2.1:42426->10.77.2.2:3000: read: connection reset by peer",
                Says::Reset,
                Some("10.77.2.2:3000"),
                "",
                true,
            ),
            (
                "2026/11/27 06:51:27 httputil: ReverseProxy read error during body copy: unexpected EOF",
                Says::Truncated,
                None,
                "",
                true,
            ),
            (
                r#"time="2026-11-27T06:43:03Z" level=debug msg="'502 Bad Gateway' caused by: dial tcp 10.0.0.5:3000: connect: connection refused""#,
                Says::Refused,
                Some("10.0.0.5:3000"),
                "",
                true,
            ),
            (
                "2026-11-27T06:44:01Z DBG github.com/traefik/traefik/v3/pkg/proxy/httputil/proxy.go:117 > 502 Bad Gateway error=EOF",
                Says::Closed,
                None,
                "",
                true,
            ),
            (
                "2026-11-27T06:50:43.945Z proxy error GET /close?n=3 Error: socket hang up",
                Says::Cut,
                None,
                "/close?n=3",
                true,
            ),
            (
                "[lib/core/proxy.c] in request:/a?t=1:2:I/O timeout",
                Says::Timeout,
                None,
                "/a?t=1:2",
                false,
            ),
            (
                "2026-11-27T06:51:10.749Z 23140 23140 bdfd6d7f WARN (shrpx_http_downstream_connection.cc:1532) [DCONN:0x7f47] Backend connect failed; addr=10.77.2.2:3999: errno=111",
                Says::Refused,
                Some("10.77.2.2:3999"),
                "",
                true,
            ),
        ] {
            let entry = line(text.as_bytes()).unwrap();
            let named = entry.attempts.first().and_then(|one| one.backend);
            assert_eq!(
                (entry.says, named),
                (Some(says), backend.and_then(|at| at.parse().ok())),
                "{text}"
            );
            assert_eq!(
                (entry.target.as_ref(), entry.has_time()),
                (target.as_bytes(), timed),
                "{text}"
            );
        }
        assert!(line(b"2026/11/27 06:51:25 http: Server closed").is_err() && line(b"").is_err());
    }
}
