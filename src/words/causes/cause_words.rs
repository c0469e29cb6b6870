//! What is said of one cause: the form that every file here fills.

use crate::words::subject::Subject;

/// What is said of one cause.
pub struct CauseWords {
    /// The name in sentences, of one and of many.
    pub noun: [&'static str; 2],
    /// The page, in Markdown.
    pub page: &'static str,
    /// What happened, in one sentence.
    pub(in crate::words) summary: fn(&Subject<'_>) -> String,
    /// What to change, in one sentence.
    pub(in crate::words) fix: fn(&Subject<'_>) -> String,
}
