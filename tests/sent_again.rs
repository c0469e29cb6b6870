//! A request that was lost and sent again on another connection: told where packets show it, and where nothing
//! else can be meant.

use crate::program::{stdout, why502};
use crate::scenarios::analyze;
use crate::wire::{self, End, Talk, get, pcap};
use End::{Backend, Proxy};
use serde_json::Value;
use std::fs;
use std::time::Duration;
use why502::inside::report::{FailureRecord, Report};
use why502::{Detail, TextLayout};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn talk(port: u16, at: Duration) -> Talk {
    let mut talk = Talk::new(u32::from(port) * 7, 99).on_port(port).after(at);
    talk.handshake();
    talk
}

fn ided(target: &str, id: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\nX-Request-Id: {id}\r\n\r\n")
        .into_bytes()
}

/// A request that the backend leaves without an answer 40 ms later.
fn cut(port: u16, at: Duration, request: &[u8]) -> Talk {
    let mut talk = talk(port, at);
    talk.data(Proxy, request).ack(Backend).idle(MS(40)).close(Backend);
    talk
}

/// One that is answered with `status` after `wait`.
fn answered(port: u16, at: Duration, request: &[u8], wait: Duration, status: u16) -> Talk {
    let mut talk = talk(port, at);
    let answer = format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n");
    talk.data(Proxy, request).ack(Backend).idle(wait);
    talk.data(Backend, answer.as_bytes()).ack(Proxy).close(Proxy);
    talk
}

fn fine(port: u16, at: Duration, request: &[u8]) -> Talk {
    answered(port, at, request, MS(3), 200)
}

fn report(talks: &[Talk]) -> Report {
    analyze(&wire::together(&talks.iter().collect::<Vec<_>>()))
}

/// Of each failure, in the order of its connections: the port of the repetition, and the status.
fn again(talks: &[Talk]) -> Vec<Option<(u16, Option<u16>)>> {
    let report = report(talks);
    let mut failures: Vec<&FailureRecord> = report.failures.iter().collect();
    failures.sort_by_key(|failure| failure.connection);
    // Connections are numbered by their first frames.
    let mut opened: Vec<(u64, u16)> =
        talks.iter().map(|talk| (talk.frames[0].at, talk.port())).collect();
    opened.sort_unstable();
    let of = |failure: &&FailureRecord| {
        let again = failure.sent_again?;
        Some((opened[again.connection as usize].1, again.status))
    };
    failures.iter().map(of).collect()
}

const NONE: Option<(u16, Option<u16>)> = None;
const AT: Duration = Duration::from_secs(10);
/// A moment after a request that began at the same time is lost.
const LOST: Duration = Duration::from_micros(41_000);

const fn well(port: u16) -> Option<(u16, Option<u16>)> {
    Some((port, Some(200)))
}

#[test]
fn a_repetition_is_told_with_its_frame_and_its_answer() {
    let (lost, sent) = (cut(1_001, AT, &get("/a")), fine(1_002, AT + LOST, &get("/a")));
    let report = report(&[lost.clone(), sent.clone()]);
    let failure = &report.failures[0];
    let again = failure.sent_again.unwrap();
    assert_eq!((again.connection, again.status, again.frame.capture), (1, Some(200), 0));
    // It follows on the handshake, after all frames of the first but the last ones.
    let frames = wire::together(&[&lost, &sent]);
    let frame = &frames[again.frame.number as usize - 1];
    assert_eq!(frame.at, sent.frames[3].at);
    let close = failure.close.as_ref().unwrap();
    assert_eq!(again.after_ns, frame.at - close.at.as_nanos());
    let json = serde_json::to_value(failure).unwrap();
    assert_eq!(json["sent_again"]["frame"]["number"], again.frame.number);
    let mut page = Vec::new();
    why502::write_text(&report, TextLayout::new(Detail::All, 96), &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains(" µs later on another connection: 200"), "{page}");
    assert!(page.contains("sent again "), "{page}");
}

#[test]
fn what_is_known_of_a_failure_is_the_same_without_its_repetition() {
    let (lost, sent) = (cut(1_001, AT, &get("/a")), fine(1_002, AT + LOST, &get("/a")));
    let (with, without) = (report(&[lost.clone(), sent]), report(&[lost]));
    let verdict = |report: &Report| {
        let one = &report.failures[0];
        (one.cause, one.certainty, one.retry, one.summary.clone(), one.fix.clone())
    };
    assert_eq!(verdict(&with), verdict(&without));
    assert!(with.failures[0].sent_again.is_some() && without.failures[0].sent_again.is_none());
}

#[test]
fn a_repetition_may_fail_or_stay_open_and_be_repeated_itself() {
    let get = get("/a");
    let again_cut = cut(1_002, AT + LOST, &get);
    assert_eq!(again(&[cut(1_001, AT, &get), again_cut.clone()]), [Some((1_002, None)), NONE]);
    let third = fine(1_003, AT + LOST * 2, &get);
    assert_eq!(
        again(&[cut(1_001, AT, &get), again_cut, third]),
        [Some((1_002, None)), well(1_003)]
    );
    let refused = answered(1_002, AT + LOST, &get, MS(3), 503);
    assert_eq!(
        again(&[cut(1_001, AT, &get), refused, fine(1_003, AT + MS(46), &get)]),
        [Some((1_002, Some(503))), well(1_003)]
    );
    let mut open = talk(1_002, AT + LOST);
    open.data(Proxy, &get).ack(Backend);
    assert_eq!(again(&[cut(1_001, AT, &get), open]), [Some((1_002, None))]);
}

#[test]
fn something_else_is_no_repetition() {
    let get = |target: &str| get(target);
    let post = b"POST /a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n";
    let host = b"GET /a HTTP/1.1\r\nHost: other.example\r\n\r\n";
    let lost = cut(1_001, AT, &get("/a"));
    for other in [&get("/b")[..], &get("/a?b")[..], &post[..], &host[..], &ided("/a", "1234567")] {
        assert_eq!(again(&[lost.clone(), fine(1_002, AT + LOST, other)]), [NONE]);
    }
    // Another proxy.
    let elsewhere = fine(1_002, AT + LOST, &get("/a"));
    let mut other =
        Talk::new(5, 9).between(([10, 0, 0, 8], 1_002), ([10, 0, 0, 1], 8080)).after(AT + LOST);
    other.handshake().exchange("/a", 0).close(Proxy);
    assert_eq!(again(&[lost.clone(), other]), [NONE]);
    assert_eq!(again(&[lost, elsewhere]), [well(1_002)]);
    // Other ids.
    let lost = cut(1_001, AT, &ided("/a", "1234567"));
    assert_eq!(again(&[lost.clone(), fine(1_002, AT + LOST, &ided("/a", "1234568"))]), [NONE]);
    assert_eq!(again(&[lost.clone(), fine(1_002, AT + LOST, &get("/a"))]), [NONE]);
    assert_eq!(again(&[lost, fine(1_002, AT + LOST, &ided("/a", "1234567"))]), [well(1_002)]);
}

#[test]
fn what_began_before_the_loss_or_much_later_is_no_repetition() {
    let get = get("/a");
    for after in [MS(0), MS(20), MS(38), MS(400), MS(2_000)] {
        let other = fine(1_002, AT + after, &get);
        assert_eq!(again(&[cut(1_001, AT, &get), other]), [NONE], "{after:?}");
    }
    for after in [MS(41), MS(60), MS(300)] {
        let other = fine(1_002, AT + after, &get);
        assert_eq!(again(&[cut(1_001, AT, &get), other]), [well(1_002)], "{after:?}");
    }
}

#[test]
fn what_has_an_id_is_known_again_later_and_from_another_address() {
    let (get, other) = (ided("/a", "8f2a6c01"), ided("/a", "00000000"));
    let lost = cut(1_001, AT, &get);
    let sent = fine(1_002, AT + MS(60_100), &get);
    assert_eq!(again(&[lost.clone(), sent.clone()]), [well(1_002)]);
    assert_eq!(again(&[lost.clone(), fine(1_002, AT + MS(200_000), &get)]), [NONE]);
    // Others that ask the same have other ids.
    let others = (0..50).map(|one| fine(2_000 + one, AT + MS(u64::from(one) * 2), &other));
    let crowd: Vec<Talk> = others.chain([lost.clone(), fine(1_002, AT + LOST, &get)]).collect();
    assert_eq!(again(&crowd), [well(1_002)]);
    // An id that many have is nobody's.
    let shared = |at: u64| fine(1_500 + (at / 1_000) as u16, MS(at), &get);
    let mut many: Vec<Talk> = [2_000, 5_000, 8_000, 12_000, 15_000].map(shared).to_vec();
    many.push(lost.clone());
    assert_eq!(again(&many), [NONE]);
    many.push(fine(1_002, AT + LOST, &get));
    assert_eq!(again(&many), [well(1_002)]);
    let between = |addr: u8, to: u8, at: Duration| {
        // With the same numbers it would be one connection, seen twice.
        let mut talk = Talk::new(u32::from(addr) * 1_000, u32::from(addr))
            .between(([10, 0, 0, addr], 1_002), ([10, 0, 0, to], 8080))
            .after(at);
        talk.handshake().data(Proxy, &get).ack(Backend).data(Backend, &wire::ok(0)).ack(Proxy);
        talk.close(Proxy);
        talk
    };
    // The proxy's other address, and later, and a backend that passes it on.
    assert_eq!(again(&[lost.clone(), between(8, 2, AT + LOST)]), [well(1_002)]);
    assert_eq!(again(&[lost.clone(), between(8, 2, AT + MS(900))]), [NONE]);
    assert!(again(&[lost.clone(), between(1, 2, AT + LOST)]).iter().all(Option::is_none));
    let two = [lost, between(8, 2, AT + LOST), between(7, 2, AT + LOST + MS(1))];
    assert_eq!(again(&two), [NONE]);
}

#[test]
fn the_same_connection_is_no_other() {
    // An error is answered, and the same asked again on the same connection.
    let mut talk = talk(1_001, AT);
    let error = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    talk.data(Proxy, &get("/a")).ack(Backend).data(Backend, error).ack(Proxy);
    talk.exchange("/a", 0).close(Proxy);
    assert_eq!(again(&[talk]), [NONE]);
}

#[test]
fn what_is_asked_all_the_time_is_no_repetition() {
    let get = get("/a");
    for every in [1_u64, 7, 50, 300, 800] {
        let count = 4_000 / every;
        let busy = (0..count.min(600)).map(|one| {
            let at = AT + MS(40) + MS(every * one) - MS(every * count.min(600) / 2);
            fine(2_000 + one as u16, at + Duration::from_micros(700), &get)
        });
        let talks: Vec<Talk> = busy.chain([cut(1_001, AT, &get)]).collect();
        assert_eq!(again(&talks), [NONE], "every {every} ms");
    }
    // Every 2 s, and once right after the loss.
    let calm = [4_u64, 6, 8, 12, 14].map(|at| fine(3_000 + at as u16, MS(at * 1_000), &get));
    let talks: Vec<Talk> =
        calm.into_iter().chain([cut(1_001, AT, &get), fine(1_002, AT + LOST, &get)]).collect();
    assert_eq!(again(&talks), [well(1_002)]);
    // What fails all the time is repeated by nobody either.
    let failing: Vec<Talk> =
        (0..12).map(|one| cut(3_000 + one, AT + MS(240) * u32::from(one), &get)).collect();
    assert!(again(&failing).iter().all(Option::is_none));
}

#[test]
fn which_of_two_it_is_stays_open() {
    let get = get("/a");
    let lost = cut(1_001, AT, &get);
    let sent = [1_002, 1_003].map(|port| fine(port, AT + LOST + MS(u64::from(port - 1_002)), &get));
    assert_eq!(again(&[lost.clone(), sent[0].clone(), sent[1].clone()]), [NONE]);
    // Two losses, and one request.
    let second = cut(1_004, AT + Duration::from_micros(50), &get);
    assert_eq!(again(&[lost.clone(), second.clone(), sent[0].clone()]), [NONE, NONE]);
    // Two and two are paired in the order of time.
    let all = [lost, second, sent[0].clone(), sent[1].clone()];
    assert_eq!(again(&all), [well(1_002), well(1_003)]);
}

#[test]
fn it_makes_no_difference_which_is_known_first() {
    let get = get("/a");
    // Answered, and so known, before the first connection ends; and long after.
    for wait in [MS(0), MS(100), MS(5_000)] {
        let sent = answered(1_002, AT + LOST, &get, wait, 200);
        assert_eq!(again(&[cut(1_001, AT, &get), sent]), [well(1_002)], "{wait:?}");
    }
    // The reset that settles the first comes late: what is known of it is booked after the second.
    let mut lost = talk(1_001, AT);
    lost.data(Proxy, &get).ack(Backend).idle(MS(40)).fin(Backend).ack(Proxy).idle(MS(500));
    lost.fin(Proxy).ack(Backend);
    assert_eq!(again(&[lost, fine(1_002, AT + LOST, &get)]), [well(1_002)]);
}

/// Of more requests that are alike than there is room for, those that came first are told.
#[test]
fn what_has_no_room_is_not_told() {
    let get = get("/a");
    let pair = |one: u16| {
        let at = Duration::from_secs(3) * u32::from(one);
        [cut(2_000 + one * 2, at, &get), fine(2_001 + one * 2, at + LOST, &get)]
    };
    let talks: Vec<Talk> = (0..1_100).flat_map(pair).collect();
    let told = again(&talks);
    let first = told.iter().take_while(|one| one.is_some()).count();
    assert!((1_020..1_025).contains(&first), "{first}");
    assert!(told[first..].iter().all(Option::is_none) && told.len() == 1_100);
}

#[test]
fn a_connect_asks_nothing_and_so_nothing_again() {
    let mut refused = Talk::new(7, 99).on_port(1_001).after(AT);
    refused.refuse();
    assert_eq!(again(&[refused, fine(1_002, AT + MS(1), &get("/a"))]), [NONE]);
}

#[test]
fn a_repetition_that_is_seen_later_comes_as_a_revision() {
    let (lost, sent) = (cut(1_001, AT, &get("/a")), fine(1_002, AT + LOST, &get("/a")));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.pcap");
    // What ends the capture is far enough from the loss for that to be told before.
    let last = fine(1_003, AT * 2, &get("/b"));
    fs::write(&path, pcap(&wire::together(&[&lost, &sent, &last]))).unwrap();
    let run = |format: &str| {
        let output = why502(&["analyze", "--format", format, path.to_str().unwrap()]).output();
        stdout(&output.unwrap())
    };
    let json: Value = serde_json::from_str(&run("json")).unwrap();
    let again = &json["failures"][0]["sent_again"];
    assert_eq!(again["status"], 200, "{json}");
    let text = run("jsonl");
    let records: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| records.iter().find(|one| one["type"] == kind).unwrap();
    assert_eq!(of("failure")["sent_again"], Value::Null);
    assert_eq!(&of("revision")["sent_again"], again);
}
