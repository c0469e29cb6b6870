//! What a watch tells while it goes on, in lines as wide as the page.

use super::rows::{elided, fitted};
use crate::base::time::Timestamp;
use crate::base::wrap::{BOLD, DIM, TextPage, visible};
use crate::report::FailureRecord;
use crate::words::watch::GatheredLine;
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

/// A line on failures that are told together: what it has no room for goes, or stands below.
///
/// # Errors
/// When writing fails.
pub fn gathered(line: &GatheredLine, page: &mut TextPage<'_>) -> io::Result<()> {
    let GatheredLine { what, within, so_far } = line;
    let so_far = so_far.as_deref().unwrap_or_default();
    let whole = format!("{what} {within} {so_far}");
    let shorter = format!("{what} {so_far}");
    let fits = |text: &&String| visible(text.trim_end()) <= page.width();
    if let Some(one) = [&whole, &shorter].into_iter().find(fits) {
        return writeln!(page, "{}", one.trim_end());
    }
    // Between two sayings, not in the middle of one.
    lines(what, "", LINES, page)?;
    lines(&format!("{within} {so_far}"), INDENT, 1, page)
}

/// A line on failures that were told, and what no longer holds of them.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Endpoint;
    use crate::verdict::Cause;
    use std::time::Duration;

    /// What is said of many failures at a backend, in so many columns.
    fn said(cause: Cause, backend: &str, width: usize) -> String {
        let backend: std::net::SocketAddr = backend.parse().unwrap();
        let backend = Endpoint { addr: backend.ip(), port: backend.port() };
        let at = Timestamp::from_nanos(1_795_176_001_001_000_000);
        let minute = Duration::from_secs(60);
        let line = watch::gathered((cause, Some(backend)), at, 23, 12_402, minute);
        let mut out = Vec::new();
        gathered(&line, &mut TextPage::new(&mut out, width)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_gathered_is_a_line_as_far_as_there_is_room() {
        let short = "10.77.2.2:3000";
        assert_eq!(
            said(Cause::KeepaliveRace, short, 80),
            "12:00:01 UTC  + 23 keep-alive races at 10.77.2.2:3000 in 60 s (12,402 so far)\n"
        );
        assert_eq!(
            said(Cause::KeepaliveRace, short, 70),
            "12:00:01 UTC  + 23 keep-alive races at 10.77.2.2:3000 (12,402 so far)\n"
        );
        assert_eq!(
            said(Cause::BackendError, "[2001:db8::10:77]:3000", 80),
            "12:00:01 UTC  + 23 error responses of the backend itself at\n    \
             [2001:db8::10:77]:3000\n    in 60 s (12,402 so far)\n"
        );
        for cause in Cause::ALL {
            for width in 40..=120 {
                let said = said(cause, short, width);
                assert!(said.lines().all(|line| visible(line) <= width), "{said}");
                assert!(said.trim_end().ends_with("(12,402 so far)"), "{said}");
            }
        }
    }
}
