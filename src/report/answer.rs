//! The answer in brief: the first sentence, what stands behind it, and what to change.

use super::groups::groups;
use super::model::{AnswerSummary, FailureRecord, FixRecord, FixSide, Report};
use super::named::Named;
use super::over_time::count_failures;
use crate::timeouts::ProductSide;
use crate::words::paragraphs;
use crate::words::settings::KnownSetting;
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
    let leading = report.leading();
    let mut fixes: Vec<FixRecord> = Vec::new();
    for paragraph in &leading {
        if fixes.iter().all(|known| known.text != paragraph.fix) {
            fixes.push(fix(paragraph));
        }
    }
    AnswerSummary {
        headline: report.headline().text(),
        paragraphs: leading.into_iter().map(|paragraph| paragraph.text).collect(),
        fixes,
    }
}

/// What a paragraph says to change; the setting apart, where one is known.
fn fix(paragraph: &LeadingParagraph<'_>) -> FixRecord {
    let text = paragraph.fix.to_owned();
    let setting = paragraph.failure.and_then(|failure| failure.setting.as_ref());
    let Some(KnownSetting { of, value, line }) = setting else {
        return FixRecord { text, ..FixRecord::default() };
    };
    FixRecord {
        text,
        side: Some(match of.side {
            ProductSide::Proxy => FixSide::Proxy,
            ProductSide::Server => FixSide::Server,
        }),
        product: Some(of.name),
        setting: Some(of.knob.to_owned()),
        value: value.clone(),
        line: line.clone(),
        ..FixRecord::default()
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
        let events = self.events.iter().map(|event| LeadingParagraph {
            text: paragraphs::of_event(event.first, &event.summary, event.failures),
            fix: &event.fix,
            failure: None,
        });
        // The first failure of a kind speaks for all of them.
        let failures = self.alike().into_iter().map(|(first, count)| LeadingParagraph {
            text: paragraphs::of_alike(count, &first.summary),
            fix: &first.fix,
            failure: Some(first),
        });
        events.chain(failures).collect()
    }

    /// The first of the failures that are alike, with how many there are, the most frequent first.
    fn alike(&self) -> Vec<(&FailureRecord, usize)> {
        let mut groups: BTreeMap<[String; 5], (&FailureRecord, usize)> = BTreeMap::new();
        // What an event explains was told with it.
        for failure in self.failures.iter().filter(|failure| failure.event.is_none()) {
            let backend = failure.backend.map(|backend| backend.to_string()).unwrap_or_default();
            let why = failure.unexplained.map(Named::named).unwrap_or_default();
            let [cause, certainty, retry] =
                [failure.cause.name(), failure.certainty.name(), failure.retry.name()];
            let alike =
                [cause.to_owned(), backend, certainty.to_owned(), retry.to_owned(), why.to_owned()];
            let group = groups.entry(alike).or_insert((failure, 0));
            group.1 = group.1.saturating_add(1);
        }
        let mut reasons: Vec<_> = groups.into_values().collect();
        reasons
            .sort_by_key(|(first, count)| (Reverse(*count), first.connection.unwrap_or(u64::MAX)));
        reasons
    }
}
