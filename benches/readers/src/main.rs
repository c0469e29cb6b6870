//! Three readers of the classic container on the same file, nothing else done: ours, the crate
//! pcap-parser, and libpcap. `cargo run --release -- FILE` (needs libpcap-dev).
//!
//! Each counts the frames and adds up their captured lengths and first bytes, so that no reader
//! can leave the frames untouched. Five rounds, interleaved; the best of each is printed.

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};
use why502::inside::input::{Block, Fill, Savefile, Source};

type Totals = (u64, u64);

fn note(totals: &mut Totals, bytes: &[u8]) {
    totals.0 += 1;
    totals.1 += bytes.len() as u64 + u64::from(bytes.first().copied().unwrap_or(0));
}

fn ours(path: &str) -> Totals {
    let mut source = Savefile::open(Path::new(path), 0).unwrap();
    let (mut block, mut totals) = (Block::new(), (0, 0));
    while source.fill(&mut block).unwrap() == Fill::Frames {
        block.frames().for_each(|frame| note(&mut totals, frame.bytes));
    }
    totals
}

fn pcap_parser(path: &str) -> Totals {
    let mut reader = LegacyPcapReader::new(1 << 20, File::open(path).unwrap()).unwrap();
    let mut totals = (0, 0);
    loop {
        match reader.next() {
            Ok((offset, block)) => {
                if let PcapBlockOwned::Legacy(frame) = block {
                    note(&mut totals, frame.data);
                }
                reader.consume(offset);
            }
            Err(PcapError::Eof) => return totals,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn libpcap(path: &str) -> Totals {
    let mut capture = pcap::Capture::from_file(path).unwrap();
    let mut totals = (0, 0);
    while let Ok(packet) = capture.next_packet() {
        note(&mut totals, packet.data);
    }
    totals
}

fn reading(path: &str) -> Totals {
    let (mut file, mut piece) = (File::open(path).unwrap(), vec![0; 1 << 20]);
    let mut bytes = 0;
    while let Ok(count @ 1..) = file.read(&mut piece) {
        bytes += std::hint::black_box(&piece[..count]).len() as u64;
    }
    (0, bytes)
}

fn main() {
    let path = std::env::args().nth(1).expect("readers FILE");
    let readers: [(&str, fn(&str) -> Totals); 4] =
        [("read alone", reading), ("ours", ours), ("pcap-parser", pcap_parser), ("libpcap", libpcap)];
    let mut best = [Duration::MAX; 4];
    let mut totals = [(0, 0); 4];
    for _ in 0..5 {
        for (index, (_, reader)) in readers.iter().enumerate() {
            let begun = Instant::now();
            totals[index] = reader(&path);
            best[index] = best[index].min(begun.elapsed());
        }
    }
    assert!(totals[1] == totals[2] && totals[2] == totals[3], "{totals:?}");
    for (index, (name, _)) in readers.iter().enumerate() {
        let nanos = best[index].as_nanos() as f64;
        println!(
            "{name:<12}{:>8.3} s{:>8.1} ns/frame{:>8.1}x ours",
            best[index].as_secs_f64(),
            nanos / totals[1].0 as f64,
            nanos / best[1].as_nanos() as f64,
        );
    }
}
