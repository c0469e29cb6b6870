//! Frames that the watch loses: looked after, held against what failed, and told while it goes on.
//!
//! How many were lost is only counted. A look tells that some were since the one before: as the kernel counts a
//! frame when it finds no room, what would have been stamped between the two may be missing, and nothing
//! earlier, whatever still lies in the buffer. An interface's own counters may be renewed seldom.

use super::libpcap::{nanos, wall_clock};
use super::output::Teller;
use super::source::FrameSource;
use crate::analysis::Analysis;
use crate::base::time::Timestamp;
use crate::input::Dropped;
use crate::report::records::{LossRecord, Record};
use crate::words;
use std::time::{Duration, Instant};

/// From the stamp of a frame to when it is counted as lost.
const COUNTED: Duration = Duration::from_millis(50);
/// Drivers renew their counters every second or two.
const DRIVER: Duration = Duration::from_secs(2);
/// A failure that waits for a look gets one after this: it is told no later, and a flood costs no more.
const SOON: Duration = Duration::from_millis(100);
/// How often it is looked where nobody waits.
const LOOK: Duration = Duration::from_secs(1);

/// Looks what was lost.
pub(super) struct LossWatch {
    looked: Instant,
    /// The clock on the wall, before the counters were read the last time.
    since: Timestamp,
    interfaces: Vec<InterfaceLosses>,
}

/// What an interface lost, and how much of it was told.
#[derive(Default)]
struct InterfaceLosses {
    counted: Dropped,
    untold: Dropped,
    /// The beginning of what was not told.
    since: Timestamp,
    rhythm: Rhythm,
}

impl LossWatch {
    /// Nothing lost so far.
    pub(super) fn begin() -> Self {
        Self { looked: Instant::now(), since: wall_clock(), interfaces: Vec::new() }
    }

    /// Whether it is time to look: `waits` says that a failure waits for it.
    pub(super) fn is_due(&self, waits: bool) -> bool {
        self.looked.elapsed() >= if waits { SOON } else { LOOK }
    }

    /// Looks what was lost since the last time: it is held against what failed by now, which is then told; at
    /// the `last` look that is left to the end. Of what was lost itself it says what there is time for, at the
    /// last look all.
    pub(super) fn look(
        &mut self,
        source: &mut FrameSource,
        analysis: &mut Analysis,
        teller: &mut Teller<'_>,
        last: bool,
    ) {
        let begun = wall_clock();
        source.look_round();
        let (now, at) = (Instant::now(), wall_clock());
        let all = source.dropped();
        self.interfaces.resize_with(all.len(), InterfaceLosses::default);
        for ((name, counted), losses) in all.into_iter().zip(&mut self.interfaces) {
            let more = losses.count(counted, self.since);
            for (lost, margin) in [(more.by_kernel, COUNTED), (more.by_interface, DRIVER)] {
                if lost > 0 {
                    analysis.lost(0, before(self.since, margin), at);
                }
            }
            if losses.untold != Dropped::default() && (losses.rhythm.is_due(now) || last) {
                tell(&losses.take(at, name), teller);
            }
        }
        (self.looked, self.since) = (now, begun);
        if !last {
            analysis.looked(&mut |record| teller.record(&record));
        }
    }
}

impl InterfaceLosses {
    /// Takes what was counted by now; returns what is new of it. The last look was at `since`.
    fn count(&mut self, counted: Dropped, since: Timestamp) -> Dropped {
        let more = Dropped {
            by_kernel: counted.by_kernel.saturating_sub(self.counted.by_kernel),
            by_interface: counted.by_interface.saturating_sub(self.counted.by_interface),
        };
        if self.untold == Dropped::default() {
            self.since = since;
        }
        self.counted = counted;
        self.untold = Dropped {
            by_kernel: self.untold.by_kernel.saturating_add(more.by_kernel),
            by_interface: self.untold.by_interface.saturating_add(more.by_interface),
        };
        more
    }

    /// What was not told so far, which is told now.
    fn take(&mut self, at: Timestamp, interface: String) -> LossRecord {
        let Dropped { by_kernel, by_interface } = std::mem::take(&mut self.untold);
        LossRecord {
            at,
            since: self.since,
            interface,
            kernel_drops: by_kernel,
            interface_drops: by_interface,
        }
    }
}

/// Says it to people, and to scripts.
fn tell(lost: &LossRecord, teller: &mut Teller<'_>) {
    let within = lost.at.since(lost.since);
    let (kernel, interface) = (lost.kernel_drops, lost.interface_drops);
    teller.aside(&words::losses::lost(&lost.interface, kernel, interface, within));
    teller.record(&Record::Loss(lost.clone()));
}

fn before(at: Timestamp, margin: Duration) -> Timestamp {
    Timestamp::from_nanos(at.as_nanos().saturating_sub(nanos(margin)))
}

/// How often it is told: at once, then each second, and less often when it goes on.
#[derive(Default)]
struct Rhythm {
    told: Option<Instant>,
    row: u32,
}

/// So many are told a second apart, and so many more ten seconds.
const A_ROW: u32 = 10;
/// After so long without a loss the next one is news again.
const CALM: Duration = Duration::from_secs(300);

impl Rhythm {
    /// There is something to tell: whether that is to be done now.
    fn is_due(&mut self, now: Instant) -> bool {
        let passed = self.told.map(|told| now.saturating_duration_since(told));
        if passed.is_some_and(|passed| passed >= CALM) {
            self.row = 0;
        }
        let pause = match self.row {
            0..=A_ROW => 1,
            row if row <= A_ROW.saturating_mul(2) => 10,
            _ => 60,
        };
        let due = passed.is_none_or(|passed| passed >= Duration::from_secs(pause));
        if due {
            self.told = Some(now);
            self.row = self.row.saturating_add(1);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_told_less_and_less_often() {
        let begun = Instant::now();
        let mut rhythm = Rhythm::default();
        let mut told = |seconds: u64| rhythm.is_due(begun + Duration::from_secs(seconds));
        let first_hour = (0..3_600).filter(|second| told(*second)).count();
        assert!((60..=80).contains(&first_hour), "{first_hour}");
        assert!(!told(3_601), "not a minute later");
        assert!(told(3_600 + 300) && told(3_600 + 301), "after a calm it is news");
    }

    #[test]
    fn what_was_not_told_is_told_with_what_comes_after_it() {
        let at = Timestamp::from_nanos;
        let counted = |by_kernel, by_interface| Dropped { by_kernel, by_interface };
        let mut losses = InterfaceLosses::default();
        assert_eq!(losses.count(counted(0, 0), at(1)), counted(0, 0));
        assert_eq!(losses.count(counted(5, 0), at(2)), counted(5, 0));
        assert_eq!(losses.count(counted(7, 1), at(3)), counted(2, 1));
        let told = losses.take(at(4), "lo".to_owned());
        let json = serde_json::to_value(Record::Loss(told)).unwrap();
        assert_eq!((&json["type"], &json["kernel_drops"]), (&"loss".into(), &7.into()));
        assert_eq!(json["interface_drops"], 1);
        assert_eq!(json["since"], serde_json::to_value(at(2)).unwrap());
        assert_eq!(losses.count(counted(7, 1), at(5)), counted(0, 0));
        assert_eq!(losses.untold, counted(0, 0));
    }
}
