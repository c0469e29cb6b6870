//! The proxy's own words as they may be shown: without what could be a secret in them.
//!
//! A message quotes what came over the wire: targets, header lines, commands. What stands behind a scheme of
//! authorization (`Bearer`), behind an option with a telling name (`--token`), and whatever follows the name of a header
//! is hidden to the end of what is quoted.

use crate::base::escape;
use std::borrow::Cow;

/// Schemes of authorization (IANA's registry), and what stands before a token by itself.
const SCHEMES: [&str; 8] =
    ["bearer", "basic", "digest", "negotiate", "ntlm", "jwt", "token", "apikey"];
/// Names of headers that hold secrets, or parts of such names.
const HEADERS: [&str; 8] =
    ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "auth"];
/// In the place of a secret.
const HIDDEN: &[u8] = "…".as_bytes();

/// A message without secrets, unless they shall be shown.
pub fn without_secrets(code: &[u8], show: bool) -> Cow<'_, [u8]> {
    if show {
        return Cow::Borrowed(code);
    }
    let mut shown: Vec<u8> = Vec::with_capacity(code.len());
    let (mut next, mut rest) = (false, false);
    // nginx quotes the header line that it refused.
    let mut quotes_header = false;
    for (place, word) in code.split(|byte| *byte == b' ').enumerate() {
        if place > 0 {
            shown.push(b' ');
        }
        let plain = plain(word);
        if rest {
            // What follows the quote is the proxy's again.
            let end = word.iter().rposition(|byte| *byte == b'"');
            shown.extend_from_slice(HIDDEN);
            if let Some(after) = end.and_then(|end| word.get(end..)) {
                shown.extend_from_slice(after);
                rest = false;
            }
            continue;
        }
        if next {
            shown.extend_from_slice(HIDDEN);
            // A scheme may stand before what it is of: `--header Bearer x`.
            next = SCHEMES.contains(&plain.as_str());
            continue;
        }
        let header = plain.strip_suffix(':');
        let telling = |name: &str| HEADERS.iter().any(|known| name.contains(known));
        quotes_header |= plain == "header:";
        let quoted = quotes_header && word.contains(&b'"');
        if quoted && let Some(colon) = word.iter().skip(1).position(|byte| *byte == b':') {
            shown.extend_from_slice(word.get(..colon.saturating_add(2)).unwrap_or_default());
            shown.extend_from_slice(HIDDEN);
            (rest, quotes_header) = (!word.ends_with(b"\""), false);
            continue;
        }
        rest = header.is_some_and(telling);
        let option = plain.strip_prefix("--").or_else(|| plain.strip_prefix('-'));
        next = SCHEMES.contains(&plain.as_str())
            || option.is_some_and(|name| !name.contains('=') && telling(name));
        shown.extend_from_slice(escape::target(word, false).as_bytes());
    }
    Cow::Owned(shown)
}

/// A word in small letters, without quotes and commas around it.
fn plain(word: &[u8]) -> String {
    let word = String::from_utf8_lossy(word).to_lowercase();
    word.trim_matches(|c| matches!(c, '"' | '\'' | ',' | '(' | ')' | '{' | '}')).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_a_message_quotes_them() {
        for text in [
            "http: proxy error: EOF Authorization: Bearer SECRET",
            r#"upstream sent invalid header: "X-Api-Key: SECRET" while reading response header"#,
            r#"upstream sent invalid header: "X-Odd: SECRET SECRET" while reading"#,
            "kernel: Killed process 9 (java -Dpassword=SECRET --token SECRET)",
            "Bearer SECRET, jwt SECRET",
            "GET /a?token=SECRET HTTP/1.1",
            "Cookie: a=1; b=SECRET",
        ] {
            let shown = without_secrets(text.as_bytes(), false);
            let shown = std::str::from_utf8(&shown).unwrap();
            assert!(!shown.contains("SECRET") && shown.contains('…'), "{shown}");
            assert_eq!(without_secrets(text.as_bytes(), true).as_ref(), text.as_bytes());
        }
        let kept = "connect() failed (111: Connection refused) while connecting to upstream";
        assert_eq!(without_secrets(kept.as_bytes(), false).as_ref(), kept.as_bytes());
        let after = without_secrets(br#"invalid header: "X-Api-Key: S" while reading"#, false);
        assert!(after.ends_with(b"while reading"), "{after:?}");
    }
}
