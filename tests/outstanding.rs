//! Requests that nobody answers and that no close ends, as far as was captured: what else shows that they failed.

use crate::cli::document;
use crate::conversations::{Expected, failure};
use crate::events::{SECOND, millis};
use crate::properties::cut_to;
use crate::scenarios::{analyze, icmp_error, read, said};
use crate::timers::goes_on;
use crate::wire::{self, End, Frame, Talk, get, ok};
use End::{Backend, Proxy};
use serde_json::Value;
use std::time::Duration;
use why502::inside::report::Report;

const PROXY: [u8; 4] = [10, 0, 0, 9];
/// When each copy of a segment that nobody acknowledges is sent, after the one before.
const AGAIN: [u64; 6] = [200, 200, 400, 800, 1_600, 3_200];

fn found(report: &Report) -> Vec<Expected> {
    report.failures.iter().map(said).collect()
}

/// A request on a connection that worked before, sent again so many times.
fn repeated(times: usize) -> Talk {
    let mut talk = Talk::new(3, 4).on_port(41_000).after(SECOND);
    talk.handshake().exchange("/warm", 64).idle(millis(100));
    talk.data_unheard(Proxy, &get("/lost"));
    for wait in &AGAIN[..times] {
        talk.idle(millis(*wait)).again(Proxy, &get("/lost"));
    }
    talk
}

/// What a client asks of the proxy, and gets after a while; begun when `talk` had sent its first copy.
fn client(target: &str, after: Duration, wait: Duration, status: u16) -> Talk {
    let answer = format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n").into_bytes();
    let mut talk = Talk::new(77, 78).between(([10, 0, 0, 77], 50_000), (PROXY, 80)).after(after);
    talk.handshake().data(Proxy, &get(target)).ack(Backend).idle(wait);
    talk.data(Backend, &answer).ack(Proxy).close(Proxy);
    talk
}

/// Requests that go well on both legs, so that it shows who the proxy is.
fn well() -> Vec<Talk> {
    let both = |index: u16| {
        let (target, at) = (format!("/well/{index}"), millis(100) * u32::from(index));
        let mut front = Talk::new(u32::from(index) * 9 + 500, 77)
            .between(([10, 0, 0, 77], 51_000 + index), (PROXY, 80))
            .after(at);
        front.handshake().data(Proxy, &get(&target)).ack(Backend).idle(millis(20));
        front.data(Backend, &ok(0)).ack(Proxy).close(Proxy);
        let mut back =
            Talk::new(u32::from(index) * 7 + 9, 99).on_port(42_000 + index).after(at + millis(2));
        back.handshake().exchange(&target, 0).close(Proxy);
        [front, back]
    };
    (0..3_u16).flat_map(both).collect()
}

fn beside(talks: &[&Talk]) -> Report {
    let well = well();
    let all: Vec<&Talk> = talks.iter().copied().chain(&well).collect();
    analyze(&wire::together(&all))
}

fn at(frames: &[Frame], from: usize) -> Duration {
    Duration::from_nanos(frames[from].at - frames[0].at)
}

#[test]
fn a_request_that_was_repeated_for_long_without_a_word_is_lost() {
    for (times, expected) in
        [(0, vec![]), (2, vec![]), (3, vec![]), (6, failure("silent_drop", "likely", "unknown"))]
    {
        let report = analyze(&repeated(times).frames);
        assert_eq!(found(&report), expected, "{times}");
        let open = report.notes.iter().any(|note| note.code == "unanswered_at_end");
        assert_eq!(open, expected.is_empty(), "{times}");
    }
}

#[test]
fn a_request_that_came_through_at_last_is_answered() {
    let mut talk = repeated(5);
    talk.arrives(Backend).data(Backend, &ok(64)).ack(Proxy);
    assert_eq!(found(&analyze(&talk.frames)), []);
    // Acknowledged, and still under way.
    let mut talk = repeated(6);
    talk.arrives(Backend).ack(Backend);
    assert_eq!(found(&analyze(&talk.frames)), []);
    // The backend is there, whatever it says.
    let mut talk = repeated(2);
    talk.ack(Backend);
    for wait in &AGAIN[2..] {
        talk.idle(millis(*wait)).again(Proxy, &get("/lost"));
    }
    assert_eq!(found(&analyze(&talk.frames)), []);
}

#[test]
fn a_backend_that_takes_no_more_for_now_has_lost_nothing() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).window(Backend, 0).ack(Backend).idle(millis(100));
    talk.data_unheard(Proxy, &get("/lost"));
    for wait in &AGAIN[..5] {
        talk.idle(millis(*wait)).again(Proxy, &get("/lost"));
    }
    let report = analyze(&talk.frames);
    assert!(report.failures.iter().all(|one| one.cause.name() != "silent_drop"));
}

#[test]
fn of_one_direction_nothing_is_claimed() {
    let talk = repeated(6);
    let from_proxy: Vec<Frame> =
        talk.frames.iter().filter(|frame| frame.bytes[26..30] == PROXY).cloned().collect();
    assert_eq!(found(&analyze(&from_proxy)), []);
}

#[test]
fn what_the_client_got_makes_it_sure() {
    // The client waits from a little before the request, for one second and a bit.
    let talk = repeated(5);
    let asked = SECOND + at(&talk.frames, 7) - millis(1);
    let front = client("/lost", asked, millis(1_250), 504);
    let report = beside(&[&talk, &front]);
    assert_eq!(found(&report), failure("silent_drop", "proven", "unknown"));
    assert_eq!(report.failures[0].client.as_ref().and_then(|client| client.status), Some(504));
    assert!(report.notes.iter().all(|note| note.code != "unanswered_at_end"));
    // With fewer repetitions it is no longer proven.
    let report = beside(&[&repeated(1), &front]);
    assert_eq!(found(&report), failure("silent_drop", "likely", "unknown"));
    // A client that was answered well had another one answer it.
    let fine = client("/lost", asked, millis(1_250), 200);
    assert_eq!(found(&beside(&[&repeated(3), &fine])), []);
    // The error of another request says nothing.
    let other = client("/other", asked, millis(1_250), 504);
    let causes: Vec<&str> =
        beside(&[&repeated(3), &other]).failures.iter().map(|one| one.cause.name()).collect();
    assert_eq!(causes, ["unproven"]);
}

#[test]
fn an_icmp_error_counts_that_quotes_the_request() {
    let talk = repeated(3);
    for (about, expected) in
        [(7, failure("silent_drop", "likely", "unknown")), (3, vec![]), (0, vec![])]
    {
        let mut frames = talk.frames.clone();
        let mut error = icmp_error(&talk.frames[about], 1);
        error.at = talk.now();
        frames.push(error);
        assert_eq!(found(&analyze(&frames)), expected, "about frame {}", about + 1);
    }
    // Of a number that was never sent.
    let mut frames = talk.frames.clone();
    let mut forged = icmp_error(&talk.frames[7], 1);
    forged.at = talk.now();
    let seq = forged.bytes.len() - 4;
    forged.bytes[seq] ^= 0x40;
    frames.push(forged);
    assert_eq!(found(&analyze(&frames)), []);
    // What was answered after all was delivered.
    let mut talk = repeated(3);
    let mut frames = talk.frames.clone();
    frames.push(icmp_error(&talk.frames[7], 1));
    let before = talk.frames.len();
    talk.idle(SECOND).arrives(Backend).data(Backend, &ok(64)).ack(Proxy);
    frames.extend_from_slice(&talk.frames[before..]);
    assert_eq!(found(&analyze(&frames)), []);
}

/// The proxy closes after a second, the backend's kernel acknowledges that, and the capture ends.
fn closed() -> Talk {
    let mut talk = Talk::new(3, 4).on_port(41_000).after(SECOND);
    talk.handshake().exchange("/warm", 64).data(Proxy, &get("/slow")).ack(Backend);
    talk.idle(SECOND).fin(Proxy).idle(millis(40)).ack(Backend);
    talk
}

#[test]
fn a_proxy_that_closed_and_answered_its_client_itself_has_given_up() {
    let talk = closed();
    let asked = SECOND + at(&talk.frames, 7) - millis(1);
    for (status, wait, expected) in [
        (504, millis(1_001), failure("response_timeout", "likely", "unsafe")),
        // Half of a connection that the proxy reads on: what it takes is not known yet.
        (200, millis(1_001), vec![]),
    ] {
        let front = client("/slow", asked, wait, status);
        assert_eq!(found(&beside(&[&talk, &front])), expected, "{status}");
    }
    let report = analyze(&talk.frames);
    assert_eq!(found(&report), []);
    assert!(report.notes.iter().any(|note| note.code == "unanswered_at_end"));
    // It closed when it was told to, or at another time.
    let told = |read| document(&talk.frames, &["--proxy-read", read]);
    assert_eq!(told("1s")["failures"][0]["cause"], "response_timeout");
    assert_eq!(told("1s")["failures"][0]["certainty"], "likely");
    assert_eq!(told("5s")["failures"], Value::Array(Vec::new()));
    // Seen for longer, it is known without its client.
    let longer = analyze(&wire::together(&[&talk, &goes_on(millis(500), SECOND * 5)]));
    assert_eq!(found(&longer), failure("response_timeout", "likely", "unsafe"));
}

#[test]
fn a_request_whose_head_was_cut_has_timed_out_where_all_that_was_sent_arrived() {
    let cut =
        |talk: &Talk, payload: usize| found(&read(cut_to(&talk.frames, 54 + payload)).unwrap());
    let asked = |request: &[u8], wait: Duration| {
        let mut talk = Talk::new(3, 4);
        talk.handshake().data(Proxy, request).ack(Backend);
        talk.idle(wait).fin(Proxy).ack(Backend).idle(SECOND).fin(Backend).ack(Proxy);
        talk
    };
    let slow = get("/slow?with=something-long-in-it");
    let timeout = |certainty, retry| failure("response_timeout", certainty, retry);
    assert_eq!(cut(&asked(&slow, SECOND), 56), timeout("likely", "unsafe"));
    assert_eq!(cut(&asked(&slow, SECOND), 5), timeout("likely", "unsafe"));
    // The rest of it may not have been sent, though there was time.
    let post = wire::post_head("/slow?with=something-long-in-it", 9);
    assert_eq!(cut(&asked(&post, SECOND), 56), timeout("possible", "unsafe"));
    // Too soon to be patience.
    assert_eq!(cut(&asked(&slow, millis(100)), 56), timeout("possible", "unsafe"));
    assert_eq!(cut(&asked(&post, millis(10)), 56), failure("unproven", "possible", "unknown"));
}

/// Though its head was cut: the backend's queue was full, and had room when the proxy had given up.
#[test]
fn a_request_whose_head_was_cut_may_have_waited_in_a_full_queue() {
    let mut talk = Talk::new(1, 2);
    let asked = get(&format!("/queued/{}", "a".repeat(90)));
    talk.handshake().data_unheard(Proxy, &asked);
    for _ in 0..3 {
        talk.idle(SECOND).again(Proxy, &asked).syn_ack_again();
    }
    talk.idle(SECOND * 2).again(Proxy, &asked).arrives(Backend).ack(Backend).close(Proxy);
    for frames in [wire::pcap(&talk.frames), cut_to(&talk.frames, 100)] {
        let report = read(frames).unwrap();
        let causes: Vec<_> = report.failures.iter().map(|one| one.cause.name()).collect();
        assert_eq!(causes, ["accept_queue_full"]);
    }
}
