//! What only a terminal, or an editor, understands: colours, and a byte order mark.

use super::unwrapped::Unwrapped;
use std::borrow::Cow;

/// Escape sequences of colours and their kin (ECMA-48, 5.4: `ESC [` … a byte from `@` to `~`), and a mark before
/// all else.
pub(super) fn peel(line: &[u8]) -> Option<Unwrapped<'_>> {
    if let Some(rest) = line.strip_prefix(b"\xef\xbb\xbf") {
        return Some(Unwrapped { text: Cow::Borrowed(rest), at: None });
    }
    if !line.contains(&0x1b) {
        return None;
    }
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.iter().position(|byte| *byte == 0x1b) {
        text.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
        if let Some(inside) = rest.strip_prefix(b"[") {
            let end = inside.iter().position(|byte| (b'@'..=b'~').contains(byte));
            rest = end.and_then(|end| inside.get(end.saturating_add(1)..)).unwrap_or_default();
        }
    }
    text.extend_from_slice(rest);
    Some(Unwrapped { text: Cow::Owned(text), at: None })
}
