//! `invalid_response`: the answer is no proper HTTP, or its head is too large.

use super::cause_words::CauseWords;
use crate::exchange::{Flaw, FlawKind, ProxyKind};
use crate::ledger::Failure;
use crate::verdict::Detail;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["invalid response", "invalid responses"],
    page: include_str!("invalid_response.md"),
    summary,
    fix,
};

fn summary(subject: &Subject<'_>) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    match failure.verdict.detail {
        Detail::LargeHead { bytes } => format!(
            "the proxy threw away the answer of {backend} to {request} in the middle: its head has \
             {bytes} bytes or more{}",
            buffers(bytes, failure.context.proxy)
        ),
        Detail::Flaw(flaw) => format!(
            "the backend {backend} answered {request} with what is no proper HTTP response: {}",
            flaw_text(flaw, failure)
        ),
        _ => {
            format!("the backend {backend} answered {request} with what is no proper HTTP response")
        }
    }
}

fn fix(subject: &Subject<'_>) -> String {
    match subject.failure.verdict.detail {
        Detail::LargeHead { .. } => {
            "send fewer or smaller headers (cookies, \
             tokens), or raise the proxy's buffer for heads (nginx `proxy_buffer_size 16k`, HAProxy \
             `tune.bufsize 32768`, Apache `ProxyIOBufferSize` with `ResponseFieldSize`)"
        }
        Detail::Flaw(flaw) => flaw_fix(flaw.kind),
        _ => flaw_fix(FlawKind::NoStatusLine),
    }
    .to_owned()
}

/// What is malformed, and where in the answer.
fn flaw_text(flaw: Flaw, failure: &Failure) -> String {
    let what = match flaw.kind {
        FlawKind::NoStatusLine => "it does not begin with a status line",
        FlawKind::StatusLine => "its status line is not in order",
        FlawKind::Version => "its version is neither HTTP/1.0 nor HTTP/1.1",
        FlawKind::Status => "its status is none of 100 to 599",
        FlawKind::Tls => "it is TLS",
        FlawKind::Http2 => "it is HTTP/2",
        FlawKind::HeaderLine => "a line of its head is no header",
        FlawKind::ManyLines => {
            "its head has more lines than some proxies take (Varnish 64, others 100)"
        }
        FlawKind::Length => "its Content-Length is no number, or says two things",
        FlawKind::LengthTwice => "it says its Content-Length twice",
        FlawKind::LengthAndCoding => "it has both Transfer-Encoding and Content-Length",
        FlawKind::Coding => "its Transfer-Encoding is another than chunked alone",
        FlawKind::ChunkedTwice => "its Transfer-Encoding says chunked twice",
        FlawKind::ChunkedOddly => {
            "its Transfer-Encoding says chunked with parameters, in quotes or not as the last"
        }
        FlawKind::Chunk => "a chunk does not begin with its length",
        FlawKind::BodyOf(Some(status)) => {
            return format!(
                "it comes after a {status} on the same connection that left a body, which a {status} may \
                 not have; the proxy takes those bytes for the beginning of this answer"
            );
        }
        FlawKind::BodyOf(None) => {
            "it comes after the answer to a HEAD on the same connection that left a body, which such \
             an answer may not have; the proxy takes those bytes for the beginning of this answer"
        }
        FlawKind::Leftover => {
            "it comes after an answer on the same connection that left more bytes than it had announced; \
             the proxy takes those for the beginning of this answer"
        }
    };
    match failure.response.map(|response| flaw.pos.since(response.start)) {
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
