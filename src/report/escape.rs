//! Captured text, made fit to be shown: nothing unprintable, no secrets.

/// `\xNN` for every byte that is not UTF-8, and for every character that does not print: control
/// characters, and those that reorder or hide text.
pub fn text(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if prints(character) {
                shown.push(character);
            } else {
                let mut buffer = [0; 4];
                push_hex(&mut shown, character.encode_utf8(&mut buffer).as_bytes());
            }
        }
        push_hex(&mut shown, chunk.invalid());
    }
    shown
}

/// The beginning of a line that could not be understood, secrets hidden as far as they can be known.
pub fn line(bytes: &[u8]) -> String {
    const SHOWN: usize = 160;
    let begin = bytes.get(..SHOWN).unwrap_or(bytes);
    let words: Vec<String> =
        begin.split(|byte| *byte == b' ').map(|word| target(word, false)).collect();
    let more = if bytes.len() > SHOWN { " …" } else { "" };
    format!("{}{more}", words.join(" "))
}

/// The debug form of a character is itself, unless it does not print or is a quote or backslash.
fn prints(character: char) -> bool {
    matches!(character, '\'' | '"' | '\\')
        || character.escape_debug().eq(std::iter::once(character))
}

fn push_hex(shown: &mut String, bytes: &[u8]) {
    for byte in bytes {
        shown.push_str(&format!("\\x{byte:02x}"));
    }
}

/// Query keys whose values are secrets, in lower case; any key that begins with `x-amz-` is one too.
const SECRET_KEYS: [&str; 17] = [
    "token",
    "sig",
    "signature",
    "password",
    "passwd",
    "pwd",
    "secret",
    "client_secret",
    "code",
    "key",
    "api_key",
    "apikey",
    "access_token",
    "refresh_token",
    "id_token",
    "auth",
    "session",
];

/// A request target, with `…` in place of secrets: values of telling query keys, and a user and
/// password before the host.
pub(super) fn target(bytes: &[u8], show_secrets: bool) -> String {
    if show_secrets {
        return text(bytes);
    }
    let mut shown = String::with_capacity(bytes.len());
    each_part(
        bytes,
        |part, is_secret| {
            if is_secret { shown.push('…') } else { shown.push_str(&text(part)) }
        },
    );
    shown
}

/// Takes a request target apart into what may be shown and what is secret, in order and whole.
pub fn each_part<'b>(target: &'b [u8], mut take: impl FnMut(&'b [u8], bool)) {
    let query = target.iter().position(|byte| *byte == b'?');
    let (path, query) = match query.and_then(|at| target.split_at_checked(at.saturating_add(1))) {
        Some((path, query)) => (path, query),
        None => (target, &[][..]),
    };
    match userinfo(path).and_then(|(from, to)| Some((path.get(..from)?, path.get(from..to)?, to))) {
        Some((scheme, userinfo, to)) => {
            take(scheme, false);
            take(userinfo, true);
            take(path.get(to..).unwrap_or_default(), false);
        }
        None => take(path, false),
    }
    for part in query.split_inclusive(|byte| matches!(byte, b'&' | b';')) {
        let (pair, separator) = match part {
            [pair @ .., b'&' | b';'] => part.split_at(pair.len()),
            pair => (pair, &[][..]),
        };
        let value = pair.iter().position(|byte| *byte == b'=').map(|at| at.saturating_add(1));
        match value.and_then(|at| pair.split_at_checked(at)) {
            Some((key @ [name @ .., _], value)) if is_secret(name) => {
                take(key, false);
                take(value, true);
            }
            _ => take(pair, false),
        }
        take(separator, false);
    }
}

/// Where the user and password in `scheme://user:password@host/` lie.
fn userinfo(path: &[u8]) -> Option<(usize, usize)> {
    let from = path.windows(3).position(|three| three == b"://")?.saturating_add(3);
    let authority = path.get(from..)?.split(|byte| *byte == b'/').next()?;
    let len = authority.iter().rposition(|byte| *byte == b'@')?;
    Some((from, from.saturating_add(len)))
}

fn is_secret(key: &[u8]) -> bool {
    let key = decoded(key).to_ascii_lowercase();
    key.starts_with(b"x-amz-") || SECRET_KEYS.iter().any(|secret| secret.as_bytes() == key)
}

/// `%74oken` is `token`.
fn decoded(key: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(key.len());
    let mut rest = key;
    while let [first, after @ ..] = rest {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high << 4 | low).unwrap_or_default());
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_print_is_escaped_and_never_dropped() {
        assert_eq!(text(b"/caf\xc3\xa9?a='1'"), "/café?a='1'");
        assert_eq!(text(b"\x1b[2J\xff\n"), "\\x1b[2J\\xff\\x0a");
        assert_eq!(text("a\u{202e}b".as_bytes()), "a\\xe2\\x80\\xaeb");
    }

    #[test]
    fn secrets_stay_hidden_unless_asked_for() {
        let hidden = |bytes: &[u8]| target(bytes, false);
        assert_eq!(hidden(b"/a?id=7&token=abc&x=1"), "/a?id=7&token=…&x=1");
        assert_eq!(hidden(b"/a?%74OKEN=abc"), "/a?%74OKEN=…");
        assert_eq!(hidden(b"/a?X-Amz-Credential=abc&sig"), "/a?X-Amz-Credential=…&sig");
        assert_eq!(hidden(b"/a?q=a?password=b;password=c"), "/a?q=a?password=b;password=…");
        assert_eq!(hidden(b"http://me:pw@shop/a?b=c"), "http://…@shop/a?b=c");
        assert_eq!(target(b"/a?token=abc", true), "/a?token=abc");
    }
}
