//! What happened, in one sentence.

use super::phrases::duration;
use super::{listening, process};
use crate::base::escape;
use crate::exchange::{Flaw, FlawKind, Protocol, ProxyKind};
use crate::facts::closing::{CloseKind, Closer, Received};
use crate::ledger::{Failure, Health};
use crate::verdict::{Cause, Detail, Doubt, Drop, RetryReason, Verdict};

/// What happened, in one sentence. `request` is its method and target, if known.
pub(crate) fn summary(failure: &Failure, request: &str, show_secrets: bool) -> String {
    format!("{}{}", shown(failure, request, show_secrets), process::clauses(failure))
}

/// The same by the packets alone, and by what the kernel's word made of them.
fn shown(failure: &Failure, request: &str, show_secrets: bool) -> String {
    let verdict = &failure.verdict;
    let backend = failure.server;
    let close = close_word(verdict);
    let idle = verdict.closed_after.map(|after| format!(" after {} of idleness", duration(after)));
    let idle = idle.unwrap_or_default();
    // What vanished met a connection that had been idle until then; its close came much later.
    let gap = verdict.idle_gap.filter(|_| failure.ordinal > 0);
    let before = gap.map(|gap| format!(" after {} of idleness", duration(gap)));
    let before = before.unwrap_or_default();
    match (verdict.cause, verdict.detail) {
        (Cause::KeepaliveRace, Detail::LostInHost { timer }) => format!(
            "the backend {backend} {close} the connection{idle} just as the proxy reused it for \
             {request}; its keep-alive timer of {} fired just as the request arrived, and it closed without an answer",
            duration(timer)
        ),
        (Cause::KeepaliveRace, Detail::Unread { timer, .. }) => format!(
            "the backend {backend} {close} the connection{idle} just as the proxy reused it for \
             {request}, which lay in its kernel{}",
            timer.map_or_else(String::new, |timer| {
                format!("; its keep-alive timer of {} fired just then", duration(timer))
            })
        ),
        (Cause::KeepaliveRace, _) => format!(
            "the backend {backend} {close} the connection{idle} just as the proxy reused it for \
             {request}; its {} and the request crossed on the way{}",
            close_flag(verdict),
            failure.unasked.map_or_else(String::new, |status| {
                format!(", behind a {status} that answers nothing: its parting word")
            })
        ),
        (Cause::ResponseTimeout, Detail::GaveUp { answered_late: true, .. }) => format!(
            "the proxy gave up on {request} to {backend}{}; the answer came after that",
            after_wait(verdict)
        ),
        (Cause::ResponseTimeout, _) => format!(
            "the proxy gave up on {request} to {backend}{}; the backend had received it and sent \
             nothing",
            after_wait(verdict)
        ),
        (Cause::Unreachable, Detail::Unreachable(said)) => format!(
            "the connection to {backend} could not be made: {} answered the SYN with ICMP \"{}\" \
             (code {})",
            said.by,
            said.meaning(),
            said.code
        ),
        (Cause::Unreachable, Detail::NoNeighbour { about, times }) => format!(
            "the proxy's connect never left its host: nobody answers {} for {about}, which was asked for \
             {times} times",
            if about.is_ipv4() { "ARP" } else { "neighbour solicitations" }
        ),
        (Cause::Unreachable, _) => format!("the connection to {backend} could not be made"),
        (Cause::ConnectTimeout, Detail::Unanswered { syns, challenged: true, .. }) => format!(
            "the host of {backend} answered the proxy's {} with an ACK of an older connection between \
             the same ports, and no new one came about",
            if syns == 1 { "SYN".to_owned() } else { format!("{syns} SYNs") },
        ),
        (Cause::ConnectTimeout, Detail::Unanswered { syns, fits_connect_timeout, .. }) => format!(
            "nobody at {backend} answered the proxy's {}{}",
            if syns == 1 { "SYN".to_owned() } else { format!("{syns} SYNs") },
            if fits_connect_timeout {
                ", which stopped when its connect timeout was over, as told"
            } else {
                ""
            }
        ),
        (Cause::ConnectTimeout, _) => format!("nobody at {backend} answered the proxy's SYN"),
        (Cause::BackendError, Detail::Status(status)) => {
            format!("the backend {backend} itself answered {request} with {status}")
        }
        (Cause::BackendError, _) => {
            format!("the backend {backend} itself answered {request} with 5xx")
        }
        (Cause::AcceptQueueFull, _) if failure.request.is_none() => format!(
            "the backend {backend} reset the connection right after the handshake, before anything \
             was asked; its queue of connections to be accepted may be full"
        ),
        (Cause::AcceptQueueFull, _) => format!(
            "the backend {backend} did not accept the connection for {request}: it repeated its SYN+ACK \
             though the proxy had answered, as a host does whose queue is full"
        ),
        (Cause::SilentDrop, Detail::Dropped { form: Drop::Forgotten, .. }) => format!(
            "the other end of the connection to {backend} no longer knew it when {request} came{before}: \
             the answer was a reset without any acknowledgement"
        ),
        (
            Cause::SilentDrop,
            Detail::Dropped { form: form @ (Drop::Answer | Drop::Rest), copies: 0, .. },
        ) => format!(
            "the backend {backend} had sent {} to {request}, by the number of its next segment, and none \
             of that arrived before the proxy gave up: the way back to the proxy is dead for it",
            if form == Drop::Rest { "more of its answer" } else { "an answer" }
        ),
        (Cause::SilentDrop, Detail::Dropped { form: Drop::Rest, size, .. }) => {
            let arrived = match size {
                Some(size) => format!(
                    "its segments of {size} bytes do not arrive, smaller ones do, as where the path cannot \
                     carry large packets (MTU)"
                ),
                None => "the way back to the proxy is dead for it".to_owned(),
            };
            format!(
                "the backend {backend} sent the rest of its answer to {request} again and again, and none \
                 of that was ever acknowledged: {arrived}"
            )
        }
        (Cause::SilentDrop, Detail::Dropped { form: Drop::Answer, copies, .. }) => format!(
            "the backend {backend} answered {request} {copies} times, and none of it was ever \
             acknowledged: the way back to the proxy is dead"
        ),
        (Cause::SilentDrop, Detail::Dropped { copies, .. }) if copies > 1 => format!(
            "{request} to {backend} was sent {copies} times {}{before}: \
             something on the way drops what belongs to this connection",
            if is_unacknowledged(verdict) {
                "and never acknowledged"
            } else {
                "before anybody acknowledged it"
            }
        ),
        (Cause::SilentDrop, _) => format!(
            "{request} reached {backend} when the proxy had given up on it, or never did{before}: \
             something on the way drops what belongs to this connection"
        ),
        (Cause::UploadCutShort, detail) => {
            let sent = match detail {
                Detail::Upload { sent } => format!(" of which {sent} bytes had been sent"),
                _ => String::new(),
            };
            let status = failure.response.and_then(|response| response.status);
            let answer = status.map_or_else(String::new, |status| format!(" with {status}"));
            format!(
                "the backend {backend} answered {request}{answer} and reset the connection{} before it \
                 had read all of the request,{sent}; the reset can destroy the answer before the proxy \
                 reads it",
                after_wait(verdict)
            )
        }
        (Cause::Stalled, Detail::Stalled { zero_window: true, silence }) => format!(
            "the backend {backend} stopped reading {request}: its receive window was zero for {}",
            duration(silence)
        ),
        (Cause::Stalled, Detail::Stalled { silence, .. }) => format!(
            "the backend {backend} stopped in the middle of its answer to {request}; the proxy closed \
             after {} of silence",
            duration(silence)
        ),
        (Cause::Stalled, _) => {
            format!("the backend {backend} stopped in the middle of {request}")
        }
        (Cause::ClientGone, Detail::FrontLeg { client, before }) => format!(
            "the client {client} left, and {} later the proxy gave up {request} to {backend}",
            duration(before)
        ),
        (Cause::ClientGone, Detail::Logged { status }) => format!(
            "the client left, says the proxy's log{}, and the proxy gave up {request} to {backend}{}",
            status.map_or_else(String::new, |status| format!(" ({status})")),
            after_wait(verdict)
        ),
        (Cause::ClientGone, _) if failure.response.is_some() => format!(
            "the proxy closed the connection to {backend} while the answer to {request} was flowing; \
             perhaps its own client had left"
        ),
        (Cause::ClientGone, _) if has_all(verdict) => {
            format!(
                "the proxy closed the connection to {backend}{} once it had sent {request}, and got no \
                 answer: its own client had left, or it closed only its side (a half close) and the \
                 backend took that for the end",
                after_wait(verdict)
            )
        }
        (Cause::ClientGone, _) => format!(
            "the proxy closed the connection to {backend} before it had sent all of {request}; perhaps \
             its own client had left"
        ),
        (Cause::InvalidResponse, Detail::LargeHead { bytes }) => format!(
            "the proxy threw away the answer of {backend} to {request} in the middle: its head has \
             {bytes} bytes or more{}",
            buffers(bytes, failure.context.proxy)
        ),
        (Cause::InvalidResponse, Detail::Flaw(flaw)) => format!(
            "the backend {backend} answered {request} with what is no proper HTTP response: {}",
            flaw_text(flaw, failure)
        ),
        (Cause::InvalidResponse, _) => {
            format!("the backend {backend} answered {request} with what is no proper HTTP response")
        }
        (Cause::ProtocolMismatch, Detail::Mismatch { asked, answered }) => format!(
            "the proxy opens {} to {backend}, which answers {}",
            protocol(asked),
            match answered {
                Protocol::Opaque | Protocol::None => "something else",
                other => protocol(other),
            }
        ),
        (Cause::ProtocolMismatch, Detail::Flaw(flaw)) => format!(
            "the proxy sent {request} in clear HTTP/1 to {backend}, which speaks {}",
            if flaw.kind == FlawKind::Http2 { "only HTTP/2" } else { "TLS" }
        ),
        (Cause::ProtocolMismatch, Detail::ProxyHeader { version }) => format!(
            "the proxy begins its connections to {backend} with a header of the PROXY protocol (version \
             {version}), and the backend does not know it: it {}{}",
            match failure.response.and_then(|response| response.status) {
                Some(status) => format!("answered {status} to it and to {request}"),
                None => format!("closed at once, without an answer to {request}"),
            },
            if verdict.close.is_some_and(|close| close.by != Closer::Proxy)
                && failure.response.is_some()
            {
                " and closed"
            } else {
                ""
            }
        ),
        (Cause::ProtocolMismatch, _) => {
            format!("the proxy and the backend {backend} speak different protocols")
        }
        (Cause::HealthCheckFailing, _) => match failure.health.as_deref() {
            Some(health) => health_text(failure, health, show_secrets),
            None => format!("probes of the health of {backend} fail"),
        },
        (Cause::StaleReuse, _) => format!(
            "the proxy sent {request} on a connection that the backend {backend} had already closed; \
             the request itself acknowledges that close"
        ),
        (Cause::ClosedInFlight | Cause::ResetInFlight, Detail::NothingAnswered { connections }) => {
            format!(
                "the backend {backend} {close} each of {connections} new connections as soon as something was \
             asked, {request} for one, and never answered anything on this port: it may expect another \
             protocol, a header of the PROXY protocol, or TLS"
            )
        }
        (Cause::ClosedInFlight | Cause::ResetInFlight, Detail::MaybeUnread) => format!(
            "the backend {backend} {close} the connection{} after it had received {} of {request}, \
             without a byte of an answer: a crash or a handler that drops the connection, or a keep-alive \
             race inside the backend's host{idle}, whose idle timer fired before anybody read the request",
            after_wait(verdict).strip_prefix(" after").unwrap_or_default(),
            match verdict.close.and_then(|close| close.received) {
                Some(Received::All) => "all",
                Some(Received::Part) => "a part",
                Some(Received::None) => "nothing",
                None => "some",
            }
        ),
        (Cause::ClosedInFlight, detail) => match verdict.close.and_then(|close| close.received) {
            Some(Received::All) => format!(
                "the backend {backend} received all of {request} and closed the connection{} \
                 without a byte of an answer",
                after_wait(verdict)
            ),
            Some(Received::Part) => format!(
                "the backend {backend} closed the connection{} while it was receiving {request}, \
                 without a byte of an answer",
                after_wait(verdict)
            ),
            _ if is_fresh(detail) => format!(
                "the backend {backend} accepted a new connection and closed it before {request} \
                 reached it"
            ),
            _ => format!("the backend {backend} closed the connection without answering {request}"),
        },
        (Cause::ResetInFlight, Detail::ForeignReset { ttl, usual }) => format!(
            "the connection to {backend} was reset{} with {request} outstanding; the reset has TTL \
             {ttl} where the other segments from that side have {usual}, so something between sent it",
            after_wait(verdict)
        ),
        (Cause::ResetInFlight, _) => {
            let had = match verdict.close.and_then(|close| close.received) {
                Some(Received::All) => "after it had received all of the request",
                Some(Received::Part) => "while it was receiving the request",
                Some(Received::None) => "before it had received any of the request",
                None => "without a byte of an answer",
            };
            format!(
                "the backend {backend} reset the connection{} with {request} outstanding, {had}",
                after_wait(verdict)
            )
        }
        (Cause::TruncatedResponse, detail) => {
            let response = failure.response;
            let (received, expected) =
                response.map_or((0, None), |response| (response.received, response.expected));
            let how_far = match (detail, expected) {
                (Detail::Truncated { head_complete: false }, _) => {
                    "in the middle of the response's head".to_owned()
                }
                (_, Some(expected)) => {
                    format!("after {received} of the {expected} bytes that it had announced")
                }
                (_, None) => format!("after {received} bytes of a body that had not ended"),
            };
            format!("the backend {backend} {close} the connection {how_far} in answer to {request}")
        }
        (Cause::ConnectionRefused, _) => format!(
            "the connection to {backend} was refused: its SYN was answered by a reset{}{}",
            after_wait(verdict),
            failure.listening.as_deref().map_or_else(String::new, |listening| {
                listening::sentence(failure.server, listening)
            })
        ),
        (Cause::Unproven, Detail::Doubt(doubt)) => format!(
            "{request} to {backend} failed, but the capture does not show why: {}",
            doubt_text(doubt)
        ),
        (Cause::Unproven, _) => {
            format!("{request} to {backend} failed, but the capture does not show why")
        }
    }
}

/// The backend had received all of the request when the connection was closed.
fn has_all(verdict: &Verdict) -> bool {
    verdict.close.is_some_and(|close| close.received == Some(Received::All))
}

/// The connection had not been used before.
const fn is_fresh(detail: Detail) -> bool {
    matches!(
        detail,
        Detail::Fresh | Detail::Unread { fresh: true, .. } | Detail::Read { fresh: true, .. }
    )
}

/// Nobody acknowledged any of the request, as far as was captured.
const fn is_unacknowledged(verdict: &Verdict) -> bool {
    matches!(
        verdict.retry_reason,
        RetryReason::NotTold | RetryReason::NothingReceived | RetryReason::NotRefused
    )
}

fn close_word(verdict: &Verdict) -> &'static str {
    match verdict.close.map(|close| close.kind) {
        Some(CloseKind::Rst) if !is_close_unseen(verdict) => "reset",
        _ => "closed",
    }
}

fn close_flag(verdict: &Verdict) -> &'static str {
    match verdict.close.map(|close| close.kind) {
        _ if is_close_unseen(verdict) => "close",
        Some(CloseKind::Rst) => "RST",
        _ => "FIN",
    }
}

/// What crossed was not captured: the kernel told of it, and the frame is the reset in reply, which
/// acknowledges nothing.
fn is_close_unseen(verdict: &Verdict) -> bool {
    verdict.detail == Detail::Crossing
        && verdict.close.is_some_and(|close| close.received.is_none())
}

fn after_wait(verdict: &Verdict) -> String {
    verdict.wait.map(|wait| format!(" after {}", duration(wait))).unwrap_or_default()
}

fn doubt_text(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Gap => "frames are missing where it matters",
        Doubt::HeadsCut => "the snap length cut the heads",
        Doubt::OneDirection => "only one direction was captured",
        Doubt::NotHttp => "what was sent is not HTTP/1",
        Doubt::SeveralReadings => "the frames can be read in more than one way",
        Doubt::ProxyClosedFirst => {
            "the proxy closed the connection itself while it waited; it lost patience, or its client left"
        }
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tls => "TLS",
        Protocol::Http1 => "plain HTTP/1",
        Protocol::Http2 => "HTTP/2",
        Protocol::Opaque | Protocol::None => "another protocol",
    }
}

/// What is probed, how often, and how it fails.
fn health_text(failure: &Failure, health: &Health, show_secrets: bool) -> String {
    let Health { failed, of, .. } = health;
    let what = if health.method.is_empty() {
        "a bare connect".to_owned()
    } else {
        let (method, path) = (&health.method, &health.path);
        format!("{} {}", escape::text(method), escape::target(path, show_secrets))
    };
    let who = match health.prober {
        Some(prober) => format!(" by {}", prober.user_agent()),
        None => String::new(),
    };
    let period = health.period.map(|period| format!(" every {}", duration(period)));
    let statuses = health.statuses.iter().map(|(status, count)| format!("{status} × {count}"));
    let causes = health.causes.iter().map(|(cause, count)| format!("{} × {count}", cause.name()));
    let how: Vec<String> = statuses.chain(causes).collect();
    format!(
        "{failed} of {of} probes of the health of {} ({what}{}{who}) failed: {}; a proxy that probes \
         so takes the backend out of service and answers 503 by itself",
        failure.server,
        period.unwrap_or_default(),
        how.join(", ")
    )
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
