//! Captured text, made fit to be shown: nothing unprintable, no secrets.

use crate::base::secret;

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

/// What a line that could not be understood looks like, without any word of it: `{"…`, `aaaa: aaaa`.
pub fn shape(line: &[u8]) -> String {
    /// So many words tell a format.
    const WORDS: usize = 8;
    /// And so many bytes are looked at.
    const BYTES: usize = 512;
    let mut shape = String::new();
    let mut words = 0_usize;
    let begin = line.get(..BYTES).unwrap_or(line);
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    for part in begin.chunk_by(|a, b| is_word(a) == is_word(b)) {
        if part.first().is_some_and(is_word) {
            words = words.saturating_add(1);
            if words > WORDS {
                break;
            }
            // Of which length a secret is is nobody's business either.
            shape.push_str(if part.iter().all(u8::is_ascii_digit) { "0000" } else { "aaaa" });
            continue;
        }
        for byte in part.iter().take(WORDS) {
            let known = byte.is_ascii_graphic() || *byte == b' ';
            shape.push(if known { char::from(*byte) } else { '·' });
            if *byte == b'"' {
                shape.push('…');
                return shape;
            }
        }
    }
    if words > WORDS || line.len() > BYTES {
        shape.push('…');
    }
    shape
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

/// A request target, or a host, with `…` in place of secrets: the values of telling keys, and a user and
/// password before the host.
pub fn target(bytes: &[u8], show_secrets: bool) -> String {
    if show_secrets {
        return text(bytes);
    }
    let mut shown = String::with_capacity(bytes.len());
    secret::each_part(bytes, |part, is_secret| {
        if is_secret { shown.push('…') } else { shown.push_str(&text(part)) }
    });
    shown
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
        assert_eq!(target(b"/a?id=7&token=abc&x=\x07", false), "/a?id=7&token=…&x=\\x07");
        assert_eq!(target(b"/a?token=abc", true), "/a?token=abc");
    }

    #[test]
    fn a_shape_has_no_word_of_its_line() {
        for (line, wanted) in [
            (&b"Authorization: Bearer hunter2"[..], "aaaa: aaaa aaaa"),
            (b"{\"token\":\"hunter2\"}", "{\"…"),
            (b"pa\xc3\xa4ss 1234\x1b[2J", "aaaa 0000·[aaaa"),
            (b"a b c d e f g h i", "aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa …"),
            (b"", ""),
        ] {
            assert_eq!(shape(line), wanted);
        }
        assert!(shape(&[b'-'; 100_000]).len() < 20);
    }
}
