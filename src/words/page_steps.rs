//! The page (`--html`): the numbered sentences beside a drawing.

use super::page::{PagePiece, SideNames, capital, of, plain};
use super::phrases::{duration, grouped, plural_grouped, sentence};
use crate::verdict::Retry;
use PagePiece::{Proxy, Strong};
use std::time::Duration;

/// What is known of a step's segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepFacts<'a> {
    /// The request's method.
    pub method: Option<&'a str>,
    /// How long the segment's payload, or the request, is.
    pub length: Option<u64>,
    /// How much of the request the segment acknowledges, of how much.
    pub acks: Option<(u64, u64)>,
    /// How long the connection was idle before.
    pub idle: Option<Duration>,
    /// Since the request, or the first SYN.
    pub since: Option<Duration>,
    /// Nothing was asked: the proxy's first bytes are no request.
    pub unasked: bool,
    /// The request was sent before its sender knew of the close; `None` where there is none.
    pub knew_of_close: Option<bool>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Whether it came before the request.
    pub early: bool,
}

/// What a step's time is counted from.
const fn what_began(facts: &StepFacts<'_>) -> &'static str {
    if facts.unasked { "the proxy’s first bytes" } else { "the request" }
}

/// A request is sent.
pub fn request_step(names: &SideNames, facts: &StepFacts<'_>) -> Vec<PagePiece> {
    let unread = if facts.unasked { "its first bytes" } else { "a request" };
    let method = facts.method.unwrap_or(unread);
    let length = facts.length.filter(|length| *length > 0);
    let length =
        length.map_or_else(String::new, |length| format!(", {}", plural_grouped(length, "byte")));
    let idle = facts
        .idle
        .map_or_else(String::new, |idle| format!(", after {} without traffic", duration(idle)));
    let mut said = vec![plain(format!("{} sends {method}{length}{idle}.", capital(&names.proxy)))];
    match facts.knew_of_close {
        Some(true) => said.extend([
            plain(" It "),
            Strong("acknowledges the FIN".to_owned()),
            plain(": the close had arrived before."),
        ]),
        Some(false) => said.extend([
            plain(" It does "),
            Strong("not acknowledge the FIN".to_owned()),
            plain(format!(": {} could not know of it.", names.proxy)),
        ]),
        None => {}
    }
    said
}

/// How much of the request a segment of the backend acknowledges.
fn received(acks: Option<(u64, u64)>) -> Option<PagePiece> {
    let (got, whole) = acks?;
    Some(Strong(match got {
        0 => format!("acknowledges none of the {} of the request", plural_grouped(whole, "byte")),
        got if got >= whole => "acknowledges the whole request".to_owned(),
        got => format!("acknowledges {} bytes of the request", of(got, whole)),
    }))
}

/// The backend closes or resets.
pub fn backend_closes(names: &SideNames, reset: bool, facts: &StepFacts<'_>) -> Vec<PagePiece> {
    let name = capital(&names.backend);
    let when = match (facts.idle, facts.since) {
        (Some(idle), _) => format!(" after {} of idleness", duration(idle)),
        (None, Some(since)) => format!(" {} after {}", duration(since), what_began(facts)),
        (None, None) => String::new(),
    };
    let mut said = Vec::new();
    match (reset, facts.early) {
        (true, true) => said.push(plain(format!("{name}’s host answers with a reset (RST)."))),
        (true, false) => said.push(plain(format!("{name} resets the connection (RST){when}."))),
        (false, _) => said.push(plain(format!("{name} closes the connection (FIN){when}."))),
    }
    if let Some(received) = received(facts.acks) {
        let what = if reset { " The RST " } else { " The FIN " };
        said.extend([plain(what), received, plain(".")]);
    }
    said
}

/// The request met no connection any more.
pub fn answered_by_reset(names: &SideNames) -> Vec<PagePiece> {
    vec![
        plain("The request finds the connection closed: "),
        plain(format!("{}’s kernel answers with ", names.backend)),
        Strong("RST".to_owned()),
        plain("."),
    ]
}

/// The proxy closes or resets.
pub fn proxy_closes(names: &SideNames, reset: bool, waited: Option<Duration>) -> Vec<PagePiece> {
    let how = if reset { "RST" } else { "FIN" };
    let mut said = vec![plain(format!("{} closes the connection ({how})", capital(&names.proxy)))];
    if let Some(waited) = waited {
        said.extend([plain(" after it waited "), Proxy(duration(waited))]);
    }
    said.push(plain("."));
    said
}

/// The backend acknowledges the request.
pub fn acknowledged(names: &SideNames, acks: (u64, u64)) -> Vec<PagePiece> {
    let mut said = vec![plain(format!("{} ", capital(&names.backend)))];
    said.extend(received(Some(acks)));
    said.push(plain(": it has arrived."));
    said
}

/// A response begins or goes on.
pub fn response_step(names: &SideNames, facts: &StepFacts<'_>, late: bool) -> Vec<PagePiece> {
    let status = facts.status.map_or_else(String::new, |status| format!(" {status}"));
    let since = facts.since.map_or_else(String::new, |since| {
        format!(" {} after {}", duration(since), what_began(facts))
    });
    let mut said =
        vec![plain(format!("{} sends its response{status}{since}", capital(&names.backend)))];
    if late {
        said.extend([plain(": "), Strong("too late".to_owned())]);
    }
    said.push(plain("."));
    said
}

/// The response ends in the middle.
pub fn response_ends(received: u64, expected: Option<u64>) -> Vec<PagePiece> {
    let whole = expected.map_or_else(String::new, |whole| format!(" of {}", grouped(whole)));
    vec![
        plain("The last that came of the response: "),
        Strong(format!("{}{whole} bytes of body", grouped(received))),
        plain("."),
    ]
}

/// A connection is asked for.
pub fn syn_step(names: &SideNames, again: Option<Duration>, count: Option<u64>) -> Vec<PagePiece> {
    let name = capital(&names.proxy);
    match (again, count) {
        (None, _) => vec![plain(format!("{name} asks for a connection (SYN)."))],
        (Some(after), Some(count)) if count > 2 => vec![plain(format!(
            "{name} asks for the {count}th time, {} after the first.",
            duration(after)
        ))],
        (Some(after), _) => {
            vec![plain(format!("{name} asks again (SYN), {} later.", duration(after)))]
        }
    }
}

/// A connection is refused.
pub fn refused(names: &SideNames, after: Option<Duration>) -> Vec<PagePiece> {
    let after = after.map_or_else(String::new, |after| format!(" after {}", duration(after)));
    vec![
        plain(format!("{}’s host answers with ", capital(&names.backend))),
        Strong("RST".to_owned()),
        plain(format!("{after}: nothing listens on that port.")),
    ]
}

/// The backend accepts the connection.
pub fn accepted(names: &SideNames, again: bool) -> Vec<PagePiece> {
    let again = if again { " again, although it was acknowledged" } else { "" };
    vec![plain(format!("{} accepts the connection (SYN-ACK){again}.", capital(&names.backend)))]
}

/// Something cannot be delivered.
pub fn undeliverable(who: Option<&str>, why: Option<&str>) -> Vec<PagePiece> {
    let who = who.unwrap_or("A host on the path");
    let why = why.unwrap_or("unreachable");
    vec![plain(format!("{who} reports: ")), Strong(why.to_owned()), plain(" (ICMP).")]
}

/// Nobody says who has an address.
pub fn asked_for_address(names: &SideNames) -> Vec<PagePiece> {
    let name = &names.proxy;
    vec![plain(format!("The host of {name} asks who has the address. Nobody answers."))]
}

/// The proxy begins a TLS handshake.
pub fn client_hello(names: &SideNames) -> Vec<PagePiece> {
    let name = capital(&names.proxy);
    vec![plain(format!("{name} begins the TLS handshake (ClientHello)."))]
}

/// One side ends it with an alert.
pub fn tls_alert(names: &SideNames, by_proxy: bool) -> Vec<PagePiece> {
    let name = capital(if by_proxy { &names.proxy } else { &names.backend });
    vec![plain(format!("{name} sends an alert: the handshake is not completed."))]
}

/// Bytes that were sent before.
pub fn repeated(names: &SideNames, by_proxy: bool, copies: Option<u64>) -> Vec<PagePiece> {
    let name = capital(if by_proxy { &names.proxy } else { &names.backend });
    let copies =
        copies.map_or_else(String::new, |copies| format!(", {} times in all", grouped(copies)));
    vec![plain(format!("{name} sends the same again{copies}: nothing has acknowledged it."))]
}

/// The window is closed.
pub fn window_closed(names: &SideNames) -> Vec<PagePiece> {
    vec![
        plain(format!("{} takes ", capital(&names.backend))),
        Strong("no more bytes".to_owned()),
        plain(": its receive window is 0."),
    ]
}

/// No answer until the end.
pub fn nothing_answers() -> Vec<PagePiece> {
    vec![Strong("Nothing answers.".to_owned())]
}

/// The request is sent again.
pub fn again_step(after: Duration, status: Option<u16>) -> Vec<PagePiece> {
    let got = status.map_or_else(|| "no response".to_owned(), |status| status.to_string());
    vec![
        plain(format!("The same request is sent again {} later, on a new connection. It gets ", {
            duration(after)
        })),
        Strong(got),
        plain("."),
    ]
}

/// What the client got; a part of it, where it was `cut` short.
pub fn client_step(status: Option<u16>, after: Option<Duration>, cut: bool) -> Vec<PagePiece> {
    let after = after.map_or_else(String::new, |after| format!(" after {}", duration(after)));
    let got = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let cut = if cut { ", cut short" } else { "" };
    vec![plain("The client got "), Strong(got), plain(format!("{cut}{after}."))]
}

/// The client did not wait.
pub fn client_left(after: Option<Duration>) -> Vec<PagePiece> {
    let after = after.map_or_else(String::new, |after| format!(" after {}", duration(after)));
    vec![plain("The client "), Strong("left".to_owned()), plain(format!("{after}."))]
}

/// What the client is likely to have got; of a response that was `cut` short a good status has come before.
pub fn expected_step(statuses: &[u16], cut: bool) -> Vec<PagePiece> {
    let all: Vec<String> = statuses
        .iter()
        .map(|status| match cut && *status < 400 {
            true => format!("a {status} that is cut short"),
            false => status.to_string(),
        })
        .collect();
    let all = match all.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => all.concat(),
    };
    vec![plain(format!("What the client is likely to have got: {all}."))]
}

/// Whether it may be sent again, and why.
pub fn retry_step(retry: Retry, reason: &str) -> Vec<PagePiece> {
    let advice = match retry {
        Retry::Safe => "Can be sent again.",
        Retry::Unsafe => "Send again only if idempotent.",
        Retry::Unknown => "Unknown whether it was received: send again only if idempotent.",
    };
    vec![Strong(advice.to_owned()), plain(format!(" {}", sentence(reason)))]
}
