//! What the targets of requests have in common that ask for the same thing of another number.

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
        _ if is_number(part) => "*".to_owned(),
        Some(kind) if is_number(name) => format!("*.{kind}"),
        _ => part.to_owned(),
    }
}

fn is_number(name: &str) -> bool {
    let mut letters = name.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).peekable();
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
}
