//! The top of the page: the sentence, and four facts.

use super::parts::{copy, pieces, with_code};
use super::scene::PageScene;
use crate::knowledge::idle_gaps::Ordering;
use crate::report::UserSaw;
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
    let PageHead { limits, headline, rest } = head(scene);
    let facts = facts(scene);
    html! {
        section.hero {
            @if let Some(limits) = limits { p.limits { (with_code(&limits)) } }
            h1.long[headline.chars().count() > 90] { (with_code(&together(&headline))) }
            @if let Some(rest) = rest { p.lead { (with_code(&rest)) } }
            (lead(scene))
            @if !facts.is_empty() {
                ul.facts {
                    @for fact in &facts { li { b { (fact.number) } span { (with_code(&fact.text)) } } }
                }
            }
        }
    }
}

/// The first sentence, in its parts.
struct PageHead {
    /// What was not read stands before any number.
    limits: Option<String>,
    headline: String,
    rest: Option<String>,
}

fn head(scene: &PageScene<'_>) -> PageHead {
    let parts = scene.report.headline();
    match parts.failed() {
        Some(headline) => PageHead { limits: parts.unread, headline, rest: parts.clients },
        None => {
            let (headline, rest) = page::nothing_judged(&parts.text());
            PageHead { limits: None, headline, rest }
        }
    }
}

/// Numbers that are read as one are not broken apart: `2 of 4`, `10 × 502`.
fn together(text: &str) -> String {
    let mut whole = String::new();
    let mut before = "";
    for word in text.split(' ') {
        let is_number = |word: &str| word.starts_with(|one: char| one.is_ascii_digit());
        let bracketed = before.trim_start_matches('(');
        let joins = matches!(word, "of" | "×") && is_number(bracketed)
            || matches!(before, "of" | "×") && is_number(word);
        whole.push_str(match (before, joins) {
            ("", _) => "",
            (_, true) => "\u{a0}",
            (_, false) => " ",
        });
        whole.push_str(word);
        before = word;
    }
    whole
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
                @for text in paragraphs.iter().skip(1).take(MOST_SAID - 1) { p { (with_code(text)) } }
                (more(paragraphs.len()))
            }
        }
        None => html! {
            @for (place, text) in paragraphs.iter().take(MOST_SAID).enumerate() {
                p.lead[place == 0] { (with_code(text)) }
            }
            (more(paragraphs.len()))
        },
    }
}

/// Paragraphs at the top of a page.
const MOST_SAID: usize = 4;

/// What explains the other failures stands with each of them.
fn more(paragraphs: usize) -> Markup {
    let more = paragraphs.saturating_sub(MOST_SAID);
    html! { @if more > 0 { p.note { (page::more_kinds(more)) } } }
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
    let failed = counters
        .exchanges_failed
        .saturating_add(counters.connects_failed)
        .saturating_add(counters.mismatched);
    // Of connections only those are counted that failed: what went well otherwise is no part of them.
    let requests = if counters.exchanges_failed > 0 { report.judged.requests() } else { 0 };
    let judged = requests
        .saturating_add(report.judged.connects)
        .saturating_add(counters.mismatched)
        .max(failed);
    let mut facts = Vec::new();
    if failed > 0 {
        facts.push(page::lost(failed, judged, counters.exchanges_failed));
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
        let cut = count(report, |one| matches!(one.user_saw(), UserSaw::Cut(_)));
        let left = count(report, |one| one.user_saw() == UserSaw::Left);
        let others = [clients.hidden_by_retry, cut, left];
        facts.push(page::users_known(errors, &statuses, others));
    } else if all > checks {
        let again = count(report, |one| matches!(one.user_saw(), UserSaw::SentAgain(_)));
        // Of an attempt that was sent again without success, the user saw what came of the next one.
        let tried =
            |one: &FailureRecord| one.user_saw() == UserSaw::Unknown && one.sent_again.is_some();
        let seen = all.saturating_sub(checks).saturating_sub(again);
        let seen = seen.saturating_sub(count(report, tried));
        facts.push(page::users_likely(seen, again));
    }
    if all == checks {
        return facts;
    }
    let proven = count(report, |one| one.certainty == Certainty::Proven);
    let likely = count(report, |one| one.certainty == Certainty::Likely);
    facts.push(page::proven([proven, likely, all.saturating_sub(proven).saturating_sub(likely)]));
    facts.push(page::safe(count(report, |one| one.retry == Retry::Safe), all));
    facts.truncate(4);
    facts
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn numbers_that_belong_together_stay_in_one_line() {
        let said = together("Response timeout: 2 of 4 requests failed (10 × 502, 4 × 504)");
        assert_eq!(
            said,
            "Response timeout: 2\u{a0}of\u{a0}4 requests failed (10\u{a0}×\u{a0}502, 4\u{a0}×\u{a0}504)"
        );
        assert_eq!(together("one of them"), "one of them");
    }
}
