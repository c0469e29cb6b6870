//! What is wrong with a response that real proxies may refuse.
//!
//! Framing is lenient, as proxies are: bare line feeds, odd spaces, folded lines are read. What is
//! noted here is beyond that, and only where nothing is missing from the capture: the middle of
//! something looks malformed, too.

use super::start_line::status_line;
use crate::exchange::{FlawKind, detect};

impl FlawKind {
    /// What bytes are that were to begin a response and do not.
    pub(super) fn of_opening(bytes: &[u8]) -> Self {
        match bytes {
            [0x15 | 0x16, 3, 0..=4, ..] => Self::Tls,
            // SETTINGS, or GOAWAY: length, type, flags, stream 0 (RFC 9113, sections 6.5 and 6.8).
            [0, _, _, 4, 0 | 1, 0, 0, 0, 0, ..] | [0, _, _, 7, 0, 0, 0, 0, 0, ..] => Self::Http2,
            _ if !bytes.starts_with(b"HTTP/") => Self::NoStatusLine,
            // The status line is there; it has four digits, or what follows it is not in order.
            _ if detect::is_certain_status(bytes, false) => match status_line(bytes) {
                Some(_) => Self::HeaderLine,
                None => Self::Status,
            },
            _ => Self::StatusLine,
        }
    }
}

/// Whether a head holds a line that is no header, of which the parser read `headers`: neither with a
/// colon nor the continuation of the one before (RFC 9112, section 5.2).
pub(super) fn has_odd_line(head: &[u8], headers: usize) -> bool {
    let lines = head.iter().filter(|byte| **byte == b'\n').count();
    // The status line and the empty one; empty lines before the first.
    if lines <= headers.saturating_add(2) {
        return false;
    }
    let lines = head.trim_ascii().split(|byte| *byte == b'\n').skip(1);
    lines.into_iter().any(|line| match line.first() {
        None | Some(b' ' | b'\t' | b'\r') => false,
        Some(_) => match line.iter().position(|byte| *byte == b':') {
            None | Some(0) => true,
            Some(colon) => {
                let (name, value) = line.split_at_checked(colon).unwrap_or_default();
                let value = value.strip_suffix(b"\r").unwrap_or(value);
                !name.trim_ascii_end().iter().all(|byte| detect::is_token_byte(*byte))
                    || value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proxies_put_up_with_is_no_odd_line() {
        for head in [
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
            "HTTP/1.1 200 OK\nA: b\nC : d\n\n",
            "\r\nHTTP/1.1 200 OK\r\nA: b\r\n c\r\n\tc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Odd~!: \r\n\r\n",
        ] {
            assert!(!has_odd_line(head.as_bytes(), 0), "{head}");
        }
    }

    #[test]
    fn a_line_without_a_name_is_odd() {
        for line in
            ["this is not a header", ": no name", "two words: x", "\u{1}: x", "X(a): b", "A: \u{1}"]
        {
            let head = format!("HTTP/1.1 200 OK\r\nA: b\r\n{line}\r\nC: d\r\n\r\n");
            assert!(has_odd_line(head.as_bytes(), 2), "{line}");
        }
    }

    #[test]
    fn other_protocols_are_known_by_their_first_bytes() {
        assert_eq!(FlawKind::of_opening(&[0x15, 3, 1, 0, 2, 2, 70]), FlawKind::Tls);
        assert_eq!(FlawKind::of_opening(&[0, 0, 18, 4, 0, 0, 0, 0, 0, 0]), FlawKind::Http2);
        assert_eq!(FlawKind::of_opening(b"500 sorry"), FlawKind::NoStatusLine);
        assert_eq!(FlawKind::of_opening(b"HTTP/1.1\nA: b"), FlawKind::StatusLine);
        assert_eq!(FlawKind::of_opening(b"HTTP/1.1 20 OK\r\n"), FlawKind::StatusLine);
        assert_eq!(FlawKind::of_opening(b"HTTP/1.1 2000 OK\r\n"), FlawKind::Status);
        assert_eq!(FlawKind::of_opening(b"HTTP/1.1 200 OK\r\nA:\r b"), FlawKind::HeaderLine);
    }
}
