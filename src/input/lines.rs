//! Text files: a stream of bytes becomes lines, one at a time, of bounded length.

use super::SourceError;
use super::savefile::{Plain, peek, plain};
use super::stream::Input;
use crate::input::stop::Stop;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

/// Longer lines are cut there.
const LONGEST: usize = 64 << 10;
/// A line that is still longer has no end: nothing behind it is read.
const ENDLESS: u64 = 256 << 20;
/// How much is read at once.
const PIECE: usize = 1 << 18;

/// How a line ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnd {
    /// A whole line.
    Whole,
    /// A line longer than `LONGEST`; what follows was left out.
    Cut,
}

/// A text file being read, compressed by gzip or zstd or not.
pub struct Text {
    path: String,
    input: BufReader<Box<dyn Read + Send>>,
    damage: Option<String>,
    /// Lines read.
    lines: u64,
    /// Of the last line, in bytes, with what was left out.
    length: u64,
    /// Nothing more is read.
    over: bool,
}

impl Text {
    /// Opens the file at `path`, `-` being standard input.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Self::open_until(path, None)
    }

    /// Opens the file at `path` as [`Self::open`] does; reading ends as if it failed when somebody asks to
    /// stop.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub fn open_until(path: &Path, stop: Option<&Arc<Stop>>) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        match Input::open(path, stop) {
            Ok(input) if name == "-" => {
                Self::from_reader(Box::new(input), "standard input".to_owned())
            }
            Ok(input) => Self::from_reader(Box::new(input), name),
            Err(error) => Err(SourceError::Io { path: name, action: "cannot open", error }),
        }
    }

    /// Reads any stream of bytes. `path` is what messages call it.
    ///
    /// # Errors
    /// When the stream fails at once.
    pub fn from_reader(input: Box<dyn Read + Send>, path: String) -> Result<Self, SourceError> {
        let opened = peek(input).and_then(|(head, input)| plain(&head, input));
        let input = match opened {
            Ok(Plain::AsItIs(input) | Plain::Decompressed(input)) => input,
            Err(error) => return Err(SourceError::Io { path, action: "cannot read", error }),
        };
        Ok(Self {
            path,
            input: BufReader::with_capacity(PIECE, input),
            damage: None,
            lines: 0,
            length: 0,
            over: false,
        })
    }

    /// As given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The length of the last line, without its end and with what was left out of it.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where and why reading ended early.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Nothing more is read, for this reason.
    pub fn give_up(&mut self, why: &str) {
        self.over = true;
        self.damage.get_or_insert(format!("{why}: not read on"));
    }

    /// Reads the next line into `line`, without its end; `None` at the end of the file, or where it
    /// cannot be read on.
    pub fn next_line(&mut self, line: &mut Vec<u8>) -> Option<LineEnd> {
        line.clear();
        self.length = 0;
        if self.over {
            return None;
        }
        let mut end = LineEnd::Whole;
        let mut begun = false;
        loop {
            let piece = match self.input.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    let after = self.lines;
                    self.damage
                        .get_or_insert(format!("cannot read on after line {after}: {error}"));
                    &[]
                }
            };
            if piece.is_empty() {
                break;
            }
            begun = true;
            let stop = piece.iter().position(|byte| *byte == b'\n');
            let part = piece.get(..stop.unwrap_or(piece.len())).unwrap_or_default();
            let room = LONGEST.saturating_sub(line.len());
            if part.len() > room {
                end = LineEnd::Cut;
            }
            line.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            let len = part.len();
            self.length = self.length.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
            let used = len.saturating_add(usize::from(stop.is_some()));
            self.input.consume(used);
            if stop.is_some() {
                break;
            }
            if self.length > ENDLESS {
                let number = self.lines.saturating_add(1);
                self.give_up(&format!("line {number} has no end"));
                break;
            }
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        self.lines = self.lines.saturating_add(u64::from(begun));
        begun.then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn lines(bytes: &[u8]) -> Vec<(usize, LineEnd)> {
        let input = Box::new(io::Cursor::new(bytes.to_vec()));
        let mut text = Text::from_reader(input, "log".to_owned()).unwrap();
        let mut line = Vec::new();
        let mut found = Vec::new();
        while let Some(end) = text.next_line(&mut line) {
            found.push((line.len(), end));
        }
        found
    }

    #[test]
    fn lines_end_with_or_without_a_line_end() {
        let whole = LineEnd::Whole;
        assert_eq!(lines(b"ab\r\n\nc"), [(2, whole), (0, whole), (1, whole)]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_without_end_takes_bounded_room_and_the_next_is_read() {
        let mut bytes = vec![b'x'; LONGEST * 9];
        bytes.extend_from_slice(b"\nnext");
        assert_eq!(lines(&bytes), [(LONGEST, LineEnd::Cut), (4, LineEnd::Whole)]);
    }
}
