//! The sentences: what a verdict means, what to do, how long something took.

use crate::flow::Side;
use crate::ledger::Failure;
use crate::verdict::{
    Cause, Close, CloseKind, Closer, Detail, Doubt, Evidence, Received, RetryReason, Shows, Verdict,
};
use std::time::Duration;

/// `2.99 s`, `14.8 ms`, `3 µs`, `2 min 5 s`.
pub(super) fn duration(value: Duration) -> String {
    let seconds = value.as_secs_f64();
    if seconds >= 120.0 {
        let whole = value.as_secs();
        match (whole / 60, whole % 60) {
            (minutes, 0) => format!("{minutes} min"),
            (minutes, rest) => format!("{minutes} min {rest} s"),
        }
    } else if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.001 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.0} µs", seconds * 1e6)
    }
}

/// What happened, in one sentence. `request` is its method and target, if known.
pub(super) fn summary(failure: &Failure, request: &str) -> String {
    let verdict = &failure.verdict;
    let backend = failure.server;
    let close = close_word(verdict);
    let idle = verdict.closed_after.map(|after| format!(" after {} of idleness", duration(after)));
    let idle = idle.unwrap_or_default();
    match (verdict.cause, verdict.detail) {
        (Cause::KeepaliveRace, Detail::LostInHost { timer }) => format!(
            "the backend {backend} {close} the connection{idle} just as the proxy reused it for \
             {request}; its keep-alive timer of {} fired while the request lay unread in its kernel",
            duration(timer)
        ),
        (Cause::KeepaliveRace, _) => format!(
            "the backend {backend} {close} the connection{idle} just as the proxy reused it for \
             {request}; its {} and the request crossed on the way",
            close_flag(verdict)
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
        (Cause::Unreachable, _) => format!("the connection to {backend} could not be made"),
        (Cause::ConnectTimeout, Detail::Connect { syns }) => format!(
            "nobody at {backend} answered the proxy's {}",
            if syns == 1 { "SYN".to_owned() } else { format!("{syns} SYNs") }
        ),
        (Cause::ConnectTimeout, _) => format!("nobody at {backend} answered the proxy's SYN"),
        (Cause::BackendError, Detail::Status(status)) => {
            format!("the backend {backend} itself answered {request} with {status}")
        }
        (Cause::BackendError, _) => {
            format!("the backend {backend} itself answered {request} with 5xx")
        }
        (Cause::StaleReuse, _) => format!(
            "the proxy sent {request} on a connection that the backend {backend} had already closed; \
             the request itself acknowledges that close"
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
            _ if detail == Detail::Fresh => format!(
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
            "the connection to {backend} was refused: its SYN was answered by a reset{}",
            after_wait(verdict)
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

fn close_word(verdict: &Verdict) -> &'static str {
    match verdict.close.map(|close| close.kind) {
        Some(CloseKind::Rst) => "reset",
        _ => "closed",
    }
}

fn close_flag(verdict: &Verdict) -> &'static str {
    match verdict.close.map(|close| close.kind) {
        Some(CloseKind::Rst) => "RST",
        _ => "FIN",
    }
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
        Doubt::Forgotten => {
            "the other end answered that it knows no such connection, which it had used before"
        }
    }
}

/// What to change, in one sentence.
pub(super) fn fix(verdict: &Verdict) -> String {
    match (verdict.cause, verdict.detail) {
        (Cause::KeepaliveRace, _) if verdict.closed_after.is_some() => format!(
            "let the backend keep idle connections longer than the proxy does: raise its keep-alive \
             timeout (about {} here) above the proxy's idle timeout, for Node behind a 60 s proxy \
             `server.keepAliveTimeout = 65_000`, or lower the proxy's below it",
            duration(verdict.closed_after.unwrap_or_default())
        ),
        (Cause::ResponseTimeout, _) => "find what made the backend slow at that second (load, a lock, \
             a query, a call to another service), or raise the proxy's read timeout above what the \
             request may take"
            .to_owned(),
        (Cause::Unreachable, _) => "look at the host that said so: a firewall that rejects, a missing \
             route, or an address that nobody has any more"
            .to_owned(),
        (Cause::ConnectTimeout, _) => "look for what drops SYNs: a firewall or security group, a host \
             that is down, a wrong address, or a full backlog (on the backend: `nstat -az \
             TcpExtListenOverflows`)"
            .to_owned(),
        (Cause::BackendError, _) => "look in the backend's own log at that second: it answered, and \
             the proxy only passed that on"
            .to_owned(),
        (Cause::KeepaliveRace, _) => "let the backend keep idle connections longer than the proxy \
             does: raise its keep-alive timeout above the proxy's idle timeout, or lower the proxy's"
            .to_owned(),
        (Cause::StaleReuse, _) => "lower the proxy's idle timeout below the backend's keep-alive \
             timeout, and let the proxy check a pooled connection before it reuses it"
            .to_owned(),
        (Cause::ClosedInFlight, Detail::Fresh) => "look on the backend at that second for what closes \
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
        (Cause::ConnectionRefused, _) => "start the server, or point the proxy at the address and \
             port on which it listens (on the backend: `ss -ltn`); a firewall that rejects looks the same"
            .to_owned(),
        (Cause::Unproven, Detail::Doubt(doubt)) => doubt_fix(doubt).to_owned(),
        (Cause::Unproven, _) => doubt_fix(Doubt::Gap).to_owned(),
    }
}

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
        Doubt::Forgotten => {
            "look for a NAT, firewall or load balancer between that forgets idle connections, and for \
             a restart of the backend's host"
        }
    }
}

/// What the retry advice rests on.
pub(super) fn retry_reason(reason: RetryReason) -> &'static str {
    match reason {
        RetryReason::NothingSent => "no connection was made, so nothing was sent",
        RetryReason::NothingReceived => {
            "the backend's close acknowledges none of the request, and a reset threw it away"
        }
        RetryReason::NotRefused => {
            "the backend's close acknowledges none of the request, but no reset shows that it was thrown away"
        }
        RetryReason::AllReceived => {
            "the backend had received the whole request before the connection was closed, and may have run it"
        }
        RetryReason::AnswerBegun => "the backend answered, so it has run the request",
        RetryReason::PartReceived => {
            "the backend had received some of the request; whether it acted on it does not show"
        }
        RetryReason::ReceivedAfterClose => {
            "the request was acknowledged after the backend had closed; whether it was read does not show"
        }
        RetryReason::NotTold => "the close does not say how much of the request was received",
        RetryReason::Unproven => "the capture does not show what happened to the request",
    }
}

/// What a frame shows, in a few words.
pub(super) fn evidence(evidence: &Evidence, close: Option<&Close>) -> String {
    let closer = |side| match side {
        Side::Server => "backend",
        Side::Client => "proxy",
    };
    let is_close = close.filter(|close| close.frame == evidence.frame);
    let received = match is_close.filter(|close| close.by != Closer::Proxy).map(|c| c.received) {
        Some(Some(Received::None)) => ", acknowledges nothing of the request",
        Some(Some(Received::Part)) => ", acknowledges a part of the request",
        Some(Some(Received::All)) => ", acknowledges the whole request",
        _ => "",
    };
    match evidence.shows {
        Shows::Syn => "the proxy's SYN".to_owned(),
        Shows::Unreachable => "the ICMP error about it".to_owned(),
        Shows::LastSyn => "the last SYN".to_owned(),
        Shows::Answer => "the answer".to_owned(),
        Shows::LastAnswer => "idle from here".to_owned(),
        Shows::Request => "the request".to_owned(),
        Shows::RequestEnd => "the request's last segment".to_owned(),
        Shows::ResponseCut => "the last of the response".to_owned(),
        Shows::Fin(side) => format!("the {}'s FIN{received}", closer(side)),
        Shows::Rst(side) => match is_close.map(|close| close.by) {
            Some(Closer::Path) => format!("a reset by something between{received}"),
            _ => format!("the {}'s reset{received}", closer(side)),
        },
    }
}

/// What the proxy's client is likely to have got, the likeliest first. Most proxies answer 502;
/// Envoy answers a lost connection with 503, HAProxy a refused one.
pub(super) const fn expected_status(cause: Cause) -> &'static [u16] {
    match cause {
        Cause::KeepaliveRace
        | Cause::StaleReuse
        | Cause::ClosedInFlight
        | Cause::ResetInFlight
        | Cause::ConnectionRefused => &[502, 503],
        Cause::TruncatedResponse => &[502, 200],
        Cause::ResponseTimeout => &[504, 502],
        Cause::Unreachable => &[502, 503],
        Cause::ConnectTimeout => &[504, 503, 502],
        // Its own status stands in its record; see `report::build`.
        Cause::BackendError => &[],
        Cause::Unproven => &[502, 503, 504],
    }
}
