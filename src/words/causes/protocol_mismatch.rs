//! `protocol_mismatch`: the two sides speak different protocols.

use super::cause_words::CauseWords;
use crate::exchange::{FlawKind, Protocol};
use crate::facts::closing::Closer;
use crate::verdict::Misread;
use crate::words::fix::{Fix, FixSide};
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["protocol mismatch", "protocol mismatches"],
    page: include_str!("protocol_mismatch.md"),
    expected_status: &[502],
    helped: Some("each request is understood"),
};

pub(super) fn summary(subject: &Subject<'_>, how: Misread) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    match how {
        Misread::Protocols { asked, answered } => format!(
            "the proxy sends {} to {backend}, which answers with {}",
            protocol(asked),
            match answered {
                Protocol::Opaque | Protocol::None => "something else",
                other => protocol(other),
            }
        ),
        Misread::Answer(flaw) => format!(
            "the proxy sent {request} as plain HTTP/1 to {backend}, which speaks {}",
            if flaw.kind == FlawKind::Http2 { "only HTTP/2" } else { "TLS" }
        ),
        Misread::ProxyHeader { version } => {
            let status = failure.response().and_then(|response| response.status);
            let closed = failure.verdict().close().is_some_and(|close| close.by != Closer::Proxy);
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
    }
}

pub(super) fn fix(subject: &Subject<'_>, how: Misread) -> Fix {
    let text = match how {
        Misread::Protocols { asked: Protocol::Tls, .. } => {
            "make the proxy use plain `http://` for this port, or the port on which the backend speaks TLS"
        }
        _ if answers_tls(how) => {
            "make the proxy use `https://` for this port, or the backend's plain HTTP port"
        }
        Misread::ProxyHeader { .. } => {
            "stop sending the header (HAProxy `send-proxy`, nginx `proxy_protocol on`, the target group's \
             attribute), or make the backend expect it (nginx `listen 8080 proxy_protocol`, HAProxy \
             `accept-proxy`, Apache `RemoteIPProxyProtocol On`)"
        }
        Misread::Protocols { .. } | Misread::Answer(_) => {
            "make the proxy speak the version of HTTP that this port speaks (nginx `proxy_http_version 1.1`, \
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
fn answers_tls(how: Misread) -> bool {
    match how {
        Misread::Answer(flaw) => flaw.kind == FlawKind::Tls,
        Misread::Protocols { asked, answered } => {
            asked == Protocol::Http1 && answered == Protocol::Tls
        }
        Misread::ProxyHeader { .. } => false,
    }
}
