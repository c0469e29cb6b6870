//! Where frames come from. A [`Source`] fills blocks; nothing after it knows what it is.

#[cfg(feature = "live")]
mod bpf;
mod filter;
mod json_objects;
mod lines;
pub mod merge;
mod pcap;
mod pcapng;
mod record;
mod savefile;
pub mod stop;
mod stream;
pub mod together;
mod utf16;
mod zstd;

/// Stands in for libpcap in a program built without it: there are no programs.
#[cfg(not(feature = "live"))]
mod bpf {
    use super::LinkType;

    pub(super) enum FilterProgram {}

    impl FilterProgram {
        pub(super) fn compile(_: &str, _: LinkType) -> Result<Self, String> {
            Err("why502 was built without libpcap; build it with the default features (needs \
                 libpcap-dev)"
                .to_owned())
        }

        pub(super) fn keeps(&self, _: &[u8]) -> bool {
            match *self {}
        }
    }
}

use crate::base::time::Timestamp;
use crate::packet::{Frame, FrameRef, LinkType};
pub use filter::Filter;
pub use lines::{LineEnd, Text};
pub use savefile::Savefile;
use std::io;
use std::ops::Range;

/// A batch of frames in one piece of memory, filled again and again.
#[derive(Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    spans: Vec<FrameSpan>,
}

/// A frame as a place in its block.
#[derive(Clone, Copy, Debug)]
struct FrameSpan {
    reference: FrameRef,
    link: LinkType,
    wire_len: u32,
    start: usize,
    end: usize,
}

impl Block {
    /// An empty block.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many frames it holds.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether the block holds no frame.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// When a frame was captured; `None` past the last one.
    pub fn time_of(&self, index: usize) -> Option<Timestamp> {
        self.spans.get(index).map(|span| span.reference.at)
    }

    /// The frames at these places, in the order of the source.
    pub fn frames(&self, places: Range<usize>) -> impl Iterator<Item = Frame<'_>> {
        let spans = self.spans.get(places).unwrap_or_default();
        spans.iter().map(|span| span.frame(&self.bytes))
    }

    /// Removes the frames that are not `wanted`; returns how many they were.
    fn retain(&mut self, wanted: impl Fn(&Frame<'_>) -> bool) -> u64 {
        let before = self.spans.len();
        self.spans.retain(|span| wanted(&span.frame(&self.bytes)));
        u64::try_from(before.saturating_sub(self.spans.len())).unwrap_or(u64::MAX)
    }
}

impl FrameSpan {
    fn frame<'a>(&self, block: &'a [u8]) -> Frame<'a> {
        Frame {
            reference: self.reference,
            link: self.link,
            wire_len: self.wire_len,
            bytes: block.get(self.start..self.end).unwrap_or_default(),
        }
    }
}

/// What a call of [`Source::fill`] brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// Frames, perhaps none yet.
    Frames,
    /// No frames, and none that were captured before this are still to come: time has passed.
    Idle(Timestamp),
    /// Nothing, and nothing will come.
    End,
}

/// Something that yields frames: a saved capture, a device, a test that drops some of them.
pub trait Source {
    /// Replaces what is in `block` with the next frames.
    ///
    /// # Errors
    /// When reading itself fails. What was read before stays good. Damage in what was read is no
    /// error: it ends the source and stands in [`CaptureFacts::damage`].
    fn fill(&mut self, block: &mut Block) -> Result<Fill, SourceError>;

    /// What is known of the capture so far.
    fn facts(&self) -> &CaptureFacts;
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn fill(&mut self, block: &mut Block) -> Result<Fill, SourceError> {
        (**self).fill(block)
    }

    fn facts(&self) -> &CaptureFacts {
        (**self).facts()
    }
}

/// What a capture is, and how much of it was read.
#[derive(Clone, Debug)]
pub struct CaptureFacts {
    /// As the user named it.
    pub path: String,
    /// The capture's container.
    pub format: CaptureFormat,
    /// Every link type it declared, in order of appearance.
    pub links: Vec<LinkType>,
    /// Frames read.
    pub frames: u64,
    /// Bytes of container read.
    pub bytes: u64,
    /// Time of the first frame.
    pub first: Option<Timestamp>,
    /// The latest time of any frame.
    pub last: Option<Timestamp>,
    /// Frames of which the capture kept only the beginning.
    pub truncated_frames: u64,
    /// Frames read that a filter removed.
    pub filtered: u64,
    /// Frames that the host did not hand over, for want of room; `None` where that is not told.
    pub dropped: Option<Dropped>,
    /// Why reading ended before the end: where, what was found, what was wanted.
    pub damage: Option<String>,
}

/// Frames that were there and that a watch never saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dropped {
    /// The kernel's buffer was full.
    pub by_kernel: u64,
    /// The interface or its driver lost them.
    pub by_interface: u64,
}

/// A container of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CaptureFormat {
    /// The classic format of libpcap.
    Pcap,
    /// Blocks, several interfaces.
    Pcapng,
    /// None: frames as they come.
    Live,
}

impl CaptureFormat {
    /// The container's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcap => "pcap",
            Self::Pcapng => "pcapng",
            Self::Live => "live",
        }
    }
}

/// A capture that cannot be read at all, or no further.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("{path}: {action}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What was tried: `cannot open`, `cannot read`.
        action: &'static str,
        /// The system's reason.
        error: io::Error,
    },
    /// The first bytes are those of something else.
    #[error("{path}: {found}")]
    NotACapture {
        /// The file.
        path: String,
        /// What is there instead, and what to do.
        found: String,
    },
    /// What was given as a log is something else.
    #[error("{path}: {found}")]
    NotALog {
        /// The file.
        path: String,
        /// What it is, and what to do.
        found: String,
    },
    /// An interface that cannot be watched, or no longer.
    #[error("{interface}: {reason}")]
    Device {
        /// As the user named it.
        interface: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A filter expression that means nothing, or nothing here.
    #[error("--filter {expression:?}: {reason}")]
    Filter {
        /// As the user typed it.
        expression: String,
        /// libpcap's reason.
        reason: String,
    },
    /// A filter expression that means nothing for the frames of a capture.
    #[error("{path}: --filter {expression:?} cannot be used on link type {link}: {reason}")]
    FilterOnLink {
        /// The file.
        path: String,
        /// As the user typed it.
        expression: String,
        /// Name of the link type.
        link: String,
        /// libpcap's reason.
        reason: String,
    },
}
