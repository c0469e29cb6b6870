//! Which bytes of a head are harmless: the first line but for secrets in its target, the names of headers, and the
//! values of a few. What ends lines and words is, too, so that it can be seen where something was left out.

use crate::base::secret;
use std::ops::Range;

/// Headers whose values are harmless: they frame messages, name the software on either side, or identify the
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

/// Calls `keep` with each range of harmless bytes in a part of a head, in order and without overlap. The head `begins`
/// with it, or began in an earlier segment. From the first line on that is none of a head's, nothing is harmless.
pub(in crate::exchange) fn each(part: &[u8], begins: bool, keep: &mut dyn FnMut(Range<usize>)) {
    let mut walk = HarmlessWalk { at: 0, keep };
    let mut lines = part.split_inclusive(|byte| *byte == b'\n');
    match lines.next() {
        Some(first) if begins => {
            if !walk.first_line(first) {
                return;
            }
        }
        // The rest of a line whose beginning is in another segment.
        Some(first) => walk.secret(first),
        None => return,
    }
    for line in lines {
        if !walk.line(line) {
            return;
        }
    }
}

/// Goes over the bytes of a head.
struct HarmlessWalk<'k> {
    at: usize,
    keep: &'k mut dyn FnMut(Range<usize>),
}

impl HarmlessWalk<'_> {
    fn harmless(&mut self, bytes: &[u8]) {
        let end = self.at.saturating_add(bytes.len());
        (self.keep)(self.at..end);
        self.at = end;
    }

    fn secret(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let end = self.at.saturating_add(1);
            if matches!(byte, b'\r' | b'\n' | b' ') {
                (self.keep)(self.at..end);
            }
            self.at = end;
        }
    }

    /// A target, or a host: even that can have a user before it.
    fn but_for_secrets(&mut self, text: &[u8]) {
        secret::each_part(
            text,
            |part, is_secret| {
                if is_secret { self.secret(part) } else { self.harmless(part) }
            },
        );
    }

    /// Takes a request line without the values of secret query keys, or a status line; returns whether it is one.
    fn first_line(&mut self, line: &[u8]) -> bool {
        // What goes on in another segment, or is none after all, may be anything.
        let opening = line.split(|byte| *byte == b' ').next().unwrap_or(line);
        let method = opening.len() <= 16 && opening.iter().all(u8::is_ascii_uppercase);
        if opening.len() == line.len() || !(method || opening.starts_with(b"HTTP/")) {
            self.secret(line);
            return false;
        }
        for (place, word) in line.split_inclusive(|byte| *byte == b' ').enumerate() {
            if place == 1 && !word.ends_with(b" ") && !line.ends_with(b"\n") {
                // It goes on in another segment: what it is may be said there.
                self.secret(word);
            } else if place == 1 && method {
                self.but_for_secrets(word);
            } else {
                self.harmless(word);
            }
        }
        true
    }

    /// Takes a line after the first; returns whether it may be one of a head.
    fn line(&mut self, line: &[u8]) -> bool {
        let name = line.iter().position(|byte| *byte == b':').and_then(|colon| line.get(..colon));
        // A folded line belongs to the header before it (RFC 9112, section 5.2).
        let folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        let Some(name) = name.filter(|name| !folded && is_token(name)) else {
            self.secret(line);
            // The last one goes on in another segment.
            return folded || matches!(line, b"\r\n" | b"\n") || !line.ends_with(b"\n");
        };
        let (name, value) = line.split_at(name.len().saturating_add(1));
        self.harmless(name);
        let name = name.split_last().map_or(name, |(_, name)| name);
        let plain = PLAIN.iter().any(|plain| plain.as_bytes().eq_ignore_ascii_case(name));
        match plain {
            // What goes on in another segment may be a user in front of a host.
            true if name.eq_ignore_ascii_case(b"host") && !line.ends_with(b"\n") => {
                self.secret(value);
            }
            true if name.eq_ignore_ascii_case(b"host") => self.but_for_secrets(value),
            true => self.harmless(value),
            false => self.secret(value),
        }
        true
    }
}

/// A name as headers have it (RFC 9110, section 5.6.2), with what some put before the colon.
fn is_token(name: &[u8]) -> bool {
    let name = name.trim_ascii_end();
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part of a head with a filler in place of what is not harmless.
    fn kept(part: &str, begins: bool) -> String {
        let mut kept = vec![b'x'; part.len()];
        let mut end = 0;
        each(part.as_bytes(), begins, &mut |range| {
            assert!(range.start >= end, "in order");
            end = range.end;
            kept[range.clone()].copy_from_slice(&part.as_bytes()[range]);
        });
        String::from_utf8(kept).unwrap()
    }

    #[test]
    fn values_that_are_not_listed_are_secret_and_names_are_not() {
        let head = "POST /pay?id=7&token=abc HTTP/1.1\r\nHost: shop\r\nauthorization: Bearer s3cret\r\nCookie: a=b\r\nContent-Length: 12\r\n\r\n";
        assert_eq!(
            kept(head, true),
            "POST /pay?id=7&token=xxx HTTP/1.1\r\nHost: shop\r\nauthorization: xxxxxx xxxxxx\r\nCookie: xxx\r\nContent-Length: 12\r\n\r\n"
        );
    }

    #[test]
    fn what_begins_in_another_segment_is_not_trusted() {
        let kept =
            kept("rization: Bearer s3cret\r\nHost: shop\r\n folded: s3cret\r\nCookie", false);
        assert!(!kept.contains("s3cret"), "{kept}");
        assert!(kept.contains("Host: shop\r\n"), "{kept}");
        assert!(!kept.contains("Cookie"), "{kept}");
    }

    #[test]
    fn what_only_looks_like_the_beginning_of_a_head_is_not_trusted() {
        for part in ["eyJhbGciOiJIUzI1NiJ9.s3cret", "s3cret s3cret\r\n", "GETs3cret"] {
            assert!(!kept(part, true).contains("s3cret"), "{part}");
        }
    }

    #[test]
    fn what_follows_a_line_that_is_none_of_a_heads_is_not_trusted() {
        for part in [
            "not a head\r\nServer: s3cret\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nno header\r\nServer: s3cret\r\n",
            "GET / HTTP/1.1\r\n{\"a b\": 1}\r\nServer: s3cret\r\n",
        ] {
            assert!(!kept(part, true).contains("s3cret"), "{part}");
        }
        assert!(!kept("ue\r\n{\"a\": 1,\r\nServer: s3cret\r\n", false).contains("s3cret"));
        let next = kept("GET / HTTP/1.1\r\n\r\nServer: nginx\r\n", true);
        assert!(next.ends_with("Server: nginx\r\n"), "{next}");
    }

    #[test]
    fn a_user_before_a_host_is_secret() {
        let kept = kept("GET http://a:b@h/ HTTP/1.1\r\nHost: bob:s3cret@h:80\r\n\r\n", true);
        assert_eq!(kept, "GET http://xxx@h/ HTTP/1.1\r\nHost: xxxxxxxxxx@h:80\r\n\r\n");
    }

    #[test]
    fn a_status_line_is_harmless() {
        let kept =
            kept("HTTP/1.1 502 Bad Gateway\r\nSet-Cookie: a=b\r\nServer: nginx\r\n\r\n", true);
        assert_eq!(kept, "HTTP/1.1 502 Bad Gateway\r\nSet-Cookie: xxx\r\nServer: nginx\r\n\r\n");
    }

    #[test]
    fn whatever_stands_there_no_range_is_out_of_it() {
        for part in ["", "\n", ":", "\r\n:\n", "GET ", " a: b", "a :b\n", "HTTP/1.1 \n:\n"] {
            for begins in [true, false] {
                assert_eq!(kept(part, begins).len(), part.len());
            }
        }
    }
}
