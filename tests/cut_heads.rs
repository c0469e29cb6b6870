//! Heads that the snap length cut (`tcpdump -s 96`, mirrors that cut to the MTU): what is judged by turns, what is
//! not, and that the captures of `captures/`, cut, are told nothing else than the whole ones.

use crate::captures::captures;
use crate::conversations::{Expected, failure};
use crate::program::{run, stdout};
use crate::properties::cut_to;
use crate::scenarios::{rank, read, said};
use crate::wire::{End, Frame, Talk, get, ok_head, post_head};
use End::{Backend, Proxy};
use std::fs;
use std::time::Duration;
use why502::inside::report::{FailureRecord, Report};

const SECOND: Duration = Duration::from_secs(1);
/// Headers of a frame here: Ethernet, IPv4, TCP without options.
const HEADERS: usize = 54;
/// So much of a payload leaves method and path, or the status; no head here is as short.
const PAYLOADS: [usize; 4] = [16, 20, 24, 30];

/// A conversation whose first request was answered, and the connection went idle.
fn used() -> Talk {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).idle(SECOND * 2);
    talk
}

fn report(talk: &Talk, payload: usize) -> Report {
    read(cut_to(&talk.frames, HEADERS + payload)).unwrap()
}

fn found(talk: &Talk, payload: usize) -> Vec<Expected> {
    report(talk, payload).failures.iter().map(said).collect()
}

/// What the program says of frames that were cut, with options; and how it exits.
fn told(talk: &Talk, payload: usize, options: &[&str]) -> (serde_json::Value, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pcap");
    fs::write(&path, cut_to(&talk.frames, HEADERS + payload)).unwrap();
    let arguments = ["analyze", "--format", "json", path.to_str().unwrap()];
    let output = run(&[&arguments, options].concat());
    (serde_json::from_str(&stdout(&output)).unwrap(), output.status.code())
}

#[test]
fn a_close_that_crosses_a_request_is_proven_by_its_numbers() {
    let mut talk = used();
    talk.fin_unheard(Backend).data(Proxy, &get("/raced"));
    talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
    let mut stale = used();
    stale.fin(Backend).ack(Proxy).idle(SECOND).data_unheard(Proxy, &get("/stale"));
    stale.rst_in_reply(Backend);
    for payload in PAYLOADS {
        assert_eq!(found(&talk, payload), failure("keepalive_race", "proven", "safe"), "{payload}");
        assert_eq!(found(&stale, payload), failure("stale_reuse", "proven", "safe"), "{payload}");
    }
}

#[test]
fn what_got_no_answer_is_likely_and_all_of_it_was_received() {
    let mut closed = used();
    closed.data(Proxy, &get("/crash")).ack(Backend).idle(SECOND).close(Backend);
    let mut reset = used();
    reset.data(Proxy, &get("/crash")).ack(Backend).idle(SECOND).rst(Backend);
    let mut slow = used();
    slow.data(Proxy, &get("/slow")).ack(Backend).idle(SECOND * 2).close(Proxy);
    for payload in PAYLOADS {
        for (talk, cause) in [
            (&closed, "closed_in_flight"),
            (&reset, "reset_in_flight"),
            (&slow, "response_timeout"),
        ] {
            assert_eq!(found(talk, payload), failure(cause, "likely", "unsafe"), "{payload}");
        }
        let (document, _) = told(&closed, payload, &[]);
        assert_eq!(document["failures"][0]["close"]["request_received"], "all");
    }
}

/// What follows the answer is told from what follows the request.
#[test]
fn an_upload_in_segments_is_one_request() {
    let mut talk = used();
    talk.data(Proxy, &post_head("/up", 900)).data(Proxy, &[b'P'; 600]).data(Proxy, &[b'P'; 300]);
    talk.ack(Backend).idle(SECOND).close(Backend);
    let mut early = used();
    early.data(Proxy, &post_head("/up", 900)).data(Proxy, &[b'b'; 600]).ack(Backend);
    early.data(Backend, &ok_head(0)).data(Proxy, &[b'b'; 300]).ack(Backend);
    early
        .idle(SECOND)
        .data(Proxy, &get("/next"))
        .ack(Backend)
        .data(Backend, &ok_head(0))
        .ack(Proxy);
    early.close(Proxy);
    for payload in PAYLOADS {
        let report = report(&talk, payload);
        assert_eq!(report.counters.exchanges, 2, "{payload}");
        assert_eq!(found(&talk, payload), failure("closed_in_flight", "likely", "unsafe"));
        assert!(found(&early, payload).is_empty(), "{payload}");
    }
}

/// The usual ends of a connection harm nobody, and what cannot be seen of them is not called sound.
#[test]
fn usual_ends_are_no_failures() {
    let asked = |method: &[u8]| {
        let mut talk = used();
        talk.data(Proxy, method).ack(Backend);
        talk
    };
    let answer =
        b"HTTP/1.1 200 OK\r\nX-Long-Header: abcdefghijklmnopqrst\r\nConnection: close\r\n\r\n";
    let mut announced = asked(&get("/last"));
    announced.data(Backend, answer).fin(Backend).ack(Proxy).fin(Proxy).ack(Backend);
    let mut idle = asked(&get("/last"));
    idle.data(Backend, answer).ack(Proxy).idle(SECOND * 5).close(Backend);
    let mut by_proxy = asked(&get("/last"));
    by_proxy.data(Backend, answer).ack(Proxy).close(Proxy);
    let mut head =
        asked(b"HEAD /last HTTP/1.1\r\nHost: shop.example\r\nX-Long: abcdefghijkl\r\n\r\n");
    head.data(Backend, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Long: abcdefg\r\n\r\n")
        .ack(Proxy);
    head.close(Backend);
    let mut streamed = asked(&get("/events"));
    streamed.data(Backend, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ack(Proxy);
    for _ in 0..3 {
        streamed.idle(SECOND * 2).data(Backend, &[b'e'; 400]).ack(Proxy);
    }
    streamed.idle(SECOND).data(Proxy, &get("/next")).ack(Backend);
    streamed.data(Backend, answer).ack(Proxy).close(Proxy);
    let mut interim = asked(&post_head("/up", 300));
    interim.data(Backend, b"HTTP/1.1 100 Continue\r\nX-Long: abcdefghijkl\r\n\r\n").ack(Proxy);
    interim.data(Proxy, &[b'b'; 300]).ack(Backend).data(Backend, answer).ack(Proxy).close(Proxy);
    let mut pipelined = used();
    pipelined.data_unheard(Proxy, &get("/one")).data(Proxy, &get("/two")).ack(Backend);
    pipelined.data(Backend, answer).data(Backend, answer).fin(Backend).ack(Proxy).fin(Proxy);
    let all = [announced, idle, by_proxy, head, streamed, interim, pipelined];
    for (number, talk) in all.iter().enumerate() {
        for payload in [2, 5, 12, 16, 24, 30] {
            for options in [&[][..], &["--backend", "10.0.0.1:8080"]] {
                let (document, exit) = told(talk, payload, options);
                assert_eq!(document["failures"].as_array().unwrap().len(), 0, "{number} {payload}");
                assert_ne!(exit, Some(1), "{number} {payload}");
                assert!(!document["unread"].as_array().unwrap().is_empty(), "{number} {payload}");
            }
        }
        // Begun later, the same.
        for frame in 1..talk.frames.len() {
            let late = read(cut_to(&talk.frames[frame..], HEADERS + 24)).unwrap();
            let found: Vec<_> = late.failures.iter().filter(|one| is_sure(one)).map(said).collect();
            assert_eq!(found, [], "{number} from {frame}");
        }
    }
}

/// An older version closes unless it says otherwise, in a line that may be cut away.
#[test]
fn an_older_version_announces_no_close_where_its_head_was_cut() {
    let mut talk = used();
    let answer = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nyes";
    talk.data(Proxy, &get("/old")).ack(Backend).data(Backend, answer).ack(Proxy).idle(SECOND * 2);
    talk.data_unheard(Proxy, &get("/lost")).rst_in_reply(Backend).arrives(Proxy);
    assert_eq!(found(&talk, 2_000), failure("silent_drop", "likely", "unknown"));
    for payload in [16, 17, 24, 36, 44] {
        for one in found(&talk, payload) {
            assert_eq!(one.cause, "silent_drop", "{payload}");
        }
    }
}

/// Whether an answer has a body depends on its request, which was not captured.
#[test]
fn an_answer_whose_request_was_missed_is_not_too_short() {
    let mut talk = Talk::new(3, 4);
    talk.handshake();
    let asked = b"HEAD /file HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\nX-Long-Header: abcdefghijkl\r\n\r\n";
    talk.data(Proxy, asked).ack(Backend).data(Backend, answer).ack(Proxy).close(Backend);
    for payload in [16, 24, 38, 44, 50, 60, 70] {
        for from in 1..talk.frames.len() {
            let late = read(cut_to(&talk.frames[from..], HEADERS + payload)).unwrap();
            let found: Vec<_> = late.failures.iter().map(said).collect();
            assert_eq!(found, [], "{payload} from {from}");
        }
        let mut missed = talk.frames.clone();
        missed.remove(3);
        let report = read(cut_to(&missed, HEADERS + payload)).unwrap();
        assert!(report.failures.is_empty(), "{payload}: {:?}", said(&report.failures[0]));
    }
}

fn is_sure(failure: &FailureRecord) -> bool {
    failure.certainty.name() == "proven"
}

/// The length was captured, and what came is shorter whatever the rest of the head says.
#[test]
fn an_answer_is_too_short_where_its_length_was_captured() {
    let head =
        b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\nDate: Fri, 20 Nov 2026 16:24:49 GMT\r\n\r\n";
    let mut cut = used();
    cut.data(Proxy, &get("/cut")).ack(Backend);
    cut.data(Backend, &[&head[..], &[b'y'; 900]].concat()).ack(Proxy).idle(SECOND);
    let (mut stalled, mut whole) = (cut.clone(), cut.clone());
    cut.close(Backend);
    stalled.idle(SECOND).close(Proxy);
    // With what may be the rest of its head it may be whole.
    for _ in 0..20 {
        whole.data(Backend, &[b'y'; 955]).ack(Proxy);
    }
    whole.close(Backend);
    // The line is whole, or the digits of the number are.
    for payload in [38, 44, 60] {
        assert_eq!(found(&cut, payload), failure("truncated_response", "likely", "unsafe"));
        let summary = report(&cut, payload).failures.remove(0).summary;
        assert!(summary.contains("at most 9"), "{summary}");
        assert!(summary.contains("20,000 bytes"), "{summary}");
        assert_eq!(found(&stalled, payload), failure("stalled", "likely", "unsafe"));
        assert!(found(&whole, payload).is_empty(), "{payload}");
    }
    // Where the length is not there it cannot be told: not judged, and not called sound.
    for talk in [&cut, &stalled] {
        let (document, exit) = told(talk, 30, &[]);
        assert_eq!((document["failures"].as_array().unwrap().len(), exit), (0, Some(2)));
        assert_eq!(document["unread"][0]["what"], "heads_cut");
    }
}

#[test]
fn a_status_that_was_captured_is_told_and_one_that_was_not_is_not_called_sound() {
    let mut talk = used();
    let bad = b"HTTP/1.1 503 Service Unavailable\r\nServer: none\r\nContent-Length: 0\r\n\r\n";
    talk.data(Proxy, &get("/bad")).ack(Backend).data(Backend, bad).ack(Proxy).idle(SECOND);
    talk.exchange("/next", 64).close(Proxy);
    for payload in [12, 16, 24, 30] {
        assert_eq!(
            found(&talk, payload),
            failure("backend_error", "likely", "unsafe"),
            "{payload}"
        );
    }
    let (document, exit) = told(&talk, 11, &[]);
    assert_eq!((document["failures"].as_array().unwrap().len(), exit), (0, Some(2)));
}

/// `-s 68` leaves two letters of a payload behind headers with time stamps.
#[test]
fn two_letters_are_judged_where_the_backend_was_named() {
    let mut raced = used();
    raced.fin_unheard(Backend).data(Proxy, &get("/raced"));
    raced.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
    let mut crash = Talk::new(3, 4);
    crash.handshake().data(Proxy, &get("/crash")).ack(Backend).idle(SECOND).close(Backend);
    for payload in [2, 3, 4] {
        for (talk, cause, retry) in
            [(&raced, "keepalive_race", "unknown"), (&crash, "closed_in_flight", "unsafe")]
        {
            let (document, exit) = told(talk, payload, &["--backend", "10.0.0.1:8080"]);
            let one = &document["failures"][0];
            assert_eq!((&one["cause"], &one["certainty"]), (&cause.into(), &"likely".into()));
            assert_eq!((&one["retry"], exit), (&retry.into(), Some(1)));
            assert_eq!(one["request"]["target"], serde_json::Value::Null);
            let (document, exit) = told(talk, payload, &[]);
            assert_eq!((document["failures"].as_array().unwrap().len(), exit), (0, Some(2)));
            assert_eq!(document["unread"][0]["what"], "heads_cut");
        }
    }
    // What answers in another way is none: of a backend that was named it is judged by its turns all the same.
    let mut other = Talk::new(3, 4);
    other.handshake().data(Proxy, b"PASS secret and more of it").ack(Backend);
    other.data(Backend, b"+OK welcome, and so on").ack(Proxy).data(Proxy, b"GET 1 and more");
    other.ack(Backend).close(Backend);
    let (document, exit) = told(&other, 2, &["--backend", "10.0.0.1:8080"]);
    assert_eq!((document["failures"].as_array().unwrap().len(), exit), (1, Some(1)));
    assert_eq!(told(&other, 2, &[]).1, Some(2));
}

#[test]
fn a_target_that_was_cut_is_told_as_such() {
    let mut talk = used();
    talk.data(Proxy, &get("/orders/17?token=s3cret&page=2"))
        .ack(Backend)
        .idle(SECOND)
        .close(Backend);
    for (payload, target, cut) in [
        (8, "/ord", true),
        (24, "/orders/17", true),
        (33, "/orders/17?token=…", true),
        (50, "/orders/17?token=…&page=2", false),
    ] {
        let (document, _) = told(&talk, payload, &[]);
        let request = &document["failures"][0]["request"];
        assert_eq!((&request["method"], &request["target"]), (&"GET".into(), &target.into()));
        assert_eq!(request.get("target_cut").is_some(), cut, "{payload}");
        let summary = document["failures"][0]["summary"].as_str().unwrap();
        assert_eq!(summary.contains(&format!("GET {target}…")), cut, "{summary}");
    }
}

/// The frames of a classic capture, little-endian; `None` of another one.
fn frames_of(file: &[u8]) -> Option<Vec<Frame>> {
    let number = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
    let unit = match number(0)? {
        0xa1b2_c3d4 => 1_000,
        0xa1b2_3c4d => 1,
        _ => return None,
    };
    // Ethernet, as `cut_to` writes it.
    (number(20)? == 1).then_some(())?;
    let (mut frames, mut at) = (Vec::new(), 24);
    while let (Some(seconds), Some(rest), Some(length)) =
        (number(at), number(at + 4), number(at + 8))
    {
        let bytes = file.get(at + 16..at + 16 + length as usize)?.to_vec();
        frames
            .push(Frame { at: u64::from(seconds) * 1_000_000_000 + u64::from(rest) * unit, bytes });
        at += 16 + length as usize;
    }
    Some(frames)
}

/// What of the whole a cut capture's failure may be: of the same connection and place on it.
fn before<'w>(whole: &'w Report, now: &FailureRecord) -> Option<&'w FailureRecord> {
    let key = |one: &FailureRecord| (one.connection, one.ordinal);
    whole.failures.iter().find(|one| key(one) == key(now))
}

/// Never another cause, never surer, hardly anything missed; and the same timers.
#[test]
fn captures_that_are_cut_are_told_what_the_whole_ones_are() {
    for (snap, least) in [(96, 85), (128, 93)] {
        let (mut right, mut all, mut timers) = (0_usize, 0_usize, 0_usize);
        let mut wrong = Vec::new();
        for capture in captures() {
            let Some(frames) = frames_of(&fs::read(&capture).unwrap()) else { continue };
            let whole = read(cut_to(&frames, 65_535)).unwrap();
            let cut = read(cut_to(&frames, snap)).unwrap();
            let name = format!("{} at {snap}", capture.display());
            let clean = cut.failures.is_empty() && cut.unread.is_empty();
            if !whole.failures.is_empty() && clean {
                wrong.push(format!("{name}: called clean"));
            }
            for now in &cut.failures {
                match before(&whole, now) {
                    Some(was) if was.cause == now.cause || now.cause.name() == "unproven" => {
                        let surer = rank(now.certainty.name()) > rank(was.certainty.name());
                        let safer = now.retry.name() == "safe" && was.retry.name() != "safe";
                        if surer || safer {
                            wrong.push(format!("{name}: {:?} was {:?}", said(now), said(was)));
                        }
                        right += usize::from(was.cause == now.cause);
                    }
                    Some(was) if rank(now.certainty.name()) < rank(was.certainty.name()) => {}
                    was => wrong.push(format!("{name}: {:?} was {:?}", said(now), was.map(said))),
                }
            }
            all += whole.failures.len();
            for backend in &whole.backends {
                let observed = |report: &Report| {
                    let same = report.backends.iter().find(|one| one.backend == backend.backend)?;
                    same.backend_keepalive.as_ref()?.observed_ns
                };
                let (Some(was), Some(now)) = (observed(&whole), observed(&cut)) else { continue };
                timers += 1;
                if was.abs_diff(now) > (was / 25).max(30_000_000) {
                    wrong.push(format!("{name}: a timer of {now} ns was {was}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(right * 100 >= all * least, "{snap}: {right} of {all}");
        assert!(timers > 0, "{snap}");
        eprintln!("{snap}: {right} of {all}, {timers} timers");
    }
}
