//! The top of the page: the sentence, and four facts.

use super::parts::{copy, pieces, with_code};
use super::scene::PageScene;
use crate::knowledge::idle_gaps::Ordering;
use crate::report::model::{FailureRecord, Report};
use crate::verdict::{Cause, Certainty, Retry};
use crate::words::page::{self, PageFact, PagePiece};
use crate::words::phrases::sentence;
use maud::{Markup, html};

/// The line above all: which captures, of when, and what can be done with the page.
pub(super) fn top(scene: &PageScene<'_>) -> Markup {
    let report = scene.report;
    let names = report.captures.iter().map(|one| short(&one.path));
    let logs = report.log.iter().flat_map(|log| &log.files).map(|file| short(&file.path));
    let names: Vec<&str> = names.chain(logs).collect();
    let first = report.captures.iter().filter_map(|one| one.first).min();
    let last = report.captures.iter().filter_map(|one| one.last).max();
    let span = first.zip(last).map(|(first, last)| {
        let (from, to) = (first.date_and_time(), last.date_and_time());
        let (day, begin) = from.split_once(' ').unwrap_or_default();
        let (other_day, end) = to.split_once(' ').unwrap_or_default();
        let whole = |time: &str| time.split('.').next().unwrap_or_default().to_owned();
        let day_after = if day == other_day { String::new() } else { format!("{other_day} ") };
        format!(" · {day}, {} to {day_after}{} {}", whole(begin), whole(end), last.zone())
    });
    html! {
        header.top {
            span.logo { "why" b { "502" } }
            span.meta { (names.join(", ")) (span.unwrap_or_default()) }
            span.tools {
                (copy(&ticket(scene), page::COPY_FOR_A_TICKET, &report.answer.headline))
                @if scene.place == 0 {
                    button #theme type="button" aria-pressed="false" hidden { (page::DARK) }
                }
            }
        }
    }
}

fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What goes into a ticket: the answer, and what to change.
fn ticket(scene: &PageScene<'_>) -> String {
    let answer = &scene.report.answer;
    let mut text = format!("**{}**\n", answer.headline);
    for paragraph in &answer.paragraphs {
        text.push_str(&format!("- {paragraph}\n"));
    }
    for fix in answer.fixes.iter().take(3) {
        text.push_str(&format!("- {}: {}\n", page::WHAT_TO_CHANGE, sentence(&fix.text)));
    }
    if let Some(check) = scene.report.how_to_check() {
        text.push_str(&format!("- {} {check}\n", page::DID_IT_HELP));
    }
    if let Some(filter) = scene.report.failures.first().and_then(|one| one.filter.as_ref()) {
        text.push_str(&format!("- Wireshark: `{filter}`\n"));
    }
    text
}

pub(super) fn hero(scene: &PageScene<'_>) -> Markup {
    let headline = &scene.report.answer.headline;
    let facts = facts(scene);
    html! {
        section.hero {
            h1.long[headline.len() > 90] { (with_code(headline)) }
            (lead(scene))
            @if !facts.is_empty() {
                ul.facts {
                    @for fact in &facts { li { b { (fact.number) } span { (with_code(&fact.text)) } } }
                }
            }
        }
    }
}

/// The sentence with both timers, where these explain it; else what explains most.
fn lead(scene: &PageScene<'_>) -> Markup {
    let keepalive = scene.keepalive();
    let race = scene.cause().filter(|cause| is_of_idleness(*cause));
    let ordered = scene.backend.is_some_and(|backend| backend.ordering == Ordering::Race);
    let soon = scene.report.failures.is_empty() && ordered;
    let paragraphs = &scene.report.answer.paragraphs;
    match keepalive.filter(|_| race.is_some() || soon) {
        Some(timer) => {
            let count = race.map_or(0, |cause| {
                scene.causes.iter().find(|(one, _)| *one == cause).map_or(0, |(_, count)| *count)
            });
            let idle = scene.proxy_idle().filter(|idle| idle.time > timer.time);
            let said = page::timers_lead(
                &scene.names(),
                timer.time,
                idle.map(|idle| idle.time),
                (count, race),
            );
            let said: Vec<PagePiece> = said;
            html! {
                p.lead { (pieces(&said)) }
                @for text in paragraphs.iter().skip(1).take(3) { p { (with_code(text)) } }
            }
        }
        None => html! {
            @for (place, text) in paragraphs.iter().take(4).enumerate() {
                p.lead[place == 0] { (with_code(text)) }
            }
        },
    }
}

/// Whether how long connections are idle explains a cause.
pub(super) fn is_of_idleness(cause: Cause) -> bool {
    matches!(cause, Cause::KeepaliveRace | Cause::StaleReuse)
}

fn count(report: &Report, wanted: impl Fn(&FailureRecord) -> bool) -> u64 {
    report.failures.iter().filter(|failure| wanted(failure)).count() as u64
}

/// The four facts: lost, seen by users, proven, safe to send again.
fn facts(scene: &PageScene<'_>) -> Vec<PageFact> {
    let report = scene.report;
    if report.failures.is_empty() {
        return Vec::new();
    }
    let counters = &report.counters;
    let connects = counters.exchanges_failed == 0 && counters.mismatched == 0;
    let failed = counters
        .exchanges_failed
        .saturating_add(counters.connects_failed)
        .saturating_add(counters.mismatched);
    let judged = report
        .judged
        .requests()
        .saturating_add(report.judged.connects)
        .saturating_add(counters.mismatched)
        .max(failed);
    let mut facts = Vec::new();
    if failed > 0 {
        let (failed, judged) = if connects {
            (counters.connects_failed, report.judged.connects.max(counters.connects_failed))
        } else {
            (failed, judged)
        };
        facts.push(page::lost(failed, judged, connects));
    }
    if let Some(health) = scene.backend.and_then(|backend| backend.health.as_ref())
        && health.failed > 0
    {
        facts.push(page::checks_failed(health.failed, health.of));
    }
    let all = report.failures.len() as u64;
    let checks = count(report, |one| one.cause == Cause::HealthCheckFailing);
    if let Some(clients) = &report.clients {
        let statuses: Vec<u16> = clients.errors.keys().copied().collect();
        let errors = clients.errors.values().fold(0_u64, |sum, more| sum.saturating_add(*more));
        facts.push(page::users_known(errors, &statuses, clients.hidden_by_retry));
    } else if all > checks {
        let again = count(report, sent_again_well);
        let seen = all.saturating_sub(checks).saturating_sub(again);
        facts.push(page::users_likely(seen, again));
    }
    if all == checks {
        return facts;
    }
    let proven = count(report, |one| one.certainty == Certainty::Proven);
    let likely = count(report, |one| one.certainty == Certainty::Likely);
    facts.push(page::proven(proven, likely, all));
    facts.push(page::safe(count(report, |one| one.retry == Retry::Safe), all));
    facts.truncate(4);
    facts
}

/// Whether a failure was sent again, and answered well.
pub(super) fn sent_again_well(failure: &FailureRecord) -> bool {
    let status = failure.sent_again.and_then(|again| again.status);
    status.is_some_and(|status| status < 500)
}
