//! Connections captured before and after address translation at one viewpoint: in full on both sides of
//! it, or their requests in one form and their answers in the other.

use crate::conversations::{Expected, SCENARIOS, failure};
use crate::scenarios::{ISNS, analyze, check_damage, icmp_error, played, said};
use crate::wire::{self, End, Frame, Talk, get};
use End::{Backend, Proxy};
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, Settings};
use why502::inside::input::Savefile;
use why502::inside::report::records::Record;
use why502::inside::report::{Bound, Report};

/// From one side of translation to the other, in nanoseconds.
const WAY: u64 = 20_000;
const POD: [u8; 4] = [10, 244, 1, 3];

/// The same frame to, or from, the pod that is behind the backend's address.
fn behind(frame: &Frame) -> Frame {
    let mut frame = frame.clone();
    for (addr, port) in [(26, 34), (30, 36)] {
        if frame.bytes[addr..addr + 4] == [10, 0, 0, 1] {
            frame.bytes[addr..addr + 4].copy_from_slice(&POD);
            let own = u16::from_be_bytes([frame.bytes[port], frame.bytes[port + 1]]);
            frame.bytes[port..port + 2].copy_from_slice(&(own + 1_000).to_be_bytes());
        }
    }
    frame
}

fn is_from_backend(frame: &Frame) -> bool {
    frame.bytes[26..30] == [10, 0, 0, 1]
}

/// Each frame on both sides: first where it comes from.
fn in_full(frames: &[Frame]) -> Vec<Frame> {
    let both = frames.iter().flat_map(|frame| {
        let mut both = [frame.clone(), behind(frame)];
        if is_from_backend(frame) {
            both.swap(0, 1);
        }
        both[0].at = frame.at;
        both[1].at = frame.at + WAY;
        both
    });
    both.collect()
}

/// What is asked goes to the backend's address, and what is answered comes from the pod's.
fn in_halves(frames: &[Frame]) -> Vec<Frame> {
    let half = |frame: &Frame| if is_from_backend(frame) { behind(frame) } else { frame.clone() };
    frames.iter().map(half).collect()
}

fn found(report: &Report) -> Vec<Expected> {
    report.failures.iter().map(said).collect()
}

fn crash(isns: (u32, u32), after: Duration) -> Vec<Frame> {
    let mut talk = Talk::new(isns.0, isns.1).after(after);
    talk.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
    talk.frames
}

#[test]
fn every_conversation_gets_its_verdict_once_on_both_sides_of_translation() {
    for scenario in SCENARIOS {
        for isns in ISNS {
            let frames = played(scenario, isns);
            let whole = analyze(&frames);
            for (form, frames) in [("full", in_full(&frames)), ("halves", in_halves(&frames))] {
                let report = analyze(&frames);
                let what = format!("{}, {form}, {isns:?}", scenario.name);
                assert_eq!(found(&report), found(&whole), "{what}");
                assert_eq!(report.counters.connections, whole.counters.connections, "{what}");
            }
        }
    }
}

#[test]
fn a_frame_lost_or_swapped_on_one_side_of_translation_invents_nothing() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[4]);
        for (form, frames) in [("full", in_full(&frames)), ("halves", in_halves(&frames))] {
            for place in 0..frames.len() {
                let what = format!("{}, {form}, frame {}", scenario.name, place + 1);
                let mut damaged = frames.clone();
                damaged.remove(place);
                if !damaged.is_empty() {
                    check_damage(&(scenario.expected)(), &analyze(&damaged), &what);
                }
                let mut doubled = frames.clone();
                doubled.insert(place, frames[place].clone());
                assert_eq!(found(&analyze(&doubled)), (scenario.expected)(), "{what} doubled");
                if place > 0 {
                    let mut swapped = frames.clone();
                    swapped.swap(place - 1, place);
                    check_damage(
                        &(scenario.expected)(),
                        &analyze(&swapped),
                        &format!("{what} swapped"),
                    );
                }
            }
        }
    }
}

/// The handshake was not captured.
#[test]
fn what_began_before_the_capture_is_one_connection_as_well() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[5]);
        for cut in 1..frames.len() {
            let once = analyze(&frames[cut..]);
            let full = analyze(&in_full(&frames[cut..]));
            let what = format!("{} from frame {}", scenario.name, cut + 1);
            assert_eq!(found(&full), found(&once), "{what}");
            assert_eq!(full.counters.connections, once.counters.connections, "{what}");
        }
    }
}

#[test]
fn halves_without_a_handshake_are_one_connection() {
    let mut talk = Talk::new(77, 88);
    talk.handshake().exchange("/a", 64).data(Proxy, &get("/crash")).ack(Backend).close(Backend);
    let report = analyze(&in_halves(&talk.frames[3..]));
    assert_eq!(report.counters.connections, 1);
    assert_eq!(found(&report), failure("closed_in_flight", "likely", "unsafe"));
    assert_eq!(found(&report), found(&analyze(&talk.frames[3..])));
}

#[test]
fn a_failure_names_both_addresses() {
    let report = analyze(&in_full(&crash((77, 88), Duration::ZERO)));
    let json = serde_json::to_value(&report).unwrap();
    let alias = serde_json::json!([{ "proxy": "10.0.0.9:40000", "backend": "10.244.1.3:9080" }]);
    assert_eq!(json["failures"][0]["aliases"], alias);
    assert_eq!(json["backends"][0]["aliases"], serde_json::json!(["10.244.1.3:9080"]));
}

/// A connect has nothing but the number of its SYN.
#[test]
fn a_refusal_from_behind_translation_is_told_once() {
    let mut talk = Talk::new(77, 88);
    talk.syn().refuse();
    for frames in [in_full(&talk.frames), in_halves(&talk.frames)] {
        let report = analyze(&frames);
        assert_eq!(report.counters.connections, 1);
        assert_eq!(report.failures.len(), 1);
        assert_eq!(report.failures[0].backend.unwrap().to_string(), "10.0.0.1:8080");
    }
}

#[test]
fn an_icmp_error_that_quotes_the_pod_is_about_the_connect() {
    let mut talk = Talk::new(77, 88);
    talk.syn();
    let syn = &talk.frames[0];
    for frames in [
        vec![syn.clone(), behind(syn), icmp_error(&behind(syn), 1)],
        vec![syn.clone(), icmp_error(&behind(syn), 1)],
    ] {
        let report = analyze(&frames);
        assert_eq!(report.failures.len(), 1);
        assert_eq!(report.failures[0].cause.name(), "unreachable");
    }
}

#[test]
fn ports_used_again_through_translation_are_another_connection() {
    for after in [Duration::from_millis(50), Duration::from_secs(5)] {
        let frames = [crash((77, 88), Duration::ZERO), crash((7_777, 8_888), after)].concat();
        for frames in [in_full(&frames), in_halves(&frames)] {
            let report = analyze(&frames);
            assert_eq!(report.counters.connections, 2);
            assert_eq!(report.failures.len(), 2);
        }
    }
}

/// The end of the first was not captured.
#[test]
fn ports_used_again_while_the_connection_seems_open_are_another_connection() {
    let mut open = Talk::new(77, 88);
    open.handshake().exchange("/a", 64);
    let again = crash((700_000_000, 800_000_000), Duration::from_secs(3));
    let report = analyze(&in_full(&[open.frames, again].concat()));
    assert_eq!((report.counters.connections, report.counters.exchanges), (2, 2));
    assert_eq!(found(&report), failure("closed_in_flight", "proven", "unsafe"));
}

#[test]
fn what_has_the_number_alone_in_common_is_another_connection() {
    let one = Talk::new(77, 88).between(([10, 0, 0, 9], 40_000), ([10, 0, 0, 5], 80));
    let other = Talk::new(77, 99).between(([10, 0, 0, 8], 41_000), ([10, 0, 0, 6], 81));
    let talks = [one, other].map(|mut talk| {
        talk.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
        talk
    });
    let report = analyze(&wire::together(&talks.iter().collect::<Vec<_>>()));
    assert_eq!((report.counters.connections, report.failures.len()), (2, 2));
}

#[test]
fn an_answer_to_another_syn_is_no_answer_to_this_one() {
    let mut talk = Talk::new(77, 88);
    talk.syn();
    let mut stranger = Talk::new(78, 99).between(([10, 0, 0, 9], 40_000), (POD, 9_080));
    stranger.handshake();
    let frames = [talk.frames, stranger.frames[1..2].to_vec()].concat();
    assert_eq!(analyze(&frames).counters.connections, 2);
}

/// Connections, and how many of them are another one's other view.
fn views(frames: &[Frame]) -> (usize, usize) {
    let file = Box::new(Cursor::new(wire::pcap(frames)));
    let source = Savefile::from_reader(file, "file".to_owned(), 0).unwrap();
    let mut settings = Settings::default();
    settings.records.connections = true;
    let mut views = Vec::new();
    analysis::analyze(&mut [source], settings, &mut |record| {
        if let Record::Connection(connection) = record {
            views.push(serde_json::to_value(&connection).unwrap()["same_as"].is_number());
        }
    })
    .unwrap();
    (views.len(), views.iter().filter(|second| **second).count())
}

/// Each end is another one, as where a host reaches itself by the address of another.
fn hairpin(frame: &Frame) -> Frame {
    let mut frame = behind(frame);
    for addr in [26, 30] {
        if frame.bytes[addr..addr + 4] == [10, 0, 0, 9] {
            frame.bytes[addr..addr + 4].copy_from_slice(&[10, 244, 1, 1]);
        }
    }
    frame
}

fn names(report: &Report) -> (Option<String>, Option<String>) {
    let failure = &report.failures[0];
    let backend = failure.backend.map(|backend| backend.to_string());
    let alias = serde_json::to_value(failure).unwrap()["aliases"][0]["backend"].clone();
    (backend, alias.as_str().map(str::to_owned))
}

/// To whom the client sends is whom it asks, whoever answers.
#[test]
fn without_its_syn_a_connection_has_the_ends_between_which_its_client_sends() {
    let frames = crash((77, 88), Duration::ZERO);
    let (asked, answers) = ("10.0.0.1:8080".to_owned(), "10.244.1.3:9080".to_owned());
    // The SYN+ACK comes first, and so it does in the middle of a connection.
    let mut midstream = Talk::new(77, 88);
    midstream.handshake().exchange("/a", 64).ack(Backend);
    midstream.data(Proxy, &get("/crash")).ack(Backend).close(Backend);
    let answer = midstream.frames.iter().skip(3).position(is_from_backend).unwrap() + 3;
    for halves in [&in_halves(&frames)[1..], &in_halves(&midstream.frames)[answer..]] {
        let report = analyze(halves);
        assert_eq!(report.counters.connections, 1);
        assert_eq!(names(&report), (Some(asked.clone()), Some(answers.clone())));
    }
    // What the client has sent between its ends stays its own, whatever form of it comes next.
    let mut behind_first = in_full(&frames);
    behind_first.remove(0);
    let report = analyze(&behind_first);
    assert_eq!(report.counters.connections, 1);
    assert_eq!(names(&report), (Some(answers.clone()), Some(asked)));
    // Nothing but a close of it: it asked nobody.
    let mut closed = Talk::new(77, 88);
    closed.handshake().fin(Proxy);
    let halves = in_halves(&closed.frames);
    let report = analyze(&[halves[1].clone(), halves[3].clone()]);
    assert_eq!(report.counters.connections, 1);
    assert!(report.backends.iter().all(|one| one.backend.to_string() == answers), "{report:?}");
    // Nothing of the client: nobody knows whom it asked.
    let answers_alone: Vec<Frame> =
        in_halves(&frames).into_iter().filter(|frame| frame.bytes[26..30] == POD).collect();
    let report = analyze(&answers_alone);
    let servers: Vec<String> = report.backends.iter().map(|one| one.backend.to_string()).collect();
    assert!(report.failures.is_empty() && servers.iter().all(|one| *one == answers), "{servers:?}");
}

/// Two SYNs are one connect only if one of each was captured of the other.
#[test]
fn a_connect_without_its_first_syn_is_told_once() {
    let mut talk = Talk::new(77, 88);
    talk.syn();
    for wait in [1, 2, 4] {
        talk.idle(Duration::from_secs(wait)).syn_again();
    }
    let numbered = |mut frames: Vec<Frame>| {
        for (pair, ip_id) in frames.chunks_mut(2).zip(1_000_u16..) {
            for frame in pair {
                frame.bytes[18..20].copy_from_slice(&ip_id.to_be_bytes());
            }
        }
        frames
    };
    let full = in_full(&talk.frames);
    for frames in [full.clone(), numbered(full.clone())] {
        for lost in 0..frames.len() {
            let mut damaged = frames.clone();
            damaged.remove(lost);
            let report = analyze(&damaged);
            assert_eq!(found(&report), failure("connect_timeout", "proven", "safe"), "{lost}");
        }
    }
    // Another SYN each time, to the other address: a search for open ports, and two connects.
    let mut searched = full;
    for (frame, ip_id) in searched.iter_mut().zip(1_000_u16..) {
        frame.bytes[18..20].copy_from_slice(&ip_id.to_be_bytes());
    }
    assert_eq!(views(&searched), (2, 0));
    // No SYN of one is one of the other: they may be two, and both are told.
    let apart: Vec<Frame> = numbered(in_full(&talk.frames))
        .into_iter()
        .enumerate()
        .filter(|(at, _)| [1, 2, 5, 6].contains(at))
        .map(|(_, frame)| frame)
        .collect();
    assert_eq!(views(&apart), (2, 0));
}

/// Without an identification no search is taken for one connect, however often it tries.
#[test]
fn a_search_that_tries_again_without_identifications_hides_no_connect() {
    let again = |second: u64| {
        syns((0..8).map(|host| (host, 0))).into_iter().map(move |mut syn| {
            syn.at += second * 1_000_000_000;
            syn
        })
    };
    for hosts in 2..8 {
        let tries = |second| again(second).filter(move |syn| syn.bytes[33] < hosts);
        let (connections, _) = views(&tries(0).collect::<Vec<_>>());
        let frames: Vec<Frame> = [0, 1, 3].into_iter().flat_map(tries).collect();
        assert_eq!(views(&frames), (connections, 0), "{hosts}");
    }
}

#[test]
fn a_syn_ack_between_other_ends_is_of_the_connection_only_if_one_is_its_own_or_it_is_a_copy() {
    let frames = crash((77, 88), Duration::ZERO);
    // Both ends are other ones, and each frame has both forms: one connection, whatever is missing.
    let mut full: Vec<Frame> = Vec::new();
    for frame in &frames {
        let mut both = [frame.clone(), hairpin(frame)];
        if is_from_backend(frame) {
            both.swap(0, 1);
        }
        both[0].at = frame.at;
        both[1].at = frame.at + WAY;
        full.extend(both);
    }
    for lost in 0..full.len() {
        let mut damaged = full.clone();
        damaged.remove(lost);
        check_damage(&found(&analyze(&frames)), &analyze(&damaged), &format!("without {lost}"));
    }
    // One form of the SYN, and the other one of its answer: damaged addresses look the same.
    let report = analyze(&[frames[0].clone(), hairpin(&frames[1])]);
    assert_eq!(report.counters.connections, 2);
    assert!(report.failures.is_empty());
    let report = analyze(&[frames[0].clone(), behind(&frames[1])]);
    assert_eq!(report.counters.connections, 1);
}

fn syns(to: impl Iterator<Item = (u8, u16)>) -> Vec<Frame> {
    let syns = to.map(|(host, ip_id)| {
        let mut talk = Talk::new(77, 88).between(([10, 0, 0, 9], 40_000), ([10, 0, 1, host], 80));
        talk.syn();
        let mut syn = talk.frames.remove(0);
        syn.bytes[18..20].copy_from_slice(&ip_id.to_be_bytes());
        syn.at += u64::from(host) * WAY;
        syn
    });
    syns.collect()
}

/// One number and one port for all that it tries.
#[test]
fn a_search_for_open_ports_is_not_translation() {
    let scan = syns((0..20).map(|host| (host, 1_000 + u16::from(host))));
    assert_eq!(analyze(&scan).counters.connections, 20);
}

#[test]
fn ends_for_which_there_is_no_room_are_counted() {
    let report = analyze(&syns((0..20).map(|host| (host, 1_000))));
    assert!(report.counters.limits_hit.of(Bound::Aliases) > 0);
    assert!(report.counters.connections > 1);
}
