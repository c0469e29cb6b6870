//! Text for a terminal: words wrapped into lines, headings.
//!
//! Colours are escape sequences, which take no room; the writer strips them where they are not
//! wanted.

use anstyle::Style;
use std::io::{self, Write};
use unicode_width::UnicodeWidthChar;

/// Columns of a line where no terminal says how many there are.
pub const WIDTH: usize = 80;
/// Lines of prose that are longer are hard to read, however wide the terminal.
pub const WIDEST: usize = 120;
/// Narrower than this no line gets, whatever the terminal says.
pub const NARROWEST: usize = 40;

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

/// Where text goes, and how wide that is.
pub struct TextPage<'w> {
    to: &'w mut dyn Write,
    width: usize,
}

impl<'w> TextPage<'w> {
    /// Lines of at most `width` columns, as far as words allow it.
    pub fn new(to: &'w mut dyn Write, width: usize) -> Self {
        Self { to, width: width.clamp(NARROWEST, WIDEST) }
    }

    /// Columns of a line.
    pub const fn width(&self) -> usize {
        self.width
    }
}

impl Write for TextPage<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Wraps `text` at spaces, each line indented.
///
/// # Errors
/// When writing fails.
pub fn paragraph(text: &str, indent: &str, page: &mut TextPage<'_>) -> io::Result<()> {
    wrap(text.split(' '), [indent, indent], page.width, page.to)
}

/// Writes `words` in lines of at most `width` columns. The first line begins with the first of
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

/// Columns that a word takes: escape sequences take none, and some characters two.
pub fn visible(word: &str) -> usize {
    let mut inside = false;
    let columns = word.chars().map(|character| {
        let starts = character == '\x1b';
        let ends = inside && character == 'm';
        let counts = !inside && !starts;
        inside = (inside || starts) && !ends;
        if counts { character.width().unwrap_or(0) } else { 0 }
    });
    columns.fold(0, usize::saturating_add)
}
