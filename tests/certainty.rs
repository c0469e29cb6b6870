//! Never more than the frames show: how sure a cause is that has another reading, when a retry is called
//! safe, what is a probe, a scan, an event, a proxy, and how many lines of a log one exchange explains.

use crate::program::why502;
use crate::scenarios::analyze;
use crate::wire::{self, End, Talk, get, ok, pcap, post_head};
use End::{Backend, Proxy};
use serde_json::Value;
use std::fs;
use std::time::Duration;
use why502::inside::report::Report;

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;

fn at(port: u16, when: Duration) -> Talk {
    Talk::new(u32::from(port) << 8, u32::from(port) << 9).on_port(port).after(when)
}

fn all(talks: &[Talk]) -> Report {
    analyze(&wire::together(&talks.iter().collect::<Vec<_>>()))
}

/// Cause, certainty and retry of each failure.
fn said(report: &Report) -> Vec<(&'static str, &'static str, &'static str)> {
    report
        .failures
        .iter()
        .map(|one| (one.cause.name(), one.certainty.name(), one.retry.name()))
        .collect()
}

/// A connection that was idle for so long before its last request, which the backend acknowledges and
/// closes upon, so long after.
fn closed(port: u16, idle: Duration, wait: Duration) -> Talk {
    let mut talk = at(port, Duration::ZERO);
    talk.handshake().exchange("/warm", 64).idle(idle);
    talk.data(Proxy, &get("/last")).ack(Backend).idle(wait).close(Backend);
    talk
}

#[test]
fn a_close_right_after_a_request_on_a_used_connection_has_two_readings() {
    let certainty = |idle, wait| {
        let report = all(&[closed(40_000, idle, wait)]);
        assert_eq!(report.failures[0].cause.name(), "closed_in_flight");
        let other = report.failures[0].detail.get("or") == Some(&"keepalive_race".into());
        assert_eq!(other, report.failures[0].summary.contains("keep-alive race"));
        (report.failures[0].certainty.name(), other)
    };
    assert_eq!(certainty(MS(300), MS(1)), ("likely", true), "no timer is so short");
    assert_eq!(certainty(SECS(5), MS(1)), ("possible", true), "a timer may have fired");
    assert_eq!(certainty(SECS(5), MS(80)), ("possible", true), "a slow loop");
    assert_eq!(certainty(MS(300), MS(80)), ("proven", false));
    assert_eq!(certainty(SECS(5), MS(300)), ("proven", false), "it was being worked on");
}

#[test]
fn a_connection_that_was_idle_for_longer_speaks_against_a_timer() {
    let mut longer = at(41_000, Duration::ZERO);
    longer.handshake().exchange("/a", 64).idle(SECS(20)).exchange("/b", 64).close(Proxy);
    let report = all(&[closed(40_000, SECS(5), MS(1)), longer]);
    assert_eq!(said(&report), [("closed_in_flight", "likely", "unsafe")]);
    // Three closes at that time are a timer.
    let idle = |port| {
        let mut talk = at(port, Duration::ZERO);
        talk.handshake().exchange("/a", 64).idle(SECS(5)).close(Backend);
        talk
    };
    let report = all(&[closed(40_000, SECS(5), MS(1)), idle(42_000), idle(42_001), idle(42_002)]);
    assert_eq!(said(&report), [("keepalive_race", "likely", "unsafe")]);
    // Two are none, and no proof that there is none.
    let report = all(&[closed(40_000, SECS(5), MS(1)), idle(42_000), idle(42_001)]);
    assert_eq!(said(&report), [("closed_in_flight", "possible", "unsafe")]);
}

#[test]
fn a_long_way_makes_a_later_close_as_unsure() {
    let far = |way: Duration, wait| {
        let mut talk = at(40_000, Duration::ZERO);
        talk.syn_and_wait(way).exchange("/warm", 64).idle(MS(300));
        talk.data(Proxy, &get("/last")).ack(Backend).idle(wait).close(Backend);
        all(&[talk]).failures[0].certainty.name()
    };
    assert_eq!(far(MS(200), MS(300)), "likely");
    assert_eq!(far(MS(200), MS(500)), "proven");
    assert_eq!(far(MS(1), MS(300)), "proven");
}

#[test]
fn a_connection_begun_before_the_capture_may_have_been_used() {
    for (wait, certainty) in [(MS(1), "possible"), (SECS(3), "proven")] {
        let mut talk = at(40_000, Duration::ZERO);
        talk.handshake().data(Proxy, &get("/last")).ack(Backend).idle(wait).close(Backend);
        assert_eq!(said(&all(&[talk.clone()])), [("closed_in_flight", "proven", "unsafe")]);
        talk.frames.drain(..3);
        assert_eq!(said(&all(&[talk])), [("closed_in_flight", certainty, "unsafe")]);
    }
}

#[test]
fn only_the_backends_own_reset_of_the_request_makes_a_retry_safe() {
    let crossing = |then: fn(&mut Talk)| {
        let mut talk = at(40_000, Duration::ZERO);
        talk.handshake().exchange("/warm", 64).idle(SECS(2));
        talk.fin_unheard(Backend).data(Proxy, &post_head("/pay", 0));
        then(&mut talk);
        said(&all(&[talk]))
    };
    let race = |retry| [("keepalive_race", "proven", retry)];
    assert_eq!(crossing(|talk| _ = talk.rst_in_reply(Backend)), race("safe"));
    // Half closed, it may have read on; the reset answers the proxy's FIN.
    let upon_fin = |talk: &mut Talk| {
        talk.idle(MS(300)).arrives(Proxy).fin_unheard(Proxy).rst_in_reply(Backend);
    };
    assert_eq!(crossing(upon_fin), race("unknown"));
    // Unless it came sooner after the backend's FIN than the proxy's can have been answered.
    let mut far = at(40_000, Duration::ZERO);
    far.syn().idle(MS(20)).syn_ack().ack(Proxy).exchange("/warm", 64).idle(SECS(2));
    far.fin_unheard(Backend).data(Proxy, &post_head("/pay", 0)).arrives(Proxy).ack(Proxy);
    far.idle(MS(8)).rst_in_reply(Backend);
    assert_eq!(said(&all(&[far])), race("safe"));
    // As late as this it may answer a copy.
    assert_eq!(crossing(|talk| _ = talk.idle(SECS(2)).rst_in_reply(Backend)), race("unknown"));
    let again = |talk: &mut Talk| {
        talk.idle(MS(300)).again(Proxy, &post_head("/pay", 0)).rst_in_reply(Backend);
    };
    assert_eq!(crossing(again), race("unknown"));
    // Something between has its own time to live.
    assert_eq!(crossing(|talk| _ = talk.rst_foreign(Backend, 250)), race("unknown"));
    // Half closed, its host took the request before it refused: somebody may have read it.
    assert_eq!(crossing(|talk| _ = talk.ack(Backend).rst_in_reply(Backend)), race("unknown"));
    let numbered = |talk: &mut Talk| {
        let number = talk.heard(Proxy);
        talk.stray(Backend, wire::RST, (number, 0), b"", 250);
    };
    assert_eq!(crossing(numbered), race("unknown"));
    assert_eq!(crossing(|talk| _ = talk.arrives(Proxy).fin(Proxy)), race("unknown"));
}

fn post(port: u16, when: Duration, method: &str, answered: bool) -> Talk {
    let mut talk = at(port, when);
    let request = format!("{method} /pay HTTP/1.1\r\nHost: bank\r\nContent-Length: 1\r\n\r\n1");
    talk.handshake().data(Proxy, request.as_bytes()).ack(Backend);
    if answered {
        talk.data(Backend, &ok(2)).ack(Proxy).close(Proxy);
    } else {
        talk.idle(MS(200)).close(Backend);
    }
    talk
}

#[test]
fn what_asks_for_something_to_be_done_is_no_probe_however_steady() {
    for method in ["POST", "GET"] {
        let one = |index: u16| post(40_000 + index, SECS(10) * index.into(), method, index % 3 < 2);
        let report = all(&(0..18).map(one).collect::<Vec<_>>());
        assert_eq!(said(&report), [("closed_in_flight", "proven", "unsafe"); 6], "{method}");
    }
}

#[test]
fn a_probe_known_by_its_period_alone_is_as_safe_to_retry_as_any_request() {
    let not_found = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let one = |index: u16| {
        let mut talk = at(40_000 + index, SECS(2) * index.into());
        talk.handshake().data(Proxy, &get("/health")).ack(Backend);
        talk.data(Backend, not_found).ack(Proxy).close(Proxy);
        talk
    };
    let report = all(&(0..8).map(one).collect::<Vec<_>>());
    assert_eq!(said(&report), [("health_check_failing", "likely", "unsafe")]);
    assert_eq!(
        report.failures[0].proxy.unwrap().to_string(),
        "10.0.0.9:0",
        "they came from many ports"
    );
}

#[test]
fn a_probe_that_is_missing_from_the_row_or_in_a_wrong_place_hides_no_period() {
    let row = |times: &[u64]| {
        let one = |(index, when): (usize, &u64)| {
            let mut talk = at(40_000 + index as u16, MS(*when));
            talk.syn().refuse();
            talk
        };
        let report = all(&times.iter().enumerate().map(one).collect::<Vec<_>>());
        report.failures.len()
    };
    let steady: Vec<u64> = (0..11).map(|index| index * 2_000).collect();
    assert_eq!(row(&steady), 1);
    for place in 1..10 {
        let mut missing = steady.clone();
        missing.remove(place);
        assert_eq!(row(&missing), 1, "without {place}");
        let mut displaced = steady.clone();
        displaced[place] -= 1_500;
        assert_eq!(row(&displaced), 1, "{place} in a wrong place");
    }
}

#[test]
fn a_host_that_is_down_is_no_scan() {
    let port = |index: u16| 8_000 + index;
    let to = |index: u16, round: u16| {
        let when = SECS(5) * u32::from(round);
        at(30_000 + 100 * round + index, when)
            .between(([10, 0, 0, 9], 30_000 + 100 * round + index), ([10, 0, 0, 1], port(index)))
    };
    let worked = (0..20).map(|index| {
        let mut talk = to(index, 0);
        talk.handshake().exchange("/a", 10).close(Proxy);
        talk
    });
    let refused = (1..4).flat_map(|round| (0..20).map(move |index| (index, round)));
    let refused = refused.map(|(index, round)| {
        let mut talk = to(index, round);
        talk.syn().refuse();
        talk
    });
    let report = all(&worked.chain(refused).collect::<Vec<_>>());
    assert_eq!(report.failures.len(), 60);
    assert!(report.failures.iter().all(|one| one.cause.name() == "connection_refused"));
    assert!(report.notes.iter().all(|note| note.code != "scan"));
}

/// One host is refused at so many addresses and ports, so many times each; whether something else answers
/// it. Returns failures told, and scans.
fn refused(ends: impl Fn(u8) -> ([u8; 4], u16), times: u16, works: bool) -> (usize, usize) {
    let mut talks = Vec::new();
    for index in 0..20_u8 {
        for round in 0..times {
            let from = ([10, 0, 0, 9], 30_000 + 100 * round + u16::from(index));
            let when = SECS(7) * u32::from(round * round) + MS(u64::from(index));
            let mut talk = at(from.1, when).between(from, ends(index));
            talk.syn().refuse();
            talks.push(talk);
        }
    }
    if works {
        let mut talk =
            at(45_000, Duration::ZERO).between(([10, 0, 0, 9], 45_000), ([10, 0, 0, 2], 80));
        talk.handshake().exchange("/a", 10).close(Proxy);
        talks.push(talk);
    }
    let report = all(&talks);
    let scans = report.notes.iter().filter(|note| note.code == "scan").count();
    (report.failures.len(), scans)
}

#[test]
fn a_scan_is_one_source_many_ends_and_nothing_that_ever_worked() {
    let ports = |index: u8| ([10, 0, 0, 1], 8_000 + u16::from(index));
    let hosts = |index: u8| ([10, 0, 1, index], 80);
    assert_eq!(refused(ports, 1, false), (0, 1));
    assert_eq!(refused(hosts, 1, false), (0, 1));
    assert_eq!(refused(ports, 4, false), (80, 0), "it comes back again and again");
    assert_eq!(refused(ports, 1, true), (20, 0), "a proxy that works, and a host that is down");
}

/// Two requests to a listener, during each of which its host asks another for `asks`; then they die.
fn asking(asks: &str, die: bool) -> Report {
    let mut fine = at(39_000, Duration::ZERO);
    fine.handshake().exchange("/ping", 10).close(Proxy);
    let mut talks = vec![fine];
    for index in 0..4_u16 {
        let when = SECS(u64::from(index));
        let mut one = at(40_000 + index, when);
        one.handshake().data(Proxy, &get(&format!("/order/{index}"))).ack(Backend).idle(MS(20));
        let mut other = at(50_000 + index, when + MS(5))
            .between(([10, 0, 0, 1], 50_000 + index), ([10, 0, 0, 3], 80));
        other.handshake().exchange(&asks.replace('N', &index.to_string()), 10).close(Proxy);
        if die {
            one.idle(MS(200)).close(Backend);
        } else {
            one.data(Backend, &ok(10)).ack(Proxy).close(Proxy);
        }
        talks.extend([one, other]);
    }
    all(&talks)
}

#[test]
fn a_backend_that_asks_others_is_judged_and_a_proxy_that_passes_on_is_none() {
    let backends = |report: &Report| -> Vec<String> {
        report.backends.iter().map(|one| one.backend.to_string()).collect()
    };
    let report = asking("/stock/N", true);
    assert_eq!(said(&report), [("closed_in_flight", "proven", "unsafe"); 4]);
    // What it needs beside is no backend of the proxy's.
    assert_eq!(backends(&report), ["10.0.0.1:8080"]);
    // What it is asked itself it passes on: that is a proxy's front.
    let report = asking("/order/N", false);
    assert_eq!(backends(&report), ["10.0.0.3:80"]);
    assert!(said(&report).is_empty());
}

#[test]
fn what_works_meanwhile_speaks_against_an_outage() {
    let unanswered = |port: u16| {
        let mut talk = at(port, SECS(1));
        talk.syn().idle(SECS(1)).syn_again().idle(SECS(2)).syn_again();
        talk
    };
    let mut down: Vec<Talk> = (0..4).map(|index| unanswered(41_000 + index)).collect();
    let mut before = at(40_000, Duration::ZERO);
    before.handshake().exchange("/a", 10).close(Proxy);
    down.push(before);
    assert_eq!(all(&down).events.len(), 1, "nothing worked");
    // A connection from before goes on to be answered.
    let mut works = at(40_500, Duration::ZERO);
    works.handshake().exchange("/a", 10).idle(SECS(3)).exchange("/b", 10);
    works.idle(SECS(5)).exchange("/c", 10).close(Proxy);
    down.push(works);
    let report = all(&down);
    assert!(report.events.is_empty(), "{:?}", report.events);
    assert_eq!(said(&report), [("connect_timeout", "proven", "safe"); 4]);
}

#[test]
fn requests_that_wait_for_the_same_time_are_no_restart() {
    let waits = |port: u16, wait| {
        let mut talk = at(port, Duration::ZERO);
        talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(wait).close(Backend);
        talk
    };
    let alike: Vec<Talk> = (0..3).map(|index| waits(40_000 + index, SECS(30))).collect();
    assert!(all(&alike).events.is_empty());
    // One that was idle at that moment had no such limit.
    let mut idle = at(41_000, Duration::ZERO);
    idle.handshake().exchange("/a", 10).idle(SECS(30)).close(Backend);
    let report = all(&[alike, vec![idle]].concat());
    assert_eq!(report.events.len(), 1);
}

#[test]
fn a_proxy_that_bore_longer_pauses_has_not_lost_patience() {
    let events = |last: Duration| {
        let mut talk = at(40_000, Duration::ZERO);
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        talk.handshake().data(Proxy, &get("/events")).ack(Backend).data(Backend, head).ack(Proxy);
        for _ in 0..3 {
            talk.idle(SECS(5)).data(Backend, b"4\r\ntick\r\n").ack(Proxy);
        }
        talk.idle(last).fin(Proxy).ack(Backend).idle(SECS(1)).rst(Backend);
        said(&all(&[talk]))
    };
    assert_eq!(events(SECS(3)), [("client_gone", "possible", "unsafe")]);
    assert_eq!(events(SECS(60)), [("stalled", "likely", "unsafe")]);
}

/// Half closed, a proxy can still take all of the answer, and end the connection then.
#[test]
fn an_answer_that_was_taken_whole_behind_a_close_is_no_stall() {
    let rest = |end: fn(&mut Talk)| {
        let mut talk = at(40_000, Duration::ZERO);
        let (begin, rest) = (&ok(64)[..60], &ok(64)[60..]);
        talk.handshake().data(Proxy, &get("/slow")).ack(Backend).data(Backend, begin).ack(Proxy);
        talk.idle(SECS(2)).fin(Proxy).ack(Backend).idle(MS(100)).data(Backend, rest);
        end(&mut talk);
        said(&all(&[talk]))
    };
    assert_eq!(rest(|talk| _ = talk.ack(Proxy).rst(Proxy)), []);
    assert_eq!(rest(|talk| _ = talk.rst_in_reply(Proxy)), [("stalled", "likely", "unsafe")]);
}

/// What is still on its way may be the rest of it, which such a proxy did not need any more.
#[test]
fn a_proxy_that_resets_as_the_capture_ends_has_not_broken_an_answer_off() {
    let mut talk = at(40_000, Duration::ZERO);
    talk.handshake().data(Proxy, &get("/big")).ack(Backend).data(Backend, &ok(64)[..60]);
    talk.ack(Proxy).idle(MS(50)).rst(Proxy);
    let mut later = at(41_000, SECS(3));
    later.handshake().exchange("/on", 10).close(Proxy);
    assert_eq!(said(&all(&[talk.clone()])), []);
    assert_eq!(said(&all(&[talk, later])), [("client_gone", "possible", "unsafe")]);
}

/// Numbered behind a FIN that was not captured, which the proxy may have known of.
#[test]
fn a_reset_behind_a_close_that_may_be_missing_is_no_proven_race() {
    for missed in [false, true] {
        let mut talk = at(40_000, Duration::ZERO);
        talk.handshake().exchange("/warm", 64).idle(SECS(2));
        if missed {
            talk.fin_unheard(Backend).frames.pop();
        }
        talk.data_unheard(Proxy, &get("/last")).rst(Backend);
        let sure = if missed { ("unproven", "possible") } else { ("keepalive_race", "proven") };
        let report = all(&[talk]);
        let told = &report.failures[0];
        assert_eq!((told.cause.name(), told.certainty.name()), sure, "{missed}");
    }
}

#[test]
fn a_window_that_is_zero_for_a_moment_is_no_proof_of_a_stall() {
    let full = |silence: Duration| {
        let mut talk = at(40_000, Duration::ZERO);
        talk.handshake().data(Proxy, &post_head("/up", 5_000)).data(Proxy, &[b'u'; 1_000]);
        talk.window(Backend, 0).ack(Backend).idle(silence).rst(Proxy);
        said(&all(&[talk]))
    };
    assert_eq!(full(MS(600))[0], ("stalled", "likely", "unknown"));
    assert_eq!(full(SECS(3))[0], ("stalled", "proven", "unknown"));
}

#[test]
fn a_connect_before_and_after_address_translation_fails_once() {
    let unanswered = |server: [u8; 4], later: Duration| {
        let mut talk =
            Talk::new(77, 88).between(([10, 0, 0, 9], 40_000), (server, 80)).after(later);
        talk.syn().idle(SECS(1)).syn_again().idle(SECS(2)).syn_again();
        talk
    };
    let outside = unanswered([10, 96, 0, 9], Duration::ZERO);
    let inside = unanswered([10, 0, 0, 9], Duration::from_micros(20));
    let report = all(&[inside, outside]);
    assert_eq!(said(&report), [("connect_timeout", "proven", "safe")]);
    assert_eq!(report.failures[0].backend.unwrap().to_string(), "10.96.0.9:80");
    // No translation takes so long: they are two.
    let report = all(&[unanswered([10, 96, 0, 9], SECS(30)), unanswered([10, 0, 0, 9], SECS(0))]);
    assert_eq!(report.failures.len(), 2);
}

#[test]
fn an_early_answer_that_the_proxy_does_not_take_may_be_lost_to_the_reset_behind_it() {
    let upload = |keeps: bool| {
        let mut talk = at(40_000, Duration::ZERO);
        talk.handshake().data(Proxy, &post_head("/up", 50_000)).data(Proxy, &[b'u'; 1_000]);
        let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        talk.data(Backend, refusal).ack(Proxy).data(Proxy, &[b'u'; 1_000]);
        if keeps {
            talk.idle(SECS(5)).rst(Backend);
        } else {
            talk.fin(Proxy).idle(SECS(5)).rst(Backend);
        }
        said(&all(&[talk]))
    };
    assert_eq!(upload(true), [("upload_cut_short", "possible", "unsafe")]);
    assert!(upload(false).is_empty(), "it had closed upon the answer");
}

/// One race, and lines of a log that say 502 for its target in that second.
fn logged(lines: usize) -> Value {
    let mut race = at(40_000, Duration::ZERO);
    race.handshake().exchange("/warm", 64).idle(SECS(5));
    race.fin_unheard(Backend).data(Proxy, &get("/race")).rst_in_reply(Backend);
    let folder = tempfile::tempdir().unwrap();
    let (capture, log) = (folder.path().join("c.pcap"), folder.path().join("a.log"));
    fs::write(&capture, pcap(&race.frames)).unwrap();
    let line =
        "10.0.0.7 - - [20/Nov/2026:12:00:05 +0000] \"GET /race HTTP/1.1\" 502 157 \"-\" \"x\"\n";
    fs::write(&log, line.repeat(lines)).unwrap();
    let mut command = why502(&["analyze", "--format", "json", "--access-log"]);
    let output = command.arg(log).arg(capture).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn one_exchange_explains_one_line() {
    let one = logged(1);
    assert_eq!(one["log"]["causes"]["keepalive_race"], 1, "{}", one["log"]);
    let many = logged(20);
    assert!(many["log"]["causes"]["keepalive_race"].is_null(), "{}", many["log"]["causes"]);
    assert_eq!(many["log"]["answers"]["ambiguous"], 20);
    assert_eq!(many["failures"][0]["cause"], "keepalive_race");
}

#[test]
fn an_idle_timeout_that_bounds_the_answer_is_not_lowered() {
    let page = why502(&["timeouts", "alb"]).output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("Value=60") && page.contains("do not lower it"), "{page}");
    let page = why502(&["timeouts", "nginx"]).output().unwrap();
    assert!(!String::from_utf8(page.stdout).unwrap().contains("do not lower it"));
}

#[test]
fn what_may_be_sent_again_whatever_became_of_it_is_not_called_unsafe() {
    let advice = |request: &[u8]| {
        let mut talk = at(40_000, Duration::ZERO);
        talk.handshake().data(Proxy, request).ack(Backend).idle(MS(300)).close(Backend);
        let folder = tempfile::tempdir().unwrap();
        let capture = folder.path().join("c.pcap");
        fs::write(&capture, pcap(&talk.frames)).unwrap();
        let output = why502(&["analyze", "--verbose"]).arg(capture).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = advice(&get("/a"));
    assert!(text.contains("retry    only if idempotent (GET is). "), "{text}");
    assert!(text.contains("Retry: only if idempotent, as GET is. "), "{text}");
    let text = advice(&post_head("/a", 0));
    assert!(text.contains("Retry: only if idempotent. "), "{text}");
    assert!(!text.contains("ot safe to retry"), "{text}");
}
