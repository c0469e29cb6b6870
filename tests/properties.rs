//! What must hold however the network and the capture treat a conversation: any segmentation,
//! duplication, reordering within a window, snap length and loss.

use crate::scenarios::{analyze, read};
use crate::wire::{End, Frame, Talk, get, ok, ok_head, pcap, post_head};
use proptest::prelude::*;
use std::time::Duration;
use why502::inside::report::Report;

/// How a conversation ends.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    Sound,
    Race,
    Closed,
    Truncated,
}

/// A few exchanges and an ending, with every message cut into segments at random.
#[derive(Clone, Debug)]
pub struct Plan {
    pub isns: (u32, u32),
    /// Bodies of request and response.
    pub exchanges: Vec<(usize, usize)>,
    /// Lengths of segments, taken in turn.
    pub segments: Vec<usize>,
    pub ending: Ending,
}

pub fn plans() -> impl Strategy<Value = Plan> {
    let ending = prop_oneof![
        Just(Ending::Sound),
        Just(Ending::Race),
        Just(Ending::Closed),
        Just(Ending::Truncated)
    ];
    let exchanges = prop::collection::vec((0..400_usize, 0..3_000_usize), 1..4);
    let segments = prop::collection::vec(1..1_460_usize, 1..12);
    (any::<(u32, u32)>(), exchanges, segments, ending)
        .prop_map(|(isns, exchanges, segments, ending)| Plan { isns, exchanges, segments, ending })
}

impl Plan {
    pub fn play(&self) -> Vec<Frame> {
        let mut talk = Talk::new(self.isns.0, self.isns.1);
        let mut lengths = self.segments.iter().cycle();
        let mut say = |talk: &mut Talk, end: End, mut bytes: &[u8]| {
            while !bytes.is_empty() {
                let (piece, rest) = bytes.split_at((*lengths.next().unwrap()).min(bytes.len()));
                talk.data(end, piece);
                bytes = rest;
            }
            talk.ack(if end == End::Proxy { End::Backend } else { End::Proxy });
        };
        talk.handshake();
        for (number, (request, response)) in self.exchanges.iter().enumerate() {
            let mut bytes = post_head(&format!("/{number}"), *request);
            bytes.resize(bytes.len() + request, b'q');
            say(&mut talk, End::Proxy, &bytes);
            let mut bytes = ok_head(*response);
            bytes.resize(bytes.len() + response, b'r');
            say(&mut talk, End::Backend, &bytes);
        }
        talk.idle(Duration::from_secs(2));
        match self.ending {
            Ending::Sound => talk.close(End::Proxy),
            Ending::Race => {
                talk.fin_unheard(End::Backend).data(End::Proxy, &get("/raced"));
                talk.rst_in_reply(End::Backend).arrives(End::Proxy).fin(End::Proxy)
            }
            Ending::Closed => {
                say(&mut talk, End::Proxy, &get("/crash"));
                talk.idle(Duration::from_secs(1)).close(End::Backend)
            }
            Ending::Truncated => {
                say(&mut talk, End::Proxy, &get("/cut"));
                say(&mut talk, End::Backend, &[&ok_head(5_000)[..], &[b'r'; 100]].concat());
                talk.close(End::Backend)
            }
        };
        talk.frames
    }

    pub fn cause(&self) -> Option<&'static str> {
        match self.ending {
            Ending::Sound => None,
            Ending::Race => Some("keepalive_race"),
            Ending::Closed => Some("closed_in_flight"),
            Ending::Truncated => Some("truncated_response"),
        }
    }
}

pub fn causes(report: &Report) -> Vec<&'static str> {
    report.failures.iter().map(|failure| failure.cause.name()).collect()
}

/// What damage may do: lower certainty, or hide with a word; never invent, never prove another cause,
/// never call safe what was not.
fn check(plan: &Plan, whole: &Report, damaged: &Report) -> Result<(), TestCaseError> {
    prop_assert!(damaged.failures.len() <= whole.failures.len(), "{:?}", damaged.failures);
    for failure in &damaged.failures {
        let same = Some(failure.cause.name()) == plan.cause();
        prop_assert!(same || failure.certainty.name() != "proven", "{failure:?}");
        prop_assert!(
            failure.retry.name() != "safe" || whole.failures[0].retry.name() == "safe",
            "{failure:?}"
        );
    }
    Ok(())
}

/// The first bytes of a request or an answer are missing from the capture, fewer than any message has.
#[test]
fn a_message_without_its_beginning_is_not_called_malformed() {
    for first in 1..40 {
        for side in [End::Proxy, End::Backend] {
            let mut talk = Talk::new(7, 11);
            talk.handshake();
            for message in 0..2 {
                let whole = if message == 0 { get("/a") } else { ok(64) };
                let from = if message == 0 { End::Proxy } else { End::Backend };
                let (begin, rest) = whole.split_at(first);
                talk.data(from, begin);
                if from == side {
                    talk.frames.pop();
                }
                talk.data(from, rest);
            }
            talk.ack(End::Proxy).idle(Duration::from_secs(2)).close(End::Proxy);
            assert!(analyze(&talk.frames).failures.is_empty(), "{first} bytes of {side:?}");
        }
    }
}

/// A capture of frames of which no more was kept than `snap` bytes.
pub fn cut_to(frames: &[Frame], snap: usize) -> Vec<u8> {
    let mut file = pcap(&[]);
    for frame in frames {
        let kept = frame.bytes.len().min(snap);
        let (seconds, nanos) = (frame.at / 1_000_000_000, frame.at % 1_000_000_000);
        let header = [seconds as u32, nanos as u32, kept as u32, frame.bytes.len() as u32];
        header.into_iter().for_each(|field| file.extend_from_slice(&field.to_le_bytes()));
        file.extend_from_slice(&frame.bytes[..kept]);
    }
    file
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segmentation_gives_the_same_verdict(plan in plans()) {
        let report = analyze(&plan.play());
        prop_assert_eq!(causes(&report), Vec::from_iter(plan.cause()));
        let failing = usize::from(plan.cause().is_some()) as u64;
        prop_assert_eq!(report.counters.exchanges, plan.exchanges.len() as u64 + failing);
        prop_assert_eq!(report.counters.capture_gaps, 0);
    }

    #[test]
    fn doubled_frames_change_nothing(plan in plans(), picks in prop::collection::vec(any::<prop::sample::Index>(), 1..10)) {
        let mut frames = plan.play();
        for pick in picks {
            let at = pick.index(frames.len());
            frames.insert(at, frames[at].clone());
        }
        prop_assert_eq!(causes(&analyze(&frames)), Vec::from_iter(plan.cause()));
    }

    #[test]
    fn frames_out_of_order_prove_nothing_else(plan in plans(), picks in prop::collection::vec((any::<prop::sample::Index>(), 1..3_usize), 1..6)) {
        let whole = plan.play();
        let mut frames = whole.clone();
        for (pick, by) in picks {
            let at = pick.index(frames.len());
            let to = (at + by).min(frames.len() - 1);
            let frame = frames.remove(at);
            frames.insert(to, frame);
        }
        check(&plan, &analyze(&whole), &analyze(&frames))?;
    }

    #[test]
    fn any_snap_length_proves_nothing_else(plan in plans(), snap in 20..400_usize) {
        let whole = plan.play();
        let report = read(cut_to(&whole, snap)).unwrap();
        check(&plan, &analyze(&whole), &report)?;
        // Heads that are there are enough: bodies are counted by their length on the wire.
        if snap >= 54 + 120 && plan.segments.iter().all(|length| *length >= 120) {
            prop_assert_eq!(causes(&report), Vec::from_iter(plan.cause()));
        }
    }

    /// Answers in chunks, cut by the snap length so that no chunk's end shows: the next request says that
    /// the one before was over, and what becomes of it is judged as if nothing were cut.
    #[test]
    fn the_next_request_ends_an_answer_in_chunks_that_was_cut(chunks in prop::collection::vec(200..3_000_usize, 1..6), last_apart: bool) {
        let mut talk = Talk::new(7, 11);
        talk.handshake();
        for number in 0..3 {
            talk.data(End::Proxy, &get(&format!("/{number}"))).ack(End::Backend);
            let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for length in &chunks {
                answer.extend(format!("{length:x}\r\n{}\r\n", "y".repeat(*length)).as_bytes());
            }
            if last_apart {
                talk.data(End::Backend, &answer).data(End::Backend, b"0\r\n\r\n");
            } else {
                answer.extend(b"0\r\n\r\n");
                talk.data(End::Backend, &answer);
            }
            talk.ack(End::Proxy).idle(Duration::from_secs(2));
        }
        // A keep-alive race.
        talk.fin_unheard(End::Backend).data_unheard(End::Proxy, &get("/lost")).rst_in_reply(End::Backend);
        let report = read(cut_to(&talk.frames, 200)).unwrap();
        prop_assert_eq!(causes(&report), ["keepalive_race"]);
        prop_assert_eq!(report.counters.exchanges_unread, 0);
        let idle = report.failures[0].idle_gap_ns;
        prop_assert!(idle.is_some_and(|idle| idle >= 2_000_000_000), "{:?}", idle);
    }

    #[test]
    fn dropped_frames_only_lower_certainty(plan in plans(), picks in prop::collection::vec(any::<prop::sample::Index>(), 1..6)) {
        let whole = plan.play();
        let mut frames = whole.clone();
        for pick in picks {
            let at = pick.index(frames.len());
            frames.remove(at);
        }
        check(&plan, &analyze(&whole), &analyze(&frames))?;
    }
}
