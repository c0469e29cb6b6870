//! What the parts of a page ask of a report together.

use crate::packet::Endpoint;
use crate::report::model::{BackendRecord, FailureRecord, ProxyRecord, Report, Timeout};
use crate::timeouts;
use crate::verdict::Cause;
use crate::words::page::SideNames;
use std::time::Duration;

/// A report, and what its page is about.
pub(in crate::render) struct PageScene<'r> {
    pub(in crate::render) report: &'r Report,
    /// Which report of the page it is: part of the ids in it.
    pub(in crate::render) place: usize,
    /// The causes, the most frequent first.
    pub(in crate::render) causes: Vec<(Cause, u64)>,
    /// The backend that the page explains: that of the most failures, else the busiest.
    pub(in crate::render) backend: Option<&'r BackendRecord>,
}

impl<'r> PageScene<'r> {
    pub(in crate::render) fn of(report: &'r Report, place: usize) -> Self {
        let mut causes: Vec<(Cause, u64)> = report.causes.iter().collect();
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let failures = |backend: &BackendRecord| {
            report.failures.iter().filter(|one| one.backend == Some(backend.backend)).count()
        };
        let backend =
            report.backends.iter().max_by_key(|backend| (failures(backend), backend.exchanges));
        Self { report, place, causes, backend }
    }

    /// The most frequent cause.
    pub(in crate::render) fn cause(&self) -> Option<Cause> {
        self.causes.first().map(|(cause, _)| *cause)
    }

    /// An id that no other report of the page has.
    pub(in crate::render) fn id(&self, name: &str) -> String {
        if self.place == 0 { name.to_owned() } else { format!("{name}-{}", self.place) }
    }

    /// How the sides of the page's backend are called.
    pub(in crate::render) fn names(&self) -> SideNames {
        let proxy = self.backend.and_then(|backend| backend.proxies.first());
        SideNames::of(proxy.and_then(proxy_name), self.backend.and_then(backend_name))
    }

    /// How the sides of one failure are called.
    pub(in crate::render) fn names_of(&self, failure: &FailureRecord) -> SideNames {
        let backend = self.report.backend_of(failure);
        let addr = failure.proxy.map(|proxy| proxy.addr);
        let proxy = backend
            .and_then(|backend| backend.proxies.iter().find(|proxy| Some(proxy.proxy) == addr));
        SideNames::of(proxy.and_then(proxy_name), backend.and_then(backend_name))
    }

    pub(in crate::render) fn backend_of(
        &self,
        backend: Option<Endpoint>,
    ) -> Option<&'r BackendRecord> {
        self.report.backends.iter().find(|one| Some(one.backend) == backend)
    }

    /// The keep-alive timeout of the page's backend, and in how many closes it was seen.
    pub(in crate::render) fn keepalive(&self) -> Option<KnownTimer> {
        KnownTimer::of(self.backend?.backend_keepalive.as_ref(), None)
    }

    /// The longest idle timeout of the proxies of the page's backend.
    pub(in crate::render) fn proxy_idle(&self) -> Option<KnownTimer> {
        let proxies = self.backend?.proxies.iter();
        let known = proxies
            .filter_map(|proxy| KnownTimer::of(proxy.proxy_idle.as_ref(), proxy.kind_default_ns));
        known.max_by_key(|timer| timer.time)
    }

    /// The shortest read timeout of the proxies of the page's backend, as it was seen or configured.
    pub(in crate::render) fn proxy_read(&self) -> Option<KnownTimer> {
        let proxies = self.backend?.proxies.iter();
        let known = proxies.filter_map(|proxy| KnownTimer::of(proxy.proxy_read.as_ref(), None));
        known.min_by_key(|timer| timer.time)
    }
}

/// A timer whose length is known.
#[derive(Clone, Copy)]
pub(in crate::render) struct KnownTimer {
    pub(in crate::render) time: Duration,
    /// In how many closes; `None` where it is configured, or a default.
    pub(in crate::render) seen: Option<u64>,
}

impl KnownTimer {
    fn of(timeout: Option<&Timeout>, default: Option<u64>) -> Option<Self> {
        let seen = timeout.and_then(|timeout| Some((timeout.observed_ns?, timeout.samples)));
        let configured = timeout.and_then(|timeout| timeout.configured_ns).or(default);
        match (seen, configured) {
            (Some((nanos, samples)), _) => {
                Some(Self { time: Duration::from_nanos(nanos), seen: Some(samples) })
            }
            (None, Some(nanos)) => Some(Self { time: Duration::from_nanos(nanos), seen: None }),
            (None, None) => None,
        }
    }
}

/// What a backend is called: as configured, as it was said to be, or as its answers look.
pub(in crate::render) fn backend_name(backend: &BackendRecord) -> Option<&str> {
    let told = || backend.told_kind.and_then(timeouts::by_id).map(|known| short(known.name));
    let looks = || backend.server.map(|server| server.name());
    backend.name.as_deref().or_else(told).or_else(looks)
}

/// What a proxy is called, likewise.
pub(in crate::render) fn proxy_name(proxy: &ProxyRecord) -> Option<&str> {
    let told = || proxy.told_kind.and_then(timeouts::by_id).map(|known| short(known.name));
    let looks = || proxy.kind.map(|kind| kind.name());
    proxy.name.as_deref().or_else(told).or_else(looks)
}

/// The name of a product without what stands in brackets: versions, and where it is used.
pub(super) fn short(name: &str) -> &str {
    name.split(" (").next().unwrap_or(name)
}
