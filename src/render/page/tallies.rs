//! Bars: what was answered, by status; how much of responses came.

use super::parts::px;
use super::scene::PageScene;
use crate::report::model::FailureRecord;
use crate::verdict::Cause;
use crate::words::failure_section;
use crate::words::page;
use crate::words::phrases::grouped;
use maud::{Markup, html};

/// Responses shown.
const MOST: usize = 10;

/// Answers by status, of probes where these are what failed.
pub(super) fn statuses(scene: &PageScene<'_>, cause: Cause) -> Markup {
    let Some(backend) = scene.backend else { return html! {} };
    let statuses = match (&backend.health, cause) {
        (Some(health), Cause::HealthCheckFailing) => &health.statuses,
        _ => &backend.statuses,
    };
    let most = statuses.values().copied().max().unwrap_or(1).max(1);
    html! {
        @if !statuses.is_empty() {
            p { (page::STATUS_INTRO) }
            table.bars {
                tbody {
                    @for (status, count) in statuses {
                        @let failed = *status >= 500 || (cause == Cause::HealthCheckFailing && *status >= 400);
                        tr {
                            th scope="row" { (status) }
                            td { (bar(*count as f64 / most as f64, Some(1.0), failed)) }
                            td.num { (grouped(*count)) }
                        }
                    }
                }
            }
        }
    }
}

/// How much of each response came.
pub(super) fn responses(scene: &PageScene<'_>) -> Markup {
    let cut =
        |one: &&FailureRecord| one.cause == Cause::TruncatedResponse && one.response.is_some();
    let failures: Vec<&FailureRecord> = scene.report.failures.iter().filter(cut).collect();
    let bytes = failures.iter().take(MOST).filter_map(|one| one.response);
    let most = bytes.map(|one| one.received_bytes.max(one.expected_bytes.unwrap_or(0))).max();
    let most = most.unwrap_or(1).max(1) as f64;
    html! {
        p { (page::CUT_INTRO) }
        table.bars {
            tbody {
                @for one in failures.iter().take(MOST) {
                    @if let Some(response) = one.response {
                        @let request = one.request.as_ref();
                        @let method = request.and_then(|request| request.method.as_deref());
                        @let target = request.and_then(|request| request.target.as_deref());
                        @let expected = response.expected_bytes;
                        tr {
                            th.cutoff scope="row" { (failure_section::request(method, target)) }
                            td { (bar(response.received_bytes as f64 / most, expected.map(|all| all as f64 / most), true)) }
                            td.num { (page::part_of(response.received_bytes, expected)) }
                        }
                    }
                }
            }
        }
        @if failures.len() > MOST { p.note { (page::more_lanes(failures.len().saturating_sub(MOST))) } }
    }
}

/// A bar so long, on a rail of what it could be, where that is known.
fn bar(part: f64, whole: Option<f64>, failed: bool) -> Markup {
    let class = if failed { "lost" } else { "ok" };
    html! {
        svg.meter viewBox="0 0 300 14" preserveAspectRatio="none" aria-hidden="true" {
            @if let Some(whole) = whole { rect.rail x="0" y="5" width=(px(300.0 * whole)) height="4" rx="2" {} }
            rect class={"bar " (class)} x="0" y="2" width=(px((300.0 * part.clamp(0.0, 1.0)).max(3.0))) height="10" rx="2" {}
        }
    }
}
