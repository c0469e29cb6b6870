//! When: a row of marks over the span of the captures.

use super::parts::px;
use super::scene::PageScene;
use crate::base::time::Timestamp;
use crate::report::model::OverTime;
use crate::verdict::Cause;
use crate::words::page;
use maud::{Markup, html};
use std::time::Duration;

/// What a time of day takes, with the space beside it.
const TIME: f64 = 62.0;
const MARGIN: f64 = 14.0;
const LINE: f64 = 26.0;

pub(super) fn figure(scene: &PageScene<'_>) -> Markup {
    let row = &scene.report.over_time;
    let (Some(first), Some(last)) = (row.first(), row.last()) else { return html! {} };
    let bucket = row.get(1).map_or(Duration::from_secs(1), |second| second.at.since(first.at));
    let span = last.at.since(first.at).saturating_add(bucket);
    let sum = |value: &dyn Fn(&OverTime) -> u64| {
        row.iter().fold(0_u64, |sum, one| sum.saturating_add(value(one)))
    };
    let failed = sum(&|one| one.failed);
    let requests = sum(&|one| one.exchanges);
    // A connect that failed is no exchange: it counts beside these.
    let connects = failed.saturating_sub(sum(&|one| one.exchanges_failed));
    let open = scene.report.counters.exchanges_open;
    let answered = sum(&|one| well(one)).saturating_sub(open);
    // Failing probes are one failure: what they were over time does not show.
    let of_checks = scene.cause() == Some(Cause::HealthCheckFailing) && scene.causes.len() == 1;
    let text = page::strip_intro([requests, connects], failed, span);
    html! {
        @if requests.max(failed) > 0 && !of_checks {
            div.when-strip {
                h3 { (page::WHEN) }
                p.cap { (text) }
                figure.chart {
                    (drawn(scene, 760.0, "wide", &text))
                    (drawn(scene, 380.0, "narrow", &text))
                    figcaption {
                        @if answered > 0 { span.k.ok {} (page::answered_key(answered)) }
                        @if failed > 0 { span.k.lost.diamond {} (page::lost_key(failed)) }
                    }
                }
            }
        }
    }
}

/// Exchanges that did not fail.
fn well(one: &OverTime) -> u64 {
    one.exchanges.saturating_sub(one.exchanges_failed)
}

fn drawn(scene: &PageScene<'_>, width: f64, class: &str, text: &str) -> Markup {
    let row = &scene.report.over_time;
    let count = row.len().max(1) as f64;
    let step = (width - 2.0 * MARGIN) / count;
    let most = row.iter().map(|one| one.exchanges.max(one.failed)).max().unwrap_or(1).max(1) as f64;
    let radius = |value: u64, least: f64| least + 3.5 * (value as f64 / most).sqrt();
    let x = |place: usize| MARGIN + step * (place as f64 + 0.5);
    let room = if width > 500.0 { 6 } else { 4 };
    let ticks = u32::try_from(row.len().saturating_sub(1)).unwrap_or(room).clamp(1, room);
    html! {
        svg class={"strip " (class)} viewBox=(format!("0 0 {width} 62")) role="img" aria-label=(text) {
            line.base x1=(MARGIN) x2=(width - MARGIN) y1=(LINE) y2=(LINE) {}
            @for (place, one) in row.iter().enumerate() {
                @let fine = well(one);
                @if fine > 0 {
                    circle.tp.ok cx=(px(x(place))) cy=(LINE) r=(px(radius(fine, 1.8))) {}
                }
            }
            @for (place, one) in row.iter().enumerate() {
                @if one.failed > 0 {
                    @let r = radius(one.failed, 3.6);
                    path.tp.lost d=(format!(
                        "M{} {} l{r:.1} {r:.1} l-{r:.1} {r:.1} l-{r:.1} -{r:.1} z",
                        px(x(place)), px(LINE - 5.0 - 2.0 * r)
                    )) {}
                    line.drop x1=(px(x(place))) x2=(px(x(place))) y1=(LINE - 5.0) y2=(LINE) {}
                }
            }
            @for (x, anchor, at) in times(scene, width, ticks) {
                text.ax x=(px(x)) y="54" text-anchor=(anchor) { (at.time_of_day()) }
            }
        }
    }
}

/// The times below the line, with where each stands: first and last at the edges, others where they are between
/// these, and where there is room.
fn times(scene: &PageScene<'_>, width: f64, ticks: u32) -> Vec<(f64, &'static str, Timestamp)> {
    let row = &scene.report.over_time;
    let count = row.len().max(1) as f64;
    let step = (width - 2.0 * MARGIN) / count;
    let Some(first) = row.first() else { return Vec::new() };
    let mut times = vec![(MARGIN, "start", first.at)];
    let last = row.last().filter(|_| row.len() > 1);
    let right = width - MARGIN - if last.is_some() { TIME } else { 0.0 };
    let mut taken = MARGIN + TIME;
    for tick in 1..ticks {
        let place = ((count - 1.0) * f64::from(tick) / f64::from(ticks)).round();
        let at = row.iter().zip(0_u32..).find(|(_, one)| f64::from(*one) >= place);
        let Some((one, _)) = at else { continue };
        let x = MARGIN + step * (place + 0.5);
        if x - TIME / 2.0 >= taken && x + TIME / 2.0 <= right {
            times.push((x, "middle", one.at));
            taken = x + TIME / 2.0;
        }
    }
    times.extend(last.map(|last| (width - MARGIN, "end", last.at)));
    times
}
