//! The lines of the proxy's log that went wrong, where no failure of the captures shows them.

use super::parts::with_code;
use super::scene::PageScene;
use crate::report::LogLine;
use crate::words::failure_section;
use crate::words::page;
use maud::{Markup, html};

/// Lines of a page.
const MOST: usize = 200;

pub(super) fn section(scene: &PageScene<'_>) -> Markup {
    let Some(log) = &scene.report.log else { return html! {} };
    let lines: Vec<&LogLine> = log.unmatched.iter().filter(|line| !log.is_told(line)).collect();
    let id = scene.id("h-log");
    html! {
        @if !lines.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (page::LOG_LINES) }
                div.rows {
                    @for line in lines.iter().take(MOST) { (row(line)) }
                }
                @if lines.len() > MOST { p.note { (page::more_lanes(lines.len().saturating_sub(MOST))) } }
            }
        }
    }
}

fn row(line: &LogLine) -> Markup {
    let method = line.method.as_deref();
    html! {
        div.row {
            span.when { @if let Some(at) = line.at { (at.time_of_day()) } }
            span.req {
                @if method.is_some() { (failure_section::request(method, line.target.as_deref())) ": " }
                (with_code(&line.text))
            }
            @if let Some(status) = line.status {
                @let failed = status >= 500;
                span.pill.lost[failed].ok[!failed] { (status) }
            }
        }
    }
}
