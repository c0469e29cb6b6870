//! Which failures of a watch are told one by one, and which are gathered; and what was told, for the time when
//! it no longer holds.
//!
//! Of each kind (a cause at a backend) three are told one by one, then, a line a minute, how many more.

use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::render::text_told;
use crate::report::FailureRecord;
use crate::report::records::RevisionRecord;
use crate::verdict::{Cause, Certainty};
use crate::words::watch::GatheredLine;
use crate::words::{failure_section, watch};
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Failures told one by one in a second; a flood is gathered.
const SHOWN_A_SECOND: u32 = 20;
/// Failures of one kind that are told one by one.
const SHOWN_OF_KIND: u32 = 3;
/// Kinds that are told apart.
const KINDS: usize = 1_024;
/// How long failures are gathered.
const MINUTE: Duration = Duration::from_secs(60);
/// Kinds that get a line of their own when gathered ones are told.
const LINES: usize = 10;
/// Failures told one by one of which it is known what was told.
const REMEMBERED: usize = 4_096;

type Kind = (Cause, Option<Endpoint>);

/// How a failure is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Telling {
    /// With its reason and advice.
    First,
    /// In a line.
    Again,
    /// With the others of its minute.
    Gathered,
}

/// What was told of one kind.
#[derive(Default)]
struct KindTold {
    so_far: u64,
    shown: u32,
    /// Counted, and not told yet; the last of them.
    gathered: u64,
    last: Timestamp,
}

/// What was told of one failure.
struct FailureTold {
    at: Timestamp,
    request: String,
    cause: Cause,
    certainty: Certainty,
}

/// What is told one by one, what is gathered, and what was told.
pub(super) struct Gathering {
    kinds: HashMap<Kind, KindTold, RandomState>,
    /// Of kinds that found no room.
    others: KindTold,
    /// Since when something is gathered.
    since: Option<Instant>,
    /// The second that passes, and what was shown in it.
    second: (Instant, u32),
    told: HashMap<String, FailureTold, RandomState>,
    /// The ids of what was told, the oldest first.
    order: VecDeque<String>,
    /// Turned out to be none, and had only been counted.
    retracted: u64,
}

impl Gathering {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            kinds: HashMap::default(),
            others: KindTold::default(),
            since: None,
            second: (now, 0),
            told: HashMap::default(),
            order: VecDeque::new(),
            retracted: 0,
        }
    }

    /// How a failure is to be told; each of them in full, if so wanted.
    pub(super) fn take(&mut self, failure: &FailureRecord, each: bool, now: Instant) -> Telling {
        if now.duration_since(self.second.0) >= Duration::from_secs(1) {
            self.second = (now, 0);
        }
        let kind = (failure.cause, failure.backend);
        let has_room = self.kinds.len() < KINDS || self.kinds.contains_key(&kind);
        let of = if has_room { self.kinds.entry(kind).or_default() } else { &mut self.others };
        of.so_far = of.so_far.saturating_add(1);
        let shown = each || has_room && of.shown < SHOWN_OF_KIND && self.second.1 < SHOWN_A_SECOND;
        if !shown {
            of.gathered = of.gathered.saturating_add(1);
            of.last = of.last.max(failure.at);
            self.since.get_or_insert(now);
            return Telling::Gathered;
        }
        let telling = if each || of.shown == 0 { Telling::First } else { Telling::Again };
        of.shown = of.shown.saturating_add(1);
        self.second.1 = self.second.1.saturating_add(1);
        self.remember(failure);
        telling
    }

    fn remember(&mut self, failure: &FailureRecord) {
        let FailureRecord { at, cause, certainty, .. } = *failure;
        let request = named(failure);
        let told = FailureTold { at, request, cause, certainty };
        if self.told.insert(failure.id.clone(), told).is_none() {
            self.order.push_back(failure.id.clone());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
    }

    /// What is to be said of a failure that was told, now that more is known of it.
    pub(super) fn revise(&mut self, revision: &RevisionRecord, now: Instant) -> Option<String> {
        if revision.retracted {
            let told = self.told.remove(&revision.id);
            self.order.retain(|id| told.is_none() || *id != revision.id);
            let Some(told) = told else {
                self.retracted = self.retracted.saturating_add(1);
                self.since.get_or_insert(now);
                return None;
            };
            return Some(match &revision.withdrawn {
                Some(_) => watch::withdrawn(&told.request, told.at),
                None => watch::retracted(&told.request, told.at),
            });
        }
        let told = self.told.get_mut(&revision.id)?;
        let new = |field: &str| revision.changed.get(field).and_then(|value| value.as_str());
        let cause =
            new("cause").and_then(|new| Cause::ALL.into_iter().find(|one| one.name() == new));
        let all = [Certainty::Possible, Certainty::Likely, Certainty::Proven];
        let certainty =
            new("certainty").and_then(|new| all.into_iter().find(|one| one.name() == new));
        let now = (cause.unwrap_or(told.cause), certainty.unwrap_or(told.certainty));
        // What only became surer still holds.
        let holds = now.0 == told.cause && now.1 >= told.certainty;
        (told.cause, told.certainty) = now;
        if holds {
            return None;
        }
        Some(watch::changed(&told.request, told.at, told.cause, told.certainty))
    }

    /// What was gathered, where a minute is over, or at the `last`, and how many of that turned out to be none.
    pub(super) fn lines(
        &mut self,
        now: Instant,
        last: bool,
    ) -> (Vec<GatheredLine>, Option<String>) {
        let Some(since) = self.since else { return (Vec::new(), None) };
        let within = now.duration_since(since);
        if within < MINUTE && !last {
            return (Vec::new(), None);
        }
        self.since = None;
        let mut gathered: Vec<(Kind, &mut KindTold)> = self
            .kinds
            .iter_mut()
            .map(|(kind, of)| (*kind, of))
            .filter(|(_, of)| of.gathered > 0)
            .collect();
        gathered.sort_by_key(|(kind, of)| (std::cmp::Reverse(of.gathered), of.last, kind.1));
        let others = &mut self.others;
        let mut lines = Vec::new();
        for (place, (kind, of)) in gathered.into_iter().enumerate() {
            let more = std::mem::take(&mut of.gathered);
            if place < LINES {
                lines.push(watch::gathered(kind, of.last, more, of.so_far, within));
            } else {
                others.gathered = others.gathered.saturating_add(more);
                others.last = others.last.max(of.last);
            }
        }
        let more = std::mem::take(&mut others.gathered);
        if more > 0 {
            lines.push(watch::gathered_of_others(others.last, more, within));
        }
        let retracted = std::mem::take(&mut self.retracted);
        (lines, (retracted > 0).then(|| watch::retracted_unshown(retracted)))
    }
}

/// What was asked, or which connect failed.
fn named(failure: &FailureRecord) -> String {
    let backend = failure.backend;
    text_told::request(failure).unwrap_or_else(|| match backend {
        Some(_) => watch::again(None, backend),
        None => failure_section::request(None, None),
    })
}
