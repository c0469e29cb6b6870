//! Backends that were named and speak no HTTP: framed by whose turn it is.

use crate::conversations::failure;
use crate::events::{SECOND, millis};
use crate::scenarios::{analyze, check_damage, said};
use crate::wire::{End, Frame, Talk, get, pcap};
use End::{Backend, Proxy};
use std::io::Cursor;
use why502::inside::analysis::{self, Settings};
use why502::inside::input::Savefile;
use why502::inside::knowledge::{Setting, SettingOrigin};
use why502::inside::report::Report;

/// A question and an answer of a protocol that nobody knows.
const ASK: &[u8] = b"\x07\x00\x00\x21ask me something, whatever it is";
const SAY: &[u8] = b"\x07\x00\x00\x11here it is: 1, 2, 3";

/// What is said where the backend was named.
fn named(frames: &[Frame]) -> Report {
    with(frames, |_| {})
}

/// The same, and more is known.
fn with(frames: &[Frame], know: impl FnOnce(&mut Settings)) -> Report {
    let mut settings = Settings::default();
    know(&mut settings);
    settings.told.backends.push(":8080".parse().unwrap());
    let file = Cursor::new(pcap(frames));
    let source = Savefile::from_reader(Box::new(file), "c.pcap".to_owned(), 0).unwrap();
    analysis::analyze(&mut [source], settings, &mut |_| {}).unwrap()
}

fn talk() -> Talk {
    let mut talk = Talk::new(3, 4);
    talk.handshake();
    talk
}

/// One turn.
fn turn(talk: &mut Talk) -> &mut Talk {
    talk.data(Proxy, ASK).ack(Backend).idle(millis(3)).data(Backend, SAY).ack(Proxy)
}

/// A request that crossed the close of an idle connection.
fn crossed() -> Talk {
    let mut talk = talk();
    turn(&mut talk).idle(SECOND * 5).data_unheard(Proxy, ASK).fin_unheard(Backend);
    talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
    talk
}

#[test]
fn a_close_that_crossed_a_request_is_proven_whatever_is_spoken() {
    let report = named(&crossed().frames);
    assert_eq!(said(&report.failures[0]), failure("keepalive_race", "proven", "safe")[0]);
    assert_eq!(report.failures.len(), 1);
    let failure = &report.failures[0];
    let request = failure.request.as_ref().unwrap();
    assert_eq!((&request.method, &request.target), (&None, &None));
    assert!(failure.summary.contains("a request that is not HTTP"), "{}", failure.summary);
    assert_eq!(failure.idle_gap_ns.unwrap() / 1_000_000_000, 5);
    assert_eq!(report.counters.exchanges, 2);
}

/// Who knows that the other end has closed may only take leave, in whatever words.
#[test]
fn what_is_said_on_a_connection_that_was_known_to_be_closed_is_likely_a_request() {
    let mut talk = talk();
    turn(&mut talk).idle(SECOND * 5).fin(Backend).ack(Proxy).idle(SECOND).data(Proxy, ASK);
    talk.rst_in_reply(Backend);
    let report = named(&talk.frames);
    assert_eq!(said(&report.failures[0]).cause, "stale_reuse");
    assert_eq!(said(&report.failures[0]).certainty, "likely");
}

#[test]
fn who_was_not_named_is_not_judged() {
    let report = analyze(&crossed().frames);
    assert!(report.failures.is_empty());
    assert_eq!(report.counters.exchanges, 0);
    assert_eq!(report.unread.len(), 1);
}

#[test]
fn a_close_with_a_request_outstanding_is_likely() {
    for reset in [false, true] {
        let mut talk = talk();
        turn(&mut talk).idle(millis(700)).data(Proxy, ASK).ack(Backend).idle(SECOND * 18);
        if reset {
            talk.rst(Backend);
        } else {
            talk.fin(Backend).fin(Proxy).ack(Backend);
        }
        let cause = if reset { "reset_in_flight" } else { "closed_in_flight" };
        let report = named(&talk.frames);
        assert_eq!(said(&report.failures[0]), failure(cause, "likely", "unsafe")[0]);
    }
}

#[test]
fn a_backend_that_is_silent_until_the_proxy_gives_up_is_judged_by_a_timeout_that_was_told() {
    let mut talk = talk();
    turn(&mut talk).data(Proxy, ASK).ack(Backend).idle(SECOND * 60).fin(Proxy).ack(Backend);
    talk.fin(Backend).ack(Proxy);
    // There are words that want no answer.
    assert!(named(&talk.frames).failures.is_empty());
    let report = with(&talk.frames, |settings| {
        let value = SECOND * 60;
        settings.known.any_proxy.read = Some(Setting { value, by: SettingOrigin::Option });
    });
    assert_eq!(said(&report.failures[0]), failure("response_timeout", "likely", "unsafe")[0]);
}

/// Conversations in which nothing fails.
fn sound() -> [(&'static str, Talk); 8] {
    let after = |ends: &dyn Fn(&mut Talk)| {
        let mut talk = talk();
        turn(&mut talk).idle(SECOND);
        ends(&mut talk);
        talk
    };
    [
        (
            "PostgreSQL says X and leaves",
            after(&|talk| {
                talk.data_with_fin(Proxy, b"X\0\0\0\x04").fin(Backend).ack(Proxy);
            }),
        ),
        (
            "MySQL quits, the server closes first",
            after(&|talk| {
                talk.data(Proxy, b"\x01\0\0\0\x01")
                    .ack(Backend)
                    .fin(Backend)
                    .fin(Proxy)
                    .ack(Backend);
            }),
        ),
        (
            "a farewell crosses the server's close",
            after(&|talk| {
                talk.data_unheard(Proxy, b"X\0\0\0\x04").fin_unheard(Backend).arrives(Proxy);
                talk.fin(Proxy).rst_in_reply(Backend);
            }),
        ),
        (
            "last words, whatever they are, with the FIN",
            after(&|talk| {
                talk.data_with_fin(Proxy, ASK).ack(Backend).fin(Backend).ack(Proxy);
            }),
        ),
        (
            "fire and forget",
            after(&|talk| {
                for _ in 0..4 {
                    talk.data(Proxy, ASK).ack(Backend).idle(SECOND);
                }
                talk.fin(Backend).fin(Proxy).ack(Backend);
            }),
        ),
        (
            "a push, then a close by the server",
            after(&|talk| {
                talk.data(Backend, SAY)
                    .ack(Proxy)
                    .idle(SECOND)
                    .fin(Backend)
                    .fin(Proxy)
                    .ack(Backend);
            }),
        ),
        (
            "a push crosses a request, streams",
            after(&|talk| {
                talk.data_unheard(Proxy, ASK).data_unheard(Backend, SAY).ack(Backend).idle(SECOND);
                talk.ack(Proxy).fin(Backend).fin(Proxy).ack(Backend);
            }),
        ),
        (
            "the client closes an idle connection",
            after(&|talk| {
                talk.close(Proxy);
            }),
        ),
    ]
}

#[test]
fn farewells_greetings_pushes_and_streams_are_no_failures() {
    for (what, talk) in sound() {
        let report = named(&talk.frames);
        assert!(report.failures.is_empty(), "{what}: {:?}", said(&report.failures[0]));
        assert!(report.counters.exchanges >= 1, "{what}");
    }
}

#[test]
fn a_greeting_answers_nothing() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Backend, b"5.7.0 hello, who are you?").ack(Proxy);
    talk.idle(millis(5)).data(Proxy, ASK).ack(Backend).idle(SECOND * 3).rst(Backend);
    let report = named(&talk.frames);
    assert_eq!(said(&report.failures[0]), failure("reset_in_flight", "likely", "unsafe")[0]);
    assert_eq!(report.counters.exchanges, 1);
}

/// What the timers of the backend are shows in closes that harmed nobody.
#[test]
fn idle_connections_that_the_backend_closes_show_its_timer() {
    let mut frames = Vec::new();
    for port in 0..5_u16 {
        let number = 1_000 * u32::from(port);
        let mut talk = Talk::new(number, number + 500).on_port(40_000 + port);
        talk = talk.after(SECOND * u32::from(port));
        talk.handshake();
        turn(&mut talk).idle(SECOND * 8).fin(Backend).ack(Proxy).fin(Proxy).ack(Backend);
        frames.extend(talk.frames);
    }
    frames.sort_by_key(|frame| frame.at);
    let report = named(&frames);
    let timer = report.backends[0].backend_keepalive.as_ref().unwrap();
    assert_eq!(timer.observed_ns.unwrap() / 100_000_000, 80);
    assert!(report.failures.is_empty());
}

/// HTTP that begins in the middle stays HTTP.
#[test]
fn what_turns_showed_before_heads_were_found_does_not_count() {
    let mut talk = Talk::new(3, 4);
    talk.data(Backend, &[b'x'; 900]).ack(Proxy).idle(SECOND).exchange("/a", 10);
    talk.exchange("/b", 10).close(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!((report.counters.exchanges, report.failures.len()), (2, 0));
    let mut talk = Talk::new(3, 4);
    talk.data(Proxy, &get("/")[5..]).ack(Backend).idle(SECOND).rst(Backend);
    let report = named(&talk.frames);
    assert_eq!(said(&report.failures[0]), failure("unproven", "possible", "unknown")[0]);
}

/// Frames that were not captured may cost an answer, and invent none.
#[test]
fn dropping_any_two_frames_of_turns_invents_nothing() {
    let mut whole: Vec<(&str, Talk)> = sound().into();
    let mut reset = talk();
    turn(&mut reset).idle(millis(700)).data(Proxy, ASK).ack(Backend).idle(SECOND * 18);
    reset.rst(Backend);
    whole.extend([("crossed", crossed()), ("reset", reset)]);
    for (what, talk) in &whole {
        let before: Vec<_> = named(&talk.frames).failures.iter().map(said).collect();
        for first in 0..talk.frames.len() {
            for second in first..talk.frames.len() {
                let kept = talk.frames.iter().enumerate();
                let kept = kept.filter(|(at, _)| *at != first && *at != second);
                let frames: Vec<Frame> = kept.map(|(_, frame)| frame.clone()).collect();
                check_damage(&before, &named(&frames), &format!("{what} -{first} -{second}"));
            }
        }
    }
}
