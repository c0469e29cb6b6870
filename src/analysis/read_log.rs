//! Log files become lines that can be joined: lines → logs → join.

use crate::alone::LoggedRequests;
use crate::base::escape::shape;
use crate::input::{LineEnd, Text};
use crate::join::Lines;
use crate::logs::{LineError, LineRead, LogFormatChoice, LogReader};
use crate::report::{LogFile, UnreadLine};

/// A stream of which so many bytes came to no line is no log; it may have no end.
const NO_LOG: u64 = 64 << 20;
/// Unreadable lines of which it is said what they look like.
const SHOWN: usize = 3;

/// Reads a log to its end. `file` is its place among those given; `requests` takes all requests, where they are needed.
pub fn read(
    text: &mut Text,
    told: Option<LogFormatChoice>,
    file: usize,
    lines: &mut Lines,
    mut requests: Option<&mut LoggedRequests>,
) -> LogFile {
    let mut reader = LogReader::new(told);
    let mut facts = LogFile { path: text.path().to_owned(), ..LogFile::default() };
    if let Some(requests) = &mut requests {
        requests.open(text.path(), file);
    }
    let mut line = Vec::new();
    let mut unread = 0_u64;
    while let Some(end) = text.next_line(&mut line) {
        facts.lines = facts.lines.saturating_add(1);
        let (number, length) = (text.number(), text.length());
        let mut each = |number, whole: &[u8], read: LineRead<'_>| {
            if let Err(reason) =
                take(read, (file, number), lines, &mut facts, requests.as_deref_mut())
            {
                unread = unread.saturating_add(length);
                refuse(&mut facts, number, whole, reason);
            }
        };
        match end {
            LineEnd::Whole => reader.read(number, &line, &mut each),
            LineEnd::Cut => {
                each(number, &line, Err(LineError::TooLong));
                // What was left out of it counts too.
                if let Some(last) = facts.unreadable_first.last_mut() {
                    last.length = if last.line == number { length } else { last.length };
                }
            }
        }
        if reader.format().is_none() && unread > NO_LOG {
            text.give_up("none of its first 64 MiB could be understood");
        }
    }
    reader.finish(&mut |number, whole, read| {
        let requests = requests.as_deref_mut();
        if let Err(reason) = take(read, (file, number), lines, &mut facts, requests) {
            refuse(&mut facts, number, whole, reason);
        }
    });
    facts.format = reader.format();
    facts.damage = text.damage().map(str::to_owned);
    facts
}

/// Takes a line, if it was understood.
fn take(
    read: LineRead<'_>,
    (file, number): (usize, u64),
    lines: &mut Lines,
    facts: &mut LogFile,
    requests: Option<&mut LoggedRequests>,
) -> Result<(), LineError> {
    let Some(entry) = read? else { return Ok(()) };
    let at = entry.ended.or(entry.begun);
    facts.first = facts.first.or(at);
    facts.last = facts.last.max(at);
    facts.local_times |= entry.local;
    lines.push(&entry, file, number);
    if let Some(requests) = requests {
        requests.push(&entry, number);
    }
    Ok(())
}

/// Counts a line that was not.
fn refuse(facts: &mut LogFile, line: u64, text: &[u8], reason: LineError) {
    facts.unreadable = facts.unreadable.saturating_add(1);
    if facts.unreadable_first.len() < SHOWN {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        facts.unreadable_first.push(UnreadLine { line, length, shape: shape(text), reason });
    }
}
