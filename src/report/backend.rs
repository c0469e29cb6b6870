//! One backend: what was seen of it and of its proxies, beside what was told.

use super::backend_tls::BackendTlsRecord;
use super::forecast::Forecast;
use super::model::{
    BackendRecord, HealthRecord, ProxyRecord, RequestLimitRecord, Timeout, VantageRecord,
    VantageSource,
};
use super::sources::Style;
use super::timers::{connect_timeout, default_idle, gaps_of, idle_of, other_timers, timeout};
use super::unread::probes;
use crate::base::escape;
use crate::base::time::nanos;
use crate::flow::Leg;
use crate::knowledge::idle_gaps::{IdleGaps, Ordering};
use crate::knowledge::timers::Timer;
use crate::knowledge::{Configured, Setting};
use crate::ledger::{self, Judgement, Listener};
use crate::topology::vantage::Vantage;
use crate::verdict::Cause;
use crate::words::settings::{known_proxy, known_server};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// What a record of a backend is made of.
#[derive(Clone, Copy)]
struct BackendSources<'a> {
    listener: &'a Listener,
    /// What was told of all backends and proxies.
    all: &'a Configured,
    /// The backend's timer in effect, as seen or told.
    timer: Option<Timer>,
}

/// The record of one backend.
pub(super) fn backend(
    leg: Leg,
    listener: &Listener,
    causes: &BTreeMap<Cause, u64>,
    ledger: &Judgement<'_>,
    style: Style,
    span: Duration,
) -> BackendRecord {
    let (all, health_now) = (ledger.told(), ledger.health(leg));
    let told = all.backend(leg.server);
    let idle = listener.idle();
    let keepalive = idle.backend_timer().or_else(|| idle.backend_range());
    // What is seen is in effect, whatever was told.
    let timer = keepalive.or(told.keepalive.map(as_told));
    let observed = BackendSources { listener, all, timer };
    // A reuse that would have met the timer, had it come a tenth later.
    let near = timer.map(|timer| {
        let late = timer.value.saturating_sub(timer.value.checked_div(10).unwrap_or_default());
        idle.reused.count_from(late).saturating_sub(idle.raced.count_from(late))
    });
    // Of several proxies, the one that holds on for longest meets the backend's timer.
    let patient = listener.proxies.keys().filter_map(|addr| all.proxy(*addr).idle);
    let patient = patient.max_by_key(|told| told.value);
    let forecast = Forecast {
        listener,
        raced: causes.get(&Cause::KeepaliveRace).copied().unwrap_or(0),
        idle: &idle,
        timer,
        proxy: idle.proxy_timer().or(patient.map(as_told)),
        span,
    };
    let backend_keepalive = timeout(told.keepalive, keepalive, &idle.closed_by_backend);
    BackendRecord {
        backend: leg.server,
        name: told.name.clone(),
        aliases: listener.aliases.iter().copied().collect(),
        connections: listener.connections,
        exchanges: listener.exchanges,
        probes: probes(health_now),
        statuses: listener.statuses.iter().map(|(status, n)| (*status, *n)).collect(),
        causes: causes.iter().map(|(cause, count)| (*cause, *count)).collect(),
        vantage: vantage(leg, listener, style.vantage),
        idle: idle_of(&idle, backend_keepalive.as_ref()),
        backend_keepalive,
        other_keepalives: other_timers(keepalive, &idle.closed_by_backend),
        request_limit: listener.request_limit().map(|limit| RequestLimitRecord {
            observed: limit.requests.into(),
            samples: limit.samples,
            announced: limit.announced,
        }),
        age_limit: listener.age_limit().map(age_limit),
        server: listener.server(),
        server_default_ns: listener.server().and_then(known_server).and_then(default_idle),
        told_kind: told.kind,
        tls: listener.handshakes.as_deref().and_then(BackendTlsRecord::of),
        proxies: observed.proxies(),
        ordering: observed.worst_ordering(),
        near_misses: near,
        health: health_now.first().map(|one| health(one, style.show_secrets)),
        hazard: forecast.today(),
        what_if: forecast.what_if(style.what_if),
    }
}

fn as_told(setting: Setting) -> Timer {
    Timer::told(setting.value)
}

impl BackendSources<'_> {
    /// Which side gives up an idle connection first, between the backend and the proxy at `addr`.
    fn ordering(self, addr: IpAddr, idle: &IdleGaps) -> Ordering {
        let proxy = idle.proxy_timer().or(self.all.proxy(addr).idle.map(as_told));
        Ordering::of(self.timer, proxy, idle.closed_by_backend.gaps.count() > 0)
    }

    fn worst_ordering(self) -> Ordering {
        let proxies = self.listener.proxies.iter();
        let orderings = proxies.map(|(addr, proxy)| self.ordering(*addr, &proxy.idle));
        orderings.max().unwrap_or(Ordering::Unknown)
    }

    fn proxies(self) -> Vec<ProxyRecord> {
        let proxies = self.listener.proxies.iter();
        let told = proxies.map(|(addr, proxy)| (addr, proxy, self.all.proxy(*addr)));
        told.map(|(addr, proxy, told)| ProxyRecord {
            proxy: *addr,
            name: told.name.clone(),
            told_kind: told.kind,
            kind: proxy.kind(),
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
                .map(|(syn, after)| (*syn, nanos(*after)))
                .collect(),
            ordering: self.ordering(*addr, &proxy.idle),
        })
        .collect()
    }
}

/// Where it was captured, as told or found out.
fn vantage(leg: Leg, listener: &Listener, told: Option<Vantage>) -> VantageRecord {
    let (value, by) = match (told, Vantage::of(leg, listener)) {
        (Some(told), _) => (told, VantageSource::Option),
        (None, seen @ Vantage::SameHost) => (seen, VantageSource::Addresses),
        (None, seen) => (seen, VantageSource::Handshakes),
    };
    VantageRecord { value, by }
}

fn age_limit(timer: Timer) -> Timeout {
    Timeout {
        configured_ns: None,
        configured_by: None,
        observed_ns: Some(nanos(timer.value)),
        samples: timer.samples,
        low_ns: Some(nanos(timer.low)),
        high_ns: Some(nanos(timer.high)),
    }
}

/// How probes of its health fare.
pub(super) fn health(health: &ledger::Health, show_secrets: bool) -> HealthRecord {
    let path = escape::target(&health.path, show_secrets);
    HealthRecord {
        path: (!health.path.is_empty()).then_some(path),
        period_ns: health.period.map(nanos),
        statuses: health.statuses.iter().map(|(status, n)| (*status, *n)).collect(),
        failed: health.failed,
        of: health.of,
        prober: health.prober,
    }
}
