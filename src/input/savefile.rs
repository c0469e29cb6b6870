//! Saved captures: a stream of bytes becomes blocks of frames.
//!
//! The stream is read in large pieces into the block itself, and frames are places in it: no byte
//! is copied but the unfinished record at the end of each piece. Mapping the file into memory was
//! measured slower (page faults), and a file that shrinks meanwhile would end the program.

use super::record::Step;
use super::stream::Input;
use super::{
    Block, CaptureFacts, CaptureFormat, Fill, FrameSpan, Source, SourceError, pcap, pcapng, zstd,
};
use crate::base::time::Timestamp;
use crate::input::stop::Stop;
use crate::packet::FrameRef;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How much is read at once.
const PIECE: usize = 1 << 20;

/// When nothing comes from a pipe for so long, nothing was captured: who is told of failures as they happen
/// waits for no next frame.
const PAUSE: Duration = Duration::from_millis(1_500);

/// A saved capture being read.
pub struct Savefile {
    input: Box<dyn Read + Send>,
    /// The pipe that it comes from, of which pauses are told.
    pipe: Option<Input>,
    /// The pause under way was told.
    paused: bool,
    container: Container,
    capture: u32,
    facts: CaptureFacts,
    /// Length of the file, if it is one.
    length: Option<u64>,
    /// What is read is not what is stored.
    compressed: bool,
    /// Bytes read that no record used up yet; they lead the next block.
    rest: Vec<u8>,
    /// The input has no more bytes.
    drained: bool,
}

#[derive(Clone)]
enum Container {
    Pcap(pcap::Layout),
    Pcapng(pcapng::Walk),
}

impl Savefile {
    /// Opens the capture at `path`, `-` being standard input; `capture` is its place among those
    /// given.
    ///
    /// # Errors
    /// When it cannot be opened or read, or is no capture.
    pub fn open(path: &Path, capture: u32) -> Result<Self, SourceError> {
        Self::open_until(path, capture, None)
    }

    /// Opens the capture at `path` as [`Self::open`] does; reading ends as if it failed when somebody asks
    /// to stop.
    ///
    /// # Errors
    /// When it cannot be opened or read, or is no capture.
    pub fn open_until(
        path: &Path,
        capture: u32,
        stop: Option<&Arc<Stop>>,
    ) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        let input = match Input::open(path, stop) {
            Ok(input) => input,
            Err(error) => {
                return Err(SourceError::Io { path: name, action: "cannot open", error });
            }
        };
        let name = if name == "-" { "standard input".to_owned() } else { name };
        let mut capture = Self::from_reader(Box::new(input.clone()), name, capture)?;
        capture.length = input.length;
        // Decompression cannot be asked to wait no longer.
        capture.pipe = Some(input).filter(|input| input.waits() && !capture.compressed);
        Ok(capture)
    }

    /// Whether the capture can be read only once.
    pub fn is_a_pipe(&self) -> bool {
        self.length.is_none()
    }

    /// Lets pauses pass untold: nobody reads along.
    pub fn keep_pauses(&mut self) {
        self.pipe = None;
    }

    /// Sets the capture's place among those that are read.
    pub fn set_place(&mut self, capture: u32) {
        self.capture = capture;
    }

    /// Length of the container in bytes, where it is known: of a file that is not compressed.
    pub fn plain_length(&self) -> Option<u64> {
        self.length.filter(|_| !self.compressed)
    }

    /// Reads a capture from any stream of bytes, compressed by gzip or zstd or not. `path` is what
    /// messages call it.
    ///
    /// # Errors
    /// When the stream fails at once, or what it brings is no capture.
    pub fn from_reader(
        input: Box<dyn Read + Send>,
        path: String,
        capture: u32,
    ) -> Result<Self, SourceError> {
        let failed = |path: &str, error| SourceError::Io {
            path: path.to_owned(),
            action: "cannot read",
            error,
        };
        let (head, input) = peek(input).map_err(|error| failed(&path, error))?;
        let mut compressed = false;
        let (head, mut input) = match plain(&head, input).map_err(|error| failed(&path, error))? {
            // What is inside of a compressed stream begins with a head of its own.
            Plain::Decompressed(inside) => {
                compressed = true;
                peek(inside).map_err(|error| failed(&path, error))?
            }
            Plain::AsItIs(input) => (head, input),
        };
        // The head was looked at, not taken.
        read_exactly(&mut input, head.len()).map_err(|error| failed(&path, error))?;
        let filled = head.len();
        let (format, container, links, skip) = if let Some(layout) = pcap::Layout::read(&head) {
            (CaptureFormat::Pcap, Container::Pcap(layout), vec![layout.link], pcap::HEADER)
        } else if pcapng::begins(&head) {
            (CaptureFormat::Pcapng, Container::Pcapng(pcapng::Walk::default()), Vec::new(), 0)
        } else {
            return Err(SourceError::NotACapture { path, found: describe(&head) });
        };
        let facts = CaptureFacts {
            path,
            format,
            links,
            frames: 0,
            bytes: u64::try_from(skip).unwrap_or_default(),
            first: None,
            last: None,
            truncated_frames: 0,
            filtered: 0,
            dropped: None,
            damage: None,
        };
        let rest = head.get(skip..).unwrap_or_default().to_vec();
        Ok(Self {
            input,
            pipe: None,
            paused: false,
            container,
            capture,
            facts,
            length: None,
            compressed,
            rest,
            drained: filled < pcap::HEADER,
        })
    }

    /// The time of the first frame, which stays to be read; `None` when there is none.
    ///
    /// # Errors
    /// When reading fails.
    pub fn first_time(&mut self) -> Result<Option<Timestamp>, SourceError> {
        let mut container = self.container.clone();
        let mut used = 0;
        loop {
            let here = self.rest.get(used..).unwrap_or_default();
            let step = match &mut container {
                Container::Pcap(layout) => layout.step(here),
                Container::Pcapng(walk) => walk.step(here, &mut Vec::new()),
            };
            match step {
                Step::Frame { at, .. } => return Ok(Some(at)),
                Step::Other { used: more } => used = used.saturating_add(more),
                Step::Bad(_) => return Ok(None),
                Step::Short { .. } if self.drained => return Ok(None),
                Step::Short { .. } => {
                    let mut piece = vec![0; 1 << 16];
                    match read(&mut self.input, &mut piece) {
                        Ok(0) => self.drained = true,
                        Ok(count) => self.rest.extend(piece.iter().take(count)),
                        Err(error) => {
                            let path = self.facts.path.clone();
                            return Err(SourceError::Io { path, action: "cannot read", error });
                        }
                    }
                }
            }
        }
    }

    /// Parses the records in the first `filled` bytes of the block; returns how many bytes they
    /// used and how many the record after them needs.
    fn parse(&mut self, block: &mut Block, filled: usize) -> (usize, usize) {
        let mut used = 0;
        loop {
            let here = block.bytes.get(used..filled).unwrap_or_default();
            let step = match &mut self.container {
                Container::Pcap(layout) => layout.step(here),
                Container::Pcapng(walk) => walk.step(here, &mut self.facts.links),
            };
            match step {
                Step::Frame { at, link, wire_len, start, end, used: more } => {
                    self.facts.frames = self.facts.frames.saturating_add(1);
                    self.facts.first.get_or_insert(at);
                    self.facts.last = self.facts.last.max(Some(at));
                    let captured = end.saturating_sub(start);
                    let whole = usize::try_from(wire_len).unwrap_or(usize::MAX);
                    if captured < whole {
                        self.facts.truncated_frames = self.facts.truncated_frames.saturating_add(1);
                    }
                    block.spans.push(FrameSpan {
                        reference: FrameRef {
                            capture: self.capture,
                            number: self.facts.frames,
                            at,
                        },
                        link,
                        wire_len,
                        start: used.saturating_add(start),
                        end: used.saturating_add(end),
                    });
                    used = used.saturating_add(more);
                }
                Step::Other { used: more } => used = used.saturating_add(more),
                Step::Short { need } => return (used, need),
                Step::Bad(what) => {
                    self.damaged(used, &what);
                    return (used, 0);
                }
            }
        }
    }

    /// Notes damage `ahead` bytes from the first byte not used up; nothing after it is believed.
    fn damaged(&mut self, ahead: usize, what: &str) {
        let at = self.facts.bytes.saturating_add(u64::try_from(ahead).unwrap_or_default());
        let record = match &self.container {
            Container::Pcap(_) => format!("record {}", self.facts.frames.saturating_add(1)),
            Container::Pcapng(walk) => format!("block {}", walk.blocks.saturating_add(1)),
        };
        self.facts.damage = Some(format!("{record} at byte {at}: {what}"));
        self.drained = true;
    }
}

impl Source for Savefile {
    fn fill(&mut self, block: &mut Block) -> Result<Fill, SourceError> {
        block.spans.clear();
        if self.drained && self.rest.is_empty() {
            return Ok(Fill::End);
        }
        if let Some((pipe, last)) = self.pipe.as_ref().zip(self.facts.last)
            && !self.paused
            && !self.drained
            && pipe.is_silent_for(PAUSE)
        {
            self.paused = true;
            return Ok(Fill::Idle(last.plus(PAUSE)));
        }
        self.paused = false;
        let mut filled = self.rest.len();
        if block.bytes.len() < filled.max(PIECE) {
            block.bytes.resize(filled.max(PIECE), 0);
        }
        if let Some(lead) = block.bytes.get_mut(..filled) {
            lead.copy_from_slice(&self.rest);
        }
        self.rest.clear();
        let mut failure = None;
        loop {
            if !self.drained {
                match read(&mut self.input, block.bytes.get_mut(filled..).unwrap_or_default()) {
                    Ok(0) => self.drained = true,
                    Ok(count) => filled = filled.saturating_add(count),
                    Err(error) => {
                        self.drained = true;
                        failure = Some(error);
                    }
                }
            }
            let (used, need) = self.parse(block, filled);
            let left = filled.saturating_sub(used);
            if let Some(error) = &failure
                && self.facts.frames > 0
            {
                self.damaged(filled, &format!("cannot read: {error}"));
            }
            if self.drained {
                if self.facts.damage.is_none() && left > 0 {
                    self.damaged(used, &format!("{left} bytes are left, need at least {need}"));
                }
            } else if used == 0 && block.spans.is_empty() {
                // Not one whole record yet: read on, into more room where it needs some.
                if block.bytes.len() < need {
                    block.bytes.resize(need, 0);
                }
                continue;
            } else {
                self.rest.extend_from_slice(block.bytes.get(used..filled).unwrap_or_default());
            }
            self.facts.bytes =
                self.facts.bytes.saturating_add(u64::try_from(used).unwrap_or_default());
            return match failure {
                Some(error) if self.facts.frames == 0 => Err(SourceError::Io {
                    path: self.facts.path.clone(),
                    action: "cannot read",
                    error,
                }),
                Some(_) | None => Ok(Fill::Frames),
            };
        }
    }

    fn facts(&self) -> &CaptureFacts {
        &self.facts
    }
}

/// `read` that does not stop at a signal.
fn read(input: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A stream, and the bytes that it begins with, which are still in it.
pub(super) type Peeked = (Vec<u8>, Box<dyn Read + Send>);

/// Looks at the first bytes of a stream.
pub(super) fn peek(mut input: Box<dyn Read + Send>) -> io::Result<Peeked> {
    let mut head = vec![0; pcap::HEADER];
    let mut filled = 0;
    while let Some(free) = head.get_mut(filled..).filter(|free| !free.is_empty()) {
        match read(&mut input, free)? {
            0 => break,
            count => filled = filled.saturating_add(count),
        }
    }
    head.truncate(filled);
    let whole = io::Cursor::new(head.clone()).chain(input);
    Ok((head, Box::new(whole)))
}

/// Takes `count` bytes that are known to be there.
fn read_exactly(input: &mut impl Read, count: usize) -> io::Result<()> {
    input.read_exact(&mut vec![0; count])
}

pub(super) enum Plain {
    AsItIs(Box<dyn Read + Send>),
    Decompressed(Box<dyn Read + Send>),
}

/// Decompresses a stream that begins like one of gzip or zstd.
pub(super) fn plain(head: &[u8], input: Box<dyn Read + Send>) -> io::Result<Plain> {
    Ok(match head {
        [0x1f, 0x8b, ..] => {
            Plain::Decompressed(Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(input))))
        }
        head if zstd::begins(head) => {
            Plain::Decompressed(Box::new(zstd::Frames::new(BufReader::new(input))))
        }
        _ => Plain::AsItIs(input),
    })
}

/// A file that begins so is a capture.
pub(super) fn is_capture(begin: &[u8]) -> bool {
    let head = begin.get(..pcap::HEADER).unwrap_or(begin);
    pcap::Layout::read(head).is_some() || pcapng::begins(head)
}

/// What the first bytes of something that is no capture look like, for a person.
fn describe(head: &[u8]) -> String {
    const WANTED: &str = "wanted a pcap or pcapng capture (tcpdump -w, dumpcap, Wireshark)";
    if head.is_empty() {
        return format!("the file is empty; {WANTED}");
    }
    if pcap::is_cut(head) {
        return format!(
            "cut inside its header ({} of {} bytes). Was tcpdump stopped before it wrote a packet?",
            head.len(),
            pcap::HEADER
        );
    }
    let first: Vec<String> = head.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("not a capture: begins with bytes {}; {WANTED}", first.join(" "))
}
