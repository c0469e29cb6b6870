//! What may be kept of a frame: headers of the network, and of HTTP heads all but what is secret.
//!
//! What is left out is overwritten in place, so that lengths and numbers stay right: bodies in front
//! of a head, the values of headers that are not on a short list, and the values of secret query keys.
//! A frame ends with the last head in it. Checksums are left as they were, and so no longer fit.

use crate::base::secret;
use crate::flow::{Head, Place};
use crate::packet::{Frame, FrameRef, LinkType, Segment};

/// Stands in place of what is left out.
const FILLER: u8 = b'x';

/// Headers whose values stay: they frame messages, name the software on either side, or identify the
/// request.
const PLAIN: [&str; 26] = [
    "accept-ranges",
    "age",
    "allow",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "retry-after",
    "server",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "x-amzn-trace-id",
    "x-forwarded-proto",
    "x-powered-by",
    "x-request-id",
];

/// What is kept of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redacted<'a> {
    pub(super) reference: FrameRef,
    pub(super) link: LinkType,
    pub(super) wire_len: u32,
    pub(super) bytes: &'a [u8],
}

impl<'a> Redacted<'a> {
    /// All of it.
    pub(super) fn whole(frame: &Frame<'a>) -> Self {
        let Frame { reference, link, wire_len, bytes } = *frame;
        Self { reference, link, wire_len, bytes }
    }
}

/// What may be kept of a frame with a segment. `scratch` is memory to use.
pub(super) fn segment<'a>(
    frame: &Frame<'a>,
    segment: &Segment<'_>,
    place: &Place,
    scratch: &'a mut Vec<u8>,
) -> Redacted<'a> {
    let payload = segment.payload;
    // The payload is a part of the frame: how far in?
    let before = payload.as_ptr().addr().saturating_sub(frame.bytes.as_ptr().addr());
    let before = if payload.is_empty() { frame.bytes.len() } else { before };
    let headers = frame.bytes.get(..before).unwrap_or(frame.bytes);
    scratch.clear();
    scratch.extend_from_slice(headers);
    if let Some(start) = place.pos {
        for head in place.heads.iter() {
            let Some((from, to)) = within(head, start.0, payload.len()) else {
                continue;
            };
            let kept = scratch.len().saturating_sub(before);
            scratch.resize(scratch.len().saturating_add(from.saturating_sub(kept)), FILLER);
            copy(payload.get(from..to).unwrap_or_default(), head.begins, scratch);
        }
    }
    let Frame { reference, link, wire_len, .. } = *frame;
    Redacted { reference, link, wire_len, bytes: scratch }
}

/// Where in a payload that begins at position `start` a part of a head lies.
fn within(head: Head, start: i64, len: usize) -> Option<(usize, usize)> {
    let from = usize::try_from(head.start.0.checked_sub(start)?).ok()?;
    let to = from.checked_add(usize::try_from(head.len).ok()?)?.min(len);
    (from < to).then_some((from, to))
}

/// Copies a part of a head without its secrets.
fn copy(part: &[u8], begins: bool, to: &mut Vec<u8>) {
    let mut lines = part.split_inclusive(|byte| *byte == b'\n');
    if let Some(first) = lines.next() {
        if begins {
            first_line(first, to);
        } else {
            // The rest of a line whose beginning is in another segment.
            fill(first, to);
        }
    }
    // A folded line belongs to the header before it (RFC 9112, section 5.2).
    for line in lines {
        let name = line.iter().position(|byte| *byte == b':').and_then(|colon| line.get(..colon));
        let plain = name.is_some_and(is_plain);
        match name {
            Some(name) if name.eq_ignore_ascii_case(b"host") => {
                let (name, value) = line.split_at(name.len().saturating_add(1));
                to.extend_from_slice(name);
                without_secrets(value, to);
            }
            Some(_) if plain => to.extend_from_slice(line),
            Some(name) if !name.first().is_some_and(u8::is_ascii_whitespace) => {
                let value = name.len().saturating_add(1);
                to.extend(line.iter().take(value));
                fill(line.get(value..).unwrap_or_default(), to);
            }
            _ => fill(line, to),
        }
    }
}

fn is_plain(name: &[u8]) -> bool {
    PLAIN.iter().any(|plain| plain.as_bytes().eq_ignore_ascii_case(name))
}

/// A request line without the values of secret query keys, or a status line.
fn first_line(line: &[u8], to: &mut Vec<u8>) {
    // What goes on in another segment, or is none after all, may be anything.
    let opening = line.split(|byte| *byte == b' ').next().unwrap_or(line);
    let method = opening.len() <= 16 && opening.iter().all(u8::is_ascii_uppercase);
    if opening.len() == line.len() || !(method || opening.starts_with(b"HTTP/")) {
        return fill(line, to);
    }
    let words = line.split_inclusive(|byte| *byte == b' ');
    for (place, word) in words.enumerate() {
        if place == 1 && !word.ends_with(b" ") && !line.ends_with(b"\n") {
            // It goes on in another segment: what it is may be said there.
            fill(word, to);
        } else if place == 1 && method {
            without_secrets(word, to);
        } else {
            to.extend_from_slice(word);
        }
    }
}

/// A target, or a host: even that can have a user before it.
fn without_secrets(text: &[u8], to: &mut Vec<u8>) {
    secret::each_part(
        text,
        |part, is_secret| {
            if is_secret { fill(part, to) } else { to.extend_from_slice(part) }
        },
    );
}

/// As much filler; what ends a line or a word stays.
fn fill(bytes: &[u8], to: &mut Vec<u8>) {
    to.extend(bytes.iter().map(|byte| match byte {
        b'\r' | b'\n' | b' ' => *byte,
        _ => FILLER,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(part: &str, begins: bool) -> String {
        let mut kept = Vec::new();
        copy(part.as_bytes(), begins, &mut kept);
        String::from_utf8(kept).unwrap()
    }

    #[test]
    fn values_that_are_not_listed_are_overwritten_and_lengths_stay() {
        let head = "POST /pay?id=7&token=abc HTTP/1.1\r\nHost: shop\r\nauthorization: Bearer s3cret\r\nCookie: a=b\r\nContent-Length: 12\r\n\r\n";
        let kept = copied(head, true);
        assert_eq!(
            kept,
            "POST /pay?id=7&token=xxx HTTP/1.1\r\nHost: shop\r\nauthorization: xxxxxx xxxxxx\r\nCookie: xxx\r\nContent-Length: 12\r\n\r\n"
        );
        assert_eq!(kept.len(), head.len());
    }

    #[test]
    fn what_begins_in_another_segment_is_not_trusted() {
        let kept =
            copied("rization: Bearer s3cret\r\nHost: shop\r\n folded: s3cret\r\nCookie", false);
        assert!(!kept.contains("s3cret"), "{kept}");
        assert!(kept.contains("Host: shop\r\n"), "{kept}");
        assert!(!kept.contains("Cookie"), "{kept}");
    }

    #[test]
    fn what_only_looks_like_the_beginning_of_a_head_is_not_trusted() {
        for part in ["eyJhbGciOiJIUzI1NiJ9.s3cret", "s3cret s3cret\r\n", "GETs3cret"] {
            assert!(!copied(part, true).contains("s3cret"), "{part}");
        }
    }

    #[test]
    fn a_user_before_a_host_is_overwritten() {
        let kept = copied("GET http://a:b@h/ HTTP/1.1\r\nHost: bob:s3cret@h:80\r\n\r\n", true);
        assert_eq!(kept, "GET http://xxx@h/ HTTP/1.1\r\nHost: xxxxxxxxxx@h:80\r\n\r\n");
    }

    #[test]
    fn a_status_line_stays() {
        let kept =
            copied("HTTP/1.1 502 Bad Gateway\r\nSet-Cookie: a=b\r\nServer: nginx\r\n\r\n", true);
        assert_eq!(kept, "HTTP/1.1 502 Bad Gateway\r\nSet-Cookie: xxx\r\nServer: nginx\r\n\r\n");
    }
}
