//! Connects that fail, and those that only seem to.

use crate::conversations::{Expected, failure};
use crate::events::{SECOND, all, millis};
use crate::scenarios::{analyze, said};
use crate::timers::goes_on;
use crate::wire::{self, End, Talk};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::analysis::{Analysis, Settings};
use why502::inside::base::time::Timestamp;
use why502::inside::facts::closing::Closer;
use why502::inside::packet::{self, FrameRef, LinkType};
use why502::inside::report::records::Record;
use why502::inside::verdict::Cause;

/// What is said of a connect where other traffic shows that the capture goes on for so long.
fn seen_for(length: Duration, talk: &Talk) -> Vec<Expected> {
    let other = goes_on(millis(500), length);
    analyze(&wire::together(&[talk, &other])).failures.iter().map(said).collect()
}

#[test]
fn one_syn_is_a_timeout_only_where_its_repetition_is_overdue() {
    let mut talk = Talk::new(3, 4);
    talk.syn();
    assert_eq!(seen_for(SECOND * 2, &talk), []);
    assert_eq!(seen_for(SECOND * 5, &talk), failure("connect_timeout", "likely", "safe"));
}

#[test]
fn two_syns_make_a_timeout_likely_only_where_the_third_is_overdue() {
    let mut talk = Talk::new(3, 4);
    talk.syn().idle(SECOND).syn_again();
    assert_eq!(seen_for(SECOND * 2, &talk), failure("connect_timeout", "possible", "safe"));
    assert_eq!(seen_for(SECOND * 5, &talk), failure("connect_timeout", "likely", "safe"));
}

#[test]
fn a_connect_that_the_proxy_takes_back_is_no_timeout() {
    let mut talk = Talk::new(3, 4);
    talk.syn().idle(SECOND * 4).rst(Proxy);
    assert_eq!(seen_for(SECOND * 8, &talk), []);
}

#[test]
fn who_closes_where_two_protocols_meet_is_told() {
    for (first, by) in [(Backend, Closer::Backend), (Proxy, Closer::Proxy)] {
        let mut talk = Talk::new(3, 4);
        talk.handshake().data(Proxy, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        talk.data(Backend, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").close(first);
        let report = analyze(&talk.frames);
        assert_eq!(report.failures[0].cause.name(), "protocol_mismatch");
        assert_eq!(report.failures[0].close.as_ref().unwrap().by, by);
    }
}

#[test]
fn sixteen_refused_ports_are_a_scan_and_fifteen_are_not() {
    for (ports, notes) in [(15, 0), (16, 1)] {
        let talks: Vec<Talk> = (0..ports)
            .map(|index| {
                let mut talk = Talk::new(9, 9)
                    .between(([10, 0, 0, 9], 40_000 + index), ([10, 0, 0, 1], 1_000 + index));
                talk.syn().refuse();
                talk
            })
            .collect();
        let report = all(&talks);
        assert_eq!(
            report.notes.iter().filter(|note| note.code == "scan").count(),
            notes,
            "{ports}"
        );
        assert_eq!(report.failures.is_empty(), notes > 0, "{ports}");
    }
}

#[test]
fn a_watch_tells_at_once_of_a_backend_that_refuses_from_the_beginning() {
    let mut talk = Talk::new(3, 4);
    talk.syn().refuse();
    let mut settings = Settings::default();
    settings.records.failures = true;
    // What was closed is judged soon after that.
    settings.flow.settle = millis(350);
    settings.flow.end_when_judged = true;
    let mut analysis = Analysis::new(settings);
    let mut causes = Vec::new();
    let mut out = |record| match record {
        Record::Failure(failure) => causes.push(failure.cause),
        other => panic!("{other:?}"),
    };
    for (frame, number) in talk.frames.iter().zip(1..) {
        let at = Timestamp::from_nanos(frame.at);
        let frame = packet::Frame {
            reference: FrameRef { capture: 0, number, at },
            link: LinkType::ETHERNET,
            wire_len: frame.bytes.len() as u32,
            bytes: &frame.bytes,
        };
        analysis.frame(&frame, 0, &mut out);
    }
    analysis.tick(Timestamp::from_nanos(talk.now()).plus(SECOND), &mut out);
    analysis.tell(&mut out);
    assert_eq!(causes, [Cause::ConnectionRefused]);
}
