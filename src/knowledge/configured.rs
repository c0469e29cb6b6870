//! What was told of timeouts, kinds and names: of all backends and proxies, or of one.
//!
//! Who told it, and what counts where several did, is none of this layer's business; where a value
//! comes from goes along with it, for the report to say.

use crate::packet::{Endpoint, EndpointPattern};
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Where a told value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingOrigin {
    /// An option of its own.
    Option,
    /// The configuration file.
    Config,
    /// The default of this known proxy, of which only the kind was told.
    Proxy(&'static str),
    /// The default of this known server, of which only the kind was told.
    Server(&'static str),
}

/// `option`, `config`, `proxy aws-alb`, `server node-pre26`.
impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option => f.write_str("option"),
            Self::Config => f.write_str("config"),
            Self::Proxy(id) => write!(f, "proxy {id}"),
            Self::Server(id) => write!(f, "server {id}"),
        }
    }
}

/// A told timeout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// How long.
    pub value: Duration,
    /// Told by what.
    pub by: SettingOrigin,
}

/// What was told of a backend.
#[derive(Clone, Debug, Default)]
pub struct OfBackend {
    /// What it is called.
    pub name: Option<String>,
    /// The known server that it is, by its id.
    pub kind: Option<&'static str>,
    /// How long it keeps an idle connection.
    pub keepalive: Option<Setting>,
    /// Statuses that a probe of its health accepts.
    pub accepted: Option<Accepted>,
}

/// What was told of a proxy.
#[derive(Clone, Debug, Default)]
pub struct OfProxy {
    /// What it is called.
    pub name: Option<String>,
    /// The known proxy that it is, by its id.
    pub kind: Option<&'static str>,
    /// How long it keeps an idle connection.
    pub idle: Option<Setting>,
    /// How long it waits for an answer.
    pub read: Option<Setting>,
    /// How long it waits for a connection.
    pub connect: Option<Setting>,
    /// Statuses that its probes accept, as proxies of its kind do.
    pub accepted: Option<Accepted>,
}

/// All that was told.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    /// Of backends that are not named below.
    pub any_backend: OfBackend,
    /// Of proxies that are not named below.
    pub any_proxy: OfProxy,
    /// Of some backends; the first that matches counts.
    pub backends: Vec<(EndpointPattern, OfBackend)>,
    /// Of some proxies, by their address towards the backends.
    pub proxies: Vec<(IpAddr, OfProxy)>,
    /// Backends that are judged, and no others, if there are any: whatever they speak.
    pub named: Vec<EndpointPattern>,
    /// What probes accept of which nothing else was told.
    pub usual: Accepted,
}

impl Configured {
    /// What was told of a backend.
    pub fn backend(&self, server: Endpoint) -> &OfBackend {
        let mut named = self.backends.iter();
        named.find(|(listen, _)| listen.matches(server)).map_or(&self.any_backend, |(_, told)| told)
    }

    /// Whether the user named the backend.
    pub fn is_named(&self, server: Endpoint) -> bool {
        self.named.iter().any(|pattern| pattern.matches(server))
    }

    /// What was told of a proxy.
    pub fn proxy(&self, client: IpAddr) -> &OfProxy {
        let mut named = self.proxies.iter();
        named.find(|(addr, _)| *addr == client).map_or(&self.any_proxy, |(_, told)| told)
    }

    /// The timeouts between a proxy and a backend.
    pub fn timeouts(&self, server: Endpoint, client: IpAddr) -> Timeouts {
        let proxy = self.proxy(client);
        let value = |setting: Option<Setting>| setting.map(|setting| setting.value);
        Timeouts {
            backend_keepalive: value(self.backend(server).keepalive),
            proxy_idle: value(proxy.idle),
            proxy_read: value(proxy.read),
            proxy_connect: value(proxy.connect),
        }
    }

    /// Statuses that a proxy's probes of a backend accept.
    pub fn accepted(&self, server: Endpoint, client: IpAddr) -> &Accepted {
        let told = self.backend(server).accepted.as_ref();
        told.or(self.proxy(client).accepted.as_ref()).unwrap_or(&self.usual)
    }
}

/// What was told of the timeouts of either side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timeouts {
    /// How long the backend keeps an idle connection.
    pub backend_keepalive: Option<Duration>,
    /// How long the proxy keeps one.
    pub proxy_idle: Option<Duration>,
    /// How long the proxy waits for an answer.
    pub proxy_read: Option<Duration>,
    /// How long the proxy waits for a connection.
    pub proxy_connect: Option<Duration>,
}

/// Statuses that a probe accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted(pub Vec<RangeInclusive<u16>>);

impl Default for Accepted {
    /// What most proxies accept: anything below 400.
    fn default() -> Self {
        Self(vec![200..=399])
    }
}

/// Statuses and ranges of them, with commas between.
impl FromStr for Accepted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let status = |digits: &str| {
            let read = digits.trim().parse::<u16>().ok();
            read.filter(|status| (100..=599).contains(status))
                .ok_or_else(|| format!("'{digits}' is no status: want 200, 200-399 or 200,204"))
        };
        let range = |part: &str| match part.split_once('-') {
            Some((first, last)) => Ok(status(first)?..=status(last)?),
            None => status(part).map(|one| one..=one),
        };
        text.split(',').map(range).collect::<Result<_, String>>().map(Self)
    }
}

impl Accepted {
    /// Whether a probe that got this status is sound.
    pub fn holds(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_of_one_counts_before_what_was_told_of_all() {
        let setting = |seconds, by| Some(Setting { value: Duration::from_secs(seconds), by });
        let any =
            OfBackend { keepalive: setting(5, SettingOrigin::Option), ..OfBackend::default() };
        let one =
            OfBackend { keepalive: setting(75, SettingOrigin::Config), ..OfBackend::default() };
        let told = Configured {
            any_backend: any,
            backends: vec![(":8080".parse().unwrap(), one)],
            ..Configured::default()
        };
        let at = |port| Endpoint { addr: IpAddr::from([10, 0, 0, 1]), port };
        let keepalive =
            |port| told.timeouts(at(port), IpAddr::from([10, 0, 0, 9])).backend_keepalive;
        assert_eq!(keepalive(8080), Some(Duration::from_secs(75)));
        assert_eq!(keepalive(8081), Some(Duration::from_secs(5)));
    }

    #[test]
    fn accepted_statuses_are_ranges_with_commas_between() {
        let holds = |text: &str, status| text.parse::<Accepted>().unwrap().holds(status);
        assert!(holds("200", 200) && !holds("200", 204));
        assert!(holds("200-399", 302) && !holds("200-399", 404));
        assert!(holds("200,204,301-302", 302) && !holds("200,204,301-302", 300));
        for wrong in ["", "2xx", "200-", "99", "600", "200;204"] {
            assert!(wrong.parse::<Accepted>().is_err(), "{wrong}");
        }
    }
}
