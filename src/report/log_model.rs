//! The report's parts that logs and the front leg fill, field by field as `--format json` writes them.

use super::log_finding_model::{LogFindingRecord, LogPlace};
use super::named::{Named, Tally, named};
use crate::base::time::Timestamp;
use crate::join::Answer;
use crate::logs::{LineError, LogFormat, Says};
use crate::packet::Endpoint;
use crate::topology::request_key::MatchedBy;
use crate::verdict::Cause;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a client got of a request that failed on the leg.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClientRecord {
    /// Null when it got none.
    pub status: Option<u16>,
    /// When it had its answer, by the capture's clock.
    pub at: Timestamp,
    /// How long it waited.
    pub latency_ns: Option<u64>,
    /// The proxy sent the request again after this attempt.
    pub retried: bool,
    /// How that was found.
    pub matched_by: ClientSource,
    /// What this attempt cost: until the next one began.
    pub cost_ns: Option<u64>,
    /// The next attempt sent what may have run already, and must not run twice.
    pub ran_twice: bool,
    /// What the proxy itself took, where the front leg shows it.
    pub proxy_ns: Option<u64>,
    /// The line that says so; null when the front leg does.
    pub line: Option<LogPlace>,
}

/// What the proxy's log says, joined.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Log {
    /// The files, in the order given.
    pub files: Vec<LogFile>,
    /// Lines read.
    pub lines: u64,
    /// Of them, of requests, or messages about them.
    pub requests: u64,
    /// Lines of requests that went wrong.
    pub errors: u64,
    /// Messages about such.
    pub messages: u64,
    /// Requests that failed, each counted once: by its own line, or by its first message.
    pub failed: u64,
    /// Of them, those of which only messages tell.
    pub only_messages: u64,
    /// Lines that could not be understood.
    pub unreadable: u64,
    /// Error lines for which there was no room.
    pub errors_not_kept: u64,
    /// Error lines by what the client got; `-` is no status.
    #[serde(serialize_with = "by_status")]
    pub statuses: BTreeMap<Option<u16>, u64>,
    /// Requests that failed by answer, each counted once.
    pub answers: Tally<Answer>,
    /// Error lines by the reason of answers other than `on_leg`.
    pub reasons: Tally<AnswerReason>,
    /// Error lines by cause, where that is known; those of ambiguous lines too.
    pub causes: Tally<Cause>,
    /// What the log itself says of the causes.
    pub says: Tally<Says>,
    /// Error lines and messages by how they were matched.
    pub matched_by: Tally<MatchedBy>,
    /// Failures that a retry hid from clients.
    pub hidden_retries: HiddenRetries,
    /// What failures have in common, where no capture was given: what explains most first.
    pub findings: Vec<LogFindingRecord>,
    /// Requests beyond those among which that was looked for.
    pub not_looked_at: u64,
    /// Requests that went well though an attempt had failed, says the log.
    pub retried: u64,
    /// Lines that are of no request and explain others.
    pub explaining: Vec<BackendOut>,
    /// Error lines whose cause on the leg is known.
    pub joined: Vec<LogLine>,
    /// All others.
    pub unmatched: Vec<LogLine>,
}

/// One log file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogFile {
    /// As given.
    pub path: String,
    /// The format; null when no line could be understood.
    pub format: Option<LogFormat>,
    /// Lines read.
    pub lines: u64,
    /// Time of the first entry, by its own clock.
    pub first: Option<Timestamp>,
    /// The latest time.
    pub last: Option<Timestamp>,
    /// The times are local ones without an offset.
    pub local_times: bool,
    /// Lines that could not be understood.
    pub unreadable: u64,
    /// The first of them.
    pub unreadable_first: Vec<UnreadLine>,
    /// Where and why reading ended early.
    pub damage: Option<String>,
    /// The log's clock, held against the captures'.
    pub clock: Option<ClockRecord>,
}

/// A line that could not be understood.
#[derive(Clone, Debug, Serialize)]
pub struct UnreadLine {
    /// From 1.
    pub line: u64,
    /// Length in bytes, without the end of the line.
    pub length: u64,
    /// What it looks like, without any word of it: it may hold secrets anywhere.
    pub shape: String,
    /// Why not.
    pub reason: LineError,
}

/// How far a log's clock is from that of the captures.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClockRecord {
    /// The log is ahead by so much; less than 0 when it is behind.
    pub offset_ns: i64,
    /// Single lines lie so far from that.
    pub spread_ns: u64,
    /// The unit of its times.
    pub resolution_ns: u64,
    /// Lines that tell it.
    pub samples: usize,
    /// How that is known.
    pub by: ClockSource,
}

/// Failures that no client saw.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct HiddenRetries {
    /// How many.
    pub failures: u64,
    /// What they cost in all: time from a failed attempt to the next.
    pub cost_ns: u64,
    /// The longest of these.
    pub longest_ns: u64,
    /// Requests sent again that may have run already, and must not run twice.
    pub ran_twice: u64,
}

/// An error line, and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct LogLine {
    /// From 0.
    pub file: usize,
    /// From 1.
    pub line: u64,
    /// The line's time, by the log's clock; null where it has none.
    pub at: Option<Timestamp>,
    /// What the client got.
    pub status: Option<u16>,
    /// `GET`, `POST` …
    pub method: Option<String>,
    /// As logged, secrets hidden.
    pub target: Option<String>,
    /// Where the request went, says the log.
    pub backend: Option<Endpoint>,
    /// What the capture says of it.
    pub answer: Answer,
    /// Why, for the others than `on_leg`.
    pub reason: Option<AnswerReason>,
    /// Why it failed on the leg.
    pub cause: Option<Cause>,
    /// How it was matched.
    pub matched_by: Option<MatchedBy>,
    /// The failures it is of, or could be of.
    pub failures: FailureIds,
    /// The connection of its exchange.
    pub connection: Option<u64>,
    /// The number of the exchange on the connection.
    pub ordinal: Option<u32>,
    /// What the log itself says of the cause.
    pub says: Option<Says>,
    /// In its own words.
    pub code: Option<String>,
    /// A load balancer's times, held against the packets.
    pub times: Option<LogTimes>,
    /// One sentence.
    pub text: String,
    /// The message that says why, where another line does: this one's own `says` is what it says itself.
    pub explained_by: Option<ExplainingLine>,
    /// The line that this failure is counted by, where that is another one.
    pub of: Option<LogPlace>,
    /// Lines of the same file that say the same of the same failure again.
    pub also: Vec<u64>,
    /// The failure is counted by this line.
    #[serde(skip)]
    pub counted: bool,
    /// The line is a message about a request, not the line of one.
    #[serde(skip)]
    pub message: bool,
}

/// A line that says that a backend was taken out of use, and what failed for that.
#[derive(Clone, Debug, Serialize)]
pub struct BackendOut {
    /// From 0.
    pub file: usize,
    /// From 1.
    pub line: u64,
    /// By the log's clock; null where the line has no time.
    pub at: Option<Timestamp>,
    /// The backend, where it is named by its address.
    pub backend: Option<Endpoint>,
    /// What it says: that no backend was left, that a process died, that a limit was reached.
    pub says: Option<Says>,
    /// In the log's own words.
    pub code: String,
    /// Lines that say it of this backend.
    pub lines: u64,
    /// Failures that it explains.
    pub failures: u64,
}

/// A line that says why another one's request failed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ExplainingLine {
    /// From 0.
    pub file: usize,
    /// From 1.
    pub line: u64,
    /// What it says of the cause.
    pub says: Option<Says>,
}

/// Failures by their ids. Lines that are alike share one list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FailureIds(pub Arc<[Arc<str>]>);

impl Serialize for FailureIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|id| &**id))
    }
}

/// Where the time of a request went.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LogTimes {
    /// In the load balancer, until it was sent on; null is its -1.
    pub dispatch_ns: Option<u64>,
    /// From there until the answer began.
    pub target_ns: Option<u64>,
    /// From there until it was passed on.
    pub response_ns: Option<u64>,
    /// The packets: from the request's end to the answer's begin, or to the close that came instead,
    /// where the capture was taken.
    pub waited_ns: Option<u64>,
    /// The packets: from the answer's begin to its end.
    pub answering_ns: Option<u64>,
    /// There was an answer.
    pub answered: Option<bool>,
    /// Of `target_ns`, what was spent in the server; null where the vantage does not tell.
    pub in_server_ns: Option<u64>,
    /// Of `target_ns`, what was spent on the way: a round trip.
    pub on_wire_ns: Option<u64>,
    /// Of `target_ns`, what is left: in the load balancer itself.
    pub in_proxy_ns: Option<u64>,
}

/// What the front leg and the backend leg show together.
#[derive(Clone, Debug, Serialize)]
pub struct FrontLegRecord {
    /// The proxy's own listeners.
    pub listeners: Vec<Endpoint>,
    /// Requests of clients.
    pub requests: u64,
    /// Of them, those that are known to have become an exchange with a backend.
    pub joined: u64,
    /// Those that could be of several.
    pub ambiguous: u64,
    /// How they were joined.
    pub matched_by: Tally<MatchedBy>,
    /// What clients got.
    pub statuses: BTreeMap<u16, u64>,
    /// 5xx answers to clients for which no exchange with a backend is found.
    pub errors_of_proxy: u64,
    /// What the proxy itself took: the median.
    pub proxy_p50_ns: Option<u64>,
    /// 99 of 100 are no longer.
    pub proxy_p99_ns: Option<u64>,
    /// The longest.
    pub proxy_max_ns: Option<u64>,
}

/// How it is known what a client got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientSource {
    /// The attempt was matched with it.
    Matched(MatchedBy),
    /// An answer on the front leg that no attempt explains.
    FrontLeg,
    /// A line of the log that no attempt explains.
    Log,
}

impl ClientSource {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matched(by) => by.name(),
            Self::FrontLeg => "front_leg",
            Self::Log => "log",
        }
    }
}

/// How it is known how far a log's clock is from that of the captures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    /// Lines that were matched tell it.
    Matches,
    /// Nothing does: it is taken to be the same.
    Assumed,
}

/// Why the answer on a line is what it is, for those that have a reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnswerReason(Answer);

impl AnswerReason {
    /// Of an answer; `None` where that says all.
    pub fn of(answer: Answer) -> Option<Self> {
        answer.reason().map(|_| Self(answer))
    }

    /// The answer that it is of.
    pub const fn answer(self) -> Answer {
        self.0
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        self.0.reason().unwrap_or_default()
    }
}

named! {
    AnswerReason: Self::name;
    ClientSource: Self::name;
}

fn by_status<S: Serializer>(counts: &BTreeMap<Option<u16>, u64>, to: S) -> Result<S::Ok, S::Error> {
    let name = |status: Option<u16>| status.map_or("-".to_owned(), |status| status.to_string());
    to.collect_map(counts.iter().map(|(status, count)| (name(*status), count)))
}
