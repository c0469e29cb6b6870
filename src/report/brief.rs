//! What stands on the one screen of the answer: chosen from the report, in the order of its weight.

use super::groups::users;
use super::model::{
    BackendRecord, EvidenceKind, EvidenceRecord, FailureRecord, GroupUsers, Note, Report, Timeout,
};
use super::named::Tally;
use crate::knowledge::connection_ends::Context;
use crate::knowledge::idle_gaps::Ordering;
use crate::verdict::{Cause, Certainty, Retry};
use crate::words::fix::Fix;
use crate::words::notices::Notice;
use crate::words::{before_it_happens, screen, words};
use std::time::Duration;

/// Where so many failed, as many requests without a failure are no chance: one in twenty.
const CERTAIN: u64 = 3;
/// Frames of a proof that are named.
const PROVING: usize = 2;

/// The explanation that comes first, and the failures that it explains.
pub struct LeadingCause<'r> {
    /// Why they failed; of an event, as most of them did.
    pub cause: Cause,
    /// What happened: of the first of them, or of the event.
    pub text: String,
    /// The text is of an event, and tells of all.
    pub is_event: bool,
    /// The one that speaks for them.
    pub example: &'r FailureRecord,
    /// How many they are.
    pub count: u64,
    /// How sure each of them is.
    pub certainty: Tally<Certainty>,
    /// Whether each may be sent again.
    pub retry: Tally<Retry>,
    /// What users saw of them.
    pub users: GroupUsers,
}

impl Report {
    /// What explains most.
    pub fn leading_cause(&self) -> Option<LeadingCause<'_>> {
        let leading = self.leading();
        let first = leading.first()?;
        let Some(example) = first.failure else {
            let event = self.events.first()?;
            let of = self.failures.iter().filter(|one| one.event.as_ref() == Some(&event.id));
            let of: Vec<&FailureRecord> = of.collect();
            let example = of.first()?;
            return Some(lead(first.text.clone(), example, &of, true));
        };
        // However sure each is: the counts say that.
        let is_alike = |one: &&FailureRecord| {
            one.event.is_none() && (one.cause, one.backend) == (example.cause, example.backend)
        };
        let of = self.failures.iter().filter(is_alike);
        let of: Vec<&FailureRecord> = of.collect();
        Some(lead(example.summary.clone(), example, &of, false))
    }

    /// What to change, each once and with the causes that it helps against, the weightiest first.
    pub fn what_to_change(&self) -> Vec<(Cause, &Fix)> {
        each_once(self.advice())
    }

    /// What to change, and what would help as well, each once.
    pub fn changes(&self) -> Vec<(Cause, &Fix)> {
        let all = self.advice();
        each_once(all.flat_map(|(failure, fix)| fix.each().map(move |fix| (failure, fix))))
    }

    /// How the next capture shows whether a change helped; `None` where nothing is to be changed but the capture.
    pub fn how_to_check(&self) -> Option<String> {
        let watched = self.is_watch();
        let Some(lead) = self.leading_cause() else {
            let to_come = self.races_to_come().next().is_some();
            return to_come.then(|| screen::helped(watched, None, screen::NO_RACE_TO_COME));
        };
        let shown = if lead.is_event { screen::NO_OUTAGE } else { words(lead.cause).helped? };
        // Where all failed, or none could be made, a few that go well say enough; else chance may hide as many as
        // three.
        let of_requests = lead.example.request.is_some() && !lead.is_event;
        let rare = of_requests
            && lead.cause != Cause::HealthCheckFailing
            && self.counters.exchanges_failed < self.judged.requests();
        let times = rare.then(|| CERTAIN.div_ceil(lead.count.max(1)));
        Some(screen::helped(watched, times, shown))
    }

    /// How the next capture shows whether the change against one failure helped.
    pub fn how_to_check_one(&self, failure: &FailureRecord) -> Option<String> {
        let shown = words(failure.cause).helped?;
        Some(screen::helped(self.is_watch(), None, shown))
    }

    /// The place of a failure in the report, from 1.
    pub fn number_of(&self, id: &str) -> Option<usize> {
        let place = self.failures.iter().position(|failure| failure.id == id)?;
        place.checked_add(1)
    }

    /// The backend of a failure.
    pub fn backend_of(&self, failure: &FailureRecord) -> Option<&BackendRecord> {
        self.backends.iter().find(|backend| Some(backend.backend) == failure.backend)
    }

    /// Backends that close idle connections first, though none of them has cost a request.
    pub fn races_to_come(&self) -> impl Iterator<Item = &BackendRecord> {
        let is_race = |one: &&BackendRecord| matches!(one.ordering, Ordering::Race | Ordering::Tie);
        let lost = |one: &BackendRecord| {
            one.causes.of(Cause::KeepaliveRace) > 0 || one.causes.of(Cause::StaleReuse) > 0
        };
        self.backends.iter().filter(is_race).filter(move |one| !lost(one))
    }

    /// What to change so that they cost none, each once.
    pub fn what_to_change_before(&self) -> Vec<Fix> {
        let mut fixes: Vec<Fix> = Vec::new();
        for backend in self.races_to_come() {
            let fix = before(backend);
            if fixes.iter().all(|known| known.text != fix.text || known.line != fix.line) {
                fixes.push(fix);
            }
        }
        fixes
    }

    /// What limits the answer or completes it, as far as a person should know it at once, the weightiest
    /// first.
    pub fn notes_at_once(&self) -> Vec<(u8, &Note)> {
        let in_headline = |note: &Note| {
            note.headline.is_some() || matches!(note.notice, Notice::ClientsUnknown(_))
        };
        let mut notes: Vec<(u8, &Note)> = self
            .notes
            .iter()
            .filter(|note| !in_headline(note))
            .filter_map(|note| Some((note.notice.weight()?, note)))
            .collect();
        notes.sort_by_key(|(weight, _)| *weight);
        notes
    }

    /// Whether the report is of a watch: there is no file to be looked into again.
    pub fn is_watch(&self) -> bool {
        self.captures.iter().any(|capture| capture.kernel_drops.is_some())
    }
}

/// What is to be changed, without what was said before: in the same words, or of the same backend.
fn each_once<'r>(all: impl Iterator<Item = (&'r FailureRecord, &'r Fix)>) -> Vec<(Cause, &'r Fix)> {
    let mut fixes: Vec<(&FailureRecord, &Fix)> = Vec::new();
    for (failure, fix) in all {
        let is_said = |(of, known): &(&FailureRecord, &Fix)| {
            let same = known.text == fix.text && known.line == fix.line;
            same || of.backend == failure.backend && fix.is_like(known)
        };
        if !fixes.iter().any(is_said) {
            fixes.push((failure, fix));
        }
    }
    fixes.into_iter().map(|(failure, fix)| (failure.cause, fix)).collect()
}

impl FailureRecord {
    /// The frames that prove it, of all that show it.
    pub fn proving(&self) -> Vec<&EvidenceRecord> {
        let close = self.close.as_ref().and_then(|close| close.frame);
        let is_close = |frame: &EvidenceRecord| {
            close
                .is_some_and(|close| (close.capture, close.number) == (frame.capture, frame.number))
        };
        let begun = self.request.as_ref().map(|request| request.at);
        let first = |frame: &EvidenceRecord| {
            matches!(
                frame.kind,
                EvidenceKind::Request | EvidenceKind::Syn | EvidenceKind::ClientHello
            )
        };
        let weight = |frame: &&EvidenceRecord| match frame {
            frame if is_close(frame) => 0,
            frame if first(frame) => 1,
            // What came before the request proves nothing of it.
            frame if begun.is_some_and(|begun| frame.at < begun) => 3,
            _ => 2,
        };
        let mut frames: Vec<&EvidenceRecord> = self.frames.iter().collect();
        frames.sort_by_key(weight);
        frames.truncate(PROVING);
        frames.sort_by_key(|frame| (frame.at, frame.capture, frame.number));
        frames
    }
}

fn before(backend: &BackendRecord) -> Fix {
    let length = |timeout: Option<&Timeout>| {
        let timeout = timeout?;
        timeout.observed_ns.or(timeout.configured_ns).map(Duration::from_nanos)
    };
    let proxy = backend.proxies.first();
    let context = Context {
        server: backend.server,
        told_server: backend.told_kind,
        proxy: proxy.and_then(|proxy| proxy.kind),
        told_proxy: proxy.and_then(|proxy| proxy.told_kind),
        proxy_idle: proxy.and_then(|proxy| length(proxy.proxy_idle.as_ref())),
        ..Context::default()
    };
    before_it_happens(&context, length(backend.backend_keepalive.as_ref()))
}

fn lead<'r>(
    text: String,
    example: &'r FailureRecord,
    of: &[&'r FailureRecord],
    is_event: bool,
) -> LeadingCause<'r> {
    let ones = || of.iter();
    LeadingCause {
        cause: example.cause,
        text,
        is_event,
        example,
        count: u64::try_from(of.len()).unwrap_or(u64::MAX),
        certainty: ones().map(|failure| (failure.certainty, 1)).collect(),
        retry: ones().map(|failure| (failure.retry, 1)).collect(),
        users: users(ones().copied()),
    }
}
