//! Words that several sentences share: how long something took, what a frame shows, whether a request
//! may be sent again.

use crate::facts::closing::{Close, Closer, Received};
use crate::flow::Side;
use crate::verdict::{Evidence, Retry, RetryReason, Shows};
use std::time::Duration;

/// `2.99 s`, `18.8 s`, `14.8 ms`, `3 µs`, `2 min 5 s`.
pub fn duration(value: Duration) -> String {
    let seconds = value.as_secs_f64();
    if seconds >= 120.0 {
        let whole = value.as_secs();
        match (whole / 60, whole % 60) {
            (minutes, 0) => format!("{minutes} min"),
            (minutes, rest) => format!("{minutes} min {rest} s"),
        }
    } else if seconds >= 9.995 {
        format!("{seconds:.1} s")
    } else if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.001 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.0} µs", seconds * 1e6)
    }
}

/// A timeout as its documentation has it: `5 s`, not `5.00 s`.
pub fn setting(value: Duration) -> String {
    match (value.as_secs(), value.subsec_nanos()) {
        (seconds @ 1..120, 0) => format!("{seconds} s"),
        _ => duration(value),
    }
}

/// `840 bytes`, `2.1 kB`, `34 MB`.
pub fn bytes(count: u64) -> String {
    let mut unit = 1_u64;
    let mut name = "bytes";
    for larger in ["kB", "MB", "GB", "TB"] {
        let next = unit.saturating_mul(1_000);
        if count < next {
            break;
        }
        (unit, name) = (next, larger);
    }
    if unit == 1 {
        return plural(count, "byte");
    }
    let whole = count.checked_div(unit).unwrap_or(0);
    let rest = count.checked_rem(unit).unwrap_or(0);
    let tenth = rest.saturating_mul(10).checked_div(unit).unwrap_or(0);
    if whole < 10 { format!("{whole}.{tenth} {name}") } else { format!("{whole} {name}") }
}

/// What the retry advice rests on.
pub fn retry_reason(reason: RetryReason) -> &'static str {
    match reason {
        RetryReason::NoHandshake => "the TLS handshake was not completed, so no request was sent",
        RetryReason::NothingSent => "no connection was made, so nothing was sent",
        RetryReason::NothingReceived => {
            "the backend never received it: its close acknowledges 0 bytes of the request, and RST answered it"
        }
        RetryReason::NotRefused => {
            "the backend's close acknowledges 0 bytes of the request; no RST was captured, so it may have \
             been read after that"
        }
        RetryReason::AllReceived => {
            "the backend received the whole request and may have processed it"
        }
        RetryReason::ClosedUnread => {
            "the application closed the connection without reading the request (seen in the backend's \
             kernel)"
        }
        RetryReason::Read => {
            "the application read the whole request (seen in the backend's kernel) and may have processed it"
        }
        RetryReason::AnswerBegun => "the backend answered, so it has seen the request",
        RetryReason::PartReceived => {
            "the backend received part of the request and may have acted on it"
        }
        RetryReason::ReceivedAfterClose => {
            "the backend's kernel accepted the request after the close; the application may not have read it"
        }
        RetryReason::NotTold => "it is not visible how much of the request the backend received",
        RetryReason::NotUnderstood => {
            "the backend speaks another protocol, so it cannot have processed the request"
        }
        RetryReason::PerhapsNotUnderstood => {
            "the backend received the request, and may not have understood it"
        }
        RetryReason::Probe => "it is a health check, by its user agent, and is repeated anyway",
        RetryReason::Unproven => "the capture does not show what happened to the request",
    }
}

/// The method is safe or idempotent by RFC 9110, sections 9.2.1 and 9.2.2: what uses it may be sent again
/// whether or not it has run.
pub fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
}

/// Whether a request with this method may be sent again.
pub fn retry_advice(retry: Retry, method: Option<&str>) -> String {
    let idempotent = method.filter(|method| is_idempotent(method));
    let is = idempotent.map_or_else(String::new, |method| format!(", as {method} is"));
    match retry {
        Retry::Safe => "Retry: can be sent again.".to_owned(),
        Retry::Unsafe => format!("Retry: only if idempotent{is}."),
        Retry::Unknown => format!("Retry: unknown, so only if idempotent{is}."),
    }
}

/// What a frame shows, in a few words. The connection was `fresh`: nothing was asked on it before.
pub fn evidence(evidence: &Evidence, close: Option<&Close>, fresh: bool) -> String {
    let closer = |side| match side {
        Side::Server => "backend",
        Side::Client => "proxy",
    };
    let is_close = close.filter(|close| close.frame == evidence.frame);
    let received = match is_close.filter(|close| close.by != Closer::Proxy).map(|c| c.received) {
        Some(Some(Received::None)) => ", acknowledges 0 bytes of the request",
        Some(Some(Received::Part)) => ", acknowledges part of the request",
        Some(Some(Received::All)) => ", acknowledges the whole request",
        _ => "",
    };
    match evidence.shows {
        Shows::Syn => "the proxy's SYN".to_owned(),
        Shows::Unreachable => "the ICMP error about it".to_owned(),
        Shows::NeighbourAsked => "the proxy's host asks who has the address".to_owned(),
        Shows::NeighbourAskedLast => "the last such question".to_owned(),
        Shows::LastSyn => "the last SYN".to_owned(),
        Shows::SynAckAgain => {
            "the backend retransmits its SYN-ACK, although the proxy had acknowledged it".to_owned()
        }
        Shows::Repeated(side) => format!("retransmission by the {}", closer(side)),
        Shows::ZeroWindow => "the backend's receive window is 0 from here on".to_owned(),
        Shows::ClientLeft => "the client leaves the proxy".to_owned(),
        Shows::Answer => "the response".to_owned(),
        Shows::LastAnswer if fresh => "the handshake is complete".to_owned(),
        Shows::LastAnswer => "last packet before the idle time".to_owned(),
        Shows::Request => "the request".to_owned(),
        Shows::RequestEnd => "the last segment of the request".to_owned(),
        Shows::ClientHello => "the proxy's ClientHello".to_owned(),
        Shows::Alert(side) => format!("the {}'s alert", closer(side)),
        Shows::ResponseCut => "the last segment of the response".to_owned(),
        Shows::Fin(side) => format!("the {}'s FIN{received}", closer(side)),
        Shows::Rst(side) => match is_close.map(|close| close.by) {
            Some(Closer::Path) => format!("RST by something between{received}"),
            _ => format!("the {}'s RST{received}", closer(side)),
        },
    }
}

/// What stands before what to change.
pub const WHAT_TO_CHANGE: &str = "What to change";

/// What stands before where to look.
pub const TO_FIND_OUT: &str = "To find out";

/// So many more are not shown.
pub fn not_shown(more: usize) -> String {
    format!("… and {more} more: --all shows them.")
}

/// `1 place`, `2 places`.
pub fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `98,225`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len().saturating_mul(2));
    for (place, digit) in digits.chars().enumerate() {
        let rest = digits.len().saturating_sub(place);
        if place > 0 && rest.is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 byte`, `98,225 bytes`.
pub fn plural_grouped(count: u64, noun: &str) -> String {
    plural(count, noun).replacen(&count.to_string(), &grouped(count), 1)
}

/// `8 health checks`.
pub fn checks(count: u64) -> String {
    plural(count, "health check")
}

/// First letter upper case, a full stop at the end.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_told_with_the_option_that_shows_it() {
        assert_eq!(not_shown(3), "… and 3 more: --all shows them.");
    }
}
