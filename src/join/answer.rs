//! What is said of a line: its cause on the leg, that the proxy answered by itself, or that the capture
//! does not hold it.

use super::clock_offset::ClockOffset;
use super::hits::{Hit, Match};
use super::index::Index;
use super::lines::KeptLine;
use crate::base::time::Timestamp;
use crate::exchange::Protocol;
use crate::ledger::{Judgement, Listener};
use crate::logs::{LineKind, Says};
use crate::packet::Endpoint;
use crate::topology::SeenExchange;
use std::collections::HashMap;
use std::time::Duration;

/// The answer for one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// What it is of failed on the leg.
    OnLeg,
    /// Nothing went wrong on the leg.
    NotOnLeg(Own),
    /// The capture does not hold it, or not so that it can be read.
    NotInCapture(Missing),
    /// The line can be of several exchanges, of which at least one failed.
    Ambiguous,
}

impl Answer {
    /// The answer's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnLeg => "on_leg",
            Self::NotOnLeg(_) => "not_on_leg",
            Self::NotInCapture(_) => "not_in_capture",
            Self::Ambiguous => "ambiguous",
        }
    }

    /// The reason's name in JSON.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::OnLeg | Self::Ambiguous => None,
            Self::NotOnLeg(own) => Some(match own {
                Own::Said(says) => says.name(),
                Own::Answered(_) => "answered",
                Own::Nothing => "nothing_on_the_leg",
                Own::AlikeWell => "alike_went_well",
            }),
            Self::NotInCapture(missing) => Some(match missing {
                Missing::OutsideTime { .. } => "outside_time",
                Missing::NoCapture => "no_capture",
                Missing::NoTime => "no_time",
                Missing::OtherBackend(_) => "backend_not_captured",
                Missing::Unreadable(_) => "not_readable",
                Missing::Frames => "frames_missing",
                Missing::Unread => "answer_not_read",
                Missing::Forgotten => "not_kept",
                Missing::NotFound => "not_found",
            }),
        }
    }
}

/// Why the proxy answered by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Own {
    /// The log says so.
    Said(Says),
    /// The backend had answered with this status, in full.
    Answered(u16),
    /// The capture holds what the proxy sends to its backends at that time, and nothing of this.
    Nothing,
    /// Several exchanges at that time are like it, and all of them went well.
    AlikeWell,
}

/// Why the capture does not hold it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// There is none.
    NoCapture,
    /// The capture begins later, or ended sooner.
    OutsideTime {
        /// So much.
        by: Duration,
        /// The line is before the capture.
        before: bool,
    },
    /// The line does not say when it was.
    NoTime,
    /// Nothing of this backend was captured.
    OtherBackend(Endpoint),
    /// What is spoken with this backend cannot be read.
    Unreadable(Endpoint),
    /// Frames were dropped where it could be.
    Frames,
    /// The request is there; its answer may be in frames that were dropped or cut.
    Unread,
    /// There was no room for all exchanges.
    Forgotten,
    /// The exchange should be there.
    NotFound,
}

/// What the captures cover.
pub(super) struct Coverage<'a> {
    pub(super) span: Option<(Timestamp, Timestamp)>,
    pub(super) ledger: &'a Judgement<'a>,
    pub(super) forgotten: u64,
    /// A line of this log was found, so that it is of this proxy.
    pub(super) joined: bool,
    /// There are captures, if only empty ones.
    pub(super) captured: bool,
    /// Probes of a backend failed.
    pub(super) probes_failed: bool,
}

impl Coverage<'_> {
    /// What is to be said of a line. `failing` knows which hits failed.
    pub(super) fn answer(
        &self,
        line: &KeptLine,
        found: Option<&Match>,
        clock: &ClockOffset,
        index: &Index<'_>,
        failing: &HashMap<Hit, usize>,
    ) -> Answer {
        let Some(found) = found else { return self.missing(line, clock) };
        let failed = |hit: &Hit| {
            failing.contains_key(hit)
                || matches!(hit, Hit::Exchange(place) if index.get(*place).is_some_and(|one| one.failed))
        };
        if found.ambiguous {
            return if index.standing_for(found).iter().any(failed) {
                Answer::Ambiguous
            } else {
                Answer::NotOnLeg(Own::AlikeWell)
            };
        }
        if found.hits.iter().any(failed) {
            return Answer::OnLeg;
        }
        let last = found.hits.last().and_then(|hit| match hit {
            Hit::Exchange(place) => index.get(*place),
            Hit::Connect(_) => None,
        });
        match last {
            Some(last) if last.unread => Answer::NotInCapture(Missing::Unread),
            Some(SeenExchange { status: Some(status), .. }) => {
                Answer::NotOnLeg(Own::Answered(*status))
            }
            _ => Answer::NotInCapture(Missing::Unread),
        }
    }

    fn missing(&self, line: &KeptLine, clock: &ClockOffset) -> Answer {
        if line.kept
            && let Some(says) = line.says
        {
            return Answer::NotOnLeg(Own::Said(says));
        }
        let Some((first, last)) = self.span else {
            let empty = if self.captured { Missing::NotFound } else { Missing::NoCapture };
            return Answer::NotInCapture(empty);
        };
        if !line.has_time() {
            return Answer::NotInCapture(Missing::NoTime);
        }
        let (since, until) = (clock.corrected(line.since()), clock.corrected(line.at()));
        let outside = if until < first {
            Some((first.since(until), true))
        } else {
            (since > last).then(|| (since.since(last), false))
        };
        if let Some((by, before)) = outside.filter(|(by, _)| *by > clock.tolerance()) {
            return Answer::NotInCapture(Missing::OutsideTime { by, before });
        }
        // Without a backend, and without a word of one, nothing was sent for it.
        if matches!(line.says, Some(Says::Client)) && line.backend().is_none() {
            return Answer::NotOnLeg(Own::Said(Says::Client));
        }
        if line.kept {
            return Answer::NotOnLeg(Own::Nothing);
        }
        let listeners = self.ledger.listeners();
        if let Some(backend) = line.backend() {
            let legs = || listeners.iter().filter(|(leg, _)| leg.server == backend);
            if legs().next().is_none() {
                return Answer::NotInCapture(Missing::OtherBackend(backend));
            }
            let unread =
                |one: &Listener| one.exchanges == 0 && one.connects_failed < one.connections;
            if legs().all(|(_, one)| unread(one)) {
                return Answer::NotInCapture(Missing::Unreadable(backend));
            }
            if legs().any(|(_, one)| one.capture_gaps > 0 || one.one_direction > 0) {
                return Answer::NotInCapture(Missing::Frames);
            }
        }
        if self.forgotten > 0 {
            return Answer::NotInCapture(Missing::Forgotten);
        }
        let lossy = listeners.values().any(|one| one.capture_gaps > 0 || one.one_direction > 0);
        if lossy {
            return Answer::NotInCapture(Missing::Frames);
        }
        let unreadable = listeners.iter().find(|(_, one)| one.spoke_any(Protocol::hides_requests));
        if let Some((leg, _)) = unreadable.filter(|_| line.backend().is_none()) {
            return Answer::NotInCapture(Missing::Unreadable(leg.server));
        }
        // The log does not say that it was sent to a backend, and the capture of this proxy's leg has
        // nothing of it.
        let unsaid = line.attempts.is_empty() && line.kind == LineKind::Access;
        // A proxy whose probes fail has no backend left.
        if unsaid && (self.joined || line.status == Some(503) && self.probes_failed) {
            Answer::NotOnLeg(Own::Nothing)
        } else {
            Answer::NotInCapture(Missing::NotFound)
        }
    }
}
