//! The report's records of failures and of what explains several of them, field by field as
//! `--format json` writes them.

use super::log_model::ClientRecord;
use super::named::Tally;
use super::process_model::ProcessRecord;
use crate::base::time::Timestamp;
use crate::facts::closing::{CloseKind, Closer, Received};
use crate::flow::Alias;
use crate::join::Reason;
use crate::ledger::EventKind;
use crate::packet::Endpoint;
use crate::verdict::{Cause, Certainty, Retry};
use crate::words::fix::Fix;
use serde::Serialize;

/// Something that explains many failures.
#[derive(Clone, Debug, Serialize)]
pub struct EventRecord {
    /// The name by which failures tell the event.
    pub id: String,
    /// What it was.
    pub kind: EventKind,
    /// Whose.
    pub backend: Endpoint,
    /// When it began.
    pub first: Timestamp,
    /// When it ended.
    pub last: Timestamp,
    /// How many failures belong to it.
    pub failures: u64,
    /// They, by cause.
    pub causes: Tally<Cause>,
    /// One sentence.
    pub summary: String,
    /// One sentence: what to change.
    pub fix: String,
    /// What to change, with what is known of it beside the sentence.
    #[serde(skip)]
    pub advice: Fix,
}

/// A failed exchange or connect, or a client's error that none explains.
#[derive(Clone, Debug, Serialize)]
pub struct FailureRecord {
    /// Stable: the same capture gives the same.
    pub id: String,
    /// The event it belongs to.
    pub event: Option<String>,
    /// Why.
    pub cause: Cause,
    /// How sure.
    pub certainty: Certainty,
    /// When the request, or the connect, began.
    pub at: Timestamp,
    /// Of a client's error that none explains: why that is so.
    #[serde(skip)]
    pub unexplained: Option<Reason>,
    /// Facts of this cause, by name.
    pub detail: serde_json::Map<String, serde_json::Value>,
    /// The client side; of a client's error that of the proxy's own listener, and null where
    /// only the log shows it.
    pub proxy: Option<Endpoint>,
    /// The server side; null where nothing shows an attempt.
    pub backend: Option<Endpoint>,
    /// Other ends of the connection, before or after address translation; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<AliasRecord>,
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
    /// Whether this attempt can have had an effect.
    pub retry: Retry,
    /// Why that.
    pub retry_reason: String,
    /// What the proxy's client is likely to have got.
    pub expected_status: Vec<u16>,
    /// What shows it.
    pub frames: Vec<EvidenceRecord>,
    /// What passed on its connection from the last exchange before it on, in the order of the capture.
    pub timeline: Vec<TimelineRecord>,
    /// A display filter of Wireshark for these, and for what happened around them; null where no frame shows
    /// it.
    pub filter: Option<String>,
    /// Which processes have its ends, where that is known: in a watch, of ends on its own host.
    pub process: Option<ProcessRecord>,
    /// What the client got, as the log or the front leg says.
    pub client: Option<ClientRecord>,
    /// What was asked, as it was sent again on another connection, where packets show that.
    pub sent_again: Option<SentAgainRecord>,
    /// One sentence.
    pub summary: String,
    /// One sentence.
    pub fix: String,
    /// What to change, with what is known of it beside the sentence.
    #[serde(skip)]
    pub advice: Fix,
}

/// Ends that a connection was captured with as well, before or after address translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct AliasRecord {
    /// The client side.
    pub proxy: Endpoint,
    /// The server side.
    pub backend: Endpoint,
}

impl AliasRecord {
    /// All of a connection.
    pub fn all(aliases: &[Alias]) -> Vec<Self> {
        let record = |alias: &Alias| Self { proxy: alias.client, backend: alias.server };
        aliases.iter().map(record).collect()
    }
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
    /// Whether the snap length cut the target: it begins like this. Left out where it is whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub target_cut: bool,
    /// The value of `Host`.
    pub host: Option<String>,
    /// What identifies it in logs.
    pub request_id: Option<String>,
    /// When it began.
    pub at: Timestamp,
    /// The first frame.
    pub first: FrameId,
    /// The last frame.
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

/// A request as it was sent again, on another connection.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SentAgainRecord {
    /// Number of that connection.
    pub connection: u64,
    /// The first frame of it.
    pub frame: FrameId,
    /// The status of its answer; null where there is none, or it was not read.
    pub status: Option<u16>,
    /// From the loss to that frame.
    pub after_ns: u64,
}

/// How a connection ended.
#[derive(Clone, Debug, Serialize)]
pub struct CloseRecord {
    /// Who did it.
    pub by: Closer,
    /// How.
    pub kind: CloseKind,
    /// The frame.
    pub frame: Option<FrameId>,
    /// When.
    pub at: Timestamp,
    /// How much of the request it acknowledges.
    pub request_received: Option<Received>,
}

/// A frame that shows something.
#[derive(Clone, Debug, Serialize)]
pub struct EvidenceRecord {
    /// From 0.
    pub capture: u32,
    /// From 1.
    pub number: u64,
    /// When it was captured.
    pub at: Timestamp,
    /// Who sent it; null for what neither side did.
    pub side: Option<EvidenceSide>,
    /// What it is.
    pub kind: EvidenceKind,
    /// What it shows.
    pub note: String,
}

/// A segment of a failed connection. Positions count the bytes of payload of who sent the segment,
/// acknowledgements those of the other side, from 0; null where that is not known.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineRecord {
    /// The segment's frame.
    pub frame: FrameId,
    /// When it was captured.
    pub at: Timestamp,
    /// Who sent it; null for what neither side did.
    pub side: Option<EvidenceSide>,
    /// What it is.
    pub kind: EvidenceKind,
    /// Where its first byte is.
    pub from: Option<i64>,
    /// One past its last byte.
    pub to: Option<i64>,
    /// Every byte before this was received.
    pub ack: Option<i64>,
    /// Where another capture holds that segment.
    pub other: Option<OtherFrame>,
}

/// A segment's frame in another capture.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OtherFrame {
    /// From 0.
    pub capture: u32,
    /// From 1.
    pub number: u64,
    /// When it was captured, by the clock of that capture.
    pub at: Timestamp,
}

/// A side of the backend leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSide {
    /// The client side.
    Proxy,
    /// The server side.
    Backend,
}

/// What a frame that shows something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// Asks for a connection.
    Syn,
    /// Accepts one.
    SynAck,
    /// Holds a part of a request.
    Request,
    /// Holds a part of an answer.
    Response,
    /// Only acknowledges, or tells a window.
    Ack,
    /// Sent before.
    Repeated,
    /// Closes in order.
    Fin,
    /// Closes at once.
    Rst,
    /// Says that something cannot be delivered.
    Icmp,
    /// Asks who has an address.
    Arp,
    /// The client of the proxy's other side left.
    ClientLeft,
    /// Begins a TLS handshake.
    ClientHello,
    /// A TLS alert.
    TlsAlert,
}
