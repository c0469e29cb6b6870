//! `invalid_response`: the answer is no proper HTTP, or its head is too large.

use super::cause_words::CauseWords;
use crate::exchange::{Flaw, FlawKind, ProxyKind};
use crate::ledger::Failure;
use crate::verdict::Rejected;
use crate::words::fix::{Fix, FixSide};
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["invalid response", "invalid responses"],
    page: include_str!("invalid_response.md"),
    expected_status: &[502],
    helped: Some("each response is valid HTTP"),
};

pub(super) fn summary(subject: &Subject<'_>, why: Rejected) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    match why {
        Rejected::LargeHead { bytes } => format!(
            "the proxy dropped the response of {backend} to {request} before its end: its head has {bytes} \
             bytes or more{}",
            buffers(bytes, failure.context.proxy)
        ),
        Rejected::Malformed(flaw) => format!(
            "the backend {backend} sent an invalid HTTP response to {request}: {}",
            flaw_text(flaw, failure)
        ),
    }
}

pub(super) fn fix(_: &Subject<'_>, why: Rejected) -> Fix {
    match why {
        Rejected::LargeHead { bytes } => Fix::on(
            FixSide::Backend,
            "send fewer or smaller headers (cookies, \
             tokens), or raise the proxy's buffer for heads (nginx `proxy_buffer_size 16k`, HAProxy \
             `tune.bufsize 32768`, Apache `ProxyIOBufferSize` with `ResponseFieldSize`)",
        )
        .why(format!("the head has {bytes} bytes or more")),
        Rejected::Malformed(flaw) => Fix::on(FixSide::Backend, flaw_fix(flaw.kind)),
    }
}

/// What is malformed, and where in the response.
fn flaw_text(flaw: Flaw, failure: &Failure) -> String {
    let what = match flaw.kind {
        FlawKind::NoStatusLine => "no status line",
        FlawKind::StatusLine => "a malformed status line",
        FlawKind::Version => "its version is neither HTTP/1.0 nor HTTP/1.1",
        FlawKind::Status => "its status is outside of 100 to 599",
        FlawKind::Tls => "it is TLS",
        FlawKind::Http2 => "it is HTTP/2",
        FlawKind::HeaderLine => "a line of its head is not a header field",
        FlawKind::ManyLines => {
            "more header lines than some proxies accept (Varnish 64, others 100)"
        }
        FlawKind::Length => "Content-Length is not a number, or has two values",
        FlawKind::LengthTwice => "Content-Length is there twice",
        FlawKind::LengthAndCoding => "it has both Transfer-Encoding and Content-Length",
        FlawKind::Coding => "Transfer-Encoding has more than chunked",
        FlawKind::ChunkedTwice => "Transfer-Encoding has chunked twice",
        FlawKind::ChunkedOddly => {
            "Transfer-Encoding has chunked with parameters, in quotes, or not as the last"
        }
        FlawKind::Chunk => "a chunk does not begin with its length",
        FlawKind::BodyOf(Some(status)) => {
            return format!(
                "the {status} before it on this connection left a body, which a {status} must not have; \
                 the proxy reads those bytes as the beginning of this response"
            );
        }
        FlawKind::BodyOf(None) => {
            "the response to a HEAD before it on this connection left a body, which it must not have; the \
             proxy reads those bytes as the beginning of this response"
        }
        FlawKind::Leftover => {
            "the response before it on this connection left more bytes than its Content-Length; the proxy \
             reads those as the beginning of this response"
        }
    };
    match failure.response().map(|response| flaw.pos.since(response.start)) {
        Some(offset) if flaw.kind == FlawKind::Chunk => format!("{what}, at byte {offset}"),
        _ => what.to_owned(),
    }
}

/// Bytes of a response's head that proxies take by default, the smallest first: nginx
/// `proxy_buffer_size` (one page), HAProxy `tune.bufsize` less `tune.maxrewrite`, Node
/// `--max-http-header-size`, the quotas of AWS ALB, Varnish `http_resp_size`, Envoy
/// `max_request_headers_kb`, Squid `reply_header_max_size`.
const BUFFERS: [(&str, Option<ProxyKind>, u64); 7] = [
    ("nginx", None, 4 << 10),
    ("HAProxy", None, 15 << 10),
    ("Node", None, 16 << 10),
    ("AWS ALB", Some(ProxyKind::Alb), 32 << 10),
    ("Varnish", Some(ProxyKind::Varnish), 32 << 10),
    ("Envoy", Some(ProxyKind::Envoy), 60 << 10),
    ("Squid", Some(ProxyKind::Squid), 64 << 10),
];

/// A head of so many bytes against what the proxy at hand takes, or proxies in general.
fn buffers(bytes: u64, proxy: Option<ProxyKind>) -> String {
    let kib = |bytes: u64| bytes.checked_div(1 << 10).unwrap_or(0);
    let own = BUFFERS.iter().find(|(_, kind, _)| proxy.is_some() && *kind == proxy);
    if let Some((name, _, limit)) = own {
        let more = if bytes > *limit { "more than" } else { "less than" };
        return format!(", {more} the {} KiB that {name} takes by default", kib(*limit));
    }
    let small: Vec<String> = BUFFERS
        .iter()
        .filter(|(_, _, limit)| bytes > *limit)
        .map(|(name, _, limit)| format!("{name} {} KiB", kib(*limit)))
        .collect();
    format!(", more than some proxies take by default ({})", small.join(", "))
}

fn flaw_fix(kind: FlawKind) -> &'static str {
    match kind {
        FlawKind::NoStatusLine
        | FlawKind::StatusLine
        | FlawKind::Version
        | FlawKind::Tls
        | FlawKind::Http2 => {
            "check what listens on this port: it does not speak HTTP/1, or something writes to the \
             connection before the server does (a print to standard output in CGI, a crash message)"
        }
        FlawKind::Status => "make the backend answer with a status of 200 to 599",
        FlawKind::ManyLines => {
            "send fewer header lines, or raise the proxy's limit (Varnish `http_max_hdr`, HAProxy \
             `tune.http.maxhdr`, Envoy `max_headers_count`)"
        }
        FlawKind::LengthTwice | FlawKind::LengthAndCoding | FlawKind::ChunkedTwice => {
            "frame the response in one place only: a layer copies Content-Length or Transfer-Encoding of \
             another response into its own, and the server adds its own"
        }
        FlawKind::Coding | FlawKind::ChunkedOddly => {
            "send `Transfer-Encoding: chunked` and nothing else there; compression belongs into \
             Content-Encoding"
        }
        FlawKind::BodyOf(_) => {
            "find what writes a body behind a response that must not have one (204, 304, or to a HEAD): the \
             request that failed is not the one that did it"
        }
        FlawKind::Leftover => {
            "find what writes more bytes than its Content-Length: the request that failed is not the one \
             that did it"
        }
        FlawKind::HeaderLine => {
            "find what adds that line to the head: a header value with a line break in it, or a CGI script \
             that prints before its headers end"
        }
        FlawKind::Length => {
            "set Content-Length in one place only: two layers (framework, middleware, gzip) set different \
             ones, or one sets text"
        }
        FlawKind::Chunk => {
            "chunk the body in one place only: a second layer writes it as it is under \
             `Transfer-Encoding: chunked`"
        }
    }
}
