//! The report, field by field as `--format json` writes it. Scripts depend on these names.

pub use super::answer_model::*;
pub use super::backend_model::*;
pub use super::failure_model::*;
pub use super::log_model::*;
use super::named::{Named, Tally, named};
pub use super::process_model::*;
pub use super::tally_model::*;
use crate::base::time::Timestamp;
use crate::input::CaptureFormat;
use crate::packet::Skip;
use crate::verdict::Cause;
use crate::words::notices::Notice;
use serde::{Serialize, Serializer};

/// Raised when a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 2;

/// All that is said of the captures given.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Raised when a field changes its meaning.
    pub schema_version: u32,
    /// The answer in brief.
    pub answer: AnswerSummary,
    /// Who says it.
    pub tool: Tool,
    /// What was read.
    pub captures: Vec<Capture>,
    /// What was counted.
    pub counters: Counters,
    /// What clients got; null where neither the front leg nor a log shows it.
    pub clients: Option<Clients>,
    /// How much was judged.
    pub judged: Judged,
    /// What was not read or not judged on the backends.
    pub unread: Vec<UnreadRecord>,
    /// Failures by cause.
    pub causes: Tally<Cause>,
    /// What was judged.
    pub backends: Vec<BackendRecord>,
    /// What explains many failures at once.
    pub events: Vec<EventRecord>,
    /// Failures that are alike, the most frequent first.
    pub groups: Vec<FailureGroup>,
    /// What began when, over the span of the captures.
    pub over_time: Vec<OverTime>,
    /// One record per failure.
    pub failures: Vec<FailureRecord>,
    /// What the proxy's log says; null when none was given.
    pub log: Option<Log>,
    /// The proxy's other side; null where the captures do not hold it.
    pub front_leg: Option<FrontLegRecord>,
    /// What limits the answer, or completes it.
    pub notes: Vec<Note>,
}

/// The program that made the report.
#[derive(Clone, Debug, Serialize)]
pub struct Tool {
    /// `why502`.
    pub name: &'static str,
    /// As in Cargo.toml.
    pub version: &'static str,
}

/// One capture.
#[derive(Clone, Debug, Serialize)]
pub struct Capture {
    /// As given.
    pub path: String,
    /// The container.
    pub format: CaptureFormat,
    /// tcpdump's names in lower case.
    pub link_types: Vec<String>,
    /// Frames read.
    pub frames: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time of the first frame.
    pub first: Option<Timestamp>,
    /// Time of the last one.
    pub last: Option<Timestamp>,
    /// Frames of which only the beginning was captured.
    pub truncated_frames: u64,
    /// Frames that the kernel dropped before a watch could take them; not told of saved captures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_drops: Option<u64>,
    /// Frames that an interface lost; not told of saved captures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_drops: Option<u64>,
    /// Where and why reading ended early.
    pub damage: Option<String>,
}

/// What was counted, over all captures.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counters {
    /// Frames read.
    pub frames: u64,
    /// TCP segments among them.
    pub segments: u64,
    /// Segments captured more than once: further copies.
    pub duplicates: u64,
    /// Frames that are none, by kind.
    pub skipped: Tally<Skipped>,
    /// Segments whose numbers fit no connection.
    pub stray_segments: u64,
    /// TCP connections.
    pub connections: u64,
    /// Connects to judged listeners that failed.
    pub connects_failed: u64,
    /// Connections whose two sides did not come to terms, so that nothing was asked: see `Listener::mismatched`.
    #[serde(skip)]
    pub mismatched: u64,
    /// Connects to judged listeners that got no answer in the capture.
    pub connects_unanswered: u64,
    /// Exchanges with backends.
    pub exchanges: u64,
    /// Of these, failed.
    pub exchanges_failed: u64,
    /// Perhaps answered; missing or cut frames hide it.
    pub exchanges_unread: u64,
    /// Neither answered nor closed before the capture ended.
    pub exchanges_open: u64,
    /// Closes by a backend that harmed no request.
    pub benign_closes: u64,
    /// Places where the capture misses bytes that were received.
    pub capture_gaps: u64,
    /// Bounds that were reached, and how often.
    pub limits_hit: Tally<Bound>,
}

/// Why a frame was not looked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skipped {
    /// No segment, or none that can be read.
    NoSegment(Skip),
    /// The filter does not want it.
    Filtered,
}

impl Skipped {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoSegment(skip) => skip.name(),
            Self::Filtered => "filtered",
        }
    }
}

/// What of the analysis is bounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// Connections at one time.
    Connections,
    /// Bytes that wait for those before them.
    WaitingBytes,
    /// Listeners.
    Listeners,
    /// Proxies of a backend.
    Proxies,
    /// Failures.
    Failures,
    /// Ends of one connection before and after address translation.
    Aliases,
}

impl Bound {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::WaitingBytes => "waiting_bytes",
            Self::Listeners => "listeners",
            Self::Proxies => "proxies",
            Self::Failures => "failures",
            Self::Aliases => "aliases",
        }
    }
}

named! {
    Bound: Self::name;
    Skipped: Self::name;
}

/// Something to know of the answer.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// For scripts.
    pub code: &'static str,
    /// For people.
    pub text: String,
    /// What the first sentence says of it, where that has a place for it.
    #[serde(skip)]
    pub headline: Option<String>,
    /// What it says.
    #[serde(skip)]
    pub notice: Notice,
}

impl Note {
    /// A note in the words of its notice.
    pub(super) fn new(notice: Notice) -> Self {
        Self { code: notice.code(), text: notice.text(), headline: None, notice }
    }
}
