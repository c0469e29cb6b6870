//! ICMP errors that quote a TCP segment: somebody on the way could not deliver it.

use super::{Endpoint, Frame, FrameRef, SeqNum, link};
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice};
use std::net::IpAddr;

/// A "destination unreachable" (RFC 792, RFC 4443) about a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unreachable {
    /// The frame of the error.
    pub frame: FrameRef,
    /// Who says so.
    pub by: IpAddr,
    /// What it says.
    pub code: u8,
    /// Whether the message is ICMPv6, whose codes are others.
    pub v6: bool,
    /// Who sent the segment.
    pub src: Endpoint,
    /// Where it was to go.
    pub dst: Endpoint,
    /// Sequence number of the segment that it quotes.
    pub seq: SeqNum,
    /// How much of the error's frame comes before what it quotes of the segment's acknowledgement, flags
    /// and payload: the rest may hold anything that was sent.
    pub before_rest: usize,
}

impl Unreachable {
    /// What the code means.
    pub const fn meaning(&self) -> &'static str {
        match (self.v6, self.code) {
            (false, 0) | (true, 0) => "no route to the network",
            (false, 1) | (true, 3) => "host unreachable",
            (false, 2) => "protocol unreachable",
            (false, 3) | (true, 4) => "port unreachable",
            (false, 9 | 10 | 13) | (true, 1) => "prohibited by an administrator (a firewall)",
            (false, 6 | 7) => "unknown network or host",
            (true, 5 | 6) => "rejected by policy or route",
            _ => "unreachable",
        }
    }
}

/// The error in a frame; `None` when there is none, or none about TCP. "Fragmentation needed" is
/// none: the sender sends smaller segments.
pub fn unreachable(frame: &Frame<'_>) -> Option<Unreachable> {
    const FRAGMENTATION_NEEDED: u8 = 4;
    let bytes = link::datagram(frame).ok()?.bytes;
    let (by, v6, icmp) = if bytes.first()? >> 4 == 4 {
        let header = Ipv4HeaderSlice::from_slice(bytes).ok()?;
        if header.protocol() != IpNumber::ICMP || header.is_fragmenting_payload() {
            return None;
        }
        (IpAddr::V4(header.source_addr()), false, bytes.get(header.slice().len()..)?)
    } else {
        let header = Ipv6HeaderSlice::from_slice(bytes).ok()?;
        if header.next_header() != IpNumber::IPV6_ICMP {
            return None;
        }
        (IpAddr::V6(header.source_addr()), true, bytes.get(header.slice().len()..)?)
    };
    // Type, code, checksum, four unused bytes, then the datagram that was not delivered.
    let (&kind, &code) = (icmp.first()?, icmp.get(1)?);
    let destination_unreachable =
        if v6 { kind == 1 } else { kind == 3 && code != FRAGMENTATION_NEEDED };
    let quoted = icmp.get(8..).filter(|_| destination_unreachable)?;
    let (src, dst, tcp) = if v6 {
        let header = Ipv6HeaderSlice::from_slice(quoted).ok()?;
        let tcp = quoted.get(header.slice().len()..)?;
        (header.next_header() == IpNumber::TCP).then_some(())?;
        (IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()), tcp)
    } else {
        let header = Ipv4HeaderSlice::from_slice(quoted).ok()?;
        let tcp = quoted.get(header.slice().len()..)?;
        (header.protocol() == IpNumber::TCP).then_some(())?;
        (IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()), tcp)
    };
    // Eight bytes are quoted at least: both ports and the sequence number.
    let &[a, b, c, d, e, f, g, h] = tcp.first_chunk::<8>()?;
    Some(Unreachable {
        frame: frame.reference,
        by,
        code,
        v6,
        src: Endpoint { addr: src, port: u16::from_be_bytes([a, b]) },
        dst: Endpoint { addr: dst, port: u16::from_be_bytes([c, d]) },
        seq: SeqNum(u32::from_be_bytes([e, f, g, h])),
        before_rest: tcp
            .as_ptr()
            .addr()
            .saturating_sub(frame.bytes.as_ptr().addr())
            .saturating_add(8),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::packet::LinkType;

    #[test]
    fn of_the_quoted_segment_the_ports_and_the_number_come_before_the_rest() {
        let ip = |protocol: u8, len: usize| {
            let mut header = vec![0x45, 0, 0, u8::try_from(len + 20).unwrap(), 0, 0, 0, 0, 64];
            header.extend([protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
            header
        };
        let mut segment = vec![0x1f, 0x90, 0, 80, 0, 0, 0, 9];
        segment.extend([0; 12]);
        segment.extend(b"s3cret");
        let mut bytes = ip(1, 8 + 20 + segment.len());
        bytes.extend([3, 13, 0, 0, 0, 0, 0, 0]);
        bytes.extend(ip(6, segment.len()));
        bytes.extend(&segment);
        let frame = Frame {
            reference: FrameRef { capture: 0, number: 1, at: Timestamp::default() },
            link: LinkType::IPV4,
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes: &bytes,
        };
        let error = unreachable(&frame).unwrap();
        assert_eq!((error.src.port, error.dst.port, error.seq), (8080, 80, SeqNum(9)));
        assert_eq!(&bytes[..error.before_rest], &bytes[..20 + 8 + 20 + 8]);
    }
}
