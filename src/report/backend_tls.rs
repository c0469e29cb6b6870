//! What TLS handshakes with a backend came to, field by field as `--format json` writes it.

use crate::base::escape;
use crate::base::time::nanos;
use crate::ledger::{CountedNames, HandshakeTally};
use serde::Serialize;
use std::collections::BTreeMap;

/// The handshakes with a backend that were captured and came to their end.
#[derive(Clone, Debug, Serialize)]
pub struct BackendTlsRecord {
    /// How many.
    pub handshakes: u64,
    /// Of these, those that went on with an earlier session.
    pub resumed: u64,
    /// Of these, those that did not. Of the rest it does not show.
    pub full: u64,
    /// The part of those resumed in those of which it shows; null where it shows of none.
    pub resumption_rate: Option<f64>,
    /// How many chose which version.
    pub versions: BTreeMap<String, u64>,
    /// Server names that were asked for.
    pub sni: BTreeMap<String, u64>,
    /// Handshakes in which none was asked for.
    pub without_sni: u64,
    /// Protocols that the backend chose, as far as that is in clear: up to TLS 1.2.
    pub alpn: BTreeMap<String, u64>,
    /// Protocols that were offered to it.
    pub alpn_offered: BTreeMap<String, u64>,
    /// The median time from the client's hello to the end of the handshake.
    pub handshake_p50_ns: Option<u64>,
}

impl BackendTlsRecord {
    /// The record of these handshakes; `None` where none came to its end.
    pub(super) fn of(handshakes: &HandshakeTally) -> Option<Self> {
        let HandshakeTally { done, resumed, full, .. } = *handshakes;
        let versions = handshakes.versions.iter();
        (done > 0).then(|| Self {
            handshakes: done,
            resumed,
            full,
            resumption_rate: rate(resumed, resumed.saturating_add(full)),
            versions: versions.map(|(version, n)| (version.to_string(), *n)).collect(),
            sni: shown(&handshakes.names),
            without_sni: handshakes.nameless,
            alpn: shown(&handshakes.protocols),
            alpn_offered: shown(&handshakes.offered),
            handshake_p50_ns: handshakes.times.quantiles().map(|times| nanos(times.p50)),
        })
    }
}

fn shown(names: &CountedNames) -> BTreeMap<String, u64> {
    names.iter().map(|(name, count)| (escape::text(name), *count)).collect()
}

/// A part of a whole, to three digits.
#[expect(clippy::cast_precision_loss, reason = "counts of handshakes are far below 2^52")]
fn rate(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| (part as f64 / of as f64 * 1000.0).round() / 1000.0)
}
