//! What the way lost, and what only looks so: a request that was taken, a host that waits, an answer of
//! which too little was captured.

use crate::conversations::{Expected, failure};
use crate::events::{SECOND, millis};
use crate::scenarios::{analyze, said};
use crate::timers::goes_on;
use crate::wire::{self, End, Frame, Talk, get, ok, post_head};
use End::{Backend, Proxy};
use std::time::Duration;

fn found(frames: &[Frame]) -> Vec<Expected> {
    analyze(frames).failures.iter().map(said).collect()
}

/// What is said where other traffic shows that the capture goes on for so long.
fn seen_for(length: Duration, talk: &Talk) -> Vec<Expected> {
    found(&wire::together(&[talk, &goes_on(millis(500), length)]))
}

/// The request comes through at the third time, and the answer when the proxy has given up.
fn taken_after(wait: Duration, patience: Duration) -> Talk {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).data_unheard(Proxy, &get("/a"));
    talk.idle(wait).again(Proxy, &get("/a")).idle(wait).again(Proxy, &get("/a"));
    talk.arrives(Backend).ack(Backend).idle(patience).fin(Proxy).ack(Backend);
    talk.idle(SECOND).data_unheard(Backend, &ok(64)).rst_in_reply(Proxy);
    talk
}

#[test]
fn a_request_that_came_through_in_time_is_not_what_made_the_answer_late() {
    for (wait, patience) in [(millis(200), millis(100)), (millis(200), SECOND * 5)] {
        let found = found(&taken_after(wait, patience).frames);
        assert_eq!(found, failure("response_timeout", "likely", "unsafe"), "{patience:?}");
    }
    let late = found(&taken_after(millis(800), SECOND).frames);
    assert_eq!(late, failure("silent_drop", "proven", "unsafe"));
}

/// Captured at the backend: the proxy's word is a while on its way.
fn unheard_answer() -> Talk {
    let mut talk = Talk::new(3, 4);
    talk.syn_and_wait(millis(20)).exchange("/warm", 64).idle(SECOND * 2);
    talk.data(Proxy, &get("/lost")).data_unheard(Backend, &ok(64));
    talk.again_and_again(Backend, &ok(64)).fin_unheard(Proxy);
    talk
}

#[test]
fn a_lost_answer_is_proven_beside_the_backend_and_only_where_nothing_is_missing() {
    let talk = unheard_answer();
    assert_eq!(found(&talk.frames), failure("silent_drop", "proven", "unsafe"));
    // The answer before, which the proxy has acknowledged.
    let mut damaged = talk.frames.clone();
    damaged.remove(5);
    assert_eq!(found(&damaged), failure("silent_drop", "likely", "unsafe"));
}

#[test]
fn a_host_that_will_send_again_has_not_given_up() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).idle(SECOND).data_unheard(Proxy, &get("/lost"));
    talk.idle(millis(400)).again(Proxy, &get("/lost"));
    talk.idle(millis(800)).again(Proxy, &get("/lost"));
    let sent = Duration::from_nanos(talk.now())
        .saturating_sub(Duration::from_nanos(Talk::new(0, 0).now()));
    assert_eq!(seen_for(sent + SECOND, &talk), []);
    assert_eq!(seen_for(sent + SECOND * 5, &talk), failure("silent_drop", "likely", "unknown"));
}

#[test]
fn a_window_that_closes_behind_a_whole_request_stops_nothing() {
    let mut taken = Talk::new(3, 4);
    taken.handshake().data(Proxy, &get("/a")).window(Backend, 0).ack(Backend);
    assert_eq!(seen_for(SECOND * 5, &taken), []);
    let mut stuck = Talk::new(3, 4);
    stuck.handshake().data(Proxy, &post_head("/up", 9_000)).data(Proxy, &[b'b'; 1_000]);
    stuck.window(Backend, 0).ack(Backend);
    assert_eq!(seen_for(SECOND * 5, &stuck), failure("stalled", "possible", "unknown"));
}

/// Without numbers in the IP header, as over IPv6, copies of a frame are told by time alone.
#[test]
fn a_request_sent_again_after_a_few_milliseconds_was_sent_twice() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).idle(SECOND * 2).data_unheard(Proxy, &get("/lost"));
    for _ in 0..2 {
        talk.idle(millis(20)).again(Proxy, &get("/lost"));
    }
    talk.idle(SECOND).fin_unheard(Proxy).idle(SECOND).fin_again(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report.failures[0]), failure("silent_drop", "proven", "unknown")[0]);
    assert!(report.failures[0].summary.contains("3 times"), "{}", report.failures[0].summary);
}

/// What the proxy never answered shows that the proxy did not hear it: no queue was full.
#[test]
fn a_syn_ack_that_comes_again_before_it_is_answered_tells_of_no_full_queue() {
    let mut talk = Talk::new(3, 4);
    talk.handshake();
    talk.frames.pop();
    talk.idle(SECOND).syn_ack_again().ack(Proxy).data_unheard(Proxy, &get("/lost"));
    talk.again_and_again(Proxy, &get("/lost")).idle(SECOND).fin_unheard(Proxy);
    talk.idle(SECOND).fin_again(Proxy);
    assert_eq!(found(&talk.frames), failure("silent_drop", "likely", "unknown"));
}

#[test]
fn an_older_acknowledgement_that_was_captured_later_takes_nothing_back() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &post_head("/up", 300)).ack(Backend).data(Proxy, &[b'b'; 300]);
    talk.ack(Backend);
    let older = talk.frames.remove(4);
    talk.frames.push(Frame { at: talk.now() + 1_000, ..older });
    talk.idle(SECOND * 2).fin_unheard(Proxy);
    assert_eq!(seen_for(SECOND * 5, &talk), failure("response_timeout", "likely", "unsafe"));
}

#[test]
fn a_new_connection_had_not_been_idle() {
    let idle = |warm: bool| {
        let mut talk = Talk::new(3, 4);
        talk.handshake();
        if warm {
            talk.exchange("/warm", 64).idle(SECOND * 2);
        }
        talk.data_unheard(Proxy, &get("/lost")).again_and_again(Proxy, &get("/lost"));
        talk.fin_unheard(Proxy).idle(SECOND).fin_again(Proxy);
        analyze(&talk.frames).failures[0].summary.contains("connection idle for")
    };
    assert_eq!((idle(true), idle(false)), (true, false));
}
