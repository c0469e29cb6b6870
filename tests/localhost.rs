//! `localhost` is two addresses: that nothing listens at the one that is tried first does no harm.

use crate::events::{SECOND, millis};
use crate::scenarios::analyze;
use crate::wire::{self, End, Frame, Talk};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::report::Report;

const V4: [u8; 4] = [127, 0, 0, 1];

/// The same segment between ::1 and ::1.
fn in_ipv6(frame: &Frame) -> Frame {
    let tcp = &frame.bytes[34..];
    let mut bytes = frame.bytes[..12].to_vec();
    bytes.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0]);
    bytes.extend_from_slice(&(tcp.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&[6, 64]);
    for _ in 0..2 {
        bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
    bytes.extend_from_slice(tcp);
    Frame { at: frame.at, bytes }
}

fn refused(port: u16, at: Duration) -> Vec<Frame> {
    let mut talk = Talk::new(u32::from(port), 0).between((V4, port), (V4, 3_000)).after(at);
    talk.syn().refuse();
    talk.frames.clone()
}

fn taken(port: u16, to: u16, at: Duration) -> Vec<Frame> {
    let mut talk = Talk::new(u32::from(port), 9).between((V4, port), (V4, to)).after(at);
    talk.handshake().exchange("/a", 10).close(Proxy);
    talk.frames.clone()
}

fn read(mut frames: Vec<Frame>) -> Report {
    frames.sort_by_key(|frame| frame.at);
    analyze(&frames)
}

fn v6(frames: Vec<Frame>) -> Vec<Frame> {
    frames.iter().map(in_ipv6).collect()
}

fn note(report: &Report) -> Option<String> {
    let note = report.notes.iter().find(|note| note.code == "localhost_detour");
    note.map(|note| note.text.clone())
}

#[test]
fn what_the_other_loopback_address_took_at_once_was_not_refused() {
    // At no constant period.
    let tries = |index: u16| SECOND * u32::from(index * index);
    for first_v6 in [true, false] {
        let mut frames = Vec::new();
        for index in 0..3 {
            let at = tries(index);
            let (no, yes) =
                (refused(40_000 + index, at), taken(41_000 + index, 3_000, at + millis(1)));
            let (no, yes) = if first_v6 { (v6(no), yes) } else { (no, v6(yes)) };
            frames.extend(no.into_iter().chain(yes));
        }
        let report = read(frames);
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        let said = note(&report).unwrap();
        let (at, other) =
            if first_v6 { ("[::1]:3000", "127.0.0.1") } else { ("127.0.0.1:3000", "::1") };
        assert!(said.starts_with(&format!("3 connects to {at} were refused")), "{said}");
        assert!(said.contains(&format!("naming {other} in the proxy")), "{said}");
    }
}

#[test]
fn what_nobody_took_instead_was_refused() {
    let first = || v6(refused(40_000, SECOND));
    let at = SECOND + millis(1);
    let later = taken(41_000, 3_000, SECOND + millis(300));
    let elsewhere = taken(41_000, 3_001, at);
    let before = taken(41_000, 3_000, SECOND - millis(5));
    let both = refused(41_000, at);
    for (what, others, failed) in [
        ("nothing", Vec::new(), 1),
        ("much later", later, 1),
        ("another port", elsewhere, 1),
        ("before", before, 1),
        ("the other one refuses as well", both, 2),
    ] {
        let mut frames = first();
        frames.extend(others);
        let report = read(frames);
        let refused = report.failures.iter().filter(|one| one.cause.name() == "connection_refused");
        assert_eq!(refused.count(), failed, "{what}");
        assert_eq!(note(&report), None, "{what}");
    }
}

#[test]
fn a_connection_that_was_taken_stands_for_one_that_was_refused() {
    let mut frames = v6(refused(40_000, SECOND));
    frames.extend(v6(refused(40_001, SECOND + millis(1))));
    frames.extend(taken(41_000, 3_000, SECOND + millis(2)));
    let report = read(frames);
    assert_eq!(report.failures.len(), 1);
    assert!(note(&report).unwrap().starts_with("1 connect to [::1]:3000 was refused"));
}

#[test]
fn a_host_with_a_name_is_no_localhost() {
    let mut talk = Talk::new(1, 0).after(SECOND);
    talk.syn().refuse();
    let mut frames = talk.frames.clone();
    frames.extend(taken(41_000, 8_080, SECOND + millis(1)));
    assert_eq!(read(frames).failures.len(), 1);
    let mut talk = Talk::new(1, 9);
    talk.handshake().data(Proxy, &wire::get("/a")).ack(Backend);
    assert!(read(talk.frames.clone()).failures.is_empty());
}

/// What is refused for good at one address, where the same port at the other one answers.
#[test]
fn a_port_that_answers_at_the_other_loopback_address_is_named() {
    let answers = |report: &Report| -> Option<String> {
        let note = report.notes.iter().find(|note| note.code == "same_port_answers");
        note.map(|note| note.text.clone())
    };
    let mut frames = v6(refused(40_000, SECOND));
    frames.extend(v6(refused(40_001, SECOND * 5)));
    let alone = read(frames.clone());
    assert_eq!(alone.counters.connects_failed, 2);
    assert_eq!(answers(&alone), None, "nothing answers anywhere");
    let mut other = frames.clone();
    other.extend(taken(41_000, 3_001, SECOND * 9));
    assert_eq!(answers(&read(other)), None, "another port");
    frames.extend(taken(41_000, 3_000, SECOND * 9));
    let said = answers(&read(frames.clone())).unwrap();
    assert!(said.starts_with("[::1]:3000 refuses, and 127.0.0.1:3000 answers"), "{said}");
    // One that is taken at times is down at times, and nothing is wrong with its address.
    frames.extend(v6(taken(40_002, 3_000, SECOND * 12)));
    assert_eq!(answers(&read(frames)), None);
}
