//! Text files: a stream of bytes becomes lines, one at a time, of bounded length.

use super::SourceError;
use super::json_objects::JsonObjects;
use super::savefile::{Plain, is_capture, peek, plain};
use super::stream::Input;
use super::utf16::{self, Utf16};
use crate::input::stop::Stop;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

/// Longer lines are cut there.
const LONGEST: usize = 64 << 10;
/// A line that is still longer has no end: nothing behind it is read.
const ENDLESS: u64 = 256 << 20;
/// By so many bytes it is known what a file is.
const BEGIN: usize = 512;
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

/// A text file being read: in UTF-8 or UTF-16, compressed by gzip or zstd or not. Where it is JSON that is not
/// one object a line, its objects are its lines.
pub struct Text {
    path: String,
    input: BufReader<Box<dyn Read + Send>>,
    damage: Option<String>,
    /// The objects that are its lines, where they are.
    objects: Option<JsonObjects>,
    /// Lines read to their end.
    lines: u64,
    /// Where the last one began, from 1.
    number: u64,
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
    /// When the stream fails at once, or is what is known to be no log.
    pub fn from_reader(input: Box<dyn Read + Send>, path: String) -> Result<Self, SourceError> {
        let opened = peek(input).and_then(|(head, input)| plain(&head, input));
        let input = match opened {
            Ok(Plain::AsItIs(input) | Plain::Decompressed(input)) => input,
            Err(error) => return Err(SourceError::Io { path, action: "cannot read", error }),
        };
        let (mut begin, mut input) = begin_of(input);
        if let Some(order) = utf16::order(&begin) {
            (begin, input) = begin_of(Box::new(Utf16::new(input, order)));
        }
        if let Some(found) = no_log(&begin) {
            return Err(SourceError::NotALog { path, found });
        }
        let input = BufReader::with_capacity(PIECE, input);
        let objects = JsonObjects::of(&begin);
        let damage = None;
        Ok(Self { path, input, damage, objects, lines: 0, number: 0, length: 0, over: false })
    }

    /// As given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Which line the last one began on, from 1.
    pub fn number(&self) -> u64 {
        self.number
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
        self.number = self.lines.saturating_add(1);
        if let Some(objects) = self.objects {
            return self.next_object(objects, line);
        }
        let mut end = LineEnd::Whole;
        let mut begun = false;
        loop {
            let piece = filled(&mut self.input, &mut self.damage, self.lines);
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

    /// Reads the next object into `line`.
    fn next_object(&mut self, mut objects: JsonObjects, line: &mut Vec<u8>) -> Option<LineEnd> {
        let mut end = LineEnd::Whole;
        let found = loop {
            let piece = filled(&mut self.input, &mut self.damage, self.lines);
            if piece.is_empty() {
                break !line.is_empty();
            }
            let taken = objects.take(piece);
            let before = piece.get(..taken.from).unwrap_or_default();
            let part = piece.get(taken.from..taken.used).unwrap_or_default();
            self.lines = self.lines.saturating_add(ends_in(before));
            if self.length == 0 && !part.is_empty() {
                self.number = self.lines.saturating_add(1);
            }
            self.lines = self.lines.saturating_add(ends_in(part));
            let room = LONGEST.saturating_sub(line.len());
            if part.len() > room {
                end = LineEnd::Cut;
            }
            line.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            self.length = self.length.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
            self.input.consume(taken.used);
            if taken.whole {
                break true;
            }
            if self.length > ENDLESS {
                let number = self.number;
                self.give_up(&format!("the object that begins in line {number} has no end"));
                break true;
            }
        };
        self.objects = Some(objects);
        if objects.strays {
            let after = self.number;
            self.damage.get_or_insert(format!(
                "from line {after} on there is text that is no JSON object: it is not read"
            ));
        }
        found.then_some(end)
    }
}

/// The begin of a stream, and the stream with it, or with the reason why it cannot be read further.
fn begin_of(mut input: Box<dyn Read + Send>) -> (Vec<u8>, Box<dyn Read + Send>) {
    let mut begin = vec![0; BEGIN];
    let mut filled = 0_usize;
    let rest: Box<dyn Read + Send> = loop {
        match begin.get_mut(filled..).map(|free| input.read(free)) {
            None | Some(Ok(0)) => break input,
            Some(Ok(count)) => filled = filled.saturating_add(count),
            Some(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
            Some(Err(error)) => break Box::new(Broken(Some(error))),
        }
    };
    begin.truncate(filled);
    (begin.clone(), Box::new(io::Cursor::new(begin).chain(rest)))
}

/// A stream that cannot be read, for a reason that was met before.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// What was read and is not used yet; nothing at the end, or where the input cannot be read on.
fn filled<'i>(
    input: &'i mut BufReader<Box<dyn Read + Send>>,
    damage: &mut Option<String>,
    after: u64,
) -> &'i [u8] {
    loop {
        match input.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                damage.get_or_insert(format!("cannot read on after line {after}: {error}"));
                return &[];
            }
        }
    }
    input.buffer()
}

fn ends_in(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    u64::try_from(ends).unwrap_or(u64::MAX)
}

/// What a file is that is given as a log and is none, and what to do; `None` where it may be one.
fn no_log(begin: &[u8]) -> Option<String> {
    if is_capture(begin) {
        return Some("a capture, not a log; give it without --access-log".to_owned());
    }
    let json = begin.trim_ascii_start().starts_with(b"{");
    let has = |text: &[u8]| begin.windows(text.len()).any(|part| part == text);
    if json && has(b"\"log\"") && (has(b"\"creator\"") || has(b"\"pages\"")) {
        return Some(
            "a browser's recording (HAR): it holds what the client saw; give the proxy's log"
                .to_owned(),
        );
    }
    let control =
        |byte: &&u8| (1..9).contains(*byte) || (14..27).contains(*byte) || (28..32).contains(*byte);
    let controls = begin.iter().filter(control).count();
    // Text has hardly any. Holes full of NUL are what rotation by copying leaves.
    (controls.saturating_mul(32) > begin.len()).then(|| "binary, not a log".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn objects_of_an_array_are_its_lines() {
        let text = b"[\n  {\n  \"a\": 1\n  },\n  {\"b\": 2}\n]\n";
        let input = Box::new(io::Cursor::new(text.to_vec()));
        let mut text = Text::from_reader(input, "log".to_owned()).unwrap();
        let (mut line, mut found) = (Vec::new(), Vec::new());
        while text.next_line(&mut line).is_some() {
            found.push((text.number(), String::from_utf8_lossy(&line).into_owned()));
        }
        let wanted = [(2, "{\n  \"a\": 1\n  }".to_owned()), (5, r#"{"b": 2}"#.to_owned())];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_is_no_log_is_named() {
        let named = |bytes: &[u8]| {
            let input = Box::new(io::Cursor::new(bytes.to_vec()));
            Text::from_reader(input, "x".to_owned()).err().map(|error| error.to_string())
        };
        let pcap = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0\x01\0\0\0";
        assert!(named(pcap).unwrap().contains("a capture, not a log"));
        let har = br#"{"log": {"version": "1.2", "creator": {"name": "Firefox"}}}"#;
        assert!(named(har).unwrap().contains("HAR"));
        assert!(named(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0").unwrap().contains("binary"));
        assert_eq!(named(b"10.0.0.1 - - [20/Nov/2026:16:25:22 +0000] \x1b[32m\0\n"), None);
    }

    #[test]
    fn a_line_without_end_takes_bounded_room_and_the_next_is_read() {
        let mut bytes = vec![b'x'; LONGEST * 9];
        bytes.extend_from_slice(b"\nnext");
        assert_eq!(lines(&bytes), [(LONGEST, LineEnd::Cut), (4, LineEnd::Whole)]);
    }
}
