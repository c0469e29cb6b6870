//! What the kernel of this host says of a connection's ends, and what is made of it: for every rule
//! conversations where it settles the matter, where it must not, and where it cannot tell.

use crate::conversations::{Expected, failure};
use crate::scenarios::{ISNS, check_damage, check_no_lie, said};
use crate::wire::{End as Side, Frame, Talk, captured, get, post_head};
use Side::{Backend, Proxy};
use std::time::Duration;
use why502::inside::analysis::{Analysis, Host, Settings};
use why502::inside::base::time::Timestamp;
use why502::inside::facts::kernel::{Closed, End, Ends, How, Process, Queue, Reset, ResetReason};
use why502::inside::facts::listening::Listening;
use why502::inside::input::CaptureFacts;
use why502::inside::packet::{Endpoint, SeqNum};
use why502::inside::render::text::{self, Detail, TextLayout};
use why502::inside::report::records::{Record, RevisionRecord};
use why502::inside::report::{FailureRecord, Report};
use why502::inside::verdict::Cause;

const TWO_SECONDS: Duration = Duration::from_secs(2);
/// From a process's close to the frame.
const AT_ONCE: Duration = Duration::from_micros(40);

/// A host whose kernel says the same of every connection.
struct Kernel(Ends);

impl Host for Kernel {
    fn listening(&mut self, _: Endpoint) -> Option<Listening> {
        None
    }

    fn ends(&mut self, _: Endpoint, _: Endpoint, _: Timestamp) -> Option<Ends> {
        Some(self.0.clone())
    }
}

/// What a watch says that sees these frames on a host whose kernel says this of their connection:
/// each record as it becomes known, and the report at the end.
fn watch(frames: &[Frame], ends: &Ends) -> (Vec<Record>, Report) {
    watch_that(false, frames, ends)
}

/// The same of a watch that loses frames all the time, or none.
fn watch_that(loses: bool, frames: &[Frame], ends: &Ends) -> (Vec<Record>, Report) {
    let mut settings = Settings::default();
    settings.records.failures = true;
    settings.records.revisions = true;
    // As in a watch, what was closed is judged soon after that, and the rest at the end.
    settings.flow.settle = Duration::from_millis(350);
    settings.flow.end_when_judged = true;
    let mut analysis = Analysis::new(settings);
    analysis.on(Box::new(Kernel(ends.clone())));
    if loses {
        analysis.lost(0, Timestamp::default(), Timestamp::from_nanos(u64::MAX));
    }
    let mut records = Vec::new();
    let mut out = |record| records.push(record);
    for frame in captured(frames) {
        analysis.frame(&frame, 0, &mut out);
        analysis.tell(&mut out);
    }
    let last = frames.iter().map(|frame| frame.at).max().unwrap_or_default();
    analysis.tick(Timestamp::from_nanos(last).plus(Duration::from_millis(700)), &mut out);
    let report = analysis.finish(std::iter::empty::<&CaptureFacts>(), &mut [], &mut out);
    (records, report)
}

/// One conversation, what the kernel says of it, and what must be said then; `by_packets` is what is
/// said without the kernel.
struct Case {
    name: &'static str,
    play: fn(&mut Talk) -> Ends,
    by_packets: fn() -> Vec<Expected>,
    expected: fn() -> Vec<Expected>,
}

fn gunicorn() -> Process {
    Process {
        pid: 4711,
        command: b"gunicorn\x1b[31m".to_vec(),
        container: Some("3f2a1b0c9d8e7f60".to_owned()),
    }
}

fn time(talk: &Talk) -> Timestamp {
    Timestamp::from_nanos(talk.now())
}

/// The server's end, with it the client's number up to which was read and received when it was closed,
/// just after the last frame.
fn server(talk: &Talk, how: How, read_to: u32, received_to: u32) -> Ends {
    let closed = Closed {
        at: time(talk).plus(AT_ONCE),
        by: Some(gunicorn()),
        how,
        read_to: SeqNum(read_to),
        received_to: SeqNum(received_to),
    };
    let end = End { owner: Some(gunicorn()), closed: Some(closed), ..End::default() };
    Ends { client: None, server: Some(end) }
}

fn with_reset(mut ends: Ends, at: &Talk, why: ResetReason) -> Ends {
    let server = ends.server.get_or_insert_default();
    server.reset = Some(Reset { at: time(at), why });
    ends
}

/// A used connection: the request comes, is acknowledged, and soon the backend closes. Read of it is
/// what `read` says, of its length; what is given is what the kernel says then.
fn taken(talk: &mut Talk, how: How, read: fn(u32) -> u32, close: fn(&mut Talk)) -> Ends {
    let answered = time(talk.handshake().exchange("/warm", 64));
    talk.idle(TWO_SECONDS);
    let mut ends = taken_now(talk, how, read, close);
    ends.server.as_mut().unwrap().last_written = Some(answered);
    ends
}

fn taken_now(talk: &mut Talk, how: How, read: fn(u32) -> u32, close: fn(&mut Talk)) -> Ends {
    let first = talk.number(Proxy);
    talk.data(Proxy, &get("/shop")).ack(Backend).idle(Duration::from_millis(1));
    let end = talk.number(Proxy);
    let read_to = first.wrapping_add(read(end.wrapping_sub(first)));
    let ends = server(talk, how, read_to, end);
    close(talk);
    ends
}

fn fin(talk: &mut Talk) {
    talk.close(Backend);
}

fn rst(talk: &mut Talk) {
    talk.rst(Backend);
}

/// The backend closes an idle connection in order, and the FIN is missing from the capture.
fn fin_not_captured(talk: &mut Talk, read: u32) -> Ends {
    let first = talk.number(Proxy);
    let ends = server(talk, How::Close, first.wrapping_add(read), first.wrapping_add(read));
    talk.fin_unheard(Backend);
    talk.frames.pop();
    talk.data_unheard(Proxy, &get("/shop")).rst_in_reply(Backend);
    with_reset(ends, talk, ResetReason::TimeWait)
}

const KILLED: How = How::Exit { signal: Some(9) };

const CASES: &[Case] = &[
    // Nobody had read the request.
    Case {
        name: "closed with the request unread",
        play: |talk| taken(talk, How::Close, |_| 0, rst),
        by_packets: || failure("reset_in_flight", "possible", "unsafe"),
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    Case {
        name: "shut down with the request unread: it may be read later",
        play: |talk| taken(talk, How::Shutdown, |_| 0, fin),
        by_packets: || failure("closed_in_flight", "possible", "unsafe"),
        expected: || failure("keepalive_race", "proven", "unsafe"),
    },
    Case {
        name: "it is not known how it was closed with the request unread",
        play: |talk| taken(talk, How::Untold, |_| 0, fin),
        by_packets: || failure("closed_in_flight", "possible", "unsafe"),
        expected: || failure("closed_in_flight", "possible", "unsafe"),
    },
    Case {
        name: "the process was killed with the request unread",
        play: |talk| taken(talk, KILLED, |_| 0, rst),
        by_packets: || failure("reset_in_flight", "possible", "unsafe"),
        expected: || failure("reset_in_flight", "proven", "safe"),
    },
    Case {
        name: "closed with the request unread for five seconds",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let first = talk.number(Proxy);
            talk.data(Proxy, &get("/shop")).ack(Backend).idle(Duration::from_secs(5));
            let ends = server(talk, How::Close, first, talk.number(Proxy));
            talk.rst(Backend);
            ends
        },
        by_packets: || failure("reset_in_flight", "proven", "unsafe"),
        expected: || failure("reset_in_flight", "proven", "safe"),
    },
    Case {
        name: "closed with the first request of a connection unread",
        play: |talk| {
            talk.handshake();
            taken_now(talk, How::Close, |_| 0, rst)
        },
        by_packets: || failure("reset_in_flight", "proven", "unsafe"),
        expected: || failure("reset_in_flight", "proven", "safe"),
    },
    Case {
        name: "closed with the request unread after an answer that announced it",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/warm")).ack(Backend);
            talk.data(
                Backend,
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            );
            talk.ack(Proxy).idle(Duration::from_millis(3));
            taken_now(talk, How::Close, |_| 0, rst)
        },
        by_packets: || failure("reset_in_flight", "likely", "unsafe"),
        expected: || failure("reset_in_flight", "proven", "safe"),
    },
    // It had been read.
    Case {
        name: "closed with the request read",
        play: |talk| taken(talk, How::Close, |length| length, fin),
        by_packets: || failure("closed_in_flight", "possible", "unsafe"),
        expected: || failure("closed_in_flight", "proven", "unsafe"),
    },
    Case {
        name: "closed with a part of the request read",
        play: |talk| taken(talk, How::Close, |_| 1, rst),
        by_packets: || failure("reset_in_flight", "possible", "unsafe"),
        expected: || failure("reset_in_flight", "proven", "unsafe"),
    },
    Case {
        name: "killed with the request read",
        play: |talk| taken(talk, KILLED, |length| length, fin),
        by_packets: || failure("closed_in_flight", "possible", "unsafe"),
        expected: || failure("closed_in_flight", "proven", "unsafe"),
    },
    // Crossing: nothing had arrived.
    Case {
        name: "closed for good before the request came, which was acknowledged all the same",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let first = talk.number(Proxy);
            let ends = server(talk, How::Close, first, first);
            talk.fin_unheard(Backend).data(Proxy, &get("/raced")).ack(Backend);
            talk.arrives(Proxy).fin(Proxy).ack(Backend);
            ends
        },
        by_packets: || failure("keepalive_race", "proven", "unknown"),
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    Case {
        name: "shut down before the request came, which may have been read after that",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let first = talk.number(Proxy);
            let mut ends = server(talk, How::Shutdown, first, first);
            talk.fin_unheard(Backend).data(Proxy, &get("/raced")).ack(Backend);
            ends.server.as_mut().unwrap().last_read = Some(time(talk));
            talk.arrives(Proxy).fin(Proxy).ack(Backend);
            ends
        },
        by_packets: || failure("keepalive_race", "proven", "unknown"),
        expected: || failure("keepalive_race", "proven", "unknown"),
    },
    Case {
        name: "closed before the first request of a connection came",
        play: |talk| {
            talk.handshake();
            let first = talk.number(Proxy);
            let ends = server(talk, How::Close, first, first);
            talk.fin_unheard(Backend).data(Proxy, &get("/early"));
            talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
            ends
        },
        by_packets: || failure("closed_in_flight", "likely", "safe"),
        expected: || failure("closed_in_flight", "proven", "safe"),
    },
    // Why the kernel reset.
    Case {
        name: "closed in order, and the FIN not captured",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            fin_not_captured(talk, 0)
        },
        by_packets: || failure("silent_drop", "likely", "unknown"),
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    Case {
        name: "closed in order before the first request came, and the FIN not captured",
        play: |talk| {
            talk.handshake();
            fin_not_captured(talk, 0)
        },
        by_packets: || failure("reset_in_flight", "likely", "unknown"),
        expected: || failure("closed_in_flight", "proven", "safe"),
    },
    Case {
        name: "reset as closed in order, but nobody saw the close",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            fin_not_captured(talk, 0);
            with_reset(Ends::default(), talk, ResetReason::TimeWait)
        },
        by_packets: || failure("silent_drop", "likely", "unknown"),
        expected: || failure("silent_drop", "likely", "unknown"),
    },
    Case {
        name: "the kernel knows no such connection",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data_unheard(Proxy, &get("/lost")).rst_in_reply(Backend);
            with_reset(Ends::default(), talk, ResetReason::NoSocket)
        },
        by_packets: || failure("silent_drop", "likely", "unknown"),
        expected: || failure("silent_drop", "proven", "unknown"),
    },
    Case {
        name: "the kernel does not tell why it reset",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data_unheard(Proxy, &get("/lost")).rst_in_reply(Backend);
            with_reset(Ends::default(), talk, ResetReason::Untold)
        },
        by_packets: || failure("silent_drop", "likely", "unknown"),
        expected: || failure("silent_drop", "likely", "unknown"),
    },
    Case {
        name: "something between resets, whatever the kernel did",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let first = talk.number(Proxy);
            talk.data(Proxy, &get("/reset")).ack(Backend);
            let ends = server(talk, How::Close, first, talk.number(Proxy));
            talk.rst_foreign(Backend, 255);
            ends
        },
        by_packets: || failure("reset_in_flight", "likely", "unsafe"),
        expected: || failure("reset_in_flight", "likely", "unsafe"),
    },
    Case {
        name: "what came after the close had nobody to read it, and the FIN was not captured",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let ends = fin_not_captured(talk, 0);
            with_reset(ends, talk, ResetReason::AfterClose)
        },
        by_packets: || failure("silent_drop", "likely", "unknown"),
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    Case {
        name: "closed before the request came, by a kernel that gives no reasons",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let ends = fin_not_captured(talk, 0);
            with_reset(ends, talk, ResetReason::Untold)
        },
        by_packets: || failure("silent_drop", "likely", "unknown"),
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    Case {
        name: "the kernel knows no such connection, which was closed some time before",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(Duration::from_millis(10));
            let first = talk.number(Proxy);
            let ends = server(talk, How::Close, first, first);
            talk.idle(TWO_SECONDS).data_unheard(Proxy, &get("/lost")).rst_in_reply(Backend);
            with_reset(ends, talk, ResetReason::NoSocket)
        },
        by_packets: || failure("silent_drop", "likely", "unknown"),
        expected: || failure("silent_drop", "likely", "unknown"),
    },
    Case {
        name: "the backend resets an idle connection, as its program asks for, and the request crosses",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let first = talk.number(Proxy);
            let ends = server(talk, How::Close, first, first);
            talk.rst(Backend);
            let ends = with_reset(ends, talk, ResetReason::LingerZero);
            talk.data_unheard(Proxy, &get("/raced")).rst_in_reply(Backend);
            ends
        },
        by_packets: || failure("keepalive_race", "proven", "safe"),
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    // Queues.
    Case {
        name: "the queue of connections was full",
        play: |talk| {
            let request = get("/queued");
            talk.handshake().data_unheard(Proxy, &request).idle(Duration::from_secs(1));
            talk.syn_ack_again().again_and_again(Proxy, &request).fin_unheard(Proxy);
            let ends = queue(talk);
            talk.idle(TWO_SECONDS);
            ends
        },
        by_packets: || failure("accept_queue_full", "likely", "unknown"),
        expected: || failure("accept_queue_full", "proven", "unknown"),
    },
    Case {
        name: "nobody answers three SYNs, and the queue was full",
        play: |talk| {
            talk.syn().idle(Duration::from_secs(1)).syn_again().idle(TWO_SECONDS).syn_again();
            queue(talk)
        },
        by_packets: || failure("connect_timeout", "proven", "safe"),
        expected: || failure("connect_timeout", "proven", "safe"),
    },
    // The proxy's side.
    Case {
        name: "the proxy gives up, by close()",
        play: |talk| given_up(talk, How::Close),
        by_packets: || failure("response_timeout", "likely", "unsafe"),
        expected: || failure("response_timeout", "likely", "unsafe"),
    },
    Case {
        name: "the proxy did not give up: its process ended",
        play: |talk| given_up(talk, KILLED),
        by_packets: || failure("response_timeout", "likely", "unsafe"),
        expected: || failure("response_timeout", "possible", "unsafe"),
    },
    // Nothing is wrong.
    Case {
        name: "an idle connection is closed, and nobody wanted it",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let next = talk.number(Proxy);
            let ends = server(talk, KILLED, next, next);
            talk.close(Backend);
            ends
        },
        by_packets: Vec::new,
        expected: Vec::new,
    },
];

fn queue(talk: &Talk) -> Ends {
    let queue = Some(Queue { at: time(talk), length: 129, most: 128 });
    Ends { client: None, server: Some(End { queue, ..End::default() }) }
}

fn given_up(talk: &mut Talk, how: How) -> Ends {
    talk.handshake().exchange("/warm", 64);
    talk.data(Proxy, &get("/slow")).ack(Backend).idle(TWO_SECONDS);
    let nginx = Process { pid: 812, command: b"nginx".to_vec(), container: None };
    let closed = Closed {
        at: time(talk).plus(AT_ONCE),
        by: None,
        how,
        read_to: SeqNum(talk.number(Backend)),
        received_to: SeqNum(talk.number(Backend)),
    };
    talk.close(Proxy);
    let end = End { owner: Some(nginx), closed: Some(closed), ..End::default() };
    Ends { client: Some(end), server: None }
}

fn played(case: &Case, (proxy, backend): (u32, u32)) -> (Vec<Frame>, Ends) {
    let mut talk = Talk::new(proxy, backend);
    let ends = (case.play)(&mut talk);
    (talk.frames, ends)
}

fn all_said(report: &Report) -> Vec<Expected> {
    report.failures.iter().map(said).collect()
}

fn only(report: &Report) -> &FailureRecord {
    assert_eq!(report.failures.len(), 1);
    &report.failures[0]
}

fn find(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).unwrap()
}

/// Its one failure, with what the kernel says.
fn told(name: &str) -> FailureRecord {
    let (frames, ends) = played(find(name), ISNS[0]);
    only(&watch(&frames, &ends).1).clone()
}

#[test]
fn the_kernels_word_settles_what_it_can_wherever_numbers_begin() {
    for case in CASES {
        for isns in ISNS {
            let (frames, ends) = played(case, isns);
            let what = format!("{} from {isns:x?}", case.name);
            let silent = watch(&frames, &Ends::default()).1;
            assert_eq!(all_said(&silent), (case.by_packets)(), "{what}, by packets");
            assert!(silent.failures.iter().all(|failure| failure.process.is_none()), "{what}");
            assert_eq!(all_said(&watch(&frames, &ends).1), (case.expected)(), "{what}");
        }
    }
}

/// All that is known of a failure is told at once, and again at the end; only what may still have turned out
/// to be a probe's was less sure.
#[test]
fn the_end_says_what_was_said_on_the_way() {
    for case in CASES {
        let (frames, ends) = played(case, ISNS[0]);
        let (records, report) = watch(&frames, &ends);
        let failures = records.iter().filter(|record| matches!(record, Record::Failure(_)));
        assert_eq!(failures.count(), report.failures.len(), "{}", case.name);
        for record in &records {
            if let Record::Revision(RevisionRecord { changed, .. }) = record {
                // Words say how sure it is.
                let may_change = ["certainty", "fix", "summary"];
                let allowed = changed.keys().all(|key| may_change.contains(&key.as_str()));
                assert!(allowed, "{}: {changed:?}", case.name);
                assert_eq!(changed["certainty"], "proven", "{}", case.name);
            }
            if let Record::Failure(failure) = record {
                let json = |failure: &FailureRecord| {
                    let mut json = serde_json::to_value(failure).unwrap();
                    ["certainty", "fix", "summary"].iter().for_each(|key| drop(json[key].take()));
                    json
                };
                let end = only(&report);
                assert_eq!(json(failure), json(end), "{}", case.name);
                assert!(failure.certainty <= end.certainty, "{}", case.name);
                let race = end.cause == Cause::KeepaliveRace;
                assert!(!race || failure.certainty == end.certainty, "{}", case.name);
                assert_eq!(failure.process.is_some(), ends != Ends::default(), "{}", case.name);
            }
        }
    }
}

#[test]
fn what_the_kernel_proves_stands_where_frames_were_lost() {
    for case in CASES {
        let (frames, ends) = played(case, ISNS[0]);
        let expected = (case.expected)();
        let found = all_said(&watch_that(true, &frames, &ends).1);
        let by_kernel = expected != (case.by_packets)();
        if by_kernel && expected.iter().all(|one| one.certainty == "proven") {
            assert_eq!(found, expected, "{}", case.name);
        }
        for (expected, found) in expected.iter().zip(&found) {
            let stands = found == expected;
            let doubted = (found.cause, found.certainty) == ("unproven", "possible");
            assert!(stands || doubted, "{}: {found:?}", case.name);
        }
    }
}

#[test]
fn a_missing_frame_costs_certainty_and_nothing_else() {
    for case in CASES {
        let (frames, ends) = played(case, ISNS[0]);
        for dropped in 0..frames.len() {
            let mut damaged = frames.clone();
            damaged.remove(dropped);
            let what = format!("{}, without frame {}", case.name, dropped + 1);
            check_damage(&(case.expected)(), &watch(&damaged, &ends).1, &what);
        }
    }
}

#[test]
fn two_missing_frames_or_a_part_of_the_watch_invent_nothing() {
    for case in CASES {
        let (frames, ends) = played(case, ISNS[2]);
        let check = |part: &[Frame], what: &str| {
            check_no_lie(
                &(case.expected)(),
                &watch(part, &ends).1,
                &format!("{}{what}", case.name),
            );
        };
        for first in 0..frames.len() {
            check(&frames[first..], &format!(" from frame {}", first + 1));
            check(&frames[..first], &format!(" up to frame {first}"));
            for second in first + 1..frames.len() {
                let mut damaged = frames.clone();
                damaged.remove(second);
                damaged.remove(first);
                check(&damaged, &format!(", without frames {} and {}", first + 1, second + 1));
            }
        }
    }
}

/// Facts of another life of the same addresses and ports: of another time, or with other numbers.
#[test]
fn what_is_said_of_another_connection_is_not_believed() {
    type Change = fn(&mut Closed);
    let changes: [(&str, Change); 6] = [
        ("a minute before", |closed| {
            closed.at = Timestamp::from_nanos(closed.at.as_nanos() - 60_000_000_000);
        }),
        ("a minute after", |closed| closed.at = closed.at.plus(Duration::from_secs(60))),
        ("other numbers", |closed| {
            closed.read_to = closed.read_to.plus(0x1234_5678);
            closed.received_to = closed.received_to.plus(0x1234_5678);
        }),
        ("received before the request", |closed| {
            closed.read_to = SeqNum(closed.read_to.0.wrapping_sub(70_000));
            closed.received_to = SeqNum(closed.received_to.0.wrapping_sub(70_000));
        }),
        ("more received than was sent", |closed| {
            closed.received_to = closed.received_to.plus(3_000);
        }),
        ("more read than received", |closed| closed.read_to = closed.received_to.plus(9)),
    ];
    for case in CASES {
        for (change, apply) in changes {
            let (frames, mut ends) = played(case, ISNS[0]);
            let Some(closed) = ends.server.as_mut().and_then(|end| end.closed.as_mut()) else {
                continue;
            };
            apply(closed);
            let report = watch(&frames, &ends).1;
            assert_eq!(all_said(&report), (case.by_packets)(), "{}: {change}", case.name);
            for failure in &report.failures {
                let process = failure.process.as_ref().and_then(|both| both.backend.as_ref());
                assert!(process.is_none_or(|end| end.closed.is_none()), "{}: {change}", case.name);
                assert!(!failure.summary.contains("unread"), "{}: {change}", case.name);
            }
        }
    }
}

/// The proxy had closed its direction too: its FIN takes a number, and is no byte of the request.
#[test]
fn a_fin_that_had_come_is_no_byte_of_the_request() {
    let mut talk = Talk::new(ISNS[4].0, ISNS[4].1);
    talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
    let request = get("/shop");
    let first = talk.number(Proxy);
    talk.data(Proxy, &request).ack(Backend).idle(Duration::from_millis(1));
    let end = first.wrapping_add(request.len() as u32);
    talk.fin(Backend);
    let mut ends = server(&talk, How::Close, end, end.wrapping_add(1));
    talk.fin(Proxy).ack(Backend);
    let read = only(&watch(&talk.frames, &ends).1).clone();
    assert_eq!(
        (read.cause.name(), read.detail["request_read"].as_str()),
        ("closed_in_flight", Some("all"))
    );
    let unread_bytes = |failure: &FailureRecord| {
        let process = failure.process.as_ref().unwrap().backend.as_ref().unwrap();
        process.closed.as_ref().unwrap().unread_bytes
    };
    assert_eq!(unread_bytes(&read), Some(0));
    ends.server.as_mut().unwrap().closed.as_mut().unwrap().read_to = SeqNum(first);
    let unread = only(&watch(&talk.frames, &ends).1).clone();
    assert_eq!(unread.cause.name(), "keepalive_race");
    assert_eq!(unread_bytes(&unread), Some(request.len() as u64));
}

/// Three idle closes at two seconds show the timer; the fourth came with the request unread, or read.
#[test]
fn the_timer_that_fired_is_told_where_nobody_had_read_and_accuses_nobody_who_had() {
    for (how, read, cause) in [
        (How::Close, false, "keepalive_race"),
        (How::Close, true, "reset_in_flight"),
        (KILLED, false, "reset_in_flight"),
        (How::Untold, false, "keepalive_race"),
    ] {
        let mut talks = Vec::new();
        for place in 0..4 {
            let mut talk = Talk::new(7, u32::from(place)).on_port(41_000 + place);
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS).close(Backend);
            talks.push(talk);
        }
        let mut failing = Talk::new(7, 11);
        let read = if read { |length| length } else { |_| 0 };
        let ends = taken(&mut failing, how, read, rst);
        talks.push(failing);
        let frames = crate::wire::together(&talks.iter().collect::<Vec<_>>());
        let (records, report) = watch(&frames, &ends);
        let failure = only(&report);
        let what = format!("{how:?}, {cause}: {}", failure.summary);
        assert_eq!(failure.cause.name(), cause, "{what}");
        let certainty = if how == How::Untold { "likely" } else { "proven" };
        assert_eq!(failure.certainty.name(), certainty, "{what}");
        let timer = failure.detail.get("timer_ns").and_then(|timer| timer.as_u64());
        assert_eq!(timer.is_some(), cause == "keepalive_race", "{what}");
        assert!(timer.is_none_or(|timer| timer.abs_diff(2_000_000_000) < 30_000_000), "{what}");
        // What was counted under one cause and is now another's is counted once.
        assert_eq!(report.causes.sum(), 1, "{what}");
        assert_eq!(report.causes.of(failure.cause), 1, "{what}");
        // The timer was known when the race was told.
        let revised = records.iter().any(|record| matches!(record, Record::Revision(_)));
        assert_eq!(revised, cause != "keepalive_race", "{what}");
    }
}

#[test]
fn words_name_who_closed_and_when_and_what_was_unread() {
    let unread = told("closed with the request unread");
    let closed = "gunicorn\\x1b[31m (pid 4711, container 3f2a1b0c9d8e) closed it 2.001 s after its last \
                  response, without having read the request";
    assert!(unread.summary.contains(closed), "{}", unread.summary);
    assert!(unread.fix.contains("raise the backend's keep-alive timeout"), "{}", unread.fix);
    let killed = told("killed with the request read");
    assert!(killed.summary.contains("was killed by signal 9 (SIGKILL)"), "{}", killed.summary);
    assert!(killed.summary.contains("having read the whole request"), "{}", killed.summary);
    assert!(killed.fix.contains("out of memory"), "{}", killed.fix);
    let dropped = told("closed with the request read");
    assert!(dropped.fix.contains("it read the request and closed"), "{}", dropped.fix);
    let part = told("closed with a part of the request read");
    assert!(part.summary.contains("having read part of the request"), "{}", part.summary);
    let crossed = told("closed in order, and the FIN not captured");
    assert!(crossed.summary.contains("the close and the request crossed"), "{}", crossed.summary);
    let asked = told(
        "the backend resets an idle connection, as its program asks for, and the request crosses",
    );
    assert!(asked.summary.contains("SO_LINGER 0"), "{}", asked.summary);
    let forgotten = told("the kernel knows no such connection");
    assert!(forgotten.summary.contains("there was no such connection"), "{}", forgotten.summary);
    let stuck = told("closed with the request unread for five seconds");
    assert!(stuck.fix.contains("kept the backend from reading"), "{}", stuck.fix);
    let full = told("the queue of connections was full");
    assert!(full.summary.contains("129 connections waiting"), "{}", full.summary);
    assert_eq!(full.detail["queue_length"], 129);
    let queue = told("nobody answers three SYNs, and the queue was full");
    assert!(queue.summary.contains("129 connections waiting"), "{}", queue.summary);
    assert_eq!(queue.detail["queue_most"], 128);
    assert!(queue.fix.contains("somaxconn"), "{}", queue.fix);
    let proxy = told("the proxy did not give up: its process ended");
    let killed = "nginx (pid 812) was killed by signal 9 (SIGKILL), so it did not close on purpose";
    assert!(proxy.summary.contains(killed), "{}", proxy.summary);
    assert!(proxy.fix.contains("who killed nginx (pid 812)"), "{}", proxy.fix);
}

/// Its one failure, where the process that had read the request ended.
fn ended_by(signal: Option<u8>) -> FailureRecord {
    let mut talk = Talk::new(7, 11);
    let ends = taken(&mut talk, How::Exit { signal }, |length| length, fin);
    only(&watch(&talk.frames, &ends).1).clone()
}

/// Who crashed did something wrong itself; who was told to end, or was killed, did not.
#[test]
fn a_signal_tells_a_crash_from_an_end_that_somebody_asked_for() {
    let advice = ["crashed, with", "was stopped with", "with SIGKILL: the kernel", "find who sent"];
    for (signals, meant) in [
        (&[4, 5, 6, 7, 8, 11, 31][..], 0),
        (&[1, 2, 3, 15], 1),
        (&[9], 2),
        (&[10, 12, 13, 14, 24, 25, 34], 3),
    ] {
        for signal in signals {
            let failure = ended_by(Some(*signal));
            let given = advice.map(|words| failure.fix.contains(words));
            let mut expected = [false; 4];
            expected[meant] = true;
            assert_eq!(given, expected, "{signal}: {}", failure.fix);
            let killed = format!("was killed by signal {signal}");
            assert!(failure.summary.contains(&killed), "{}", failure.summary);
        }
    }
    for (signal, name) in [(6, "SIGABRT"), (11, "SIGSEGV"), (15, "SIGTERM"), (25, "SIGXFSZ")] {
        let failure = ended_by(Some(signal));
        let named = format!("signal {signal} ({name})");
        assert!(failure.fix.contains(&named), "{}", failure.fix);
        assert!(failure.summary.contains(&named), "{}", failure.summary);
    }
    let failure = ended_by(None);
    assert!(!failure.summary.contains("killed"), "{}", failure.summary);
    assert!(failure.fix.contains("for why it ended at 12:00:02 UTC"), "{}", failure.fix);
}

/// A host that was restarted knows nothing of the connection: neither that it was there nor that somebody
/// closed it.
#[test]
fn a_host_that_knows_of_a_close_was_not_restarted() {
    let restarted = |failure: &FailureRecord| failure.fix.contains("a restart of the host");
    assert!(restarted(&told("the kernel knows no such connection")));
    for name in [
        "the kernel knows no such connection, which was closed some time before",
        "the kernel does not tell why it reset",
        "reset as closed in order, but nobody saw the close",
    ] {
        let failure = told(name);
        assert_eq!(failure.cause.name(), "silent_drop", "{name}");
        assert!(!restarted(&failure), "{name}: {}", failure.fix);
    }
}

/// What was captured is a reset in answer to the request; how the backend closed before it is not.
#[test]
fn a_close_that_was_not_captured_is_not_called_a_reset() {
    let closed = told("closed in order, and the FIN not captured");
    assert!(closed.summary.contains("closed the connection"), "{}", closed.summary);
    assert!(!closed.summary.contains("reset the connection"), "{}", closed.summary);
}

#[test]
fn words_are_whole_and_nothing_unprintable_is_in_them() {
    for case in CASES {
        let (frames, ends) = played(case, ISNS[0]);
        let report = watch(&frames, &ends).1;
        for failure in &report.failures {
            for words in [&failure.summary, &failure.fix, &failure.retry_reason] {
                let plain = !words.contains("  ") && !words.chars().any(char::is_control);
                assert!(plain && !words.contains("its process"), "{}: {words}", case.name);
            }
        }
        let mut shown = anstream::StripStream::new(Vec::new());
        text::write(&report, TextLayout::new(Detail::All, 96), &mut shown).unwrap();
        let shown = String::from_utf8(shown.into_inner()).unwrap();
        assert!(!shown.chars().any(|one| one.is_control() && one != '\n'), "{}", case.name);
    }
}

/// What scripts read, by the names that the contract gives it.
#[test]
fn the_record_has_the_processes() {
    let failure = told("closed with the request unread");
    let json = serde_json::to_value(&failure).unwrap();
    let process = &json["process"];
    assert!(process["proxy"].is_null());
    let end = &process["backend"];
    assert_eq!((&end["pid"], &end["command"]), (&4711.into(), &"gunicorn\\x1b[31m".into()));
    assert_eq!(end["container"], "3f2a1b0c9d8e7f60");
    assert_eq!(
        (&end["closed"]["how"], &end["closed"]["by"]["pid"]),
        (&"close".into(), &4711.into())
    );
    assert!(end["closed"]["signal"].is_null() && end["reset"].is_null() && end["queue"].is_null());
    assert_eq!(end["closed"]["unread_bytes"], get("/shop").len());
    assert_eq!(end["retransmits"], 0);
    for time in [&end["closed"]["at"], &end["last_written"]] {
        assert!(time.as_str().unwrap().starts_with("2026-11-20T12:00:0"), "{time}");
    }
    assert!(end["last_read"].is_null());
    assert_eq!(json["detail"]["form"], "lost_in_host");
    assert_eq!(json["detail"]["request_read"], "none");
    assert!(json["detail"]["timer_ns"].is_null());
    let reset = serde_json::to_value(told("the kernel knows no such connection")).unwrap();
    assert_eq!(reset["process"]["backend"]["reset"]["reason"], "no_socket");
    assert!(reset["process"]["backend"]["pid"].is_null());
}

/// What is said where the kernel has a word.
pub fn every_verdict() -> impl Iterator<Item = Expected> {
    CASES.iter().flat_map(|case| (case.expected)())
}

/// Where an upload is cut short, the kernel names who did it and changes nothing else.
#[test]
fn other_causes_keep_their_verdict() {
    let mut talk = Talk::new(7, 11);
    talk.handshake();
    let first = talk.number(Proxy);
    talk.data(Proxy, &post_head("/big", 9_000)).data(Proxy, &[b'b'; 1_000]);
    talk.data_unheard(Backend, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    let ends = server(&talk, How::Close, first.wrapping_add(40), talk.number(Proxy));
    talk.rst(Backend).data_unheard(Proxy, &[b'b'; 1_000]).rst_in_reply(Backend);
    let by_packets = watch(&talk.frames, &Ends::default()).1;
    let with_kernel = watch(&talk.frames, &ends).1;
    assert_eq!(only(&by_packets).cause.name(), "upload_cut_short");
    assert_eq!(all_said(&by_packets), all_said(&with_kernel));
    assert!(only(&with_kernel).summary.contains("(pid 4711, container 3f2a1b0c9d8e) closed it"));
}
