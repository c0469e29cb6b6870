//! Backends that were named and speak no HTTP: framed by whose turn it is.

use crate::conversations::failure;
use crate::events::{SECOND, millis};
use crate::scenarios::{analyze, check_damage, read, said};
use crate::wire::{End, Frame, Talk, get, pcap};
use End::{Backend, Proxy};
use std::fs;
use std::io::Cursor;
use std::path::Path;
use why502::inside::analysis::{self, Settings};
use why502::inside::facts::closing::Closer;
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
fn sound() -> [(&'static str, Talk); 9] {
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
            "last words with the FIN, which cross the server's close",
            after(&|talk| {
                talk.fin_unheard(Backend).data_with_fin(Proxy, ASK).rst_in_reply(Backend);
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

/// The captures of `tests/turns`, and how many requests and races each holds.
const TLS: [(&str, u64, usize); 5] = [
    ("race-tls-nginx-node/proxy-side.pcap", 15, 6),
    ("race-tls-nginx-node/backend-side.pcap", 15, 6),
    ("race-tls-haproxy-go/proxy-side.pcap", 8, 4),
    ("race-tls-haproxy-go/backend-side.pcap", 8, 4),
    ("clean-tls-nginx-node/proxy-side.pcap", 39, 0),
];

fn captured(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/turns");
    fs::read(folder.join(name)).unwrap()
}

/// What is said of a capture whose backend was named.
fn named_in(capture: Vec<u8>) -> Report {
    let mut settings = Settings::default();
    settings.told.backends.push("10.77.2.2:3000".parse().unwrap());
    let source = Savefile::from_reader(Box::new(Cursor::new(capture)), "c".to_owned(), 0).unwrap();
    analysis::analyze(&mut [source], settings, &mut |_| {}).unwrap()
}

#[test]
fn races_inside_tls_are_proven_without_keys_at_both_vantages() {
    for (name, requests, races) in TLS {
        let report = named_in(captured(name));
        assert_eq!(report.counters.exchanges, requests, "{name}");
        assert_eq!(report.failures.len(), races, "{name}");
        for one in &report.failures {
            let told = (one.cause.name(), one.certainty.name());
            assert_eq!(told, ("keepalive_race", "proven"), "{name}");
            assert!(one.summary.contains("a request inside TLS"), "{}", one.summary);
        }
        assert!(report.notes.iter().any(|note| note.code == "framed_by_turns"), "{name}");
    }
}

/// Nobody said that it is a backend.
#[test]
fn tls_that_was_not_named_is_not_judged_and_it_is_said_how_it_would_be() {
    for (name, ..) in TLS {
        let report = read(captured(name)).unwrap();
        assert!(report.failures.is_empty(), "{name}");
        assert_eq!(report.counters.exchanges, 0, "{name}");
        assert!(report.unread[0].advice.contains("--backend"), "{}", report.unread[0].advice);
    }
}

/// Frames that are missing, cut or begun later may cost an answer, and prove no other.
#[test]
fn damage_to_tls_proves_nothing_else() {
    for (name, _, races) in TLS {
        let whole = captured(name);
        let frames = frames_of(&whole);
        let mut damaged = Vec::new();
        for place in 0..frames.len().min(120) {
            let rest = frames.iter().enumerate().filter(|(at, _)| *at != place);
            damaged.push(rest.map(|(_, frame)| *frame).collect::<Vec<_>>());
            damaged.push(frames[place..].to_vec());
        }
        for kept in damaged {
            let report = named_in([&whole[..24], &kept.concat()].concat());
            let proven = report.failures.iter().filter(|one| one.certainty.name() == "proven");
            let found: Vec<&str> = proven.map(|one| one.cause.name()).collect();
            assert!(found.iter().all(|cause| *cause == "keepalive_race"), "{name}: {found:?}");
            assert!(found.len() <= races, "{name}: {found:?}");
        }
    }
}

/// The frames of a capture file of little end, each with its header.
fn frames_of(file: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut rest = &file[24..];
    while rest.len() > 16 {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (frame, more) = rest.split_at(16 + len);
        frames.push(frame);
        rest = more;
    }
    frames
}

/// A ClientHello, as much of it as a segment takes.
fn hello() -> Vec<u8> {
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0]].concat();
    let length = body.len() as u8;
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}

#[test]
fn a_hello_that_vanishes_is_not_the_backends_fault() {
    let mut talk = talk();
    let hello = hello();
    talk.data_unheard(Proxy, &hello);
    for wait in [200, 400, 800, 1_600] {
        talk.idle(millis(wait)).again(Proxy, &hello);
    }
    talk.idle(SECOND).fin(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report.failures[0]), failure("tls_handshake_failed", "likely", "safe")[0]);
    let one = &report.failures[0];
    assert_eq!(one.detail["form"], "vanished");
    assert!(one.summary.contains("5 times"), "{}", one.summary);
    assert!(one.fix.contains("MTU"), "{}", one.fix);
}

#[test]
fn a_reset_of_a_handshake_by_something_between_is_not_the_backends() {
    let mut talk = talk();
    talk.data(Proxy, &hello()).ack(Backend).rst_foreign(Backend, 250);
    let report = analyze(&talk.frames);
    assert_eq!(said(&report.failures[0]), failure("tls_handshake_failed", "likely", "safe")[0]);
    assert_eq!(report.failures[0].detail["form"], "reset_between");
    assert_eq!(report.failures[0].close.as_ref().unwrap().by, Closer::Path);
    // The backend's own is proven.
    let mut own = Talk::new(3, 4);
    own.handshake().data(Proxy, &hello()).ack(Backend).rst(Backend);
    let report = analyze(&own.frames);
    assert_eq!(said(&report.failures[0]), failure("tls_handshake_failed", "proven", "safe")[0]);
}

/// A dial that is cancelled is no failure; one that nobody answers for long is, likely.
#[test]
fn a_proxy_that_closes_in_a_handshake_gave_up_only_where_it_had_waited() {
    for (wait, failures) in [(millis(300), 0), (SECOND * 3, 1)] {
        let mut talk = talk();
        talk.data(Proxy, &hello()).ack(Backend).idle(wait).fin(Proxy).fin(Backend).ack(Proxy);
        let report = analyze(&talk.frames);
        assert_eq!(report.failures.len(), failures);
        let expected = failure("tls_handshake_failed", "likely", "safe");
        assert!(report.failures.iter().all(|one| said(one) == expected[0]));
    }
}

/// A record of TLS.
fn record(kind: u8, len: usize) -> Vec<u8> {
    [&[kind, 3, 3][..], &(len as u16).to_be_bytes(), &vec![9; len]].concat()
}

/// A connection of TLS 1.3 up to the client's Finished, whose hello offers `alpn`.
fn tls_1_3(alpn: &[u8]) -> Talk {
    let offered = [&[0, 43, 0, 3, 2, 3, 4][..], alpn].concat();
    let fields = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    let body = [&fields[..], &(offered.len() as u16).to_be_bytes(), &offered].concat();
    let handshake = |message: u8, body: &[u8]| {
        let inner = [&[message, 0][..], &(body.len() as u16).to_be_bytes(), body].concat();
        [&[0x16, 3, 3][..], &(inner.len() as u16).to_be_bytes(), &inner].concat()
    };
    let answer = [&[3, 3][..], &[7; 32], &[0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
    let mut talk = talk();
    talk.data(Proxy, &handshake(1, &body)).ack(Backend);
    talk.data(Backend, &[handshake(2, &answer), record(0x17, 700)].concat()).ack(Proxy);
    talk.data(Proxy, &record(0x17, 53)).ack(Backend);
    talk
}

#[test]
fn a_ticket_between_the_parts_of_a_request_answers_nothing() {
    let mut talk = tls_1_3(&[]);
    // The tickets cross the second part: OpenSSL sends two, as soon as it has the client's Finished.
    talk.data(Proxy, &record(0x17, 300)).idle(millis(1));
    let tickets = [record(0x17, 250), record(0x17, 250)].concat();
    talk.data_unheard(Backend, &tickets).data_unheard(Proxy, &record(0x17, 900)).arrives(Proxy);
    talk.arrives(Backend).idle(SECOND * 3).rst(Backend);
    let report = named(&talk.frames);
    assert_eq!(report.counters.exchanges, 1);
    assert_eq!(said(&report.failures[0]), failure("reset_in_flight", "likely", "unsafe")[0]);
}

/// Where both sides may speak at any time, silence says nothing.
#[test]
fn what_may_be_http2_inside_is_not_judged_by_turns() {
    let h2 = [0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
    for (alpn, failures) in [(&h2[..], 0), (&[], 1)] {
        let mut talk = tls_1_3(alpn);
        talk.data(Proxy, &record(0x17, 300)).ack(Backend).data(Backend, &record(0x17, 400));
        talk.ack(Proxy).data(Proxy, &record(0x17, 90)).ack(Backend).idle(SECOND * 3);
        talk.fin(Backend).fin(Proxy).ack(Backend);
        let report = named(&talk.frames);
        assert_eq!(report.failures.len(), failures, "{alpn:?}");
        let hidden = report.unread.iter().any(|one| one.what.name() == "turns");
        assert_eq!(hidden, failures == 0, "{alpn:?}");
    }
}
