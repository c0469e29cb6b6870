//! Nothing in a capture makes the program panic, hang or grow without bound.
//!
//! Real captures and made conversations are mutilated at random, seeded, so that a failure can be
//! run again: the message of a failing test names the seed.

use crate::captures::captures;
use crate::scenarios::analyze;
use crate::talk::{End, Talk, get, ok, post_head};
use std::fs;
use std::io::Cursor;
use std::time::{Duration, Instant};
use why502::flow::Limits;
use why502::pipeline::{self, Settings};
use why502::source::Savefile;

/// A small generator of numbers that look random (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }
}

fn run(file: Vec<u8>, settings: Settings) {
    let input = Box::new(Cursor::new(file));
    if let Ok(source) = Savefile::from_reader(input, "hostile".to_owned(), 0) {
        let report = pipeline::analyze(&mut [source], settings, &mut |_| {}).unwrap();
        let mut page = Vec::new();
        why502::report::text::write(&report, true, &mut page).unwrap();
        why502::report::json::write(&report, &mut page).unwrap();
        let shown = String::from_utf8(page).unwrap();
        let odd = |c: char| c.is_control() && c != '\n' && c != '\x1b';
        assert!(!shown.contains(odd), "something unprintable is shown");
    }
}

#[test]
fn mutilated_captures_are_survived() {
    let files: Vec<Vec<u8>> = captures().iter().map(|path| fs::read(path).unwrap()).collect();
    for seed in 1..=600_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut file = files[dice.roll(files.len())].clone();
        for _ in 0..1 + dice.roll(40) {
            let at = dice.roll(file.len());
            match dice.roll(5) {
                0 => file[at] = dice.roll(256) as u8,
                1 => file[at] ^= 1 << dice.roll(8),
                2 => file.truncate(at.max(24)),
                3 => {
                    let end = (at + dice.roll(200)).min(file.len());
                    file.drain(at..end);
                }
                _ => {
                    let end = (at + 4).min(file.len());
                    file[at..end].fill([0, 0xff, 0x7f][dice.roll(3)]);
                }
            }
            if file.is_empty() {
                break;
            }
        }
        let begun = Instant::now();
        run(file, Settings::default());
        assert!(begun.elapsed() < Duration::from_secs(10), "seed {seed} takes for ever");
    }
}

#[test]
fn random_segments_on_one_connection_are_survived() {
    for seed in 1..=300_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut talk = Talk::new(dice.roll(usize::MAX) as u32, dice.roll(usize::MAX) as u32);
        let ends = [End::Proxy, End::Backend];
        for _ in 0..60 {
            let end = ends[dice.roll(2)];
            match dice.roll(12) {
                0 => talk.handshake(),
                1 => talk.syn(),
                2 => talk.data(end, &get("/a")),
                3 => talk.data(end, &ok(dice.roll(300))),
                4 => talk.data_unheard(end, &post_head("/b", dice.roll(5_000))),
                5 => talk.fin(end),
                6 => talk.fin_unheard(end),
                7 => talk.rst(end),
                8 => talk.rst_in_reply(end),
                9 => talk.ack(end),
                10 => talk.again(end, &get("/a")),
                _ => talk.idle(Duration::from_millis(dice.roll(3_000) as u64)),
            };
        }
        for index in 0..talk.frames.len() {
            if dice.roll(6) == 0 {
                let other = dice.roll(talk.frames.len());
                talk.frames.swap(index, other);
            }
            let bytes = &mut talk.frames[index].bytes;
            if dice.roll(8) == 0 {
                let at = 14 + dice.roll(bytes.len() - 14);
                bytes[at] ^= 1 << dice.roll(8);
            }
        }
        analyze(&talk.frames);
    }
}

/// Bounds reached are counted and told, and what was seen before is still judged.
#[test]
fn many_connections_stay_within_the_bound() {
    let talks: Vec<Talk> = (0..200)
        .map(|index| {
            let mut talk = Talk::new(index, index).on_port(20_000 + index as u16);
            talk.handshake().data(End::Proxy, &get("/open"));
            talk
        })
        .collect();
    let frames = crate::talk::together(&talks.iter().collect::<Vec<_>>());
    let input = Box::new(Cursor::new(crate::talk::pcap(&frames)));
    let source = Savefile::from_reader(input, "many".to_owned(), 0).unwrap();
    let flow = Limits { connections: 10, ..Limits::default() };
    let report =
        pipeline::analyze(&mut [source], Settings { flow, ..Settings::default() }, &mut |_| {})
            .unwrap();
    assert!(report.counters.limits_hit["connections"] > 0);
    assert!(report.notes.iter().any(|note| note.code == "limit_hit"));
    assert!(report.failures.is_empty());
}

/// Segments that wait for what never comes are given up at a bound.
#[test]
fn waiting_segments_stay_within_the_bound() {
    let mut talk = Talk::new(5, 6);
    talk.handshake().data_unheard(End::Proxy, &get("/lost"));
    let gap = talk.frames.len() - 1;
    for _ in 0..5_000 {
        talk.data_unheard(End::Proxy, &[b'x'; 1_400]);
    }
    talk.frames.remove(gap);
    let report = analyze(&talk.frames);
    assert!(report.counters.limits_hit["waiting_bytes"] > 0);
}

/// A head that comes byte by byte costs no more than its length.
#[test]
fn a_head_in_single_bytes_is_read_in_linear_time() {
    let mut talk = Talk::new(5, 6);
    talk.handshake();
    let lines: String = (0..1_500).map(|line| format!("x{line}: 1\n")).collect();
    for byte in format!("GET /slow HTTP/1.1\r\n{lines}").bytes() {
        talk.data(End::Proxy, &[byte]);
    }
    let begun = Instant::now();
    analyze(&talk.frames);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Text from the capture does not reach the terminal as it is.
#[test]
fn captured_text_is_escaped_and_secrets_stay_hidden() {
    let mut talk = Talk::new(5, 6);
    talk.handshake();
    let target = "/\x1b[2Jpay?token=s3cret&x=\u{202e}1";
    talk.data(End::Proxy, format!("GET {target} HTTP/1.1\r\nHost: a\x07b\r\n\r\n").as_bytes());
    talk.ack(End::Backend).close(End::Backend);
    let report = analyze(&talk.frames);
    let mut page = Vec::new();
    why502::report::text::write(&report, true, &mut page).unwrap();
    why502::report::json::write(&report, &mut page).unwrap();
    let shown = String::from_utf8(page).unwrap();
    assert!(!shown.contains("s3cret") && !shown.contains("[2J\u{1b}"));
    assert!(!shown.contains('\u{202e}') && !shown.contains("\x1b[2J"));
}
