//! The fields of a line, by what they mean, and the entry that they make.
//!
//! Every format names its fields in its own way; what they mean stands here once.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What a field means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    /// Nothing that is needed here.
    Skip,
    /// A time at which the request came.
    Begun,
    /// The time at which its connection was accepted, perhaps for requests before it.
    Accepted,
    /// A time at which it was done with.
    Ended,
    /// A time of which the format does not say which of both it is.
    About,
    /// A day and a time of it, in UTC: of the end.
    Date,
    TimeOfDay,
    /// What follows the seconds of such a time, after a point.
    Millis,
    /// `GET /a HTTP/1.1`.
    Request,
    Method,
    Target,
    /// What follows the target after `?`.
    Query,
    Host,
    Status,
    /// An address, with or without a port.
    Client,
    ClientPort,
    /// nginx: one or several backends, statuses and times in seconds, in the order of the attempts.
    Backends,
    BackendStatuses,
    Connects,
    Headers,
    Responses,
    /// Another list of that kind, of no use here.
    Lengths,
    /// How long it took in all.
    Seconds,
    Micros,
    Milliseconds,
    Nanoseconds,
    /// What identifies the request.
    Id,
    /// From where the proxy spoke to the backend.
    Source,
    SourcePort,
    /// HAProxy's termination state, timers in milliseconds, attempts beyond the first, server.
    Term,
    UntilRequest,
    Queued,
    Connect,
    Answer,
    Active,
    /// The five of them joined by slashes.
    Timers,
    Retries,
    /// The name of the backends among which it chose.
    Group,
    Server,
    ServerIp,
    ServerPort,
    /// Envoy's flags, details and count of attempts.
    Flags,
    Details,
    Attempts,
    /// The status that the backend gave.
    TargetStatus,
    /// An error in the proxy's own words.
    Error,
    /// A reason by a word of its own vocabulary.
    Reason,
}

/// The fields of one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields<'l>(pub(super) Vec<(Slot, Cow<'l, [u8]>)>);

/// Methods of requests (RFC 9110, 9.1; RFC 5789).
pub(super) const METHODS: [&[u8]; 9] =
    [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"PATCH", b"OPTIONS", b"CONNECT", b"TRACE"];

/// A value that is missing.
pub(super) fn is_missing(value: &[u8]) -> bool {
    matches!(value, b"" | b"-" | b"null" | b"<nil>")
}

pub(super) fn decimal<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// A count of seconds with a fraction; -1 and `-` are none.
pub(super) fn seconds(value: &[u8]) -> Option<Duration> {
    let value = value.strip_suffix(b"s").unwrap_or(value);
    let seconds: f64 = decimal(value)?;
    if (0.0..1e9).contains(&seconds) { Duration::try_from_secs_f64(seconds).ok() } else { None }
}

/// `10.0.0.1:80`, `[::1]:80`, or without a port, which then is 0; also inside of a URL.
pub(super) fn address(value: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or(text);
    text.parse::<SocketAddr>().ok().or_else(|| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse::<IpAddr>().ok().map(|addr| SocketAddr::new(addr, 0))
    })
}

/// A final status.
pub(super) fn status(value: &[u8]) -> Option<u16> {
    decimal(value).filter(|status| (100..=999).contains(status))
}

impl<'l> Fields<'l> {
    pub(super) fn add(&mut self, slot: Slot, value: impl Into<Cow<'l, [u8]>>) {
        if slot != Slot::Skip {
            self.0.push((slot, value.into()));
        }
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        self.0.iter().any(|(known, _)| *known == slot)
    }

    /// A time of the common log format is that of the end where nginx's upstream times follow it.
    pub(super) fn settle_time(&mut self) {
        let nginx = [Slot::Backends, Slot::BackendStatuses, Slot::Responses, Slot::Connects];
        if nginx.iter().any(|slot| self.has(*slot)) {
            for (slot, _) in &mut self.0 {
                if *slot == Slot::About {
                    *slot = Slot::Ended;
                }
            }
        }
    }

    /// The first value of a kind that is not missing.
    pub(super) fn of(&self, slot: Slot) -> Option<&[u8]> {
        let mut values = self.0.iter().filter(|(known, _)| *known == slot);
        values.find(|(_, value)| !is_missing(value)).map(|(_, value)| value.as_ref())
    }

    pub(super) fn take(&mut self, slot: Slot) -> Cow<'l, [u8]> {
        let mut values = self.0.iter_mut().filter(|(known, _)| *known == slot);
        let found = values.find(|(_, value)| !is_missing(value));
        found.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }

    pub(super) fn take_code(&mut self, slot: Slot) -> Cow<'l, [u8]> {
        self.take(slot)
    }
}

/// Why fields make no entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unfit {
    Time,
    Request,
    Status,
}

/// `GET /a HTTP/1.1` without its version; whatever else stands there is the target.
pub(super) fn request_line(line: &[u8]) -> (&[u8], &[u8]) {
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let (Some(method), Some(rest)) = (words.next(), words.next()) else {
        return (b"", b"");
    };
    let end = rest.iter().rposition(|byte| *byte == b' ');
    let version = end.and_then(|end| rest.get(end.saturating_add(1)..));
    let target = match (end, version) {
        (Some(end), Some(version)) if version.starts_with(b"HTTP/") => rest.get(..end),
        _ => Some(rest),
    };
    (method, target.unwrap_or_default())
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Where the quote is that ends a quoted value: not one behind a backslash.
pub(super) fn closing_quote(line: &[u8]) -> Option<usize> {
    let mut escaped = false;
    line.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })
}

pub(super) fn find(line: &[u8], text: &[u8]) -> Option<usize> {
    let first = text.first()?;
    let mut from = 0_usize;
    loop {
        let at = line.get(from..)?.iter().position(|byte| byte == first)?.saturating_add(from);
        if line.get(at..)?.starts_with(text) {
            return Some(at);
        }
        from = at.saturating_add(1);
    }
}
