//! Answers that do not arrive: the backend sent them, and the way back is dead for them, or for segments of
//! their size.

use crate::scenarios::analyze;
use crate::wire::{End, Talk, get, ok, ok_head};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::report::{FailureRecord, Report};

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;
/// A full-sized segment.
const FULL: [u8; 1_448] = [b'x'; 1_448];

/// The head of an answer arrives.
fn begun(way: Duration) -> Talk {
    let mut talk = Talk::new(1_000, 2_000);
    talk.syn_and_wait(way).data(Proxy, &get("/app.js")).ack(Backend);
    talk.data(Backend, &ok_head(20_000)).ack(Proxy);
    talk
}

/// What is sent last does not arrive, however often.
fn in_vain(talk: &mut Talk) {
    talk.data_unheard(Backend, &FULL);
    for wait in [200, 400, 800, 1_600] {
        talk.idle(MS(wait)).again(Backend, &FULL);
    }
}

fn only(talk: &Talk) -> FailureRecord {
    let report: Report = analyze(&talk.frames);
    assert_eq!(report.failures.len(), 1, "{:?}", report.failures);
    report.failures.into_iter().next().unwrap()
}

fn said(talk: &Talk) -> (&'static str, &'static str, String) {
    let failure = only(talk);
    let form = failure.detail.get("form").and_then(|form| form.as_str()).unwrap_or_default();
    (failure.cause.name(), failure.certainty.name(), form.to_owned())
}

fn dropped(certainty: &'static str, form: &str) -> (&'static str, &'static str, String) {
    ("silent_drop", certainty, form.to_owned())
}

#[test]
fn full_segments_that_are_repeated_and_never_acknowledged_are_lost_on_the_way_back() {
    let mut talk = begun(MS(20));
    in_vain(&mut talk);
    talk.idle(SECS(17)).fin(Proxy).ack(Backend);
    assert_eq!(said(&talk), dropped("proven", "rest_unacknowledged"));
    let failure = only(&talk);
    assert_eq!(failure.retry.name(), "unsafe");
    assert_eq!(failure.detail.get("segment_bytes"), Some(&1_448.into()));
    for words in ["1448 bytes do not arrive, smaller ones do", "MTU"] {
        assert!(failure.summary.contains(words), "{}", failure.summary);
    }
    // Elsewhere on the way, what arrives and what is acknowledged are not the same.
    let mut talk = begun(MS(0));
    in_vain(&mut talk);
    talk.idle(SECS(17)).fin(Proxy).ack(Backend);
    assert_eq!(said(&talk), dropped("likely", "rest_unacknowledged"));
}

#[test]
fn a_size_is_told_only_where_all_that_arrived_was_smaller() {
    let mut talk = begun(MS(20));
    talk.data(Backend, &FULL).ack(Proxy);
    in_vain(&mut talk);
    talk.idle(SECS(17)).fin(Proxy).ack(Backend);
    assert_eq!(said(&talk), dropped("proven", "rest_unacknowledged"));
    let failure = only(&talk);
    assert_eq!(failure.detail.get("segment_bytes"), None);
    assert!(!failure.summary.contains("smaller"), "{}", failure.summary);
}

#[test]
fn an_answer_that_is_whole_on_the_wire_is_lost_as_well() {
    let mut talk = Talk::new(1_000, 2_000);
    talk.syn_and_wait(MS(20)).data(Proxy, &get("/app.js")).ack(Backend);
    talk.data(Backend, &ok_head(FULL.len())).ack(Proxy);
    in_vain(&mut talk);
    talk.idle(SECS(17)).fin(Proxy).ack(Backend);
    assert_eq!(said(&talk), dropped("proven", "rest_unacknowledged"));
}

#[test]
fn a_backend_whose_segments_arrive_at_last_and_that_sends_no_more_is_what_stopped() {
    let mut talk = begun(MS(20));
    in_vain(&mut talk);
    talk.arrives(Proxy).ack(Proxy).idle(SECS(17)).fin(Proxy).ack(Backend);
    assert_eq!(said(&talk), ("stalled", "likely", "silence".to_owned()));
    // The proxy's close itself says that they arrived.
    let mut talk = begun(MS(20));
    in_vain(&mut talk);
    talk.arrives(Proxy).idle(SECS(17)).fin(Proxy).ack(Backend);
    assert_eq!(said(&talk), ("stalled", "likely", "silence".to_owned()));
}

#[test]
fn segments_that_were_repeated_once_may_yet_arrive() {
    let mut talk = begun(MS(20));
    talk.data_unheard(Backend, &FULL).idle(MS(200)).again(Backend, &FULL);
    talk.idle(MS(700)).fin(Proxy).ack(Backend).idle(SECS(1)).ack(Backend);
    assert_ne!(only(&talk).cause.name(), "silent_drop");
}

#[test]
fn a_proxy_that_takes_no_more_for_now_has_lost_nothing() {
    let mut talk = begun(MS(20));
    talk.window(Proxy, 0).ack(Proxy);
    in_vain(&mut talk);
    talk.idle(SECS(17)).fin(Proxy).ack(Backend);
    assert_ne!(only(&talk).cause.name(), "silent_drop");
}

#[test]
fn what_did_not_reach_the_proxys_side_shows_by_the_number_of_the_next_segment() {
    // The bytes pass where nothing is captured, and nobody acknowledges them.
    let unseen = |talk: &mut Talk| {
        let full = talk.frames.len();
        talk.data_unheard(Backend, &FULL);
        talk.frames.truncate(full);
    };
    let mut talk = begun(MS(0));
    unseen(&mut talk);
    talk.idle(SECS(20)).fin(Proxy).ack(Backend);
    assert_eq!(said(&talk), dropped("likely", "rest_unacknowledged"));
    assert!(only(&talk).summary.contains("had sent more of its response"));
    // Not even its beginning.
    let mut talk = Talk::new(1_000, 2_000);
    talk.handshake().data(Proxy, &get("/app.js")).ack(Backend);
    unseen(&mut talk);
    talk.idle(SECS(20)).fin(Proxy).ack(Backend).idle(SECS(1)).ack(Backend);
    assert_eq!(said(&talk), dropped("likely", "answer_unacknowledged"));
    // A FIN that was not captured takes one number, and is none of that.
    let mut talk = begun(MS(0));
    talk.idle(SECS(20)).fin(Proxy).uncaptured(Backend, 1).ack(Backend);
    assert_eq!(said(&talk), ("stalled", "likely", "silence".to_owned()));
    // Neither is more that the proxy acknowledges: the capture misses it.
    let mut talk = begun(MS(0));
    talk.uncaptured(Backend, 1_448).idle(SECS(20)).fin(Proxy).ack(Backend);
    assert!(analyze(&talk.frames).failures.is_empty(), "what is missing was not read");
}

#[test]
fn a_backend_that_resets_an_idle_connection_has_cut_no_upload_short_whose_head_was_cut() {
    let mut talk = Talk::new(1_000, 2_000);
    talk.handshake().data(Proxy, &get(&format!("/{}", "a".repeat(200))));
    talk.ack(Backend).data(Backend, &ok(2)).ack(Proxy).idle(SECS(2)).rst(Backend);
    talk.data(Proxy, &get("/next")).rst_in_reply(Backend);
    let mut frames = talk.frames.clone();
    let causes =
        |report: &Report| report.failures.iter().map(|one| one.cause.name()).collect::<Vec<_>>();
    assert_eq!(causes(&analyze(&frames)), ["keepalive_race"]);
    for frame in &mut frames {
        frame.bytes.truncate(128);
    }
    assert!(!causes(&analyze(&frames)).contains(&"upload_cut_short"));
}
