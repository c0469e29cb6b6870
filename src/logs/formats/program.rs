//! Lines that programs write about themselves: a level stands in them, and no request.

use crate::logs::fields::METHODS;

/// Words of a level, in brackets, behind `level=`, or bare in capitals.
const LEVELS: [&str; 22] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "crit", "critical", "alert",
    "emerg", "fatal", "panic", "trc", "dbg", "inf", "wrn", "err", "ftl", "severe", "fine", "log",
];

/// So many words of a line are looked at.
const WORDS: usize = 6;

/// Whether it is one: a level among its first words, behind a time or alone.
pub(in crate::logs) fn is_line(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else { return false };
    if may_be_of_a_request(text) {
        return false;
    }
    // JSON with a level, and errors that a program ends with: `TypeError: …`.
    let object = text.starts_with('{') && text.contains("\"level\":");
    let error = text.split(' ').next().is_some_and(|word| word.ends_with("Error:"));
    if object || error || is_klog(text) {
        return true;
    }
    text.split_ascii_whitespace().take(WORDS).any(|word| {
        let named = word.strip_prefix("level=").or_else(|| word.strip_prefix("lvl="));
        let bracketed = word.strip_prefix('[').and_then(|word| word.split(']').next());
        let level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
        let bare = word.trim_end_matches(':');
        named.is_some_and(|word| level(word.trim_matches('"')))
            || bracketed.is_some_and(level)
            || bare.chars().all(|c| c.is_ascii_uppercase()) && level(bare)
    })
}

/// Whether a request, or a status of an error, stands in it: such a line is not left out without a word.
fn may_be_of_a_request(text: &str) -> bool {
    let apart = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '/' | '_'));
    let mut words = text.split(apart).filter(|word| !word.is_empty());
    words.any(|word| {
        let status = word.len() == 3 && word.starts_with('5') && word.parse::<u16>().is_ok();
        status || METHODS.contains(&word.as_bytes())
    })
}

/// `I1127 06:43:00.000000       7 main.go:123] `: klog, of Kubernetes' programs.
fn is_klog(text: &str) -> bool {
    let mut bytes = text.bytes();
    let severity = bytes.next().is_some_and(|byte| matches!(byte, b'I' | b'W' | b'E' | b'F'));
    severity
        && text.get(1..5).is_some_and(|date| date.bytes().all(|byte| byte.is_ascii_digit()))
        && text.get(5..6) == Some(" ")
        && text.contains("] ")
}

/// Whether it belongs to the line before it: what is indented, and what ends an object or goes on with a trace.
pub(in crate::logs) fn goes_on(line: &[u8]) -> bool {
    if std::str::from_utf8(line).is_ok_and(may_be_of_a_request) {
        return false;
    }
    let begins = [&b" "[..], b"\t", b"}", b"]", b"Caused by:", b"Suppressed:", b"... "];
    begins.iter().any(|begin| line.starts_with(begin))
}
