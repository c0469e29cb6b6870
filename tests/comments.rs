//! What a comment says can be understood without what stands above it.

use crate::source_tree::SourceTree;
use std::fmt::Write;

/// Words that point at something said before. A comment on a definition has nothing before it: its
/// reader came by a link, or by a search.
const POINTING: [&str; 10] =
    ["It ", "Its ", "They ", "Them", "Their ", "The same", "This ", "These ", "He ", "Such "];

/// Files with comments that still begin so, and how many. A number may only get smaller.
const OPEN: &[(&str, usize)] = &[];

/// The comments on definitions and files that begin with such a word, and their lines.
fn pointing(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = (1..).zip(text.lines().map(str::trim_start)).peekable();
    while let Some((line, text)) = lines.next() {
        let mark = text.get(..3).unwrap_or_default();
        if !["///", "//!"].contains(&mark) || text.starts_with("////") {
            continue;
        }
        let mut said = text[3..].trim().to_owned();
        while let Some((_, more)) = lines.next_if(|(_, next)| next.starts_with(mark)) {
            said.push(' ');
            said.push_str(more[3..].trim());
        }
        let said = said.trim_start();
        if POINTING.iter().any(|word| said.starts_with(word)) {
            found.push((line, said.chars().take(60).collect()));
        }
    }
    found
}

#[test]
fn comments_begin_with_what_they_are_about() {
    let mut told = String::new();
    for file in &SourceTree::of_crate().files {
        let found = pointing(&file.text);
        let known = OPEN.iter().find(|(path, _)| *path == file.path).map_or(0, |(_, many)| *many);
        if found.len() > known {
            writeln!(told, "    (\"{}\", {}),", file.path, found.len()).unwrap();
            for (line, said) in found {
                writeln!(told, "        src/{}:{line}: {said}", file.path).unwrap();
            }
        }
    }
    if !told.is_empty() {
        let words = POINTING.map(str::trim).join(", ");
        writeln!(
            told,
            "More comments than before begin with one of: {words}.\nWho reads a definition came by a \
             link or a search: say there what is meant."
        )
        .unwrap();
    }
    for (path, known) in OPEN {
        let file = SourceTree::of_crate().files.iter().find(|file| file.path == *path);
        let many = file.map_or(0, |file| pointing(&file.text).len());
        if many < *known {
            let instead = match many {
                0 => "take its row out of OPEN (tests/comments.rs)".to_owned(),
                _ => format!("write {many} for {known} in OPEN (tests/comments.rs)"),
            };
            writeln!(told, "src/{path} has fewer such comments than before: {instead}").unwrap();
        }
    }
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn only_the_first_sentence_of_a_comment_is_looked_at() {
    let text = "//! This file.\n\n/// A thing. It has parts.\nstruct Thing {\n    /// They are\n    /// \
                few.\n    parts: u8,\n}\n\n/// Italic.\n// It is no such comment.\n///\n/// The same\n\
                fn same() {}\n";
    let lines: Vec<usize> = pointing(text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [1, 5, 12]);
}
