//! The report, made of the books, the roles and the captures.

use super::detail::detail;
use super::forecast::Forecast;
use super::model::{
    BackendRecord, Capture, CloseRecord, Counters, EvidenceRecord, FailureRecord, FrameId,
    GapsRecord, HealthRecord, Idle, ProxyRecord, Report, RequestLimitRecord, RequestRecord,
    ResponseRecord, SCHEMA_VERSION, Timeout, Tool, VantageRecord,
};
use super::notes::notes;
use super::unread::{judged, probes, unread};
use super::{events, process};
use crate::base::time::{Timestamp, nanos};
use crate::base::{digest, escape};
use crate::exchange::{Prober, ProxyKind, ServerKind};
use crate::facts::closing::{self, CloseKind, Closer, Received};
use crate::flow;
use crate::knowledge::distribution::Gaps;
use crate::knowledge::idle_gaps::{self, Ordering};
use crate::knowledge::timers::{self, Timer};
use crate::knowledge::{Configured, Setting, Timeouts};
use crate::ledger::{self, Ledger, Listener};
use crate::packet::{Endpoint, FrameRef};
use crate::streams::tls;
use crate::timeouts::Product;
use crate::topology::roles::{Role, Roles};
use crate::topology::vantage::Vantage;
use crate::verdict::{Cause, Detail};
use crate::words::settings::{known_proxy, known_server};
use crate::words::{fix, phrases, summary};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// What was read, for the parts of the report that tell of it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The captures, in the order given.
    pub captures: Vec<Capture>,
    /// Frames that are no segments, by kind.
    pub skipped: BTreeMap<&'static str, u64>,
    /// From the first frame of all to the last.
    pub span: Duration,
    /// What the connection table counted.
    pub flow: flow::Counts,
    /// What became of TLS connections, where their text was to be told.
    pub clear: Option<tls::TlsCounts>,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Show secrets in request targets.
    pub show_secrets: bool,
    /// Where the captures were taken, as told.
    pub vantage: Option<Vantage>,
    /// Timeouts to try.
    pub what_if: Option<Timeouts>,
}

/// Puts the report together.
pub fn build(sources: Sources, ledger: &Ledger, roles: &Roles, style: Style) -> Report {
    let listeners = ledger.listeners();
    let backends: Vec<(Endpoint, &Listener)> = listeners
        .iter()
        .filter(|(endpoint, _)| roles.of(**endpoint) == Role::Backend)
        .map(|(endpoint, listener)| (*endpoint, *listener))
        .collect();
    let several = sources.captures.len() > 1;
    let ids: Vec<String> = ledger.events().iter().map(events::id).collect();
    let failures: Vec<FailureRecord> = ledger
        .failures(several)
        .into_iter()
        .filter(|failure| roles.judges(failure))
        .map(|kept| FailureRecord {
            event: kept.event.and_then(|event| ids.get(event).cloned()),
            ..failure(kept, style)
        })
        .collect();
    let events = events::told(ledger, &failures);
    let causes = causes(&listeners, roles, ledger);
    let counters = counters(&sources, &listeners, &backends, ledger, &causes);
    let judged = judged(&counters, &backends);
    let unread = unread(ledger, roles, &counters, &judged);
    let notes = notes(&sources, ledger, roles, &counters);
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        counters,
        clients: None,
        judged,
        unread,
        causes,
        backends: backends
            .iter()
            .map(|(endpoint, listener)| {
                backend(*endpoint, listener, ledger.told(), style, sources.span)
            })
            .collect(),
        captures: sources.captures,
        events,
        failures,
        log: None,
        front_leg: None,
        notes,
    }
}

/// Failures by cause: all of a backend's, and refused connects to anything else that is judged.
fn causes(
    listeners: &BTreeMap<Endpoint, &Listener>,
    roles: &Roles,
    ledger: &Ledger,
) -> BTreeMap<&'static str, u64> {
    let mut causes: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut add = |cause: &'static str, more: u64| {
        let count = causes.entry(cause).or_default();
        *count = count.saturating_add(more);
    };
    for (endpoint, listener) in listeners {
        if roles.of(*endpoint) == Role::Backend {
            listener.causes.iter().for_each(|(cause, count)| add(cause.name(), *count));
        }
    }
    for failure in ledger.failures(false) {
        if roles.of(failure.server) != Role::Backend && roles.judges(failure) {
            add(failure.verdict.cause.name(), 1);
        }
    }
    causes
}

fn counters(
    sources: &Sources,
    listeners: &BTreeMap<Endpoint, &Listener>,
    backends: &[(Endpoint, &Listener)],
    ledger: &Ledger,
    causes: &BTreeMap<&'static str, u64>,
) -> Counters {
    let sum = |value: &dyn Fn(&Listener) -> u64| {
        backends.iter().fold(0_u64, |sum, (_, listener)| sum.saturating_add(value(listener)))
    };
    let flow = &sources.flow;
    let limits = [
        ("connections", flow.evicted),
        ("waiting_bytes", flow.waiting_overflows),
        ("listeners", ledger.listeners_forgotten.saturating_add(flow.listeners_forgotten)),
        (
            "proxies",
            listeners.values().fold(0, |sum, one| sum.saturating_add(one.proxies_forgotten)),
        ),
        ("failures", ledger.failures_dropped),
    ];
    // A record of failing probes stands for many, none of which is a client's.
    let probes = causes.get(Cause::HealthCheckFailing.name()).copied().unwrap_or(0);
    let failed = causes.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    // Where nobody understands the other, no exchange comes about.
    let mismatches = sum(&|listener| listener.mismatched);
    let connects = ["connection_refused", "unreachable", "connect_timeout"];
    let unconnected = connects
        .iter()
        .filter_map(|cause| causes.get(cause))
        .fold(0_u64, |sum, count| sum.saturating_add(*count));
    Counters {
        frames: sources.captures.iter().fold(0, |sum, one| sum.saturating_add(one.frames)),
        segments: flow.segments,
        duplicates: flow.duplicates,
        skipped: sources.skipped.clone(),
        stray_segments: flow.stray_segments,
        connections: flow.connections,
        connects_failed: unconnected,
        mismatched: mismatches,
        connects_unanswered: sum(&|listener| listener.connects_unanswered),
        exchanges: sum(&|listener| listener.exchanges),
        exchanges_failed: failed
            .saturating_sub(unconnected)
            .saturating_sub(probes)
            .saturating_sub(mismatches),
        exchanges_unread: sum(&|listener| {
            listener.unread.values().fold(0, |sum, count| sum.saturating_add(*count))
        }),
        exchanges_open: sum(&|listener| listener.open),
        benign_closes: sum(&|listener| listener.benign_closes),
        capture_gaps: listeners
            .values()
            .fold(0, |sum, listener| sum.saturating_add(listener.capture_gaps)),
        limits_hit: limits.into_iter().filter(|(_, count)| *count > 0).collect(),
    }
}

fn backend(
    endpoint: Endpoint,
    listener: &Listener,
    all: &Configured,
    style: Style,
    span: Duration,
) -> BackendRecord {
    let told = all.backend(endpoint);
    let as_told = |setting: Setting| Timer::told(setting.value);
    let idle = listener.idle();
    let keepalive = idle.backend_timer().or_else(|| idle.backend_range());
    let (vantage, by) = match (style.vantage, Vantage::of(endpoint, listener)) {
        (Some(told), _) => (told, "option"),
        (None, seen @ Vantage::SameHost) => (seen, "addresses"),
        (None, seen) => (seen, "handshakes"),
    };
    // What is seen is in effect, whatever was told.
    let effective = keepalive.or(told.keepalive.map(as_told));
    let order = |addr: IpAddr, idle: &idle_gaps::IdleGaps| {
        let proxy = idle.proxy_timer().or(all.proxy(addr).idle.map(as_told));
        Ordering::of(effective, proxy, idle.closed_by_backend.gaps.count() > 0)
    };
    // A reuse that would have met the timer, had it come a tenth later.
    let near = effective.map(|timer| {
        let late = timer.value.saturating_sub(timer.value.checked_div(10).unwrap_or_default());
        idle.reused.count_from(late).saturating_sub(idle.raced.count_from(late))
    });
    // Of several proxies, the one that holds on for longest meets the backend's timer.
    let patient = listener.proxies.keys().filter_map(|addr| all.proxy(*addr).idle);
    let patient = patient.max_by_key(|told| told.value);
    let forecast = Forecast {
        listener,
        idle: &idle,
        timer: effective,
        proxy: idle.proxy_timer().or(patient.map(as_told)),
        span,
    };
    BackendRecord {
        backend: endpoint.to_string(),
        name: told.name.clone(),
        connections: listener.connections,
        exchanges: listener.exchanges,
        probes: probes(listener),
        statuses: listener.statuses.iter().map(|(status, n)| (status.to_string(), *n)).collect(),
        causes: listener.causes.iter().map(|(cause, count)| (cause.name(), *count)).collect(),
        vantage: VantageRecord { value: vantage.name(), by },
        idle: gaps_of(&idle),
        backend_keepalive: timeout(told.keepalive, keepalive, &idle.closed_by_backend),
        other_keepalives: other_timers(keepalive, &idle.closed_by_backend),
        request_limit: listener.request_limit().map(|limit| RequestLimitRecord {
            observed: limit.requests.into(),
            samples: limit.samples,
            announced: limit.announced,
        }),
        age_limit: listener.age_limit().map(|timer| Timeout {
            configured_ns: None,
            configured_by: None,
            observed_ns: Some(nanos(timer.value)),
            samples: timer.samples,
            low_ns: Some(nanos(timer.low)),
            high_ns: Some(nanos(timer.high)),
        }),
        server: listener.server().map(ServerKind::name),
        server_default_ns: listener.server().and_then(known_server).and_then(default_idle),
        told_kind: told.kind,
        proxies: listener
            .proxies
            .iter()
            .map(|(addr, proxy)| (addr, proxy, all.proxy(*addr)))
            .map(|(addr, proxy, told)| ProxyRecord {
                proxy: addr.to_string(),
                name: told.name.clone(),
                told_kind: told.kind,
                kind: proxy.kind().map(ProxyKind::name),
                kind_default_ns: proxy.kind().and_then(known_proxy).and_then(default_idle),
                connections: proxy.connections,
                idle: gaps_of(&proxy.idle),
                proxy_idle: timeout(
                    told.idle,
                    proxy.idle.proxy_timer().or_else(|| proxy.idle.proxy_range()),
                    &proxy.idle.closed_by_proxy,
                ),
                proxy_read: timeout(
                    told.read,
                    proxy.idle.gave_up.timer().or_else(|| proxy.idle.gave_up.range()),
                    &proxy.idle.gave_up,
                ),
                // Giving up on a connect puts nothing on the wire.
                proxy_connect: connect_timeout(told.connect, &proxy.connects),
                syn_schedule_ns: proxy
                    .connects
                    .schedule
                    .iter()
                    .map(|(syn, after)| (syn.to_string(), nanos(*after)))
                    .collect(),
                ordering: order(*addr, &proxy.idle).name(),
            })
            .collect(),
        ordering: listener
            .proxies
            .iter()
            .map(|(addr, proxy)| order(*addr, &proxy.idle))
            .max()
            .unwrap_or(Ordering::Unknown)
            .name(),
        near_misses: near,
        health: listener.health().first().map(|one| health(one, style.show_secrets)),
        hazard: forecast.today(),
        what_if: forecast.what_if(style.what_if),
    }
}

pub(super) fn health(health: &ledger::Health, show_secrets: bool) -> HealthRecord {
    let path = escape::target(&health.path, show_secrets);
    HealthRecord {
        path: (!health.path.is_empty()).then_some(path),
        period_ns: health.period.map(nanos),
        statuses: health.statuses.iter().map(|(status, n)| (status.to_string(), *n)).collect(),
        failed: health.failed,
        of: health.of,
        prober: health.prober.map(Prober::user_agent),
    }
}

/// How long a known kind keeps idle connections by default.
fn default_idle(known: &Product) -> Option<u64> {
    known.idle.value().filter(|idle| !idle.is_zero()).map(nanos)
}

/// A timeout as told and as seen; nothing when neither is known.
fn timeout(
    told: Option<Setting>,
    timer: Option<Timer>,
    closes: &timers::Closes,
) -> Option<Timeout> {
    let count = closes.gaps.count();
    (told.is_some() || count > 0).then(|| Timeout {
        configured_ns: told.map(|told| nanos(told.value)),
        configured_by: told.map(|told| told.by),
        observed_ns: timer.map(|timer| nanos(timer.value)),
        samples: timer.map_or(count, |timer| timer.samples),
        low_ns: timer.map(|timer| nanos(timer.low)),
        high_ns: timer.map(|timer| nanos(timer.high)),
    })
}

/// The timers behind the closes that are not the one that is told as the backend's.
fn other_timers(keepalive: Option<Timer>, closes: &timers::Closes) -> Vec<Timeout> {
    // Within a range that is told everything is one timer's.
    let known = |timer: &Timer| keepalive.is_some_and(|known| known.fits(timer.value));
    let others = closes.timers().into_iter().filter(|timer| !known(timer));
    others.filter_map(|timer| timeout(None, Some(timer), closes)).collect()
}

/// How long a proxy waits for a connection: what it gave up says from when on, and until when.
fn connect_timeout(told: Option<Setting>, connects: &ledger::Unanswered) -> Option<Timeout> {
    (told.is_some() || connects.given_up > 0).then(|| Timeout {
        configured_ns: told.map(|told| nanos(told.value)),
        configured_by: told.map(|told| told.by),
        observed_ns: None,
        samples: connects.given_up,
        low_ns: (connects.given_up > 0).then(|| nanos(connects.at_least)),
        high_ns: connects.less_than.map(nanos),
    })
}

fn gaps_of(idle: &idle_gaps::IdleGaps) -> Idle {
    Idle {
        reused: gaps(&idle.reused),
        closed_by_backend: gaps(&idle.closed_by_backend.gaps),
        closed_by_proxy: gaps(&idle.closed_by_proxy.gaps),
    }
}

fn gaps(gaps: &Gaps) -> GapsRecord {
    let Some(quantiles) = gaps.quantiles() else {
        return GapsRecord::default();
    };
    GapsRecord {
        count: gaps.count(),
        min_ns: Some(nanos(quantiles.min)),
        p50_ns: Some(nanos(quantiles.p50)),
        p90_ns: Some(nanos(quantiles.p90)),
        p99_ns: Some(nanos(quantiles.p99)),
        max_ns: Some(nanos(quantiles.max)),
        ranges: gaps.ranges(),
    }
}

/// The record of one failure.
pub fn failure(kept: &ledger::Failure, style: Style) -> FailureRecord {
    let verdict = &kept.verdict;
    let at = begun(kept);
    let request = kept.request.as_ref().map(|sent| request(sent, style));
    let named = request.as_ref().map_or_else(
        || "a connect".to_owned(),
        |request| match (&request.method, &request.target) {
            (Some(method), Some(target)) => format!("{method} {target}"),
            _ => "a request whose head was not captured".to_owned(),
        },
    );
    FailureRecord {
        id: id(kept, at.as_nanos()),
        event: None,
        cause: verdict.cause.name(),
        certainty: verdict.certainty.name(),
        at: at.to_string(),
        detail: detail(kept),
        // Probes are told as one, whatever port each of them came from.
        proxy: Some(match kept.health {
            Some(_) => Endpoint { port: 0, ..kept.client }.to_string(),
            None => kept.client.to_string(),
        }),
        backend: Some(kept.server.to_string()),
        // What never left is no connection.
        connection: (!matches!(verdict.detail, Detail::NoNeighbour { .. }))
            .then_some(kept.connection),
        ordinal: kept.ordinal,
        request,
        response: kept.response.map(|response| ResponseRecord {
            status: response.status,
            received_bytes: response.received,
            expected_bytes: response.expected,
        }),
        idle_gap_ns: verdict.idle_gap.map(nanos),
        wait_ns: verdict.wait.map(nanos),
        close: verdict.close.map(|close| CloseRecord {
            by: match close.by {
                Closer::Backend => "backend",
                Closer::Proxy => "proxy",
                Closer::Path => "path",
            },
            kind: match close.kind {
                CloseKind::Fin => "fin",
                CloseKind::Rst => "rst",
            },
            frame: Some(frame_id(close.frame)),
            at: close.frame.at.to_string(),
            request_received: close.received.map(|received| match received {
                Received::None => "none",
                Received::Part => "part",
                Received::All => "all",
            }),
        }),
        retry: verdict.retry.name(),
        retry_reason: phrases::retry_reason(verdict.retry_reason).to_owned(),
        expected_status: match verdict.detail {
            Detail::Status(status) => vec![status],
            _ => phrases::expected_status(verdict.cause).to_vec(),
        },
        frames: verdict
            .evidence
            .iter()
            .map(|evidence| EvidenceRecord {
                capture: evidence.frame.capture,
                number: evidence.frame.number,
                note: phrases::evidence(evidence, verdict.close.as_ref(), kept.ordinal == 0),
            })
            .collect(),
        process: process::record(kept),
        client: None,
        summary: summary(kept, &named, style.show_secrets),
        fix: fix(kept),
    }
}

fn request(sent: &crate::exchange::Request, style: Style) -> RequestRecord {
    let head = sent.head.as_ref();
    let filled = |field: &[u8]| (!field.is_empty()).then(|| escape::text(field));
    RequestRecord {
        method: head.map(|head| escape::text(head.method())),
        target: head.map(|head| escape::target(head.target(), style.show_secrets)),
        host: head
            .map(|head| escape::target(head.host(), style.show_secrets))
            .filter(|host| !host.is_empty()),
        request_id: head.and_then(|head| filled(head.request_id())),
        at: sent.first.at.to_string(),
        first: frame_id(sent.first),
        last: frame_id(sent.last),
    }
}

/// The same for the same capture: a digest of who, when and which. The cause is no part of it, for it
/// may be revised.
fn id(kept: &ledger::Failure, at_nanos: u64) -> String {
    let text = format!("{}|{}|{at_nanos}|{}", kept.client, kept.server, kept.ordinal);
    id_of(&text)
}

/// The name of a failure.
pub(super) fn id_of_failure(kept: &ledger::Failure) -> String {
    id(kept, begun(kept).as_nanos())
}

/// When its request began, or its connect.
fn begun(kept: &ledger::Failure) -> Timestamp {
    let request = kept.request.as_ref().map(|request| request.first);
    let frame = request.or(kept.verdict.evidence.first().map(|first| first.frame));
    frame.map(|frame| frame.at).unwrap_or_default()
}

/// The name of what this text tells apart.
pub(super) fn id_of(text: &str) -> String {
    format!("{:016x}", digest::of(text.as_bytes().iter()))
}

fn frame_id(frame: FrameRef) -> FrameId {
    FrameId { capture: frame.capture, number: frame.number }
}

/// Which side closed a connection first.
pub(super) fn ended_by(connection: &flow::Connection) -> Option<&'static str> {
    closing::first(connection).map(|closing| match closing.by {
        flow::Side::Client => "client",
        flow::Side::Server => "server",
    })
}
