//! Captures given together: rings, two vantages of the same connections, and different connections
//! at one time.

use crate::wire::{self, End, Frame, Talk, get, ok, pcap};
use End::{Backend, Proxy};
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, Settings};
use why502::inside::input::Savefile;
use why502::inside::report::{FailureRecord, Report};
use why502::inside::topology::vantage::Vantage;

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// What is said of several captures, each with its name, given in the order of their first frames.
fn together(captures: &[(&str, &[Frame])]) -> Report {
    let mut sources: Vec<Savefile> = captures
        .iter()
        .zip(0..)
        .map(|((name, frames), place)| {
            let file = Cursor::new(pcap(frames));
            Savefile::from_reader(Box::new(file), (*name).to_owned(), place).unwrap()
        })
        .collect();
    analysis::analyze(&mut sources, Settings::default(), &mut |_| {}).unwrap()
}

/// The frames as another host saw them, whose clock is ahead.
fn elsewhere(frames: &[Frame], ahead: Duration) -> Vec<Frame> {
    let later = ahead.as_nanos() as u64;
    frames.iter().map(|frame| Frame { at: frame.at + later, ..frame.clone() }).collect()
}

fn has_note(report: &Report, code: &str) -> bool {
    report.notes.iter().any(|note| note.code == code)
}

fn said(failure: &FailureRecord) -> (&'static str, &'static str, &'static str) {
    (failure.cause.name(), failure.certainty.name(), failure.retry.name())
}

/// A race, a crash and a clean exchange after it on another connection.
fn talks() -> Vec<Frame> {
    let mut raced = Talk::new(11, 22);
    raced.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
    raced.fin_unheard(Backend).data(Proxy, &get("/raced"));
    raced.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
    let mut crashed = Talk::new(33, 44).on_port(40_001).after(Duration::from_secs(1));
    crashed.handshake().data(Proxy, &get("/crash")).ack(Backend).idle(TWO_SECONDS).close(Backend);
    let mut clean = Talk::new(55, 66).on_port(40_002).after(Duration::from_secs(5));
    clean.handshake().exchange("/a", 64).idle(TWO_SECONDS).exchange("/b", 64).close(Proxy);
    wire::together(&[&raced, &crashed, &clean])
}

#[test]
fn a_failure_seen_at_two_vantages_is_reported_once() {
    let frames = talks();
    let once = together(&[("proxy", &frames)]);
    for ahead in [Duration::from_micros(300), Duration::from_secs(3)] {
        let other = elsewhere(&frames, ahead);
        let both = together(&[("proxy", &frames), ("backend", &other)]);
        let shown = |report: &Report| {
            report.failures.iter().map(|one| (one.id.clone(), said(one))).collect::<Vec<_>>()
        };
        assert_eq!(shown(&both), shown(&once), "{ahead:?}");
        assert_eq!(both.causes, once.causes);
        assert_eq!(both.counters.exchanges, once.counters.exchanges);
        assert_eq!(both.backends[0].connections, once.backends[0].connections);
        assert_eq!(
            both.backends[0].idle.gaps.reused.count,
            once.backends[0].idle.gaps.reused.count
        );
        assert!(has_note(&both, "two_vantages") && !has_note(&once, "two_vantages"));
    }
}

/// Every frame is missing at one vantage once: what the other one shows is reported.
#[test]
fn the_better_proof_wins() {
    let frames = talks();
    let whole = together(&[("proxy", &frames)]);
    let other = elsewhere(&frames, Duration::from_micros(300));
    for missing in 0..frames.len() {
        let mut damaged = frames.clone();
        damaged.remove(missing);
        for both in [
            together(&[("proxy", &damaged), ("backend", &other)]),
            together(&[("proxy", &frames), ("backend", &elsewhere(&damaged, TWO_SECONDS))]),
        ] {
            let found: Vec<_> = both.failures.iter().map(said).collect();
            let wanted: Vec<_> = whole.failures.iter().map(said).collect();
            assert_eq!(found, wanted, "without frame {}", missing + 1);
        }
    }
}

/// Connections that neither capture holds from the start are known by their ends and numbers.
#[test]
fn connections_begun_before_both_captures_are_joined() {
    let mut talk = Talk::new(11, 22);
    talk.handshake().exchange("/warm", 64);
    let begun = talk.frames.len();
    talk.exchange("/a", 64).idle(TWO_SECONDS);
    talk.data(Proxy, &get("/crash")).ack(Backend).idle(TWO_SECONDS).close(Backend);
    let frames = &talk.frames[begun..];
    let other = elsewhere(&talk.frames[begun + 1..], Duration::from_micros(100));
    let both = together(&[("proxy", frames), ("backend", &other)]);
    assert_eq!(both.counters.exchanges, 2);
    assert_eq!(
        both.failures.iter().map(said).collect::<Vec<_>>(),
        [("closed_in_flight", "proven", "unsafe")]
    );
}

/// A refused connect has no SYN+ACK to know it by.
#[test]
fn a_connect_refused_at_two_vantages_is_one() {
    let mut talk = Talk::new(11, 22);
    talk.syn().refuse();
    let other = elsewhere(&talk.frames, Duration::from_micros(100));
    let both = together(&[("proxy", &talk.frames), ("backend", &other)]);
    assert_eq!(both.failures.len(), 1);
    assert_eq!(both.counters.connects_failed, 1);
}

/// The balancer's address at one vantage, the container's at the other.
#[test]
fn address_translation_between_two_vantages_hides_nothing_and_doubles_nothing() {
    let play = |talk: &mut Talk| {
        talk.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
    };
    let mut outside = Talk::new(77, 88).between(([10, 0, 0, 9], 40_000), ([10, 0, 0, 5], 80));
    let mut inside = Talk::new(77, 88)
        .between(([172, 17, 0, 1], 40_000), ([172, 17, 0, 2], 3_000))
        .after(Duration::from_secs(3));
    play(&mut outside);
    play(&mut inside);
    // Without the acknowledgement and the FIN, the proxy's side alone proves nothing.
    let mut damaged = outside.frames.clone();
    damaged.drain(4..6);
    let both = together(&[("lb", &damaged), ("pod", &inside.frames)]);
    let found: Vec<_> = both
        .failures
        .iter()
        .map(|failure| (failure.backend.unwrap().to_string(), said(failure)))
        .collect();
    assert_eq!(found, [("10.0.0.5:80".to_owned(), ("closed_in_flight", "proven", "unsafe"))]);
}

/// Two interfaces, captured at the same time: the front leg in one, the backend leg in the other.
#[test]
fn captures_that_share_nothing_are_read_as_one_scene() {
    let mut front = Talk::new(3, 4).between(([10, 0, 0, 77], 50_000), ([10, 0, 0, 9], 80));
    front.handshake().data(Proxy, &get("/crash")).ack(Backend);
    front.data(Backend, &ok(5)).ack(Proxy).idle(TWO_SECONDS);
    front.data(Proxy, &get("/dropped")).ack(Backend).idle(TWO_SECONDS).close(Backend);
    let mut back = Talk::new(1, 2).after(TWO_SECONDS + Duration::from_millis(2));
    back.handshake()
        .data(Proxy, &get("/dropped"))
        .ack(Backend)
        .idle(Duration::from_secs(1))
        .close(Backend);
    let both = together(&[("eth0", &front.frames), ("eth1", &back.frames)]);
    let backends: Vec<String> =
        both.failures.iter().map(|one| one.backend.unwrap().to_string()).collect();
    assert_eq!(backends, ["10.0.0.1:8080"]);
    assert!(!has_note(&both, "two_vantages"));
}

/// Two rings, rotated at the same time: the files of each follow each other.
#[test]
fn two_rings_are_two_vantages() {
    let frames = talks();
    let other = elsewhere(&frames, Duration::from_millis(2));
    let (a, b) = (frames.split_at(9), other.split_at(9));
    let whole = together(&[("proxy", &frames)]);
    let rings = together(&[
        ("/captures/proxy-1.pcap", a.0),
        ("/captures/backend-1.pcap", b.0),
        ("/captures/proxy-2.pcap", a.1),
        ("/captures/backend-2.pcap", b.1),
    ]);
    assert_eq!(
        rings.failures.iter().map(said).collect::<Vec<_>>(),
        whole.failures.iter().map(said).collect::<Vec<_>>()
    );
    assert_eq!(rings.counters.capture_gaps, 0);
    assert_eq!(rings.counters.connections, 2 * whole.counters.connections);
}

#[test]
fn a_capture_far_from_both_ends_is_between_them() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/a", 64).close(Proxy);
    for (from, later) in [(1, 10), (2, 12)] {
        talk.frames[from..].iter_mut().for_each(|frame| frame.at += later * 1_000_000);
    }
    assert_eq!(together(&[("", &talk.frames)]).backends[0].vantage.value, Vantage::Between);
}
