//! The report's parts that the first sentence counts, field by field as `--format json` writes them: what
//! clients got, what was judged, what was not read.

use crate::ledger::What;
use crate::packet::Endpoint;
use serde::Serialize;
use std::collections::BTreeMap;

/// What clients got.
#[derive(Clone, Debug, Serialize)]
pub struct Clients {
    /// Who shows it.
    pub by: ClientsSource,
    /// Requests of clients.
    pub requests: u64,
    /// Of these, answered with 5xx, by status.
    pub errors: BTreeMap<u16, u64>,
    /// Of these, answered well though an attempt had failed.
    pub hidden_by_retry: u64,
    /// Attempts for them that failed, and whose request is seen to be sent again on another connection: by the
    /// proxy, or by a client that got an error.
    pub sent_again: u64,
    /// Those that got 502, 503 or 504, which no attempt explains.
    pub unexplained: u64,
    /// Errors in the log that are outside of the captures' time, and not counted here.
    #[serde(skip)]
    pub outside: u64,
}

/// Who shows what clients got.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientsSource {
    /// The proxy's other side, in the capture.
    FrontLeg,
    /// The proxy's log.
    Log,
}

/// How much was judged, failed or sound.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Judged {
    /// Exchanges with backends, probes of their health included.
    pub exchanges: u64,
    /// Of these, such probes.
    pub probes: u64,
    /// Connects that failed.
    pub connects: u64,
}

impl Judged {
    /// Nothing was.
    pub const fn is_nothing(&self) -> bool {
        self.exchanges == 0 && self.connects == 0
    }

    /// Requests made for clients.
    pub const fn requests(&self) -> u64 {
        self.exchanges.saturating_sub(self.probes)
    }
}

/// Something that was not read or not judged.
#[derive(Clone, Debug, Serialize)]
pub struct UnreadRecord {
    /// Why.
    pub what: What,
    /// Where; null where that is not known.
    pub backend: Option<Endpoint>,
    /// On so many connections.
    pub connections: u64,
    /// So many requests, where such are known.
    pub requests: u64,
    /// So many bytes.
    pub bytes: u64,
    /// What to do to have it read.
    pub advice: &'static str,
}
