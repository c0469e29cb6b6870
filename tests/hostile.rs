//! Nothing in a capture makes the program panic, hang or grow without bound.
//!
//! Real captures and made conversations are mutilated at random, seeded, so that a failure can be
//! run again: the message of a failing test names the seed.

use crate::captures::captures;
use crate::scenarios::analyze;
use crate::wire::{End, Talk, get, ok, post_head};
use std::fs;
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, Settings};
use why502::inside::flow::Limits;
use why502::inside::input::Savefile;
use why502::inside::ledger;
use why502::inside::report::{Bound, Report};
use why502::{Detail, TextLayout};

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
        let report = analysis::analyze(&mut [source], settings, &mut |_| {}).unwrap();
        let mut page = Vec::new();
        why502::write_text(&report, TextLayout::new(Detail::All, 96), &mut page).unwrap();
        why502::inside::render::json::write(&report, &mut page).unwrap();
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
        run(file, Settings::default());
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

/// What is said of conversations within bounds.
fn bounded(talks: &[Talk], settings: Settings) -> Report {
    let frames = crate::wire::together(&talks.iter().collect::<Vec<_>>());
    let input = Box::new(Cursor::new(crate::wire::pcap(&frames)));
    let source = Savefile::from_reader(input, "many".to_owned(), 0).unwrap();
    analysis::analyze(&mut [source], settings, &mut |_| {}).unwrap()
}

/// What of bounds was reached, and that it is told.
fn reached(report: &Report) -> Vec<(&'static str, u64)> {
    let hit: Vec<_> =
        report.counters.limits_hit.iter().map(|(of, hits)| (of.name(), hits)).collect();
    let notes = report.notes.iter().filter(|note| note.code == "limit_hit");
    let texts: Vec<&str> = notes.map(|note| note.text.as_str()).collect();
    assert_eq!(texts.len(), hit.len());
    for ((of, hits), text) in hit.iter().zip(texts) {
        assert!(text.starts_with(&format!("the bound on {of} was reached {hits} time")), "{text}");
    }
    hit
}

/// Bounds reached are counted and told, and what was seen before is still judged.
#[test]
fn many_connections_stay_within_the_bound() {
    let talks: Vec<Talk> = (0..200)
        .map(|index| {
            let after = Duration::from_millis(index.into());
            let mut talk = Talk::new(index, index).on_port(20_000 + index as u16).after(after);
            talk.handshake().data(End::Proxy, &get("/open"));
            talk
        })
        .collect();
    let flow = Limits { connections: 10, ..Limits::default() };
    let report = bounded(&talks, Settings { flow, ..Settings::default() });
    assert_eq!(reached(&report), [("connections", 190)]);
    assert!(report.failures.is_empty());
    assert_eq!(reached(&bounded(&talks, Settings::default())), []);
}

/// Ten conversations, each between ends of its own, in which the backend closes on a request.
fn crashes() -> Vec<Talk> {
    let crash = |index: u8| {
        let port = 40_000 + u16::from(index);
        let mut talk = Talk::new(u32::from(index), 7)
            .between(([10, 0, 1, index], port), ([10, 0, 2, index], 8080))
            .after(Duration::from_secs(u64::from(index) * u64::from(index)));
        talk.handshake().data(End::Proxy, &get("/crash")).ack(End::Backend).close(End::Backend);
        talk
    };
    (0..10).map(crash).collect()
}

#[test]
fn listeners_for_which_there_is_no_room_are_counted_and_told() {
    let whole = bounded(&crashes(), Settings::default());
    assert_eq!((whole.backends.len(), reached(&whole)), (10, vec![]));
    let ledger = ledger::LedgerLimits { listeners: 4, ..ledger::LedgerLimits::default() };
    let report = bounded(&crashes(), Settings { ledger, ..Settings::default() });
    assert_eq!((report.backends.len(), reached(&report)), (4, vec![("listeners", 6)]));
    // Those whose SYN was seen: the sides of connections begun before the capture go by them.
    let flow = Limits { listeners: 4, ..Limits::default() };
    let report = bounded(&crashes(), Settings { flow, ..Settings::default() });
    assert_eq!((report.backends.len(), reached(&report)), (10, vec![("listeners", 6)]));
}

#[test]
fn proxies_for_which_there_is_no_room_are_counted_and_told() {
    let one_backend = |mut talk: Talk| {
        // The address of the backend, as receiver and as sender.
        for frame in &mut talk.frames {
            for at in [26, 30] {
                if frame.bytes[at + 2] == 2 {
                    frame.bytes[at + 3] = 0;
                }
            }
        }
        talk
    };
    let talks: Vec<Talk> = crashes().into_iter().map(one_backend).collect();
    let whole = bounded(&talks, Settings::default());
    assert_eq!((whole.backends[0].proxies.len(), reached(&whole)), (10, vec![]));
    let ledger = ledger::LedgerLimits { proxies: 4, ..ledger::LedgerLimits::default() };
    let report = bounded(&talks, Settings { ledger, ..Settings::default() });
    assert_eq!((report.backends[0].proxies.len(), reached(&report)), (4, vec![("proxies", 6)]));
    assert_eq!(report.failures.len(), 10, "failures are kept all the same");
    // The same of all listeners together.
    let ledger = ledger::LedgerLimits { pairs: 3, ..ledger::LedgerLimits::default() };
    let report = bounded(&talks, Settings { ledger, ..Settings::default() });
    assert_eq!((report.backends[0].proxies.len(), reached(&report)), (3, vec![("proxies", 7)]));
}

/// A flood leaves room for what is rare.
#[test]
fn failures_beyond_the_bound_are_counted_and_told() {
    let mut talks = crashes();
    let mut rare = Talk::new(3, 4).after(Duration::from_secs(500));
    rare.handshake().data(End::Proxy, &get("/reset")).ack(End::Backend).rst(End::Backend);
    talks.push(rare);
    let ledger = ledger::LedgerLimits { failures: 4, ..ledger::LedgerLimits::default() };
    let report = bounded(&talks, Settings { ledger, ..Settings::default() });
    let kept: Vec<&str> = report.failures.iter().map(|failure| failure.cause.name()).collect();
    assert_eq!(kept, ["closed_in_flight", "closed_in_flight", "reset_in_flight"]);
    let counts: Vec<(&str, u64)> = report.causes.iter().map(|(of, n)| (of.name(), n)).collect();
    assert_eq!(counts, [("closed_in_flight", 10), ("reset_in_flight", 1)]);
    assert_eq!(reached(&report), [("failures", 8)]);
    assert_eq!(reached(&bounded(&talks, Settings::default())), []);
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
    assert!(report.counters.limits_hit.of(Bound::WaitingBytes) > 0);
}

/// A head that comes byte by byte is read as any other; that it is parsed but once, `exchange` shows.
#[test]
fn a_head_in_single_bytes_is_read() {
    let mut talk = Talk::new(5, 6);
    talk.handshake();
    let lines: String = (0..60).map(|line| format!("x{line}: {}\n", "1".repeat(250))).collect();
    for byte in format!("GET /slow HTTP/1.1\r\n{lines}\r\n").bytes() {
        talk.data(End::Proxy, &[byte]);
    }
    talk.ack(End::Backend).close(End::Backend);
    let report = analyze(&talk.frames);
    let request = report.failures[0].request.as_ref().unwrap();
    assert_eq!(request.target.as_deref(), Some("/slow"));
    assert_eq!(request.last.number, talk.frames.len() as u64 - 4);
}

/// Text from the capture does not reach the terminal as it is: neither what begins an escape sequence in one
/// character (CSI, U+009B) nor what turns the direction of text round. A head with others is no HTTP.
#[test]
fn captured_text_is_escaped_and_secrets_stay_hidden() {
    let mut talk = Talk::new(5, 6);
    talk.handshake();
    let target = "/\u{9b}2Jpay?token=s3cret&x=\u{202e}1";
    talk.data(End::Proxy, format!("GET {target} HTTP/1.1\r\nHost: a\u{9b}b\r\n\r\n").as_bytes());
    talk.ack(End::Backend).close(End::Backend);
    let report = analyze(&talk.frames);
    let mut page = Vec::new();
    why502::write_text(&report, TextLayout::new(Detail::All, 96), &mut page).unwrap();
    why502::inside::render::json::write(&report, &mut page).unwrap();
    let shown = String::from_utf8(page).unwrap();
    for raw in ["s3cret", "\u{9b}", "\u{202e}"] {
        assert!(!shown.contains(raw), "{raw:?}: {shown}");
    }
    // It is shown all the same, in a form that does no harm.
    let escaped = r"/\xc2\x9b2Jpay?token=…&x=\xe2\x80\xae1";
    assert!(shown.contains(escaped), "{shown}");
    let request = report.failures[0].request.as_ref().unwrap();
    assert_eq!(request.target.as_deref(), Some(escaped));
    assert_eq!(request.host.as_deref(), Some(r"a\xc2\x9bb"));
}
