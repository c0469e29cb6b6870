//! Conversations, and the verdict on each: for every cause those where it fires, where it must not
//! fire, and where it cannot be told. Each is run from several initial sequence numbers, and then
//! with every single frame dropped, doubled, or exchanged with the next.

use crate::conversations::{Expected, SCENARIOS, Scenario, failure};
use crate::wire::{self, End, Frame, Talk, get, ok, ok_head};
use End::{Backend, Proxy};
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, Settings};
use why502::inside::facts::closing::{CloseKind, Closer, Received};
use why502::inside::input::{Savefile, SourceError};
use why502::inside::report::{EvidenceRecord, FailureRecord, Report};
use why502::inside::verdict::Cause;

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// Where 32 bits wrap, where the sign flips, and the middle of nowhere.
pub const ISNS: [(u32, u32); 6] = [
    (0, 0x8000_0000),
    (0xffff_ffff, 0),
    (0x7fff_fff0, 0xffff_fff0),
    (0x8000_0000, 0x7fff_ffff),
    (0xffff_ff80, 0xffff_ff00),
    (1_234_567_890, 3_987_654_321),
];

pub fn analyze(frames: &[Frame]) -> Report {
    read(wire::pcap(frames)).unwrap()
}

/// What the library says of a capture file.
pub fn read(file: Vec<u8>) -> Result<Report, SourceError> {
    let source = Savefile::from_reader(Box::new(Cursor::new(file)), "file".to_owned(), 0)?;
    analysis::analyze(&mut [source], Settings::default(), &mut |_| {})
}

pub fn said(failure: &FailureRecord) -> Expected {
    Expected {
        cause: failure.cause.name(),
        certainty: failure.certainty.name(),
        retry: failure.retry.name(),
    }
}

pub fn played(scenario: &Scenario, (proxy, backend): (u32, u32)) -> Vec<Frame> {
    let mut talk = Talk::new(proxy, backend);
    (scenario.play)(&mut talk);
    talk.frames
}

#[test]
fn every_conversation_gets_its_verdict_wherever_its_numbers_begin() {
    let mut wrong = Vec::new();
    for scenario in SCENARIOS {
        for isns in ISNS {
            let report = analyze(&played(scenario, isns));
            let found: Vec<Expected> = report.failures.iter().map(said).collect();
            let expected = (scenario.expected)();
            if found != expected {
                wrong
                    .push(format!("{} from {isns:x?}: {found:?}, not {expected:?}", scenario.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_failure_comes_with_evidence_and_whole_words() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[0]);
        for failure in analyze(&frames).failures {
            let name = scenario.name;
            assert!(!failure.frames.is_empty(), "{name}");
            assert!(failure.frames.is_sorted_by_key(|frame| frame.number), "{name}");
            let numbers = 1..=frames.len() as u64;
            assert!(failure.frames.iter().all(|frame| numbers.contains(&frame.number)), "{name}");
            // The request and the close that are told are among them.
            let close = failure.close.as_ref().and_then(|close| close.frame);
            let begin = failure.request.as_ref().map(|request| request.first);
            for told in [close, begin].into_iter().flatten() {
                let shown = |frame: &EvidenceRecord| frame.number == told.number;
                assert!(failure.frames.iter().any(shown), "{name}: frame {}", told.number);
            }
            for text in [&failure.summary, &failure.fix, &failure.retry_reason] {
                assert!(!text.contains("  ") && text.trim() == text, "{name}: {text}");
            }
        }
    }
}

pub fn rank(certainty: &str) -> usize {
    ["possible", "likely", "proven"].iter().position(|word| *word == certainty).unwrap()
}

/// Damage may cost certainty. It never makes a failure, never turns one cause into another that is
/// as sure, never calls a retry safe that was not, and never hides a failure without a word.
pub fn check_damage(whole: &[Expected], report: &Report, what: &str) {
    for failure in &report.failures {
        let now = said(failure);
        let Some(before) = whole.first() else {
            panic!("{what}: invented {now:?}");
        };
        let same = now.cause == before.cause && rank(now.certainty) <= rank(before.certainty);
        let doubt = now.cause == "unproven";
        let weaker = rank(now.certainty) < rank(before.certainty);
        assert!(same || doubt || weaker, "{what}: {before:?} became {now:?}");
        assert!(now.retry != "safe" || before.retry == "safe", "{what}: {before:?} became {now:?}");
    }
    assert!(report.failures.len() <= whole.len(), "{what}: {} failures", report.failures.len());
    if report.failures.len() < whole.len() {
        let told = [
            "answers_unacknowledged",
            "capture_loss",
            "connects_unanswered",
            "malformed_answers",
            "one_direction_only",
            "unanswered_at_end",
        ];
        let says = |code: &str| report.notes.iter().any(|note| note.code == code);
        let no_backend = report.backends.is_empty() && report.counters.connections > 0;
        assert!(told.iter().any(|code| says(code)) || no_backend, "{what}: hidden in silence");
    }
}

#[test]
fn dropping_any_frame_costs_certainty_and_nothing_else() {
    for scenario in SCENARIOS {
        for isns in [ISNS[0], ISNS[4]] {
            let frames = played(scenario, isns);
            // Of a capture without any frame nothing can be told.
            for dropped in (0..frames.len()).filter(|_| frames.len() > 1) {
                let mut damaged = frames.clone();
                damaged.remove(dropped);
                let what = format!("{}, without frame {}", scenario.name, dropped + 1);
                check_damage(&(scenario.expected)(), &analyze(&damaged), &what);
            }
        }
    }
}

/// What must hold however much is missing: no failure that was not there, nothing proven that is
/// not so, no retry called safe that is not.
pub fn check_no_lie(whole: &[Expected], report: &Report, what: &str) {
    assert!(report.failures.len() <= whole.len(), "{what}: {:?}", report.failures);
    for (failure, before) in report.failures.iter().zip(whole) {
        let now = said(failure);
        let lie = now.certainty == "proven" && now.cause != before.cause;
        assert!(!lie, "{what}: {before:?} became {now:?}");
        assert!(now.retry != "safe" || before.retry == "safe", "{what}: {before:?} became {now:?}");
    }
}

#[test]
fn dropping_any_two_frames_invents_nothing() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[2]);
        for first in 0..frames.len() {
            for second in first + 1..frames.len() {
                let mut damaged = frames.clone();
                damaged.remove(second);
                damaged.remove(first);
                let what =
                    format!("{}, without frames {} and {}", scenario.name, first + 1, second + 1);
                check_no_lie(&(scenario.expected)(), &analyze(&damaged), &what);
            }
        }
    }
}

#[test]
fn a_capture_that_begins_or_ends_anywhere_invents_nothing() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[3]);
        for cut in 1..frames.len() {
            for (part, side) in [(&frames[cut..], "from"), (&frames[..cut], "up to")] {
                let what = format!("{} {side} frame {}", scenario.name, cut + 1);
                check_no_lie(&(scenario.expected)(), &analyze(part), &what);
            }
        }
    }
}

#[test]
fn doubling_any_frame_changes_nothing() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[1]);
        for doubled in 0..frames.len() {
            let mut damaged = frames.clone();
            damaged.insert(doubled, frames[doubled].clone());
            let found: Vec<Expected> = analyze(&damaged).failures.iter().map(said).collect();
            assert_eq!(
                found,
                (scenario.expected)(),
                "{}, frame {} twice",
                scenario.name,
                doubled + 1
            );
        }
    }
}

#[test]
fn exchanging_neighbours_changes_no_verdict_for_another() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[5]);
        for at in 1..frames.len() {
            let mut damaged = frames.clone();
            damaged.swap(at - 1, at);
            let what = format!("{}, frames {at} and {} exchanged", scenario.name, at + 1);
            check_damage(&(scenario.expected)(), &analyze(&damaged), &what);
        }
    }
}

/// The idle gap and the wait are those of the conversation.
#[test]
fn times_are_measured_from_the_last_answer_to_the_request_to_the_close() {
    let mut talk = Talk::new(7, 7);
    talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
    talk.data(Proxy, &get("/crash")).ack(Backend).idle(Duration::from_millis(300)).close(Backend);
    let report = analyze(&talk.frames);
    let failure = &report.failures[0];
    // An acknowledgement lies between the answer and the request, each 150 µs after the one before.
    assert_eq!(failure.idle_gap_ns, Some(2_000_300_000));
    assert_eq!(failure.wait_ns, Some(300_300_000));
    let close = failure.close.as_ref().unwrap();
    assert_eq!(
        (close.by, close.kind, close.request_received),
        (Closer::Backend, CloseKind::Fin, Some(Received::All))
    );
    assert_eq!(report.backends[0].backend.to_string(), "10.0.0.1:8080");
}

#[test]
fn of_an_upload_that_was_not_sent_to_its_end_not_all_was_received() {
    let mut talk = Talk::new(3, 4);
    talk.handshake()
        .data(Proxy, &wire::post_head("/up", 3_000))
        .data(Proxy, &[b'b'; 1_000])
        .ack(Backend)
        .close(Backend);
    let report = analyze(&talk.frames);
    let close = report.failures[0].close.as_ref().unwrap();
    assert_eq!(
        (report.failures[0].cause, close.request_received),
        (Cause::ClosedInFlight, Some(Received::Part))
    );
}

/// The proxy's own listener is the front leg: what happens there is not a backend's failure.
#[test]
fn the_front_leg_is_not_judged() {
    let mut front = Talk::new(3, 4).between(([10, 0, 0, 77], 50_000), ([10, 0, 0, 9], 80));
    front.handshake().data(Proxy, &get("/a")).ack(Backend).idle(TWO_SECONDS);
    front.data(Backend, &ok(10)).ack(Proxy).data(Proxy, &get("/crash")).ack(Backend).close(Backend);
    let mut back = Talk::new(1, 2).after(Duration::from_secs(1));
    back.handshake().exchange("/a", 10).close(Proxy);
    let report = analyze(&wire::together(&[&back, &front]));
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let judged: Vec<String> = report.backends.iter().map(|one| one.backend.to_string()).collect();
    assert_eq!(judged, ["10.0.0.1:8080"]);
    assert!(
        report.notes.iter().any(|note| note.text.contains("10.0.0.9:80 (the proxy's client side)"))
    );
}

/// One source that is refused on many ports is a scan, not many failures.
#[test]
fn a_scan_is_one_note() {
    let talks: Vec<Talk> = (0..40)
        .map(|index| {
            let mut talk = Talk::new(9, 9)
                .between(([10, 0, 0, 9], 40_000 + index), ([10, 0, 0, 1], 1_000 + index));
            talk.syn().refuse();
            talk
        })
        .collect();
    let report = analyze(&wire::together(&talks.iter().collect::<Vec<_>>()));
    assert!(report.failures.is_empty());
    assert_eq!(report.notes.iter().filter(|note| note.code == "scan").count(), 1);
}

#[test]
fn a_few_ports_that_refuse_are_no_scan() {
    let talks: Vec<Talk> = (0..8)
        .map(|index| {
            let mut talk = Talk::new(9, 9)
                .between(([10, 0, 0, 9], 40_000 + index), ([10, 0, 0, 1], 1_000 + index));
            talk.syn().refuse();
            talk
        })
        .collect();
    let report = analyze(&wire::together(&talks.iter().collect::<Vec<_>>()));
    assert_eq!(report.causes.of(Cause::ConnectionRefused), 8);
    assert!(report.notes.iter().all(|note| note.code != "scan"));
}

/// An ICMP error (type 3) from a router about a frame: the IP header, and eight bytes of TCP.
pub fn icmp_error(about: &Frame, code: u8) -> Frame {
    let quoted = &about.bytes[14..42];
    let mut bytes = about.bytes[..14].to_vec();
    let total = (20 + 8 + quoted.len()) as u16;
    bytes.extend_from_slice(&[0x45, 0]);
    bytes.extend_from_slice(&total.to_be_bytes());
    bytes.extend_from_slice(&[0, 9, 0, 0, 63, 1, 0, 0, 10, 0, 0, 254]);
    bytes.extend_from_slice(&quoted[12..16]);
    bytes.extend_from_slice(&[3, code, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(quoted);
    Frame { at: about.at + 200_000, bytes }
}

#[test]
fn an_icmp_error_about_a_syn_is_told_with_its_code() {
    for (code, meaning) in [(1, "host unreachable"), (13, "prohibited by an administrator")] {
        let mut talk = Talk::new(5, 6);
        talk.syn();
        let mut frames = talk.frames.clone();
        frames.push(icmp_error(&frames[0], code));
        let report = analyze(&frames);
        let found: Vec<Expected> = report.failures.iter().map(said).collect();
        assert_eq!(found, failure("unreachable", "proven", "safe"));
        assert_eq!(report.failures[0].detail["icmp_code"], code);
        assert!(report.failures[0].summary.contains(meaning), "{}", report.failures[0].summary);
    }
}

/// An established connection outlives such errors, and "fragmentation needed" is none.
#[test]
fn an_icmp_error_about_anything_else_accuses_nobody() {
    let mut talk = Talk::new(5, 6);
    talk.handshake().exchange("/a", 64).close(Proxy);
    for about in 0..talk.frames.len() {
        let mut frames = talk.frames.clone();
        let code = if about == 0 { 4 } else { 1 };
        frames.insert(about + 1, icmp_error(&talk.frames[about], code));
        assert!(analyze(&frames).failures.is_empty(), "about frame {}", about + 1);
    }
}

/// An address that does not know a connection says so of what it got: the SYN+ACK, not the SYN.
#[test]
fn an_icmp_error_about_the_syn_ack_does_not_make_the_backend_unreachable() {
    let mut talk = Talk::new(5, 6);
    talk.handshake();
    let [syn, syn_ack, _] = &talk.frames[..] else { panic!() };
    let report = analyze(&[syn.clone(), icmp_error(syn_ack, 1)]);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
}

/// One frame with a stamp from the future ends nothing and accuses nobody.
#[test]
fn a_clock_that_leaps_for_one_frame_is_not_believed() {
    let mut talk = Talk::new(5, 6);
    talk.handshake().exchange("/a", 64).data(Proxy, &get("/b")).ack(Backend);
    talk.idle(TWO_SECONDS).data(Backend, &ok(5)).ack(Proxy).close(Proxy);
    for leaping in 1..talk.frames.len() {
        let mut frames = talk.frames.clone();
        frames[leaping].at += 20 * 365 * 86_400 * 1_000_000_000;
        let report = analyze(&frames);
        assert!(report.failures.is_empty(), "frame {}: {:?}", leaping + 1, report.failures);
        assert_eq!(report.counters.connections, 1, "frame {}", leaping + 1);
    }
}

/// `-i any` on a host with a bridge captures each segment on every interface that it passes.
#[test]
fn a_segment_captured_on_several_interfaces_counts_once() {
    for scenario in SCENARIOS {
        let once = played(scenario, ISNS[0]);
        let mut thrice = Vec::new();
        for frame in &once {
            for later in [0, 3_000, 9_000] {
                thrice.push(Frame { at: frame.at + later, bytes: frame.bytes.clone() });
            }
        }
        let (one, three) = (analyze(&once), analyze(&thrice));
        let found: Vec<Expected> = three.failures.iter().map(said).collect();
        assert_eq!(found, (scenario.expected)(), "{}", scenario.name);
        assert_eq!(three.counters.exchanges, one.counters.exchanges, "{}", scenario.name);
        let repeated = one.counters.duplicates + 2 * once.len() as u64;
        assert_eq!(three.counters.duplicates, repeated, "{}", scenario.name);
        assert_eq!(three.counters.capture_gaps, one.counters.capture_gaps, "{}", scenario.name);
    }
}

/// The same connection before and after address translation is one.
#[test]
fn a_translated_connection_fails_once() {
    let play = |talk: &mut Talk| {
        talk.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
    };
    let mut outside = Talk::new(77, 88).between(([10, 0, 0, 9], 40_000), ([10, 0, 0, 5], 80));
    let mut inside = Talk::new(77, 88)
        .between(([172, 17, 0, 1], 40_000), ([172, 17, 0, 2], 3_000))
        .after(Duration::from_micros(20));
    play(&mut outside);
    play(&mut inside);
    let report = analyze(&wire::together(&[&outside, &inside]));
    assert_eq!(report.counters.connections, 1);
    assert_eq!(report.counters.duplicates, 8);
    let backends: Vec<String> =
        report.failures.iter().map(|one| one.backend.unwrap().to_string()).collect();
    assert_eq!(backends, ["10.0.0.5:80"]);
}

#[test]
fn the_same_numbers_much_later_are_another_connection() {
    let mut talks = Vec::new();
    for (place, later) in [([10, 0, 0, 5], 0), ([172, 17, 0, 2], 5)] {
        let mut talk = Talk::new(77, 88)
            .between(([10, 0, 0, 9], 40_000), (place, 80))
            .after(Duration::from_secs(later));
        talk.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
        talks.push(talk);
    }
    let report = analyze(&wire::together(&talks.iter().collect::<Vec<_>>()));
    assert_eq!(report.causes.of(Cause::ClosedInFlight), 2);
    assert_eq!(report.failures.len(), 2);
}

/// A host that still remembers an older connection on these ports answers the SYN with an ACK of that
/// one; the client resets it and tries again.
#[test]
fn a_stray_ack_before_the_handshake_is_forgotten() {
    let mut talk = Talk::new(100, 0x5000_0000);
    talk.syn().data_unheard(Backend, b"").rst(Proxy).idle(Duration::from_secs(3));
    let mut again = Talk::new(100, 0xa000_0000).after(Duration::from_secs(4));
    again.handshake().exchange("/a", 64).data(Proxy, &get("/crash")).ack(Backend).close(Backend);
    let report = analyze(&wire::together(&[&talk, &again]));
    assert_eq!(report.counters.connections, 1);
    assert_eq!(report.counters.exchanges, 2);
    assert_eq!(
        report.failures.iter().map(said).collect::<Vec<_>>(),
        failure("closed_in_flight", "likely", "unsafe")
    );
}

/// The same four numbers in use again are another connection.
#[test]
fn a_reused_port_is_a_new_connection() {
    let mut first = Talk::new(100, 200);
    first.handshake().exchange("/a", 10).close(Proxy);
    let mut second = Talk::new(90_000, 70_000).after(Duration::from_secs(1));
    second.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
    let report = analyze(&wire::together(&[&first, &second]));
    assert_eq!(report.counters.connections, 2);
    assert_eq!(report.failures[0].connection, Some(1));
    assert_eq!(said(&report.failures[0]), failure("closed_in_flight", "proven", "unsafe")[0]);
}

/// Not among the conversations: without the frames that bring the rest, both look like a proxy that
/// closed in the middle of an answer.
#[test]
fn a_proxy_that_closes_early_and_had_enough_accuses_nobody() {
    let begun = |talk: &mut Talk| {
        talk.handshake().exchange("/warm", 64).data(Proxy, &get("/some")).ack(Backend);
        talk.data(Backend, &ok_head(2_000)).data(Backend, &[b'x'; 1_000]);
        talk.ack(Proxy);
    };
    // A prober refuses what comes behind the head.
    let mut prober = Talk::new(7, 11);
    begun(&mut prober);
    prober.fin(Proxy).data_unheard(Backend, &[b'x'; 1_000]).rst_in_reply(Proxy);
    // A proxy that has closed its own direction only waits for the rest and takes it.
    let mut waits = Talk::new(7, 11);
    begun(&mut waits);
    waits.idle(Duration::from_secs(2)).fin(Proxy).ack(Backend);
    waits.idle(Duration::from_secs(2)).data(Backend, &[b'x'; 1_000]).ack(Proxy);
    waits.fin(Backend).ack(Proxy);
    for talk in [prober, waits] {
        assert!(analyze(&talk.frames).failures.is_empty());
    }
}

/// Not among the conversations: captured before what came before it, it looks like the first.
#[test]
fn a_fin_that_is_a_repetition_proves_nothing_by_what_it_acknowledges() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS).fin_unheard(Backend);
    talk.frames.pop();
    talk.data(Proxy, &get("/raced"))
        .ack(Backend)
        .idle(Duration::from_millis(20))
        .fin_again(Backend);
    talk.arrives(Proxy).fin(Proxy);
    let report = analyze(&talk.frames);
    let found: Vec<Expected> = report.failures.iter().map(said).collect();
    assert_eq!(found, failure("unproven", "possible", "unknown"));
}

/// Not among the conversations: without the first try, the second one looks like the only one.
#[test]
fn what_a_repeated_request_acknowledges_proves_no_stale_reuse() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
    let request = get("/raced");
    let (begin, rest) = request.split_at(20);
    talk.data_unheard(Proxy, begin);
    talk.frames.pop();
    talk.data_unheard(Proxy, rest)
        .fin(Backend)
        .idle(Duration::from_millis(5))
        .again(Proxy, &request);
    talk.rst_in_reply(Backend).fin(Proxy);
    let report = analyze(&talk.frames);
    let found: Vec<Expected> = report.failures.iter().map(said).collect();
    assert_eq!(found, failure("unproven", "possible", "unknown"));
}

/// Not among the conversations: who does not see the CONNECT does not know of the tunnel.
#[test]
fn bytes_in_a_tunnel_are_no_http() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n").ack(Backend);
    talk.data(Backend, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ack(Proxy);
    talk.data(Proxy, &get("/inside")).ack(Backend).idle(TWO_SECONDS).close(Backend);
    let report = analyze(&talk.frames);
    assert_eq!((report.counters.exchanges, report.failures.len()), (1, 0), "{:?}", report.failures);
}

/// A receiver believes a reset that lies in its window, and no other (RFC 9293, section 3.10.7.4).
#[test]
fn a_reset_with_a_number_out_of_the_window_ends_nothing() {
    let mut talk = Talk::new(3, 0x7000_0000);
    talk.handshake().exchange("/warm", 64).data(Proxy, &get("/crash")).ack(Backend);
    talk.rst(Backend);
    assert_eq!(analyze(&talk.frames).causes.of(Cause::ResetInFlight), 1);
    let last = talk.frames.last_mut().unwrap();
    last.bytes[38..42].fill(0);
    let report = analyze(&talk.frames);
    assert_eq!((report.failures.len(), report.counters.stray_segments), (0, 1));
}

#[test]
fn a_syn_captured_twice_is_one_try() {
    let mut talk = Talk::new(3, 4);
    talk.syn().idle(Duration::from_millis(50)).syn_again();
    // Traffic that goes on, so that the silence means something.
    let mut other = Talk::new(7, 8).on_port(40_001).after(Duration::from_secs(1));
    other.handshake().exchange("/x", 4).idle(Duration::from_secs(7)).exchange("/y", 4).close(Proxy);
    let report = analyze(&wire::together(&[&talk, &other]));
    assert_eq!(report.failures[0].detail["syns"], 1, "{:?}", report.failures);
}

/// A proxy whose address on the front leg is another than on the backend leg: nothing but what passes
/// tells that it is one host.
#[test]
fn a_listener_that_passes_on_what_it_is_asked_is_the_proxys_own() {
    let (user, front) = (([10, 1, 0, 5], 50_000), ([10, 1, 0, 1], 80));
    let (proxy, backend) = (([10, 2, 0, 1], 40_000), ([10, 2, 0, 2], 3_000));
    let millis = Duration::from_millis;
    let answered =
        |number: u16, from: ([u8; 4], u16), to: ([u8; 4], u16), after, takes, answer: &[u8]| {
            // Connections of the same numbers would be one, seen twice.
            let own = u32::from(from.1 + number) << 8;
            let mut talk = Talk::new(own, own + u32::from(to.1))
                .between((from.0, from.1 + number), to)
                .after(millis(100 * u64::from(number) + after));
            talk.handshake().data(Proxy, &get(&format!("/{number}"))).ack(Backend);
            talk.idle(millis(takes)).data(Backend, answer).ack(Proxy).close(Proxy);
            talk
        };
    let bad = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    let roles = |passed_on: u16, inside: u64| {
        let mut talks = vec![answered(9, user, front, 0, 20, bad)];
        for number in 0..passed_on {
            talks.push(answered(number, user, front, 0, 20, &ok(64)));
            talks.push(answered(number, proxy, backend, inside, 5, &ok(64)));
        }
        let report = analyze(&wire::together(&talks.iter().collect::<Vec<_>>()));
        let found = report.notes.iter().any(|note| note.code == "front_found");
        let causes: Vec<&str> =
            report.failures.iter().map(|failure| failure.cause.name()).collect();
        (causes.join(" "), found)
    };
    let of = |cause: &str, found| (cause.to_owned(), found);
    assert_eq!(roles(5, 5), of("unproven", true), "its 502 is a client's error, and no backend's");
    assert_eq!(roles(2, 5), of("backend_error", false), "two can be chance");
    assert_eq!(
        roles(5, 50),
        of("backend_error", false),
        "what is asked afterwards was not passed on"
    );
}
