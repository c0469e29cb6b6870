//! Text for a terminal: words wrapped into lines, headings.
//!
//! Colours are escape sequences, which take no room; the writer strips them where they are not
//! wanted.

use anstyle::Style;
use std::io::{self, Write};

/// No line is wider, however wide the terminal.
pub const WIDTH: usize = 96;

/// What a line stands out by.
pub const BOLD: Style = Style::new().bold();
/// What a line stands back by.
pub const DIM: Style = Style::new().dimmed();

/// Writes a heading, after an empty line.
///
/// # Errors
/// When writing fails.
pub fn heading(text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{BOLD}{text}{BOLD:#}")
}

/// Wraps `text` at spaces, each line indented.
///
/// # Errors
/// When writing fails.
pub fn paragraph(text: &str, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    wrap(text.split(' '), [indent, indent], WIDTH, out)
}

/// Writes `words` in lines of at most `width` characters. The first line begins with the first of
/// `margins`, the others with the second. A word that is wider has a line of its own.
///
/// # Errors
/// When writing fails.
pub fn wrap<'a>(
    words: impl IntoIterator<Item = &'a str>,
    [first, others]: [&str; 2],
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut filled = 0_usize;
    for word in words {
        let length = visible(word);
        if filled == 0 {
            write!(out, "{first}{word}")?;
            filled = visible(first).saturating_add(length);
        } else if filled.saturating_add(length).saturating_add(1) > width {
            write!(out, "\n{others}{word}")?;
            filled = visible(others).saturating_add(length);
        } else {
            write!(out, " {word}")?;
            filled = filled.saturating_add(length).saturating_add(1);
        }
    }
    writeln!(out)
}

/// Characters that take room: those outside of escape sequences.
fn visible(word: &str) -> usize {
    let mut inside = false;
    word.chars()
        .filter(|character| {
            let starts = *character == '\x1b';
            let ends = inside && *character == 'm';
            let counts = !inside && !starts;
            inside = (inside || starts) && !ends;
            counts
        })
        .count()
}
