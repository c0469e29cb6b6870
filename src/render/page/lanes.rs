//! What came after each request, or SYN: a lane a failure, from its first byte on.

use super::parts::{end, px};
use super::scene::PageScene;
use crate::report::model::{EvidenceKind, EvidenceSide, FailureRecord, RequestRecord};
use crate::verdict::Cause;
use crate::words::failure_section;
use crate::words::page;
use crate::words::phrases::duration;
use maud::{Markup, html};
use std::time::Duration;

/// Lanes of a figure.
const MOST: usize = 10;
const HEIGHT: f64 = 40.0;
const TOP: f64 = 30.0;
const MARGIN: f64 = 14.0;
/// From one mark of a lane to the next, at the least.
const APART: f64 = 12.0;

/// Something that came, and when.
struct LaneMark {
    after: Duration,
    shape: MarkShape,
    says: &'static str,
}

/// Shapes differ, so that colour is never all that tells marks apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MarkShape {
    ProxyClose,
    BackendClose,
    Reset,
    Acknowledged,
    Response,
    Asked,
}

impl MarkShape {
    const fn class(self) -> &'static str {
        match self {
            Self::ProxyClose => "p",
            Self::BackendClose | Self::Acknowledged => "b",
            Self::Reset => "lost",
            Self::Response => "ok",
            Self::Asked => "p ring",
        }
    }
}

/// One failure.
struct FailureLane<'r> {
    failure: &'r FailureRecord,
    marks: Vec<LaneMark>,
    end: Duration,
}

pub(super) fn figure(scene: &PageScene<'_>, cause: Cause) -> Markup {
    let of_cause = scene.report.failures.iter().filter(|one| one.cause == cause);
    let mut all: Vec<FailureLane<'_>> = of_cause.filter_map(lane).collect();
    all.sort_by_key(|lane| lane.failure.at);
    let longest = all.iter().take(MOST).map(|lane| lane.end).max().unwrap_or_default();
    if longest.is_zero() {
        return html! {};
    }
    let [request, after, what] = page::LANE_COLUMNS;
    html! {
        p { (page::lanes_intro(cause)) }
        figure.chart {
            (drawn(scene, &all, longest, 760.0, "wide"))
            (drawn(scene, &all, longest, 380.0, "narrow"))
            figcaption { (legend(&all)) }
        }
        @if all.len() > MOST { p.note { (page::more_lanes(all.len().saturating_sub(MOST))) } }
        details.tbl {
            summary { (page::AS_A_TABLE) }
            table {
                thead { tr { th scope="col" { (request) } th scope="col" { (after) } th scope="col" { (what) } } }
                tbody {
                    @for lane in all.iter().take(MOST) {
                        @for mark in &lane.marks {
                            tr {
                                td.cutoff { (name(lane.failure)) }
                                td { (duration(mark.after)) }
                                td { (mark.says) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn name(failure: &FailureRecord) -> String {
    match &failure.request {
        Some(RequestRecord { method: None, target: None, .. }) => page::UNREAD_REQUEST.to_owned(),
        Some(request) => {
            failure_section::request(request.method.as_deref(), request.target.as_deref())
        }
        None => failure.proxy.map(|one| page::connection_from(&end(one))).unwrap_or_default(),
    }
}

/// What came of a failure; `None` where nothing shows.
fn lane(failure: &FailureRecord) -> Option<FailureLane<'_>> {
    let begun = failure.at;
    let mut marks: Vec<LaneMark> = Vec::new();
    let mut closed = false;
    for one in failure.timeline.iter().filter(|one| one.at > begun) {
        let proxy = one.side == Some(EvidenceSide::Proxy);
        // What acknowledges a close tells nothing more.
        if closed && one.kind == EvidenceKind::Ack {
            continue;
        }
        closed |= matches!(one.kind, EvidenceKind::Fin | EvidenceKind::Rst);
        let (shape, says) = match one.kind {
            EvidenceKind::Fin if proxy => (MarkShape::ProxyClose, page::lane_end(true, false)),
            EvidenceKind::Fin => (MarkShape::BackendClose, page::lane_end(false, false)),
            EvidenceKind::Rst => (MarkShape::Reset, page::lane_end(proxy, true)),
            EvidenceKind::Icmp => (MarkShape::Reset, page::LANE_ICMP),
            EvidenceKind::TlsAlert => (MarkShape::Reset, page::LANE_ALERT),
            EvidenceKind::Ack if !proxy => (MarkShape::Acknowledged, page::LANE_ACK),
            EvidenceKind::Response if !proxy => (MarkShape::Response, page::LANE_RESPONSE),
            EvidenceKind::Syn => (MarkShape::Asked, page::LANE_SYN),
            EvidenceKind::Repeated => (MarkShape::Asked, page::LANE_AGAIN),
            EvidenceKind::Ack
            | EvidenceKind::Response
            | EvidenceKind::SynAck
            | EvidenceKind::Request
            | EvidenceKind::Arp
            | EvidenceKind::ClientHello
            | EvidenceKind::ClientLeft => continue,
        };
        marks.push(LaneMark { after: one.at.since(begun), shape, says });
    }
    marks.sort_by_key(|mark| mark.after);
    let waited = failure.wait_ns.map(Duration::from_nanos).unwrap_or_default();
    let end = marks.iter().map(|mark| mark.after).max().unwrap_or_default().max(waited);
    (!end.is_zero()).then_some(FailureLane { failure, marks, end })
}

fn drawn(
    scene: &PageScene<'_>,
    all: &[FailureLane<'_>],
    longest: Duration,
    width: f64,
    class: &str,
) -> Markup {
    let shown = all.len().min(MOST);
    let base = TOP + HEIGHT * shown as f64;
    // Marks that come together at the end stand beside each other there.
    let beside = all.iter().take(MOST).map(|lane| lane.marks.len()).max().unwrap_or(0).min(4);
    let scale = (width - 2.0 * MARGIN - APART * (1.0 + beside as f64)) / longest.as_secs_f64();
    let x = |time: Duration| MARGIN + time.as_secs_f64() * scale;
    let letters = if width > 500.0 { 84 } else { 38 };
    let ticks = ticks(longest, if width > 500.0 { 6.0 } else { 4.0 });
    let cause = all.first().map_or(Cause::Unproven, |lane| lane.failure.cause);
    // What ends otherwise is not ended by that timer.
    let waits = matches!(cause, Cause::ResponseTimeout | Cause::Stalled);
    let read = scene.proxy_read().filter(|timer| waits && timer.time <= longest.mul_f64(1.05));
    let text = page::lanes_intro(cause);
    html! {
        svg class={"lanes " (class)} viewBox=(format!("0 0 {width} {}", base + 30.0)) role="img" aria-label=(text) {
            @for time in &ticks {
                @let at = px(x(*time)).to_string();
                line.grid x1=(at) x2=(at) y1=(TOP - 8.0) y2=(base + 4.0) {}
                text.ax x=(at) y=(base + 20.0) text-anchor=(if time.is_zero() { "start" } else { "middle" }) { (page::tick(*time)) }
            }
            @if let Some(timer) = read {
                @let at = x(timer.time);
                // Its words have room on one side of it.
                @let (anchor, words) = if at < width / 2.0 { ("start", at + 6.0) } else { ("end", at - 6.0) };
                line.mark.p x1=(px(at)) x2=(px(at)) y1=(TOP - 14.0) y2=(base) {}
                text.mk.p x=(px(words)) y=(TOP - 16.0) text-anchor=(anchor) { (page::read_timeout(timer.time)) }
            }
            @for (place, lane) in all.iter().take(MOST).enumerate() {
                @let y = TOP + HEIGHT * place as f64;
                @let line = y + 26.0;
                text.lane x=(MARGIN) y=(px(y + 13.0)) {
                    tspan.tm { (lane.failure.at.time_of_day()) }
                    " " (clipped(&name(lane.failure), letters))
                }
                line.wait x1=(MARGIN) x2=(px(x(lane.end))) y1=(px(line)) y2=(px(line)) {}
                circle.dot.req cx=(MARGIN) cy=(px(line)) r="3.5" {}
                @for (mark, at) in lane.marks.iter().zip(places(&lane.marks, &x)) { (shape(mark, at, line)) }
            }
        }
    }
}

/// Where the marks of a lane stand: where they belong, but none hides the one before it.
fn places(marks: &[LaneMark], x: &impl Fn(Duration) -> f64) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::new();
    for mark in marks {
        let least = places.last().map_or(f64::MIN, |last| last + APART);
        places.push(x(mark.after).max(least));
    }
    places
}

/// Of a text as much as there is room for.
fn clipped(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(letters.saturating_sub(1)).collect();
    shown.push('…');
    shown
}

fn shape(mark: &LaneMark, x: f64, y: f64) -> Markup {
    let class = format!(
        "mark-{} {}",
        if mark.shape == MarkShape::Reset { "x" } else { "s" },
        mark.shape.class()
    );
    let (left, top) = (px(x - 5.0), px(y - 5.0));
    html! {
        g class=(class) {
            @if !mark.after.is_zero() { title { (mark.says) " · " (duration(mark.after)) } }
            @match mark.shape {
                MarkShape::ProxyClose | MarkShape::BackendClose => {
                    rect x=(left) y=(top) width="10" height="10" rx="2" {}
                },
                MarkShape::Reset => {
                    path d=(format!("M{left} {top} l10 10 m0 -10 l-10 10")) {}
                },
                MarkShape::Acknowledged => {
                    path d=(format!("M{} {} v12", px(x), px(y - 6.0))) {}
                },
                MarkShape::Response => { circle cx=(px(x)) cy=(px(y)) r="5" {} },
                MarkShape::Asked => { circle cx=(px(x)) cy=(px(y)) r="4" {} },
            }
        }
    }
}

/// What the shapes are, those that are there.
fn legend(all: &[FailureLane<'_>]) -> Markup {
    let mut said: Vec<(&'static str, MarkShape)> = Vec::new();
    for mark in all.iter().take(MOST).flat_map(|lane| &lane.marks) {
        if !said.iter().any(|(says, _)| *says == mark.says) {
            said.push((mark.says, mark.shape));
        }
    }
    html! {
        @for (says, one) in said {
            span.key {
                svg.keyshape viewBox="0 0 14 14" aria-hidden="true" {
                    (shape(&LaneMark { after: Duration::ZERO, shape: one, says }, 7.0, 7.0))
                }
                (says)
            }
        }
    }
}

/// Round times of the axis.
fn ticks(longest: Duration, room: f64) -> Vec<Duration> {
    let rough = longest.as_secs_f64() / room;
    let power = 10_f64.powf(rough.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let step = factors.iter().map(|factor| factor * power).find(|step| *step >= rough);
    let step = Duration::from_secs_f64(step.unwrap_or(power * 10.0));
    (0..=20).map(|place| step.saturating_mul(place)).take_while(|time| *time <= longest).collect()
}
