//! What is inside of a layer.

use crate::logs::times::LogTime;
use std::borrow::Cow;

/// A line without its outermost layer.
#[derive(Clone, Debug)]
pub(in crate::logs) struct Unwrapped<'l> {
    /// What was inside.
    pub(in crate::logs) text: Cow<'l, [u8]>,
    /// When it was written, by who wrapped it.
    pub(in crate::logs) at: Option<LogTime>,
}

/// Part of a line that a container's runtime has split, or its last or only one.
#[derive(Clone, Debug)]
pub(in crate::logs) struct SplitLine<'l> {
    /// What was inside.
    pub(in crate::logs) text: Cow<'l, [u8]>,
    /// When it was written.
    pub(in crate::logs) at: Option<LogTime>,
    /// `stdout` or `stderr`.
    pub(in crate::logs) stream: OutputStream,
    /// More of the line follows.
    pub(in crate::logs) goes_on: bool,
}

/// Where a container wrote to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::logs) enum OutputStream {
    Output,
    Error,
}

impl Unwrapped<'_> {
    pub(super) fn into_owned(self) -> Unwrapped<'static> {
        Unwrapped { text: Cow::Owned(self.text.into_owned()), at: self.at }
    }
}

/// The first word, and what follows the one space behind it.
pub(super) fn word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| *byte == b' ')?;
    Some((line.get(..end)?, line.get(end.saturating_add(1)..)?))
}

/// The time in a word: an ISO one, of which no log writes the date alone.
pub(super) fn time(word: &[u8]) -> Option<LogTime> {
    (word.len() >= 19 && word.get(10) == Some(&b'T')).then(|| LogTime::read(word)).flatten()
}
