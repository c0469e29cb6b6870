//! What is believed of TCP: what the receiver of a segment would have believed.
//!
//! Each conversation is told from several initial sequence numbers: none of this may hang on where the
//! numbers wrap.

use crate::scenarios::{ISNS, analyze};
use crate::wire::{self, ACK, End, FIN, Frame, PSH, RST, SYN, Talk, get, ok, ok_head, post_head};
use End::{Backend, Proxy};
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, Settings};
use why502::inside::input::Savefile;
use why502::inside::report::{Bound, Named, Report};

const SECOND: Duration = Duration::from_secs(1);

type Told = Vec<(&'static str, &'static str)>;

fn told(report: &Report) -> Told {
    report.failures.iter().map(|failure| (failure.cause.name(), failure.certainty.name())).collect()
}

fn answered(report: &Report) -> u64 {
    report.backends.iter().flat_map(|backend| backend.statuses.values()).sum()
}

/// What is told of a conversation, wherever its numbers begin: always the same.
fn of(play: impl Fn(&mut Talk)) -> (Told, u64) {
    let mut all: Vec<(Told, u64)> = ISNS
        .iter()
        .map(|(proxy, backend)| {
            let mut talk = Talk::new(*proxy, *backend);
            play(&mut talk);
            talk.idle(3 * SECOND);
            let report = analyze(&wire::together(&[&talk, &sound(talk.now())]));
            (told(&report), answered(&report))
        })
        .collect();
    let first = all.remove(0);
    assert!(all.iter().all(|other| *other == first), "{first:?}, and elsewhere {all:?}");
    first
}

/// Another connection, some time later: that the capture went on.
fn sound(now: u64) -> Talk {
    let mut talk = Talk::new(77, 88).on_port(50_000);
    let behind = now - talk.now();
    talk.idle(Duration::from_nanos(behind)).handshake().exchange("/sound", 2).close(Proxy);
    talk
}

/// One more answer is that of the connection which comes last.
fn is_sound(play: impl Fn(&mut Talk), answers: u64) {
    assert_eq!(of(play), (vec![], answers + 1));
}

fn asked(talk: &mut Talk) {
    talk.handshake().exchange("/first", 10).data(Proxy, &get("/slow")).ack(Backend);
}

fn reset(talk: &mut Talk, flags: u8, off: u32) {
    let numbers = (talk.number(Backend).wrapping_add(off), talk.heard(Backend));
    talk.stray(Backend, flags, numbers, b"", 64).ack(Proxy);
}

#[test]
fn a_reset_outside_of_the_window_ends_nothing() {
    for flags in [RST, RST | ACK] {
        for off in [700_000_000, 100_000, 5_000_u32.wrapping_neg(), 700_000_000_u32.wrapping_neg()]
        {
            is_sound(
                |talk| {
                    asked(talk);
                    reset(talk, flags, off);
                    talk.idle(3 * SECOND).data(Backend, &ok(5)).ack(Proxy).close(Proxy);
                },
                2,
            );
        }
    }
}

#[test]
fn what_follows_a_reset_that_was_none_is_read_on() {
    let play = |talk: &mut Talk| {
        talk.handshake().exchange("/first", 10);
        reset(talk, RST, 5_000_u32.wrapping_neg());
        talk.idle(10 * SECOND).exchange("/second", 10).idle(10 * SECOND);
        talk.data(Proxy, &get("/dies")).ack(Backend).idle(SECOND).fin(Backend).fin(Proxy);
    };
    assert_eq!(of(play), (vec![("closed_in_flight", "proven")], 3));
}

#[test]
fn a_reset_with_the_number_that_is_expected_ends_it() {
    let play = |talk: &mut Talk| {
        asked(talk);
        talk.idle(SECOND).rst(Backend);
    };
    assert_eq!(of(play), (vec![("reset_in_flight", "proven")], 2));
}

#[test]
fn a_reset_is_withdrawn_when_its_sender_goes_on() {
    // Within the window, though not with the number that is expected: most receivers only challenge it.
    is_sound(
        |talk| {
            asked(talk);
            reset(talk, RST, 1_000);
            talk.idle(30 * SECOND).data(Backend, &ok(5_000)).ack(Proxy).close(Proxy);
        },
        2,
    );
    // Forged to the byte; something kept it from its receiver.
    is_sound(
        |talk| {
            asked(talk);
            let numbers = (talk.number(Backend), 0);
            talk.stray(Backend, RST, numbers, b"", 64);
            talk.idle(SECOND / 2).data(Backend, &ok(5)).ack(Proxy).close(Proxy);
        },
        2,
    );
}

#[test]
fn a_reset_that_answers_a_segment_has_its_number_and_is_no_stray() {
    for (proxy, backend) in ISNS {
        let mut talk = Talk::new(proxy, backend);
        talk.handshake().exchange("/first", 10).idle(SECOND);
        // The request knows nothing of the backend's last words.
        talk.data_unheard(Proxy, &get("/race"));
        let number = talk.number(Backend);
        talk.data_unheard(Backend, b"bye").fin_unheard(Backend).arrives(Proxy).ack(Proxy);
        talk.stray(Backend, RST, (number, 0), b"", 64).rst_in_reply(Backend);
        let report = analyze(&talk.frames);
        assert_eq!(report.counters.stray_segments, 0);
    }
}

#[test]
fn a_fin_stands_at_its_own_place() {
    // An old segment comes with a FIN.
    is_sound(
        |talk| {
            talk.handshake().exchange("/first", 50);
            let numbers = (talk.number(Backend).wrapping_sub(30), talk.heard(Backend));
            talk.stray(Backend, FIN | PSH | ACK, numbers, b"xxxxxxxxxx", 64).ack(Proxy);
            talk.idle(SECOND)
                .exchange("/second", 5)
                .idle(SECOND)
                .exchange("/third", 5)
                .close(Proxy);
        },
        3,
    );
    // One at the right place, beyond which its sender goes on.
    is_sound(
        |talk| {
            asked(talk);
            let numbers = (talk.number(Backend), talk.heard(Backend));
            talk.stray(Backend, FIN | ACK, numbers, b"", 64);
            talk.idle(SECOND).data(Backend, &ok(5)).ack(Proxy).exchange("/more", 5).close(Proxy);
        },
        3,
    );
}

#[test]
fn only_what_acknowledges_the_syn_answers_it() {
    let refusal = |off: u32| {
        move |talk: &mut Talk| {
            talk.syn();
            let ack = talk.number(Proxy).wrapping_add(off);
            talk.stray(Backend, RST | ACK, (0, ack), b"", 64);
            for pause in [1, 2, 4] {
                talk.idle(pause * SECOND).syn_again();
            }
        }
    };
    assert_eq!(of(refusal(77_777)), (vec![("connect_timeout", "proven")], 1));
    assert_eq!(of(refusal(77_777_u32.wrapping_neg())), (vec![("connect_timeout", "proven")], 1));
    let older = |talk: &mut Talk| {
        talk.syn();
        let (number, acked) = (talk.number(Backend), talk.heard(Backend).wrapping_sub(5_555));
        talk.stray(Backend, SYN | ACK, (number, acked), b"", 64);
        for pause in [1, 2, 4] {
            talk.idle(pause * SECOND).syn_again();
        }
    };
    assert_eq!(of(older), (vec![("connect_timeout", "proven")], 1));
    let refused = |talk: &mut Talk| {
        talk.syn().refuse();
    };
    assert_eq!(of(refused), (vec![("connection_refused", "proven")], 1));
}

#[test]
fn a_syn_answered_with_an_older_connection_is_told_so() {
    let play = |talk: &mut Talk| {
        for pause in [1, 2, 4, 8] {
            if pause == 1 {
                talk.syn()
            } else {
                talk.syn_again()
            };
            talk.stray(Backend, ACK, (4_000_000, 9_000_000), b"", 64).idle(pause * SECOND);
        }
    };
    let mut talk = Talk::new(1_000, 2_000);
    play(&mut talk);
    let report = analyze(&wire::together(&[&talk, &sound(talk.now())]));
    assert_eq!(told(&report), [("connect_timeout", "proven")]);
    assert!(report.failures[0].summary.contains("older connection"), "{:?}", report.failures[0]);
}

#[test]
fn data_in_a_syn_is_the_servers_only_once_it_answers() {
    let syn = |talk: &mut Talk| {
        let (isn, request) = (talk.number(Proxy), get("/early"));
        talk.stray(Proxy, SYN, (isn, 0), &request, 64);
        (isn, request.len() as u32)
    };
    let refused = |talk: &mut Talk| {
        let (isn, len) = syn(talk);
        let ack = isn.wrapping_add(1 + len);
        talk.stray(Backend, RST | ACK, (0, ack), b"", 64);
    };
    assert_eq!(of(refused), (vec![("connection_refused", "proven")], 1));
    let unanswered = |talk: &mut Talk| {
        let (isn, _) = syn(talk);
        for pause in [1, 2, 4] {
            talk.idle(pause * SECOND).stray(Proxy, SYN, (isn, 0), b"", 64);
        }
    };
    assert_eq!(of(unanswered), (vec![("connect_timeout", "proven")], 1));
    let taken = |talk: &mut Talk| {
        let (isn, len) = syn(talk);
        let (first, ack) = (talk.number(Backend), isn.wrapping_add(1 + len));
        talk.stray(Backend, SYN | ACK, (first, ack), b"", 64);
        let next = first.wrapping_add(1);
        talk.stray(Proxy, ACK, (ack, next), b"", 64);
        talk.stray(Backend, PSH | ACK, (next, ack), &ok(5), 64);
        let end = next.wrapping_add(ok(5).len() as u32);
        talk.stray(Proxy, ACK, (ack, end), b"", 64);
    };
    is_sound(taken, 1);
}

#[test]
fn an_older_or_second_syn_ack_anchors_nothing() {
    let play = |old: bool, second_taken: bool| {
        move |talk: &mut Talk| {
            talk.syn();
            let (number, acked) = (talk.number(Backend), talk.heard(Backend));
            if old {
                let older = (number.wrapping_add(99_999_999), acked.wrapping_sub(5_555));
                talk.stray(Backend, SYN | ACK, older, b"", 64);
            } else if second_taken {
                talk.stray(Backend, SYN | ACK, (number.wrapping_add(99_999_999), acked), b"", 64);
            }
            talk.data_unheard(Backend, b"");
            talk.frames.pop();
            talk.stray(Backend, SYN | ACK, (number, acked), b"", 64).uncaptured(Backend, 1);
            if !old && !second_taken {
                talk.stray(Backend, SYN | ACK, (number.wrapping_add(99_999_999), acked), b"", 64);
            }
            talk.ack(Proxy).exchange("/first", 5).idle(SECOND).exchange("/second", 5).close(Proxy);
        }
    };
    is_sound(play(true, false), 2);
    is_sound(play(false, true), 2);
    is_sound(play(false, false), 2);
}

#[test]
fn a_syn_in_the_middle_opens_a_connection_only_if_it_is_answered_or_comes_again() {
    let ghost = |talk: &mut Talk| {
        asked(talk);
        let number = talk.number(Proxy).wrapping_sub(99_999);
        talk.stray(Proxy, SYN, (number, 0), b"", 64).ack(Backend).idle(SECOND);
        talk.data(Backend, &ok(5)).ack(Proxy).exchange("/third", 5).close(Proxy);
    };
    is_sound(ghost, 3);
    // The same frame, captured twice.
    let twice = |talk: &mut Talk| {
        asked(talk);
        let number = talk.number(Proxy).wrapping_sub(99_999);
        talk.stray(Proxy, SYN, (number, 0), b"", 64).idle(SECOND / 20);
        talk.stray(Proxy, SYN, (number, 0), b"", 64).ack(Backend).idle(SECOND);
        talk.data(Backend, &ok(5)).ack(Proxy).exchange("/third", 5).close(Proxy);
    };
    is_sound(twice, 3);
    for (proxy, backend) in ISNS {
        // The close of the old connection was not captured.
        let mut old = Talk::new(proxy, backend);
        old.handshake().exchange("/old", 5);
        let other = || Talk::new(proxy.wrapping_add(123_456_789), backend ^ 0x1234_5678);
        let mut new = other().after(30 * SECOND);
        new.handshake().exchange("/new", 5).idle(SECOND);
        new.data(Proxy, &get("/dies")).ack(Backend).idle(SECOND).fin(Backend).fin(Proxy);
        let report = analyze(&wire::together(&[&old, &new]));
        assert_eq!(told(&report), [("closed_in_flight", "proven")]);
        assert_eq!((answered(&report), report.counters.connections), (2, 2));
        let mut refused = other().after(30 * SECOND);
        refused.syn().refuse();
        let report = analyze(&wire::together(&[&old, &refused]));
        assert_eq!(told(&report), [("connection_refused", "proven")]);
        let mut unanswered = other().after(30 * SECOND);
        unanswered.syn().idle(SECOND).syn_again().idle(2 * SECOND).syn_again();
        let report = analyze(&wire::together(&[&old, &unanswered]));
        assert_eq!(told(&report), [("connect_timeout", "proven")]);
    }
}

#[test]
fn a_reset_right_after_the_handshake_is_told() {
    let by_backend = |talk: &mut Talk| {
        talk.handshake().rst(Backend);
    };
    assert_eq!(of(by_backend), (vec![("accept_queue_full", "likely")], 1));
    // A probe of a load balancer.
    is_sound(
        |talk| {
            talk.handshake().rst(Proxy);
        },
        0,
    );
    // A pool gives up what it never used.
    is_sound(
        |talk| {
            talk.handshake().idle(60 * SECOND).rst(Backend);
        },
        0,
    );
    // Where nothing works, there is no telling.
    let mut talk = Talk::new(1, 2);
    talk.handshake().rst(Backend);
    assert_eq!(told(&analyze(&talk.frames)), [("accept_queue_full", "possible")]);
}

#[test]
fn a_close_right_after_the_handshake_is_told_where_other_connections_work() {
    let by_backend = |talk: &mut Talk| {
        talk.handshake().fin(Backend).ack(Proxy).fin(Proxy).ack(Backend);
    };
    assert_eq!(of(by_backend), (vec![("closed_in_flight", "possible")], 1));
    let by_reset = |talk: &mut Talk| {
        talk.handshake().fin(Backend).rst(Proxy);
    };
    assert_eq!(of(by_reset), (vec![("closed_in_flight", "possible")], 1));
    let mut talk = Talk::new(1, 2);
    by_backend(&mut talk);
    let other = sound(talk.now());
    let report = analyze(&wire::together(&[&talk, &other]));
    let failure = &report.failures[0];
    assert_eq!((failure.retry.name(), failure.request.is_none()), ("safe", true));
    assert!(failure.summary.contains("right after the handshake"), "{}", failure.summary);
    assert!(report.events.is_empty(), "{:?}", report.events);
    // Without any one of its frames it is that, or nothing.
    for dropped in 0..talk.frames.len() {
        let mut damaged = talk.clone();
        damaged.frames.remove(dropped);
        let report = analyze(&wire::together(&[&damaged, &other]));
        let same = told(&report).iter().all(|one| *one == ("closed_in_flight", "possible"));
        assert!(same, "without frame {}: {:?}", dropped + 1, told(&report));
    }
}

#[test]
fn a_close_of_a_connection_that_nobody_wanted_to_use_is_sound() {
    // A probe of a load balancer; its FIN may be captured behind the backend's.
    is_sound(
        |talk| {
            talk.handshake().close(Proxy);
        },
        0,
    );
    is_sound(
        |talk| {
            talk.handshake().fin_unheard(Proxy).fin(Backend).arrives(Backend).ack(Backend);
        },
        0,
    );
    // Neither knew of the other.
    is_sound(
        |talk| {
            talk.handshake().fin_unheard(Backend).fin(Proxy).arrives(Proxy).ack(Proxy);
        },
        0,
    );
    // A pool's spare connection, closed after its time; and one that the proxy keeps.
    is_sound(
        |talk| {
            talk.handshake().idle(5 * SECOND).close(Backend);
        },
        0,
    );
    is_sound(
        |talk| {
            talk.handshake().fin(Backend).ack(Proxy);
        },
        0,
    );
    // Half closed at once, and it answers.
    is_sound(
        |talk| {
            talk.handshake().exchange("/a", 8).close(Backend);
        },
        1,
    );
    // A port that never answered anything may have its reasons.
    let mut talk = Talk::new(1, 2);
    talk.handshake().close(Backend);
    assert_eq!(told(&analyze(&talk.frames)), []);
    // Whoever connects in a constant rhythm wants no more than that.
    let mut probes: Vec<Talk> = Vec::new();
    for probe in 0..10_u16 {
        let talk = Talk::new(u32::from(probe) << 20, 2).on_port(41_000 + probe);
        probes.push(talk.after(u32::from(probe) * 5 * SECOND));
        probes.iter_mut().last().unwrap().handshake().close(Backend);
    }
    let other = sound(probes.iter().last().unwrap().now());
    let all: Vec<&Talk> = probes.iter().chain([&other]).collect();
    assert_eq!(told(&analyze(&wire::together(&all))), []);
}

#[test]
fn who_closed_first_is_open_where_neither_knew_of_the_other() {
    let both = |talk: &mut Talk| {
        talk.fin_unheard(Proxy).fin_unheard(Backend).arrives(Proxy).arrives(Backend);
        talk.ack(Proxy).ack(Backend);
    };
    let waiting = |talk: &mut Talk| {
        asked(talk);
        both(talk.idle(30 * SECOND));
    };
    assert_eq!(of(waiting), (vec![("unproven", "possible")], 2));
    let known = |talk: &mut Talk| {
        asked(talk);
        talk.idle(30 * SECOND).fin(Proxy).idle(SECOND).fin(Backend).ack(Proxy);
    };
    assert_eq!(of(known), (vec![("response_timeout", "likely")], 2));
    // That the backend had nothing of the request is so, whoever closed first.
    let race = |talk: &mut Talk| {
        talk.handshake().exchange("/first", 5).idle(5 * SECOND);
        talk.data_unheard(Proxy, &get("/race"));
        both(talk);
    };
    assert_eq!(of(race).0, [("keepalive_race", "proven")]);
}

#[test]
fn a_window_that_opens_again_is_no_stall() {
    let upload = |times: u32, zero: Duration, last: Duration| {
        move |talk: &mut Talk| {
            talk.handshake().data(Proxy, &post_head("/up", 50_000)).ack(Backend);
            for _ in 0..times {
                talk.data(Proxy, &[b'u'; 1_000]).window(Backend, 0).ack(Backend).idle(zero);
                talk.window(Backend, 0xffff).ack(Backend);
            }
            talk.data(Proxy, &[b'u'; 1_000]).window(Backend, 0).ack(Backend).idle(last);
            talk.rst(Proxy);
        }
    };
    assert_eq!(of(upload(0, SECOND, SECOND * 20)).0, [("stalled", "proven")]);
    assert_eq!(of(upload(0, SECOND, SECOND * 3 / 5)).0, [("stalled", "likely")]);
    assert_eq!(of(upload(3, SECOND * 3, SECOND * 2)).0, [("client_gone", "possible")]);
    assert_eq!(of(upload(3, SECOND * 3, SECOND * 4)).0, [("stalled", "likely")]);
}

#[test]
fn a_clock_that_leaps_makes_no_failure() {
    for (proxy, backend) in ISNS {
        let mut ahead = Talk::new(proxy, backend);
        ahead.syn().idle(200 * SECOND);
        let (number, acked) = (ahead.number(Backend), ahead.heard(Backend));
        ahead.stray(Backend, SYN | ACK, (number, acked), b"", 64).uncaptured(Backend, 1);
        ahead.ack(Proxy).exchange("/late", 5).close(Proxy);
        let mut back = Talk::new(proxy, backend).on_port(41_000).after(500 * SECOND);
        asked(&mut back);
        back.back(3_600 * SECOND).data(Backend, &ok(5)).ack(Proxy).idle(SECOND);
        back.exchange("/more", 5).close(Proxy);
        // In the order of the capture, which is not that of the stamps.
        let frames: Vec<Frame> = ahead.frames.into_iter().chain(back.frames).collect();
        let report = analyze(&frames);
        assert_eq!((told(&report), answered(&report)), (vec![], 4));
    }
}

#[test]
fn two_clocks_in_one_capture_make_no_failure() {
    for apart in [300, 10] {
        let mut frames = Vec::new();
        for port in 0..12_u16 {
            let mut one =
                Talk::new(1_000, 2_000).on_port(42_000 + port).after(SECOND * port.into());
            one.handshake().exchange("/one", 5).close(Backend);
            let mut other = Talk::new(3_000, 4_000)
                .on_port(43_000 + port)
                .after(SECOND * (apart + u32::from(port)));
            other.handshake().exchange("/other", 5).close(Backend);
            // They alternate, frame by frame.
            for (one, other) in one.frames.into_iter().zip(other.frames) {
                frames.extend([one, other]);
            }
        }
        let report = analyze(&frames);
        assert_eq!((told(&report), answered(&report)), (vec![], 24), "{apart} s apart");
    }
}

#[test]
fn what_the_backend_said_is_not_told_where_nothing_of_it_was_captured() {
    for (proxy, backend) in ISNS {
        let mut talk = Talk::new(proxy, backend);
        asked(&mut talk);
        talk.again_and_again(Proxy, &get("/slow")).idle(30 * SECOND).fin(Proxy);
        let mut other = sound(talk.now());
        other.idle(SECOND);
        let from_proxy = |frame: &Frame| frame.bytes[26..30] == [10, 0, 0, 9];
        let all = wire::together(&[&talk, &other]);
        let towards: Vec<Frame> = all.into_iter().filter(from_proxy).collect();
        assert_eq!(told(&analyze(&towards)), [("unproven", "possible")]);
    }
}

#[test]
fn syns_alone_accuse_nobody_unless_they_come_again() {
    let syns = |again: bool| {
        let talks: Vec<Talk> = (0..30_u16)
            .map(|port| {
                let wait = SECOND * u32::from(port) / 2;
                let mut talk = Talk::new(7, 8).on_port(44_000 + port).after(wait);
                talk.syn();
                if again {
                    talk.idle(SECOND).syn_again().idle(2 * SECOND).syn_again();
                }
                talk
            })
            .collect();
        told(&analyze(&wire::together(&talks.iter().collect::<Vec<_>>())))
    };
    assert!(syns(false).iter().all(|told| *told == ("connect_timeout", "possible")));
    assert!(!syns(true).is_empty());
    assert!(syns(true).iter().all(|(_, certainty)| *certainty != "possible"));
}

#[test]
fn a_hole_of_any_size_is_a_hole() {
    let size = 310 << 20;
    let download = |talk: &mut Talk| {
        talk.handshake().data(Proxy, &get("/big")).ack(Backend);
        talk.data(Backend, &ok_head(size)).ack(Proxy).uncaptured(Backend, size as u32 - 1_000);
        talk.idle(SECOND).data(Backend, &[b'b'; 1_000]).ack(Proxy).idle(SECOND);
        talk.exchange("/after", 5).idle(SECOND);
    };
    let sound = |talk: &mut Talk| {
        download(talk);
        talk.exchange("/more", 5).close(Proxy);
    };
    assert_eq!(of(sound).0, []);
    let failed = |talk: &mut Talk| {
        download(talk);
        talk.data(Proxy, &get("/dies")).ack(Backend).idle(SECOND).fin(Backend).fin(Proxy);
    };
    assert_eq!(of(failed).0, [("closed_in_flight", "proven")]);
}

#[test]
fn a_reset_is_foreign_by_what_its_side_usually_sends() {
    let play = |syn_ack: u8, reset: u8| {
        let mut talk = Talk::new(1_000, 2_000);
        talk.syn();
        let (number, acked) = (talk.number(Backend), talk.heard(Backend));
        talk.stray(Backend, SYN | ACK, (number, acked), b"", syn_ack).uncaptured(Backend, 1);
        talk.ack(Proxy).exchange("/first", 5).data(Proxy, &get("/dies")).ack(Backend);
        talk.idle(SECOND).rst_foreign(Backend, reset);
        let report = analyze(&talk.frames);
        let close = report.failures[0].close.clone();
        (told(&report), close.map(|close| close.by.named()))
    };
    // A firewall answers the SYN in the backend's place, and the backend resets.
    assert_eq!(play(255, 64), (vec![("reset_in_flight", "proven")], Some("backend")));
    assert_eq!(play(64, 255), (vec![("reset_in_flight", "likely")], Some("path")));
}

#[test]
fn a_half_closed_connection_may_be_answered_late() {
    is_sound(
        |talk| {
            talk.handshake().data(Proxy, &get("/report")).fin(Proxy).ack(Backend);
            for _ in 0..15 {
                talk.idle(10 * SECOND).ack(Backend);
            }
            talk.data(Backend, &ok(5)).ack(Proxy).fin(Backend).ack(Proxy);
        },
        1,
    );
}

fn with_room_for(connections: usize, frames: &[Frame]) -> Report {
    let file = wire::pcap(frames);
    let source = Savefile::from_reader(Box::new(Cursor::new(file)), "file".to_owned(), 0).unwrap();
    let mut settings = Settings::default();
    settings.flow.connections = connections;
    analysis::analyze(&mut [source], settings, &mut |_| {}).unwrap()
}

#[test]
fn nothing_is_claimed_of_what_a_bound_pushed_out() {
    let talks: Vec<Talk> = (0..40_u16)
        .map(|port| {
            let mut talk = Talk::new(u32::from(port) << 20, 9).on_port(45_000 + port);
            talk.idle(Duration::from_millis(u64::from(port)));
            match port % 4 {
                0 => talk.syn(),
                1 => talk.handshake(),
                2 => talk.handshake().exchange("/kept", 5),
                _ => talk.handshake().exchange("/first", 5).data(Proxy, &get("/out")).ack(Backend),
            };
            talk
        })
        .collect();
    let frames = wire::together(&talks.iter().collect::<Vec<_>>());
    let report = with_room_for(8, &frames);
    assert_eq!(told(&report), []);
    let counters = &report.counters;
    assert!(counters.connects_unanswered <= 4, "{}", counters.connects_unanswered);
    assert!(counters.exchanges_open <= 4, "{}", counters.exchanges_open);
    assert!(counters.limits_hit.of(Bound::Connections) >= 30);
    assert_eq!(with_room_for(64, &frames).counters.limits_hit.of(Bound::Connections), 0);
}

/// An ARP question of one host for another, or the answer to it.
pub fn arp(at: u64, oper: u8, by: [u8; 4], about: [u8; 4]) -> Frame {
    let mut bytes = vec![0xff; 6];
    bytes.extend([2, 0, 0, 0, 0, by[3], 8, 6, 0, 1, 8, 0, 6, 4, 0, oper, 2, 0, 0, 0, 0, by[3]]);
    bytes.extend(by);
    bytes.extend([0; 6]);
    bytes.extend(about);
    Frame { at, bytes }
}

pub const PROXY: [u8; 4] = [10, 0, 0, 9];
pub const GONE: [u8; 4] = [10, 0, 0, 33];

/// A proxy that works, and these besides, each a second after the one before.
pub fn beside(others: &[(u8, [u8; 4], [u8; 4])]) -> Report {
    let mut talk = Talk::new(1, 2);
    talk.handshake().exchange("/sound", 5);
    let mut frames = talk.frames.clone();
    for (oper, by, about) in others {
        talk.idle(SECOND);
        frames.push(arp(talk.now(), *oper, *by, *about));
    }
    talk.idle(SECOND).exchange("/on", 5);
    frames.extend_from_slice(&talk.frames[frames.len() - others.len()..]);
    analyze(&frames)
}

#[test]
fn a_connect_that_never_left_is_told_by_the_questions_that_nobody_answered() {
    let question = (1, PROXY, GONE);
    let report = beside(&[question; 3]);
    assert_eq!(told(&report), [("unreachable", "proven")]);
    let failure = &report.failures[0];
    assert_eq!(
        (failure.retry.name(), failure.detail["form"].as_str()),
        ("safe", Some("no_neighbour"))
    );
    assert!(failure.summary.contains("ARP requests for 10.0.0.33"), "{}", failure.summary);
    assert_eq!(failure.connection, None, "nothing was sent: it is no TCP connection");
    assert_eq!(told(&beside(&[question; 6])).len(), 2);
    // Once or twice is no giving up; an answer is one; a stranger is no proxy.
    assert_eq!(told(&beside(&[question; 2])), []);
    assert_eq!(told(&beside(&[question, question, question, (2, GONE, PROXY)])), []);
    assert_eq!(told(&beside(&[(1, [10, 0, 0, 200], GONE); 6])), []);
}
