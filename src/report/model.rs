//! The report, field by field as `--format json` writes it. Scripts depend on these names.

pub use super::log_model::*;
pub use super::tally_model::*;
use crate::knowledge::SettingOrigin;
use crate::knowledge::distribution::EDGES;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Raised when a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// All that is said of the captures given.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
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
    pub causes: BTreeMap<&'static str, u64>,
    /// What was judged.
    pub backends: Vec<BackendRecord>,
    /// What explains many failures at once.
    pub events: Vec<EventRecord>,
    /// One record per failure.
    pub failures: Vec<FailureRecord>,
    /// What the proxy's log says; null when none was given.
    pub log: Option<Log>,
    /// The proxy's other side; null where the captures do not hold it.
    pub front_leg: Option<FrontLegRecord>,
    /// What limits the answer, or completes it.
    pub notes: Vec<Note>,
}

/// This program.
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
    /// `pcap`, `pcapng` or `live`.
    pub format: &'static str,
    /// tcpdump's names in lower case.
    pub link_types: Vec<String>,
    /// Frames read.
    pub frames: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time of the first frame.
    pub first: Option<String>,
    /// Time of the last one.
    pub last: Option<String>,
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
    pub skipped: BTreeMap<&'static str, u64>,
    /// Segments whose numbers fit no connection.
    pub stray_segments: u64,
    /// TCP connections.
    pub connections: u64,
    /// Connects to judged listeners that failed.
    pub connects_failed: u64,
    /// Connections whose two sides spoke different protocols, so that nothing was asked.
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
    pub limits_hit: BTreeMap<&'static str, u64>,
}

/// One backend.
#[derive(Clone, Debug, Serialize)]
pub struct BackendRecord {
    /// `ip:port`.
    pub backend: String,
    /// What it was told to be called.
    pub name: Option<String>,
    /// Connections to it.
    pub connections: u64,
    /// Exchanges with it.
    pub exchanges: u64,
    /// Of these, probes of its health.
    pub probes: u64,
    /// Exchanges by status.
    pub statuses: BTreeMap<String, u64>,
    /// Failures by cause.
    pub causes: BTreeMap<&'static str, u64>,
    /// Where the capture was taken.
    pub vantage: VantageRecord,
    /// Over all its proxies.
    pub idle: Idle,
    /// Its keep-alive timeout.
    pub backend_keepalive: Option<Timeout>,
    /// More timers of it, or of several servers behind its address.
    pub other_keepalives: Vec<Timeout>,
    /// After how many requests it closes; null when no one number shows.
    pub request_limit: Option<RequestLimitRecord>,
    /// At which age of a connection it closes; null when no one age shows.
    pub age_limit: Option<Timeout>,
    /// What its answers give away of its server: a guess.
    pub server: Option<&'static str>,
    /// How long such a server keeps idle connections unless somebody sets that.
    pub server_default_ns: Option<u64>,
    /// The known server that it was told to be.
    pub told_kind: Option<&'static str>,
    /// Its proxies.
    pub proxies: Vec<ProxyRecord>,
    /// The worst of its proxies.
    pub ordering: &'static str,
    /// Reuses so late that the backend's timer was about to fire; null when it is not known.
    pub near_misses: Option<u64>,
    /// The probes of its health; null when none were seen.
    pub health: Option<HealthRecord>,
    /// Requests that its keep-alive timer is expected to hit; null when no timer is known.
    pub hazard: Option<HazardRecord>,
    /// The same with other timeouts; null when none were asked for.
    pub what_if: Option<HazardRecord>,
}

/// Requests expected to be lost to a keep-alive timer; see `hazard` for the method.
#[derive(Clone, Debug, Serialize)]
pub struct HazardRecord {
    /// Of the requests in the capture.
    pub lost: EstimateRecord,
    /// Of a million requests like these.
    pub per_million: EstimateRecord,
    /// In a day of traffic like this; null for a capture of less than a minute.
    pub per_day: Option<EstimateRecord>,
    /// How close to the close a request must come to be lost.
    pub window_ns: SpanRecord,
    /// Reuses counted just below the timer.
    pub near: u64,
    /// Within so much.
    pub within_ns: u64,
    /// `counted`, `bound` or `proxy_gives_up_first`.
    pub basis: &'static str,
    /// The timer that it is about.
    pub backend_keepalive_ns: u64,
    /// The proxy's, where it is known.
    pub proxy_idle_ns: Option<u64>,
}

/// A number, and the interval that holds it in 95 of 100 cases.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EstimateRecord {
    /// It is hardly less.
    pub low: f64,
    /// The best guess.
    pub mid: f64,
    /// It is hardly more.
    pub high: f64,
}

/// A length of time, and the interval around it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SpanRecord {
    /// It is hardly less.
    pub low: u64,
    /// The usual.
    pub mid: u64,
    /// It is hardly more.
    pub high: u64,
}

/// How probes of a backend's health fare.
#[derive(Clone, Debug, Serialize)]
pub struct HealthRecord {
    /// What is asked; null when the probe only connects.
    pub path: Option<String>,
    /// How often; null when that is not constant.
    pub period_ns: Option<u64>,
    /// Answers by status.
    pub statuses: BTreeMap<String, u64>,
    /// Probes that failed.
    pub failed: u64,
    /// Probes in all.
    pub of: u64,
    /// Its user agent, where it is a known one; else it was known by its constant period.
    pub prober: Option<&'static str>,
}

/// One proxy of a backend.
#[derive(Clone, Debug, Serialize)]
pub struct ProxyRecord {
    /// Its address.
    pub proxy: String,
    /// What it was told to be called.
    pub name: Option<String>,
    /// The known proxy that it was told to be.
    pub told_kind: Option<&'static str>,
    /// What its requests give away of it: a guess.
    pub kind: Option<&'static str>,
    /// How long such a proxy keeps idle connections unless somebody sets that.
    pub kind_default_ns: Option<u64>,
    /// Its connections to the backend.
    pub connections: u64,
    /// Their idle gaps.
    pub idle: Idle,
    /// Its idle timeout.
    pub proxy_idle: Option<Timeout>,
    /// Its read timeout.
    pub proxy_read: Option<Timeout>,
    /// How long it waits for a connection. Giving up shows nothing: it was longer than `low_ns`, the
    /// last SYN, and shorter than `high_ns`, the next one.
    pub proxy_connect: Option<Timeout>,
    /// When its second, third … SYN came, of connects that nobody answered.
    pub syn_schedule_ns: BTreeMap<String, u64>,
    /// `safe`, `race`, `tie` or `unknown`.
    pub ordering: &'static str,
}

/// A timeout, as configured and as observed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timeout {
    /// As told.
    pub configured_ns: Option<u64>,
    /// By what: `option`, `config`, or as the default of a kind, `proxy aws-alb`.
    #[serde(serialize_with = "displayed")]
    pub configured_by: Option<SettingOrigin>,
    /// As seen.
    pub observed_ns: Option<u64>,
    /// In how many closes.
    pub samples: u64,
    /// The shortest of them.
    pub low_ns: Option<u64>,
    /// The longest of them.
    pub high_ns: Option<u64>,
}

/// A limit on requests per connection.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RequestLimitRecord {
    /// Requests after which it closes.
    pub observed: u64,
    /// In how many connections.
    pub samples: u64,
    /// Of them, those whose last answer announced it.
    pub announced: u64,
}

/// Where a capture was taken, and how that is known.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct VantageRecord {
    /// `proxy`, `backend`, `between`, `same_host` or `unknown`.
    pub value: &'static str,
    /// `option`, `handshakes` or `addresses`.
    pub by: &'static str,
}

/// Idle gaps, by what ended them.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Idle {
    /// The next request.
    pub reused: GapsRecord,
    /// A close by the backend.
    pub closed_by_backend: GapsRecord,
    /// A close by the proxy.
    pub closed_by_proxy: GapsRecord,
}

/// A distribution of gaps; nulls when there are none.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GapsRecord {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min_ns: Option<u64>,
    /// The median.
    pub p50_ns: Option<u64>,
    /// Nine of ten are no longer.
    pub p90_ns: Option<u64>,
    /// 99 of 100 are no longer.
    pub p99_ns: Option<u64>,
    /// The longest.
    pub max_ns: Option<u64>,
    /// How many lie in each range; for the picture in the text.
    #[serde(skip)]
    pub ranges: [u64; EDGES.len()],
}

/// Something that explains many failures.
#[derive(Clone, Debug, Serialize)]
pub struct EventRecord {
    /// Its name in failures.
    pub id: String,
    /// What it was.
    pub kind: &'static str,
    /// Whose.
    pub backend: String,
    /// When it began.
    pub first: String,
    /// When it ended.
    pub last: String,
    /// How many failures belong to it.
    pub failures: u64,
    /// They, by cause.
    pub causes: BTreeMap<&'static str, u64>,
    /// One sentence.
    pub summary: String,
    /// One sentence: what to change.
    pub fix: String,
}

/// A failed exchange or connect, or a client's error that none explains.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FailureRecord {
    /// Stable: the same capture gives the same.
    pub id: String,
    /// The event it belongs to.
    pub event: Option<String>,
    /// Why.
    pub cause: &'static str,
    /// How sure.
    pub certainty: &'static str,
    /// When the request, or the connect, began.
    pub at: String,
    /// Facts of this cause, by name.
    pub detail: serde_json::Map<String, serde_json::Value>,
    /// `ip:port` of the client side; of a client's error that of the proxy's own listener, and null where
    /// only the log shows it.
    pub proxy: Option<String>,
    /// `ip:port` of the server side; null where nothing shows an attempt.
    pub backend: Option<String>,
    /// Number of the connection; null likewise.
    pub connection: Option<u64>,
    /// Number of the exchange on it.
    pub ordinal: u32,
    /// What was asked.
    pub request: Option<RequestRecord>,
    /// What came of an answer.
    pub response: Option<ResponseRecord>,
    /// Idleness before the request.
    pub idle_gap_ns: Option<u64>,
    /// From the request to the close.
    pub wait_ns: Option<u64>,
    /// How the connection ended.
    pub close: Option<CloseRecord>,
    /// `safe`, `unsafe` or `unknown`.
    pub retry: &'static str,
    /// Why that.
    pub retry_reason: String,
    /// What the proxy's client is likely to have got.
    pub expected_status: Vec<u16>,
    /// What shows it.
    pub frames: Vec<EvidenceRecord>,
    /// Which processes have its ends, where that is known: in a watch, of ends on its own host.
    pub process: Option<ProcessRecord>,
    /// What the client got, as the log or the front leg says.
    pub client: Option<ClientRecord>,
    /// One sentence.
    pub summary: String,
    /// One sentence.
    pub fix: String,
}

/// The processes at the ends of a connection, and what the kernel says of these.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessRecord {
    /// At the client side, if it is on the host that watches.
    pub proxy: Option<ProcessEnd>,
    /// At the server side, if it is on the host that watches.
    pub backend: Option<ProcessEnd>,
}

/// One end. Times are those of `at`.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessEnd {
    /// Who read from it or wrote to it last, else who had it open.
    pub pid: Option<u32>,
    /// The name of its program.
    pub command: Option<String>,
    /// The id of the container that it runs in.
    pub container: Option<String>,
    /// How it was closed on this side, the first time.
    pub closed: Option<ProcessClose>,
    /// The first reset that the kernel sent from it.
    pub reset: Option<ProcessReset>,
    /// Segments that the kernel sent again.
    pub retransmits: u32,
    /// When a process last took something from it.
    pub last_read: Option<String>,
    /// When a process last put something into it.
    pub last_written: Option<String>,
    /// Its listener's queue of connections to be accepted, if that was seen full.
    pub queue: Option<ProcessQueue>,
}

/// A process.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessName {
    /// Its number.
    pub pid: u32,
    /// The name of its program; not its arguments.
    pub command: String,
    /// The id of the container that it runs in.
    pub container: Option<String>,
}

/// A close by a process.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessClose {
    /// When.
    pub at: String,
    /// Who, if that is known.
    pub by: Option<ProcessName>,
    /// `close`, `shutdown`, `exit` or `untold`.
    pub how: &'static str,
    /// What killed the process.
    pub signal: Option<u8>,
    /// Bytes of the peer's that had arrived and not been read; `null` on the proxy's side, and where
    /// there was no request.
    pub unread_bytes: Option<u64>,
}

/// A reset that the kernel sent.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessReset {
    /// When.
    pub at: String,
    /// `no_socket`, `time_wait`, `after_close`, `unread_data`, `linger_zero`, `other` or `untold`.
    pub reason: &'static str,
}

/// A queue of connections to be accepted that was full.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessQueue {
    /// When it was last seen full.
    pub at: String,
    /// Connections in it.
    pub length: u32,
    /// Connections that it takes.
    pub most: u32,
}

/// A frame by capture and number.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FrameId {
    /// From 0.
    pub capture: u32,
    /// From 1.
    pub number: u64,
}

/// A request.
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    /// `GET`, `POST` …
    pub method: Option<String>,
    /// As sent, secrets hidden.
    pub target: Option<String>,
    /// The value of `Host`.
    pub host: Option<String>,
    /// What identifies it in logs.
    pub request_id: Option<String>,
    /// When it began.
    pub at: String,
    /// Its first frame.
    pub first: FrameId,
    /// Its last frame.
    pub last: FrameId,
}

/// A response, as far as it got.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ResponseRecord {
    /// If its head was read.
    pub status: Option<u16>,
    /// Bytes of body sent.
    pub received_bytes: u64,
    /// Bytes of body announced.
    pub expected_bytes: Option<u64>,
}

/// How a connection ended.
#[derive(Clone, Debug, Serialize)]
pub struct CloseRecord {
    /// `backend`, `proxy` or `path`.
    pub by: &'static str,
    /// `fin` or `rst`.
    pub kind: &'static str,
    /// The frame.
    pub frame: Option<FrameId>,
    /// When.
    pub at: String,
    /// `none`, `part` or `all`.
    pub request_received: Option<&'static str>,
}

/// A frame that shows something.
#[derive(Clone, Debug, Serialize)]
pub struct EvidenceRecord {
    /// From 0.
    pub capture: u32,
    /// From 1.
    pub number: u64,
    /// What it shows.
    pub note: String,
}

/// Something to know of the answer.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// For scripts.
    pub code: &'static str,
    /// For people.
    pub text: String,
    /// The same in the first sentence, where that has it.
    #[serde(skip)]
    pub headline: Option<String>,
}

fn displayed<S: Serializer>(origin: &Option<SettingOrigin>, to: S) -> Result<S::Ok, S::Error> {
    match origin {
        Some(origin) => to.collect_str(origin),
        None => to.serialize_none(),
    }
}
