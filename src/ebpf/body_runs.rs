//! Segments that only went on with a body, told as one.
//!
//! The kernel's program says how far they went; a frame is made of the headers of the one that follows, for
//! whatever reads frames to read. It is longer than an IP header can say, and says 0, as do segments that
//! wait to be cut up by a network card.

use crate::packet::LinkType;

/// No headers are longer.
const MOST: usize = 256;
const TCP_HEADER: usize = 20;
const ACK: u8 = 0x10;

/// What passed before a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    /// When the last of it passed, on the kernel's clock.
    pub(super) at: u64,
    pub(super) seq: u32,
    /// Bytes of payload.
    pub(super) length: u32,
    pub(super) ack: u32,
    pub(super) window: u16,
    pub(super) ttl: u8,
    /// The run went against the way of the frame.
    pub(super) back: bool,
}

/// A frame without payload that stands for a run.
pub(super) struct JoinedRun {
    bytes: [u8; MOST],
    len: usize,
    /// Length on the wire that one frame of all the run's bytes would have.
    pub(super) wire_len: u32,
}

impl JoinedRun {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Makes a frame of `run` like `next`, whose headers begin at `ip` and `tcp`; `None` where they do not fit.
pub(super) fn joined(
    run: &Run,
    next: &[u8],
    link: LinkType,
    ip: usize,
    tcp: usize,
) -> Option<JoinedRun> {
    let len = tcp.checked_add(TCP_HEADER)?;
    let mut bytes = [0; MOST];
    let headers = bytes.get_mut(..len)?;
    headers.copy_from_slice(next.get(..len)?);
    let (before, segment) = headers.split_at_mut_checked(tcp)?;
    let (outer, datagram) = before.split_at_mut_checked(ip)?;
    let (addresses, size) = match datagram.first()? >> 4 {
        4 => {
            put(datagram, 2, [0, 0])?;
            put(datagram, 4, [0, 0])?;
            put(datagram, 8, [run.ttl])?;
            (12, 4)
        }
        6 => {
            put(datagram, 4, [0, 0])?;
            put(datagram, 7, [run.ttl])?;
            (8, 16)
        }
        _ => return None,
    };
    if run.back {
        swap(datagram, addresses, size)?;
        swap(segment, 0, 2)?;
        if link == LinkType::ETHERNET {
            swap(outer, 0, 6)?;
        }
    }
    put(segment, 4, run.seq.to_be_bytes())?;
    put(segment, 8, run.ack.to_be_bytes())?;
    put(segment, 12, [5 << 4, ACK])?;
    put(segment, 14, run.window.to_be_bytes())?;
    let wire_len = u32::try_from(len).ok()?.saturating_add(run.length);
    Some(JoinedRun { bytes, len, wire_len })
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut()? = value;
    Some(())
}

/// Changes two fields of this size that stand side by side.
fn swap(bytes: &mut [u8], at: usize, size: usize) -> Option<()> {
    let (first, second) = bytes.get_mut(at..)?.split_at_mut_checked(size)?;
    first.swap_with_slice(second.get_mut(..size)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::packet::{Frame, FrameRef, decode};

    fn frame<'a>(bytes: &'a [u8], wire_len: u32, link: LinkType) -> Frame<'a> {
        let at = Timestamp::from_nanos(1);
        Frame { reference: FrameRef { capture: 0, number: 1, at }, link, wire_len, bytes }
    }

    /// A segment from 10.0.0.1:8080 to 10.0.0.2:40000 in an Ethernet frame with a VLAN tag.
    fn v4() -> Vec<u8> {
        let mut bytes = vec![1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0x81, 0, 0, 7, 8, 0];
        bytes.extend([0x45, 0, 0, 52, 9, 9, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes
            .extend([0x1f, 0x90, 0x9c, 0x40, 0, 0, 0, 9, 0, 0, 0, 8, 0x80, 0x18, 1, 0, 0, 0, 0, 0]);
        bytes.extend([0; 12]);
        bytes
    }

    #[test]
    fn a_run_is_a_segment_that_goes_on_for_longer_than_ip_can_say() {
        let (next, run) = (v4(), run(false));
        let joined = joined(&run, &next, LinkType::ETHERNET, 18, 38).unwrap();
        let segment = decode(&frame(joined.bytes(), joined.wire_len, LinkType::ETHERNET)).unwrap();
        assert_eq!((segment.src.port, segment.dst.port), (8080, 40000));
        assert_eq!((segment.seq.0, segment.ack.0), (u32::MAX, 77));
        assert_eq!((segment.payload_len, segment.payload.len()), (200_000, 0));
        assert_eq!((segment.window, segment.ttl, segment.flags.0), (501, 63, ACK));
    }

    #[test]
    fn a_run_of_the_other_side_has_its_ends_the_other_way_round() {
        let (next, run) = (v4(), run(true));
        let made = joined(&run, &next, LinkType::ETHERNET, 18, 38).unwrap();
        let segment = decode(&frame(made.bytes(), made.wire_len, LinkType::ETHERNET)).unwrap();
        assert_eq!((segment.src.port, segment.dst.port), (40000, 8080));
        assert_eq!(segment.src.addr.to_string(), "10.0.0.2");
        assert_eq!(made.bytes()[..12], [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]);

        let mut v6 = vec![0x60, 0, 0, 0, 0, 20, 6, 64];
        v6.extend([[1; 16], [2; 16]].concat());
        v6.extend([0, 80, 0, 90, 0, 0, 0, 9, 0, 0, 0, 8, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        let made = joined(&run, &v6, LinkType::RAW, 0, 40).unwrap();
        let segment = decode(&frame(made.bytes(), made.wire_len, LinkType::RAW)).unwrap();
        assert_eq!((segment.src.port, segment.dst.port), (90, 80));
        assert_eq!(
            (segment.src.addr.to_string(), segment.payload_len),
            ("202:202:202:202:202:202:202:202".to_owned(), 200_000)
        );
    }

    #[test]
    fn what_does_not_fit_makes_none() {
        for (ip, tcp) in [(18, 60), (40, 38), (300, 320), (14, 38)] {
            assert!(joined(&run(true), &v4(), LinkType::ETHERNET, ip, tcp).is_none(), "{ip} {tcp}");
        }
    }

    fn run(back: bool) -> Run {
        Run { at: 5, seq: u32::MAX, length: 200_000, ack: 77, window: 501, ttl: 63, back }
    }
}
