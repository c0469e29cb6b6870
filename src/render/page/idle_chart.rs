//! The histogram of idle times, with both timers and the span between them.

use super::hero::is_of_idleness;
use super::parts::px;
use super::scene::{KnownTimer, PageScene};
use crate::report::Report;
use crate::report::model::{BackendRecord, IdleBucket};
use crate::words::page;
use crate::words::phrases::grouped;
use maud::{Markup, html};
use std::time::Duration;

const TOP: f64 = 78.0;
const BASE: f64 = 226.0;
const MARGIN: f64 = 16.0;
/// Lost requests that lie closer than this are one bar.
const BIN: f64 = 10.0;
/// The span between the timers has room for its name from here on.
const NAMED: f64 = 104.0;

/// What the figure shows.
struct IdleChart {
    buckets: Vec<IdleBucket>,
    /// Idle times of requests that were lost, in seconds.
    lost: Vec<f64>,
    keepalive: Option<KnownTimer>,
    proxy_idle: Option<KnownTimer>,
    backend: String,
    proxy: String,
}

/// Answered reuses between two idle times, in seconds.
struct ChartPiece {
    from: f64,
    to: f64,
    answered: u64,
}

/// A logarithmic axis of time.
struct TimeAxis {
    low: f64,
    high: f64,
    width: f64,
}

impl TimeAxis {
    fn x(&self, seconds: f64) -> f64 {
        let part = (seconds.max(self.low).ln() - self.low.ln()) / (self.high.ln() - self.low.ln());
        MARGIN + part.clamp(0.0, 1.0) * (self.width - 2.0 * MARGIN)
    }

    /// Round values of the axis, few enough to be read.
    fn ticks(&self) -> Vec<Duration> {
        let decades = (self.high / self.low).log10();
        let factors: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 3.0] };
        let room: usize = if self.width > 500.0 { 12 } else { 6 };
        let mut ticks = Vec::new();
        for power in -6..=5 {
            for factor in factors {
                let seconds = factor * 10_f64.powi(power);
                if seconds >= self.low * 0.999 && seconds <= self.high * 1.001 {
                    ticks.push(Duration::from_secs_f64(seconds));
                }
            }
        }
        let step = ticks.len().div_ceil(room).max(1);
        ticks.into_iter().step_by(step).collect()
    }
}

fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}

pub(super) fn figure(scene: &PageScene<'_>) -> Markup {
    let Some(backend) = scene.backend else { return html! {} };
    let lost = scene.report.failures.iter().filter(|one| {
        one.backend == Some(backend.backend) && one.ordinal > 0 && is_of_idleness(one.cause)
    });
    let names = scene.names();
    let chart = IdleChart {
        buckets: answered(scene.report, backend),
        lost: lost.filter_map(|one| one.idle_gap_ns).map(seconds).collect(),
        keepalive: scene.keepalive(),
        proxy_idle: scene.proxy_idle(),
        backend: names.backend,
        proxy: names.proxy,
    };
    let (answered, lost) = chart.sums();
    if answered == 0 && lost == 0 {
        return html! {};
    }
    let drawings = [(760.0, "wide"), (380.0, "narrow")];
    html! {
        p { (page::IDLE_INTRO) @if chart.keepalive.is_some() { " " (page::IDLE_SPAN) } }
        figure.chart {
            @for (width, class) in drawings { (chart.drawn(width, class)) }
            figcaption {
                span.k.ok {} (page::answered_key(answered))
                @if lost > 0 { span.k.lost {} (page::lost_key(lost)) }
                @for (_, class) in drawings.into_iter().filter(|(width, _)| chart.is_zone_unnamed(*width)) {
                    span class={"key " (class)} { span.k.span {} " " (page::DANGER[0]) " " (page::DANGER[1]) }
                }
                span.sp {}
                (page::LOGARITHMIC)
            }
        }
        (chart.table())
    }
}

/// The buckets, without the reuses that failed otherwise than by a close: no bar is theirs.
fn answered(report: &Report, backend: &BackendRecord) -> Vec<IdleBucket> {
    let mut buckets = backend.idle.buckets.clone();
    let others = report.failures.iter().filter(|one| {
        one.backend == Some(backend.backend) && one.ordinal > 0 && !is_of_idleness(one.cause)
    });
    for idle in others.filter_map(|one| one.idle_gap_ns) {
        let within = |one: &&mut IdleBucket| {
            one.from_ns <= idle && one.to_ns.is_none_or(|to_ns| idle < to_ns)
        };
        if let Some(bucket) = buckets.iter_mut().find(within) {
            bucket.answered = bucket.answered.saturating_sub(1);
            bucket.answered_late = bucket.answered_late.min(bucket.answered);
        }
    }
    buckets
}

impl IdleChart {
    fn sums(&self) -> (u64, u64) {
        let sum = |value: &dyn Fn(&IdleBucket) -> u64| {
            self.buckets.iter().fold(0_u64, |sum, one| sum.saturating_add(value(one)))
        };
        let lost = sum(&|one| one.lost).max(self.lost.len() as u64);
        (sum(&|one| one.answered), lost)
    }

    fn axis(&self, width: f64) -> TimeAxis {
        let timers = [self.keepalive, self.proxy_idle];
        let timers = timers.into_iter().flatten().map(|timer| timer.time.as_secs_f64());
        let used = self.buckets.iter().filter(|one| one.reused() > 0);
        let from = used.clone().map(|one| seconds(one.from_ns.max(one.to_ns.unwrap_or(0) / 4)));
        let to = used.map(|one| seconds(one.to_ns.unwrap_or(one.from_ns.saturating_mul(2))));
        let all = || from.clone().chain(to.clone()).chain(timers.clone()).chain(self.lost.clone());
        let low = all().fold(f64::INFINITY, f64::min).max(1e-4);
        let high = all().fold(0.0, f64::max).max(low * 10.0);
        TimeAxis { low: low * 0.8, high: high * 1.6, width }
    }

    /// Where the bar of a piece stands: in its middle, but clear of the timer and of the lost requests beside it.
    fn middle(&self, axis: &TimeAxis, (from, to): (f64, f64)) -> f64 {
        let middle = f64::midpoint(from, to);
        match self.keepalive.map(|timer| axis.x(timer.time.as_secs_f64())) {
            Some(timer) if to <= timer && timer - middle < BIN * 2.0 => timer - BIN * 2.0,
            Some(timer) if from >= timer && middle - timer < BIN => timer + BIN,
            _ => middle,
        }
    }

    /// The answered reuses of a range: where a timer lies in it, those before that one stand before it, and the
    /// others behind.
    fn pieces(&self, bucket: &IdleBucket) -> Vec<ChartPiece> {
        let from = seconds(bucket.from_ns.max(bucket.to_ns.unwrap_or(0) / 4));
        let mut to = seconds(bucket.to_ns.unwrap_or(bucket.from_ns.saturating_mul(2)));
        let at = |timer: Option<KnownTimer>| timer.map(|timer| timer.time.as_secs_f64());
        // No proxy uses what it has closed, if the timeout was seen.
        let seen = self.proxy_idle.filter(|timer| timer.seen.is_some());
        if let Some(idle) = at(seen).filter(|idle| from < *idle && *idle < to) {
            to = idle;
        }
        let IdleBucket { answered, answered_late: late, .. } = *bucket;
        let mut pieces = Vec::new();
        if let Some(timer) = at(self.keepalive).filter(|timer| from < *timer && *timer < to) {
            pieces.push(ChartPiece { from, to: timer, answered: answered.saturating_sub(late) });
            pieces.push(ChartPiece { from: timer, to, answered: late });
        } else {
            pieces.push(ChartPiece { from, to, answered });
        }
        pieces.retain(|one| one.answered > 0);
        pieces
    }

    fn described(&self) -> String {
        let (answered, lost) = self.sums();
        let time = |timer: Option<KnownTimer>| timer.map(|timer| timer.time);
        page::histogram_described(answered, lost, time(self.keepalive), time(self.proxy_idle))
    }

    /// Lost requests by their place at the axis.
    fn bins(&self, axis: &TimeAxis) -> Vec<(f64, u64)> {
        let mut places: Vec<f64> = self.lost.iter().map(|idle| axis.x(*idle)).collect();
        places.sort_by(f64::total_cmp);
        let mut bins: Vec<(f64, u64)> = Vec::new();
        for x in places {
            match bins.last_mut() {
                Some((first, count)) if x - *first < BIN => *count = count.saturating_add(1),
                _ => bins.push((x, 1)),
            }
        }
        bins
    }

    fn drawn(&self, width: f64, class: &str) -> Markup {
        let axis = self.axis(width);
        let bins = self.bins(&axis);
        let answered = self.buckets.iter().map(|one| one.answered);
        let most = answered.chain(bins.iter().map(|(_, count)| *count)).max().unwrap_or(1).max(1);
        let height = |count: u64| {
            let part = (1.0 + count as f64).ln() / (1.0 + most as f64).ln();
            (BASE - TOP - 34.0) * part
        };
        // Without a timer of the proxy there is no line for its label.
        let top = match (self.proxy_idle, self.keepalive) {
            (Some(_), _) => 0.0,
            (None, Some(_)) => 34.0,
            (None, None) => 84.0,
        };
        html! {
            svg class={"hist " (class)} viewBox=(format!("0 {top} {width} {}", 250.0 - top)) role="img" aria-label=(self.described()) {
                (self.zone(&axis))
                @for tick in axis.ticks() {
                    @let place = axis.x(tick.as_secs_f64());
                    @let x = px(place).to_string();
                    // At the edge a label is pushed in.
                    @let words = place.clamp(24.0, width - 24.0);
                    line.grid x1=(x) x2=(x) y1=(BASE) y2=(BASE + 5.0) {}
                    text.ax x=(px(words)) y=(BASE + 19.0) text-anchor="middle" { (page::tick(tick)) }
                }
                @for one in self.buckets.iter().flat_map(|one| self.pieces(one)) {
                    @let (from, to) = (axis.x(one.from), axis.x(one.to));
                    @let high = height(one.answered);
                    @let wide = (to - from - 3.0).clamp(6.0, 30.0);
                    @let middle = self.middle(&axis, (from, to));
                    rect.bar.ok x=(px(middle - wide / 2.0)) y=(px(BASE - high)) width=(px(wide)) height=(px(high)) rx="2" {}
                    text.cnt x=(px(middle)) y=(px(BASE - high - 6.0)) text-anchor="middle" { (grouped(one.answered)) }
                }
                @for (place, count) in &bins {
                    @let x = beside(*place, self.keepalive.map(|timer| axis.x(timer.time.as_secs_f64())));
                    @let high = height(*count);
                    rect.bar.lost x=(px(x - 4.0)) y=(px(BASE - high)) width="8" height=(px(high)) rx="2" {}
                    @if bins.len() <= 12 {
                        text.cnt.lost x=(px(x)) y=(px(BASE - high - 6.0)) text-anchor="middle" { (grouped(*count)) }
                    }
                }
                line.base x1=(MARGIN) x2=(width - MARGIN) y1=(BASE) y2=(BASE) {}
                @if let Some(timer) = self.keepalive { (mark(&axis, timer, &self.backend, "b", 50.0)) }
                @if let Some(timer) = self.proxy_idle { (mark(&axis, timer, &self.proxy, "p", 14.0)) }
            }
        }
    }

    /// Where the span between the timers begins and ends, or goes on where the proxy's is not known; none where there
    /// is none to be seen.
    fn span(&self, axis: &TimeAxis) -> Option<(f64, f64)> {
        let from = axis.x(self.keepalive?.time.as_secs_f64());
        let to = match self.proxy_idle {
            Some(idle) => axis.x(idle.time.as_secs_f64()),
            None => axis.width - MARGIN,
        };
        (to - from >= 6.0).then_some((from, to))
    }

    /// Whether the span has no room for its name.
    fn is_zone_unnamed(&self, width: f64) -> bool {
        self.span(&self.axis(width)).is_some_and(|(from, to)| to - from <= NAMED)
    }

    /// The span between the timers, with its name.
    fn zone(&self, axis: &TimeAxis) -> Markup {
        let Some((from, to)) = self.span(axis) else { return html! {} };
        let [first, second] = page::DANGER;
        let middle = f64::midpoint(from, to);
        html! {
            rect.zone x=(px(from)) y=(TOP) width=(px(to - from)) height=(BASE - TOP) {}
            line.edge x1=(px(from)) x2=(px(to)) y1=(TOP) y2=(TOP) {}
            @if to - from > 190.0 {
                text.zt x=(px(middle)) y=(TOP + 20.0) text-anchor="middle" { (first) " " (second) }
            } @else if to - from > NAMED {
                text.zt x=(px(middle)) y=(TOP + 18.0) text-anchor="middle" { (first) }
                text.zt x=(px(middle)) y=(TOP + 33.0) text-anchor="middle" { (second) }
            }
        }
    }

    fn table(&self) -> Markup {
        let [idle, answered, lost] = page::IDLE_COLUMNS;
        html! {
            details.tbl {
                summary { (page::AS_A_TABLE) }
                table {
                    thead { tr { th scope="col" { (idle) } th scope="col" { (answered) } th scope="col" { (lost) } } }
                    tbody {
                        @for one in self.buckets.iter().filter(|one| one.reused() > 0) {
                            @let to = one.to_ns.map(Duration::from_nanos);
                            tr {
                                td { (page::range(Duration::from_nanos(one.from_ns), to)) }
                                td { (grouped(one.answered)) }
                                td { (grouped(one.lost)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The place of a bar that would hide the line of a timer: beside it.
fn beside(x: f64, timer: Option<f64>) -> f64 {
    match timer {
        Some(timer) if (x - timer).abs() < 8.0 => timer - 8.0,
        _ => x,
    }
}

/// A timer, with whose it is and how it is known.
fn mark(axis: &TimeAxis, timer: KnownTimer, name: &str, class: &str, y: f64) -> Markup {
    let x = axis.x(timer.time.as_secs_f64());
    let (anchor, text_x) =
        if x > axis.width * 0.55 { ("end", x - 8.0) } else { ("start", x + 8.0) };
    html! {
        line class={"mark " (class)} x1=(px(x)) x2=(px(x)) y1=(px(y - 10.0)) y2=(BASE) {}
        text class={"mk " (class)} x=(px(text_x)) y=(px(y)) text-anchor=(anchor) { (page::closes_at(name)) }
        text.mk2 x=(px(text_x)) y=(px(y + 15.0)) text-anchor=(anchor) { (page::timer(timer.time, timer.seen)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is drawn of a range from 5 s to 10 s with nine answered, of which some outlived a timer of 6 s.
    fn pieces(late: u64, proxy_idle: Option<u64>) -> Vec<(f64, f64, u64)> {
        let timer = |of: u64| KnownTimer { time: Duration::from_secs(of), seen: Some(3) };
        let chart = IdleChart {
            buckets: Vec::new(),
            lost: Vec::new(),
            keepalive: Some(timer(6)),
            proxy_idle: proxy_idle.map(timer),
            backend: String::new(),
            proxy: String::new(),
        };
        let bucket = IdleBucket {
            from_ns: 5_000_000_000,
            to_ns: Some(10_000_000_000),
            answered: 9,
            answered_late: late,
            lost: 0,
            closed_by_backend: 0,
            closed_by_proxy: 0,
        };
        chart.pieces(&bucket).iter().map(|one| (one.from, one.to, one.answered)).collect()
    }

    #[test]
    fn what_was_answered_before_the_timer_stands_before_it() {
        assert_eq!(pieces(0, None), [(5.0, 6.0, 9)]);
        assert_eq!(pieces(2, None), [(5.0, 6.0, 7), (6.0, 10.0, 2)]);
        assert_eq!(pieces(2, Some(8)), [(5.0, 6.0, 7), (6.0, 8.0, 2)]);
        assert_eq!(pieces(9, Some(60)), [(6.0, 10.0, 9)]);
    }
}
