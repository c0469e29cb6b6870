//! The answer in brief: the first sentence, what stands behind it, and what to change.

use super::groups::groups;
use super::headline::AnalysisOutcome;
use super::model::{AnswerSummary, FailureRecord, Report};
use super::named::Named;
use super::over_time::count_failures;
use crate::verdict::Cause;
use crate::words::fix::Fix;
use crate::words::paragraphs;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Fills in what is made of everything else in a report.
pub(super) fn conclude(report: &mut Report) {
    report.groups = groups(&report.failures);
    if let Some(last) = report.captures.iter().filter_map(|capture| capture.last).max() {
        count_failures(&mut report.over_time, last, &report.failures);
    }
    report.answer = answer(report);
}

fn answer(report: &Report) -> AnswerSummary {
    let mut fixes: Vec<Fix> = report.changes().into_iter().map(|(_, fix)| fix.clone()).collect();
    if report.outcome() == AnalysisOutcome::Sound {
        let before = report.what_to_change_before();
        fixes.extend(before.iter().flat_map(Fix::each).cloned());
    }
    let findings = report.log.iter().flat_map(|log| &log.findings);
    let by_log = findings.clone().filter_map(|finding| finding.fix.as_ref()).flat_map(Fix::each);
    fixes.extend(by_log.cloned());
    let leading = report.leading().into_iter().map(|paragraph| paragraph.text);
    AnswerSummary {
        headline: report.headline().text(),
        paragraphs: leading.chain(findings.map(|finding| finding.text.clone())).collect(),
        fixes,
    }
}

/// A paragraph of the answer.
pub struct LeadingParagraph<'r> {
    /// What happened.
    pub text: String,
    /// What to change.
    pub fix: &'r str,
    /// The failure that speaks for all that are like it; `None` where it is of an event.
    pub failure: Option<&'r FailureRecord>,
}

impl Report {
    /// What explains the failures: first the events, then the failures that belong to none, those that
    /// are alike in one paragraph, the most frequent first.
    pub fn leading(&self) -> Vec<LeadingParagraph<'_>> {
        self.explained().into_iter().map(|(paragraph, _)| paragraph).collect()
    }

    /// What [`Report::leading`] gives, each with what to change.
    fn explained(&self) -> Vec<(LeadingParagraph<'_>, &Fix)> {
        let events = self.events.iter().map(|event| {
            let text = paragraphs::of_event(event.first, &event.summary, event.failures);
            (LeadingParagraph { text, fix: &event.fix, failure: None }, &event.advice)
        });
        // The first failure of a kind speaks for all of them.
        let failures = self.alike().into_iter().map(|(first, count)| {
            let text = paragraphs::of_alike(count, first.cause, first.at, &first.summary);
            (LeadingParagraph { text, fix: &first.fix, failure: Some(first) }, &first.advice)
        });
        events.chain(failures).collect()
    }

    /// What to change against the failure that each paragraph tells of; of an event against its first failure.
    pub(super) fn advice(&self) -> impl Iterator<Item = (&FailureRecord, &Fix)> {
        let of_event = |fix: &Fix| {
            let event = self.events.iter().find(|event| event.fix == fix.text)?;
            self.failures.iter().find(|one| one.event.as_ref() == Some(&event.id))
        };
        self.explained().into_iter().filter_map(move |(paragraph, fix)| {
            Some((paragraph.failure.or_else(|| of_event(fix))?, fix))
        })
    }

    /// The first of the failures that are alike, with how many there are, the most frequent first.
    fn alike(&self) -> Vec<(&FailureRecord, usize)> {
        let mut groups: BTreeMap<[String; 5], (&FailureRecord, usize)> = BTreeMap::new();
        // What an event explains was told with it.
        for failure in self.failures.iter().filter(|failure| failure.event.is_none()) {
            let group = groups.entry(alike(failure)).or_insert((failure, 0));
            if failure.at < group.0.at {
                group.0 = failure;
            }
            group.1 = group.1.saturating_add(1);
        }
        let mut reasons: Vec<_> = groups.into_values().collect();
        // What backends answered themselves comes last: the proxy only passed it on.
        reasons.sort_by_key(|(first, count)| {
            let number = first.connection.unwrap_or(u64::MAX);
            (first.cause == Cause::BackendError, Reverse(*count), number)
        });
        reasons
    }
}

/// What failures have in common that one sentence tells of.
fn alike(failure: &FailureRecord) -> [String; 5] {
    let backend = failure.backend.map(|backend| backend.to_string()).unwrap_or_default();
    let why = failure.unexplained.map(Named::named).unwrap_or_default();
    let [cause, certainty, retry] =
        [failure.cause.name(), failure.certainty.name(), failure.retry.name()];
    [cause.to_owned(), backend, certainty.to_owned(), retry.to_owned(), why.to_owned()]
}
