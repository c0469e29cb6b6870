//! Speed of the whole analysis on bulk and on tiny exchanges, in one thread, as ratios to reading
//! the same bytes alone. `cargo bench` prints a table; `cargo bench -- FILE MIB KIND` writes the
//! traffic to FILE (to time the program beside its peers on it) and stops; KIND is bulk or tiny.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![allow(clippy::cast_possible_truncation, missing_docs)]

#[path = "../tests/wire.rs"]
mod wire;

use std::io::{Cursor, Read, Write};
use std::time::{Duration, Instant};
use why502::inside::analysis::{Settings, analyze};
use why502::inside::input::Savefile;
use wire::{End, Talk, get, ok_head, pcap};

/// What a connection carries.
#[derive(Clone, Copy)]
struct Traffic {
    name: &'static str,
    exchanges: usize,
    body: usize,
    /// Payload of a full segment.
    segment: usize,
}

/// Keep-alive connections with large answers: about 840 bytes a frame.
const BULK: Traffic = Traffic { name: "bulk", exchanges: 8, body: 24_000, segment: 1_448 };
/// Short connections with one small answer each: about 110 bytes a frame.
const TINY: Traffic = Traffic { name: "tiny", exchanges: 1, body: 200, segment: 1_448 };

fn main() {
    let typed: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [path, mib, kind] = typed.as_slice() {
        let traffic = if kind == "tiny" { TINY } else { BULK };
        let file = capture(traffic, mib.parse::<usize>().unwrap() << 20);
        std::fs::File::create(path).unwrap().write_all(&file).unwrap();
        return;
    }
    println!(
        "{:<6}{:>10}{:>12}{:>12}{:>12}{:>12}",
        "", "frames", "bytes/frame", "GB/s", "ns/frame", "reading"
    );
    for traffic in [BULK, TINY] {
        let file = capture(traffic, 256 << 20);
        let (mut best, mut frames, mut reading) = (Duration::MAX, 0, Duration::MAX);
        for _ in 0..5 {
            let begun = Instant::now();
            let mut piece = vec![0; 1 << 20];
            let mut reader = Cursor::new(&file);
            while reader.read(&mut piece).unwrap() > 0 {
                std::hint::black_box(&piece);
            }
            reading = reading.min(begun.elapsed());
            let source =
                Savefile::from_reader(Box::new(Cursor::new(file.clone())), "bench".into(), 0);
            let begun = Instant::now();
            let report = analyze(&mut [source.unwrap()], Settings::default(), &mut |_| {}).unwrap();
            best = best.min(begun.elapsed());
            frames = report.counters.frames;
            assert!(report.failures.is_empty());
        }
        let nanos = best.as_nanos() as f64;
        println!(
            "{:<6}{:>10}{:>12.0}{:>12.2}{:>12.0}{:>11.1}x",
            traffic.name,
            frames,
            file.len() as f64 / frames as f64,
            file.len() as f64 / nanos,
            nanos / frames as f64,
            nanos / reading.as_nanos() as f64,
        );
    }
}

/// A capture of about `size` bytes: connections that overlap in time, eight at once.
fn capture(traffic: Traffic, size: usize) -> Vec<u8> {
    let mut file = pcap(&[]);
    let mut port = 1_024_u16;
    let mut round = 0_u64;
    while file.len() < size {
        let talks: Vec<Talk> = (0..8)
            .map(|index| {
                port = port.checked_add(1).unwrap_or(1_024);
                let start = Duration::from_millis(round * 100 + index);
                conversation(traffic, port, start)
            })
            .collect();
        let frames = wire::together(&talks.iter().collect::<Vec<_>>());
        file.extend_from_slice(&pcap(&frames)[24..]);
        round += 1;
    }
    file
}

fn conversation(traffic: Traffic, port: u16, start: Duration) -> Talk {
    let isn = u32::from(port).wrapping_mul(2_654_435_761);
    let mut talk = Talk::new(isn, !isn).on_port(port).after(start);
    talk.handshake();
    for number in 0..traffic.exchanges {
        talk.data(End::Proxy, &get(&format!("/item/{number}?id={port}"))).ack(End::Backend);
        let mut answer = ok_head(traffic.body);
        answer.resize(answer.len() + traffic.body, b'x');
        for (index, piece) in answer.chunks(traffic.segment).enumerate() {
            talk.data(End::Backend, piece);
            if index % 2 == 1 {
                talk.ack(End::Proxy);
            }
        }
        talk.ack(End::Proxy);
    }
    talk.close(End::Proxy);
    talk
}
