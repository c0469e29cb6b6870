//! Both sides of a TLS connection, in segments of any size, with gaps and with segments that the snap length cut:
//! nothing panics, and the pieces of each side cover it in order and without overlap.
//!
//! An input is a row of segments: whose it is and what becomes of it (a byte), how long it is (two, little-endian),
//! and its bytes. `seeds` makes inputs of real captures.

#![no_main]

use libfuzzer_sys::fuzz_target;
use why502::inside::base::time::Timestamp;
use why502::inside::flow::{Side, StreamEvent, StreamPos};
use why502::inside::packet::FrameRef;
use why502::inside::streams::tls::{Piece, TlsStream};

/// One side as it was given, and as it was read.
#[derive(Default)]
struct Sent {
    given: u64,
    read: u64,
}

struct Both([Sent; 2]);

impl Both {
    fn of(&mut self, side: Side) -> &mut Sent {
        &mut self.0[usize::from(side == Side::Server)]
    }

    fn take(&mut self, piece: &Piece) {
        let sent = self.of(piece.from);
        assert_eq!(
            piece.pos,
            StreamPos::default().plus(sent.read),
            "in order, without overlap: {piece:?}"
        );
        sent.read += piece.len;
        assert!(sent.read <= sent.given, "no more than was sent: {piece:?}");
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, mut rest)) = input.split_first() else { return };
    let mut stream = TlsStream::new(first & 1 == 1);
    let mut both = Both(Default::default());
    let mut number = 0;
    while let [control, low, high, after @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (bytes, behind) = after.split_at(len);
        rest = behind;
        number += 1;
        let (from, peer) = match control & 1 {
            0 => (Side::Client, Side::Server),
            _ => (Side::Server, Side::Client),
        };
        let frame = FrameRef { capture: 0, number, at: Timestamp::from_nanos(number * 1_000_000) };
        let pos = StreamPos::default().plus(both.of(from).given);
        let ack = (control & 2 == 0).then(|| StreamPos::default().plus(both.of(peer).given));
        let (seen, missing) = match control >> 4 {
            // Of one in four something is missing: all, or what the snap length cut.
            0 | 1 => (0, len),
            2 | 3 => (len / 2, len - len / 2),
            _ => (len, 0),
        };
        let length = u32::try_from(seen + missing).unwrap();
        if length == 0 {
            continue;
        }
        both.of(from).given += u64::from(length);
        let event = if seen == 0 {
            StreamEvent::Gap { from, pos, len: length.into(), frame }
        } else {
            let first_copy = control & 4 == 0;
            StreamEvent::Bytes {
                from,
                pos,
                bytes: &bytes[..seen],
                len: length,
                ack,
                first_copy,
                frame,
            }
        };
        stream.on(&event, &mut |piece| both.take(&piece));
        if control & 8 != 0 {
            stream.on(&StreamEvent::Quiet, &mut |piece| both.take(&piece));
        }
    }
    stream.on(&StreamEvent::Settled, &mut |piece| both.take(&piece));
    stream.on(&StreamEvent::End, &mut |piece| both.take(&piece));
    let facts = stream.facts();
    assert!(
        facts.alerts.len() <= 16 && facts.certificates.len() <= 4 && facts.alpn_offered.len() <= 16
    );
});
