//! What a person reads of a failure.

use crate::conversations::SCENARIOS;
use crate::events::{SECOND, all};
use crate::scenarios::{ISNS, analyze, played};
use crate::wire::{End, Talk, get};
use End::{Backend, Proxy};
use why502::inside::verdict::Cause;

/// What is said of what happened, and of what to change, by cause: one of these pairs.
const WORDS: [(&str, &str, &str); 38] = [
    ("accept_queue_full", "a sign of a full accept queue", "a longer queue"),
    (
        "backend_error",
        "GET /busy: the backend 10.0.0.1:8080 answered 503",
        "check the backend's own log",
    ),
    ("client_gone", "during the response to ", "if the client left, nothing is wrong"),
    ("client_gone", "before it had sent all of POST /left", "if the client left, nothing is wrong"),
    ("client_gone", "after it had sent GET /", "if the client left, nothing is wrong"),
    (
        "closed_in_flight",
        "accepted a new connection and closed it before",
        "closes new connections",
    ),
    ("closed_in_flight", "received GET /crash completely and closed", "closes new connections"),
    ("closed_in_flight", "received GET /crash completely and closed", "a handler that closes"),
    ("connect_timeout", "did not answer the proxy's 3 SYNs", "find what drops the SYNs"),
    ("connection_refused", "RST in answer to the SYN", "start the server"),
    ("invalid_response", "its head has 9000 bytes or more", "send fewer or smaller headers"),
    ("invalid_response", "no status line", "it does not speak HTTP/1"),
    ("invalid_response", "a line of its head is not a header field", "find what adds that line"),
    ("invalid_response", "Content-Length is not a number, or has two", "set Content-Length"),
    ("invalid_response", "a chunk does not begin with its length, at byte 47", "chunk the body"),
    (
        "keepalive_race",
        "the FIN and the request crossed",
        "raise the backend's keep-alive timeout (about 2.00 s",
    ),
    (
        "keepalive_race",
        "the RST and the request crossed",
        "raise the backend's keep-alive timeout (about 2.00 s",
    ),
    (
        "protocol_mismatch",
        "sends HTTP/2 to 10.0.0.1:8080, which answers with TLS",
        "the version of HTTP",
    ),
    (
        "protocol_mismatch",
        "sends HTTP/2 to 10.0.0.1:8080, which answers with plain",
        "the version of HTTP",
    ),
    (
        "closed_in_flight",
        "or a keep-alive race inside the backend's host",
        "compare the idle time with the backend's",
    ),
    (
        "protocol_mismatch",
        "sends TLS to 10.0.0.1:8080, which answers with plain",
        "use plain `http://`",
    ),
    ("protocol_mismatch", "as plain HTTP/1 to 10.0.0.1:8080, which speaks TLS", "use `https://`"),
    ("reset_in_flight", "without sending a response", "a process that died or closed"),
    ("reset_in_flight", "after it had received ", "a process that died or closed"),
    ("reset_in_flight", "the RST has TTL 255, the other segments of that side 64", "a firewall"),
    ("response_timeout", "received it and sent no response", "what made the backend slow"),
    ("response_timeout", "the response came after that", "what made the backend slow"),
    ("silent_drop", "was sent 2 times and never acknowledged", "what drops packets"),
    ("silent_drop", "was sent 4 times and never acknowledged", "what drops idle"),
    ("silent_drop", "was sent 7 times and never acknowledged", "what drops idle"),
    ("silent_drop", "was sent 4 times before it was acknowledged", "what drops idle"),
    ("silent_drop", "its response to GET /lost 4 times", "what drops the packets from backend"),
    ("silent_drop", "no longer existed at its other end", "what drops idle connections"),
    ("stale_reuse", "the request itself acknowledges the close", "lower the proxy's idle timeout"),
    ("stalled", "in the middle of its response to GET /", "what stopped the backend in the middle"),
    ("stalled", "its receive window was 0 for 2.00 s", "what keeps the backend from reading"),
    ("upload_cut_short", "with 413 and reset the connection after", "lingering close"),
    ("truncated_response", "in the middle of the response to GET /cut", "compare Content-Length"),
];

/// Why a request may be sent again, may not, or why that is not known.
const RETRY: [(&str, &[&str]); 3] = [
    ("safe", &["and RST answered it", "nothing was sent", "it cannot have processed"]),
    ("unsafe", &["may have processed it", "so it has seen the request"]),
    (
        "unknown",
        &[
            "may not have read it",
            "is not visible",
            "no RST was captured",
            "may have acted on it",
            "does not show",
            "may not have understood",
        ],
    ),
];

#[test]
fn every_failure_is_told_in_the_words_of_its_cause() {
    let mut used = [false; WORDS.len()];
    for scenario in SCENARIOS {
        for failure in analyze(&played(scenario, ISNS[0])).failures {
            let told = format!("{}: {} | {}", scenario.name, failure.summary, failure.fix);
            // Who, and what was asked, wherever anything was.
            assert!(failure.summary.contains("10.0.0.1:8080"), "{told}");
            let asked = failure.request.as_ref().map_or(String::new(), |request| {
                let of = |text: &Option<String>| text.clone().unwrap();
                format!("{} {}", of(&request.method), of(&request.target))
            });
            assert!(failure.summary.contains(&asked), "{asked}: {told}");
            let (_, reasons) =
                RETRY.iter().find(|(word, _)| *word == failure.retry.name()).unwrap();
            let reason = reasons.iter().any(|words| failure.retry_reason.contains(words));
            assert!(reason, "{}: {}", failure.retry.name(), failure.retry_reason);
            // What cannot be explained has its words where it is told why.
            if failure.cause.name() == "unproven" {
                continue;
            }
            let fits = |(cause, summary, fix): &(&str, &str, &str)| {
                *cause == failure.cause.name()
                    && failure.summary.contains(summary)
                    && failure.fix.contains(fix)
            };
            let found: Vec<usize> = (0..WORDS.len()).filter(|place| fits(&WORDS[*place])).collect();
            let [place] = found[..] else { panic!("{found:?}: {told}") };
            used[place] = true;
        }
    }
    for (words, used) in WORDS.iter().zip(used) {
        assert!(used, "nobody says {words:?}");
    }
    // The others take more than one conversation, or more than its two ends.
    let elsewhere =
        [Cause::HealthCheckFailing, Cause::Unreachable, Cause::Unproven, Cause::TlsHandshakeFailed];
    for cause in Cause::ALL.iter().filter(|cause| !elsewhere.contains(cause)) {
        assert!(WORDS.iter().any(|(of, ..)| *of == cause.name()), "{cause:?}");
    }
}

#[test]
fn a_long_wait_is_told_in_minutes_and_seconds() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(SECOND * 125).close(Proxy);
    let summary = &analyze(&talk.frames).failures[0].summary;
    assert!(summary.contains("2 min 5 s"), "{summary}");
}

#[test]
fn failures_of_two_backends_are_told_one_by_one() {
    let mut talks = Vec::new();
    for (port, backend) in [(40_000, [10, 0, 0, 1]), (40_001, [10, 0, 0, 2])] {
        let mut talk = Talk::new(port.into(), 7)
            .between(([10, 0, 0, 9], port), (backend, 8080))
            .after(SECOND * (u32::from(port) - 39_990));
        talk.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
        talks.push(talk);
    }
    let mut page = Vec::new();
    why502::write_text(
        &all(&talks),
        why502::TextLayout::new(why502::Detail::Sections, 96),
        &mut page,
    )
    .unwrap();
    let page = String::from_utf8(page).unwrap();
    let lead = page.split("Causes").next().unwrap();
    assert!(lead.contains("10.0.0.1:8080") && lead.contains("10.0.0.2:8080"), "{lead}");
}
