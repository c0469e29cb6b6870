//! What is said of one backend, line by line.

use super::phrases::{checks, duration, plural, setting};
use super::timers::TimerName;
use crate::exchange::{ProxyKind, ServerKind};
use crate::timeouts;
use crate::topology::vantage::Vantage;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

/// An address, with the name that it was told to have.
pub fn named(address: impl Display, name: Option<&str>) -> String {
    name.map_or_else(|| address.to_string(), |name| format!("{address} ({name})"))
}

/// The heading.
pub fn heading(backend: impl Display, name: Option<&str>) -> String {
    format!("Backend {}", named(backend, name))
}

/// `19 requests and 8 health checks`.
pub fn requests(requests: u64, probes: u64) -> String {
    let requests = plural(requests, "request");
    match probes {
        0 => requests,
        probes => format!("{requests} and {}", checks(probes)),
    }
}

/// Over how many connections these came, and from which proxies; of `more` the address is not told.
pub fn connections(connections: u64, proxies: &[String], more: usize) -> String {
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} from {}{more}", plural(connections, "connection"), proxies.join(", "))
}

/// The answers by status.
pub fn answers(statuses: &BTreeMap<u16, u64>) -> String {
    let statuses: Vec<String> =
        statuses.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    format!("answers: {}", statuses.join(", "))
}

/// Where the capture was taken; `None` where that is not known.
pub fn capture_point(vantage: Vantage, given: bool) -> Option<String> {
    captured_at(vantage, given).map(|place| format!("capture point: {place}"))
}

/// Where a capture was taken, as it stands under a heading.
pub fn captured_at(vantage: Vantage, given: bool) -> Option<String> {
    let place = match vantage {
        Vantage::Proxy => "the proxy's host",
        Vantage::Backend => "the backend's host",
        Vantage::Between => "between proxy and backend",
        Vantage::SameHost => "proxy and backend on one host",
        Vantage::Unknown => return None,
    };
    let by = if given { "as given" } else { "detected" };
    Some(format!("{place} ({by})"))
}

/// The known server that it was told to be.
pub fn server_given(kind: &str) -> String {
    format!("server: {kind} (as given)")
}

/// The server that its answers give away, and how long such keeps idle connections by default.
pub fn server_guessed(server: ServerKind, default: Option<Duration>) -> String {
    let default = by_default("keep-alive", default);
    format!("server: probably {} (from {}){default}", server.name(), server.shown_by())
}

/// The proxy that its requests give away, and how long such keeps idle connections by default.
pub fn proxy_guessed(proxy: IpAddr, kind: ProxyKind, default: Option<Duration>) -> String {
    let default = by_default("idle timeout", default);
    format!("proxy {proxy}: probably {} (from its requests){default}", kind.name())
}

fn by_default(what: &str, default: Option<Duration>) -> String {
    default.map_or_else(String::new, |default| format!(", default {what} {}", setting(default)))
}

/// After how many requests the backend closes a connection: so often seen, and so often announced.
pub fn request_limit(requests: u64, times: u64, announced: u64) -> String {
    let how = match announced {
        0 => "never announced",
        announced if announced == times => "announced",
        _ => "not always announced",
    };
    let times = plural(times, "time");
    format!("closes a connection after {requests} requests (seen {times}, {how})")
}

/// At which age the backend closes a connection.
pub fn age_limit(age: Duration) -> String {
    format!("closes a connection at the age of {}, used or not", duration(age))
}

/// How the probes of its health fare; one without a path only connects.
pub fn health(path: Option<&str>, failed: u64, of: u64) -> String {
    format!("health checks: {}, {failed} of {of} failed", path.unwrap_or("TCP connect"))
}

/// Timeouts that are the defaults of a known product: nobody said that they are the ones set.
pub fn defaults(product: &str, values: &[(TimerName, Duration)]) -> String {
    let mut told: Vec<String> = Vec::new();
    for (timer, value) in values {
        let value = format!("{} {}", timer.short(), duration(*value));
        if !told.contains(&value) {
            told.push(value);
        }
    }
    let verified = timeouts::by_id(product).is_some_and(|known| known.verified);
    let verified = if verified { "" } else { " (unverified)" };
    format!("compared with the defaults of {product}{verified}: {}", told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_told_with_what_it_was_asked() {
        assert_eq!(heading("10.0.0.1:80", Some("shop")), "Backend 10.0.0.1:80 (shop)");
        assert_eq!(heading("10.0.0.1:80", None), "Backend 10.0.0.1:80");
        assert_eq!(requests(1, 0), "1 request");
        assert_eq!(requests(19, 8), "19 requests and 8 health checks");
        let proxies = ["10.0.0.8".to_owned(), "10.0.0.9 (edge)".to_owned()];
        assert_eq!(connections(3, &proxies, 0), "3 connections from 10.0.0.8, 10.0.0.9 (edge)");
        assert_eq!(connections(1, &proxies[..1], 2), "1 connection from 10.0.0.8 and 2 more");
        assert_eq!(answers(&BTreeMap::from([(200, 3), (502, 1)])), "answers: 200 × 3, 502 × 1");
        assert_eq!(health(Some("/up"), 1, 8), "health checks: /up, 1 of 8 failed");
        assert_eq!(health(None, 0, 8), "health checks: TCP connect, 0 of 8 failed");
    }

    #[test]
    fn a_capture_point_is_told_where_it_is_known() {
        let all = [
            (Vantage::Proxy, "capture point: the proxy's host (detected)"),
            (Vantage::Backend, "capture point: the backend's host (detected)"),
            (Vantage::Between, "capture point: between proxy and backend (detected)"),
            (Vantage::SameHost, "capture point: proxy and backend on one host (detected)"),
        ];
        for (vantage, text) in all {
            assert_eq!(capture_point(vantage, false).as_deref(), Some(text));
        }
        let given = capture_point(Vantage::Proxy, true);
        assert_eq!(given.as_deref(), Some("capture point: the proxy's host (as given)"));
        assert_eq!(capture_point(Vantage::Unknown, true), None);
    }

    #[test]
    fn products_are_told_with_what_gives_them_away() {
        let default = Some(Duration::from_secs(5));
        assert_eq!(server_given("node"), "server: node (as given)");
        assert_eq!(
            server_guessed(ServerKind::Tomcat, default),
            format!(
                "server: probably {} (from its headers), default keep-alive 5 s",
                ServerKind::Tomcat.name()
            )
        );
        let proxy = [10, 0, 0, 9].into();
        let name = ProxyKind::Envoy.name();
        assert_eq!(
            proxy_guessed(proxy, ProxyKind::Envoy, default),
            format!(
                "proxy 10.0.0.9: probably {name} (from its requests), default idle timeout 5 s"
            )
        );
        assert_eq!(
            proxy_guessed(proxy, ProxyKind::Envoy, None),
            format!("proxy 10.0.0.9: probably {name} (from its requests)")
        );
    }

    #[test]
    fn limits_of_a_connection_are_told() {
        let limit = |announced| request_limit(100, 2, announced);
        let text = "closes a connection after 100 requests (seen 2 times,";
        assert_eq!(limit(0), format!("{text} never announced)"));
        assert_eq!(limit(1), format!("{text} not always announced)"));
        assert_eq!(limit(2), format!("{text} announced)"));
        assert_eq!(
            age_limit(Duration::from_secs(30)),
            "closes a connection at the age of 30.0 s, used or not"
        );
    }

    #[test]
    fn defaults_are_told_once_each() {
        let [idle, connect] = [60, 10].map(Duration::from_secs);
        let values = [
            (TimerName::ProxyIdle, idle),
            (TimerName::ProxyConnect, connect),
            (TimerName::ProxyIdle, idle),
        ];
        assert_eq!(
            defaults("aws-alb", &values),
            "compared with the defaults of aws-alb: idle 60.0 s, connect 10.0 s"
        );
        assert_eq!(
            defaults("no-such", &values[..1]),
            "compared with the defaults of no-such (unverified): idle 60.0 s"
        );
    }
}
