//! Log files become lines that can be joined: lines → logs → join.

use crate::alone::LoggedRequests;
use crate::base::escape::shape;
use crate::input::{LineEnd, Text};
use crate::join::Lines;
use crate::logs::{Entry, LineError, LineRead, LogFormatChoice, LogReader};
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
        let mut each = |number, read: LineRead<'_>| match read {
            Ok(Some(entry)) => {
                take(&entry, file, number, lines, &mut facts, requests.as_deref_mut());
            }
            Ok(None) => {}
            Err(reason) => {
                unread = unread.saturating_add(length);
                refuse(
                    &mut facts,
                    UnreadLine { line: number, length, shape: shape(&line), reason },
                );
            }
        };
        match end {
            LineEnd::Whole => reader.read(number, &line, &mut each),
            LineEnd::Cut => each(number, Err(LineError::TooLong)),
        }
        if reader.format().is_none() && unread > NO_LOG {
            text.give_up("none of its first 64 MiB could be understood");
        }
    }
    reader.finish(&mut |number, read| match read {
        Ok(Some(entry)) => {
            take(&entry, file, number, lines, &mut facts, requests.as_deref_mut());
        }
        Ok(None) => {}
        Err(reason) => {
            let unread = UnreadLine { line: number, length: 0, shape: String::new(), reason };
            refuse(&mut facts, unread);
        }
    });
    facts.format = reader.format();
    facts.damage = text.damage().map(str::to_owned);
    facts
}

/// Takes a line that was understood.
fn take(
    entry: &Entry<'_>,
    file: usize,
    number: u64,
    lines: &mut Lines,
    facts: &mut LogFile,
    requests: Option<&mut LoggedRequests>,
) {
    let at = entry.ended.or(entry.begun);
    facts.first = facts.first.or(at);
    facts.last = facts.last.max(at);
    facts.local_times |= entry.local;
    lines.push(entry, file, number);
    if let Some(requests) = requests {
        requests.push(entry, number);
    }
}

/// Counts a line that was not.
fn refuse(facts: &mut LogFile, line: UnreadLine) {
    facts.unreadable = facts.unreadable.saturating_add(1);
    if facts.unreadable_first.len() < SHOWN {
        facts.unreadable_first.push(line);
    }
}
