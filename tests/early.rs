//! What a watch says before a connection has ended: a backend that hangs is told of when its proxy has closed,
//! not when its own close comes at last; and what comes then is a revision.

use crate::wire::{End, Frame, Talk, captured, get, ok, ok_head};
use End::{Backend, Proxy};
use std::time::Duration;
use why502::inside::analysis::{Analysis, Settings};
use why502::inside::base::time::Timestamp;
use why502::inside::input::CaptureFacts;
use why502::inside::report::Report;
use why502::inside::report::records::{Record, RevisionRecord};

const SECOND: Duration = Duration::from_secs(1);
const MS: fn(u64) -> Duration = Duration::from_millis;

/// What a watch says of these frames, each record with the place of the last frame before it; what is said
/// at the end with the place after all.
fn watch(frames: &[Frame]) -> (Vec<(usize, Record)>, Report) {
    watch_some(frames, usize::MAX)
}

/// The same, where no more than so many connections are followed.
fn watch_some(frames: &[Frame], connections: usize) -> (Vec<(usize, Record)>, Report) {
    let mut settings = Settings::default();
    settings.flow.connections = connections;
    settings.records.failures = true;
    settings.records.revisions = true;
    settings.flow.settle = MS(350);
    settings.flow.quiet = Some(MS(550));
    settings.flow.end_when_judged = true;
    let mut analysis = Analysis::new(settings);
    let mut records = Vec::new();
    for (place, (frame, captured)) in frames.iter().zip(captured(frames)).enumerate() {
        // While nothing is captured time passes all the same.
        let mut now = frames.get(place.wrapping_sub(1)).map_or(frame.at, |before| before.at);
        while now + 100_000_000 < frame.at {
            now += 100_000_000;
            analysis.tick(Timestamp::from_nanos(now), &mut |record| {
                records.push((place.saturating_sub(1), record));
            });
        }
        let mut out = |record| records.push((place, record));
        analysis.frame(&captured, 0, &mut out);
        analysis.tell(&mut out);
    }
    let (last, end) = (frames.len() - 1, frames.last().unwrap().at);
    for tenth in 1..10 {
        let now = Timestamp::from_nanos(end).plus(MS(tenth * 100));
        analysis.tick(now, &mut |record| records.push((last, record)));
    }
    let end = frames.len();
    let report = analysis.finish(std::iter::empty::<&CaptureFacts>(), &mut [], &mut |record| {
        records.push((end, record));
    });
    (records, report)
}

/// The proxy waits for so long, and closes; the backend has the request.
fn hung(wait: Duration) -> Talk {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(wait).fin(Proxy).ack(Backend);
    talk
}

fn failures(records: &[(usize, Record)]) -> Vec<(usize, String, String)> {
    let told = records.iter().filter_map(|(place, record)| match record {
        Record::Failure(one) => {
            Some((*place, one.cause.name().to_owned(), one.certainty.name().to_owned()))
        }
        _ => None,
    });
    told.collect()
}

fn revisions(records: &[(usize, Record)]) -> Vec<&RevisionRecord> {
    let revisions = records.iter().filter_map(|(_, record)| match record {
        Record::Revision(revision) => Some(revision),
        _ => None,
    });
    revisions.collect()
}

fn timeout(place: usize) -> Vec<(usize, String, String)> {
    vec![(place, "response_timeout".to_owned(), "likely".to_owned())]
}

#[test]
fn a_backend_that_hangs_is_told_of_when_the_proxy_has_closed() {
    let mut talk = hung(SECOND);
    let closed = talk.frames.len() - 1;
    // Two minutes later it closes at last.
    talk.idle(120 * SECOND).fin(Backend).ack(Proxy);
    let (records, report) = watch(&talk.frames);
    assert_eq!(failures(&records), timeout(closed));
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.causes.sum(), 1);
    assert_eq!(report.counters.exchanges, 1);
    // The close is learned, and nothing else is.
    for revision in revisions(&records) {
        assert!(!revision.retracted && !revision.changed.contains_key("cause"), "{revision:?}");
    }
}

#[test]
fn one_that_never_closes_is_told_of_once() {
    let talk = hung(SECOND);
    let (records, report) = watch(&talk.frames);
    assert_eq!(failures(&records), timeout(talk.frames.len() - 1));
    assert_eq!((report.failures.len(), report.counters.exchanges), (1, 1));
    assert!(revisions(&records).is_empty(), "{records:?}");
}

#[test]
fn a_late_answer_is_a_revision() {
    let mut talk = hung(SECOND);
    let closed = talk.frames.len() - 1;
    talk.idle(3 * SECOND).data(Backend, &ok(64)).rst_in_reply(Proxy);
    let (records, report) = watch(&talk.frames);
    assert_eq!(failures(&records), timeout(closed));
    let failure = &report.failures[0];
    assert_eq!(failure.cause.name(), "response_timeout");
    assert_eq!(failure.detail["answered_late"], true);
    let revised = revisions(&records);
    let revised = revised.iter().find(|one| one.changed.contains_key("detail")).unwrap();
    assert_eq!(revised.changed["detail"]["answered_late"], true);
    assert_eq!(revised.id, failure.id);
}

/// A proxy that closes its own direction only, and takes the answer: it waited for that.
#[test]
fn an_answer_that_is_taken_after_all_withdraws_the_failure() {
    let mut talk = hung(SECOND);
    let closed = talk.frames.len() - 1;
    talk.idle(3 * SECOND).data(Backend, &ok(64)).ack(Proxy).fin(Backend).ack(Proxy);
    let (records, report) = watch(&talk.frames);
    assert_eq!(failures(&records), timeout(closed));
    assert!(revisions(&records)[0].retracted && revisions(&records)[0].withdrawn.is_some());
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert_eq!((report.causes.sum(), report.counters.exchanges), (0, 1));
}

/// Where less than that may be the reason, the end has to tell.
#[test]
fn nothing_is_said_early_of_what_may_come_out_otherwise() {
    let told_early = |talk: &Talk| {
        let mut talk = talk.clone();
        let closed = talk.frames.len();
        talk.idle(60 * SECOND).fin(Backend).ack(Proxy);
        let early = |(place, _, _): &(usize, String, String)| *place < closed;
        failures(&watch(&talk.frames).0).iter().filter(|one| early(one)).count()
    };
    assert_eq!(told_early(&hung(SECOND)), 1);
    // Half-closed at once, as some clients do with every request.
    assert_eq!(told_early(&hung(MS(1))), 0);
    // The request was not acknowledged.
    let mut unheard = Talk::new(3, 4);
    unheard.handshake().data_unheard(Proxy, &get("/slow")).idle(SECOND).fin_unheard(Proxy);
    assert_eq!(told_early(&unheard), 0);
    // Something of the answer was missed.
    let mut missed = Talk::new(3, 4);
    missed.handshake().data(Proxy, &get("/slow")).ack(Backend).uncaptured(Backend, 100);
    missed.idle(SECOND).fin(Proxy).ack(Backend);
    assert_eq!(told_early(&missed), 0);
    // Some of it came, and waits for what was missed before it.
    let mut holed = Talk::new(3, 4);
    holed.handshake().data(Proxy, &get("/slow")).ack(Backend).uncaptured(Backend, 100);
    holed.data_unheard(Backend, &[b'x'; 50]).idle(SECOND).fin_unheard(Proxy).ack(Backend);
    assert_eq!(told_early(&holed), 0);
    // The answer is still under way.
    let mut flows = Talk::new(3, 4);
    flows.handshake().data(Proxy, &get("/slow")).ack(Backend).data(Backend, &ok_head(9_000));
    flows.ack(Proxy).data(Backend, &[b'x'; 500]).fin(Proxy).ack(Backend);
    assert_eq!(told_early(&flows), 0);
}

#[test]
fn an_answer_that_stands_still_is_told_of_as_early() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/slow")).ack(Backend).data(Backend, &ok_head(9_000));
    talk.ack(Proxy).idle(2 * SECOND).fin(Proxy).ack(Backend);
    let closed = talk.frames.len() - 1;
    talk.idle(60 * SECOND).fin(Backend).ack(Proxy);
    let (records, _) = watch(&talk.frames);
    assert_eq!(failures(&records), [(closed, "stalled".to_owned(), "likely".to_owned())]);
}

/// There is no room to follow it to its end, and nobody took back what was said.
#[test]
fn what_was_said_early_stays_where_the_rest_is_not_followed() {
    let first = hung(SECOND);
    let mut other = Talk::new(7, 8).on_port(41_000).after(10 * SECOND);
    other.handshake().exchange("/", 64).close(Proxy);
    let frames = crate::wire::together(&[&first, &other]);
    let (records, report) = watch_some(&frames, 1);
    assert_eq!(failures(&records), timeout(first.frames.len() - 1));
    assert!(revisions(&records).iter().all(|one| !one.retracted), "{records:?}");
    assert_eq!((report.failures.len(), report.counters.exchanges), (1, 2));
}
