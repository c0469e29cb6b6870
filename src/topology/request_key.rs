//! What requests are known by: digests of method and target, of the path alone, and of ids.
//!
//! Whoever makes two requests of one digest only makes a line ambiguous.

use crate::base::digest;
use crate::exchange::{RequestHead, trace_id};
use crate::packet::Endpoint;
use std::net::SocketAddr;

/// What was asked, as digests; 0 where it is not known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct RequestKey {
    /// Of method and target.
    pub whole: u64,
    /// Of the target up to its query.
    pub path: u64,
    /// The target has a query.
    pub query: bool,
    /// Of method and target less the first part of its path, and less the first two: a proxy that serves
    /// a backend below a path of its own asks so.
    pub(super) below: [u64; 2],
}

impl RequestKey {
    /// Of a method and a target, with or without scheme and host.
    pub fn of(method: &[u8], target: &[u8]) -> Self {
        if target.is_empty() {
            return Self::default();
        }
        let plain = unescaped(target);
        let target = without_host(plain.as_deref().unwrap_or(target));
        let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
        let path = target.get(..end).unwrap_or(target);
        let whole = |target: &[u8]| match method.is_empty() {
            true => 0,
            false => digest::of(method.iter().chain(b" ").chain(target)).max(1),
        };
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let mut parts = slashes.skip(1).filter_map(|(at, _)| target.get(at..).map(whole));
        Self {
            whole: whole(target),
            path: digest::of(path.iter()).max(1),
            query: end < target.len(),
            below: [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()],
        }
    }

    /// What it is looked for by: requests that are the same, or the same below a path, have one of these in
    /// common.
    pub(super) fn digests(&self) -> impl Iterator<Item = u64> + use<> {
        let Self { whole, below: [one, two], .. } = *self;
        [whole, one, two].into_iter().filter(|digest| *digest != 0)
    }

    /// One is asked for what the other is asked for, below a path.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        let within = |one: &Self, other: &Self| one.whole != 0 && other.below.contains(&one.whole);
        within(self, other) || within(other, self)
    }
}

/// `http://a:80/b?c` is `/b?c`.
fn without_host(target: &[u8]) -> &[u8] {
    let Some(at) = target.windows(3).position(|three| three == b"://").filter(|at| *at < 8) else {
        return target;
    };
    let rest = target.get(at.saturating_add(3)..).unwrap_or_default();
    let slash = rest.iter().position(|byte| *byte == b'/');
    slash.and_then(|slash| rest.get(slash..)).unwrap_or(b"/")
}

/// nginx and Apache write `\x22` for what does not print; `None` when there is nothing of that.
fn unescaped(target: &[u8]) -> Option<Vec<u8>> {
    if !target.contains(&b'\\') {
        return None;
    }
    let mut plain = Vec::with_capacity(target.len());
    let mut rest = target;
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, after.first(), digit(1), digit(2)) {
            (b'\\', Some(b'x'), Some(high), Some(low)) => {
                plain.push(u8::try_from(high << 4 | low).unwrap_or_default());
                rest = after.get(3..).unwrap_or_default();
            }
            (b'\\', Some(b'"' | b'\\'), ..) => {
                plain.extend(after.first());
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    Some(plain)
}

/// The digest of an id, as a log or a header has it; 0 when it is none.
pub fn id(value: &[u8]) -> u64 {
    let id = trace_id(value.trim_ascii());
    // Shorter ones identify nothing.
    if id.len() < 4 { 0 } else { digest::of(id.iter()).max(1) }
}

/// The ids of a captured request: of its request id, and of what traces it.
pub fn ids(head: &RequestHead) -> [u64; 3] {
    let [amzn, parent] = head.signs.traces;
    [id(head.request_id()), amzn, parent]
}

/// As the capture has it: IPv4 inside of IPv6 is IPv4.
pub fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint { addr: address.ip().to_canonical(), port: address.port() }
}

/// How a match was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MatchedBy {
    /// A request id or trace id that both have.
    Id,
    /// The port from which the proxy spoke to the backend.
    SourcePort,
    /// Target, backend, status and time.
    TargetAndTime,
    /// Backend and time: a connect, or a message that names no target.
    BackendAndTime,
    /// An id, on the front leg.
    FrontLegId,
    /// Target and time, on the front leg.
    FrontLegTime,
}

impl MatchedBy {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "request_id",
            Self::SourcePort => "source_port",
            Self::TargetAndTime => "target_and_time",
            Self::BackendAndTime => "backend_and_time",
            Self::FrontLegId => "front_leg_request_id",
            Self::FrontLegTime => "front_leg_target_and_time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_the_same_with_and_without_its_host() {
        let plain = RequestKey::of(b"GET", b"/a?b=c");
        assert_eq!(RequestKey::of(b"GET", b"http://shop:80/a?b=c"), plain);
        assert_eq!(RequestKey::of(b"GET", b"\\x2fa?b=c"), plain);
        assert_ne!(RequestKey::of(b"POST", b"/a?b=c").whole, plain.whole);
        assert_eq!(RequestKey::of(b"GET", b"/a").path, plain.path);
        assert_eq!(RequestKey::of(b"GET", b"https://shop"), RequestKey::of(b"GET", b"/"));
        // A URL inside of a query is part of it.
        assert_ne!(RequestKey::of(b"GET", b"/go?to=http://x/a"), RequestKey::of(b"GET", b"/a"));
        assert_eq!(RequestKey::of(b"GET", b""), RequestKey::default());
    }

    #[test]
    fn a_target_is_known_below_a_path() {
        let of = |target: &[u8]| RequestKey::of(b"GET", target);
        assert!(of(b"/api/a/b?c=/d").is_below(&of(b"/a/b?c=/d")));
        assert!(of(b"/b").is_below(&of(b"/api/v1/b")));
        assert!(of(b"/api/").is_below(&of(b"/")));
        assert!(!of(b"/api/b").is_below(&of(b"/v2/b")));
        assert!(!of(b"/b").is_below(&of(b"/b")));
        assert!(!of(b"/a?c=/b").is_below(&of(b"/b")));
        assert!(!of(b"/b").is_below(&RequestKey::of(b"POST", b"/api/b")));
    }

    #[test]
    fn ids_are_the_same_whoever_passed_them_on() {
        let root = id(b"Root=1-58337262-36d228ad5d99923122bbe354");
        assert_eq!(id(b"Self=1-2-3;Root=1-58337262-36d228ad5d99923122bbe354"), root);
        let trace = id(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(id(b"00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-00"), trace);
        assert_eq!(id(b"4bf92f3577b34da6a3ce929d0e0e4736"), trace);
        assert_eq!(id(b"-"), 0);
    }
}
