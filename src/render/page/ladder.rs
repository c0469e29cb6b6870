//! A failure as a ladder: time goes down, the proxy is left, the backend right.

use super::ladder_layout::{BreakOf, LadderArrow, LadderLayout};
use super::parts::{end, px};
use super::segments::{acks, is_bad, is_close, is_lost, is_window_closed};
use super::steps::LadderStep;
use crate::report::model::{EvidenceKind, FailureRecord};
use crate::words::ladder as ladder_words;
use crate::words::page::{self, SideNames};
use crate::words::phrases::duration;
use maud::{Markup, html};
use std::time::Duration;

const LEFT: f64 = 96.0;
const RIGHT: f64 = 324.0;
const WIDTH: f64 = 420.0;
const MIDDLE: f64 = 210.0;
/// How far the ring around a crossing reaches.
const RING: f64 = 12.0;
/// What a letter of a label takes, its height over the line and its depth.
const LETTER: f64 = 7.0;
const ASCENT: f64 = 10.0;
const DESCENT: f64 = 3.0;
/// Letters of a label beside the middle.
const BESIDE: usize = 27;
/// How far an arrow that arrives nowhere falls.
const LOST: f64 = 16.0;

/// The heads of arrows, defined once for all.
pub(super) fn heads() -> Markup {
    html! {
        svg.defs width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                @for class in ["quiet", "req", "fin", "rst", "ok"] {
                    marker id=(format!("h-{class}")) viewBox="0 0 8 8" refX="6.6" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" {
                        path class={"head " (class)} d="M0 .7 L7.3 4 L0 7.3 z" {}
                    }
                }
            }
        }
    }
}

/// What a ladder is drawn of.
pub(super) struct LadderScene<'r> {
    pub(super) failure: &'r FailureRecord,
    pub(super) names: &'r SideNames,
    pub(super) layout: &'r LadderLayout<'r>,
    pub(super) steps: &'r [LadderStep],
    /// What no other drawing of the page is called.
    pub(super) id: String,
}

pub(super) fn drawn(scene: &LadderScene<'_>) -> Markup {
    let LadderScene { failure, names, layout, steps, id } = scene;
    let again = failure.sent_again.as_ref();
    let bottom = layout.bottom + 18.0;
    let height = bottom + if again.is_some() { 74.0 } else { 8.0 };
    let [proxy, backend] =
        [failure.proxy, failure.backend].map(|one| one.map(end).unwrap_or_default());
    let said: Vec<String> = steps.iter().map(|step| step.plain()).collect();
    html! {
        svg.ladder viewBox=(format!("0 0 {WIDTH} {height:.0}")) role="img" aria-labelledby=(format!("{id}-t {id}-d")) {
            title id=(format!("{id}-t")) { (ladder_words::ladder_title(&proxy, &backend)) }
            desc id=(format!("{id}-d")) { (said.join(" ")) }
            (side(LEFT, "p", names.short_proxy(), &proxy))
            (side(RIGHT, "b", names.short_backend(), &backend))
            @if layout.arrows.iter().any(|arrow| arrow.left_frame.is_some()) {
                text.sub x=(LEFT - 14.0) y="50" text-anchor="end" { (page::FRAME) }
            }
            @if layout.arrows.iter().any(|arrow| arrow.right_frame.is_some()) {
                text.sub x=(RIGHT + 14.0) y="50" { (page::FRAME) }
            }
            (lifelines(layout, height - 8.0))
            @for arrow in &layout.arrows { (self::arrow(scene, arrow)) }
            (rings(layout))
            @for (number, step) in (1_usize..).zip(steps.iter()) {
                @if let Some((x, y)) = step.place(layout, LEFT, RIGHT) { (badge(number, step.class, x, y)) }
            }
            @if let Some(again) = again {
                (sent_again(bottom, Duration::from_nanos(again.after_ns), again.status, again.frame.number))
            }
        }
    }
}

fn side(x: f64, class: &str, name: &str, address: &str) -> Markup {
    html! {
        text class={"role " (class)} x=(x) y="16" text-anchor="middle" { (page::capital(name)) }
        text.sub x=(x) y="31" text-anchor="middle" { (address) }
    }
}

/// The two sides through time, with the pauses.
fn lifelines(layout: &LadderLayout<'_>, bottom: f64) -> Markup {
    let mut from = 40.0;
    let mut stretches = Vec::new();
    for one in &layout.breaks {
        stretches.push((from, one.from + 12.0));
        from = one.from + 40.0;
    }
    stretches.push((from, bottom));
    html! {
        @for x in [LEFT, RIGHT] {
            @for (from, to) in &stretches { line.life x1=(x) x2=(x) y1=(px(*from)) y2=(px(*to)) {} }
            @for one in &layout.breaks {
                path.zig d=(format!("M{x} {:.1} l-5 4 l10 5 l-10 5 l10 5 l-5 4 v5", one.from + 12.0)) {}
            }
        }
        @for one in &layout.breaks {
            text.idle x=(MIDDLE) y=(px(one.from + 30.0)) text-anchor="middle" {
                (match one.of {
                    BreakOf::Idleness => ladder_words::idle_label(one.time),
                    BreakOf::Waiting => ladder_words::waiting_label(one.time),
                    BreakOf::Time => ladder_words::passing_label(one.time),
                })
            }
        }
    }
}

/// What kind of line a segment has.
fn class_of(failure: &FailureRecord, arrow: &LadderArrow<'_>) -> &'static str {
    let early = arrow.segment.at < failure.at;
    match arrow.segment.kind {
        EvidenceKind::Request | EvidenceKind::Repeated if arrow.by_proxy() => "req",
        EvidenceKind::Syn if failure.request.is_none() => "req",
        EvidenceKind::ClientHello => "req",
        EvidenceKind::TlsAlert => "rst",
        EvidenceKind::Fin if is_close(failure, arrow) => {
            if arrow.by_proxy() {
                "req"
            } else {
                "fin"
            }
        }
        EvidenceKind::Rst | EvidenceKind::Icmp => "rst",
        EvidenceKind::Response if !early && is_bad(failure) => "rst",
        EvidenceKind::Response if !early => "ok",
        _ => "quiet",
    }
}

fn arrow(scene: &LadderScene<'_>, arrow: &LadderArrow<'_>) -> Markup {
    let LadderScene { failure, layout, .. } = scene;
    let class = class_of(failure, arrow);
    let label = label(failure, arrow);
    if arrow.segment.side.is_none() {
        return html! {
            line class={"ar " (class)} x1=(MIDDLE) x2=(LEFT + 3.0) y1=(px(arrow.left)) y2=(px(arrow.left)) marker-end=(format!("url(#h-{class})")) {}
            path class={"dot " (class)} d=(format!("M{MIDDLE} {:.1} l5 5 l-5 5 l-5 -5 z", arrow.left - 5.0)) {}
            (beside(&label, class, arrow.left))
            (frame(arrow.left_frame, LEFT - 14.0, arrow.left, "end", is_proof(failure, arrow)))
        };
    }
    let ((x1, y1), (mut x2, mut y2)) = if arrow.by_proxy() {
        ((LEFT, arrow.left), (RIGHT - 3.0, arrow.right))
    } else {
        ((RIGHT, arrow.right), (LEFT + 3.0, arrow.left))
    };
    let lost = is_lost(failure, arrow, &layout.arrows);
    if lost {
        // Where what arrives is the same sent again, much later, the end has nothing to do with this one.
        (x2, y2) = (x1 + (x2 - x1) * 0.66, y1 + (y2 - y1).min(LOST) * 0.66);
    }
    let LabelPlace { part, below } = label_place(arrow, &layout.arrows, lost, &label);
    let (x, y) = (x1 + (x2 - x1) * part, y1 + (y2 - y1) * part);
    let turn = ((y2 - y1) / (x2 - x1)).atan().to_degrees();
    let hot = is_proof(failure, arrow);
    html! {
        line class={"ar " (class)} x1=(px(x1)) y1=(px(y1)) x2=(px(x2)) y2=(px(y2)) marker-end=(format!("url(#h-{class})")) {}
        circle class={"dot " (class)} cx=(px(x1)) cy=(px(y1)) r="3" {}
        @if lost {
            path.gone d=(format!("M{:.1} {:.1} l9 9 m0 -9 l-9 9", x2 + 4.0, y2 - 4.0)) {}
        }
        text class={"lab " (class)} transform=(format!("translate({x:.1} {y:.1}) rotate({turn:.1})")) y=(px(below)) text-anchor="middle" { (label) }
        (frame(arrow.left_frame, LEFT - 14.0, arrow.left, "end", hot))
        (frame(arrow.right_frame.filter(|_| !lost), RIGHT + 14.0, arrow.right, "start", hot))
    }
}

/// A label beside a mark in the middle, in as many lines as it takes.
fn beside(label: &str, class: &str, y: f64) -> Markup {
    let mut lines: Vec<String> = Vec::new();
    for word in label.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().chain(word.chars()).count() < BESIDE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let top = y + 4.0 - 7.0 * lines.len().saturating_sub(1) as f64;
    html! {
        @for (place, line) in lines.iter().enumerate() {
            text class={"lab " (class)} x=(MIDDLE + 10.0) y=(px(top + 14.0 * place as f64)) { (line) }
        }
    }
}

/// Where a label stands.
struct LabelPlace {
    /// Which part of the arrow lies before its middle.
    part: f64,
    /// How far below the arrow its letters stand.
    below: f64,
}

/// Where along an arrow its label stands, and how far from it: where two cross, on the longer piece, on the
/// outer side, and clear of the ring.
fn label_place(
    arrow: &LadderArrow<'_>,
    all: &[LadderArrow<'_>],
    lost: bool,
    label: &str,
) -> LabelPlace {
    const ABOVE: f64 = -6.0;
    const BELOW: f64 = 15.0;
    if lost {
        return LabelPlace { part: 0.42, below: ABOVE };
    }
    let Some(other) = all.iter().find(|other| other.crosses(arrow)) else {
        return LabelPlace { part: 0.5, below: ABOVE };
    };
    let (left, right) = (arrow.left - other.left, arrow.right - other.right);
    let from_left = left / (left - right);
    let crossing = if arrow.by_proxy() { from_left } else { 1.0 - from_left };
    let whole = (RIGHT - LEFT - 3.0).hypot(arrow.right - arrow.left);
    let piece = whole * crossing.max(1.0 - crossing);
    let wide = LETTER * label.chars().count() as f64;
    // In the middle of what the ring leaves, but never over the end.
    let middle = ((piece - RING) / 2.0).max(wide / 2.0 + 2.0);
    let near = piece - middle - wide / 2.0;
    let clear = RING + 2.0;
    let more = if near < clear { (clear.powi(2) - near.max(0.0).powi(2)).sqrt() } else { 0.0 };
    if crossing < 0.5 {
        LabelPlace { part: 1.0 - middle / whole, below: BELOW.max(more + ASCENT) }
    } else {
        LabelPlace { part: middle / whole, below: ABOVE.min(-more - DESCENT) }
    }
}

/// A frame's number, beside its end.
fn frame(number: Option<u64>, x: f64, y: f64, anchor: &str, hot: bool) -> Markup {
    html! {
        @if let Some(number) = number {
            text.fn.hot[hot] x=(px(x)) y=(px(y + 4.0)) text-anchor=(anchor) { (number) }
        }
    }
}

/// The frame is one of those that prove it.
fn is_proof(failure: &FailureRecord, arrow: &LadderArrow<'_>) -> bool {
    let own = arrow.segment.frame;
    let named = failure.frames.iter().skip(usize::from(failure.ordinal > 0));
    let mut named = named.filter(|one| {
        matches!(one.kind, EvidenceKind::Request | EvidenceKind::Syn | EvidenceKind::Icmp)
            || is_close(failure, arrow)
            || one.kind == EvidenceKind::Rst
    });
    named.any(|one| (one.capture, one.number) == (own.capture, own.number))
}

/// Where a request and a close cross.
pub(in crate::render) fn crossings(layout: &LadderLayout<'_>) -> Vec<(f64, f64)> {
    let mut rings = Vec::new();
    for (place, one) in layout.arrows.iter().enumerate() {
        let is_request = |arrow: &LadderArrow<'_>| arrow.segment.kind == EvidenceKind::Request;
        let closes = |arrow: &LadderArrow<'_>| {
            matches!(arrow.segment.kind, EvidenceKind::Fin | EvidenceKind::Rst)
        };
        for other in layout.arrows.iter().skip(place.saturating_add(1)) {
            if one.crosses(other)
                && (is_request(one) && closes(other) || closes(one) && is_request(other))
            {
                let (from, to) = (one.left - other.left, one.right - other.right);
                let part = from / (from - to);
                rings
                    .push((LEFT + (RIGHT - LEFT) * part, one.left + (one.right - one.left) * part));
            }
        }
    }
    rings
}

fn rings(layout: &LadderLayout<'_>) -> Markup {
    html! {
        @for (x, y) in crossings(layout).into_iter().take(1) {
            circle.cross cx=(px(x)) cy=(px(y)) r="11" {}
        }
    }
}

/// What a segment is called.
pub(in crate::render) fn label(failure: &FailureRecord, arrow: &LadderArrow<'_>) -> String {
    let segment = arrow.segment;
    let length = segment
        .from
        .zip(segment.to)
        .and_then(|(from, to)| u64::try_from(to.saturating_sub(from)).ok());
    let request = failure.request.as_ref();
    let status = failure.response.and_then(|response| response.status);
    match segment.kind {
        EvidenceKind::Syn => {
            let first = failure.timeline.iter().find(|one| one.kind == EvidenceKind::Syn);
            let again = first.is_some_and(|first| first.frame.number != segment.frame.number);
            if again { ladder_words::SYN_AGAIN } else { ladder_words::SYN }.to_owned()
        }
        EvidenceKind::SynAck => ladder_words::SYN_ACK.to_owned(),
        EvidenceKind::Request => {
            let method = request.and_then(|request| request.method.as_deref());
            ladder_words::with_length(method.unwrap_or(ladder_words::REQUEST), length)
        }
        EvidenceKind::Response => {
            let status =
                status.filter(|_| segment.at >= failure.at).map(|status| status.to_string());
            ladder_words::with_length(status.as_deref().unwrap_or(ladder_words::RESPONSE), length)
        }
        EvidenceKind::Repeated => ladder_words::AGAIN.to_owned(),
        EvidenceKind::Ack
            if !arrow.by_proxy() && segment.at > failure.at && is_window_closed(failure) =>
        {
            ladder_words::WINDOW_0.to_owned()
        }
        EvidenceKind::Ack => match acks(failure, arrow) {
            Some((got, whole)) => ladder_words::acks_of(ladder_words::ACK, got, whole),
            None => ladder_words::ACK.to_owned(),
        },
        EvidenceKind::Fin | EvidenceKind::Rst => {
            let name = if segment.kind == EvidenceKind::Fin {
                ladder_words::FIN
            } else {
                ladder_words::RST
            };
            match acks(failure, arrow).filter(|_| is_close(failure, arrow)) {
                Some((got, whole)) => ladder_words::acks_of(name, got, whole),
                None => name.to_owned(),
            }
        }
        EvidenceKind::Icmp => {
            let meaning = failure.detail.get("icmp_meaning").and_then(|meaning| meaning.as_str());
            meaning.map_or_else(|| page::LANE_ICMP.to_owned(), |meaning| format!("ICMP: {meaning}"))
        }
        EvidenceKind::Arp => ladder_words::WHO_HAS.to_owned(),
        EvidenceKind::ClientLeft => String::new(),
        EvidenceKind::ClientHello => ladder_words::CLIENT_HELLO.to_owned(),
        EvidenceKind::TlsAlert => ladder_words::TLS_ALERT.to_owned(),
    }
}

/// The number of a step, beside the arrow that it tells of.
fn badge(number: usize, class: &str, x: f64, y: f64) -> Markup {
    html! {
        g class={"badge " (class)} {
            circle cx=(px(x)) cy=(px(y)) r="8.5" {}
            text x=(px(x)) y=(px(y + 4.0)) text-anchor="middle" { (number) }
        }
    }
}

fn sent_again(top: f64, after: Duration, status: Option<u16>, frame_number: u64) -> Markup {
    let (first, second) = (top + 14.0, top + 46.0);
    let got = status.map(|status| status.to_string());
    let label = ladder_words::sent_again_arrow(&duration(after));
    let well = status.is_some_and(|status| status < 500);
    let class = if well { "ok" } else { "rst" };
    let head = format!("url(#h-{class})");
    html! {
        line class={"again " (class)} x1=(LEFT) x2=(RIGHT - 3.0) y1=(px(first)) y2=(px(first + 10.0)) marker-end=(head) {}
        text class={"lab " (class)} x=(MIDDLE) y=(px(first - 2.0)) text-anchor="middle" { (label) }
        (frame(Some(frame_number), LEFT - 14.0, first, "end", false))
        @if let Some(got) = got {
            line class={"again " (class)} x1=(RIGHT) x2=(LEFT + 3.0) y1=(px(second)) y2=(px(second + 10.0)) marker-end=(head) {}
            text class={"lab " (class)} x=(MIDDLE) y=(px(second - 1.0)) text-anchor="middle" { (got) }
        }
    }
}
