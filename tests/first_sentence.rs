//! The first sentence and the exit status: what was not read is said before any number, and no answer is
//! clean where nothing was judged.

use crate::program::{stderr, stdout, why502};
use crate::scenarios::analyze;
use crate::wire::{self, End, Frame, Talk, get, ok, pcap};
use End::{Backend, Proxy};
use serde_json::Value;
use std::fs;
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, Settings};
use why502::inside::flow::Limits;
use why502::inside::input::Savefile;
use why502::inside::ledger::What;
use why502::inside::report::{AnalysisOutcome, Report};

const SECOND: Duration = Duration::from_secs(1);

/// A connection of its own, `seconds` after noon.
fn at(port: u16, seconds: u32) -> Talk {
    let number = 1_000 * u32::from(port);
    Talk::new(number, number + 500).on_port(port).after(SECOND * seconds)
}

fn sound(port: u16, seconds: u32) -> Talk {
    let mut talk = at(port, seconds);
    talk.handshake().exchange("/a", 10).exchange("/b", 10).close(Proxy);
    talk
}

/// One whose messages are these.
fn of(port: u16, messages: &[(End, &[u8])]) -> Talk {
    let mut talk = at(port, 1);
    talk.handshake();
    for (from, message) in messages {
        talk.data(*from, message).ack(if *from == Proxy { Backend } else { Proxy });
    }
    talk.close(Proxy);
    talk
}

/// A handshake record, an answer to it, and records of application data.
fn tls(port: u16) -> Talk {
    let hello = [&[0x16, 3, 1, 0, 44, 1, 0, 0, 40, 3, 3][..], &[7; 38]].concat();
    let answer =
        [&[0x16, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3][..], &[7; 32], &[0, 0xc0, 0x2f, 0]].concat();
    let data = [&[0x17, 3, 3, 0, 60][..], &[9; 60]].concat();
    of(port, &[(Proxy, &hello), (Backend, &answer), (Proxy, &data), (Backend, &data)])
}

/// What is said on either stream, and the exit status; `before` is put in front of the file's name.
fn say(frames: &[Frame], before: &[&str]) -> (String, String, i32) {
    say_of(&pcap(frames), before)
}

fn say_of(capture: &[u8], before: &[&str]) -> (String, String, i32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.pcap");
    fs::write(&path, capture).unwrap();
    let output = why502(&["analyze"]).args(before).arg(&path).output().unwrap();
    (stdout(&output), stderr(&output), output.status.code().unwrap())
}

/// The first paragraph, as one line.
fn first(text: &str) -> String {
    text.split("\n\n").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn headline(report: &Report) -> String {
    report.headline().text()
}

fn read(talks: &[&Talk]) -> Report {
    analyze(&wire::together(talks))
}

#[test]
fn a_sound_capture_has_no_failure_and_nothing_else_to_say() {
    let (text, errors, code) = say(&sound(40_000, 0).frames, &[]);
    assert_eq!(first(&text), "No failure among 2 requests.");
    assert_eq!((errors.as_str(), code), ("", 0));
}

#[test]
fn tls_that_nobody_named_is_not_judged_and_never_clean() {
    for options in [&[][..], &["--exit-zero"]] {
        let (text, errors, code) = say(&tls(40_000).frames, options);
        let said = first(&text);
        assert!(
            said.starts_with("Nothing could be judged: TLS on 1 connection to 10.0.0.1:8080, 2"),
            "{said}"
        );
        assert!(said.contains("--access-log FILE"), "what to do: {said}");
        assert_eq!(code, 2, "{options:?}");
        assert_eq!(errors.trim_end(), format!("why502: {said}"), "the same words");
    }
    let (json, ..) = say(&tls(40_000).frames, &["--format", "json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["judged"]["exchanges"], 0);
    let unread = &report["unread"][0];
    assert_eq!((&unread["what"], &unread["connections"]), (&"tls".into(), &1.into()));
    assert_eq!(unread["backend"], "10.0.0.1:8080");
    assert_eq!(unread["bytes"], 49 + 47 + 65 + 65);
    assert!(!unread["advice"].as_str().unwrap().is_empty());
}

/// Who speaks shows in TLS as well, what is said does not.
#[test]
fn tls_that_was_named_is_judged_by_turns_and_says_what_that_leaves_open() {
    let (text, _, code) = say(&tls(40_000).frames, &["--backend", ":8080"]);
    assert_eq!((first(&text).as_str(), code), ("No failure among 1 request.", 0));
    assert!(text.contains("a 5xx of the backend itself does not show"), "{text}");
}

#[test]
fn what_was_not_read_on_a_backend_stands_before_what_was_judged() {
    let preface = of(40_001, &[(Proxy, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]);
    let other = of(40_002, &[(Proxy, &[0, 0, 0, 8, 4, 210]), (Backend, &[0, 0, 0, 1, 9])]);
    for (unread, name) in
        [(&preface, "HTTP/2 on"), (&other, "not HTTP on"), (&tls(40_003), "TLS on")]
    {
        let report = read(&[&sound(40_000, 0), unread]);
        let said = headline(&report);
        assert_eq!(report.outcome(), AnalysisOutcome::Sound, "{said}");
        assert!(said.starts_with("Not judged: ") && said.contains(name), "{said}");
        assert!(said.ends_with(" No failure among 2 requests."), "{said}");
        let mut cut = at(40_009, 3);
        cut.handshake().data(Proxy, &get("/cut")).ack(Backend).close(Backend);
        let report = read(&[&sound(40_000, 0), unread, &cut]);
        let said = headline(&report);
        assert!(said.starts_with("Not judged: "), "{said}");
        assert!(said.ends_with(" 1 of 3 requests failed."), "{said}");
    }
}

/// The proxy's host has more to do than to reach backends, and others reach other things.
#[test]
fn what_is_not_on_a_backend_is_a_note_and_not_in_the_first_sentence() {
    let banner: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";
    let mut ssh = at(40_001, 1).between(([10, 0, 0, 9], 40_001), ([10, 0, 0, 1], 22));
    ssh.handshake().data(Backend, banner).ack(Proxy).data(Proxy, banner).ack(Backend).close(Proxy);
    let mut stranger = at(40_002, 1).between(([10, 0, 0, 55], 40_002), ([10, 0, 0, 1], 7000));
    stranger.handshake().data(Proxy, &[0, 0, 0, 8]).ack(Backend).data(Backend, &[1]).close(Proxy);
    let report = read(&[&sound(40_000, 0), &ssh, &stranger]);
    assert_eq!(headline(&report), "No failure among 2 requests.");
    assert!(report.unread.is_empty());
    let note = report.notes.iter().find(|note| note.code == "not_judged").unwrap();
    assert!(note.text.contains("10.0.0.1:22") && note.text.contains("10.0.0.1:7000"));
    // A known proxy connects there: it may be a backend like the other.
    let mut own = at(40_002, 1).between(([10, 0, 0, 9], 40_002), ([10, 0, 0, 1], 7000));
    own.handshake().data(Proxy, &[0, 0, 0, 8]).ack(Backend).data(Backend, &[1]).close(Proxy);
    let report = read(&[&sound(40_000, 0), &own]);
    assert!(headline(&report).starts_with("Not judged: traffic that is not HTTP on 1 connection"));
}

#[test]
fn a_backend_that_nobody_uses_is_named_with_the_servers_that_there_are() {
    let (text, errors, code) = say(&sound(40_000, 0).frames, &["--backend", ":9999"]);
    let said = first(&text);
    assert_eq!(said, "No connection to :9999; HTTP servers seen: 10.0.0.1:8080.");
    assert_eq!((errors.trim_end(), code), (format!("why502: {said}").as_str(), 2));
    let (text, _, code) = say(&tls(40_000).frames, &["--backend", ":9999"]);
    assert_eq!(first(&text), "No connection to :9999; seen instead: 10.0.0.1:8080.");
    assert_eq!(code, 2);
}

#[test]
fn without_any_connection_it_says_what_there_is_instead() {
    let (text, errors, code) = say(&[], &[]);
    assert!(first(&text).starts_with("Nothing could be judged: no TCP connection among 0 frames"));
    assert_eq!((errors.lines().count(), code), (1, 2));
    let mut arp = at(40_000, 0);
    arp.syn();
    arp.frames[0].bytes[12..14].copy_from_slice(&[8, 6]);
    let (text, _, code) = say(&arp.frames, &[]);
    assert!(first(&text).contains("no TCP connection among 1 frame (skipped: not ip 1)"), "{text}");
    assert_eq!(code, 2);
}

#[test]
fn connects_without_a_request_are_no_clean_answer() {
    let mut talk = at(40_000, 0);
    talk.handshake().idle(SECOND).close(Proxy);
    let (text, _, code) = say(&talk.frames, &[]);
    assert!(first(&text).contains("no request was seen on 1 TCP connection"), "{text}");
    assert_eq!(code, 2);
    let mut refused = at(40_000, 0);
    refused.refuse();
    assert_eq!(say(&refused.frames, &[]).2, 1, "a failed connect was judged");
}

/// Frames cut so that no byte of any payload is left.
fn snapped(frames: &[Frame], length: usize) -> Vec<u8> {
    let mut file = pcap(&[]);
    for frame in frames {
        let kept = frame.bytes.len().min(length);
        let (seconds, rest) = (frame.at / 1_000_000_000, frame.at % 1_000_000_000);
        for field in [seconds as u32, rest as u32, kept as u32, frame.bytes.len() as u32] {
            file.extend_from_slice(&field.to_le_bytes());
        }
        file.extend_from_slice(&frame.bytes[..kept]);
    }
    file
}

#[test]
fn payload_of_which_no_byte_was_captured_is_still_payload() {
    let mut failing = sound(40_000, 0);
    let mut cut = at(40_001, 3);
    cut.handshake().data(Proxy, &get("/cut")).ack(Backend).close(Backend);
    failing.frames.extend(cut.frames);
    let (text, _, code) = say_of(&snapped(&failing.frames, 54), &[]);
    let said = first(&text);
    assert!(said.contains("on 2 connections to 10.0.0.1:8080 was captured"), "{said}");
    assert!(said.contains("tcpdump -s 0") && !said.contains("No failure"), "{said}");
    assert_eq!(code, 2);
    // Of a backend that was named it is known that who asks there wants an answer.
    let (text, _, code) = say_of(&snapped(&failing.frames, 54), &["--backend", ":8080"]);
    assert!(first(&text).contains("1 of 3 requests failed"), "{text}");
    assert!(!text.contains("proven"), "{text}");
    assert_eq!(code, 1);
    let (json, ..) = say_of(&snapped(&failing.frames, 54), &["--format", "json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["unread"][0]["what"], "no_payload");
}

#[test]
fn one_direction_alone_is_not_judged() {
    let mut talks: Vec<Talk> = (0..3).map(|index| sound(40_000 + index, index.into())).collect();
    for talk in &mut talks {
        talk.frames.retain(|frame| frame.bytes[26..30] == [10, 0, 0, 9]);
    }
    let talks: Vec<&Talk> = talks.iter().collect();
    let (text, _, code) = say(&wire::together(&talks), &[]);
    let said = first(&text);
    assert!(said.contains("only one direction captured of 3 connections"), "{said}");
    assert!(!said.contains("No failure"), "{said}");
    assert_eq!(code, 2);
}

/// Of a connection from before the capture, its last word and nothing else: the answer may only not have
/// come yet.
#[test]
fn a_single_request_shows_no_missing_direction() {
    let mut waiting = at(40_001, 2);
    waiting.handshake().frames.clear();
    waiting.data(Proxy, &get("/last"));
    let said = headline(&read(&[&sound(40_000, 0), &waiting]));
    assert!(said.contains("1 request to 10.0.0.1:8080, not answered yet when"), "{said}");
}

#[test]
fn a_request_that_waits_when_the_capture_ends_is_not_sound() {
    let mut waiting = at(40_001, 2);
    waiting.handshake().data(Proxy, &get("/slow")).ack(Backend);
    let report = read(&[&sound(40_000, 0), &waiting]);
    let said = headline(&report);
    assert!(said.contains("1 request to 10.0.0.1:8080, not answered yet when"), "{said}");
    assert!(said.ends_with("No failure among 2 requests."), "{said}");
    assert_eq!((report.judged.exchanges, report.unread[0].requests), (2, 1));
}

#[test]
fn requests_whose_answers_lie_in_a_gap_are_not_sound() {
    let mut talk = sound(40_000, 0);
    // The last answer, and what acknowledges it is there.
    let answers: Vec<usize> = (0..talk.frames.len())
        .filter(|at| talk.frames[*at].bytes.len() > 60 && talk.frames[*at].bytes[29] == 1)
        .collect();
    talk.frames.remove(*answers.last().unwrap());
    let report = analyze(&talk.frames);
    let said = headline(&report);
    assert!(
        said.starts_with("Not judged: 1 request to 10.0.0.1:8080, where packets are missing"),
        "{said}"
    );
    assert!(said.ends_with("No failure among 1 request."), "{said}");
}

#[test]
fn what_was_given_up_at_a_bound_is_unread() {
    let mut talks: Vec<Talk> = (0..6).map(|index| at(40_000 + index, index.into())).collect();
    for talk in &mut talks {
        talk.handshake().exchange("/a", 10);
    }
    let frames = wire::together(&talks.iter().collect::<Vec<_>>());
    let flow = Limits { connections: 2, ..Limits::default() };
    let source =
        Savefile::from_reader(Box::new(Cursor::new(pcap(&frames))), "c.pcap".to_owned(), 0)
            .unwrap();
    let settings = Settings { flow, ..Settings::default() };
    let report = analysis::analyze(&mut [source], settings, &mut |_| {}).unwrap();
    let said = headline(&report);
    assert!(said.starts_with("Not judged: ") && said.contains("given up at a bound"), "{said}");
    assert_eq!(report.unread[0].what, What::Bound);
}

#[test]
fn probes_of_health_are_no_requests() {
    let probe = b"GET /health HTTP/1.1\r\nHost: a\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n";
    let probes: Vec<Talk> = (0..4)
        .map(|index| {
            let mut talk = at(41_000 + index, 10 * u32::from(index));
            talk.handshake().data(Proxy, probe).ack(Backend).data(Backend, &ok(2)).ack(Proxy);
            talk.close(Proxy);
            talk
        })
        .collect();
    let sound = sound(40_000, 0);
    let mut talks: Vec<&Talk> = probes.iter().collect();
    assert_eq!(
        headline(&read(&talks)),
        "No failure among 4 health checks; no other request was seen."
    );
    talks.push(&sound);
    let report = read(&talks);
    assert_eq!(headline(&report), "No failure among 2 requests.");
    assert_eq!((report.judged.exchanges, report.judged.probes), (6, 4));
    let (text, ..) = say(&wire::together(&talks), &["--verbose"]);
    assert!(text.contains("2 requests and 4 health checks, 5 connections"), "{text}");
}
