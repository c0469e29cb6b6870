//! Where the ends of a ladder's arrows stand: times become heights.
//!
//! The order is exact, distances are not to scale: a pause of any length takes a break. With one capture the
//! other end of each arrow lies half a round trip away, going by the quickest answer in the drawing.

use crate::base::time::{Timestamp, nanos};
use crate::report::model::{
    EvidenceKind, EvidenceSide, FailureRecord, TimelineRecord, VantageRecord,
};
use std::time::Duration;

/// Where the first arrow begins.
const TOP: f64 = 66.0;
/// A pause from here on is a break.
const PAUSE: Duration = Duration::from_millis(150);
const BREAK: f64 = 52.0;
/// The ends of two arrows at one side are never closer: each has a label.
const LEAST: f64 = 25.0;
/// Nor are those at different sides.
const APART: f64 = 6.0;
/// Arrows of one ladder.
const MOST: usize = 14;

/// An arrow, with the heights of its ends.
pub(in crate::render) struct LadderArrow<'r> {
    pub(in crate::render) segment: &'r TimelineRecord,
    /// At the proxy.
    pub(in crate::render) left: f64,
    /// At the backend.
    pub(in crate::render) right: f64,
    pub(in crate::render) left_frame: Option<u64>,
    pub(in crate::render) right_frame: Option<u64>,
    /// When it was captured at the proxy, and at the backend.
    pub(in crate::render) seen: [Option<Timestamp>; 2],
    /// When it was sent, where both ends are measured; else when it was captured.
    pub(in crate::render) known_at: Timestamp,
}

impl LadderArrow<'_> {
    pub(in crate::render) fn by_proxy(&self) -> bool {
        self.segment.side == Some(EvidenceSide::Proxy)
    }

    /// The two were on their way at the same time, in opposite directions.
    pub(in crate::render) fn crosses(&self, other: &Self) -> bool {
        self.by_proxy() != other.by_proxy()
            && self.segment.side.is_some()
            && other.segment.side.is_some()
            && (self.left - other.left) * (self.right - other.right) < 0.0
    }
}

/// A pause, between two heights.
pub(in crate::render) struct LadderBreak {
    pub(in crate::render) from: f64,
    pub(in crate::render) time: Duration,
    pub(in crate::render) of: BreakOf,
}

/// What passes in a pause.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum BreakOf {
    /// The connection is idle.
    Idleness,
    /// A request waits for its response.
    Waiting,
    /// Neither.
    Time,
}

/// A drawing's places.
pub(in crate::render) struct LadderLayout<'r> {
    pub(in crate::render) arrows: Vec<LadderArrow<'r>>,
    pub(in crate::render) breaks: Vec<LadderBreak>,
    pub(in crate::render) bottom: f64,
    /// Both ends of all arrows that have two are measured.
    pub(in crate::render) measured: bool,
    /// Of a single capture: it was taken at the backend.
    pub(in crate::render) at_backend: bool,
}

/// One end of an arrow.
struct ArrowEnd {
    at: u64,
    arrow: usize,
    left: bool,
    arrives: bool,
}

/// The times of both ends of a segment, at the proxy and at the backend.
#[derive(Clone, Copy)]
struct EndTimes {
    left: u64,
    right: u64,
    frames: [Option<u64>; 2],
    seen: [bool; 2],
}

/// Two captures agree on who is where: what a side sends is seen there first.
fn captures_at(segments: &[&TimelineRecord]) -> Option<bool> {
    let both = segments.iter().filter_map(|one| {
        let other = one.other?;
        let first = one.at <= other.at;
        Some(first == (one.side? == EvidenceSide::Proxy))
    });
    let votes: Vec<bool> = both.collect();
    let proxy = votes.first().copied()?;
    votes.iter().all(|vote| *vote == proxy).then_some(proxy)
}

/// Half of the quickest answer: as long as a segment can have been on its way.
fn half_way(segments: &[&TimelineRecord], at_backend: bool) -> u64 {
    let (asker, answerer) = if at_backend {
        (EvidenceSide::Backend, EvidenceSide::Proxy)
    } else {
        (EvidenceSide::Proxy, EvidenceSide::Backend)
    };
    let mut quickest = u64::MAX;
    for (place, answer) in segments.iter().enumerate() {
        if answer.side != Some(answerer) {
            continue;
        }
        let before = segments.iter().take(place).rev();
        let asked = before.filter(|one| one.side == Some(asker)).find(|one| knows(answer, one));
        if let Some(asked) = asked {
            quickest = quickest.min(nanos(answer.at.since(asked.at)));
        }
    }
    if quickest == u64::MAX {
        return 200_000;
    }
    // Whoever answers takes a while to.
    quickest.saturating_mul(9) / 20
}

/// A segment was sent when its sender had received another.
fn knows(later: &TimelineRecord, earlier: &TimelineRecord) -> bool {
    let end = earlier.to.or(earlier.from);
    match (later.kind, later.ack, end) {
        (EvidenceKind::SynAck, _, _) => earlier.kind == EvidenceKind::Syn,
        (_, Some(ack), Some(_)) if earlier.kind == EvidenceKind::Fin => {
            earlier.from.is_some_and(|from| ack > from)
        }
        (_, Some(ack), Some(end)) => ack >= end,
        // A reset without acknowledgement has the number that the segment which it answers acknowledges.
        (EvidenceKind::Rst, None, _) => earlier.ack.is_none() || earlier.ack == later.from,
        (EvidenceKind::Response, None, _) => true,
        _ => false,
    }
}

/// The layout of a failure's ladder; `None` where nothing is known to be drawn.
pub(in crate::render) fn layout(
    failure: &FailureRecord,
    vantage: Option<VantageRecord>,
) -> Option<LadderLayout<'_>> {
    let segments = chosen(failure);
    if segments.is_empty() {
        return None;
    }
    let places = captures_at(&segments);
    let at_backend = vantage.is_some_and(|vantage| vantage.is_at_backend());
    let together = vantage.is_some_and(|vantage| vantage.is_on_one_host());
    let half = if together { 0 } else { half_way(&segments, at_backend) };
    let times: Vec<EndTimes> =
        segments.iter().map(|one| end_times(one, places, at_backend, half)).collect();
    let mut ends = Vec::new();
    for (arrow, (time, one)) in times.iter().zip(&segments).enumerate() {
        let from_left = one.side != Some(EvidenceSide::Backend);
        ends.push(ArrowEnd { at: time.left, arrow, left: true, arrives: !from_left });
        // What neither side sent has one end.
        if one.side.is_some() {
            ends.push(ArrowEnd { at: time.right, arrow, left: false, arrives: from_left });
        }
    }
    ends.sort_by_key(|end| (end.at, !end.arrives, end.arrow));
    let (heights, breaks, bottom) = heights(&ends, segments.len(), failure);
    let arrows =
        segments.iter().zip(&times).zip(heights).map(|((segment, time), [left, right])| {
            let [left_frame, right_frame] = time.frames;
            let by_backend = segment.side == Some(EvidenceSide::Backend);
            let sent = Timestamp::from_nanos(if by_backend { time.right } else { time.left });
            let known_at =
                if segment.other.is_some() && places.is_some() { sent } else { segment.at };
            let right = if segment.side.is_some() { right } else { left };
            let [at_proxy, at_backend] = time.seen;
            let seen = [
                at_proxy.then(|| Timestamp::from_nanos(time.left)),
                at_backend.then(|| Timestamp::from_nanos(time.right)),
            ];
            LadderArrow { segment, left, right, left_frame, right_frame, seen, known_at }
        });
    let measured = places.is_some() && segments.iter().all(|one| one.other.is_some());
    Some(LadderLayout { arrows: arrows.collect(), breaks, bottom, measured, at_backend })
}

/// What passes in a pause that ends then.
fn break_of(failure: &FailureRecord, end: u64) -> BreakOf {
    let begun = failure.at.as_nanos();
    let closed = failure.close.as_ref().map_or(u64::MAX, |close| close.at.as_nanos());
    match failure.request {
        Some(_) if end <= begun.saturating_add(1_000_000) => BreakOf::Idleness,
        Some(_) if end <= closed.saturating_add(1_000_000) => BreakOf::Waiting,
        _ => BreakOf::Time,
    }
}

/// As many segments as there is room for: the last acknowledgements are the first that are left out.
fn chosen(failure: &FailureRecord) -> Vec<&TimelineRecord> {
    let mut segments: Vec<&TimelineRecord> = failure.timeline.iter().collect();
    // What only acknowledges an answer, or a FIN, shows nothing.
    segments.retain(|one| {
        let by_proxy = one.side == Some(EvidenceSide::Proxy);
        one.kind != EvidenceKind::Ack || !by_proxy || failure.ordinal == 0 && one.at <= failure.at
    });
    segments.truncate(MOST);
    segments
}

fn end_times(one: &TimelineRecord, places: Option<bool>, at_backend: bool, half: u64) -> EndTimes {
    let (at, number) = (one.at.as_nanos(), Some(one.frame.number));
    let by_backend = one.side == Some(EvidenceSide::Backend);
    let other = one.other.zip(places);
    if let Some((other, proxy_first)) = other {
        let elsewhere = (other.at.as_nanos(), Some(other.number));
        let ((left, from), (right, to)) =
            if proxy_first { ((at, number), elsewhere) } else { (elsewhere, (at, number)) };
        return EndTimes { left, right, frames: [from, to], seen: [true; 2] };
    }
    let beyond = one.other.map(|other| other.number);
    if at_backend {
        let left = if by_backend { at.saturating_add(half) } else { at.saturating_sub(half) };
        EndTimes { left, right: at, frames: [beyond, number], seen: [false, true] }
    } else {
        let right = if by_backend { at.saturating_sub(half) } else { at.saturating_add(half) };
        EndTimes { left: at, right, frames: [number, beyond], seen: [true, false] }
    }
}

/// Heights of the ends of each arrow, left and right, with the breaks between.
fn heights(
    ends: &[ArrowEnd],
    arrows: usize,
    failure: &FailureRecord,
) -> (Vec<[f64; 2]>, Vec<LadderBreak>, f64) {
    let mut heights = vec![[0.0, 0.0]; arrows];
    let mut breaks = Vec::new();
    let mut last = [TOP - LEAST, TOP - LEAST];
    let mut y = TOP - APART;
    let mut before = ends.first().map_or(0, |end| end.at);
    for end in ends {
        let passed = Duration::from_nanos(end.at.saturating_sub(before));
        if passed >= PAUSE {
            breaks.push(LadderBreak { from: y, time: passed, of: break_of(failure, end.at) });
            y += BREAK;
        } else {
            // A thousand times as long is three steps more.
            y += APART + 7.0 * (1.0 + passed.as_secs_f64() / 1e-4).log10();
        }
        let side = usize::from(!end.left);
        if let Some(last) = last.get_mut(side) {
            y = y.max(*last + LEAST);
            *last = y;
        }
        if let Some(height) = heights.get_mut(end.arrow).and_then(|both| both.get_mut(side)) {
            *height = y;
        }
        before = end.at;
    }
    (heights, breaks, y)
}
