//! Frames that a watch itself lost: what they may hide is unproven, what was seen stands, and nothing that was
//! told changes for it later.

use crate::conversations::{Expected, SCENARIOS, failure};
use crate::scenarios::{ISNS, played, said};
use crate::wire::{End, Frame, Talk, captured, get};
use End::{Backend, Proxy};
use std::collections::BTreeSet;
use std::time::Duration;
use why502::inside::analysis::{Analysis, Settings};
use why502::inside::base::time::Timestamp;
use why502::inside::input::CaptureFacts;
use why502::inside::report::Report;
use why502::inside::report::records::Record;

const SECOND: Duration = Duration::from_secs(1);

/// From one moment of a conversation to another, in seconds from its first frame.
type Span = (f64, f64);

/// What a watch tells that sees these frames, and that loses frames in these spans of time: it is looked every
/// second what was lost.
fn watch(frames: &[Frame], lost: &[Span]) -> (Vec<Record>, Report) {
    let mut settings = Settings::default();
    settings.records.failures = true;
    settings.records.revisions = true;
    settings.flow.settle = Duration::from_millis(350);
    settings.flow.end_when_judged = true;
    settings.flow.first_syn_wait = Some(Duration::from_millis(3_200));
    let mut analysis = Analysis::new(settings);
    analysis.expect_losses();
    let mut records = Vec::new();
    let mut out = |record| records.push(record);
    let first =
        Timestamp::from_nanos(frames.iter().map(|frame| frame.at).min().unwrap_or_default());
    let since = |seconds: f64| {
        Timestamp::from_nanos(first.as_nanos().wrapping_add_signed((seconds * 1e9) as i64))
    };
    let (mut from, mut look) = (since(-60.0), first.plus(SECOND));
    let last = frames.iter().map(|frame| frame.at).max().unwrap_or_default();
    let end = Timestamp::from_nanos(last).plus(Duration::from_secs(10));
    let mut frames = captured(frames).peekable();
    while look < end {
        while let Some(frame) = frames.next_if(|frame| frame.reference.at < look) {
            analysis.frame(&frame, 0, &mut out);
            analysis.tell(&mut out);
        }
        analysis.tick(look, &mut out);
        for (begin, end) in lost.iter().map(|(begin, end)| (since(*begin), since(*end))) {
            if end > from && begin <= look {
                analysis.lost(0, begin.max(from), end.min(look));
            }
        }
        analysis.looked(&mut out);
        assert!(!analysis.waits_for_look());
        (from, look) = (look, look.plus(SECOND));
    }
    let report = analysis.finish(std::iter::empty::<&CaptureFacts>(), &mut [], &mut out);
    (records, report)
}

const ALWAYS: Span = (0.0, 100_000.0);

fn all_said(report: &Report) -> Vec<Expected> {
    report.failures.iter().map(said).collect()
}

fn unproven() -> Vec<Expected> {
    failure("unproven", "possible", "unknown")
}

/// A conversation whose frames are all there: what is said of it where frames were lost.
fn with(play: impl Fn(&mut Talk), lost: &[Span]) -> Vec<Expected> {
    let mut talk = Talk::new(ISNS[0].0, ISNS[0].1);
    play(&mut talk);
    all_said(&watch(&talk.frames, lost).1)
}

/// Every conversation, where frames were lost all the time: what stands rests on what was seen.
#[test]
fn what_was_seen_stands_and_what_was_not_is_doubted() {
    let (mut stood, mut doubted) = (BTreeSet::new(), BTreeSet::new());
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[0]);
        let calm = all_said(&watch(&frames, &[]).1);
        let under_loss = all_said(&watch(&frames, &[ALWAYS]).1);
        assert_eq!(calm.len(), under_loss.len(), "{}", scenario.name);
        for (calm, lossy) in calm.iter().zip(&under_loss) {
            if calm == lossy {
                stood.insert(calm.cause);
                continue;
            }
            assert_eq!(
                (lossy.cause, lossy.certainty),
                ("unproven", "possible"),
                "{}",
                scenario.name
            );
            assert_ne!(lossy.retry, "safe", "{}", scenario.name);
            doubted.insert(calm.cause);
        }
    }
    let never_doubted = [
        "backend_error",
        "closed_in_flight",
        "connection_refused",
        "invalid_response",
        "keepalive_race",
        "protocol_mismatch",
        "stale_reuse",
        "truncated_response",
    ];
    for cause in never_doubted {
        assert!(stood.contains(cause) && !doubted.contains(cause), "{cause}: {doubted:?}");
    }
    for cause in ["connect_timeout", "silent_drop", "upload_cut_short"] {
        assert!(doubted.contains(cause) && !stood.contains(cause), "{cause}: {stood:?}");
    }
    // By numbers, or in reply to something.
    for cause in ["reset_in_flight", "stalled"] {
        assert!(doubted.contains(cause) && stood.contains(cause), "{cause}");
    }
}

#[test]
fn what_was_lost_at_another_time_hides_nothing() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[0]);
        let calm = all_said(&watch(&frames, &[]).1);
        assert_eq!(all_said(&watch(&frames, &[(-9.0, -0.1)]).1), calm, "{}", scenario.name);
    }
}

#[test]
fn what_was_told_stays_as_it_is() {
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[0]);
        for lost in [ALWAYS, (0.0, 0.3), (0.9, 1.4), (2.0, 2.2)] {
            let (records, _) = watch(&frames, &[lost]);
            for record in &records {
                if let Record::Revision(revision) = record {
                    let what = format!("{}: {revision:?}", scenario.name);
                    assert!(!revision.changed.contains_key("cause"), "{what}");
                    assert!(!revision.retracted, "{what}");
                }
            }
        }
    }
}

#[test]
fn a_failure_is_told_once_it_is_known_what_was_lost() {
    let mut talk = Talk::new(ISNS[0].0, ISNS[0].1);
    talk.syn();
    let told = |lost: &[Span]| {
        let (records, _) = watch(&talk.frames, lost);
        let causes = records.into_iter().filter_map(|record| match record {
            Record::Failure(failure) => Some((failure.cause.name(), failure.certainty.name())),
            Record::Revision(changed) => panic!("{changed:?}"),
            _ => None,
        });
        causes.collect::<Vec<_>>()
    };
    // No word of any backend was captured.
    assert_eq!(told(&[]), [("connect_timeout", "possible")]);
    // In the last second before it was judged: that is known only after it was.
    assert_eq!(told(&[(3.1, 3.3)]), [("unproven", "possible")]);
}

#[test]
fn a_connect_is_doubted_where_its_last_syn_may_have_been_answered() {
    let one = |talk: &mut Talk| {
        talk.syn();
    };
    let three = |talk: &mut Talk| {
        talk.syn().idle(SECOND).syn_again().idle(2 * SECOND).syn_again();
    };
    let timeout = |certainty| failure("connect_timeout", certainty, "safe");
    assert_eq!(with(one, &[]), timeout("possible"));
    assert_eq!(with(one, &[(0.2, 0.3)]), unproven());
    assert_eq!(with(three, &[]), timeout("proven"));
    // The kernel's third SYN shows that the others had no answer.
    assert_eq!(with(three, &[(0.2, 2.9)]), timeout("proven"));
    // Twice nobody answered; whether somebody did at last is open.
    assert_eq!(with(three, &[(3.1, 3.4)]), timeout("likely"));
    assert_eq!(with(three, &[(0.2, 0.3), (3.1, 3.4)]), unproven());
}

#[test]
fn a_close_that_acknowledges_no_answer_needs_none_to_be_seen() {
    let patient = |talk: &mut Talk| {
        talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(5 * SECOND);
    };
    let fin = |talk: &mut Talk| {
        patient(talk);
        talk.fin(Proxy).idle(SECOND).fin(Backend).ack(Proxy);
    };
    let expected = with(fin, &[]);
    assert_eq!(expected[0].cause, "response_timeout");
    assert_eq!(with(fin, &[ALWAYS]), expected);
    // A reset in reply to something acknowledges nothing: what it replied to may have been the answer.
    let reply = |talk: &mut Talk| {
        patient(talk);
        talk.rst_in_reply(Proxy);
    };
    let expected = with(reply, &[]);
    assert_eq!(expected[0].cause, "response_timeout");
    assert_eq!(with(reply, &[ALWAYS]), unproven());
    assert_eq!(with(reply, &[(5.2, 6.0)]), expected);
}

#[test]
fn what_was_sent_again_and_again_is_doubted_after_its_last_copy() {
    let dropped = |talk: &mut Talk| {
        talk.handshake().exchange("/warm", 64).idle(2 * SECOND);
        talk.data_unheard(Proxy, &get("/lost")).again_and_again(Proxy, &get("/lost"));
        talk.idle(SECOND).fin_unheard(Proxy);
    };
    let expected = with(dropped, &[]);
    assert_eq!(expected[0].cause, "silent_drop");
    assert_eq!(with(dropped, &[(2.1, 3.0)]), expected, "before its last copy");
    assert_eq!(with(dropped, &[(3.5, 3.6)]), unproven(), "after that");
}

#[test]
fn a_reset_in_reply_may_follow_a_fin_that_was_lost() {
    let forgotten = |talk: &mut Talk| {
        talk.handshake().exchange("/warm", 64).idle(2 * SECOND);
        talk.data_unheard(Proxy, &get("/late")).rst_in_reply(Backend);
    };
    let expected = with(forgotten, &[]);
    assert_eq!(expected[0].cause, "silent_drop");
    assert_eq!(with(forgotten, &[(1.0, 1.1)]), unproven(), "while it was idle");
    assert_eq!(with(forgotten, &[(2.2, 3.0)]), expected, "after its end");
}

#[test]
fn a_reset_of_a_connection_that_was_not_seen_is_no_refusal() {
    let worked = |talk: &mut Talk| {
        talk.handshake().exchange("/warm", 64).idle(SECOND).fin(Proxy).rst_in_reply(Backend);
        let last = talk.frames.len() - 1;
        // All but its SYN and its reset is lost.
        talk.frames.drain(1..last);
    };
    assert_eq!(with(worked, &[]), failure("connect_timeout", "possible", "safe"));
    assert_eq!(with(worked, &[(0.0, 1.0)]), unproven());
}
