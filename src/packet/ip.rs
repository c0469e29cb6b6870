//! IPv4 and IPv6: a datagram becomes its TCP part.

use super::{Cut, Skip, tunnel};
use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice,
};
use std::net::IpAddr;

/// A TCP header and what follows it, with the addresses it travelled between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transport<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) ttl: u8,
    pub(super) id: u16,
    pub(super) tcp: Cut<'a>,
}

/// More extension headers than any sender uses.
const MAX_EXTENSIONS: usize = 8;

/// The TCP part of an IP datagram.
pub(super) fn transport(datagram: Cut<'_>) -> Result<Transport<'_>, Skip> {
    match datagram.bytes.first().map(|first| first >> 4) {
        Some(4) => ipv4(datagram),
        Some(6) => ipv6(datagram),
        Some(_) => Err(Skip::Malformed),
        None => Err(datagram.shorter_than(1)),
    }
}

fn ipv4(datagram: Cut<'_>) -> Result<Transport<'_>, Skip> {
    let header = Ipv4HeaderSlice::from_slice(datagram.bytes).map_err(|_| {
        let words = datagram.bytes.first().map_or(0, |first| first & 0x0f);
        if words < 5 { Skip::Malformed } else { datagram.shorter_than(usize::from(words) * 4) }
    })?;
    if header.protocol() != IpNumber::TCP {
        // Only the first fragment begins with what tells.
        let payload = datagram.after(header.slice().len());
        let first = header.fragments_offset().value() == 0;
        return Err(tunnel::behind(header.protocol(), payload.filter(|_| first)));
    }
    if header.is_fragmenting_payload() {
        return Err(Skip::Fragment);
    }
    let length = u32::from(header.total_len());
    // Zero: the card was to cut it into segments later (large send offload); the frame is its length.
    let datagram = if length == 0 { datagram } else { datagram.limited(length) };
    Ok(Transport {
        src: IpAddr::V4(header.source_addr()),
        dst: IpAddr::V4(header.destination_addr()),
        ttl: header.ttl(),
        id: header.identification(),
        tcp: datagram.after(header.slice().len()).ok_or(Skip::Malformed)?,
    })
}

fn ipv6(datagram: Cut<'_>) -> Result<Transport<'_>, Skip> {
    let header = Ipv6HeaderSlice::from_slice(datagram.bytes)
        .map_err(|_| datagram.shorter_than(etherparse::Ipv6Header::LEN))?;
    let mut rest = datagram.after(header.slice().len()).ok_or(Skip::Truncated)?;
    // Zero: a jumbogram, or offload as above.
    if header.payload_length() != 0 {
        rest = rest.limited(u32::from(header.payload_length()));
    }
    let mut next = header.next_header();
    for _ in 0..MAX_EXTENSIONS {
        let length = match next {
            IpNumber::TCP => {
                return Ok(Transport {
                    src: IpAddr::V6(header.source_addr()),
                    dst: IpAddr::V6(header.destination_addr()),
                    ttl: header.hop_limit(),
                    id: 0,
                    tcp: rest,
                });
            }
            IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_ROUTE_HEADER
            | IpNumber::IPV6_DESTINATION_OPTIONS => {
                let extension = Ipv6RawExtHeaderSlice::from_slice(rest.bytes)
                    .map_err(|_| rest.shorter_than(8))?;
                next = extension.next_header();
                extension.slice().len()
            }
            IpNumber::AUTHENTICATION_HEADER => {
                let extension =
                    IpAuthHeaderSlice::from_slice(rest.bytes).map_err(|_| rest.shorter_than(12))?;
                next = extension.next_header();
                extension.slice().len()
            }
            IpNumber::IPV6_FRAGMENTATION_HEADER => {
                let extension = Ipv6FragmentHeaderSlice::from_slice(rest.bytes)
                    .map_err(|_| rest.shorter_than(8))?;
                if extension.is_fragmenting_payload() {
                    return Err(Skip::Fragment);
                }
                next = extension.next_header();
                extension.slice().len()
            }
            other => return Err(tunnel::behind(other, Some(rest))),
        };
        rest = rest.after(length).ok_or(Skip::Malformed)?;
    }
    Err(Skip::NotTcp)
}
