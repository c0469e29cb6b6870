//! What the targets of requests have in common that ask for the same thing of another number.

use super::digest;

/// Characters from which on a name of hexadecimal digits is taken for a number.
const LONG: usize = 8;

/// A target with `*` for what tells one thing from another: numbers, long names of hexadecimal digits, and
/// the query.
pub fn pattern(target: &str) -> String {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let (path, rest) = target.split_at(end);
    let parts: Vec<String> = path.split('/').map(part).collect();
    let query = if rest.is_empty() { "" } else { "?*" };
    format!("{}{query}", parts.join("/"))
}

/// A part of a path; what follows its last dot stays, for it says of which kind it is.
fn part(part: &str) -> String {
    let (name, kind) =
        part.rsplit_once('.').map_or((part, None), |(name, kind)| (name, Some(kind)));
    match kind {
        _ if is_number(part.as_bytes()) => "*".to_owned(),
        Some(kind) if is_number(name.as_bytes()) => format!("*.{kind}"),
        _ => part.to_owned(),
    }
}

fn is_number(name: &[u8]) -> bool {
    let mut letters = name.iter().filter(|byte| !matches!(byte, b'-' | b'_')).peekable();
    if letters.peek().is_none() {
        return false;
    }
    let (mut all, mut digits, mut others) = (0_usize, 0_usize, 0_usize);
    for letter in letters {
        all = all.saturating_add(1);
        digits = digits.saturating_add(letter.is_ascii_digit().into());
        others = others.saturating_add((!letter.is_ascii_hexdigit()).into());
    }
    digits == all || others == 0 && digits > 0 && all >= LONG
}

/// A digest of the method and the pattern of a target's path; nothing is put together for it: logs have millions of
/// lines. Scheme, host and query are no part of it.
pub fn digest(method: &[u8], target: &[u8]) -> u64 {
    let target = path(target);
    let end = target.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(target.len());
    let parts = target.get(..end).unwrap_or(target).split(|byte| *byte == b'/');
    let parts = parts.flat_map(|part| {
        let dot = part.iter().rposition(|byte| *byte == b'.').unwrap_or(part.len());
        let (name, kind) = part.split_at(dot);
        let name = if is_number(name) { b"*".as_slice() } else { name };
        b"/".iter().chain(name).chain(kind)
    });
    digest::of(method.iter().chain(parts))
}

/// A target without scheme and host: `http://a:80/b?c` is `/b?c`.
pub fn path(target: &[u8]) -> &[u8] {
    let scheme = target.windows(3).take(8).position(|three| three == b"://");
    let Some(at) = scheme.filter(|_| !target.starts_with(b"/")) else { return target };
    let rest = target.get(at.saturating_add(3)..).unwrap_or_default();
    let slash = rest.iter().position(|byte| *byte == b'/');
    slash.and_then(|slash| rest.get(slash..)).unwrap_or(b"/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_one_thing_from_another_is_no_part_of_a_pattern() {
        for (target, expected) in [
            ("/", "/"),
            ("*", "*"),
            ("/orders/17", "/orders/*"),
            ("/orders/17/lines/3?page=2", "/orders/*/lines/*?*"),
            ("/v1/users/6f9619ff-8b86-d011-b42d-00c04fc964ff", "/v1/users/*"),
            ("/static/app.3f2a9c1b.js", "/static/app.3f2a9c1b.js"),
            ("/img/0815.png", "/img/*.png"),
            ("/facade/decade/2024-11-20", "/facade/decade/*"),
            ("/a#b", "/a?*"),
            ("/--/…", "/--/…"),
        ] {
            assert_eq!(pattern(target), expected);
        }
    }

    #[test]
    fn a_digest_is_of_the_method_and_of_what_was_asked_for() {
        let one = digest(b"GET", b"/orders/17?page=2");
        assert_eq!(one, digest(b"GET", b"https://a:443/orders/18"));
        assert_ne!(one, digest(b"POST", b"/orders/17"));
        assert_ne!(one, digest(b"GET", b"/orders"));
        assert_eq!(digest(b"GET", b"/img/0815.png"), digest(b"GET", b"/img/4711.png"));
        assert_eq!(path(b"http://a"), b"/");
        assert_eq!(path(b"/b://c"), b"/b://c");
    }
}
