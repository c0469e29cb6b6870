//! What is known of the proxy and the server at hand, and the settings that follow from it.

use super::fix::{Fix, FixSide};
use super::phrases;
use crate::exchange::{ProxyKind, ServerKind};
use crate::knowledge::Context;
use crate::timeouts::{self, Product};
use std::time::Duration;

/// What the table has on this proxy.
pub fn known_proxy(kind: ProxyKind) -> Option<&'static Product> {
    timeouts::by_id(match kind {
        ProxyKind::Alb => "aws-alb",
        ProxyKind::Google => "gclb-global",
        ProxyKind::Envoy => "envoy",
        ProxyKind::Varnish => "varnish",
        ProxyKind::Squid => "squid",
        ProxyKind::TrafficServer => "ats",
        ProxyKind::Traefik => "traefik",
        ProxyKind::Caddy => "caddy",
        ProxyKind::Apache => "apache-mod-proxy",
    })
}

/// What the table has on this server.
pub fn known_server(kind: ServerKind) -> Option<&'static Product> {
    timeouts::by_id(match kind {
        ServerKind::Node => "node-pre26",
        ServerKind::Gunicorn => "gunicorn",
        ServerKind::Uvicorn => "uvicorn",
        ServerKind::Hypercorn => "hypercorn",
        ServerKind::Waitress => "waitress",
        ServerKind::Tomcat => "tomcat",
        ServerKind::Jetty => "jetty",
        ServerKind::Apache => "apache-httpd",
        ServerKind::Nginx => "nginx-backend",
        ServerKind::Kestrel => "kestrel",
        ServerKind::Iis => "iis",
        ServerKind::Lighttpd => "lighttpd",
        ServerKind::Caddy => "caddy-backend",
        ServerKind::PostgreSql => "postgresql",
        ServerKind::MySql => "mysql",
        ServerKind::Redis => "redis",
        ServerKind::Memcached => "memcached",
    })
}

/// The most usual idle timeout of proxies: AWS ALB, nginx, Varnish, Squid.
const USUAL: Duration = Duration::from_secs(60);

/// What the backend's keep-alive should be: above the proxy's idle timeout by more than the jitter of
/// both.
pub(super) fn longer_than(proxy_idle: Option<Duration>, proxy: Option<&Product>) -> u64 {
    let default = || proxy.and_then(|proxy| proxy.idle.value()).unwrap_or(USUAL).as_secs();
    let idle = proxy_idle.map_or_else(default, |idle| idle.as_secs().saturating_add(1));
    // A minute's timers are checked within seconds, an hour's within a minute.
    idle.saturating_add(5.max(idle / 50))
}

/// The proxy, as told, else as its requests look; and how that is known.
pub(super) fn proxy_of(context: &Context) -> Option<(&'static Product, String)> {
    let told = context.told_proxy.and_then(timeouts::by_id);
    told.map(|known| (known, format!("the proxy is {}", known.name))).or_else(|| {
        let kind = context.proxy?;
        Some((known_proxy(kind)?, format!("the proxy is probably {}, by its headers", kind.name())))
    })
}

/// The backend's server, as told, else as its answers look; and how that is known.
pub(super) fn server_of(context: &Context) -> Option<(&'static Product, String)> {
    let told = context.told_server.and_then(timeouts::by_id);
    told.map(|known| (known, format!("the backend is {}", known.name))).or_else(|| {
        let kind = context.server?;
        let looks = format!("the backend is probably {}, by {}", kind.name(), kind.shown_by());
        Some((known_server(kind)?, looks))
    })
}

pub(super) fn proxy_setting(context: &Context) -> String {
    let known = proxy_of(context).filter(|(known, _)| !known.knob.is_empty());
    known.map_or_else(String::new, |(known, how)| format!(" (`{}`; {how})", known.knob))
}

/// What lowering the idle timeout of such a proxy does.
pub(super) fn not_instead(proxy: &Product) -> String {
    format!(
        "do not lower the idle timeout of the {} instead: it also limits the time to answer, and slower \
         requests would get 504",
        proxy.name
    )
}

/// The proxy, where its idle timeout bounds the answer as well.
pub(super) fn bounds_answer(context: &Context) -> Option<&'static Product> {
    proxy_of(context).map(|(known, _)| known).filter(|known| known.idle_bounds_answer)
}

/// What people do to such a proxy, and what is wrong with that.
pub(super) fn lowered(proxy: &Product) -> String {
    format!("lowering the idle timeout of the {}: it also limits the time to answer", proxy.name)
}

/// What is wrong with timeouts that are equal.
const EQUAL: &str = "the same timeout on both sides: equal timeouts still race";

/// The server's keep-alive timeout, above the proxy's idle timeout; `text` is its sentence.
pub(super) fn longer_keepalive(context: &Context, text: String) -> Fix {
    let proxy = proxy_of(context).map(|(known, _)| known);
    let seconds = longer_than(context.proxy_idle, proxy);
    let default = proxy.and_then(|known| known.idle.value());
    let is_known = context.proxy_idle.or(default).is_some();
    let above = match (context.proxy_idle, proxy.zip(default)) {
        (Some(idle), _) => format!("above the proxy's idle timeout of {}", in_seconds(idle)),
        (None, Some((known, idle))) => {
            format!("above the idle timeout of {}, {} by default", known.name, in_seconds(idle))
        }
        (None, None) => {
            format!("above the usual idle timeout of proxies, {}", in_seconds(USUAL))
        }
    };
    let fix = Fix::on(FixSide::Server, text).instead_of(match proxy {
        Some(known) if known.knob.is_empty() => {
            format!("changing the idle timeout of {}: it has no such setting", known.name)
        }
        Some(known) if known.idle_bounds_answer => lowered(known),
        _ => EQUAL.to_owned(),
    });
    let value = Some(format!("{seconds} s"));
    match server_of(context).map(|(known, _)| known) {
        // One that always closes.
        Some(known) if known.knob.is_empty() => Fix { product: Some(known.name), ..fix },
        Some(known) => Fix {
            product: Some(known.name),
            setting: Some(known.knob.to_owned()),
            value,
            place: filled(known.place),
            line: Some(known.fix_for(seconds)),
            ..fix.why(above)
        },
        None if is_known => Fix { value, ..fix.why(above) },
        None => fix.why("the proxy must be the first to close an idle connection"),
    }
}

/// The proxy's idle timeout, below the keep-alive timeout of a backend that closed after so long an
/// `idle` time; `text` is its sentence.
pub(super) fn shorter_idle(context: &Context, idle: Option<Duration>, text: String) -> Fix {
    let proxy = proxy_of(context).map(|(known, _)| known);
    let set = proxy.filter(|known| !known.knob.is_empty());
    let why = idle.map_or_else(
        || "the proxy must be the first to close an idle connection".to_owned(),
        |idle| format!("the backend closed this connection after {} idle", phrases::duration(idle)),
    );
    // What the backend allows, less what both may be late by.
    let seconds = idle.map(|idle| idle.as_secs().saturating_sub(1)).filter(|seconds| *seconds > 0);
    Fix {
        product: proxy.map(|known| known.name),
        setting: set.map(|known| known.knob.to_owned()),
        value: set.and(seconds).map(|seconds| format!("{seconds} s")),
        line: set.zip(seconds).map(|(known, seconds)| known.fix_for(seconds)),
        place: set.and_then(|known| filled(known.place)),
        ..Fix::on(FixSide::Proxy, text).why(why).instead_of(EQUAL)
    }
}

/// The proxy's read timeout, where it is known what that is called; `text` is its sentence.
pub(super) fn longer_read(context: &Context, text: &str) -> Option<Fix> {
    let (proxy, _) = proxy_of(context).filter(|(known, _)| !known.read_knob.is_empty())?;
    Some(Fix {
        product: Some(proxy.name),
        setting: Some(proxy.read_knob.to_owned()),
        place: filled(proxy.read_place),
        ..Fix::on(FixSide::Proxy, text)
    })
}

/// A time in the unit of the value that stands beside it.
fn in_seconds(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{} s", time.as_secs()),
        _ => phrases::duration(time),
    }
}

fn filled(place: &str) -> Option<String> {
    (!place.is_empty()).then(|| place.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_headers_give_away_is_in_the_table_with_its_setting() {
        use ProxyKind::{
            Alb, Apache, Caddy, Envoy, Google, Squid, Traefik, TrafficServer, Varnish,
        };
        let proxies = [Alb, Google, Envoy, Varnish, Squid, TrafficServer, Traefik, Caddy, Apache];
        for kind in proxies {
            let known = known_proxy(kind).unwrap();
            // Google's 600 s are fixed.
            assert_eq!(known.knob.is_empty(), kind == Google, "{kind:?}");
            assert_eq!(known.side, timeouts::ProductSide::Proxy);
        }
        let servers = [
            ServerKind::Node,
            ServerKind::Gunicorn,
            ServerKind::Uvicorn,
            ServerKind::Hypercorn,
            ServerKind::Waitress,
            ServerKind::Tomcat,
            ServerKind::Jetty,
            ServerKind::Apache,
            ServerKind::Nginx,
            ServerKind::Kestrel,
            ServerKind::Iis,
            ServerKind::Lighttpd,
            ServerKind::Caddy,
            ServerKind::PostgreSql,
            ServerKind::MySql,
            ServerKind::Redis,
            ServerKind::Memcached,
        ];
        for kind in servers {
            let known = known_server(kind).unwrap();
            assert!(known.fix_for(65).contains("65") || kind == ServerKind::Iis, "{kind:?}");
            assert_eq!(known.side, timeouts::ProductSide::Server);
        }
    }

    #[test]
    fn a_backend_keeps_connections_for_longer_than_the_proxy() {
        assert_eq!(longer_than(None, None), 65);
        assert_eq!(longer_than(None, known_proxy(ProxyKind::Google)), 612);
        assert_eq!(longer_than(Some(Duration::from_secs(90)), known_proxy(ProxyKind::Alb)), 96);
        // One without a timeout of its own.
        assert_eq!(longer_than(None, known_proxy(ProxyKind::Apache)), 65);
    }
}
