//! Runtimes of containers and their tools: CRI, `docker logs -t`, `docker compose logs`, `kubectl logs --prefix`.

use super::unwrapped::{OutputStream, SplitLine, Unwrapped, time, word};
use std::borrow::Cow;

/// `2026-11-27T06:43:35.123456789Z stdout F ` (Kubernetes' CRI logging format); P where more follows.
pub(super) fn part(line: &[u8]) -> Option<SplitLine<'_>> {
    let (when, rest) = word(line)?;
    let (stream, rest) = word(rest)?;
    let stream = match stream {
        b"stdout" => OutputStream::Output,
        b"stderr" => OutputStream::Error,
        _ => return None,
    };
    // Nothing may be inside.
    let (tag, text) = word(rest).unwrap_or((rest, b""));
    // A tag may have more words behind colons.
    let goes_on = match tag.split(|byte| *byte == b':').next()? {
        b"F" => false,
        b"P" => true,
        _ => return None,
    };
    Some(SplitLine { text: Cow::Borrowed(text), at: Some(time(when)?), stream, goes_on })
}

pub(super) fn peel(line: &[u8]) -> Option<Unwrapped<'_>> {
    if let Some(part) = part(line) {
        return Some(Unwrapped { text: part.text, at: part.at });
    }
    let text = pod(line).or_else(|| service(line))?;
    Some(Unwrapped { text: Cow::Borrowed(text), at: None })
}

/// A time before the line: `docker logs -t`, `kubectl logs --timestamps`, an export of CloudWatch.
pub(super) fn peel_time(line: &[u8]) -> Option<Unwrapped<'_>> {
    let (when, rest) = word(line)?;
    Some(Unwrapped { at: Some(time(when)?), text: Cow::Borrowed(rest) })
}

/// `[pod/NAME/CONTAINER] `.
fn pod(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"[pod/")?;
    let end = rest.iter().position(|byte| *byte == b']')?;
    rest.get(end.saturating_add(1)..)?.strip_prefix(b" ")
}

/// `NAME-1  | `.
fn service(line: &[u8]) -> Option<&[u8]> {
    let bar = line.iter().take(96).position(|byte| *byte == b'|')?;
    let name = line.get(..bar)?.strip_suffix(b" ")?.trim_ascii_end();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let named = !name.is_empty() && name.iter().all(plain);
    let rest = line.get(bar.saturating_add(1)..)?;
    named.then(|| rest.strip_prefix(b" ").unwrap_or(rest))
}
