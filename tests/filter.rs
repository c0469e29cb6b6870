//! `--filter`, in a program built with libpcap.

use crate::program::{RACE, run, stderr, stdout, why502};
use crate::wire::{End, Frame, Talk, get, pcap, together};
use std::fs::{self, File};
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, RecordOptions, Settings};
use why502::inside::input::{Filter, Savefile, SourceError};
use why502::inside::report::records::Record;
use why502::inside::report::{Report, Skipped};

/// A backend that crashes with a request in hand, of a proxy on this port, so many seconds from noon.
fn crash(port: u16, seconds: u64) -> Talk {
    let isn = u32::from(port) * 1_000;
    let mut talk = Talk::new(isn, !isn).on_port(port).after(Duration::from_secs(seconds));
    talk.handshake().data(End::Proxy, &get("/crash")).ack(End::Backend).close(End::Backend);
    talk
}

fn filtered(captures: &[Vec<u8>], expression: &str) -> Result<Report, SourceError> {
    let filter = Filter::new(expression)?;
    let mut sources = Vec::new();
    for (file, place) in captures.iter().zip(0..) {
        let file = Box::new(Cursor::new(file.clone()));
        sources.push(filter.on(Savefile::from_reader(file, "file".to_owned(), place)?));
    }
    analysis::analyze(&mut sources, Settings::default(), &mut |_| {})
}

/// Frames of several link types in one pcapng capture, one interface each.
fn interfaces(parts: &[(u16, Vec<Frame>)]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let length = (padded as u32 + 12).to_le_bytes();
        let mut block = [&kind.to_le_bytes()[..], &length, body].concat();
        block.resize(padded + 8, 0);
        block.extend_from_slice(&length);
        block
    };
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let mut file = block(0x0a0d_0d0a, &section);
    for (link, _) in parts {
        file.extend(block(1, &[&link.to_le_bytes()[..], &[0; 6]].concat()));
    }
    for ((_, frames), interface) in parts.iter().zip(0_u32..) {
        for frame in frames {
            let (at, len) = (frame.at / 1_000, frame.bytes.len() as u32);
            let fields = [interface, (at >> 32) as u32, at as u32, len, len].map(u32::to_le_bytes);
            file.extend(block(6, &[fields.as_flattened(), &frame.bytes].concat()));
        }
    }
    file
}

/// What stands in place of the Ethernet header.
fn relinked(frames: &[Frame], header: &[u8]) -> Vec<Frame> {
    let bytes = |frame: &Frame| [header, &frame.bytes[14..]].concat();
    frames.iter().map(|frame| Frame { at: frame.at, bytes: bytes(frame) }).collect()
}

#[test]
fn only_frames_that_the_filter_accepts_are_read_and_the_rest_is_counted() {
    let (one, other) = (crash(40_000, 0), crash(40_001, 0));
    let both = together(&[&one, &other]);
    let report = filtered(&[pcap(&both)], "tcp port 40001").unwrap();
    let clients: Vec<String> =
        report.failures.iter().map(|failure| failure.proxy.unwrap().to_string()).collect();
    assert_eq!(clients, ["10.0.0.9:40001"]);
    assert_eq!(report.counters.frames, both.len() as u64);
    assert_eq!(report.counters.segments, other.frames.len() as u64);
    assert_eq!(report.counters.skipped.of(Skipped::Filtered), one.frames.len() as u64);
    assert_eq!(report.captures[0].frames, both.len() as u64);
}

/// The frames named as evidence are found in the file, not in what the filter left of it.
#[test]
fn frame_numbers_stay_those_of_the_file() {
    let both = [crash(40_000, 0).frames, crash(40_001, 9).frames].concat();
    let numbers = |report: &Report| -> Vec<u64> {
        let failure = report.failures.last().unwrap();
        failure.frames.iter().map(|evidence| evidence.number).collect()
    };
    let whole = filtered(&[pcap(&both)], "").unwrap();
    let part = filtered(&[pcap(&both)], "port 40001").unwrap();
    assert_eq!((whole.failures.len(), part.failures.len()), (2, 1));
    assert!(whole.counters.skipped.is_empty());
    assert_eq!(numbers(&part), numbers(&whole));
}

#[test]
fn every_link_type_gets_a_program_of_its_own() {
    // At no constant period, which would make them probes.
    let talk = |index: u64| crash(40_000 + index as u16, index * (60 + 5 * index));
    let sll = [&[0, 0, 0, 1, 0, 6][..], &[2; 8], &[8, 0]].concat();
    let sll2 = [&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6][..], &[2; 8]].concat();
    let headers: [(u16, &[u8]); 8] = [
        (113, &sll),
        (276, &sll2),
        (101, &[]),
        (12, &[]),
        (14, &[]),
        (228, &[]),
        (0, &[2, 0, 0, 0]),
        (108, &[0, 0, 0, 2]),
    ];
    let mut parts = vec![(1, talk(0).frames)];
    for ((link, header), index) in headers.into_iter().zip(1..) {
        parts.push((link, relinked(&talk(index).frames, header)));
    }
    let file = interfaces(&parts);
    let all = filtered(std::slice::from_ref(&file), "tcp port 8080").unwrap();
    assert_eq!((all.failures.len(), all.counters.skipped.len()), (9, 0));
    for (part, index) in parts.iter().zip(0..) {
        let expression = format!("tcp port {}", 40_000 + index);
        let report = filtered(std::slice::from_ref(&file), &expression).unwrap();
        assert_eq!(report.failures.len(), 1, "link type {}", part.0);
        assert_eq!(report.counters.segments, part.1.len() as u64, "link type {}", part.0);
    }
    let none = filtered(&[file], "tcp port 80").unwrap();
    assert_eq!(none.counters.skipped.of(Skipped::Filtered), none.counters.frames);
}

/// On loopback each system has its own number for IPv6; this is that of macOS.
#[test]
fn ipv6_on_the_loopback_of_another_system_is_accepted() {
    let mut frame = vec![30, 0, 0, 0, 0x60, 0, 0, 0, 0, 20, 6, 64];
    frame.extend([0; 15].into_iter().chain([1]).chain([0; 15]).chain([1]));
    frame.extend([0x9c, 0x40, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 255, 255, 0, 0, 0, 0]);
    let file = interfaces(&[(0, vec![Frame { at: 1_000, bytes: frame }])]);
    let segments =
        |expression| filtered(std::slice::from_ref(&file), expression).unwrap().counters.segments;
    assert_eq!((segments("tcp port 8080"), segments("tcp port 80"), segments("ip")), (1, 0, 0));
}

#[test]
fn an_expression_for_cooked_captures_alone_is_accepted_and_refused_elsewhere() {
    let frames = crash(40_000, 0).frames;
    let header = |kind: u8| [&[0, kind, 0, 1, 0, 6][..], &[2; 8], &[8, 0]].concat();
    let cooked: Vec<Frame> = frames
        .iter()
        .flat_map(|frame| {
            let sent = frame.bytes[14 + 15] == 9;
            relinked(std::slice::from_ref(frame), &header(if sent { 4 } else { 0 }))
        })
        .collect();
    let report = filtered(&[interfaces(&[(113, cooked)])], "inbound").unwrap();
    let received = frames.iter().filter(|frame| frame.bytes[14 + 15] == 1).count();
    assert!(received > 1);
    assert_eq!(report.counters.segments, received as u64);
    let refused = filtered(&[pcap(&frames)], "inbound").unwrap_err().to_string();
    assert!(
        refused.starts_with("file: --filter \"inbound\" cannot be used on link type ethernet: "),
        "{refused}"
    );
}

#[test]
fn a_link_type_without_a_meaning_for_the_expression_is_named() {
    let raw = interfaces(&[(101, relinked(&crash(40_000, 0).frames, &[]))]);
    let refused = filtered(&[raw], "ether host 02:00:00:00:00:01").unwrap_err().to_string();
    assert!(refused.contains("link type raw: ") && !refused.contains('\n'), "{refused}");
}

/// What a filter leaves of a capture may begin later than what it leaves of the next one.
#[test]
fn captures_are_read_in_the_order_of_time_whatever_the_filter_leaves_of_them() {
    let captures = [
        [crash(50_000, 0).frames, crash(40_000, 100).frames].concat(),
        [crash(50_001, 1).frames, crash(40_001, 300).frames].concat(),
        [crash(50_002, 2).frames, crash(40_002, 50).frames].concat(),
    ];
    let filter = Filter::new("portrange 40000-40002").unwrap();
    let sources = captures.iter().zip(0..).map(|(frames, place)| {
        let file = Box::new(Cursor::new(pcap(frames)));
        filter.on(Savefile::from_reader(file, "file".to_owned(), place).unwrap())
    });
    let records = RecordOptions { exchanges: true, ..RecordOptions::default() };
    let settings = Settings { records, ..Settings::default() };
    let mut proxies = Vec::new();
    let mut out = |record: Record| {
        let record = serde_json::to_value(record).unwrap();
        proxies.push(record["proxy"].as_str().unwrap().to_owned());
    };
    analysis::analyze(&mut sources.collect::<Vec<_>>(), settings, &mut out).unwrap();
    assert_eq!(proxies, ["10.0.0.9:40002", "10.0.0.9:40000", "10.0.0.9:40001"]);
}

#[test]
fn a_wrong_expression_is_told_in_one_line_before_anything_is_read() {
    for (expression, reason) in [
        ("tcp prt 8080", "syntax error"),
        ("tcp port", "syntax error"),
        ("port 99999", "99999"),
        ("ether host 1:2", "address"),
        ("tcp\nprt 8080", "syntax error"),
    ] {
        let output = run(&["analyze", "--filter", expression, "no-such-file"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("why502: --filter \"") && said.contains(reason), "{said}");
        assert!(stdout(&output).is_empty());
    }
}

#[test]
fn an_answer_of_nothing_says_that_the_filter_left_nothing() {
    let output = run(&["analyze", "--filter", "tcp port 80", RACE]);
    assert_eq!(output.status.code(), Some(2), "nothing was judged");
    assert!(stdout(&output).contains("the filter left none of 54 frames"));
    let output = run(&["analyze", "-v", "--filter", "tcp port 80", RACE]);
    assert!(stdout(&output).contains("frames skipped: filtered 54"));
    let output = run(&["analyze", "--filter", "tcp port 3000", RACE]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!stdout(&output).contains("filtered"));
}

#[test]
fn standard_input_and_compressed_captures_are_filtered_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut gzip =
        flate2::write::GzEncoder::new(File::create(file.path()).unwrap(), <_>::default());
    let plain = fs::read(format!("{}/{RACE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    std::io::Write::write_all(&mut gzip, &plain).unwrap();
    gzip.finish().unwrap();
    let arguments = ["analyze", "--format", "json", "--filter", "port 42790", "-"];
    let output = why502(&arguments).stdin(File::open(file.path()).unwrap()).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["counters"]["connections"], 1);
    assert_eq!(report["failures"].as_array().unwrap().len(), 1);
    let kept = report["counters"]["segments"].as_u64().unwrap();
    assert_eq!(report["counters"]["skipped"]["filtered"], 54 - kept);
}
