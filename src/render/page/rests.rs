//! What was not read, what the answer rests on, and the last line.

use super::failures;
use super::parts::with_code;
use super::scene::{PageScene, backend_name, proxy_name};
use crate::report::model::{BackendRecord, Timeout, VantageSource};
use crate::words::phrases::plural;
use crate::words::timers::TimerName;
use crate::words::{backend_section, page};
use maud::{Markup, html};
use std::time::Duration;

/// What was not read, where anything was not.
pub(super) fn unread(scene: &PageScene<'_>) -> Markup {
    let id = scene.id("h-unread");
    html! {
        // The first sentence has told of one.
        @if scene.report.unread.len() > 1 {
            section.unread aria-labelledby=(id) {
                h2 id=(id) { (page::NOT_READ) }
                ul {
                    @for one in &scene.report.unread {
                        li {
                            @if let Some(backend) = one.backend { code { (backend) } " " }
                            (one.what.name().replace('_', " ")) ", "
                            (plural(one.connections, "connection"))
                            @if !one.advice.is_empty() { ": " (with_code(one.advice)) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn section(scene: &PageScene<'_>) -> Markup {
    let report = scene.report;
    let id = scene.id("h-rest");
    let seen: Vec<String> = report.backends.iter().flat_map(measured).collect();
    let told: Vec<String> = report.backends.iter().flat_map(configured).collect();
    let guessed: Vec<String> = report.backends.iter().flat_map(guessed).collect();
    let points: Vec<String> = report
        .backends
        .iter()
        .filter_map(|backend| {
            let given = backend.vantage.by == VantageSource::Option;
            backend_section::captured_at(backend.vantage.value, given)
                .map(|point| format!("{}: {point}", backend.backend))
        })
        .collect();
    let captures: Vec<String> =
        report.captures.iter().map(|one| page::capture(&one.path, one.frames)).collect();
    let logs = report.log.iter().flat_map(|log| &log.files);
    let logs: Vec<String> = logs.map(|file| page::log_file(&file.path, file.lines)).collect();
    let notes: Vec<String> = report.notes.iter().map(|note| note.text.clone()).collect();
    html! {
        section.rest aria-labelledby=(id) {
            h2 id=(id) { (page::WHAT_THIS_RESTS_ON) }
            dl {
                (row(page::CAPTURES, &captures))
                (row(page::LOG, &logs))
                (row(page::CAPTURE_POINT, &points))
                (row(page::MEASURED, &seen))
                (row(page::CONFIGURED, &told))
                (row(page::GUESSED, &guessed))
                (row(page::NOTES, &notes))
            }
        }
    }
}

/// Lines of one kind; a page shows so many.
fn row(what: &str, lines: &[String]) -> Markup {
    const MOST: usize = 12;
    html! {
        @if !lines.is_empty() {
            dt { (what) }
            dd {
                @for line in lines.iter().take(MOST) { p { (with_code(line)) } }
                @if lines.len() > MOST { p { "…" } }
            }
        }
    }
}

fn timers(backend: &BackendRecord) -> Vec<(String, &Timeout)> {
    let at = backend.backend;
    let named = |timer: TimerName, of: String| page::timer_of(timer.short(), &of);
    let own = backend.backend_keepalive.iter();
    let mut all: Vec<(String, &Timeout)> =
        own.map(|timer| (named(TimerName::BackendKeepAlive, at.to_string()), timer)).collect();
    for proxy in &backend.proxies {
        let of = || proxy.proxy.to_string();
        let timers = [
            (TimerName::ProxyIdle, &proxy.proxy_idle),
            (TimerName::ProxyRead, &proxy.proxy_read),
            (TimerName::ProxyConnect, &proxy.proxy_connect),
        ];
        for (name, timer) in timers {
            all.extend(timer.iter().map(|timer| (named(name, of()), timer)));
        }
    }
    all
}

fn measured(backend: &BackendRecord) -> Vec<String> {
    let known = timers(backend).into_iter().filter_map(|(what, timer)| {
        let range = timer.low_ns.zip(timer.high_ns);
        let range =
            range.map(|(low, high)| (Duration::from_nanos(low), Duration::from_nanos(high)));
        let time = Duration::from_nanos(timer.observed_ns?);
        Some(page::measured(&what, time, range, timer.samples))
    });
    known.collect()
}

fn configured(backend: &BackendRecord) -> Vec<String> {
    let known = timers(backend).into_iter().filter_map(|(what, timer)| {
        Some(page::configured(&what, Duration::from_nanos(timer.configured_ns?)))
    });
    known.collect()
}

fn guessed(backend: &BackendRecord) -> Vec<String> {
    let server = backend.server.is_some() && backend.told_kind.is_none();
    let server = server.then(|| backend_name(backend)).flatten();
    let mut said: Vec<String> =
        server.map(|name| page::guessed(&backend.backend.to_string(), name)).into_iter().collect();
    for proxy in &backend.proxies {
        let known = proxy.kind.is_some() && proxy.told_kind.is_none();
        let name = known.then(|| proxy_name(proxy)).flatten();
        said.extend(name.map(|name| page::guessed(&proxy.proxy.to_string(), name)));
    }
    said
}

/// The last line.
pub(super) fn footer(scene: &PageScene<'_>) -> Markup {
    let drawn = failures::drawn(scene.report);
    let short = drawn.iter().filter(|drawn| !**drawn).count();
    html! {
        footer {
            (page::made_by(scene.report.tool.version)) " "
            code { "document.getElementById('report')" } "."
            @if short > 0 { " " (page::shortened(short)) }
        }
    }
}
