//! Syslog: RFC 3164, RFC 5424, and what rsyslog, journald and Heroku's Logplex write in their place.

use super::unwrapped::{Unwrapped, time, word};
use crate::logs::times::LogTime;
use std::borrow::Cow;

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

pub(super) fn peel(line: &[u8]) -> Option<Unwrapped<'_>> {
    let inside = without_priority(line);
    if let Some(rest) = inside.unwrap_or(line).strip_prefix(b"1 ").filter(|_| inside.is_some()) {
        return rfc5424(rest);
    }
    let line = inside.unwrap_or(line);
    rfc3164(line).or_else(|| iso(line))
}

/// What follows `<190>`.
fn without_priority(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let digits = rest.get(..end).filter(|digits| !digits.is_empty())?;
    digits.iter().all(u8::is_ascii_digit).then(|| rest.get(end.saturating_add(1)..))?
}

/// `TIME HOST APP PID MSGID [structured data] MESSAGE` (RFC 5424, 6).
fn rfc5424(line: &[u8]) -> Option<Unwrapped<'_>> {
    let (when, mut rest) = word(line)?;
    for _ in 0..4 {
        rest = word(rest)?.1;
    }
    let text = match rest.strip_prefix(b"-") {
        Some(rest) => rest,
        None => after_structured_data(rest)?,
    };
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    Some(Unwrapped { text: Cow::Borrowed(text), at: time(when) })
}

/// Elements in brackets, one behind the other; a bracket within quotes may be escaped.
fn after_structured_data(line: &[u8]) -> Option<&[u8]> {
    let mut rest = line;
    while let Some(inside) = rest.strip_prefix(b"[") {
        let (mut quoted, mut escaped) = (false, false);
        let end = inside.iter().position(|byte| {
            let ends = *byte == b']' && !quoted;
            quoted ^= *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })?;
        rest = inside.get(end.saturating_add(1)..)?;
    }
    (rest.len() < line.len()).then_some(rest)
}

/// `Nov 27 06:43:35 HOST TAG[PID]: `. Its time has no year, and is not used.
fn rfc3164(line: &[u8]) -> Option<Unwrapped<'_>> {
    let (month, rest) = word(line)?;
    if !MONTHS.contains(&month) {
        return None;
    }
    let (day, rest) = word(rest.strip_prefix(b" ").unwrap_or(rest))?;
    let (clock, rest) = word(rest)?;
    let is_clock = clock.len() >= 8 && clock.get(2) == Some(&b':') && clock.get(5) == Some(&b':');
    if day.len() > 2 || !day.iter().all(u8::is_ascii_digit) || !is_clock {
        return None;
    }
    Some(Unwrapped { text: Cow::Borrowed(behind_tag(rest)?), at: None })
}

/// `2026-11-27T06:43:35.123456+00:00 HOST TAG[PID]: `; Heroku has no host.
fn iso(line: &[u8]) -> Option<Unwrapped<'_>> {
    let (when, rest) = word(line)?;
    let at: LogTime = time(when)?;
    Some(Unwrapped { text: Cow::Borrowed(behind_tag(rest)?), at: Some(at) })
}

/// What follows a tag and its colon, with or without a host before it.
fn behind_tag(line: &[u8]) -> Option<&[u8]> {
    let tag = |word: &[u8]| {
        let name = word.strip_suffix(b":")?;
        let plain =
            |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'=' | b'{');
        // A time ends in a colon nowhere; an address and port with one is the begin of HAProxy's line.
        let named = name.first().is_some_and(u8::is_ascii_alphabetic);
        (named && name.len() <= 64 && name.iter().all(plain)).then_some(())
    };
    let (first, rest) = word(line)?;
    if tag(first).is_some() {
        return Some(rest);
    }
    let host =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    let (second, after) = word(rest)?;
    (first.iter().all(host) && tag(second).is_some()).then_some(after)
}
