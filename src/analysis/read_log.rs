//! Log files become lines that can be joined: lines → logs → join.

use crate::alone::LoggedRequests;
use crate::base::escape::shape;
use crate::input::{LineEnd, Text};
use crate::join::Lines;
use crate::logs::{LineError, LogFormatChoice, LogReader};
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
        let read = match end {
            LineEnd::Whole => reader.read(&line),
            LineEnd::Cut => Err(LineError::TooLong),
        };
        match read {
            Ok(Some(entry)) => {
                let at = entry.ended.or(entry.begun);
                facts.first = facts.first.or(at);
                facts.last = facts.last.max(at);
                facts.local_times |= entry.local;
                lines.push(&entry, file, facts.lines);
                if let Some(requests) = &mut requests {
                    requests.push(&entry, facts.lines);
                }
            }
            Ok(None) => {}
            Err(reason) => {
                facts.unreadable = facts.unreadable.saturating_add(1);
                unread = unread.saturating_add(text.length());
                if reader.format().is_none() && unread > NO_LOG {
                    text.give_up("none of its first 64 MiB could be understood");
                }
                if facts.unreadable_first.len() < SHOWN {
                    facts.unreadable_first.push(UnreadLine {
                        line: facts.lines,
                        length: text.length(),
                        shape: shape(&line),
                        reason,
                    });
                }
            }
        }
    }
    facts.format = reader.format();
    facts.damage = text.damage().map(str::to_owned);
    facts
}
