//! What of a request target is secret: the one idea of it that everything shown and every file written
//! shares.
//!
//! A target is read as whoever receives it may read it: percent-encodings undone as often as they were
//! done, since URLs carry URLs. What is secret is known by where it stands, never by what it looks like:
//! the value of a telling key, and a user and password before a host.

use std::ops::Range;

/// A part of a key's name that is, begins or ends with one of these makes its value secret.
const LONG: [&str; 22] = [
    "token",
    "secret",
    "signature",
    "hmac",
    "pass",
    "password",
    "passwd",
    "passphrase",
    "auth",
    "authorization",
    "bearer",
    "session",
    "jsessionid",
    "cookie",
    "credential",
    "saml",
    "samlresponse",
    "ticket",
    "apikey",
    "code",
    "nonce",
    "private",
];
/// So short that other words begin and end with them: they tell only as a whole part.
const SHORT: [&str; 7] = ["sig", "pwd", "pin", "otp", "sid", "jwt", "key"];

/// Takes a request target apart into what may be shown and what is secret, in order and whole.
pub fn each_part<'b>(target: &'b [u8], mut take: impl FnMut(&'b [u8], bool)) {
    let mut done = 0;
    for Range { start, end } in secrets(target) {
        take(target.get(done..start).unwrap_or_default(), false);
        take(target.get(start..end).unwrap_or_default(), true);
        done = end;
    }
    take(target.get(done..).unwrap_or_default(), false);
}

/// Where secrets lie, in order, none of them empty, none touching another.
fn secrets(target: &[u8]) -> Vec<Range<usize>> {
    let telling = |byte: &u8| matches!(byte, b'=' | b'@' | b'%' | b'"' | b'\'' | b'{');
    // Most targets have nowhere to keep one; a cut one may.
    let slashes = |two: &[u8]| matches!(two, [b'/' | b'\\', b'/' | b'\\']);
    if !target.iter().any(telling) && !target.windows(2).any(slashes) {
        return Vec::new();
    }
    let plain = DecodedTarget::of(target);
    let mut found: Vec<Range<usize>> = plain.values().chain(plain.users()).collect();
    found.retain(|one| !one.is_empty());
    found.sort_unstable_by_key(|one| (one.start, one.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for one in found {
        match joined.last_mut().filter(|last| one.start <= last.end) {
            Some(last) => last.end = last.end.max(one.end),
            None => joined.push(one),
        }
    }
    joined
}

/// A byte of a target, percent-encoding undone.
#[derive(Clone, Copy)]
struct Letter {
    byte: u8,
    /// Where it begins in the target.
    start: usize,
    /// How often it was encoded.
    depth: u8,
}

/// A target with all percent-encoding undone.
struct DecodedTarget<'t> {
    target: &'t [u8],
    /// Where its path ends.
    path: usize,
    letters: Vec<Letter>,
}

impl<'t> DecodedTarget<'t> {
    fn of(target: &'t [u8]) -> Self {
        let mut letters: Vec<Letter> = Vec::with_capacity(target.len());
        for (start, byte) in target.iter().copied().enumerate() {
            letters.push(Letter { byte, start, depth: 0 });
            // What an encoding stood for may complete another.
            while let [.., percent, high, low] = letters.as_slice()
                && percent.byte == b'%'
                && let Some(high_digit) = char::from(high.byte).to_digit(16)
                && let Some(low_digit) = char::from(low.byte).to_digit(16)
            {
                let depth = percent.depth.max(high.depth).max(low.depth).saturating_add(1);
                let start = percent.start;
                let byte = u8::try_from(high_digit << 4 | low_digit).unwrap_or_default();
                letters.truncate(letters.len().saturating_sub(3));
                letters.push(Letter { byte, start, depth });
            }
        }
        let path = target.iter().position(|byte| matches!(byte, b'?' | b'#'));
        Self { target, path: path.unwrap_or(target.len()), letters }
    }

    /// Where the letter at `place` begins in the target; its end, past the last one.
    fn start(&self, place: usize) -> usize {
        self.letters.get(place).map_or(self.target.len(), |letter| letter.start)
    }

    /// The values of telling keys.
    fn values(&self) -> impl Iterator<Item = Range<usize>> {
        let (mut key, mut found_to) = (0, 0);
        self.letters.iter().enumerate().filter_map(move |(place, letter)| {
            let after = place.saturating_add(1);
            let from = self.start(after);
            let name = || self.letters.get(key..place).unwrap_or_default();
            let found = match letter.byte {
                // In the value that was found last.
                _ if from < found_to => return None,
                b'=' => is_secret(name()),
                // `{"token":"…"}` and its like; elsewhere a colon stands between other things.
                b':' => is_member(name()) && is_secret(name()),
                b'?' | b'&' | b';' | b'#' | b'/' | b',' | b'{' => false,
                _ => return None,
            };
            key = after;
            found.then(|| {
                let rest = self.target.get(from..).unwrap_or_default();
                // Encoded ends may be of the secret itself: only those that were sent as such count.
                let ends = |byte: &u8| match from > self.path {
                    true => *byte == b'&',
                    false => matches!(byte, b'/' | b';' | b'?'),
                };
                let len = rest.iter().position(ends).unwrap_or(rest.len());
                found_to = from.saturating_add(len);
                from..found_to
            })
        })
    }

    /// Users and passwords before hosts: `//user:password@host`, and the same without slashes, as
    /// CONNECT and `Host` have it.
    fn users(&self) -> impl Iterator<Item = Range<usize>> {
        let bytes = self.letters.windows(2).enumerate().filter_map(|(place, two)| match two {
            [one, two] if is_slash(one.byte) && is_slash(two.byte) => {
                Some((place.saturating_add(2), one.depth.max(two.depth)))
            }
            _ => None,
        });
        let bare = self.letters.first().filter(|first| !is_slash(first.byte)).map(|_| (0, 0));
        bare.into_iter().chain(bytes).filter_map(|(from, depth)| self.user(from, depth))
    }

    /// The user and password of what begins at the letter `from`, in a URL that was encoded `depth`
    /// times.
    fn user(&self, from: usize, depth: u8) -> Option<Range<usize>> {
        let rest = self.letters.get(from..)?;
        let in_query = self.start(from) > self.path;
        // A slash that was encoded more often is a part of the password; so is a question mark.
        let ends = |letter: &Letter| {
            is_slash(letter.byte) && letter.depth <= depth
                || in_query && letter.byte == b'&' && letter.depth == 0
        };
        let end = rest.iter().position(ends);
        let authority = rest.get(..end.unwrap_or(rest.len()))?;
        let user = match authority.iter().rposition(|letter| letter.byte == b'@') {
            Some(at) => at,
            // The target was cut: what stands before an `@` that was not kept, or a host and its port.
            None if end.is_none() && from > 0 && !is_host(authority) => authority.len(),
            None => return None,
        };
        Some(self.start(from)..self.start(from.saturating_add(user)))
    }
}

/// Browsers take both.
fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// A host, perhaps with its port, or with what a URL without a path has after it.
fn is_host(authority: &[Letter]) -> bool {
    let end = authority.iter().position(|letter| matches!(letter.byte, b'?' | b'#'));
    let host = authority.get(..end.unwrap_or(authority.len())).unwrap_or_default();
    match host.iter().rposition(|letter| letter.byte == b':') {
        // `[2001:db8::1]` has more of them.
        Some(_) if host.first().is_some_and(|letter| letter.byte == b'[') => true,
        Some(colon) => {
            host.iter().skip(colon.saturating_add(1)).all(|one| one.byte.is_ascii_digit())
        }
        None => true,
    }
}

/// What stands before a colon is a name in quotes.
fn is_member(name: &[Letter]) -> bool {
    let mut bytes =
        name.iter().map(|letter| letter.byte).filter(|byte| !matches!(byte, b' ' | b'+'));
    matches!(bytes.next_back(), Some(b'"' | b'\''))
}

/// One of the parts of a key's name tells that its value is secret.
fn is_secret(name: &[Letter]) -> bool {
    let bytes: Vec<u8> = name.iter().map(|letter| letter.byte).collect();
    let words = bytes.split(|byte| !byte.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).any(|word| {
        // `apiKey` has two parts, `APIKey` too; `TOKEN` and `tOKEN` have one.
        tells(word)
            || parts(word, |before, here, _| {
                before.is_ascii_lowercase() && here.is_ascii_uppercase()
            })
            || parts(word, |before, here, after| {
                let ends_capitals = before.is_ascii_uppercase()
                    && here.is_ascii_uppercase()
                    && after.is_some_and(u8::is_ascii_lowercase);
                ends_capitals || before.is_ascii_lowercase() && here.is_ascii_uppercase()
            })
    })
}

/// A part of a word, which is split where `begins` says so of a byte and those around it, tells.
fn parts(word: &[u8], begins: impl Fn(&u8, &u8, Option<&u8>) -> bool) -> bool {
    let mut from = 0;
    for (place, two) in word.windows(2).enumerate() {
        let [before, here] = two else { continue };
        let place = place.saturating_add(1);
        if begins(before, here, word.get(place.saturating_add(1))) {
            if word.get(from..place).is_some_and(tells) {
                return true;
            }
            from = place;
        }
    }
    word.get(from..).is_some_and(tells)
}

fn tells(part: &[u8]) -> bool {
    let part = part.to_ascii_lowercase();
    SHORT.iter().any(|short| short.as_bytes() == part)
        || LONG
            .iter()
            .any(|long| part.starts_with(long.as_bytes()) || part.ends_with(long.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: &str) -> String {
        let (mut shown, mut whole) = (String::new(), Vec::new());
        each_part(target.as_bytes(), |part, is_secret| {
            shown.push_str(if is_secret { "…" } else { std::str::from_utf8(part).unwrap() });
            whole.extend_from_slice(part);
        });
        assert_eq!(whole, target.as_bytes());
        shown
    }

    #[test]
    fn a_value_is_secret_by_a_part_of_its_keys_name() {
        for key in [
            "token",
            "TOKEN",
            "tOKEN",
            "%74oken",
            "%2574oken",
            "%%37%34oken",
            "token%5B%5D",
            "token[]",
            "user[password]",
            "api-key",
            "X-Api-Key",
            "accessToken",
            "APIKey",
            "jwt",
            "jsessionid",
            "auth_token",
            "X-Goog-Signature",
            "SAMLResponse",
            "otp",
            "passphrase",
            "+token",
            "token%20",
            "private_key",
            "sessionid",
            "ticket",
            "x.client.secret",
            "mytoken",
            "tokens",
            "sid",
            "OAuthCode",
            "%7B%22token%22",
        ] {
            assert_eq!(shown(&format!("/a?id=7&{key}=abc&x=1")), format!("/a?id=7&{key}=…&x=1"));
            assert_eq!(shown(&format!("/a;{key}=abc/b;x=1")), format!("/a;{key}=…/b;x=1"));
        }
        for key in
            ["id", "monkey", "keys", "pins", "spin", "side", "signal", "q", "sort-order", "design"]
        {
            assert_eq!(shown(&format!("/a?{key}=abc")), format!("/a?{key}=abc"));
        }
    }

    #[test]
    fn a_value_is_found_wherever_it_stands() {
        for (target, wanted) in [
            (
                "/cb?next=https%3A%2F%2Fh%2F%3Ftoken%3Dabc&x=1",
                "/cb?next=https%3A%2F%2Fh%2F%3Ftoken%3D…&x=1",
            ),
            ("/a?x=1#access_token=abc", "/a?x=1#access_token=…"),
            ("/a?x=1?token=abc", "/a?x=1?token=…"),
            ("/a?a=1,token=abc", "/a?a=1,token=…"),
            ("/a?token%3Dabc%26def", "/a?token%3D…"),
            ("/a?%7B%22token%22:%22abc%22%7D", "/a?%7B%22token%22:…"),
            ("/a?q=12:30&code:x", "/a?q=12:30&code:x"),
            ("/a?token=a;b=c%26d", "/a?token=…"),
            ("/reset;token=abc?x=1", "/reset;token=…?x=1"),
            ("/a?token=", "/a?token="),
            ("/token/abc", "/token/abc"),
        ] {
            assert_eq!(shown(target), wanted);
        }
    }

    #[test]
    fn users_and_passwords_are_secret_before_every_host() {
        for (target, wanted) in [
            ("http://me:pw@shop/a?b=c", "http://…@shop/a?b=c"),
            ("http://me:p?w@shop/a", "http://…@shop/a"),
            ("http://me:p%2Fw@shop/a", "http://…@shop/a"),
            ("http://me:p@w@shop/a", "http://…@shop/a"),
            ("//me:pw@shop/a", "//…@shop/a"),
            ("me:pw@shop:443", "…@shop:443"),
            ("/cb?next=http://me:pw@shop/&x=1", "/cb?next=http://…@shop/&x=1"),
            ("/cb?next=https%3A%2F%2Fu%3Ap%40h%2F", "/cb?next=https%3A%2F%2F…%40h%2F"),
            ("/cb?next=https%3A%2F%2Fu%3Ap%252Fw%40h%2F", "/cb?next=https%3A%2F%2F…%40h%2F"),
            ("/cb?next=http:\\\\me:pw@shop", "/cb?next=http:\\\\…@shop"),
            // Cut before the host.
            ("http://me:hunt", "http://…"),
            ("http://shop:8080", "http://shop:8080"),
            ("http://[2001:db8::1]", "http://[2001:db8::1]"),
            ("http://shop/@scope/name", "http://shop/@scope/name"),
            ("/a?mail=me@shop", "/a?mail=me@shop"),
            ("shop:443", "shop:443"),
            ("*", "*"),
        ] {
            assert_eq!(shown(target), wanted);
        }
    }

    #[test]
    fn encodings_without_end_take_time_in_proportion() {
        let target = format!("/a?{}oken=abc", "%25".repeat(200_000));
        let begun = std::time::Instant::now();
        each_part(target.as_bytes(), |_, _| {});
        each_part("//".repeat(1_000).as_bytes(), |_, _| {});
        each_part("token=".repeat(100_000).as_bytes(), |_, _| {});
        assert!(begun.elapsed().as_secs() < 5);
    }
}
