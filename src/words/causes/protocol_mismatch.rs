//! `protocol_mismatch`: the two sides speak different protocols.

use super::cause_words::CauseWords;
use crate::exchange::{FlawKind, Protocol};
use crate::facts::closing::Closer;
use crate::verdict::Detail;
use crate::words::fix::{Fix, FixSide};
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["protocol mismatch", "protocol mismatches"],
    page: include_str!("protocol_mismatch.md"),
    expected_status: &[502],
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let verdict = &failure.verdict;
    match verdict.detail {
        Detail::Mismatch { asked, answered } => format!(
            "the proxy sends {} to {backend}, which answers with {}",
            protocol(asked),
            match answered {
                Protocol::Opaque | Protocol::None => "something else",
                other => protocol(other),
            }
        ),
        Detail::Flaw(flaw) => format!(
            "the proxy sent {request} as plain HTTP/1 to {backend}, which speaks {}",
            if flaw.kind == FlawKind::Http2 { "only HTTP/2" } else { "TLS" }
        ),
        Detail::ProxyHeader { version } => {
            let status = failure.response().and_then(|response| response.status);
            let closed = verdict.close.is_some_and(|close| close.by != Closer::Proxy);
            format!(
                "the proxy sends a PROXY protocol header (version {version}) to {backend}, which does not \
                 expect one: it {}",
                match status {
                    Some(status) if closed => format!("answered {status} to {request} and closed"),
                    Some(status) => format!("answered {status} to {request}"),
                    None => format!("closed at once, without a response to {request}"),
                }
            )
        }
        _ => format!("the proxy and the backend {backend} use different protocols"),
    }
}

fn fix(subject: &Subject<'_>) -> Fix {
    let text = match subject.failure.verdict.detail {
        Detail::Mismatch { asked: Protocol::Tls, .. } => {
            "in the proxy, use plain `http://` for this port, or the port on which the backend speaks TLS"
        }
        detail if answers_tls(detail) => {
            "in the proxy, use `https://` for this port, or the backend's plain HTTP port"
        }
        Detail::ProxyHeader { .. } => {
            "stop sending the header (HAProxy `send-proxy`, nginx `proxy_protocol on`, the target group's \
             attribute), or make the backend expect it (nginx `listen 8080 proxy_protocol`, HAProxy \
             `accept-proxy`, Apache `RemoteIPProxyProtocol On`)"
        }
        _ => {
            "in the proxy, set the version of HTTP that this port speaks (nginx `proxy_http_version 1.1`, \
             HAProxy `proto h2`, Envoy `http2_protocol_options`)"
        }
    };
    let proxy = settings::proxy_of(&subject.failure.context);
    Fix { product: proxy.map(|(known, _)| known.name), ..Fix::on(FixSide::Proxy, text) }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tls => "TLS",
        Protocol::Http1 => "plain HTTP/1",
        Protocol::Http2 => "HTTP/2",
        Protocol::Opaque | Protocol::None => "another protocol",
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
