//! What to change, in one sentence.

use super::phrases::duration;
use super::process;
use crate::exchange::{FlawKind, Protocol, ProxyKind, ServerKind};
use crate::knowledge::Context;
use crate::ledger::{Failure, Health};
use crate::timeouts::{self, Product};
use crate::verdict::{Cause, Detail, Doubt, Drop};
use std::time::Duration;

/// What to change, in one sentence.
pub(crate) fn fix(failure: &Failure) -> String {
    let verdict = &failure.verdict;
    if let Some(fix) = process::fix(failure) {
        return fix;
    }
    match (verdict.cause, verdict.detail) {
        (Cause::KeepaliveRace, _) => race_fix(failure),
        (Cause::ResponseTimeout, _) => "find what made the backend slow at that second (load, a lock, \
             a query, a call to another service), or raise the proxy's read timeout above what the \
             request may take"
            .to_owned(),
        (Cause::Unreachable, Detail::NoNeighbour { .. }) => {
            "nobody has that address any more, or its host is down: let the proxy resolve the \
             backend's name again (nginx: `resolver` and a variable, or reload)"
                .to_owned()
        }
        (Cause::Unreachable, _) => "look at the host that said so: a firewall that rejects, a missing \
             route, or an address that nobody has any more"
            .to_owned(),
        (Cause::ConnectTimeout, _) if failure.full_queue().is_some() => QUEUE_FIX.to_owned(),
        (Cause::ConnectTimeout, Detail::Unanswered { challenged: true, .. }) => {
            "find out why the proxy uses the ports of a connection that the backend's host still has: a \
             proxy that was replaced without closing its connections, too few source ports, or a \
             firewall that forgot it; the reset that would clear it does not come"
                .to_owned()
        }
        (Cause::ConnectTimeout, _) => "look for what drops SYNs: a firewall or security group, a host \
             that is down, a wrong address, or a full backlog (on the backend: `nstat -az \
             TcpExtListenOverflows`)"
            .to_owned(),
        (Cause::BackendError, _) => "look in the backend's own log at that second: it answered, and \
             the proxy only passed that on"
            .to_owned(),
        (Cause::AcceptQueueFull, _) => QUEUE_FIX.to_owned(),
        (Cause::SilentDrop, Detail::Dropped { form: Drop::Rest, .. }) => "compare the MTU of both hosts \
             with what the way between them carries (from the backend: `ping -M do -s 1472` to the proxy): \
             a tunnel or overlay network takes 50 bytes and more of each packet, and a firewall that drops \
             ICMP hides that; else look for what drops answers in the middle"
            .to_owned(),
        (Cause::SilentDrop, Detail::Dropped { form: Drop::Answer, .. }) => "look between backend and \
             proxy for what drops answers: asymmetric routing, a firewall that saw only one direction, a \
             NAT entry that expired"
            .to_owned(),
        (Cause::SilentDrop, _) => match verdict.idle_gap {
            Some(idle) if idle >= Duration::from_secs(1) => format!(
                "look between proxy and backend for what forgets idle connections (NAT, firewall, load \
                 balancer; here after {} at the latest; an AWS NLB does after 350 s): {}",
                duration(idle),
                match bounds_answer(&failure.context) {
                    Some(_) => "raise its timeout, or let the backend's host send TCP keep-alives sooner",
                    None => {
                        "lower the proxy's idle timeout below that, or let both hosts send TCP \
                         keep-alives sooner"
                    }
                }
            ),
            _ => "look between proxy and backend for what drops segments: a firewall, a NAT, a path \
                  that cannot carry full-sized segments (compare the MTU), a host that was rebooted"
                .to_owned(),
        },
        (Cause::UploadCutShort, _) => "let the backend read the request to its end before it closes \
             (a lingering close), or raise the limit that made it refuse the upload; let the proxy send \
             `Expect: 100-continue` or check the size itself"
            .to_owned(),
        (Cause::Stalled, Detail::Stalled { zero_window: true, .. }) => "look at the backend for what \
             keeps it from reading: all workers busy, a blocked event loop, a full disk or queue behind it"
            .to_owned(),
        (Cause::Stalled, _) => "look at the backend for what stopped it in the middle of an answer (a \
             lock, a slow query, a call to another service), or raise the proxy's read timeout, which \
             counts from byte to byte"
            .to_owned(),
        (Cause::ClientGone, Detail::FrontLeg { .. }) => "nothing is wrong between proxy and backend: if \
             clients should wait for longer, make the answer faster or raise the client's own timeout"
            .to_owned(),
        (Cause::ClientGone, _) => "look for this request in the proxy's log (nginx logs 499): if the \
             client left, nothing is wrong between proxy and backend; else compare with the proxy's \
             timeouts"
            .to_owned(),
        (Cause::InvalidResponse, Detail::LargeHead { .. }) => "send fewer or smaller headers (cookies, \
             tokens), or raise the proxy's buffer for heads (nginx `proxy_buffer_size 16k`, HAProxy \
             `tune.bufsize 32768`, Apache `ProxyIOBufferSize` with `ResponseFieldSize`)"
            .to_owned(),
        (Cause::InvalidResponse, Detail::Flaw(flaw)) => flaw_fix(flaw.kind).to_owned(),
        (Cause::InvalidResponse, _) => flaw_fix(FlawKind::NoStatusLine).to_owned(),
        (Cause::ProtocolMismatch, Detail::Mismatch { asked: Protocol::Tls, .. }) => "let the proxy use \
             plain `http://` to this port, or point it at the port on which the backend speaks TLS"
            .to_owned(),
        (Cause::ProtocolMismatch, detail) if answers_tls(detail) => "let the proxy use `https://` to \
             this port, or point it at the backend's plain HTTP port"
            .to_owned(),
        (Cause::ProtocolMismatch, Detail::ProxyHeader { .. }) => "stop sending the header (HAProxy \
             `send-proxy`, nginx `proxy_protocol on`, the target group's attribute), or let the backend expect \
             it (nginx `listen 8080 proxy_protocol`, HAProxy `accept-proxy`, Apache `RemoteIPProxyProtocol On`)"
            .to_owned(),
        (Cause::ClosedInFlight | Cause::ResetInFlight, Detail::NothingAnswered { .. }) => "look at what \
             listens on this port, and at its log: it may speak another protocol (uWSGI, FastCGI, AJP), expect \
             a header of the PROXY protocol (HAProxy `send-proxy`, nginx `proxy_protocol on`), or TLS \
             (`https://`); if it is the right one, it crashes on every request, or denies this proxy"
            .to_owned(),
        (Cause::ProtocolMismatch, _) => "let the proxy speak the version of HTTP that this port speaks \
             (nginx `proxy_http_version 1.1`, HAProxy `proto h2`, Envoy `http2_protocol_options`)"
            .to_owned(),
        (Cause::HealthCheckFailing, _) => {
            let fix = failure.health.as_deref().map_or(PROBE_FIX, health_fix);
            format!("{fix}{}", other_port(failure))
        }
        (Cause::StaleReuse, _) => stale_fix(failure),
        (Cause::ClosedInFlight | Cause::ResetInFlight, Detail::MaybeUnread) => format!(
            "look on the backend at that second for a crash, a worker killed or recycled, or a handler \
             that drops the connection; if nothing is logged there, compare the idle time with its \
             keep-alive timeout{}: that must be longer than the proxy's idle timeout",
            verdict.closed_after.map_or_else(String::new, |after| {
                format!(" (the close came {} after the last answer)", duration(after))
            })
        ),
        (Cause::ClosedInFlight | Cause::ResetInFlight, Detail::Unread { .. })
            if verdict.wait.is_some_and(|wait| wait > NOT_LONG) =>
        {
            "look on the backend for what kept the server from reading the request (all workers busy, a \
             blocked event loop), and for what closed the connection then: a timeout, a restart"
                .to_owned()
        }
        (
            Cause::ClosedInFlight,
            Detail::Fresh | Detail::Unread { fresh: true, .. } | Detail::Read { fresh: true, .. },
        ) => "look on the backend at that second for what closes \
             new connections: a crash, a worker being killed or restarted, a connection limit"
            .to_owned(),
        (Cause::ClosedInFlight, _) => "look on the backend at that second for a crash, a worker \
             killed or recycled (memory, timeout, deploy), or a handler that drops the connection"
            .to_owned(),
        (Cause::ResetInFlight, Detail::ForeignReset { .. }) => "look between proxy and backend for \
             what resets connections: a firewall, an intrusion prevention system, a NAT or load balancer"
            .to_owned(),
        (Cause::ResetInFlight, _) => "look on the backend at that second for a process that died or \
             closed the socket with data unread: a crash, a worker killed or recycled, a limit reached"
            .to_owned(),
        (Cause::TruncatedResponse, _) => "look on the backend at that second for a crash or a worker \
             timeout in the middle of an answer, and for a Content-Length that is larger than the body"
            .to_owned(),
        (Cause::ConnectionRefused, _) => format!(
            "start the server, or point the proxy at the address and port on which it listens (on the \
             backend: `ss -ltn`{}); a firewall that rejects looks the same",
            other_port(failure)
        ),
        (Cause::Unproven, Detail::Doubt(doubt)) => doubt_fix(doubt).to_owned(),
        (Cause::Unproven, _) => doubt_fix(Doubt::Gap).to_owned(),
    }
}

/// A request that lay unread for longer met a server that did not read.
const NOT_LONG: Duration = Duration::from_millis(100);

const QUEUE_FIX: &str = "give the server more workers or threads, or a longer queue (`listen` backlog and \
                         `net.core.somaxconn`; `ss -ltn` shows Recv-Q against Send-Q): it accepts too \
                         slowly";

fn doubt_fix(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Gap => {
            "capture again without losses: filter on the backend's port, and give tcpdump a larger \
             buffer (`-B 16384`)"
        }
        Doubt::HeadsCut => "capture again with a longer snap length: `tcpdump -s 0`",
        Doubt::OneDirection => {
            "capture both directions: on the proxy's or the backend's own host, interface `any`"
        }
        Doubt::NotHttp => "tell which listeners are HTTP backends: `--backend ADDR:PORT`",
        Doubt::SeveralReadings => {
            "capture on the other side of the link as well: there the order may be clear"
        }
        Doubt::ProxyClosedFirst => {
            "compare the wait with the proxy's read timeout, and look at the backend for what was slow"
        }
    }
}

/// The backend speaks TLS, and was asked in clear.
fn answers_tls(detail: Detail) -> bool {
    match detail {
        Detail::Flaw(flaw) => flaw.kind == FlawKind::Tls,
        Detail::Mismatch { asked: Protocol::Http1, answered } => answered == Protocol::Tls,
        _ => false,
    }
}

fn flaw_fix(kind: FlawKind) -> &'static str {
    match kind {
        FlawKind::NoStatusLine
        | FlawKind::StatusLine
        | FlawKind::Version
        | FlawKind::Tls
        | FlawKind::Http2 => {
            "look at what listens on this port: it does not answer in HTTP/1, or something writes to \
             the connection before the server does (a print to standard output in CGI, a crash message)"
        }
        FlawKind::Status => "let the backend answer with a status of 200 to 599",
        FlawKind::ManyLines => {
            "send fewer header lines, or let the proxy take more (Varnish `http_max_hdr`, HAProxy \
             `tune.http.maxhdr`, Envoy `max_headers_count`)"
        }
        FlawKind::LengthTwice | FlawKind::LengthAndCoding | FlawKind::ChunkedTwice => {
            "let one place alone frame the answer: a layer copies Content-Length or Transfer-Encoding of \
             another answer into its own, and the server adds its own"
        }
        FlawKind::Coding | FlawKind::ChunkedOddly => {
            "send `Transfer-Encoding: chunked` and nothing else; say compression in Content-Encoding"
        }
        FlawKind::BodyOf(_) => {
            "find what writes a body behind an answer that may have none (204, 304, or to a HEAD) and stop \
             that: the request that failed is not the one that did it"
        }
        FlawKind::Leftover => {
            "find what writes more than its Content-Length says: the request that failed is not the one that \
             did it"
        }
        FlawKind::HeaderLine => {
            "find what adds that line to the answer's head: a header value with a line break in it, \
             or a CGI script that prints before its headers end"
        }
        FlawKind::Length => {
            "let one place alone set Content-Length: two layers (framework, middleware, gzip) set \
             different ones, or one sets what is no number"
        }
        FlawKind::Chunk => {
            "let one place alone chunk the body: a second layer writes it as it is under \
             `Transfer-Encoding: chunked`"
        }
    }
}

const PROBE_FIX: &str = "point the probe at a path that answers 200 without a login or a redirect, on \
                         the port on which the server listens";

/// What to change, by how most of the probes failed.
fn health_fix(health: &Health) -> &'static str {
    let status = health.statuses.iter().max_by_key(|(_, count)| **count).map(|(status, _)| *status);
    let cause = health.causes.iter().max_by_key(|(_, count)| **count).map(|(cause, _)| *cause);
    match (status, cause) {
        (Some(301 | 302 | 307 | 308), _) => {
            "let the probe follow what the server wants: use the path that it redirects to, or accept \
             the redirect as healthy (AWS ALB: matcher `200-399`)"
        }
        (Some(400), _) => {
            "let the probe send a `Host` that the server knows (allowed hosts, virtual hosts), or let \
             the server answer the probe's path whatever the host"
        }
        (Some(401 | 403), _) => {
            "let the server answer the probe's path without a login, or probe another path"
        }
        (Some(404 | 405), _) => {
            "point the probe at a path that exists and answers 200, or add one (`/healthz`)"
        }
        (Some(500..), _) => {
            "look in the server's own log at the time of a probe: it answers, and says that it is not \
             well (a database, a dependency, not ready yet)"
        }
        (None, Some(Cause::ConnectionRefused)) => {
            "start the server, or let the probe use the address and port on which it listens (on the \
             backend: `ss -ltn`)"
        }
        (None, Some(Cause::ConnectTimeout | Cause::Unreachable | Cause::SilentDrop)) => {
            "let the probes through: security group, firewall, network policy, the right address"
        }
        (None, Some(Cause::ResponseTimeout | Cause::Stalled)) => {
            "make the probe's path cheap, so that it is answered while the server is busy, or raise the \
             probe's timeout"
        }
        _ => PROBE_FIX,
    }
}

/// The port of the same host that does answer, where nothing answers on this one.
fn other_port(failure: &Failure) -> String {
    let refused = failure.response.is_none();
    let port = failure.context.answers_on.filter(|_| refused);
    port.map_or_else(String::new, |port| format!("; here port {port} of the same host answers"))
}

/// What the table has on this proxy.
pub(crate) fn known_proxy(kind: ProxyKind) -> Option<&'static Product> {
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
pub(crate) fn known_server(kind: ServerKind) -> Option<&'static Product> {
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
    })
}

/// The most usual idle timeout of proxies: AWS ALB, nginx, Varnish, Squid.
const USUAL: Duration = Duration::from_secs(60);

/// What the backend's keep-alive should be: above the proxy's idle timeout by more than the jitter of
/// both.
fn longer_than(proxy_idle: Option<Duration>, proxy: Option<&Product>) -> u64 {
    let default = || proxy.and_then(|proxy| proxy.idle.value()).unwrap_or(USUAL).as_secs();
    let idle = proxy_idle.map_or_else(default, |idle| idle.as_secs().saturating_add(1));
    // A minute's timers are checked within seconds, an hour's within a minute.
    idle.saturating_add(5.max(idle / 50))
}

/// The proxy, as told, else as its requests look; and how that is known.
fn proxy_of(context: &Context) -> Option<(&'static Product, String)> {
    let told = context.told_proxy.and_then(timeouts::by_id);
    told.map(|known| (known, format!("the proxy is {}", known.name))).or_else(|| {
        let kind = context.proxy?;
        Some((known_proxy(kind)?, format!("the proxy looks like {}", kind.name())))
    })
}

/// The backend's server, as told, else as its answers look; and how that is known.
fn server_of(context: &Context) -> Option<(&'static Product, String)> {
    let told = context.told_server.and_then(timeouts::by_id);
    told.map(|known| (known, format!("the backend is {}", known.name))).or_else(|| {
        let kind = context.server?;
        let looks = format!("the backend looks like {} (a guess from its headers)", kind.name());
        Some((known_server(kind)?, looks))
    })
}

fn proxy_setting(context: &Context) -> String {
    let known = proxy_of(context).filter(|(known, _)| !known.knob.is_empty());
    known.map_or_else(String::new, |(known, how)| format!(" (`{}`, as {how})", known.knob))
}

/// The side that sends requests must give up an idle connection first.
fn race_fix(failure: &Failure) -> String {
    let context = &failure.context;
    if let Some(limit) = context.request_limit {
        return format!(
            "the backend closes a connection after {} requests: raise that limit, set the proxy's own \
             limit below it, or let the backend announce its last answer with `Connection: close`",
            limit.requests
        );
    }
    if let Some(age) = context.age_limit {
        return format!(
            "the backend closes connections at the age of {}, whatever is asked on them: raise that, or \
             let the proxy renew its connections sooner",
            duration(age)
        );
    }
    let here =
        failure.verdict.closed_after.map(|after| format!(" (about {} here)", duration(after)));
    let proxy = proxy_of(context).map(|(known, _)| known);
    let seconds = longer_than(context.proxy_idle, proxy);
    let setting = match server_of(context) {
        Some((known, how)) if known.knob.is_empty() => format!("{}, as {how}", known.fix),
        Some((known, how)) => format!("`{}`, as {how}", known.fix_for(seconds)),
        None => {
            let node = known_server(ServerKind::Node).map(|node| node.fix_for(65));
            format!("for Node behind a 60 s proxy `{}`", node.unwrap_or_default())
        }
    };
    format!(
        "let the backend keep idle connections longer than the proxy does: raise its keep-alive timeout{} \
         above the proxy's idle timeout, {setting}; {}",
        here.unwrap_or_default(),
        match proxy_of(context).filter(|(known, _)| known.knob.is_empty()) {
            // Google's load balancers, for one: there only the backend can.
            Some((known, _)) => format!("no setting of the proxy's own is known ({})", known.name),
            None => match bounds_answer(context) {
                Some(known) => {
                    format!("do not lower that of the {} instead: {}", known.name, ITS_LIMIT)
                }
                None => format!("or lower the proxy's below it{}", proxy_setting(context)),
            },
        }
    )
}

/// What lowering the idle timeout of such a proxy does.
const ITS_LIMIT: &str = "it limits the time to answer as well, and what is slower would get 504";

/// The proxy, where its idle timeout bounds the answer as well.
fn bounds_answer(context: &Context) -> Option<&'static Product> {
    proxy_of(context).map(|(known, _)| known).filter(|known| known.idle_bounds_answer)
}

fn stale_fix(failure: &Failure) -> String {
    if let Some(known) = bounds_answer(&failure.context) {
        let seconds = longer_than(failure.context.proxy_idle, Some(known));
        return format!(
            "raise the backend's keep-alive timeout above the proxy's idle timeout, to {seconds} s or \
             more; do not lower that of the {} instead: {ITS_LIMIT}",
            known.name
        );
    }
    format!(
        "lower the proxy's idle timeout below the backend's keep-alive timeout{}, and let the proxy check \
         a pooled connection before it reuses it",
        proxy_setting(&failure.context)
    )
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
