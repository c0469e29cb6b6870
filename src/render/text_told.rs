//! What a watch tells while it goes on, in lines as wide as the page.

use super::rows::{elided, fitted};
use crate::base::time::Timestamp;
use crate::base::wrap::{BOLD, DIM, TextPage, visible};
use crate::report::FailureRecord;
use crate::words::{failure_section, watch};
use std::io::{self, Write};

/// Lines of a failure.
const LINES: usize = 2;
/// Columns of a line that a target leaves to what else is told of a failure: method, backend, some of the cause.
const BESIDE_TARGET: usize = 40;
/// What follows the first line of a failure begins with this.
const INDENT: &str = "    ";

/// What was asked, where that is known.
pub fn request(failure: &FailureRecord) -> Option<String> {
    let request = failure.request.as_ref()?;
    Some(failure_section::request(request.method.as_deref(), request.target.as_deref()))
}

/// A failure that has just become known: what happened, and, of the `first` of its kind, what to change.
///
/// # Errors
/// When writing fails.
pub fn failure(failure: &FailureRecord, first: bool, page: &mut TextPage<'_>) -> io::Result<()> {
    let (noun, certainty) = (watch::noun(failure.cause, 1), failure.certainty.name());
    let at = failure.at.moment();
    if !first {
        // Where it is too long, the cause is cut: those before it had the same.
        let room = page.width().saturating_sub(visible(&at)).saturating_sub(BESIDE_TARGET);
        let request = request(failure).map(|request| {
            let words: Vec<String> = request.split(' ').map(|word| elided(word, room)).collect();
            words.join(" ")
        });
        let what = watch::again(request.as_deref(), failure.backend);
        return lines(&format!("{at}  {what}: {BOLD}{noun}{BOLD:#} ({certainty})"), "", 1, page);
    }
    let summary = &failure.summary;
    lines(&format!("{at}  {BOLD}{noun}{BOLD:#} ({certainty}): {summary}."), "", LINES, page)?;
    let label = failure_section::before_fix(failure.cause);
    let advice = &failure.advice;
    let advice = advice.line.as_ref().or(advice.brief.as_ref()).unwrap_or(&failure.fix);
    let advice = format!("{BOLD}{label}:{BOLD:#} {}", advice.trim_end_matches('.'));
    lines(&advice, INDENT, LINES, page)
}

/// A line on failures that were told: gathered ones, or what no longer holds.
///
/// # Errors
/// When writing fails.
pub fn line(text: &str, page: &mut TextPage<'_>) -> io::Result<()> {
    lines(text, "", LINES, page)
}

/// What stands before a report that follows what was told.
///
/// # Errors
/// When writing fails.
pub fn before_report(page: &mut TextPage<'_>) -> io::Result<()> {
    writeln!(page, "\n{DIM}{}{DIM:#}", watch::REPORT)
}

/// How the watch fares.
pub fn status(at: Timestamp, requests: u64, failed: u64, lost: u64) -> String {
    watch::status(at, requests, failed, lost)
}

fn lines(text: &str, first: &str, most: usize, page: &mut TextPage<'_>) -> io::Result<()> {
    for line in fitted(text, [first, INDENT], page.width(), most) {
        writeln!(page, "{}", line.trim_end())?;
    }
    Ok(())
}
