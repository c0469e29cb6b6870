//! Rows of a screen: blocks of lines, of which the least important go until the rest fits.

use crate::base::wrap::{visible, wrap};
use std::io::{self, Write};

/// Some lines that stay or go together.
pub(super) struct Item {
    lines: Vec<String>,
    /// The larger, the sooner it goes.
    rank: u8,
}

/// Items under one another, with an empty line before them.
#[derive(Default)]
pub(super) struct RowBlock {
    pub(super) items: Vec<Item>,
    /// What is said in the place of items that went, given how many.
    pub(super) instead: Option<fn(usize) -> String>,
}

impl RowBlock {
    /// Adds lines that stand as they are.
    pub(super) fn add(&mut self, rank: u8, lines: Vec<String>) {
        if !lines.is_empty() {
            self.items.push(Item { lines, rank });
        }
    }
}

/// What of a text fits `most` lines of `width` columns, the first of which begins with the first of
/// `margins`, the others with the second. A word that is too long for a line loses its middle.
pub(super) fn fitted(text: &str, margins: [&str; 2], width: usize, most: usize) -> Vec<String> {
    let room = width.saturating_sub(visible(margins[1])).max(1);
    let words: Vec<String> = text.split(' ').map(|word| elided(word, room)).collect();
    let mut out = Vec::new();
    // Nothing fails that is written into memory.
    let _ = wrap(words.iter().map(String::as_str), margins, width, &mut out);
    let text = String::from_utf8(out).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while visible(last) >= width {
                let Some((shorter, _)) = last.rsplit_once(' ') else { break };
                *last = shorter.to_owned();
            }
            last.push('…');
        }
    }
    lines
}

/// A word with its middle left out, where it takes more than `room` columns.
pub(super) fn elided(word: &str, room: usize) -> String {
    if visible(word) <= room || word.contains('\x1b') {
        return word.to_owned();
    }
    let half = room.saturating_sub(1).checked_div(2).unwrap_or(0);
    let begin = taken(word.chars(), half);
    let end: String = taken(word.chars().rev(), half).chars().rev().collect();
    format!("{begin}…{end}")
}

/// As many characters as fit into so many columns.
fn taken(characters: impl Iterator<Item = char>, columns: usize) -> String {
    let mut taken = String::new();
    for character in characters {
        taken.push(character);
        if visible(&taken) > columns {
            taken.pop();
            break;
        }
    }
    taken
}

/// All items of this rank, and of those before it, find room in `most` rows.
pub(super) fn keeps(blocks: &[RowBlock], most: usize, rank: u8) -> bool {
    let kept = chosen(blocks, most);
    blocks.iter().zip(&kept).all(|(block, kept)| {
        block.items.iter().zip(kept).all(|(item, kept)| *kept || item.rank > rank)
    })
}

/// Which items find room: the most important first, and of the others what still does.
fn chosen(blocks: &[RowBlock], most: usize) -> Vec<Vec<bool>> {
    let mut kept: Vec<Vec<bool>> =
        blocks.iter().map(|block| vec![false; block.items.len()]).collect();
    let places = blocks.iter().enumerate().flat_map(|(block, of)| {
        of.items.iter().enumerate().map(move |(item, of)| (of.rank, block, item))
    });
    let mut places: Vec<(u8, usize, usize)> = places.collect();
    places.sort_unstable();
    for (rank, block, item) in places {
        keep(&mut kept, block, item, true);
        if rank > 0 && rows(blocks, &kept) > most {
            keep(&mut kept, block, item, false);
        }
    }
    kept
}

/// Writes the blocks, in at most `most` rows: the most important items first, and of the others what still
/// finds room.
pub(super) fn write(blocks: &[RowBlock], most: usize, out: &mut dyn Write) -> io::Result<()> {
    let kept = chosen(blocks, most);
    let mut first = true;
    for (block, kept) in blocks.iter().zip(&kept) {
        let lines = lines(block, kept);
        if !lines.is_empty() && !std::mem::take(&mut first) {
            writeln!(out)?;
        }
        for line in lines {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

fn keep(kept: &mut [Vec<bool>], block: usize, item: usize, whether: bool) {
    if let Some(keeps) = kept.get_mut(block).and_then(|items| items.get_mut(item)) {
        *keeps = whether;
    }
}

/// The lines of a block, with what is said in the place of those that are not kept.
fn lines(block: &RowBlock, kept: &[bool]) -> Vec<String> {
    let items = block.items.iter().zip(kept).filter(|(_, kept)| **kept);
    let mut lines: Vec<String> = items.flat_map(|(item, _)| item.lines.clone()).collect();
    let gone = kept.iter().filter(|kept| !**kept).count();
    lines.extend(block.instead.filter(|_| gone > 0).map(|instead| instead(gone)));
    lines
}

/// Rows of all blocks, with the empty ones between.
fn rows(blocks: &[RowBlock], kept: &[Vec<bool>]) -> usize {
    let filled: Vec<usize> = blocks
        .iter()
        .zip(kept)
        .map(|(block, kept)| lines(block, kept).len())
        .filter(|lines| *lines > 0)
        .collect();
    filled.iter().sum::<usize>().saturating_add(filled.len()).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(blocks: Vec<RowBlock>, most: usize) -> String {
        let mut out = Vec::new();
        write(&blocks, most, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn block(items: &[(u8, &str)], instead: Option<fn(usize) -> String>) -> RowBlock {
        let mut block = RowBlock { instead, ..RowBlock::default() };
        for (rank, text) in items {
            block.add(*rank, text.lines().map(str::to_owned).collect());
        }
        block
    }

    #[test]
    fn the_least_important_goes_until_the_rest_fits() {
        let blocks = || {
            let more: fn(usize) -> String = |gone| format!("{gone} more");
            let groups = block(&[(5, "one"), (6, "two"), (7, "three"), (8, "four")], Some(more));
            vec![block(&[(0, "head")], None), groups, block(&[(9, "note\nof two")], None)]
        };
        assert_eq!(shown(blocks(), 22), "head\n\none\ntwo\nthree\nfour\n\nnote\nof two\n");
        assert_eq!(shown(blocks(), 6), "head\n\none\ntwo\nthree\nfour\n");
        assert_eq!(shown(blocks(), 5), "head\n\none\ntwo\n2 more\n");
        assert_eq!(shown(blocks(), 1), "head\n\n4 more\n", "what must stay stays");
        let large = vec![block(&[(0, "head"), (5, "of\nthree\nlines"), (9, "small")], None)];
        assert_eq!(shown(large, 3), "head\nsmall\n", "what finds room is shown");
    }

    #[test]
    fn long_words_lose_their_middle_and_long_texts_their_end() {
        assert_eq!(elided("/a/very/long/path", 9), "/a/v…path");
        assert_eq!(elided("日本語日本語", 7), "日…語", "columns, not characters");
        assert_eq!(fitted("one two three", ["- ", "  "], 7, 9), ["- one", "  two", "  three"]);
        assert_eq!(fitted("one two three four", ["", ""], 8, 2), ["one two", "three…"]);
        assert_eq!(fitted("ab cd ef", ["", ""], 5, 1), ["ab…"]);
    }
}
