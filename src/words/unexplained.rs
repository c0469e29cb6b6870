//! A client's error that no attempt at a backend explains, in words.

use super::fix::{Fix, FixSide};
use super::log::{meaning, open_question};
use crate::join::Reason;
use crate::logs::Says;
use crate::packet::Endpoint;

/// What a client got, and what is known of why. `client` is known where packets show it, `asked` is its
/// method and target.
pub fn summary(
    client: Option<Endpoint>,
    status: Option<u16>,
    asked: Option<(&str, &str)>,
    reason: Reason,
) -> String {
    let who = client.map_or_else(|| "a client".to_owned(), |at| format!("the client {at}"));
    let got = status.map_or_else(|| "an error".to_owned(), |status| status.to_string());
    let asked = match (asked, client) {
        (Some((method, target)), _) => format!("{method} {target}"),
        (None, Some(_)) => "a request whose head was not captured".to_owned(),
        (None, None) => "a request".to_owned(),
    };
    format!("{who} got {got} for {asked}, and {}", why(reason))
}

fn why(reason: Reason) -> String {
    match reason {
        Reason::Said(says) if says.is_kept() => {
            format!("the proxy answered by itself: {}", meaning(says))
        }
        Reason::Said(says) => format!(
            "no attempt in the capture explains it; by the proxy's log, {}",
            meaning(says)
        ),
        Reason::NoAttempt => {
            "no attempt at a backend explains it: the proxy answered by itself, or tried where nothing \
             was captured"
                .to_owned()
        }
        Reason::AnswerRefused => {
            "the backend had answered: the proxy refused that answer, or answered by its own rules"
                .to_owned()
        }
        Reason::LegNotRead => {
            "what happened between the proxy and its backend could not be read".to_owned()
        }
        Reason::LegNotCaptured => {
            "no connection of the proxy to a backend for it is in the capture".to_owned()
        }
    }
}

/// What the advice on sending the request again rests on.
pub const fn retry_reason(reason: Reason) -> &'static str {
    if reason.is_nothing_sent() {
        "the proxy logged that it sent nothing to a backend"
    } else {
        "the capture does not show what happened to the request"
    }
}

/// Where to look.
pub fn fix(reason: Reason) -> Fix {
    let text = look(reason);
    match reason {
        // What tells more stands elsewhere.
        Reason::Said(Says::NoBackend) | Reason::LegNotRead | Reason::LegNotCaptured => {
            Fix::of_capture(text)
        }
        Reason::Said(_) | Reason::NoAttempt | Reason::AnswerRefused => {
            Fix::on(FixSide::Proxy, text)
        }
    }
}

const fn look(reason: Reason) -> &'static str {
    match reason {
        Reason::Said(
            says @ (Says::NoPort | Says::Dns | Says::NoBackend | Says::Overflow | Says::Proxy),
        ) => open_question(Some(says), None),
        Reason::Said(Says::TlsFailed) => {
            "read the proxy's error log for the certificate, version or name that it refused"
        }
        Reason::NoAttempt | Reason::AnswerRefused | Reason::Said(_) => {
            "read the proxy's error log at that second (--access-log reads it as well), and see whether the \
             capture holds all its legs (tcpdump -i any)"
        }
        Reason::LegNotRead => {
            "give the proxy's error log (--access-log FILE), or a capture in which that leg can be read"
        }
        Reason::LegNotCaptured => {
            "capture the proxy's way to its backends as well (tcpdump -i any), or give its error log \
             (--access-log FILE)"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_error_is_told_with_what_is_known_of_why() {
        let client = Some(Endpoint { addr: [10, 0, 0, 7].into(), port: 5_000 });
        let asked = Some(("GET", "/a"));
        assert_eq!(
            summary(client, Some(502), asked, Reason::NoAttempt),
            "the client 10.0.0.7:5000 got 502 for GET /a, and no attempt at a backend explains it: the \
             proxy answered by itself, or tried where nothing was captured"
        );
        assert_eq!(
            summary(client, None, None, Reason::AnswerRefused),
            "the client 10.0.0.7:5000 got an error for a request whose head was not captured, and the \
             backend had answered: the proxy refused that answer, or answered by its own rules"
        );
        let of_line = |reason| summary(None, Some(503), None, reason);
        let told = [
            (
                Reason::Said(Says::Dns),
                "the proxy answered by itself: it could not resolve the backend's name",
            ),
            (
                Reason::Said(Says::Reset),
                "no attempt in the capture explains it; by the proxy's log, the connection was reset \
                 before a response",
            ),
            (
                Reason::LegNotRead,
                "what happened between the proxy and its backend could not be read",
            ),
            (
                Reason::LegNotCaptured,
                "no connection of the proxy to a backend for it is in the capture",
            ),
        ];
        for (reason, text) in told {
            assert_eq!(of_line(reason), format!("a client got 503 for a request, and {text}"));
        }
    }

    #[test]
    fn advice_goes_by_what_is_missing() {
        assert_eq!(look(Reason::Said(Says::Dns)), open_question(Some(Says::Dns), None));
        let told = [
            (
                Reason::Said(Says::TlsFailed),
                "read the proxy's error log for the certificate, version or name that it refused",
            ),
            (
                Reason::NoAttempt,
                "read the proxy's error log at that second (--access-log reads it as well), and see \
                 whether the capture holds all its legs (tcpdump -i any)",
            ),
            (
                Reason::LegNotRead,
                "give the proxy's error log (--access-log FILE), or a capture in which that leg can be \
                 read",
            ),
            (
                Reason::LegNotCaptured,
                "capture the proxy's way to its backends as well (tcpdump -i any), or give its error log \
                 (--access-log FILE)",
            ),
        ];
        for (reason, text) in told {
            assert_eq!(look(reason), text);
        }
        assert_eq!(
            retry_reason(Reason::Said(Says::Dns)),
            "the proxy logged that it sent nothing to a backend"
        );
        assert_eq!(
            retry_reason(Reason::NoAttempt),
            "the capture does not show what happened to the request"
        );
    }
}
