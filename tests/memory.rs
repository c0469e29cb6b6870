//! How much memory is taken, by the program as a whole: what a stream makes it keep, beside what the same stream
//! without that makes it keep.

use crate::program::why502;
use crate::wire::{Frame, Talk, pcap};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

/// Connections, more than are followed at one time.
const CONNECTIONS: u32 = 100_000;
/// Connections followed at one time.
const FOLLOWED: u64 = 65_536;
/// Pairs of ends of one connection beside its own.
const ALIASES: u32 = 8;
/// What a pair of ends may take: itself, its key, and the room that a table leaves free, which grows by half of
/// what it holds at once, the old one beside the new one.
const PAIR: u64 = 384;
/// What many pairs may take beside the room that few have: the list of them grows one by one.
const NOISE: u64 = 4 << 20;

/// A connection's SYN between its own ends and as many others, and the answer.
fn opening(number: u32, forms: u32, translated: bool) -> Vec<Frame> {
    let isn = number.wrapping_mul(2_654_435_761);
    let client = ([10, 0, (number >> 14) as u8, 9], 1_024 + (number & 0x3fff) as u16);
    let mut frames = Vec::new();
    for form in 0..forms {
        let to = if translated { form } else { 0 };
        let mut talk = Talk::new(isn, !isn)
            .between(client, ([10, 1, 0, to as u8], 8_080))
            .after(Duration::from_micros(u64::from(number * 20 + form)));
        talk.syn();
        talk.frames[0].bytes[18..20].copy_from_slice(&((number % 65_535) as u16 + 1).to_be_bytes());
        frames.append(&mut talk.frames);
    }
    frames
}

/// What the program says of such openings, and how much memory it had taken at the most when it had read them.
fn read(connections: u32, forms: u32, translated: bool) -> (Value, u64) {
    let mut program = why502(&["analyze", "--exit-zero", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    input.write_all(&pcap(&[])).unwrap();
    for number in 0..connections {
        input.write_all(&pcap(&opening(number, forms, translated))[24..]).unwrap();
    }
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    drop(input);
    let output = program.wait_with_output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), peak << 10)
}

fn limit(said: &Value, name: &str) -> u64 {
    said["counters"]["limits_hit"][name].as_u64().unwrap_or(0)
}

#[test]
fn two_more_pairs_of_ends_of_each_of_100_000_connections_take_little() {
    let (plain, alone) = read(CONNECTIONS, 3, false);
    let (said, peak) = read(CONNECTIONS, 3, true);
    for one in [&plain, &said] {
        assert_eq!(one["counters"]["connections"], CONNECTIONS);
        assert_eq!(one["counters"]["segments"], 3 * CONNECTIONS);
        // What was given up is counted.
        assert_eq!(limit(one, "connections"), u64::from(CONNECTIONS) - FOLLOWED);
        assert_eq!(limit(one, "aliases"), 0);
    }
    let more = peak.saturating_sub(alone);
    assert!(more < FOLLOWED * 2 * PAIR + NOISE, "{more} bytes more than {alone}");
}

#[test]
fn pairs_of_ends_beyond_the_bound_are_counted_and_not_kept() {
    let connections = 10_000;
    let (_, full) = read(connections, 1 + ALIASES, true);
    let (said, _) = read(connections, 1 + ALIASES + 1 + ALIASES, true);
    // For each first one beyond there was no room: it is another connection, with others of its own.
    assert_eq!(limit(&said, "aliases"), u64::from(connections));
    assert_eq!(said["counters"]["connections"], 2 * connections);
    let (_, alone) = read(connections, 1, true);
    let more = full.saturating_sub(alone);
    assert!(
        more < u64::from(connections * ALIASES) * PAIR + NOISE,
        "{more} bytes more than {alone}"
    );
}
