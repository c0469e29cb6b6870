//! Containers and link types: the same conversation, wrapped in every way that is read.

use crate::scenarios::{analyze, read};
use crate::wire::{End, Frame, Talk, get, pcap};
use std::io::{Cursor, Read, Write};
use std::time::Duration;
use why502::inside::analysis::{self, Settings};
use why502::inside::input::{CaptureFormat, Savefile};
use why502::inside::packet::Skip;
use why502::inside::report::{Report, Skipped};

/// A keep-alive race in twelve frames.
fn race() -> Vec<Frame> {
    let mut talk = Talk::new(11, 22);
    talk.handshake().exchange("/warm", 64).idle(Duration::from_secs(2));
    talk.fin_unheard(End::Backend).data(End::Proxy, &get("/raced"));
    talk.rst_in_reply(End::Backend).arrives(End::Proxy).fin(End::Proxy).rst_in_reply(End::Backend);
    talk.frames
}

fn causes(report: &Report) -> Vec<&'static str> {
    report.failures.iter().map(|failure| failure.cause.name()).collect()
}

/// A classic capture in any of its four flavours.
fn classic(frames: &[Frame], big_endian: bool, nanos: bool, link: u32) -> Vec<u8> {
    let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let magic = if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let version = if big_endian { 0x0002_0004 } else { 0x0004_0002 };
    let mut file: Vec<u8> =
        [magic, version, 0, 0, 65_535, link].into_iter().flat_map(word).collect();
    for frame in frames {
        let fraction = (frame.at % 1_000_000_000) as u32 / if nanos { 1 } else { 1_000 };
        let len = frame.bytes.len() as u32;
        let header = [(frame.at / 1_000_000_000) as u32, fraction, len, len];
        file.extend(header.into_iter().flat_map(word));
        file.extend_from_slice(&frame.bytes);
    }
    file
}

/// A pcapng capture with one interface, in either byte order, at a resolution of `1/per_second`.
fn pcapng(frames: &[Frame], big_endian: bool, resolution: u8, per_second: u128) -> Vec<u8> {
    let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let half = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let length = word(padded as u32 + 12);
        let mut block = [word(kind), length].concat();
        block.extend_from_slice(body);
        block.resize(padded + 8, 0);
        block.extend_from_slice(&length);
        block
    };
    let version = [half(1), half(0)].concat();
    let mut file = block(0x0a0d_0d0a, &[&word(0x1a2b_3c4d)[..], &version, &[0xff; 8]].concat());
    let options = [&half(9)[..], &half(1), &[resolution, 0, 0, 0], &half(0), &half(0)].concat();
    file.extend(block(1, &[&half(1)[..], &half(0), &word(0), &options].concat()));
    file.extend(block(0xbad, b"a block that nobody knows"));
    for frame in frames {
        let stamp = (u128::from(frame.at) * per_second / 1_000_000_000) as u64;
        let len = word(frame.bytes.len() as u32);
        let fields = [word(0), word((stamp >> 32) as u32), word(stamp as u32), len, len].concat();
        file.extend(block(6, &[&fields[..], &frame.bytes].concat()));
    }
    file
}

#[test]
fn every_flavour_of_the_classic_container_is_read_alike() {
    for big_endian in [false, true] {
        for nanos in [false, true] {
            let report = read(classic(&race(), big_endian, nanos, 1)).unwrap();
            assert_eq!(causes(&report), ["keepalive_race"]);
            let capture = &report.captures[0];
            assert_eq!(
                (capture.format, capture.frames, &capture.damage),
                (CaptureFormat::Pcap, 12, &None)
            );
            assert_eq!(capture.first.unwrap().to_string(), "2026-11-20T12:00:00.000150000Z");
        }
    }
}

#[test]
fn pcapng_is_read_in_both_byte_orders_and_any_resolution() {
    for big_endian in [false, true] {
        for (resolution, per_second) in [
            (6, 1_000_000),
            (9, 1_000_000_000),
            (3, 1_000),
            (10, 10_000_000_000),
            (0x80 | 20, 1 << 20),
        ] {
            let report = read(pcapng(&race(), big_endian, resolution, per_second)).unwrap();
            assert_eq!(causes(&report), ["keepalive_race"], "{resolution}");
            let capture = &report.captures[0];
            assert_eq!((capture.format, capture.frames), (CaptureFormat::Pcapng, 12));
            assert_eq!(capture.link_types, ["ethernet"]);
            let first = capture.first.unwrap().to_string();
            assert!(first.starts_with("2026-11-20T12:00:00.000"), "{resolution}: {first}");
        }
    }
}

/// What stands in place of the Ethernet header.
fn relinked(header: impl Fn(&Frame) -> Vec<u8>) -> Vec<Frame> {
    race()
        .into_iter()
        .map(|frame| Frame {
            at: frame.at,
            bytes: [header(&frame), frame.bytes[14..].to_vec()].concat(),
        })
        .collect()
}

#[test]
fn every_link_type_carries_the_same_conversation() {
    let sll = |_: &Frame| [&[0, 0, 0, 1, 0, 6][..], &[2; 8], &[8, 0]].concat();
    let sll2 = |_: &Frame| [&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6][..], &[2; 8]].concat();
    let vlan = |frame: &Frame| [&frame.bytes[..12], &[0x81, 0, 0, 7, 8, 0]].concat();
    let qinq =
        |frame: &Frame| [&frame.bytes[..12], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 9, 8, 0]].concat();
    let wraps: [(u32, &str, Vec<Frame>); 8] = [
        (113, "linux_sll", relinked(sll)),
        (276, "linux_sll2", relinked(sll2)),
        (101, "raw", relinked(|_| vec![])),
        (228, "ipv4", relinked(|_| vec![])),
        (0, "null", relinked(|_| vec![2, 0, 0, 0])),
        (108, "loop", relinked(|_| vec![0, 0, 0, 2])),
        (1, "ethernet", relinked(vlan)),
        (1, "ethernet", relinked(qinq)),
    ];
    for (number, name, frames) in wraps {
        let report = read(classic(&frames, false, true, number)).unwrap();
        assert_eq!(causes(&report), ["keepalive_race"], "{name}");
        assert_eq!(report.captures[0].link_types, [name]);
    }
}

#[test]
fn ipv6_with_extension_headers_carries_the_same_conversation() {
    let frames: Vec<Frame> = race()
        .into_iter()
        .map(|frame| {
            let (ip, tcp) = (&frame.bytes[14..34], &frame.bytes[34..]);
            let addr = |last: u8| [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[last]].concat();
            let mut bytes = [&frame.bytes[..12], &[0x86, 0xdd, 0x60, 0, 0, 0]].concat();
            bytes.extend_from_slice(&((tcp.len() + 16) as u16).to_be_bytes());
            bytes.extend_from_slice(&[0, ip[8]]);
            bytes.extend(addr(ip[15]));
            bytes.extend(addr(ip[19]));
            // Hop-by-hop options, then destination options, then TCP.
            bytes.extend_from_slice(&[60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0]);
            bytes.extend_from_slice(tcp);
            Frame { at: frame.at, bytes }
        })
        .collect();
    let report = analyze(&frames);
    assert_eq!(causes(&report), ["keepalive_race"]);
    assert_eq!(report.failures[0].backend.unwrap().to_string(), "[2001:db8::1]:8080");
}

#[test]
fn frames_that_are_no_segments_are_counted_by_kind() {
    let mut frames = race();
    let with = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = race()[5].clone();
        edit(&mut frame.bytes);
        frame
    };
    frames.push(with(&|bytes| bytes[12..14].copy_from_slice(&[8, 6])));
    frames.push(with(&|bytes| bytes[23] = 17));
    frames.push(with(&|bytes| bytes[20] = 0x20));
    frames.push(with(&|bytes| bytes[46] = 3 << 4));
    frames.push(with(&|bytes| bytes[14] = 0x41));
    let report = analyze(&frames);
    assert_eq!(causes(&report), ["keepalive_race"]);
    let skipped: Vec<(&str, u64)> =
        report.counters.skipped.iter().map(|(kind, count)| (kind.name(), count)).collect();
    assert_eq!(skipped, [("fragment", 1), ("malformed", 2), ("not_ip", 1), ("not_tcp", 1)]);
    assert_eq!(report.counters.segments, 12);
    let unknown = read(classic(&race(), false, true, 147)).unwrap();
    assert_eq!(unknown.counters.skipped.of(Skipped::NoSegment(Skip::UnsupportedLink)), 12);
    assert_eq!(unknown.captures[0].link_types, ["linktype_147"]);
}

/// A frame in IP fragments of `size` bytes of payload, in the order given by `turned`.
fn fragmented(frame: &Frame, size: usize, turned: bool) -> Vec<Frame> {
    let (head, payload) = (&frame.bytes[..34], &frame.bytes[34..]);
    let mut pieces: Vec<Frame> = payload
        .chunks(size)
        .enumerate()
        .map(|(index, piece)| {
            let mut bytes = [head, piece].concat();
            bytes[16..18].copy_from_slice(&((piece.len() + 20) as u16).to_be_bytes());
            bytes[18..20].copy_from_slice(&0x4711_u16.to_be_bytes());
            let more = if (index + 1) * size < payload.len() { 0x2000 } else { 0 };
            let offset = (index * size / 8) as u16 | more;
            bytes[20..22].copy_from_slice(&offset.to_be_bytes());
            Frame { at: frame.at, bytes }
        })
        .collect();
    if turned {
        pieces.reverse();
    }
    pieces
}

#[test]
fn fragments_are_put_together_in_any_order() {
    for turned in [false, true] {
        let mut frames = race();
        let request = frames.iter().position(|frame| frame.bytes.len() > 90).unwrap();
        let pieces = fragmented(&frames[request], 24, turned);
        assert!(pieces.len() > 2);
        frames.splice(request..=request, pieces.clone());
        let report = analyze(&frames);
        assert_eq!(causes(&report), ["keepalive_race"]);
        assert_eq!(report.counters.segments, 12);
        assert_eq!(
            report.counters.skipped.of(Skipped::NoSegment(Skip::Fragment)),
            pieces.len() as u64 - 1
        );
        assert_eq!(report.counters.capture_gaps, 0);
    }
}

#[test]
fn fragments_that_never_become_whole_are_forgotten() {
    let one = race()[5].clone();
    let mut frames = Vec::new();
    for id in 0..2_000_u16 {
        let mut piece = fragmented(&one, 24, false).remove(0);
        piece.bytes[18..20].copy_from_slice(&id.to_be_bytes());
        frames.push(piece);
    }
    let report = analyze(&frames);
    assert_eq!(
        (report.counters.segments, report.counters.skipped.of(Skipped::NoSegment(Skip::Fragment))),
        (0, 2_000)
    );
}

/// A snap length that keeps the headers keeps the lengths: bodies may be cut.
#[test]
fn cut_bodies_are_counted_by_their_length_on_the_wire() {
    let mut talk = Talk::new(1, 2);
    talk.handshake().exchange("/big", 1_200).exchange("/big", 1_200).close(End::Backend);
    let mut file = pcap(&[]);
    for frame in &talk.frames {
        let kept = frame.bytes.len().min(200);
        let seconds = (frame.at / 1_000_000_000) as u32;
        let header =
            [seconds, (frame.at % 1_000_000_000) as u32, kept as u32, frame.bytes.len() as u32];
        header.into_iter().for_each(|field| file.extend_from_slice(&field.to_le_bytes()));
        file.extend_from_slice(&frame.bytes[..kept]);
    }
    let report = read(file).unwrap();
    assert!(report.failures.is_empty());
    assert_eq!(report.backends[0].statuses[&200], 2);
    assert_eq!(report.captures[0].truncated_frames, 2);
}

/// Options that the snap length cut do not make a segment unreadable.
#[test]
fn cut_tcp_options_still_leave_a_segment() {
    let with_options = |frame: &Frame| {
        let mut bytes = frame.bytes.clone();
        bytes.splice(54..54, [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        bytes[46] = 8 << 4;
        let total = u16::from_be_bytes([bytes[16], bytes[17]]) + 12;
        bytes[16..18].copy_from_slice(&total.to_be_bytes());
        bytes
    };
    let mut file = pcap(&[]);
    let frames = race();
    for frame in &frames {
        let bytes = with_options(frame);
        let kept = bytes.len().min(58);
        let seconds = (frame.at / 1_000_000_000) as u32;
        let header = [seconds, (frame.at % 1_000_000_000) as u32, kept as u32, bytes.len() as u32];
        header.into_iter().for_each(|field| file.extend_from_slice(&field.to_le_bytes()));
        file.extend_from_slice(&bytes[..kept]);
    }
    let report = read(file).unwrap();
    assert_eq!(report.counters.segments, frames.len() as u64);
    assert!(report.counters.skipped.is_empty());
}

#[test]
fn damage_is_told_with_its_place_and_what_came_before_is_kept() {
    let whole = classic(&race(), false, false, 1);
    let told = |file: &[u8]| {
        let report = read(file.to_vec()).unwrap();
        assert!(report.notes.iter().any(|note| note.code == "damaged_capture"));
        (report.captures[0].frames, report.captures[0].damage.clone().unwrap())
    };
    let (frames, damage) = told(&whole[..whole.len() - 3]);
    assert_eq!(frames, 11);
    assert!(
        damage.starts_with("record 12 at byte ") && damage.ends_with("need at least 70"),
        "{damage}"
    );
    let mut lies = whole.clone();
    lies[32..36].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let (frames, damage) = told(&lies);
    assert_eq!(frames, 0);
    assert_eq!(
        damage,
        "record 1 at byte 24: claims 2147483647 captured bytes, can be at most 16777216"
    );

    let whole = pcapng(&race(), false, 6, 1_000_000);
    let mut short = whole.clone();
    let third = 28 + 32;
    short[third + 4..third + 8].copy_from_slice(&10_u32.to_le_bytes());
    let (frames, damage) = told(&short);
    assert_eq!((frames, damage.as_str()), (0, "block 3 at byte 60: length 10, need at least 12"));
    let mut differs = whole.clone();
    let end = differs.len();
    differs[end - 4..].copy_from_slice(&8_u32.to_le_bytes());
    let (frames, damage) = told(&differs);
    assert_eq!(frames, 11);
    assert!(damage.ends_with("at its beginning, 8 at its end"), "{damage}");
}

#[test]
fn what_is_no_capture_is_refused_with_what_it_is() {
    let refused = |file: &[u8]| read(file.to_vec()).unwrap_err().to_string();
    assert!(refused(b"").starts_with("file: the file is empty; wanted a pcap or pcapng capture"));
    let cut = refused(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0]);
    assert!(cut.contains("cut inside its header (10 of 24 bytes)"), "{cut}");
    assert!(refused(&[0xd4, 0xc3, 0xb2]).contains("begins with bytes d4 c3 b2"), "anything may");
    assert!(refused(b"hello world, this is text\n").contains("begins with bytes 68 65 6c 6c"));
    assert!(refused(&[0x1f, 0x8b, 8, 0]).starts_with("file: cannot read: "));
    assert!(refused(&[0x28, 0xb5, 0x2f, 0xfd, 0]).starts_with("file: cannot read: "));
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_captures_are_read_alike_and_damage_in_them_is_told() {
    let plain = classic(&race(), false, false, 1);
    let zstd = ruzstd::encoding::compress_to_vec(
        Cursor::new(plain.clone()),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    // Rotated logs are often compressed piece by piece and put together.
    let (a, b) = plain.split_at(300);
    let pieces = [gzip(a), gzip(b)].concat();
    for file in [gzip(&plain), zstd, pieces] {
        let report = read(file).unwrap();
        assert_eq!(causes(&report), ["keepalive_race"]);
        assert_eq!(report.captures[0].frames, 12);
    }
    let mut big = race();
    for _ in 0..12 {
        big = [big.clone(), big].concat();
    }
    let whole = gzip(&classic(&big, false, false, 1));
    let report = read(whole[..whole.len() / 2].to_vec()).unwrap();
    assert!(report.captures[0].frames > 12);
    assert!(report.captures[0].damage.is_some());
}

#[test]
fn the_modified_format_is_read() {
    let mut file = classic(&[], false, false, 1);
    file[..4].copy_from_slice(&0xa1b2_cd34_u32.to_le_bytes());
    for frame in race() {
        let len = frame.bytes.len() as u32;
        let fields = [(frame.at / 1_000_000_000) as u32, 0, len, len, 7, 0x0000_0800];
        fields.into_iter().for_each(|field| file.extend_from_slice(&field.to_le_bytes()));
        file.extend_from_slice(&frame.bytes);
    }
    let report = read(file).unwrap();
    assert_eq!((report.captures[0].format, report.captures[0].frames), (CaptureFormat::Pcap, 12));
    assert_eq!(causes(&report), ["keepalive_race"]);
}

/// Gives a few bytes at a time, as a pipe does.
struct Trickle(Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let some = into.len().min(self.1);
        self.0.read(&mut into[..some])
    }
}

#[test]
fn however_the_bytes_come_in_the_frames_are_the_same() {
    for file in [classic(&race(), true, true, 1), pcapng(&race(), false, 9, 1_000_000_000)] {
        for step in [1, 7, 64, 1_000] {
            let input = Box::new(Trickle(Cursor::new(file.clone()), step));
            let source = Savefile::from_reader(input, "pipe".to_owned(), 0).unwrap();
            let report =
                analysis::analyze(&mut [source], Settings::default(), &mut |_| {}).unwrap();
            assert_eq!(report.captures[0].frames, 12);
            assert_eq!(causes(&report), ["keepalive_race"]);
        }
    }
}
