//! What is kept of a log: its error lines, and those of the others that the join needs.
//!
//! A log may be much larger than memory: lines that tell nothing of a failure are counted and forgotten,
//! but for some whose requests the capture holds, which tell how far the clocks are apart.

use crate::base::digest;
use crate::base::time::Timestamp;
use crate::logs::{Attempt, Entry, LineKind, Says};
use crate::packet::Endpoint;
use crate::topology::request_key::{self, RequestKey};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Error lines kept, …
const ERRORS: usize = 1 << 17;
/// … and the room for them: some name dozens of attempts.
const ROOM: usize = 64 << 20;
/// Lines of requests that went well kept, for what a retry may have hidden.
const OTHERS: usize = 1 << 17;
/// Lines kept that explain others.
const EXPLAINING: usize = 1 << 12;
/// Lines kept for the clocks alone, of each file.
const CLOCKS: usize = 512;
/// Of each text so many bytes are kept.
const TEXT: usize = 512;

/// A line, as far as it matters.
#[derive(Clone, Debug)]
pub struct KeptLine {
    /// Which of the files, from 0.
    pub file: usize,
    /// Which line of it, from 1.
    pub number: u64,
    /// What it is of.
    pub kind: LineKind,
    /// When the proxy had the request, by its own clock.
    pub(super) begun: Option<Timestamp>,
    /// When it had done with it.
    pub(super) ended: Option<Timestamp>,
    /// One time, of which it is not known which of both it is.
    pub(super) about: Option<Timestamp>,
    /// `begun` is only the earliest time that it can have begun.
    pub(super) floor: bool,
    /// The unit of these times.
    pub resolution: Duration,
    /// The times are local ones, read as UTC.
    pub(super) local: bool,
    /// How long it took.
    pub duration: Option<Duration>,
    /// Who asked; port 0 where it is not logged.
    pub client: Option<Endpoint>,
    /// As logged.
    pub method: Arc<[u8]>,
    /// As logged.
    pub target: Box<[u8]>,
    /// Method and target, as digests.
    pub(super) asked: AskedDigest,
    /// Digest of what all lines of its request share in this log; 0 where there is nothing.
    pub(super) thread: u64,
    /// Digests of its ids.
    pub(super) ids: Box<[u64]>,
    /// What the client got.
    pub status: Option<u16>,
    /// To whom the request went, and what came of it.
    pub(super) attempts: Box<[Attempt]>,
    /// The request went to no backend.
    pub(super) kept: bool,
    /// In the log's own words.
    pub code: Arc<[u8]>,
    /// What they mean.
    pub says: Option<Says>,
    /// Something went wrong.
    pub(super) error: bool,
    /// What few formats have.
    detail: Option<Box<LineDetail>>,
}

/// What few formats have of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct LineDetail {
    /// From where the proxy spoke to the backend.
    source: Option<Endpoint>,
    /// What the backend answered.
    target_status: Option<u16>,
    /// How many times the request was sent.
    tries: Option<u32>,
    /// Digest of the name of the backends among which the proxy chose; 0 where there is none.
    group: u64,
    /// What the client asked for, where what was sent is another thing.
    client_asked: Option<AskedDigest>,
    /// A load balancer's three times.
    times: Option<[Option<Duration>; 3]>,
}

/// What was asked, as digests; see [`RequestKey`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct AskedDigest {
    pub(super) whole: u64,
    pub(super) path: u64,
    pub(super) query: bool,
}

impl AskedDigest {
    fn of(method: &[u8], target: &[u8]) -> Self {
        let RequestKey { whole, path, query, .. } = RequestKey::of(method, target);
        Self { whole, path, query }
    }
}

/// Texts that many lines have: each is kept once.
#[derive(Debug, Default)]
struct Texts(HashSet<Arc<[u8]>>);

impl Texts {
    /// A text, cut to what is kept of one; and the memory that it takes anew.
    fn kept(&mut self, text: &[u8]) -> (Arc<[u8]>, usize) {
        let cut = text.get(..TEXT).unwrap_or(text);
        if let Some(known) = self.0.get(cut) {
            return (Arc::clone(known), 0);
        }
        let fresh: Arc<[u8]> = Arc::from(cut);
        self.0.insert(Arc::clone(&fresh));
        (fresh, cut.len().saturating_add(size_of::<[usize; 6]>()))
    }
}

impl KeptLine {
    /// A line, and the memory that it takes.
    fn new(entry: &Entry<'_>, file: usize, number: u64, texts: &mut Texts) -> (Self, usize) {
        let error = entry.is_error();
        let explains = entry.kind == LineKind::Explains;
        // Of other lines nothing is shown.
        let shown = |text: &[u8]| text.get(..if error { text.len() } else { 0 }).map(Box::from);
        let (method, for_method) = texts.kept(&entry.method);
        let (code, for_code) = texts.kept(if error || explains { &entry.code } else { b"" });
        let target: Box<[u8]> =
            shown(entry.target.get(..TEXT).unwrap_or(&entry.target)).unwrap_or_default();
        let ids = entry.ids.iter().map(|id| request_key::id(id)).filter(|id| *id != 0);
        let detail = LineDetail {
            source: entry.source.map(request_key::endpoint),
            target_status: entry.target_status,
            tries: entry.tries,
            group: digest_of(&entry.group),
            client_asked: entry
                .client_target
                .as_ref()
                .filter(|target| **target != entry.target)
                .map(|target| AskedDigest::of(&entry.method, target)),
            times: entry.times,
        };
        let line = Self {
            file,
            number,
            kind: entry.kind,
            begun: entry.begun,
            ended: entry.ended,
            about: entry.about,
            floor: entry.floor,
            resolution: entry.resolution,
            local: entry.local,
            duration: entry.duration,
            client: entry.client.map(request_key::endpoint),
            method,
            target,
            asked: AskedDigest::of(&entry.method, &entry.target),
            thread: digest_of(&entry.thread),
            ids: ids.collect(),
            status: entry.status,
            attempts: entry.attempts.as_slice().into(),
            kept: entry.kept,
            code,
            says: entry.says,
            error,
            detail: (detail != LineDetail::default()).then(|| Box::new(detail)),
        };
        let size = line.size().saturating_add(for_method).saturating_add(for_code);
        (line, size)
    }

    /// The memory that it takes, but for texts that others have as well.
    fn size(&self) -> usize {
        [
            size_of::<Self>(),
            self.target.len(),
            size_of_val(&*self.ids),
            size_of_val(&*self.attempts),
            self.detail.as_deref().map_or(0, size_of_val),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    fn detail(&self) -> LineDetail {
        self.detail.as_deref().copied().unwrap_or_default()
    }

    /// From where the proxy spoke to the backend.
    pub(super) fn source(&self) -> Option<Endpoint> {
        self.detail().source
    }

    /// What the backend answered.
    pub(super) fn target_status(&self) -> Option<u16> {
        self.detail().target_status
    }

    /// How many times the request was sent.
    pub(super) fn tries(&self) -> Option<u32> {
        self.detail().tries
    }

    /// Digest of the name of the backends among which the proxy chose; 0 where there is none.
    pub(super) fn group(&self) -> u64 {
        self.detail().group
    }

    /// What the client asked for.
    pub(super) fn asked_by_client(&self) -> AskedDigest {
        self.detail().client_asked.unwrap_or(self.asked)
    }

    /// Whether its one time is when the request came, or when it was over, is not known.
    pub(super) const fn is_time_open(&self) -> bool {
        self.about.is_some() || self.floor || self.begun.is_some() && self.duration.is_none()
    }

    /// A load balancer's three times.
    pub fn times(&self) -> Option<[Option<Duration>; 3]> {
        self.detail().times
    }

    /// The line says when it was.
    pub fn has_time(&self) -> bool {
        self.begun.or(self.ended).or(self.about).is_some()
    }

    /// One of both its times, by the proxy's clock.
    pub fn at(&self) -> Timestamp {
        self.ended.or(self.begun).unwrap_or_default()
    }

    /// When its request came, by the proxy's clock, as far as it is known.
    pub fn since(&self) -> Timestamp {
        self.begun.or(self.ended).unwrap_or_default()
    }

    /// The backend of its last attempt.
    pub fn backend(&self) -> Option<Endpoint> {
        self.attempts.last().and_then(|last| last.backend).map(request_key::endpoint)
    }

    /// The request was sent more than once, says the log.
    pub fn was_retried(&self) -> bool {
        self.attempts.len() > 1 || self.tries().is_some_and(|tries| tries > 1)
    }

    /// Whether the request was sent exactly once, as the log says.
    pub(super) fn was_sent_once(&self) -> bool {
        self.tries() == Some(1)
            || self.tries().is_none()
                && self.attempts.len() == 1
                && self.attempts.iter().all(|one| one.sent.is_some())
    }
}

/// Digest of a text; 0 where it is empty.
fn digest_of(text: &[u8]) -> u64 {
    if text.is_empty() { 0 } else { digest::of(text.iter()).max(1) }
}

/// What of the exchanges a line can be of interest for.
#[derive(Debug, Default)]
pub struct Interest {
    /// What failed was asked so, as `RequestKey::whole` and `RequestKey::path` have it.
    pub(super) failing: HashSet<u64>,
    /// Ids of what failed.
    pub(super) failing_ids: HashSet<u64>,
    /// How often what was asked is in the capture.
    pub(super) seen: HashMap<u64, u32>,
    /// How often an id is.
    pub(super) ids: HashMap<u64, u32>,
}

/// The lines kept, and what was counted.
#[derive(Debug, Default)]
pub struct Lines {
    interest: Interest,
    texts: Texts,
    errors: Vec<KeptLine>,
    /// The memory that they take.
    bytes: usize,
    others: Vec<KeptLine>,
    explaining: Vec<KeptLine>,
    for_clocks: Vec<usize>,
    /// Lines of requests and messages about them, by file.
    pub entries: Vec<u64>,
    /// Error lines by status; `None` where they have none.
    pub statuses: BTreeMap<Option<u16>, u64>,
    /// Lines of requests.
    pub request_count: u64,
    /// Lines of requests that went well, though an attempt had failed.
    pub retried_count: u64,
    /// Lines of requests that went wrong.
    pub error_count: u64,
    /// Messages about such requests.
    pub message_count: u64,
    /// Error lines for which there was no room.
    pub errors_forgotten: u64,
}

impl Lines {
    /// None yet.
    pub fn new(interest: Interest) -> Self {
        Self { interest, ..Self::default() }
    }

    /// The error lines, in the order in which they were read.
    pub fn errors(&self) -> &[KeptLine] {
        &self.errors
    }

    /// Lines that are of no request and explain others.
    pub fn explaining(&self) -> &[KeptLine] {
        &self.explaining
    }

    /// The others that were kept.
    pub(super) fn others(&self) -> &[KeptLine] {
        &self.others
    }

    /// How many files lines came from.
    pub(super) fn files(&self) -> usize {
        self.entries.len()
    }

    /// Takes one line.
    pub fn push(&mut self, entry: &Entry<'_>, file: usize, number: u64) {
        if self.entries.len() <= file {
            self.entries.resize(file.saturating_add(1), 0);
            self.for_clocks.resize(file.saturating_add(1), 0);
        }
        if entry.kind == LineKind::Explains {
            if self.explaining.len() < EXPLAINING {
                let (line, _) = KeptLine::new(entry, file, number, &mut self.texts);
                self.explaining.push(line);
            }
            return;
        }
        if let Some(count) = self.entries.get_mut(file) {
            *count = count.saturating_add(1);
        }
        if entry.kind == LineKind::Access {
            self.request_count = self.request_count.saturating_add(1);
        }
        if entry.is_error() {
            let counted = match entry.kind {
                LineKind::Access => {
                    let count = self.statuses.entry(entry.status).or_default();
                    *count = count.saturating_add(1);
                    &mut self.error_count
                }
                LineKind::Message | LineKind::Explains => &mut self.message_count,
            };
            *counted = counted.saturating_add(1);
            let room = ROOM.saturating_sub(self.bytes);
            let there_is_room = self.errors.len() < ERRORS && room > 0;
            let line = there_is_room.then(|| KeptLine::new(entry, file, number, &mut self.texts));
            if let Some((line, size)) = line.filter(|(_, size)| *size <= room) {
                self.bytes = self.bytes.saturating_add(size);
                self.errors.push(line);
            } else {
                self.errors_forgotten = self.errors_forgotten.saturating_add(1);
            }
            return;
        }
        self.retried_count = self.retried_count.saturating_add(u64::from(entry.was_retried()));
        if self.others.len() >= OTHERS {
            return;
        }
        let asked = AskedDigest::of(&entry.method, &entry.target);
        let Interest { failing, failing_ids, seen, ids } = &self.interest;
        let known = |digest: u64| digest != 0 && failing.contains(&digest);
        let id =
            |known: &dyn Fn(&u64) -> bool| entry.ids.iter().any(|id| known(&request_key::id(id)));
        let hides = known(asked.whole)
            || !asked.query && known(asked.path)
            || id(&|id| failing_ids.contains(id));
        let room = self.for_clocks.get(file).is_some_and(|count| *count < CLOCKS);
        let clock = room
            && (seen.get(&asked.whole).is_some_and(|count| *count == 1)
                || id(&|id| ids.get(id).is_some_and(|count| *count == 1)));
        if hides || clock {
            let (line, _) = KeptLine::new(entry, file, number, &mut self.texts);
            self.others.push(line);
            if let Some(count) = self.for_clocks.get_mut(file).filter(|_| !hides) {
                *count = count.saturating_add(1);
            }
        }
    }
}
