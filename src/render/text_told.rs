//! What a watch tells while it goes on, in lines as wide as the page.

use super::rows::fitted;
use crate::base::time::Timestamp;
use crate::base::wrap::{BOLD, DIM, Page};
use crate::report::FailureRecord;
use crate::words::{failure_section, watch};
use std::io::{self, Write};

/// Lines of a failure.
const LINES: usize = 2;
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
pub fn failure(failure: &FailureRecord, first: bool, page: &mut Page<'_>) -> io::Result<()> {
    let what = if first {
        format!("{}.", failure.summary)
    } else {
        watch::again(request(failure).as_deref(), failure.backend)
    };
    let (noun, certainty) = (watch::noun(failure.cause, 1), failure.certainty.name());
    let at = failure.at.moment();
    let text = format!("{at}  {BOLD}{noun}{BOLD:#} ({certainty}): {what}");
    lines(&text, "", if first { LINES } else { 1 }, page)?;
    if first {
        let label = failure_section::before_fix(failure.cause);
        let advice = &failure.advice;
        let advice = advice.line.as_ref().or(advice.brief.as_ref()).unwrap_or(&failure.fix);
        let advice = format!("{BOLD}{label}:{BOLD:#} {}", advice.trim_end_matches('.'));
        lines(&advice, INDENT, LINES, page)?;
    }
    Ok(())
}

/// A line on failures that were told: gathered ones, or what no longer holds.
///
/// # Errors
/// When writing fails.
pub fn line(text: &str, page: &mut Page<'_>) -> io::Result<()> {
    lines(text, "", LINES, page)
}

/// What stands before a report that follows what was told.
///
/// # Errors
/// When writing fails.
pub fn before_report(page: &mut Page<'_>) -> io::Result<()> {
    writeln!(page, "\n{DIM}{}{DIM:#}", watch::REPORT)
}

/// How the watch fares.
pub fn status(at: Timestamp, requests: u64, failed: u64, lost: u64) -> String {
    watch::status(at, requests, failed, lost)
}

fn lines(text: &str, first: &str, most: usize, page: &mut Page<'_>) -> io::Result<()> {
    for line in fitted(text, [first, INDENT], page.width(), most) {
        writeln!(page, "{}", line.trim_end())?;
    }
    Ok(())
}
