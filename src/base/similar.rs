//! Names that people type: alike whatever the case and however their words are joined, and which
//! one may have been meant.

use std::cmp::Reverse;
use std::fmt;

/// At most so many are offered.
const AT_MOST: usize = 3;
/// In percent; what is less alike was not meant.
const ALIKE: u32 = 65;

/// A name's letters and digits alone, in lower case.
pub fn joined(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Whether two names differ in case and in what joins their words only.
pub fn same(a: &str, b: &str) -> bool {
    let letters = joined(a);
    !letters.is_empty() && letters == joined(b)
}

/// The names that are most like `name`, the likest first.
pub fn near<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let mut names: Vec<(u32, &str)> =
        known.into_iter().map(|known| (likeness(name, known), known)).collect();
    names.retain(|(likeness, _)| *likeness >= ALIKE);
    names.sort_by_key(|(likeness, _)| Reverse(*likeness));
    names.into_iter().map(|(_, known)| known).take(AT_MOST).collect()
}

/// Writes `did you mean a or b? `, or nothing.
///
/// # Errors
/// When writing fails.
pub fn offer(near: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, name) in near.iter().enumerate() {
        f.write_str(if index == 0 { "did you mean " } else { " or " })?;
        f.write_str(name)?;
    }
    f.write_str(if near.is_empty() { "" } else { "? " })
}

/// How alike two names are, in percent: as a whole, or a word of one to a word of the other.
fn likeness(name: &str, known: &str) -> u32 {
    let percent = |a: &str, b: &str| {
        let steps = u32::try_from(strsim::damerau_levenshtein(a, b)).unwrap_or(u32::MAX);
        let length = u32::try_from(a.len().max(b.len())).unwrap_or(u32::MAX);
        let same = length.saturating_sub(steps).saturating_mul(100);
        same.checked_div(length).unwrap_or(0)
    };
    let (whole, known_whole) = (joined(name), joined(known));
    if whole.len() >= 3 && known_whole.contains(&whole) {
        return 100;
    }
    // `in` and the like say nothing.
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).map(joined);
        words.filter(|word| word.len() >= 4).collect()
    };
    let known_words = words(known);
    let pairs = words(name)
        .into_iter()
        .flat_map(|word| known_words.iter().map(move |other| percent(&word, other)));
    pairs.max().unwrap_or(0).saturating_sub(10).max(percent(&whole, &known_whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_hyphens_are_free() {
        assert!(same("aws-alb", "AWS ALB") && same("node_26", "Node26"));
        assert!(!same("alb", "clb") && !same("", "") && !same("-", "_"));
    }

    #[test]
    fn the_likest_come_first_and_the_unlike_not_at_all() {
        let known = ["gunicorn", "unicorn", "uvicorn", "tomcat"];
        assert_eq!(near("gunicron", known).first(), Some(&"gunicorn"));
        assert!(near("pigeon", known).is_empty());
        assert_eq!(near("tomcta", known), ["tomcat"]);
    }
}
