//! One judge: in whichever order the facts of an attempt become known, the verdict is the same, and what was
//! proven on the way stays so.

use crate::wire::{End, Frame, Talk, captured, get};
use End::{Backend, Proxy};
use std::sync::Arc;
use std::time::Duration;
use why502::inside::base::time::Timestamp;
use why502::inside::exchange::{Output, Reader};
use why502::inside::facts::KeptAttempt;
use why502::inside::facts::attempt::{ClientFacts, ClientLeft, LoggedLeft};
use why502::inside::facts::kernel::{self, Closed, Ends, How};
use why502::inside::flow::{Limits, Side, Table};
use why502::inside::knowledge::timers::Timer;
use why502::inside::knowledge::{Ahead, Knowledge, Timeouts};
use why502::inside::packet::{self, Endpoint, FrameRef, SeqNum};
use why502::inside::verdict::{Cause, Certainty, Fate, Verdict, judge};

const TWO_SECONDS: Duration = Duration::from_secs(2);
const MS: fn(u64) -> Duration = Duration::from_millis;

/// The last attempt that a reader makes known of a conversation: an exchange, or a connect.
fn attempt(frames: &[Frame]) -> KeptAttempt {
    let mut table: Table<Reader> = Table::new(Limits::default(), []);
    let mut found = None;
    let mut out = |output, connection: &_| match output {
        Output::Exchange(exchange) => found = Some(KeptAttempt::exchange(exchange, connection)),
        Output::Ended(ended) if ended.exchanges == 0 => {
            found = Some(KeptAttempt::connect(ended, connection));
        }
        Output::Ended(_) | Output::SoFar(_) => {}
    };
    for frame in captured(frames) {
        table.push(&packet::decode(&frame).unwrap(), 0, &mut out);
    }
    table.tick(Timestamp::from_nanos(frames.last().unwrap().at).plus(TWO_SECONDS), &mut out);
    table.finish(&mut out);
    found.unwrap()
}

/// Facts that may come later than the packets of one view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fact {
    Kernel,
    Client,
    Log,
    Elsewhere,
    Timer,
}

const FACTS: [Fact; 5] = [Fact::Kernel, Fact::Client, Fact::Log, Fact::Elsewhere, Fact::Timer];

/// An attempt, and what else may become known of it.
struct Case {
    name: &'static str,
    seen: KeptAttempt,
    elsewhere: KeptAttempt,
    ends: Ends,
    left: ClientLeft,
    timeouts: Timeouts,
}

impl Case {
    /// What is said when these facts are known.
    fn said(&self, facts: &[Fact], ahead: Ahead) -> Option<Verdict> {
        let knows = |fact| facts.contains(&fact);
        let mut seen = self.seen.clone();
        seen.kernel = knows(Fact::Kernel).then(|| Box::new(self.ends.clone()));
        let elsewhere = Arc::new(self.elsewhere.clone());
        let elsewhere = knows(Fact::Elsewhere).then_some(elsewhere);
        let client = ClientFacts {
            left: knows(Fact::Client).then_some(self.left),
            other: false,
            logged: knows(Fact::Log).then_some(LoggedLeft { status: Some(499) }),
            errored: None,
        };
        let timer = knows(Fact::Timer).then(|| Timer::told(TWO_SECONDS));
        let knowledge = Knowledge {
            timeouts: self.timeouts,
            timers: [None, timer],
            answers: true,
            ahead,
            ..Knowledge::default()
        };
        match judge(&seen.facts(elsewhere.as_slice(), client), &knowledge) {
            Fate::Failed(verdict) => Some(*verdict),
            _ => None,
        }
    }
}

/// How much of the request the kernel says was read, and how it was closed.
const WORDS: [(How, u32); 4] =
    [(How::Close, 0), (How::Close, u32::MAX), (How::Exit { signal: Some(9) }, 0), (How::Untold, 0)];

fn cases() -> Vec<Case> {
    type Play = fn(&mut Talk);
    let plays: [(&'static str, Play); 8] = [
        ("closed soon after the request, on a used connection", |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data(Proxy, &get("/shop")).ack(Backend).idle(MS(2)).fin(Backend).fin(Proxy);
        }),
        ("reset soon after the request, on a used connection", |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data(Proxy, &get("/shop")).ack(Backend).idle(MS(2)).rst(Backend);
        }),
        ("closed long after the request, on a used connection", |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data(Proxy, &get("/shop")).ack(Backend).idle(MS(700)).fin(Backend).fin(Proxy);
        }),
        ("closed on a new connection", |talk| {
            talk.handshake().data(Proxy, &get("/shop")).ack(Backend).idle(MS(2)).rst(Backend);
        }),
        ("crossed by the close of an idle connection", |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.fin_unheard(Backend).data(Proxy, &get("/shop")).rst_in_reply(Backend);
        }),
        ("forgotten", |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data(Proxy, &get("/shop")).rst_in_reply(Backend);
        }),
        ("given up by the proxy", |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data(Proxy, &get("/shop")).ack(Backend).idle(Duration::from_secs(3)).rst(Proxy);
        }),
        ("answered with an error", |talk| {
            let error = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
            talk.handshake().data(Proxy, &get("/shop")).data(Backend, error).ack(Proxy);
            talk.close(Proxy);
        }),
    ];
    let mut cases = Vec::new();
    for (name, play) in plays {
        for ((how, read), fits) in WORDS.into_iter().flat_map(|one| [(one, false), (one, true)]) {
            let mut talk = Talk::new(3, 77);
            play(&mut talk);
            let seen = attempt(&talk.frames);
            let request = seen.as_exchange().unwrap().request.clone();
            let first = seen.connection().half(Side::Client).wire(request.start).unwrap();
            let length = request.end.since(request.start) as u32;
            let closed = Closed {
                at: Timestamp::from_nanos(talk.now()),
                by: None,
                how,
                read_to: SeqNum(first.0.wrapping_add(read.min(length))),
                received_to: SeqNum(first.0.wrapping_add(length)),
            };
            let end = kernel::End { closed: Some(closed), ..kernel::End::default() };
            // The other view misses the first acknowledgement after the handshake.
            let elsewhere: Vec<Frame> = talk
                .frames
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != 4)
                .map(|(_, frame)| frame.clone())
                .collect();
            let last = talk.frames.len() as u64;
            let left = FrameRef { capture: 0, number: last, at: Timestamp::from_nanos(talk.now()) };
            let client = Endpoint { addr: [10, 0, 0, 77].into(), port: 50_000 };
            let read = fits.then_some(Duration::from_secs(3));
            cases.push(Case {
                name,
                elsewhere: attempt(&elsewhere),
                seen,
                ends: Ends { client: None, server: Some(end) },
                left: ClientLeft { client, frame: left },
                timeouts: Timeouts { proxy_read: read, ..Timeouts::default() },
            });
        }
    }
    cases
}

/// Every order of five.
fn orders() -> Vec<[Fact; 5]> {
    let mut orders = Vec::new();
    for place in 0..120_usize {
        let mut left = FACTS.to_vec();
        let mut rest = place;
        let order = [5, 4, 3, 2, 1].map(|room| {
            let fact = left.remove(rest % room);
            rest /= room;
            fact
        });
        orders.push(order);
    }
    orders
}

#[test]
fn the_order_of_facts_makes_no_difference_and_what_is_proven_stays() {
    let more = Ahead::More { probe: false, role: true };
    let mut proven = 0;
    for case in cases() {
        let end = case.said(&FACTS, Ahead::Nothing);
        let end = end.map(|verdict| format!("{verdict:?}"));
        for order in orders() {
            assert_eq!(case.said(&order, Ahead::Nothing).map(|one| format!("{one:?}")), end);
            let mut told: Option<(Cause, Certainty, usize)> = None;
            for known in 0..=order.len() {
                let ahead = if known == order.len() { Ahead::Nothing } else { more };
                // Nothing is told before the kernel was asked.
                if !order[..known].contains(&Fact::Kernel) {
                    continue;
                }
                let said = case.said(&order[..known], ahead);
                if let Some((cause, certainty, since)) = told {
                    let now = said.as_ref().map(|verdict| (verdict.cause(), verdict.certainty()));
                    assert_eq!(
                        now,
                        Some((cause, certainty)),
                        "{}, {:?}: proven with {:?}, then {:?}",
                        case.name,
                        case.ends.server.as_ref().unwrap().closed.as_ref().unwrap().how,
                        &order[..since],
                        &order[..known]
                    );
                } else if let Some(verdict) =
                    said.filter(|one| one.certainty() == Certainty::Proven)
                {
                    told = Some((verdict.cause(), verdict.certainty(), known));
                    proven += usize::from(known < order.len());
                }
            }
        }
    }
    assert!(proven > 1_000, "{proven}");
}
