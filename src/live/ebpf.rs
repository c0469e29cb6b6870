//! Frames as they come from the kernel's own programs: what [`super::libpcap`] does with libpcap.

use super::kernel_filter;
use super::libpcap::{self, BATCH, CaptureOptions, NAP};
use crate::base::time::Timestamp;
use crate::ebpf::{self, Refused, Segments};
use crate::input::{CaptureFacts, Fill, Filter, SourceError};
use crate::packet::Frame;
use std::thread;
use std::time::Duration;

/// Nothing waits in the kernel for longer than it takes a processor to write a record.
const LATENCY: Duration = Duration::from_millis(5);

/// Interfaces watched by programs in the kernel.
pub(super) struct Hooks {
    segments: Segments,
    facts: CaptureFacts,
    /// What the kernel's programs cannot ask of a frame.
    filter: Option<Filter>,
    latest: Timestamp,
    /// The watch is to be ended: what was captured by then is taken, and that is all.
    ending: Option<Timestamp>,
    ended: bool,
    /// There was nothing to take the last time.
    idle: bool,
}

/// Why it cannot be done so.
pub(super) enum NoHooks {
    /// The kernel does not; libpcap may.
    Refused(Refused),
    /// Nobody can do that.
    Filter(SourceError),
}

impl Hooks {
    /// Puts programs at every interface.
    ///
    /// # Errors
    /// When the kernel cannot, or the filter means nothing.
    pub(super) fn open(wanted: &CaptureOptions<'_>) -> Result<Self, NoHooks> {
        if wanted.interfaces.iter().any(|name| name == "any") {
            return Err(NoHooks::Refused(Refused(
                "it watches interfaces by name, not 'any'".into(),
            )));
        }
        if wanted.promiscuous {
            return Err(NoHooks::Refused(Refused(
                "it does not make interfaces promiscuous".into(),
            )));
        }
        // The kernel's programs know ports; whatever else is asked is asked here.
        let ports: Option<Vec<u16>> = wanted.listeners.iter().map(|pattern| pattern.port).collect();
        let addresses = wanted.listeners.iter().any(|pattern| pattern.addr.is_some());
        let asked = wanted.filter.is_some() || addresses;
        let expression = asked.then(|| kernel_filter::expression(wanted.listeners, wanted.filter));
        // What is told is what was typed.
        let failed = |error| {
            NoHooks::Filter(match (error, wanted.filter) {
                (SourceError::Filter { reason, .. }, Some(typed)) => {
                    SourceError::Filter { expression: typed.to_owned(), reason }
                }
                (other, _) => other,
            })
        };
        let filter = expression.as_deref().map(Filter::new).transpose().map_err(failed)?;
        let segments = Segments::open(&ebpf::HookOptions {
            interfaces: wanted.interfaces,
            ports: &ports.unwrap_or_default(),
            turn_bytes: wanted.snaplen.min(ebpf::TURN),
            joining: wanted.joining,
            buffer_bytes: wanted.buffer_bytes,
        })
        .map_err(NoHooks::Refused)?;
        let links = segments.links();
        for link in &links {
            filter.iter().try_for_each(|filter| filter.prepare(*link)).map_err(NoHooks::Filter)?;
        }
        let facts = libpcap::nothing_seen(wanted.interfaces.join(", "), links);
        let latest = Timestamp::default();
        Ok(Self { segments, facts, filter, latest, ending: None, ended: false, idle: false })
    }

    /// The next frames are the last ones: those that passed by now.
    pub(super) fn end(&mut self) {
        if self.ending.is_none() {
            self.ending = Some(libpcap::wall_clock());
            thread::sleep(LATENCY);
        }
    }

    /// Hands on the next frames where the kernel put them, and returns when there are no more, or many
    /// were.
    pub(super) fn take(&mut self, mut take: impl FnMut(&Frame<'_>)) -> Fill {
        if self.ended {
            return Fill::End;
        }
        if self.idle && self.ending.is_none() {
            thread::sleep(NAP);
        }
        let now = libpcap::wall_clock();
        let Self { segments, facts, filter, latest, .. } = self;
        let taken = segments.take(BATCH, |mut frame| {
            *latest = frame.reference.at.max(*latest);
            if filter.as_ref().is_none_or(|filter| filter.keeps(&frame)) {
                libpcap::count(facts, frame.reference.at, frame.wire_len, frame.bytes);
                frame.reference.number = facts.frames;
                take(&frame);
            }
        });
        self.idle = taken == 0;
        // Under load there is always more.
        let caught_up = self.ending.is_some_and(|ending| self.latest > ending);
        self.ended = self.ending.is_some() && (self.idle || caught_up);
        if !self.idle {
            return Fill::Frames;
        }
        let nanos = now.as_nanos().saturating_sub(libpcap::nanos(LATENCY));
        if self.ended { Fill::End } else { Fill::Idle(Timestamp::from_nanos(nanos)) }
    }

    /// What is known of the watch so far.
    pub(super) fn facts(&self) -> &CaptureFacts {
        &self.facts
    }

    /// Notes how long it has watched, how many frames were lost, and whether an interface went away.
    pub(super) fn look_round(&mut self) {
        self.segments.look_round();
        self.facts.dropped = Some(self.segments.dropped());
        self.facts.last = self.facts.last.max(Some(libpcap::wall_clock()));
        let (gone, others) = self.segments.gone();
        if let Some(name) = gone.first() {
            self.facts.damage.get_or_insert_with(|| format!("{name}: The interface disappeared"));
        }
        if !others {
            self.end();
        }
    }
}
