//! What is kept of a log: its error lines, and those of the others that the join needs.
//!
//! A log may be much larger than memory: lines that tell nothing of a failure are counted and forgotten,
//! but for some whose requests the capture holds, which tell how far the clocks are apart.

use crate::base::time::Timestamp;
use crate::logs::{Attempt, Entry, LineKind, Says};
use crate::packet::Endpoint;
use crate::topology::request_key::{self, RequestKey};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Error lines kept, …
const ERRORS: usize = 1 << 17;
/// … and the room for them: some name dozens of attempts.
const ROOM: usize = 64 << 20;
/// Lines of requests that went well kept, for what a retry may have hidden.
const OTHERS: usize = 1 << 17;
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
    pub method: Box<[u8]>,
    /// As logged.
    pub target: Box<[u8]>,
    /// Method and target, as digests.
    pub(super) asked: RequestKey,
    /// Digests of its ids.
    pub(super) ids: Vec<u64>,
    /// From where the proxy spoke to the backend.
    pub(super) source: Option<Endpoint>,
    /// What the client got.
    pub status: Option<u16>,
    /// What the backend answered.
    pub(super) target_status: Option<u16>,
    /// To whom the request went, and what came of it.
    pub(super) attempts: Vec<Attempt>,
    /// How many times it was sent.
    pub(super) tries: Option<u32>,
    /// The request went to no backend.
    pub(super) kept: bool,
    /// In the log's own words.
    pub code: Box<[u8]>,
    /// What they mean.
    pub says: Option<Says>,
    /// A load balancer's three times.
    pub times: Option<[Option<Duration>; 3]>,
    /// Something went wrong.
    pub(super) error: bool,
}

impl KeptLine {
    fn new(entry: &Entry<'_>, file: usize, number: u64) -> Self {
        let cut = |text: &[u8]| Box::from(text.get(..TEXT).unwrap_or(text));
        let error = entry.is_error();
        let shown = |text: &[u8]| if error { cut(text) } else { Box::default() };
        Self {
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
            method: cut(&entry.method),
            target: shown(&entry.target),
            asked: RequestKey::of(&entry.method, &entry.target),
            ids: entry.ids.iter().map(|id| request_key::id(id)).filter(|id| *id != 0).collect(),
            source: entry.source.map(request_key::endpoint),
            status: entry.status,
            target_status: entry.target_status,
            attempts: entry.attempts.clone(),
            tries: entry.tries,
            kept: entry.kept,
            code: shown(&entry.code),
            says: entry.says,
            times: entry.times,
            error,
        }
    }

    /// The memory that it takes.
    fn size(&self) -> usize {
        let texts = [&self.method, &self.target, &self.code].map(|text| text.len());
        texts
            .into_iter()
            .chain([
                size_of::<Self>(),
                size_of_val(self.ids.as_slice()),
                size_of_val(self.attempts.as_slice()),
            ])
            .fold(0, usize::saturating_add)
    }

    /// Nothing by which lines are joined is another way in the other one.
    pub(super) fn is_asked_like(&self, other: &Self) -> bool {
        let times = |line: &Self| (line.begun, line.ended, line.about, line.floor, line.duration);
        let sent = |line: &Self| (line.source, line.tries, line.kept, line.says);
        let said = |line: &Self| (line.kind, line.status, line.target_status, line.error);
        self.file == other.file
            && self.asked.whole == other.asked.whole
            && self.asked.path == other.asked.path
            && self.resolution == other.resolution
            && times(self) == times(other)
            && sent(self) == sent(other)
            && said(self) == said(other)
            && self.ids == other.ids
            && self.attempts == other.attempts
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
        self.attempts.len() > 1 || self.tries.is_some_and(|tries| tries > 1)
    }

    /// Whether the request was sent exactly once, as the log says.
    pub(super) fn was_sent_once(&self) -> bool {
        self.tries == Some(1)
            || self.tries.is_none()
                && self.attempts.len() == 1
                && self.attempts.iter().all(|one| one.sent.is_some())
    }
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
    errors: Vec<KeptLine>,
    /// The memory that they take.
    bytes: usize,
    others: Vec<KeptLine>,
    for_clocks: Vec<usize>,
    /// Lines of requests and messages about them, by file.
    pub entries: Vec<u64>,
    /// Error lines by status; `None` where they have none.
    pub statuses: BTreeMap<Option<u16>, u64>,
    /// Lines of requests.
    pub request_count: u64,
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
        if entry.kind == LineKind::Explains {
            return;
        }
        if self.entries.len() <= file {
            self.entries.resize(file.saturating_add(1), 0);
            self.for_clocks.resize(file.saturating_add(1), 0);
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
            let line = (self.errors.len() < ERRORS).then(|| KeptLine::new(entry, file, number));
            let room = ROOM.saturating_sub(self.bytes);
            if let Some(line) = line.filter(|line| line.size() <= room) {
                self.bytes = self.bytes.saturating_add(line.size());
                self.errors.push(line);
            } else {
                self.errors_forgotten = self.errors_forgotten.saturating_add(1);
            }
            return;
        }
        if self.others.len() >= OTHERS {
            return;
        }
        let asked = RequestKey::of(&entry.method, &entry.target);
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
            self.others.push(KeptLine::new(entry, file, number));
            if let Some(count) = self.for_clocks.get_mut(file).filter(|_| !hides) {
                *count = count.saturating_add(1);
            }
        }
    }
}
