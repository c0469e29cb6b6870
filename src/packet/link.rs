//! The link layer: a frame becomes an IP datagram.

use super::{Cut, Frame, LinkType, Skip, tunnel};
use etherparse::{Ethernet2Header, Ethernet2HeaderSlice, SingleVlanHeader, SingleVlanHeaderSlice};

const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
pub(super) const ARP: u16 = 0x0806;
/// 802.1Q, 802.1ad and the older number for stacked tags.
const VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// More stacked tags than any network uses; a frame of nothing but tags ends here.
const MAX_TAGS: usize = 8;
/// Packet type (2), hardware (2), address (2 + 8), protocol (2).
const SLL_HEADER: usize = 16;
/// Protocol (2), reserved (2), interface (4), hardware (2), packet type (1), address (1 + 8).
const SLL2_HEADER: usize = 20;

/// The IP datagram in a frame.
pub(super) fn datagram<'a>(frame: &Frame<'a>) -> Result<Cut<'a>, Skip> {
    let (ether_type, rest) = payload(frame)?;
    if ether_type == IPV4 || ether_type == IPV6 {
        Ok(rest)
    } else {
        Err(tunnel::of_frame(ether_type))
    }
}

/// What a frame carries, by its Ethernet type.
#[inline]
pub(super) fn payload<'a>(frame: &Frame<'a>) -> Result<(u16, Cut<'a>), Skip> {
    let whole = Cut { bytes: frame.bytes, wire_len: frame.wire_len };
    match frame.link {
        LinkType::ETHERNET => {
            let header = Ethernet2HeaderSlice::from_slice(frame.bytes)
                .map_err(|_| whole.shorter_than(Ethernet2Header::LEN))?;
            tagged(header.ether_type().0, whole, Ethernet2Header::LEN)
        }
        // Read by hand: etherparse refuses hardware types that it does not know, and has no
        // version 2.
        LinkType::LINUX_SLL => {
            let Some(&[.., high, low]) = frame.bytes.first_chunk::<SLL_HEADER>() else {
                return Err(whole.shorter_than(SLL_HEADER));
            };
            tagged(u16::from_be_bytes([high, low]), whole, SLL_HEADER)
        }
        LinkType::LINUX_SLL2 => {
            let Some(&[high, low, ..]) = frame.bytes.first_chunk::<SLL2_HEADER>() else {
                return Err(whole.shorter_than(SLL2_HEADER));
            };
            tagged(u16::from_be_bytes([high, low]), whole, SLL2_HEADER)
        }
        // The four bytes of address family differ between systems and byte orders; what follows
        // says by its version what it is.
        LinkType::NULL | LinkType::LOOP => untagged(whole, 4),
        LinkType::RAW | LinkType(12 | 14) | LinkType::IPV4 | LinkType::IPV6 => untagged(whole, 0),
        LinkType::NFLOG => logged(whole),
        _ => Err(Skip::UnsupportedLink),
    }
}

/// The payload among the values of a netfilter log record: a header of four bytes, then length,
/// type and value, padded to four bytes, in the byte order of the host
/// (<https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html>). Hosts are little endian by now.
fn logged(whole: Cut<'_>) -> Result<(u16, Cut<'_>), Skip> {
    const PAYLOAD: u16 = 9;
    let mut rest = whole.after(4).ok_or_else(|| whole.shorter_than(4))?;
    while let Some(&[a, b, c, d]) = rest.bytes.first_chunk::<4>() {
        let (length, kind) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        if kind == PAYLOAD {
            return untagged(rest, 4);
        }
        let next = usize::from(length).max(4).next_multiple_of(4);
        rest = rest.after(next).ok_or(Skip::Truncated)?;
    }
    Err(Skip::NotIp)
}

/// Whether a frame left the host that captured it, where its link header says so: packet type 0 is
/// "to us", 4 "sent by us" (<https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html>).
pub(super) fn outgoing(frame: &Frame<'_>) -> Option<bool> {
    let packet_type = match frame.link {
        LinkType::LINUX_SLL => frame.bytes.get(1),
        LinkType::LINUX_SLL2 => frame.bytes.get(10),
        _ => None,
    };
    match packet_type? {
        0 => Some(false),
        4 => Some(true),
        _ => None,
    }
}

/// What follows `header` bytes whose type field is `ether_type`, any VLAN tags removed.
fn tagged(mut ether_type: u16, whole: Cut<'_>, header: usize) -> Result<(u16, Cut<'_>), Skip> {
    let mut rest = whole.after(header).ok_or(Skip::Truncated)?;
    for _ in 0..MAX_TAGS {
        if !VLAN.contains(&ether_type) {
            break;
        }
        let tag = SingleVlanHeaderSlice::from_slice(rest.bytes)
            .map_err(|_| rest.shorter_than(SingleVlanHeader::LEN))?;
        ether_type = tag.ether_type().0;
        rest = rest.after(SingleVlanHeader::LEN).ok_or(Skip::Truncated)?;
    }
    Ok((ether_type, rest))
}

/// What follows `header` bytes, if its first four bits are an IP version.
fn untagged(whole: Cut<'_>, header: usize) -> Result<(u16, Cut<'_>), Skip> {
    let rest = whole.after(header).ok_or_else(|| whole.shorter_than(header))?;
    match rest.bytes.first().map(|first| first >> 4) {
        Some(4) => Ok((IPV4, rest)),
        Some(6) => Ok((IPV6, rest)),
        Some(_) => Err(Skip::NotIp),
        None => Err(rest.shorter_than(1)),
    }
}
