//! What limits the answer, and is told as a note or a doubt.

use crate::conversations::failure;
use crate::events::all;
use crate::properties::cut_to;
use crate::scenarios::{analyze, read, said};
use crate::wire::{End, Frame, Talk, get, ok, pcap, post_head};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::report::Report;

/// The note of this code, if there is one.
fn note<'r>(report: &'r Report, code: &str) -> Option<&'r str> {
    report.notes.iter().find(|note| note.code == code).map(|note| note.text.as_str())
}

/// Which of these notes there are.
fn codes<'c>(report: &Report, of: &[&'c str]) -> Vec<&'c str> {
    of.iter().copied().filter(|code| note(report, code).is_some()).collect()
}

const LIMITS: [&str; 7] = [
    "bodies_cut",
    "capture_loss",
    "heads_cut",
    "malformed_answers",
    "not_http",
    "roles_guessed",
    "tunnels_skipped",
];

/// Answers in chunks, of which the snap length keeps the heads.
fn in_chunks(exchanges: usize) -> Vec<Frame> {
    let mut talk = Talk::new(3, 4);
    talk.handshake();
    let chunk = format!("5dc\r\n{}\r\n0\r\n\r\n", "y".repeat(1_500));
    for _ in 0..exchanges {
        talk.data(Proxy, &get("/a")).ack(Backend);
        talk.data(Backend, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        talk.data(Backend, chunk.as_bytes()).ack(Proxy);
    }
    talk.close(Proxy);
    talk.frames
}

#[test]
fn answers_in_chunks_that_the_snap_length_cut_are_told() {
    let report = read(cut_to(&in_chunks(1), 200)).unwrap();
    assert_eq!(codes(&report, &LIMITS), ["bodies_cut"]);
    let text = note(&report, "bodies_cut").unwrap();
    assert_eq!(text, "the snap length cut 1 response in chunks, so where they end is not visible");
    assert_eq!(report.counters.exchanges_unread, 1);
    // A request that follows shows the end; and a length does not need to.
    let report = read(cut_to(&in_chunks(2), 200)).unwrap();
    assert_eq!(
        (codes(&report, &LIMITS), report.counters.exchanges_unread),
        (vec!["bodies_cut"], 1)
    );
    assert_eq!(codes(&analyze(&in_chunks(1)), &LIMITS), [""; 0]);
    let mut plain = Talk::new(3, 4);
    plain.handshake().exchange("/a", 1_400).close(Proxy);
    assert_eq!(codes(&read(cut_to(&plain.frames, 200)).unwrap(), &LIMITS), [""; 0]);
}

#[test]
fn heads_that_the_snap_length_cut_are_told() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/a", 64).exchange("/b", 64).close(Proxy);
    let report = read(cut_to(&talk.frames, 80)).unwrap();
    assert_eq!(codes(&report, &LIMITS), ["heads_cut"]);
    // That the client went on shows the end of the first answer.
    assert_eq!(note(&report, "heads_cut").unwrap(), "the snap length cut the heads of 1 exchange");
    assert_eq!(report.counters.exchanges, 2);
    let report = read(cut_to(&talk.frames, 150)).unwrap();
    assert_eq!((codes(&report, &LIMITS), report.counters.exchanges), (vec![], 2));
}

#[test]
fn what_is_no_http_is_told_and_not_judged() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/a")).ack(Backend);
    talk.data(Proxy, b"\x00\x01 and what not\r\n\r\n").ack(Backend).close(Backend);
    let report = analyze(&talk.frames);
    assert_eq!((codes(&report, &LIMITS), report.failures.len()), (vec!["not_http"], 1));
    // That what was asked before it got no answer is so, whatever came after it.
    assert_eq!(report.failures[0].cause.name(), "closed_in_flight");
    let text = note(&report, "not_http").unwrap();
    assert_eq!(text, "1 exchange is not judged: the response is not HTTP/1");
    // An answer that the proxy puts up with is told once, as malformed.
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/bad")).ack(Backend);
    talk.data(Backend, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!");
    talk.ack(Proxy).idle(Duration::from_secs(2)).exchange("/b", 64).close(Proxy);
    assert_eq!(codes(&analyze(&talk.frames), &LIMITS), ["malformed_answers"]);
}

/// Two connections to a backend, one of which begins with bytes that could be anybody's.
#[test]
fn sides_that_are_guessed_are_told() {
    let mut unknown = Talk::new(3, 4);
    unknown.handshake();
    for _ in 0..8 {
        unknown.data(Backend, &[0xfe; 20]).data(Proxy, &[0xfd; 20]);
    }
    let mut http = Talk::new(5, 6).on_port(40_001);
    http.handshake().exchange("/a", 64).exchange("/b", 64);
    let guessed = |begun: usize, frames: &Talk| {
        let frames = [&http.frames[begun..], &frames.frames[begun..]].concat();
        note(&analyze(&frames), "roles_guessed").map(ToOwned::to_owned)
    };
    let text = guessed(3, &unknown).unwrap();
    assert_eq!(text, "the backend of 1 connection was guessed by the lower port");
    assert_eq!(guessed(0, &unknown), None, "handshakes tell");
    let mut same = Talk::new(3, 4).on_port(40_002);
    same.handshake().exchange("/c", 64);
    assert_eq!(guessed(3, &same), None, "requests tell");
}

#[test]
fn frames_inside_of_tunnels_are_told() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/a", 64).close(Proxy);
    let with = |protocols: &[u8]| {
        let inside = protocols.iter().map(|protocol| {
            let mut frame = talk.frames[4].clone();
            frame.bytes[23] = *protocol;
            frame
        });
        analyze(&talk.frames.iter().cloned().chain(inside).collect::<Vec<_>>())
    };
    // GRE twice, an IP datagram in one; and OSPF.
    let report = with(&[47, 4, 47, 89]);
    let text = note(&report, "tunnels_skipped").unwrap();
    assert!(text.ends_with("(ip_in_ip 1, gre 2): capture where the tunnel ends"), "{text}");
    assert_eq!(codes(&with(&[89]), &LIMITS), [""; 0]);
}

#[test]
fn a_request_whose_head_was_cut_proves_nothing() {
    let mut talk = Talk::new(3, 4);
    talk.handshake()
        .data(Proxy, &get("/a?long=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))
        .ack(Backend)
        .close(Backend);
    let report = read(cut_to(&talk.frames, 90)).unwrap();
    assert_eq!(
        report.failures.iter().map(said).collect::<Vec<_>>(),
        failure("closed_in_flight", "likely", "unsafe")
    );
}

#[test]
fn an_acknowledgement_at_the_very_end_tells_what_was_missed() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/a", 64).data(Proxy, &get("/b")).ack(Backend).data(Backend, &ok(64));
    talk.frames.pop();
    talk.ack(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(
        (
            report.counters.capture_gaps,
            report.counters.exchanges_unread,
            report.counters.exchanges_open
        ),
        (1, 1, 0)
    );
}

/// What is seen, the reason as a code and in words, and what to do about it; and the same with the proof.
#[test]
fn a_failure_that_is_unproven_says_why() {
    const MOMENT: Duration = Duration::from_secs(2);
    let used = || {
        let mut talk = Talk::new(3, 4);
        talk.handshake().exchange("/warm", 64).idle(MOMENT);
        talk
    };
    // The backend said something before the proxy closed.
    let mut gap = used();
    gap.data(Proxy, &get("/a")).ack(Backend).idle(MOMENT);
    let whole = gap.clone().close(Proxy).frames.clone();
    gap.data(Backend, b"x");
    gap.frames.pop();
    gap.fin(Proxy).ack(Backend).fin(Backend).ack(Proxy);
    // The snap length cut the head of what the proxy gave up on, sooner than it shows that it waited.
    let mut waited = used();
    waited
        .data(Proxy, &post_head("/a-long-target-and-more-of-it", 9))
        .data(Proxy, b"its body.")
        .ack(Backend)
        .idle(Duration::from_millis(100))
        .close(Proxy);
    // The backend had a part of the request when the proxy closed.
    let part = |acknowledged: bool| {
        let mut talk = Talk::new(3, 4);
        talk.handshake().data(Proxy, &post_head("/up", 300)).ack(Backend);
        talk.data_unheard(Proxy, &[b'b'; 300]);
        if acknowledged {
            talk.arrives(Backend).ack(Backend);
        }
        talk.idle(MOMENT).fin_unheard(Proxy).idle(MOMENT).ack(Backend);
        talk.frames
    };
    // A FIN that may have been sent before the request as well.
    let fin = |again: bool| {
        let mut talk = used();
        if again {
            talk.fin_unheard(Backend);
            talk.frames.pop();
            talk.data(Proxy, &get("/a")).ack(Backend).fin_again(Backend).arrives(Proxy);
        } else {
            talk.data(Proxy, &get("/a")).ack(Backend).fin(Backend);
        }
        talk.fin(Proxy).frames.clone()
    };
    for (frames, reason, words, fix, (proven, cause)) in [
        (
            pcap(&gap.frames),
            "capture_gap",
            "packets are missing where it matters",
            "capture again without losses",
            (pcap(&whole), "response_timeout"),
        ),
        (
            cut_to(&waited.frames, 80),
            "heads_cut",
            "the snap length cut the heads",
            "a longer snap length: `tcpdump -s 0`",
            (pcap(&waited.frames), "response_timeout"),
        ),
        (
            pcap(&part(false)),
            "proxy_closed_first",
            "it timed out, or its client left",
            "compare the wait with the proxy's read timeout",
            (pcap(&part(true)), "response_timeout"),
        ),
        (
            pcap(&fin(true)),
            "several_readings",
            "its packets can be read in more than one way",
            "capture on the other host as well",
            (pcap(&fin(false)), "closed_in_flight"),
        ),
    ] {
        let report = read(frames).unwrap();
        let found: Vec<_> = report.failures.iter().map(said).collect();
        assert_eq!(found, failure("unproven", "possible", "unknown"), "{reason}");
        let one = &report.failures[0];
        assert_eq!(one.detail["reason"], reason);
        assert!(one.summary.ends_with(words), "{}", one.summary);
        assert!(one.fix.contains(fix), "{}", one.fix);
        let causes: Vec<_> =
            read(proven).unwrap().failures.iter().map(|one| one.cause.name()).collect();
        assert_eq!(causes, [cause], "{reason}");
    }
}

/// A listener that answers 502 hides its backends, or speaks to them otherwise than in HTTP.
#[test]
fn a_gateway_that_speaks_to_something_is_not_said_to_speak_to_nobody() {
    let mut front = Talk::new(3, 4).between(([10, 0, 0, 77], 50_000), ([10, 0, 0, 9], 80));
    front.handshake().data(Proxy, &get("/a.php")).ack(Backend);
    front.data(Backend, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").ack(Proxy);
    front.close(Proxy);
    let mut behind = Talk::new(1, 2).between(([10, 0, 0, 9], 40_000), ([10, 0, 0, 1], 9_000));
    behind.handshake().data(Proxy, b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0").ack(Backend);
    behind.close(Backend);
    let suspects =
        |talks: &[Talk]| all(talks).notes.iter().any(|note| note.code == "unix_socket_possible");
    assert!(suspects(&[front.clone()]));
    assert!(!suspects(&[front, behind]));
}
