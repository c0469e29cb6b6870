//! The report's records of backends and their proxies, field by field as `--format json` writes them.

use super::backend_tls::BackendTlsRecord;
use super::named::Tally;
use crate::exchange::{Prober, ProxyKind, ServerKind};
use crate::knowledge::SettingOrigin;
use crate::knowledge::expected_losses::{Basis, Estimate};
use crate::knowledge::idle_gaps::Ordering;
use crate::packet::Endpoint;
use crate::topology::vantage::Vantage;
use crate::verdict::Cause;
use crate::words::forecast::ExpectedLosses;
use crate::words::timers::ToldAndSeen;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// One backend.
#[derive(Clone, Debug, Serialize)]
pub struct BackendRecord {
    /// Address and port.
    pub backend: Endpoint,
    /// What it was told to be called.
    pub name: Option<String>,
    /// Addresses that it has before or after address translation; left out where none were seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Endpoint>,
    /// Connections to it.
    pub connections: u64,
    /// Exchanges with it.
    pub exchanges: u64,
    /// Of these, probes of its health.
    pub probes: u64,
    /// Exchanges by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by cause.
    pub causes: Tally<Cause>,
    /// Where the capture was taken.
    pub vantage: VantageRecord,
    /// Over all its proxies.
    pub idle: BackendIdle,
    /// The keep-alive timeout.
    pub backend_keepalive: Option<Timeout>,
    /// More timers of it, or of several servers behind its address.
    pub other_keepalives: Vec<Timeout>,
    /// After how many requests it closes; null when no one number shows.
    pub request_limit: Option<RequestLimitRecord>,
    /// At which age of a connection it closes; null when no one age shows.
    pub age_limit: Option<Timeout>,
    /// What its answers give away of its server: a guess.
    pub server: Option<ServerKind>,
    /// How long such a server keeps idle connections unless somebody sets that.
    pub server_default_ns: Option<u64>,
    /// The known server that it was told to be.
    pub told_kind: Option<&'static str>,
    /// TLS handshakes with it; left out where none was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<BackendTlsRecord>,
    /// The proxies that connect to the backend.
    pub proxies: Vec<ProxyRecord>,
    /// The worst of its proxies.
    pub ordering: Ordering,
    /// Reuses so late that the backend's timer was about to fire; null when it is not known.
    pub near_misses: Option<u64>,
    /// The probes of its health; null when none were seen.
    pub health: Option<HealthRecord>,
    /// Requests that its keep-alive timer is expected to hit; null when no timer is known.
    pub hazard: Option<HazardRecord>,
    /// Requests that other timeouts would hit; null when none were asked for.
    pub what_if: Option<HazardRecord>,
}

impl BackendRecord {
    /// Exchanges that were made for clients.
    pub const fn requests(&self) -> u64 {
        self.exchanges.saturating_sub(self.probes)
    }

    /// Idle connections that the backend closed, where these are too few to tell its timer.
    pub fn too_few_closes(&self) -> Option<u64> {
        let unknown = self.backend_keepalive.filter(|timer| timer.observed_ns.is_none())?;
        Some(unknown.samples).filter(|closes| (1..3).contains(closes))
    }
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
    /// What it rests on.
    pub basis: Basis,
    /// The timer that it is about.
    pub backend_keepalive_ns: u64,
    /// The proxy's, where it is known.
    pub proxy_idle_ns: Option<u64>,
}

impl HazardRecord {
    /// What is said of it, in a capture of so many requests.
    pub fn losses(&self, requests: u64) -> ExpectedLosses {
        let estimate = |EstimateRecord { low, mid, high }| Estimate { low, mid, high };
        ExpectedLosses {
            keepalive: Duration::from_nanos(self.backend_keepalive_ns),
            window: Duration::from_nanos(self.window_ns.mid),
            basis: self.basis,
            requests,
            lost: estimate(self.lost),
            per_million: estimate(self.per_million),
            per_day: self.per_day.map(estimate),
        }
    }
}

/// A number, and the interval that holds it in 95 of 100 cases.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EstimateRecord {
    /// The lower end.
    pub low: f64,
    /// The best guess.
    pub mid: f64,
    /// The upper end.
    pub high: f64,
}

/// A length of time, and the interval around it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SpanRecord {
    /// The lower end.
    pub low: u64,
    /// The usual.
    pub mid: u64,
    /// The upper end.
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
    pub statuses: BTreeMap<u16, u64>,
    /// Probes that failed.
    pub failed: u64,
    /// Probes in all.
    pub of: u64,
    /// The user agent, where it is a known one; else it was known by its constant period.
    pub prober: Option<Prober>,
}

/// One proxy of a backend.
#[derive(Clone, Debug, Serialize)]
pub struct ProxyRecord {
    /// The address towards the backend.
    pub proxy: IpAddr,
    /// What it was told to be called.
    pub name: Option<String>,
    /// The known proxy that it was told to be.
    pub told_kind: Option<&'static str>,
    /// What its requests give away of it: a guess.
    pub kind: Option<ProxyKind>,
    /// How long such a proxy keeps idle connections unless somebody sets that.
    pub kind_default_ns: Option<u64>,
    /// Connections to the backend.
    pub connections: u64,
    /// Idle gaps of these connections.
    pub idle: Idle,
    /// The idle timeout.
    pub proxy_idle: Option<Timeout>,
    /// The read timeout.
    pub proxy_read: Option<Timeout>,
    /// How long it waits for a connection. Giving up shows nothing: it was longer than `low_ns`, the
    /// last SYN, and shorter than `high_ns`, the next one.
    pub proxy_connect: Option<Timeout>,
    /// When its second, third … SYN came, of connects that nobody answered.
    pub syn_schedule_ns: BTreeMap<u32, u64>,
    /// Which side gives up an idle connection first.
    pub ordering: Ordering,
}

/// A timeout, as configured and as observed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timeout {
    /// As told.
    pub configured_ns: Option<u64>,
    /// By what: `option`, `config`, or as the default of a kind, `proxy aws-alb`.
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

impl Timeout {
    /// As told and as seen, where what was seen does not bear out what was told.
    pub fn contradiction(&self) -> Option<ToldAndSeen> {
        let (told, seen) = (self.configured_ns?, self.observed_ns?);
        let borne_out = self.low_ns.is_some_and(|low| told >= low)
            && self.high_ns.is_some_and(|high| told <= high);
        (!borne_out).then(|| ToldAndSeen {
            told: Duration::from_nanos(told),
            by: self.configured_by,
            seen: Duration::from_nanos(seen),
            closes: self.samples,
        })
    }
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
    /// Where.
    pub value: Vantage,
    /// How that is known.
    pub by: VantageSource,
}

impl VantageRecord {
    /// Taken on the backend's host.
    pub const fn is_at_backend(&self) -> bool {
        matches!(self.value, Vantage::Backend)
    }

    /// Taken where both sides are.
    pub const fn is_on_one_host(&self) -> bool {
        matches!(self.value, Vantage::SameHost)
    }
}

/// How it is known where a capture was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VantageSource {
    /// An option tells it.
    Option,
    /// By the times in handshakes.
    Handshakes,
    /// Both sides have one address.
    Addresses,
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

/// Idle gaps of a backend, by what ended them, and by their lengths.
#[derive(Clone, Debug, Serialize)]
pub struct BackendIdle {
    /// By what ended them.
    #[serde(flatten)]
    pub gaps: Idle,
    /// By their lengths; without lengths that no gap has.
    pub buckets: Vec<IdleBucket>,
}

/// Idle gaps of some length.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IdleBucket {
    /// The least length.
    pub from_ns: u64,
    /// All are shorter than this; null where there is no bound.
    pub to_ns: Option<u64>,
    /// Ended by a request that was not lost.
    pub answered: u64,
    /// Of these, those that outlived the backend's keep-alive timer: the picture puts them behind it.
    #[serde(skip)]
    pub answered_late: u64,
    /// Ended by a request that crossed the backend's close, or came after it.
    pub lost: u64,
    /// Ended by the backend.
    pub closed_by_backend: u64,
    /// Ended by the proxy.
    pub closed_by_proxy: u64,
}

impl IdleBucket {
    /// Ended by a request.
    pub const fn reused(&self) -> u64 {
        self.answered.saturating_add(self.lost)
    }
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
}
