//! Heads that the snap length cut: what the captured part says.

use super::head::{self, HeadRead, Parsed, ResponseHead};
use super::start_line::status_line;
use crate::exchange::detect::{self, LineLook};
use crate::exchange::{FlawKind, RequestHead};

/// What there is of a request's head.
pub(super) struct CutRequest {
    /// Beyond doubt this is a request.
    pub(super) certain: bool,
    /// The method that it begins, one of those that are known.
    pub(super) method: Option<&'static [u8]>,
    /// What it asks, as far as that was captured.
    pub(super) head: Option<RequestHead>,
}

/// What there is of a response's head.
pub(super) struct CutResponse {
    pub(super) status: Option<u16>,
    /// What the lines say that were captured to their end.
    pub(super) lines: Option<ResponseHead>,
    /// The length of its body begins with these digits.
    pub(super) least: Option<u64>,
    /// What it is if that is no response.
    pub(super) kind: FlawKind,
}

/// Reads what there is of a request's head.
pub(super) fn request(bytes: &[u8]) -> CutRequest {
    let line = detect::request_line(bytes);
    let certain = line == LineLook::Odd || detect::is_request(bytes);
    let head = match line {
        LineLook::Request => match whole_lines(bytes).map(|lines| head::request(&lines)) {
            Some(Parsed::Whole(HeadRead { head, .. })) => Some(head),
            _ => None,
        },
        LineLook::Begun if certain => begun_line(bytes),
        LineLook::Begun | LineLook::Odd | LineLook::Other => None,
    };
    CutRequest { certain, method: detect::method_begun(bytes), head }
}

/// Reads what there is of the head of the response to a request of this `method`.
pub(super) fn response(bytes: &[u8], method: Option<&[u8]>) -> CutResponse {
    let lines = match whole_lines(bytes).map(|lines| head::response(&lines, method)) {
        Some(Parsed::Whole(HeadRead { head, .. })) => Some(head),
        _ => None,
    };
    let bodiless = lines.as_ref().is_none_or(|lines| lines.bodiless);
    let least = begun_length(bytes).filter(|_| !bodiless);
    CutResponse { status: status_line(bytes), lines, least, kind: FlawKind::of_opening(bytes) }
}

/// The digits with which a length begins whose line was cut: the number is no smaller.
fn begun_length(bytes: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = bytes.rsplit(|byte| *byte == b'\n').next()?.split_at_checked(NAME.len())?;
    let digits = std::str::from_utf8(value.trim_ascii()).ok()?;
    let number = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| number && name.eq_ignore_ascii_case(NAME))
}

/// What follows the target of a request.
const VERSION: &[u8] = b"HTTP/1.";

/// The lines that were captured to their end, as if they were all; `None` where there are none.
fn whole_lines(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n')?.checked_add(1)?;
    Some([bytes.get(..end)?, b"\r\n"].concat())
}

/// Method and target of a first line that was cut. Of a query no parameter stays that may be half of one:
/// whoever looks for it elsewhere would find others.
fn begun_line(line: &[u8]) -> Option<RequestHead> {
    let method = line.iter().position(|byte| *byte == b' ')?;
    let (method, rest) = line.split_at_checked(method)?;
    let rest = rest.trim_ascii_start();
    let end = rest.iter().position(|byte| *byte == b' ');
    let (target, version) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    let version = version.trim_ascii();
    let whole =
        end.is_some() && VERSION.starts_with(version.get(..VERSION.len()).unwrap_or(version));
    let kept = match target.iter().position(|byte| *byte == b'?') {
        Some(query) if !whole => {
            let parameter = target.iter().rposition(|byte| *byte == b'&').unwrap_or(query);
            target.get(..parameter.max(query))?
        }
        _ => target,
    };
    let kept = if whole { kept } else { before_user(kept) };
    let mut head = RequestHead::new(method, kept, b"", b"");
    head.target_cut = !whole;
    Some(head)
}

/// The target before what may be a user and a password: what names a host may have them in front, and where it was
/// cut the `@` behind them does not show.
fn before_user(target: &[u8]) -> &[u8] {
    let authority = target.windows(2).rposition(|pair| pair == b"//");
    let begin = match authority {
        Some(slashes) => slashes.saturating_add(2),
        None if target.starts_with(b"/") => return target,
        None => 0,
    };
    let named = target.get(begin..).is_some_and(|rest| rest.contains(&b'/'));
    if named { target } else { target.get(..begin).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_may_be_a_user_in_a_target_that_was_cut_nothing_is_told() {
        for (line, target) in [
            (&b"GET http://bob:s3cr"[..], "http://"),
            (b"GET http://bob:s3cret@h/a", "http://bob:s3cret@h/a"),
            (b"CONNECT bob:s3c", ""),
            (b"GET //bob:s", "//"),
            (b"GET /a/b", "/a/b"),
        ] {
            assert_eq!(asked(line).map_or(String::new(), |asked| asked.1), target);
        }
    }

    /// Method, target and whether that was cut.
    fn asked(bytes: &[u8]) -> Option<(String, String, bool)> {
        let head = request(bytes).head?;
        let text = |field: &[u8]| String::from_utf8(field.to_vec()).unwrap();
        Some((text(head.method()), text(head.target()), head.target_cut))
    }

    #[test]
    fn of_a_cut_request_what_was_captured_is_told() {
        let known = |method: &str, target: &str, cut| Some((method.into(), target.into(), cut));
        assert_eq!(asked(b"GET /a?b=c HTTP/1.1\r\nHo"), known("GET", "/a?b=c", false));
        assert_eq!(asked(b"GET /a?b=c HTTP/1."), known("GET", "/a?b=c", false));
        assert_eq!(asked(b"GET /a?b=c "), known("GET", "/a?b=c", false));
        assert_eq!(asked(b"POST /orders/17"), known("POST", "/orders/17", true));
        assert_eq!(asked(b"GET /"), known("GET", "/", true));
        assert_eq!(asked(b"GET "), None);
        assert_eq!(asked(b"GE"), None);
        assert_eq!(asked(b"GE\x00/"), None);
    }

    /// Half a value is another value.
    #[test]
    fn of_a_cut_query_whole_parameters_are_told() {
        for (line, target) in [
            ("GET /a?token=s3cr", "/a"),
            ("GET /a?", "/a"),
            ("GET /a?b=1&token=s3c", "/a?b=1"),
            ("GET /a?b=1&c=2&", "/a?b=1&c=2"),
        ] {
            assert_eq!(asked(line.as_bytes()), Some(("GET".into(), target.into(), true)), "{line}");
        }
    }

    #[test]
    fn two_letters_may_begin_a_request_and_no_more() {
        let begun = |bytes: &[u8]| (request(bytes).certain, request(bytes).method);
        assert_eq!(begun(b"GE"), (false, Some(&b"GET"[..])));
        assert_eq!(begun(b"POST "), (false, Some(&b"POST"[..])));
        assert_eq!(begun(b"GET /"), (true, Some(&b"GET"[..])));
        for other in [&b"G"[..], b"*3", b"GET\r\n", b"GE ", b"\x16\x03", b"ge"] {
            assert_eq!(begun(other), (false, None), "{other:?}");
        }
    }

    #[test]
    fn the_lines_that_were_captured_are_read() {
        let head = request(b"GET /a HTTP/1.1\r\nHost: shop\r\nX-Request-Id: r-").head.unwrap();
        assert_eq!((head.host(), head.request_id()), (&b"shop"[..], &b""[..]));
        let cut = response(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nX-A", Some(b"GET"));
        assert_eq!(cut.status, Some(200));
        assert_eq!(cut.lines.unwrap().expected, Some(900));
        // Of a number that was cut it is not known how long it is; and a HEAD has no body.
        for (bytes, method) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 900"[..], "GET"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nX", "HEAD"),
            (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\nX", "GET"),
        ] {
            let expected = response(bytes, Some(method.as_bytes())).lines.unwrap().expected;
            assert_eq!(expected, None, "{method}");
        }
        for (bytes, least) in [
            (&b"HTTP/1.1 200 OK\r\ncontent-length: 900"[..], Some(900)),
            (b"HTTP/1.1 200 OK\r\nContent-Length:", None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9x", None),
            (b"HTTP/1.1 204 No Content\r\nContent-Length: 900", None),
            (b"HTTP/1.1 200 OK\r\nX-Content-Length: 900", None),
            (b"Content-Length: 900", None),
        ] {
            assert_eq!(response(bytes, Some(b"GET")).least, least);
        }
        assert_eq!(response(b"HTTP/1.1 404 Not", None).status, Some(404));
        assert_eq!(response(b"HTTP/1.1 4", None).status, None);
        assert_eq!(response(b"HT", None).status, None);
    }
}
