//! What is kept of every request of a log: when it went out, to whom, when and how it ended.

use crate::base::path_pattern;
use crate::base::time::Timestamp;
use crate::logs::{Attempt, Entry, LineKind, Says};
use crate::packet::Endpoint;
use std::collections::HashMap;
use std::time::Duration;

/// Requests kept, at 24 bytes each. Those that come later in the order of reading are counted and not looked at: what is
/// found is then said of the first so many, which is a log of its own.
const MOST: usize = 4 << 20;
/// Failures kept; where one more comes, reading ends as with [`MOST`].
const FAILED: usize = 1 << 17;
/// Pairs of a proxy and a backend; likewise.
const PLACES: usize = 1 << 16;
/// Patterns of targets whose text is kept: of failures alone.
const TEXTS: usize = 1 << 12;
/// Bytes kept of each target.
const TEXT: usize = 512;
/// Times in smaller units are taken as they are.
const COARSE: Duration = Duration::from_millis(10);
/// A time that is not known, or longer than 71 minutes.
const LONG: u32 = u32::MAX;

/// A request that a backend answered. Times are microseconds since the epoch, and from there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    /// When it was sent.
    pub(super) sent: u64,
    /// Until the client had all of the answer.
    until_end: u32,
    /// Until the backend had answered.
    took: u32,
    /// A digest of method and pattern.
    pub(super) pattern: u32,
    /// Which of the places.
    pub(super) place: u32,
}

impl Answered {
    /// When it was over.
    pub(super) fn end(&self) -> Option<u64> {
        (self.until_end != LONG).then(|| self.sent.saturating_add(self.until_end.into()))
    }

    /// How long the backend took, in microseconds; the most that can be said where it took very long.
    pub(super) fn took(&self) -> u64 {
        self.took.into()
    }
}

/// How a request that failed on the way to the backend ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum FailedBy {
    /// The connection was closed or reset before an answer.
    Cut,
    /// No connection came about, or the request could not be sent on.
    NotSent,
    /// The proxy waited for an answer for as long as it does.
    NoAnswer,
}

/// A request, or an attempt, that failed.
#[derive(Clone, Debug)]
pub(super) struct FailedRequest {
    /// When it was sent, where that is known: microseconds.
    pub(super) sent: Option<u64>,
    /// When it failed.
    pub(super) end: u64,
    /// How long that took, where it is known.
    pub(super) took: Option<u64>,
    /// A digest of method and pattern.
    pub(super) pattern: u32,
    /// Which of the places.
    pub(super) place: u32,
    /// How it ended.
    pub(super) by: FailedBy,
    /// The line is a message, beside which an access log may have a line of the same failure.
    pub(super) message: bool,
    /// The file, from 0, and the line of it, from 1.
    pub(super) line: (usize, u64),
}

/// A backend, as one proxy reaches it: they share connections.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct LoggedPlace {
    /// Which proxy, as far as names of files tell.
    node: u32,
    /// The backend; `None` where the log does not name it.
    pub(super) backend: Option<Endpoint>,
}

/// What was asked, as it was logged.
#[derive(Clone, Debug)]
pub struct AskedFor {
    /// `GET`, `POST` …
    pub method: Box<[u8]>,
    /// The target of one of them; it may hold secrets.
    pub target: Box<[u8]>,
}

/// All requests of the logs, as far as they are needed for what a log alone can prove.
#[derive(Debug, Default)]
pub struct LoggedRequests {
    pub(super) answered: Vec<Answered>,
    pub(super) failed: Vec<FailedRequest>,
    pub(super) places: Vec<LoggedPlace>,
    /// The coarsest unit of times at each of the places.
    pub(super) units: Vec<u64>,
    pub(super) asked: HashMap<u32, AskedFor>,
    known: HashMap<LoggedPlace, u32>,
    nodes: HashMap<String, u32>,
    node: u32,
    file: usize,
    full: bool,
    /// Requests for which there was no room.
    pub not_looked_at: u64,
}

impl LoggedRequests {
    /// Lines that follow are of this file.
    pub fn open(&mut self, path: &str, file: usize) {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.node = *self.nodes.entry(node(path)).or_insert(next);
        self.file = file;
    }

    /// Requests that are looked at.
    pub fn looked_at(&self) -> usize {
        self.answered.len().saturating_add(self.failed.len())
    }

    /// Takes what a line tells of a request that went to a backend.
    pub fn push(&mut self, entry: &Entry<'_>, line: u64) {
        let Some((last, before)) = entry.attempts.split_last() else { return };
        // Where it is not known which of both times was logged, nothing can be reckoned.
        if entry.kept || entry.about.is_some() {
            return;
        }
        if self.full {
            self.not_looked_at = self.not_looked_at.saturating_add(1);
            return;
        }
        let begun = entry.begun.filter(|_| !entry.floor);
        let exact = last.sent.or(begun);
        let sent = exact.map(|sent| in_units(sent, entry.resolution));
        let took = match (entry.times, entry.ended.zip(exact)) {
            (Some([_, Some(target), _]), _) => Some(target),
            (_, Some((ended, sent))) => Some(ended.since(sent)),
            _ => None,
        };
        let pattern = low(path_pattern::digest(&entry.method, &entry.target));
        self.retried(before, last, entry, pattern, line);
        let place = |requests: &mut Self| requests.place(last, entry);
        match outcome(entry) {
            Some(None) => {
                let Some((sent, ended)) = sent.zip(entry.ended) else { return };
                let row = Answered {
                    sent: micros(sent),
                    until_end: short(ended.since(sent)),
                    took: took.map_or(LONG, short),
                    pattern,
                    place: place(self),
                };
                self.answered.push(row);
            }
            Some(Some(by)) => {
                let Some(end) = entry.ended.or(sent) else { return };
                let failed = FailedRequest {
                    sent: sent.map(micros),
                    end: micros(end),
                    took: took.map(whole_micros),
                    pattern,
                    place: place(self),
                    by,
                    message: entry.kind == LineKind::Message,
                    line: (self.file, line),
                };
                self.fail(failed, entry);
            }
            None => {}
        }
        self.full |= self.looked_at() >= MOST || self.failed.len() >= FAILED;
    }

    /// Attempts that failed before the last one, as nginx logs them.
    fn retried(
        &mut self,
        before: &[Attempt],
        last: &Attempt,
        entry: &Entry<'_>,
        pattern: u32,
        line: u64,
    ) {
        let next = before.iter().skip(1).chain([last]);
        for (attempt, next) in before.iter().zip(next) {
            let (Some(502), Some(sent), Some(end)) = (attempt.status, attempt.sent, next.begun)
            else {
                continue;
            };
            let by = match attempt.connected {
                Some(false) => FailedBy::NotSent,
                _ => FailedBy::Cut,
            };
            let failed = FailedRequest {
                sent: Some(micros(sent)),
                end: micros(end),
                took: Some(whole_micros(end.since(sent))),
                pattern,
                place: self.place(attempt, entry),
                by,
                message: false,
                line: (self.file, line),
            };
            self.fail(failed, entry);
        }
    }

    fn fail(&mut self, failed: FailedRequest, entry: &Entry<'_>) {
        if self.asked.len() < TEXTS {
            let cut = |text: &[u8]| Box::from(text.get(..TEXT).unwrap_or(text));
            self.asked.entry(failed.pattern).or_insert_with(|| AskedFor {
                method: cut(&entry.method),
                target: cut(&entry.target),
            });
        }
        self.failed.push(failed);
    }

    fn place(&mut self, attempt: &Attempt, entry: &Entry<'_>) -> u32 {
        let backend = attempt
            .backend
            .map(|backend| Endpoint { addr: backend.ip().to_canonical(), port: backend.port() });
        let place = LoggedPlace { node: self.node, backend };
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let known = *self.known.entry(place).or_insert(next);
        if known == next {
            self.places.push(place);
            self.units.push(0);
            self.full |= self.places.len() >= PLACES;
        }
        let unit = usize::try_from(known).ok().and_then(|place| self.units.get_mut(place));
        if let Some(unit) = unit {
            *unit = (*unit).max(whole_micros(entry.resolution));
        }
        known
    }
}

/// How a request ended: `Some(None)` is an answer of the backend, whatever its status; `None` is what tells nothing of
/// connections to it.
fn outcome(entry: &Entry<'_>) -> Option<Option<FailedBy>> {
    const ERROR: u16 = 500;
    /// Clients that left, by nginx and by load balancers: the answer did not come to its end.
    const LEFT: [u16; 5] = [460, 463, 464, 499, 561];
    match entry.says {
        Some(Says::Cut | Says::Closed | Says::Reset) => Some(Some(FailedBy::Cut)),
        Some(
            Says::Refused
            | Says::ConnectFailed
            | Says::Unreachable
            | Says::ConnectTimeout
            | Says::ConnectFailedOrCut,
        ) => Some(Some(FailedBy::NotSent)),
        Some(Says::Timeout) => Some(Some(FailedBy::NoAnswer)),
        Some(Says::Backend) => Some(None),
        // Proxies put their own 502 where the backend's status stands.
        None => {
            let status = entry.target_status.or(entry.status)?;
            let answered = entry.kind == LineKind::Access
                && status < ERROR
                && entry.status.is_some_and(|status| status < ERROR && !LEFT.contains(&status));
            answered.then_some(None)
        }
        Some(
            Says::TlsFailed
            | Says::Truncated
            | Says::Stalled
            | Says::Invalid
            | Says::HeadTooLarge
            | Says::NoPort
            | Says::Dns
            | Says::UnixSocket
            | Says::Protocol
            | Says::TimeoutOrCut
            | Says::Died
            | Says::NoBackend
            | Says::Overflow
            | Says::Client
            | Says::Proxy,
        ) => None,
    }
}

/// What names of files tell of the proxy that wrote them: AWS puts the load balancer's address into them; a rotated
/// file is the same proxy's.
fn node(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut parts = name.rsplit('_').skip(1);
    let aws = name.contains("_elasticloadbalancing_");
    if let Some(address) = parts.next().filter(|_| aws) {
        return address.to_owned();
    }
    let rotated = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-' | '_');
    let plain = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|end| path.strip_suffix(end));
    let plain = plain.unwrap_or(path);
    plain.trim_end_matches(rotated).trim_end_matches(".log").to_owned()
}

/// The lower half of a digest: two patterns that share it are taken for one.
fn low(digest: u64) -> u32 {
    u32::try_from(digest & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// When a request was sent, in the unit of the end from which that was reckoned. An exact duration less a time in whole
/// seconds gives a time whose fraction is the duration's: the quick requests and the slow ones would not be alike.
fn in_units(sent: Timestamp, unit: Duration) -> Timestamp {
    let unit_nanos = u64::try_from(unit.as_nanos()).unwrap_or(u64::MAX);
    if unit < COARSE {
        return sent;
    }
    Timestamp::from_nanos(sent.as_nanos().div_ceil(unit_nanos.max(1)).saturating_mul(unit_nanos))
}

fn micros(at: Timestamp) -> u64 {
    at.as_nanos().checked_div(1_000).unwrap_or(0)
}

fn whole_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn short(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_little_room() {
        assert_eq!(size_of::<Answered>(), 24);
    }

    #[test]
    fn files_of_one_proxy_are_known_by_their_names() {
        let aws =
            "a/1_elasticloadbalancing_eu-central-1_app.x.50d_20261127T0645Z_10.0.1.5_1a2b.log.gz";
        assert_eq!(node(aws), "10.0.1.5");
        let same = ["/var/log/access.log", "/var/log/access.log.1", "/var/log/access.log.2.gz"];
        let same = same.map(node);
        assert!(same.iter().all(|one| *one == same[0]), "{same:?}");
        assert_eq!(node("access.log-20261127"), node("access.log"));
        assert_ne!(node("a/access.log"), node("b/access.log"));
    }

    #[test]
    fn an_attempt_that_a_retry_hid_has_failed_too() {
        let at = |millis: u64| Some(Timestamp::from_nanos(millis * 1_000_000));
        let backend = "10.0.0.1:80".parse().ok();
        let one = Attempt { backend, begun: at(100), sent: at(101), ..Attempt::default() };
        let entry = Entry {
            begun: at(100),
            ended: at(130),
            status: Some(200),
            attempts: vec![
                Attempt { status: Some(502), ..one },
                Attempt { status: Some(200), begun: at(110), sent: at(110), ..one },
            ],
            ..Entry::default()
        };
        let mut requests = LoggedRequests::default();
        requests.open("a.log", 0);
        requests.push(&entry, 7);
        let failed = &requests.failed[0];
        assert_eq!((failed.took, failed.by, failed.line), (Some(9_000), FailedBy::Cut, (0, 7)));
        assert_eq!(requests.answered[0].end(), Some(130_000));
        assert_eq!(requests.places.len(), 1);
    }
}
