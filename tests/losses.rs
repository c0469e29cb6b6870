//! What a missing frame must cost. That damage may lower a certainty is held elsewhere; here is where it has
//! to, because nothing that is left shows what the frame showed.

use crate::conversations::{Expected, SCENARIOS, Scenario, failure};
use crate::scenarios::{ISNS, analyze, played, rank, said};
use crate::wire::{End, Frame, Talk, get, ok};
use std::time::Duration;
use why502::inside::ledger::What;
use why502::inside::report::Report;

/// What must be said of a conversation without one of its frames.
enum Left {
    /// This, of its one failure.
    Said(&'static str, &'static str, &'static str),
    /// Nothing of a failure, but this note.
    Noted(&'static str),
}

use End::{Backend, Proxy};
use Left::{Noted, Said};

const SECOND: Duration = Duration::from_secs(1);

const UNPROVEN: Left = Said("unproven", "possible", "unknown");
/// As much of the answer came that the request had been read.
const UNPROVEN_ANSWERED: Left = Said("unproven", "possible", "unsafe");
const LOSS: Left = Noted("capture_loss");
const OPEN: Left = Noted("unanswered_at_end");

/// Conversations, and by the numbers of frames what is left without each.
const LOSSES: &[(&str, &[(usize, Left)])] = &[
    // The FIN; the request; the reset that shows that the kernel threw the request away.
    (
        "the backend's FIN crosses the request",
        &[(8, UNPROVEN), (9, LOSS), (10, Said("keepalive_race", "proven", "unknown"))],
    ),
    (
        "the backend's FIN crosses a request of two segments",
        &[(8, UNPROVEN), (9, LOSS), (11, Said("keepalive_race", "proven", "unknown"))],
    ),
    // Without the first reset, the second is that of a host that has forgotten the connection.
    (
        "the backend resets an idle connection and the request crosses that",
        &[(8, Said("silent_drop", "likely", "unknown")), (9, LOSS)],
    ),
    (
        "a backend that half-closed goes on acknowledging what it will not answer",
        &[(8, OPEN), (9, LOSS)],
    ),
    (
        "a backend that half-closed acknowledges what crossed its FIN, and resets",
        &[(8, UNPROVEN), (9, LOSS)],
    ),
    (
        "the request acknowledges the backend's FIN",
        &[
            (8, Said("silent_drop", "likely", "unknown")),
            (10, LOSS),
            (11, Said("stale_reuse", "proven", "unknown")),
        ],
    ),
    // The request; the backend's FIN; the proxy's: it may have closed before the backend did.
    ("the backend takes the request and closes", &[(8, LOSS), (10, OPEN), (11, UNPROVEN)]),
    // A part of the upload; the backend's FIN; the proxy's.
    ("the backend closes in the middle of an upload", &[(9, UNPROVEN), (11, OPEN), (12, UNPROVEN)]),
    ("the backend accepts, and closes before the request reaches it", &[(4, UNPROVEN)]),
    ("the backend resets with the request unread", &[(8, LOSS), (10, OPEN)]),
    ("a new connection is reset by a host that has forgotten it", &[(5, OPEN)]),
    ("something between resets the connection", &[(10, OPEN)]),
    // The head with the length; the proxy's FIN.
    (
        "the backend closes before its Content-Length is reached",
        &[(10, LOSS), (13, LOSS), (14, UNPROVEN_ANSWERED)],
    ),
    ("the backend closes before the last chunk", &[(6, LOSS), (8, LOSS), (9, UNPROVEN_ANSWERED)]),
    ("the backend resets in the middle of an answer", &[(6, LOSS), (9, OPEN)]),
    ("the backend closes in the middle of the head", &[(6, LOSS), (9, UNPROVEN_ANSWERED)]),
    ("a SYN is answered by a reset", &[(1, Said("connection_refused", "likely", "safe"))]),
    // The answer could have been in what is missing.
    ("the proxy loses patience", &[(8, LOSS), (10, UNPROVEN), (11, OPEN)]),
    ("the answer comes after the proxy has lost patience", &[(4, UNPROVEN), (9, OPEN)]),
    (
        "nobody answers three SYNs",
        &[
            (1, Said("connect_timeout", "possible", "safe")),
            (2, Said("connect_timeout", "possible", "safe")),
            (3, Said("connect_timeout", "possible", "safe")),
        ],
    ),
    ("the backend itself answers 503", &[(6, LOSS)]),
    ("the request is sent again and again without a word, until the proxy closes", &[(12, OPEN)]),
    (
        "the request arrives when the proxy has given up",
        &[(8, Said("silent_drop", "possible", "unsafe")), (13, Noted("answers_unacknowledged"))],
    ),
    (
        "a request sent twice on a new connection, and the proxy closes",
        &[
            (4, Said("silent_drop", "possible", "unknown")),
            (5, Said("silent_drop", "possible", "unknown")),
        ],
    ),
    ("a request that nobody acknowledges before a late FIN is no crossing", &[(12, UNPROVEN)]),
    ("the queue has room at last, when the proxy has given up", &[(13, UNPROVEN), (14, OPEN)]),
    (
        "the backend stops in the middle of its answer and the proxy closes",
        &[(10, LOSS), (11, UNPROVEN_ANSWERED), (13, UNPROVEN_ANSWERED), (14, OPEN)],
    ),
    // The acknowledgement that closes the window.
    (
        "the backend stops reading and the proxy closes",
        &[(6, Said("client_gone", "possible", "unknown")), (8, OPEN)],
    ),
    (
        "the proxy closes while the answer is flowing",
        &[(11, UNPROVEN_ANSWERED), (13, UNPROVEN_ANSWERED), (14, OPEN)],
    ),
    ("the answer begins with no status line", &[(6, LOSS), (8, LOSS)]),
    ("the head is longer than the proxy's buffer", &[(10, LOSS)]),
    ("a request in clear is answered by a TLS alert", &[(6, UNPROVEN)]),
    ("a TLS hello is answered in clear", &[(4, LOSS), (6, LOSS)]),
    ("an HTTP/2 preface is answered in HTTP/1", &[(4, LOSS), (6, LOSS)]),
];

fn without(frames: &[Frame], number: usize) -> Report {
    let mut damaged = frames.to_vec();
    damaged.remove(number - 1);
    analyze(&damaged)
}

fn find(name: &str) -> &'static Scenario {
    SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn what_rests_on_a_frame_is_not_said_without_it() {
    for (name, losses) in LOSSES {
        for isns in [ISNS[0], ISNS[2]] {
            let frames = played(find(name), isns);
            for (number, left) in *losses {
                let report = without(&frames, *number);
                let found: Vec<Expected> = report.failures.iter().map(said).collect();
                let what = format!("{name}, without frame {number}: {:?}", report.notes);
                match left {
                    Said(cause, certainty, retry) => {
                        assert_eq!(found, failure(cause, certainty, retry), "{what}");
                    }
                    Noted(code) => {
                        assert_eq!(found, [], "{what}");
                        assert!(report.notes.iter().any(|note| note.code == *code), "{what}");
                    }
                }
            }
        }
    }
}

/// Who says that a close was the reason has seen it. What the answer itself shows needs none.
#[test]
fn without_its_close_no_failure_is_as_sure_as_with_it() {
    let mut closes = 0;
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[0]);
        let report = analyze(&frames);
        let Some(whole) = report.failures.first() else { continue };
        let by_answer = matches!(whole.cause.name(), "invalid_response" | "protocol_mismatch");
        let close = whole.close.as_ref().and_then(|close| close.frame);
        let Some(close) = close.filter(|_| frames.len() > 1 && !by_answer) else { continue };
        closes += 1;
        for now in &without(&frames, close.number as usize).failures {
            let lower = whole.certainty.name() == "possible"
                || rank(now.certainty.name()) < rank(whole.certainty.name());
            assert!(lower, "{}: {:?} became {:?}", scenario.name, said(whole), said(now));
        }
    }
    assert!(closes > 30, "{closes}");
}

/// A proof rests on something that was captured: without that it is none.
#[test]
fn whatever_is_proven_rests_on_a_frame() {
    for scenario in SCENARIOS.iter().filter(|one| (one.expected)().iter().any(is_proven)) {
        let frames = played(scenario, ISNS[0]);
        let proven = |number: &usize| {
            let report = without(&frames, *number);
            report.failures.iter().map(said).any(|failure| is_proven(&failure))
        };
        let kept = (1..=frames.len()).filter(proven).count();
        assert!(kept < frames.len(), "{}: proven whatever is missing", scenario.name);
    }
}

fn is_proven(failure: &Expected) -> bool {
    failure.certainty == "proven"
}

/// A connection on which the proxy asked before the capture began.
fn asked_before() -> Talk {
    let mut talk = Talk::new(ISNS[1].0, ISNS[1].1);
    talk.handshake().data(Proxy, &get("/unseen")).ack(Backend).idle(SECOND);
    talk.frames.clear();
    talk
}

fn of(play: impl Fn(&mut Talk), talk: fn() -> Talk) -> Vec<(&'static str, &'static str)> {
    let mut talk = talk();
    play(&mut talk);
    let report = analyze(&talk.frames);
    report.failures.iter().map(|failure| (failure.cause.name(), failure.certainty.name())).collect()
}

/// The request and the proxy's close were not captured: that nobody took the answer shows all the same.
#[test]
fn an_answer_that_nobody_took_is_told_though_its_request_was_not_captured() {
    let unproven = [("unproven", "possible")];
    let refused = |talk: &mut Talk| {
        talk.data_unheard(Backend, &ok(20)).rst_in_reply(Proxy);
        talk.fin_unheard(Backend).rst_in_reply(Proxy);
    };
    assert_eq!(of(refused, asked_before), unproven);
    // Its abort crosses the answer.
    let aborted = |talk: &mut Talk| {
        talk.data_unheard(Backend, &ok(20)).rst(Proxy);
    };
    assert_eq!(of(aborted, asked_before), unproven);
    let mut talk = asked_before();
    refused(&mut talk);
    let report = analyze(&talk.frames);
    let failure = &report.failures[0];
    assert_eq!(failure.detail["reason"], "capture_gap");
    assert_eq!(failure.retry.name(), "unsafe");
    // An upload that goes on, whose early answer is destroyed by the reset.
    let answer =
        b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let upload = |talk: &mut Talk| {
        talk.data(Proxy, &[b'z'; 900]).data_unheard(Backend, answer).rst(Backend);
        talk.data_unheard(Proxy, &[b'z'; 900]).rst_in_reply(Backend);
    };
    assert_eq!(of(upload, asked_before), unproven);
}

#[test]
fn an_answer_that_was_taken_or_that_nobody_asked_for_is_sound_without_its_request() {
    // It closes, or is reset, when it has all of it.
    let idle = |talk: &mut Talk| {
        talk.data(Backend, &ok(20)).ack(Proxy).idle(SECOND).close(Proxy);
    };
    assert_eq!(of(idle, asked_before), []);
    let reset = |talk: &mut Talk| {
        talk.data(Backend, &ok(20)).rst(Proxy);
    };
    assert_eq!(of(reset, asked_before), []);
    let late = |talk: &mut Talk| {
        talk.data(Backend, &ok(20)).ack(Proxy).fin_unheard(Backend).rst_in_reply(Proxy);
    };
    assert_eq!(of(late, asked_before), []);
    let backend = |talk: &mut Talk| {
        talk.data(Backend, &ok(20)).ack(Proxy).idle(SECOND).close(Backend);
    };
    assert_eq!(of(backend, asked_before), []);
    // Half closed it takes the answer all the same.
    let half_closed = || {
        let mut talk = asked_before();
        talk.fin(Proxy).ack(Backend).idle(SECOND);
        talk.frames.clear();
        talk
    };
    let taken = |talk: &mut Talk| {
        talk.data(Backend, &ok(20)).ack(Proxy).fin(Backend).ack(Proxy);
    };
    assert_eq!(of(taken, half_closed), []);
    // A word to a client that lets its connection lie idle, and had left.
    let unasked = |talk: &mut Talk| {
        talk.data_unheard(Backend, b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
        talk.rst_in_reply(Proxy);
    };
    assert_eq!(of(unasked, asked_before), []);
    // An early answer that reached the proxy.
    let read = |talk: &mut Talk| {
        talk.data(Proxy, &[b'z'; 900]);
        talk.data(
            Backend,
            b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
        talk.ack(Proxy).data_unheard(Proxy, &[b'z'; 900]).rst_in_reply(Backend);
    };
    assert_eq!(of(read, asked_before), []);
}

const CONNECT: &[u8] = b"CONNECT shop.example:80 HTTP/1.1\r\nHost: shop.example:80\r\n\r\n";
const CONNECTED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// A request in clear inside of a tunnel, which ends with it unanswered.
fn tunnel() -> Talk {
    let mut talk = Talk::new(ISNS[2].0, ISNS[2].1);
    talk.handshake().data(Proxy, CONNECT).ack(Backend).data(Backend, CONNECTED).ack(Proxy);
    talk.exchange("/inside", 20).idle(SECOND);
    talk.data(Proxy, &get("/inside/too")).ack(Backend).idle(SECOND).close(Backend);
    talk
}

/// What is inside of it is between others, and nobody's failure here: who missed how it began cannot tell.
#[test]
fn what_may_be_inside_of_a_tunnel_is_not_judged() {
    let whole = tunnel().frames;
    let report = analyze(&whole);
    assert!(report.failures.is_empty() && report.unread.is_empty());
    let not_judged = |frames: &[Frame], what: &str| {
        let report = analyze(frames);
        assert!(report.failures.is_empty(), "{what}: {:?}", report.failures);
        let gap = report.unread.iter().any(|unread| unread.what == What::Gap);
        assert!(gap, "{what}: {:?}", report.unread);
        let headline = report.headline().text();
        assert!(headline.starts_with("Not"), "{what}: {headline}");
    };
    let without = |frames: std::ops::Range<usize>| {
        let mut damaged = whole.clone();
        damaged.drain(frames);
        damaged
    };
    not_judged(&without(3..4), "without the CONNECT");
    not_judged(&without(5..6), "without its answer");
    // Without both, and what acknowledges them, any exchange may be what is missing.
    let report = analyze(&without(3..6));
    assert!(
        report.failures.iter().all(|one| one.certainty.name() == "possible"),
        "{:?}",
        report.failures
    );
    for number in 1..=whole.len() {
        let report = analyze(&without(number - 1..number));
        assert!(report.failures.is_empty(), "without frame {number}: {:?}", report.failures);
    }
    // What is inside ends with an error of its own.
    let mut error = tunnel();
    error.frames.truncate(whole.len() - 3);
    error.data(Backend, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").ack(Proxy);
    error.frames.remove(3);
    not_judged(&error.frames, "an error inside");
}

/// Where no tunnel can have begun, a lost frame costs no more than itself.
#[test]
fn what_follows_a_lost_request_that_opened_no_tunnel_is_as_sure_as_ever() {
    let mut talk = Talk::new(ISNS[2].0, ISNS[2].1);
    talk.handshake().exchange("/lost", 20).exchange("/next", 20).idle(SECOND);
    talk.data(Proxy, &get("/crash")).ack(Backend).idle(SECOND).close(Backend);
    talk.frames.remove(3);
    let report = analyze(&talk.frames);
    let told: Vec<_> =
        report.failures.iter().map(|one| (one.cause.name(), one.certainty.name())).collect();
    assert_eq!(told, [("closed_in_flight", "proven")]);
}
