//! The pages' Markdown on a terminal: as much of it as they use, which is a title, headings,
//! paragraphs, items, links and code. Code keeps its backticks, and is broken only where it must.

use crate::base::wrap::{self, BOLD};
use std::io::{self, Write};

/// A part of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarkdownBlock {
    /// Of which kind.
    pub kind: BlockKind,
    /// The text, in one line.
    pub text: String,
}

/// What a [`MarkdownBlock`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockKind {
    /// `# …`
    Title,
    /// `## …`
    Heading,
    /// `- …`
    Item,
    /// Anything else.
    Paragraph,
}

/// The parts of a page, in order.
pub fn blocks(markdown: &str) -> Vec<MarkdownBlock> {
    let mut blocks: Vec<MarkdownBlock> = Vec::new();
    // The next line goes on with the last block.
    let mut open = false;
    for line in markdown.lines().map(str::trim) {
        let begins = |kind, mark| line.strip_prefix(mark).map(|text| (kind, text));
        let (kind, text) = begins(BlockKind::Title, "# ")
            .or_else(|| begins(BlockKind::Heading, "## "))
            .or_else(|| begins(BlockKind::Item, "- "))
            .unwrap_or((BlockKind::Paragraph, line));
        match blocks.last_mut() {
            _ if line.is_empty() => open = false,
            Some(last) if open && kind == BlockKind::Paragraph => {
                last.text.push(' ');
                last.text.push_str(text);
            }
            _ => {
                blocks.push(MarkdownBlock { kind, text: text.to_owned() });
                open = matches!(kind, BlockKind::Item | BlockKind::Paragraph);
            }
        }
    }
    blocks
}

/// Writes a page in lines of at most `width` characters.
pub fn write(markdown: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut before = BlockKind::Title;
    for MarkdownBlock { kind, text } in blocks(markdown) {
        let margins = match kind {
            BlockKind::Title => {
                writeln!(out, "{BOLD}{text}{BOLD:#}")?;
                continue;
            }
            BlockKind::Heading => {
                wrap::heading(&text, out)?;
                before = kind;
                continue;
            }
            BlockKind::Item => ["  - ", "    "],
            BlockKind::Paragraph => ["  ", "  "],
        };
        // Items stand close; below a heading nothing is to be set apart.
        if before != BlockKind::Heading && kind == BlockKind::Paragraph {
            writeln!(out)?;
        }
        wrap(&text, margins, width, out)?;
        before = kind;
    }
    Ok(())
}

/// Wraps a text with links and code.
pub fn wrap(text: &str, margins: [&str; 2], width: usize, out: &mut dyn Write) -> io::Result<()> {
    let [_, others] = margins;
    let words = words(text, width.saturating_sub(others.len()));
    wrap::wrap(words.iter().map(String::as_str), margins, width, out)
}

/// The words of a text. Code is one word, spaces and all, if a line of `room` characters holds it; of
/// a link, only its text is left.
fn words(text: &str, room: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            word.push('`');
            word.push_str(part);
            word.push('`');
            continue;
        }
        for (index, piece) in without_links(part).split(' ').enumerate() {
            if index > 0 && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.push_str(piece);
        }
    }
    words.push(word);
    let broken = |word: String| -> Vec<String> {
        if word.chars().count() <= room {
            return vec![word];
        }
        word.split(' ').map(str::to_owned).collect()
    };
    words.into_iter().filter(|word| !word.is_empty()).flat_map(broken).collect()
}

/// `see [here](there)` becomes `see here`.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((name, after)) = link.split_once("](") else {
            break;
        };
        let Some((_, after)) = after.split_once(')') else {
            break;
        };
        plain.push_str(before);
        plain.push_str(name);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markdown: &str, width: usize) -> String {
        let mut out = Vec::new();
        write(markdown, width, &mut out).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn lines_that_belong_together_are_joined_and_wrapped_anew() {
        let page =
            "# title\n\none\ntwo\n\nthree\n\n## part\n\nfour:\n\n- five six\n  seven\n- eight\n";
        let wanted = "title\n\n  one two\n\n  three\n\npart\n  four:\n  - five\n    six\n    seven\n  - eight\n";
        assert_eq!(shown(page, 11), wanted);
    }

    #[test]
    fn code_is_not_broken_and_links_are_their_text() {
        assert_eq!(words("see [a b](a.md), `c [d](e)`.", 11), ["see", "a", "b,", "`c [d](e)`."]);
        assert_eq!(words("a [bracket] and `x y`z", 10), ["a", "[bracket]", "and", "`x y`z"]);
        assert_eq!(words("long `c [d](e)`.", 10), ["long", "`c", "[d](e)`."]);
        assert_eq!(words("", 10), [""; 0]);
    }
}
